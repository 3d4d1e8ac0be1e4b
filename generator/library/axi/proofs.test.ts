/**
 * AXI's manners, proved: the rules are those that every simulation watches (`axicheck.ts`, `axiscript.ts`), everything that the
 * other side may do is free. z3 judges up to a depth, PDR for all time.
 */
import assert from "node:assert/strict";
import { axiReadCheck, axiWriteCheck } from "../../../testbenches/harness/axicheck.js";
import { liteCheck } from "../../../testbenches/harness/axiscript.js";
import { bool, defineModule, reg, type Sig, source, stream, uint, when } from "../../hdl/index.js";
import { type Proof, proveWith } from "../proof.testing.js";
import { lite, liteMasterPorts, liteWrite } from "./lite.js";
import { type AxiPort, portName, transfer } from "./ports.js";
import { readMaster } from "./readmaster.js";
import { writeMaster, writeWord } from "./writemaster.js";

const ADDRESS = 4;
const PORT: AxiPort = { dataBits: 32, burst: 2, outstanding: 2 };

/** The slave, its rules, and that each write goes out once, as it came. */
const liteProof = defineModule(
  "lite_proof",
  {
    in: { m: liteMasterPorts(ADDRESS), takes: bool, asks: bool, answer: uint(32), answers: bool },
    out: { good: bool },
  },
  ({ m, takes, asks, answer, answers }) => {
    const slave = lite(ADDRESS).inst("u_dut", {
      axi: m,
      answer: source(uint(32), answer, answers, "answer"),
    });
    const { broken } = liteCheck(ADDRESS).inst("u_rules", { m, s: slave.axi });
    const word = reg("word", liteWrite(ADDRESS).word);
    const data = reg("data", uint(32));
    const strobe = reg("strobe", uint(4));
    const given = reg("given", uint(2), { reset: 0 });
    const address = m.awvalid.and(slave.axi.awready);
    const bytes = m.wvalid.and(slave.axi.wready);
    when(address, () => word.set(m.awaddr.shr(2)));
    when(bytes, () => {
      data.set(m.wdata);
      strobe.set(m.wstrb);
    });
    slave.read.consume(asks);
    const out = slave.write.consume(takes);
    const { payload } = slave.write;
    const same = payload.word.eq(word).and(payload.data.eq(data)).and(payload.strobe.eq(strobe));
    when(address, () => given.set(given.or(1)));
    when(bytes, () => given.set(given.or(2)));
    when(address.and(bytes), () => given.set(3));
    when(out, () => given.set(0));
    const wrong = out.and(given.ne(3).or(same.not()));
    // What has come and not gone out yet is lost where the next is taken.
    const lost = address.and(given.bit(0)).or(bytes.and(given.bit(1)));
    return { good: broken.or(wrong).or(lost).not() };
  },
);

const ruleBits = (broken: Sig<"u", number>, rules: readonly number[]): Sig<"u", 1> =>
  rules.map((i) => broken.bit(i).not()).reduce((all, bit) => all.and(bit));
const [HELD, MANY, LAST] = [0, 4, 5];

/** A slave that answers whole bursts, whenever it likes. */
const writeProof = (name: string, proved: readonly number[]) =>
  defineModule(
    name,
    {
      in: {
        transfer: stream(transfer),
        data: stream(writeWord(PORT.dataBits)),
        s: { awready: bool, wready: bool, bresp: uint(2) },
        answers: bool,
      },
      out: { good: bool },
    },
    ({ transfer: given, data, s, answers }) => {
      const response = reg("response", bool, { reset: 0 });
      const slave = { ...s, bvalid: response };
      const dut = writeMaster(PORT).inst("u_dut", { transfer: given, data, timeout: 0, axi: slave });
      const rules = axiWriteCheck(PORT).inst("u_rules", { m: dut.axi, s: slave });
      response.set(answers.and(rules.due.gt(response.resize(16))));
      return { good: ruleBits(rules.broken, proved) };
    },
  );

