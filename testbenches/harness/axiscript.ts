/** A host on an AXI4-Lite port as hardware: it plays a script of writes, waits and reads, and watches the slave's manners. */
import {
  anyOf,
  bool,
  cat,
  defineModule,
  enumReg,
  match,
  Mem,
  mux,
  reg,
  type Sig,
  uint,
  when,
} from "../../generator/hdl/index.js";
import { liteMasterPorts, liteSlavePorts } from "../../generator/library/axi/lite.js";
import type { Register, RegisterMap } from "../../generator/isa/registers.js";

type Bool = Sig<"u", 1>;

/** What the host does, one after the other. */
export type Step =
  | { readonly kind: "write"; readonly offset: number; readonly data: number }
  /** Until the interrupt. */
  | { readonly kind: "wait" }
  /** Read, and compare the bits of `mask`, without one all. */
  | { readonly kind: "expect"; readonly offset: number; readonly data: number; readonly mask?: number }
  /** Read, again and again until the word is this. */
  | { readonly kind: "poll"; readonly offset: number; readonly data: number }
  /** Read, and report as a token. */
  | { readonly kind: "token"; readonly offset: number };

const OPERATIONS = { write: 0, wait: 1, expect: 2, poll: 3, token: 4, end: 5 } as const;
const OPERATION_BITS = 3;
const OFFSET_BITS = 24;
const DATA_BITS = 32;
const STEP_BITS = OPERATION_BITS + OFFSET_BITS + 2 * DATA_BITS;
const word = (kind: keyof typeof OPERATIONS, offset = 0, data = 0, mask = 0xffff_ffff): bigint =>
  [OPERATIONS[kind], offset, mask, data].reduce(
    (bits, part, i) => (bits << BigInt([0, OFFSET_BITS, DATA_BITS, DATA_BITS][i]!)) | BigInt(part >>> 0),
    0n,
  );

const stepWord = (s: Step): bigint => {
  switch (s.kind) {
    case "expect":
      return word(s.kind, s.offset, s.data, s.mask);
    case "write":
    case "poll":
      return word(s.kind, s.offset, s.data);
    case "token":
      return word(s.kind, s.offset);
    case "wait":
      return word(s.kind);
  }
};
/** Words of the script memory, an end behind them. */
export const scriptWords = (steps: readonly Step[]): bigint[] => [...steps.map(stepWord), word("end")];

const find = (map: RegisterMap, name: string): Register => {
  const r = map.registers.find((x) => x.name === name);
  if (r === undefined) throw new RangeError(`the register map has no '${name}'`);
  return r;
};
/** Steps by the names of the register map. */
export const stepsOf = (map: RegisterMap) => {
  const words = (kind: "write" | "expect" | "poll", name: string, value: bigint | number): Step[] => {
    const { offset, width } = find(map, name);
    const low = Number(BigInt(value) & 0xffff_ffffn);
    const first: Step = { kind, offset, data: low };
    return width === 32 ? [first] : [first, { kind, offset: offset + 4, data: Number(BigInt(value) >> 32n) }];
  };
  return {
    set: (name: string, value: bigint | number): Step[] => words("write", name, value),
    expect: (name: string, value: bigint | number): Step[] => words("expect", name, value),
    poll: (name: string, value: bigint | number): Step[] => words("poll", name, value),
    bit: (name: string, field: string): number => {
      const r = find(map, name);
      const f = r.kind === "flags" ? r.fields.find((x) => x.name === field) : undefined;
      if (f === undefined) throw new RangeError(`the register map has no '${name}.${field}'`);
      return 2 ** f.bit;
    },
    window: (name: string): number => {
      const w = map.windows.find((x) => x.name === name);
      if (w === undefined) throw new RangeError(`the register map has no window '${name}'`);
      return w.offset;
    },
  };
};

/** Module `axi_lite_check_<bits>`: answers of the slave stand until they are taken, come only where something was asked, and say OKAY. */
export const liteCheck = (addressBits: number) =>
  defineModule(
    `axi_lite_check_${addressBits}`,
    {
      in: { m: liteMasterPorts(addressBits), s: liteSlavePorts },
      out: { broken: bool },
      doc: "Test bench: the rules of an AXI4-Lite slave.",
    },
    ({ m, s }) => {
      const channel = (
        name: string,
        valid: Bool,
        ready: Bool,
        payload: Sig<"u", number>,
        asked: Bool,
      ): Bool => {
        const waits = reg(`${name}_waits`, bool, { reset: 0 });
        const held = reg(`${name}_held`, uint(payload.width));
        const owed = reg(`${name}_owed`, uint(3), { reset: 0 });
        waits.set(valid.and(ready.not()));
        held.set(payload);
        const taken = valid.and(ready);
        when(asked.and(taken.not()), () => owed.set(owed.addMod(1)));
        when(taken.and(asked.not()), () => owed.set(owed.subMod(1)));
        const changes = waits.and(valid.not().or(payload.ne(held)));
        return changes
          .or(valid.and(owed.eq(0)))
          .or(owed.andR())
          .as(`${name}_broken`);
      };
      // A write is asked for when its address and its data have both been taken.
      const addressed = reg("addressed", bool, { reset: 0 });
      const given = reg("given", bool, { reset: 0 });
      const address = addressed.or(m.awvalid.and(s.awready));
      const data = given.or(m.wvalid.and(s.wready));
      const complete = address.and(data).as("complete");
      addressed.set(address.and(complete.not()));
      given.set(data.and(complete.not()));
      const broken = reg("broken_q", bool, { reset: 0 });
      const now = anyOf([
        channel("b", s.bvalid, m.bready, s.bresp, complete),
        channel("r", s.rvalid, m.rready, cat(s.rdata, s.rresp), m.arvalid.and(s.arready)),
        s.bvalid.and(s.bresp.ne(0)),
        s.rvalid.and(s.rresp.ne(0)),
      ]);
      when(now, () => broken.set(1));
      return { broken: broken.or(now) };
    },
  );

