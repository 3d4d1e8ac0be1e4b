/** The Verilog of small designs, whole: how names, state, hierarchy and memories come out. */
import assert from "node:assert/strict";
import { lint } from "../../tools/lint.js";
import { expectText } from "../expect.testing.js";
import {
  bool,
  defineModule,
  elaborate,
  emitVerilog,
  enumReg,
  lit,
  match,
  Mem,
  mux,
  nameMap,
  reg,
  select,
  sint,
  stream,
  uint,
  when,
} from "../index.js";

type Elaborable = Parameters<typeof elaborate>[0] & { readonly name: string };

/** From `module` to `endmodule`, the file's head left out. */
const verilog = (def: Elaborable, file = `${def.name}.v`): string => {
  const text = emitVerilog(elaborate(def), { sourceComments: false }).get(file);
  assert.ok(text !== undefined, `no file ${file}`);
  return text.slice(text.indexOf("module "), text.indexOf("endmodule") + "endmodule".length);
};

const blinker = defineModule(
  "traffic_light",
  { in: { tick: bool, request: bool }, out: { green: bool, red: bool } },
  ({ tick, request }) => {
    const state = enumReg("state", ["stop", "go", "slow"] as const);
    const left = reg("ticks_left", uint(4), { reset: 0 });
    when(tick.and(left.ne(0)), () => left.set(left.subMod(1)));
    match(state, {
      stop: () =>
        when(request, () => {
          state.go("go");
          left.set(9);
        }),
      go: () => when(left.eq(0), () => state.go("slow")),
      slow: () => when(tick, () => state.go("stop")),
    });
    return { green: state.is("go"), red: state.is("stop") };
  },
);

const half = defineModule(
  "half_adder",
  { in: { a: bool, b: bool }, out: { sum: bool, carry: bool } },
  ({ a, b }) => ({
    sum: a.xor(b),
    carry: a.and(b),
  }),
);
const full = defineModule(
  "full_adder",
  { in: { a: bool, b: bool, carry_in: bool }, out: { sum: bool, carry: bool } },
  ({ a, b, carry_in }) => {
    const first = half.inst("u_first", { a, b });
    const second = half.inst("u_second", { a: first.sum, b: carry_in });
    return { sum: second.sum, carry: first.carry.or(second.carry) };
  },
);

const bytes = defineModule(
  "byte_memory",
  {
    in: { write: bool, mask: uint(2), addr: uint(4), data: uint(16), read_addr: uint(4) },
    out: { word: uint(16) },
  },
  ({ write, mask, addr, data, read_addr }) => {
    const words = new Mem("words", uint(16), 16, { readDuringWrite: "old" });
    words.write(write, addr, data, { mask, granule: 8 });
    return { word: words.read(read_addr) };
  },
);

const scale = defineModule(
  "scale_and_clip",
  { in: { x: stream(sint(12)), shift: uint(3) }, out: { y: stream(sint(8)) } },
  ({ x, shift }) => ({
    y: x.pipe(sint(8), (v, cut) => {
      const scaled = cut(
        v
          .mul(lit(sint(4), -5))
          .dshr(shift)
          .as("scaled"),
      );
      return cut(scaled.clamp(-127, 127).wrap(8));
    }),
  }),
);

const table = defineModule(
  "seven_segment",
  { in: { digit: uint(2), blank: bool }, out: { segments: uint(7) } },
  ({ digit, blank }) => ({
    segments: mux(
      blank,
      0,
      select(
        digit,
        [0x3f, 0x06, 0x5b, 0x4f].map((v) => lit(uint(7), v)),
      ),
    ),
  }),
);