/** A slave that answers what it was asked, whenever it likes. */
const readProof = defineModule(
  "read_proof",
  {
    in: {
      transfer: stream(transfer),
      stop: bool,
      s: { arready: bool, rdata: uint(32), rresp: uint(2) },
      answers: bool,
      takes: bool,
    },
    out: { good: bool },
  },
  ({ transfer: given, stop, s, answers, takes }) => {
    // Lengths of what was asked for: one word or two.
    const first = reg("first", bool, { reset: 0 });
    const second = reg("second", bool, { reset: 0 });
    const asked = reg("asked", uint(2), { reset: 0 });
    const index = reg("index", bool, { reset: 0 });
    const rvalid = answers.and(asked.ne(0));
    const rlast = index.eq(first);
    const slave = { ...s, rvalid, rlast };
    const dut = readMaster(PORT).inst("u_dut", { transfer: given, stop, timeout: 0, axi: slave });
    const length = dut.axi.arlen.bit(0);
    const asks = dut.axi.arvalid.and(s.arready);
    const ends = rvalid.and(rlast);
    when(rvalid, () => index.set(rlast.not()));
    when(ends, () => {
      first.set(second);
      when(asks.and(asked.eq(1)), () => first.set(length));
    });
    when(asks.and(asked.eq(0)), () => first.set(length));
    when(asks.and(asked.eq(1)).and(ends.not()), () => second.set(length));
    when(asks.and(asked.eq(2)), () => second.set(length));
    when(asks.and(ends.not()), () => asked.set(asked.addMod(1)));
    when(ends.and(asks.not()), () => asked.set(asked.subMod(1)));
    const rules = axiReadCheck(PORT).inst("u_rules", { m: dut.axi, s: slave });
    // Words that came and have not been taken: never more than the FIFO was asked to have room for.
    const left = dut.data.consume(takes);
    const inside = reg("inside", uint(4), { reset: 0 });
    when(rvalid.and(left.not()), () => inside.set(inside.addMod(1)));
    when(left.and(rvalid.not()), () => inside.set(inside.subMod(1)));
    return { good: ruleBits(rules.broken, [HELD, MANY]).and(inside.le(PORT.burst * PORT.outstanding)) };
  },
);
const harness = (module: string, inputs: readonly (readonly [string, number])[], more = ""): string => `
module proof(input clk${inputs.map(([name, width]) => `, input [${width - 1}:0] ${name}`).join("")});
  reg started = 0;
  always @(posedge clk) started <= 1;
  wire good;
  ${module} dut(.clk(clk), .rst(!started), .good(good)${inputs.map(([name]) => `, .${name}(${name})`).join("")});
  always @* begin
    ${more}
    if (started) a_good: assert (good);
  end
endmodule
`;
type Ports = readonly (readonly [string, number])[];
const TRANSFER: Ports = [
  ["transfer_valid", 1],
  ["transfer_addr", 64],
  ["transfer_words", 32],
];
const ALIGNED = "assume (transfer_addr[1:0] == 0);";
const WRITE_PORTS: Ports = [
  ...TRANSFER,
  ["data_valid", 1],
  ["data_data", 32],
  ["data_strobe", 4],
  ["s_awready", 1],
  ["s_wready", 1],
  ["s_bresp", 2],
  ["answers", 1],
];
/** Bugs that are put into the emitted Verilog: [what, from, to]. */
type Bug = readonly [string, RegExp, string];
interface Case {
  readonly what: string;
  readonly proof: Proof;
  readonly depth: number;
  readonly bugs: readonly Bug[];
}
const CASES: readonly Case[] = [
  {
    what: "AXI4-Lite slave: answers stand and come to what was asked, each write goes out once, as it came",
    depth: 12,
    proof: {
      ...{ def: liteProof, module: `axi_lite_${ADDRESS}`, unbounded: true },
      harness: harness("lite_proof", [
        ...Object.entries(liteMasterPorts(ADDRESS)).map(([k, t]) => [`m_${k}`, t.width] as const),
        ...["takes", "asks", "answers"].map((k) => [k, 1] as const),
        ["answer", 32],
      ]),
    },
    bugs: [
      ["answers a read twice", /if \(read_offered_and_axi_rready\) read_offered/, "if (1'b0) read_offered"],
      ["withdraws a response", /responds & axi_bready/, "responds"],
      ["changes an answer", /if \(answer_valid_and_answer_ready\) read_data/, "if (answer_valid) read_data"],
      ["mixes two writes", /axi_awready = ~address_held/, "axi_awready = 1'b1"],
    ],
  },
  {
    what: "AXI4 write master: offers stand, no burst too many",
    depth: 8,
    proof: {
      ...{
        def: writeProof("write_proof", [HELD, MANY]),
        module: `axi_write_${portName(PORT)}`,
        unbounded: true,
      },
      harness: harness("write_proof", WRITE_PORTS, ALIGNED),
    },
    bugs: [
      ["changes a stalled word", /if \(w_last_enable\)/, "if (1'b1)"],
      ["withdraws an address", /aw_valid_enable = .*;/, "aw_valid_enable = 1'b1;"],
      ["asks for too many", /known = .*;/, "known = 1'b1;"],
    ],
  },
  {
    what: "AXI4 write master: WLAST on the last word",
    depth: 8,
    proof: {
      ...{ def: writeProof("last_proof", [LAST]), module: `axi_write_${portName(PORT)}`, unbounded: false },
      harness: harness("last_proof", WRITE_PORTS, ALIGNED),
    },
    bugs: [["forgets where it is", /if \(moves_and_last\) index/, "if (1'b0) index"]],
  },
  {
    what: "AXI4 read master: offers stand, no burst too many, room for every word",
    depth: 14,
    proof: {
      ...{ def: readProof, module: `axi_read_${portName(PORT)}`, unbounded: true },
      harness: harness(
        "read_proof",
        [
          ...TRANSFER,
          ...["stop", "s_arready", "answers", "takes"].map((k) => [k, 1] as const),
          ["s_rdata", 32],
          ["s_rresp", 2],
        ],
        ALIGNED,
      ),
    },
    bugs: [
      ["withdraws an address", /ar_valid_enable = .*;/, "ar_valid_enable = 1'b1;"],
      ["asks for too many", /known = .*;/, "known = 1'b1;"],
      ["asks without room", /fits = .*;/, "fits = 1'b1;"],
    ],
  },
];

describe("AXI, proved", () => {
  for (const { what, proof, depth, bugs } of CASES) {
    const verdict = (value: boolean) =>
      proof.unbounded ? { bounded: value, unbounded: value } : { bounded: value };
    it(`${what}: z3 to depth ${depth}${proof.unbounded ? ", PDR for all time" : ""}`, async () =>
      assert.deepEqual(await proveWith(proof, depth), verdict(true)));
    for (const [bug, from, to] of bugs)
      it(`is refuted when it ${bug}`, async () =>
        assert.deepEqual(await proveWith(proof, depth, (text) => text.replace(from, to)), verdict(false)));
  }
});
