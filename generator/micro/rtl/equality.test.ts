/** The RTL and the interpreter, each written from README.md, are equal: registers in every cycle, memories at the end. */
import assert from "node:assert/strict";
import { Interpreter, type State } from "../interpret.js";
import { LANES } from "../machine.js";
import { randomProgram } from "../random.testing.js";
import { range } from "./fields.js";
import { MicroBench } from "./system.testing.js";

const bits = (value: number, width: number): bigint => BigInt.asUintN(width, BigInt(value));

/** The interpreter's registers by the names of the specification, signed where the RTL's are. */
const registers: Readonly<Record<string, (s: State, machine: Interpreter) => number>> = {
  PC: (s) => s.pc,
  ...Object.fromEntries(range(4).map((k) => [`C${k}`, (s: State) => s.c[k]!])),
  ...Object.fromEntries(range(4).map((k) => [`P${k}`, (s: State) => s.p[k]!])),
  VD: (s) => s.vd >>> 0,
  MXlow: (s) => s.mx & 0xffff,
  MXhigh: (s) => s.mx >>> 16,
  MY: (s) => s.my,
  ACC: (s) => s.acc,
  Q: (s) => s.q,
  rounding: (s) => s.half,
  R: (s) => s.r >>> 0,
  V: (s) => Number(s.v),
  M: (s) => s.m >>> 0,
  IDX: (s) => s.idx,
  BEST: (s) => s.best,
  SH: (s) => s.sh,
  TE: (s) => s.te,
  YR: (s) => s.yr,
  SA: (s) => s.sa,
  bi: (s) => s.bi,
  WP: (s) => s.wp,
  AR: (s) => s.ar,
  AW: (s) => s.aw,
  GW: (s) => s.gw,
  gg: (s) => s.gg,
  gl: (s) => s.gl,
  GD: (s) => s.gd & 0xffff,
  TD: (s) => s.td,
  ...Object.fromEntries(
    range(LANES).map((l) => [`LANE${l}`, (_: State, machine: Interpreter) => machine.lane(l) & 0xffff]),
  ),
  saturated: (s) => Number(s.saturated),
};

describe("Micro machine: RTL and interpreter", function () {
  this.timeout(60_000);
  for (const seed of [11, 12])
    it(`are equal in each cycle of random program ${seed}`, () => {
      const { program, table, stream, offer, begin, cycles } = randomProgram(seed);
      const machine = new Interpreter(program, table, seed);
      machine.load(stream);
      const { state } = machine;
      state.offer = offer;
      const bench = new MicroBench({ program: program.words, tables: table.map(BigInt) }, stream, seed);
      bench.offer(offer);
      const { sim } = bench;
      const [valid, token] = [sim.handle("chosen_valid"), sim.handle("chosen_token")];
      const pairs = Object.entries(registers).map(([name, of]) => ({ name, of, rtl: bench.handle(name) }));
      const pc = bench.handle("PC");
      let begun = false;
      for (let cycle = 0; cycle < cycles; cycle++) {
        const instruction = program.lines[state.pc]!;
        if (pc.get() !== state.pc) assert.fail(`cycle ${cycle}: RTL is at ${pc.get()}, not ${state.pc}`);
        const acknowledged = valid.get();
        if (acknowledged === 1) assert.equal(token.get(), state.r & 0xffff);
        machine.step();
        sim.step();
        assert.equal(acknowledged, Number(state.acked));
        begun ||= state.pc === begin;
        if (!begun) continue;
        for (const { name, of, rtl } of pairs)
          if (rtl.get() !== of(state, machine))
            assert.fail(
              `cycle ${cycle}, ${instruction.text}: ${name} is ${rtl.get()} in the RTL, ${of(state, machine)} in the interpreter`,
            );
        // a write loses SD until the next seek
        if (state.sought)
          assert.equal(bench.register("SD"), (bits(state.sdHigh, 32) << 32n) | bits(state.sdLow, 32));
      }
      assert.deepEqual(bench.memories(), {
        VMEM: Array.from(state.vmem, (v) => bits(v, 32)),
        ACT: Array.from(state.act, (v) => bits(v, 8)),
        GS: Array.from(state.gs, (v) => bits(v, 16)),
        SPRAM: stream.map((_, at) => machine.word(at)),
      });
    });
});