describe("emitted Verilog", () => {
  it("of a state machine: guards share an if, reset first", () =>
    expectText(
      verilog(blinker),
      `
      module traffic_light (
        input  wire clk,
        input  wire rst,
        input  wire tick,
        input  wire request,
        output wire green,
        output wire red
      );
        reg  [1:0] state;
        reg  [3:0] ticks_left;

        wire [3:0] ticks_left_next = ticks_left - 4'd1;
        wire state_is_stop = state == 2'd0;
        wire state_is_stop_and_request = state_is_stop & request;
        wire state_is_go = state == 2'd1;
        wire state_is_slow = state == 2'd2;

        always @(posedge clk) begin
          if (rst) begin
            state <= 2'd0;
            ticks_left <= 4'd0;
          end else begin
            if (state_is_slow & tick) state <= 2'd0;
            else if (state_is_go & (ticks_left == 4'd0)) state <= 2'd2;
            else if (state_is_stop_and_request) state <= 2'd1;
            if (state_is_stop_and_request) ticks_left <= 4'd9;
            else if (tick & (ticks_left != 4'd0)) ticks_left <= ticks_left_next;
          end
        end

        assign green = state_is_go;
        assign red = state_is_stop;
      endmodule
    `,
    ));
  it("of hierarchy: instances by name, every port on its line", () =>
    expectText(
      verilog(full),
      `
      module full_adder (
        input  wire a,
        input  wire b,
        input  wire carry_in,
        output wire sum,
        output wire carry
      );
        wire u_first_sum;
        wire u_first_carry;
        wire u_second_carry;

        half_adder u_first (
          .a(a),
          .b(b),
          .sum(u_first_sum),
          .carry(u_first_carry)
        );
        half_adder u_second (
          .a(u_first_sum),
          .b(carry_in),
          .sum(sum),
          .carry(u_second_carry)
        );

        assign carry = u_first_carry | u_second_carry;
      endmodule
    `,
    ));
  it("of a memory with byte enables: an array per byte, the form that block RAM is inferred from", () =>
    expectText(
      verilog(bytes),
      `
      module byte_memory (
        input  wire clk,
        input  wire rst,
        input  wire write,
        input  wire [1:0] mask,
        input  wire [3:0] addr,
        input  wire [15:0] data,
        input  wire [3:0] read_addr,
        output reg  [15:0] word
      );
        reg [7:0] words_0 [0:15];
        reg [7:0] words_1 [0:15];

        always @(posedge clk) word <= {words_1[read_addr], words_0[read_addr]};
        always @(posedge clk) begin
          if (write && mask[0]) words_0[addr] <= data[7:0];
          if (write && mask[1]) words_1[addr] <= data[15:8];
        end

        // Bits that nothing reads.
        wire unused_ok = &{1'b0, rst};
      endmodule
    `,
    ));
  it("of a pipeline behind a stream: signed operators say so, negative constants read as they count", () =>
    expectText(
      verilog(scale),
      `
      module scale_and_clip (
        input  wire clk,
        input  wire rst,
        input  wire x_valid,
        input  wire [11:0] x_data,
        input  wire [2:0] shift,
        input  wire y_ready,
        output wire x_ready,
        output wire y_valid,
        output reg  [7:0] y_data
      );
        wire pipe_enable;
        reg  [15:0] scaled_d1;
        reg  pipe_valid_d1;
        reg  pipe_valid_d2;

        assign pipe_enable = (~pipe_valid_d2) | y_ready;
        assign x_ready = pipe_enable;
        wire [15:0] scaled_product = $signed(x_data) * -16'sd5;
        wire [15:0] scaled = $signed(scaled_product) >>> shift;
        wire [7:0] y_data_next =
            ($signed(scaled_d1) < -16'sd127) ? -8'sd127
          : (16'sd127 < $signed(scaled_d1)) ? 8'd127
          : scaled_d1[7:0];

        always @(posedge clk) begin
          if (pipe_enable) begin
            scaled_d1 <= scaled;
            y_data <= y_data_next;
          end
        end
        always @(posedge clk) begin
          if (rst) begin
            pipe_valid_d1 <= 1'b0;
            pipe_valid_d2 <= 1'b0;
          end else begin
            if (pipe_enable) begin
              pipe_valid_d1 <= x_valid;
              pipe_valid_d2 <= pipe_valid_d1;
            end
          end
        end

        assign y_valid = pipe_valid_d2;
      endmodule
    `,
    ));
  it("of a table", () =>
    expectText(
      verilog(table),
      `
    module seven_segment (
      input  wire [1:0] digit,
      input  wire blank,
      output wire [6:0] segments
    );
      reg  [6:0] segments_case;

      always @*
        case (digit)
          2'd0: segments_case = 7'd63;
          2'd1: segments_case = 7'd6;
          2'd2: segments_case = 7'd91;
          default: segments_case = 7'd79;
        endcase
      assign segments = blank ? 7'd0 : segments_case;
    endmodule
  `,
    ));
  it("is clean under Verilator -Wall, Icarus -Wall and Yosys", async () => {
    for (const def of [blinker, full, bytes, scale, table]) {
      const design = elaborate(def);
      for (const { tool, clean, output } of await lint(emitVerilog(design), design.top))
        assert.ok(clean, `${def.name} in ${tool}: ${output}`);
    }
  });
  it("comes with a map from names in the description to names in the Verilog", () => {
    const clash = defineModule("clash", { in: { x: uint(4) }, out: { y: uint(4) } }, ({ x }) => ({
      y: x.addMod(1).as("reg").xor(x.as("wire").addMod(3)),
    }));
    expectText(
      nameMap(elaborate(clash)),
      `
      {
        "clash": {
          "reg": "reg_",
          "wire": "wire_",
          "x": "x"
        }
      }
    `,
    );
  });
});
