import assert from "node:assert/strict";
import type { BinaryFn } from "../hdl/ir.js";
import { simulate } from "./index.js";
import { Sketch } from "./sketch.js";

/** The corners of the IR's operators, as a table; everything else is compared at random in engines.test.ts. */
const TABLE: readonly (readonly [
  fn: BinaryFn,
  signedness: "u" | "s",
  wa: number,
  a: bigint,
  wb: number,
  b: bigint,
  width: number,
  y: bigint,
])[] = [
  ["add", "u", 8, 200n, 8, 100n, 8, 44n],
  ["sub", "u", 8, 3n, 8, 5n, 8, 254n],
  ["mul", "u", 4, 15n, 4, 15n, 8, 225n],
  ["mul", "s", 4, 15n, 4, 15n, 8, 1n], // -1 * -1
  ["mul", "s", 4, 8n, 4, 7n, 8, 200n], // -8 * 7
  ["mul", "s", 4, 8n, 40, 7n, 3, 0n], // low bits only
  ["mul", "s", 64, 1n << 63n, 64, 1n << 63n, 128, 1n << 126n],
  ["mul", "u", 64, (1n << 64n) - 1n, 64, (1n << 64n) - 1n, 128, ((1n << 64n) - 1n) ** 2n],
  ["eq", "u", 1, 1n, 1, 1n, 1, 1n],
  ["lt", "u", 8, 255n, 8, 1n, 1, 0n],
  ["lt", "s", 8, 255n, 8, 1n, 1, 1n],
  ["le", "s", 80, 1n << 79n, 80, 1n << 79n, 1, 1n],
  ["shl", "u", 8, 0x81n, 3, 1n, 8, 2n],
  ["shl", "u", 8, 0x81n, 8, 8n, 8, 0n],
  ["shl", "u", 32, 1n, 80, 1n << 64n, 32, 0n],
  ["shr", "u", 8, 0x81n, 4, 7n, 8, 1n],
  ["shr", "u", 32, 0xffff_ffffn, 6, 32n, 32, 0n],
  ["shr", "s", 8, 0x80n, 8, 255n, 8, 255n],
  ["shr", "s", 100, 1n << 99n, 7, 98n, 100, (1n << 100n) - 2n],
];

describe("simulate: operators", () => {
  for (const [fn, signedness, wa, a, wb, b, width, y] of TABLE) {
    it(`${fn} ${signedness} ${wa}'${a}, ${wb}'${b} gives ${width}'${y}`, () => {
      const s = new Sketch("op");
      s.output("y", s.binary(fn, s.input("a", wa), s.input("b", wb), signedness, width));
      for (const engine of ["interpreter", "wasm"] as const) {
        const sim = simulate(s.design(), { engine });
        sim.poke("a", a);
        sim.poke("b", b);
        assert.equal(sim.peek("y"), y, engine);
      }
    });
  }

  for (const [readDuringWrite, want] of [
    ["old", 3n],
    ["new", 0x5003n],
    ["undefined", 0xfffcn],
  ] as const) {
    it(`a read during a masked write gives the ${readDuringWrite} word`, () => {
      const s = new Sketch("rdw");
      const mem = s.memory("mem", 16, 4, { readDuringWrite, contents: [1n, 2n, 3n, 4n] });
      const addr = s.input("addr", 3);
      s.write(mem, addr, s.input("data", 16), s.input("we", 1), s.input("mask", 4), 4);
      s.output("q", s.read(mem, addr));
      for (const engine of ["interpreter", "wasm"] as const) {
        const sim = simulate(s.design(), { engine });
        sim.poke("addr", 2);
        sim.poke("data", 0x5678);
        sim.poke("we", 1);
        sim.poke("mask", 0b1000);
        sim.step();
        assert.equal(sim.peek("q"), want, engine);
        assert.equal(sim.readMemory("mem", 2), 0x5003n);
        sim.poke("addr", 6); // beyond the end: reads as 0, is not written
        sim.step();
        assert.equal(sim.peek("q"), 0n);
        assert.equal(sim.readMemory("mem", 2), 0x5003n);
      }
    });
  }
});