/** Module `axi_script_<bits>x<steps>`: plays the script that was loaded, from `start` until its end. */
export const axiScript = (addressBits: number, steps: number) => {
  const pcBits = Math.ceil(Math.log2(steps));
  return defineModule(
    `axi_script_${addressBits}x${steps}`,
    {
      in: {
        load: { enable: bool, addr: uint(pcBits), data: uint(STEP_BITS) },
        start: bool,
        interrupt: bool,
        s: liteSlavePorts,
      },
      out: {
        m: liteMasterPorts(addressBits),
        token: { valid: bool, value: uint(DATA_BITS) },
        done: bool,
        /** Steps that expected something else, and the number of the first. */
        failed: uint(16),
        first: uint(16),
      },
      doc: "Test bench: a host on AXI4-Lite that plays a script.",
    },
    ({ load, start, interrupt, s }) => {
      const script = new Mem("script", uint(STEP_BITS), 2 ** pcBits, { readDuringWrite: "old" });
      script.write(load.enable, load.addr, load.data);
      const pc = reg("pc", uint(pcBits), { reset: 0 });
      const step = script.readAsync(pc).as("step");
      const data = step.slice(DATA_BITS - 1, 0);
      const mask = step.slice(2 * DATA_BITS - 1, DATA_BITS);
      const kind = step.slice(STEP_BITS - 1, STEP_BITS - OPERATION_BITS);
      const is = (k: keyof typeof OPERATIONS): Bool => kind.eq(OPERATIONS[k]).as(`is_${k}`);
      const address = step.slice(2 * DATA_BITS + addressBits - 1, 2 * DATA_BITS);

      const state = enumReg("state", ["idle", "step", "write", "response", "ask", "answer", "done"]);
      const awvalid = reg("awvalid_q", bool, { reset: 0 });
      const wvalid = reg("wvalid_q", bool, { reset: 0 });
      const failed = reg("failed_q", uint(16), { reset: 0 });
      const first = reg("first_q", uint(16), { reset: 0 });
      const next = (): void => {
        pc.set(pc.addMod(1));
        state.go("step");
      };
      const answered = state.is("answer").and(s.rvalid).as("answered");
      const equal = s.rdata.xor(data).and(mask).eq(0).as("equal");
      match(state, {
        idle: () => when(start, () => state.go("step")),
        step: () => {
          when(is("write"), () => {
            // Address first or data first, by turns.
            awvalid.set(pc.bit(0));
            wvalid.set(pc.bit(0).not());
            state.go("write");
          });
          when(is("wait").and(interrupt), next);
          when(is("expect").or(is("poll")).or(is("token")), () => state.go("ask"));
          when(is("end"), () => state.go("done"));
        },
        write: () => {
          const [address, word] = [awvalid.and(s.awready), wvalid.and(s.wready)];
          when(address, () => {
            awvalid.set(0);
            wvalid.set(pc.bit(0));
          });
          when(word, () => {
            wvalid.set(0);
            awvalid.set(pc.bit(0).not());
          });
          when(mux(pc.bit(0), word, address), () => state.go("response"));
        },
        response: () => when(s.bvalid, next),
        ask: () => when(s.arready, () => state.go("answer")),
        answer: () =>
          when(answered, () => {
            when(is("poll").and(equal.not()), () => state.go("ask"), next);
            when(is("expect").and(equal.not()), () => {
              failed.set(failed.addMod(1));
              when(failed.eq(0), () => first.set(pc.resize(16)));
            });
          }),
        done: () => {},
      });
      return {
        m: {
          awaddr: address,
          awvalid,
          wdata: data,
          wstrb: 15,
          wvalid,
          bready: state.is("response"),
          araddr: address,
          arvalid: state.is("ask"),
          rready: state.is("answer"),
        },
        token: { valid: answered.and(is("token")), value: s.rdata },
        done: state.is("done"),
        failed,
        first,
      };
    },
  );
};
