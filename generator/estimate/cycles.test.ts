/** The counted cycles against simulated ones: five configurations, the demo among them. */
import assert from "node:assert/strict";
import { randomModel } from "../../golden/model/random.js";
import type { QuantisedModel } from "../../golden/model/types.js";
import { runSession } from "../../testbenches/harness/session.js";
import { buildSystem } from "../../testbenches/harness/system.js";
import { demoModel } from "../../testbenches/suites/demo.js";
import { quiet } from "../../testbenches/suites/quiet.js";
import { digitBeats } from "../compile/layout.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { tokenCycles } from "./cycles.js";

const POSITIONS = 48;
/** Largest error of the count, as a share of the simulated cycles; of bytes likewise. */
const CYCLES = 0.03;
const BYTES = 0.02;

const wide: AcceleratorConfig = {
  ...defaultConfig,
  vectorElements: 4096,
  residualElements: 1024,
  actWords: 256,
  gainEntries: 1024,
  kmeanEntries: 1024,
};
const shape = (
  dim: number,
  hidden: number,
  layers: number,
  heads: number,
  kvHeads: number,
  headDim: number,
) => ({
  ...{ dim, hidden, layers, heads, kvHeads, headDim },
  vocab: 512,
  context: 256,
});
const CASES: readonly (readonly [string, () => QuantisedModel, AcceleratorConfig])[] = [
  ["the demo, 64 lanes", demoModel, defaultConfig],
  ["dim 128, 64 lanes", () => randomModel(shape(128, 352, 2, 4, 2, 32), 1), wide],
  ["dim 128, 256 lanes", () => randomModel(shape(128, 352, 2, 4, 2, 32), 1), { ...wide, rows: 8 }],
  [
    "dim 256, 512 lanes",
    () => randomModel(shape(256, 768, 1, 4, 4, 64), 1),
    { ...wide, rows: 16, headDim: 64 },
  ],
  [
    "dim 96 in W4, 128 lanes",
    () => randomModel(shape(96, 256, 2, 3, 1, 32), 1, { format: "W4" }),
    { ...wide, rows: 4 },
  ],
];

describe("counted cycles", () => {
  for (const [name, model, config] of CASES)
    it(`${name}: within ${100 * CYCLES} % of simulation`, async () => {
      const system = buildSystem(model(), config, { kib: 64, bounded: false });
      const request = { prompt: [1], total: POSITIONS, seed: 1, maxCycles: 10_000_000 };
      const { end, account, mismatches } = await runSession(system, request, "embedded", 100, quiet);
      assert.deepEqual(mismatches, []);
      const { layout, model: compiled } = system.compiled;
      const digits = compiled.layers.map(({ cache }) => ({
        keys: digitBeats(cache.keys),
        values: digitBeats(cache.values),
      }));
      let [cycles, bytes] = [0, 0];
      for (let p = 0; p < POSITIONS; p++) {
        const token = tokenCycles(layout, compiled.shape, digits, config, p + 1);
        cycles += token.cycles;
        bytes += token.bytes;
      }
      const off = cycles / end.cycles - 1;
      assert.ok(Math.abs(off) < CYCLES, `${(100 * off).toFixed(1)} %: ${cycles} for ${end.cycles}`);
      const offBytes = bytes / POSITIONS / account!.bytesPerToken - 1;
      assert.ok(Math.abs(offBytes) < BYTES, `bytes ${(100 * offBytes).toFixed(1)} %`);
    });
});
