import assert from "node:assert/strict";
import { emitVerilog } from "../../generator/hdl/index.js";
import { hashFiles } from "../../generator/tools/cache.js";
import { lint } from "../../generator/tools/lint.js";
import { type AcceleratorConfig, defaultConfig } from "../../generator/isa/config.js";
import { randomModel } from "../../golden/model/random.js";
import { runSession } from "../harness/session.js";
import { buildSystem } from "../harness/system.js";
import { quiet } from "./quiet.js";

const SHAPES = {
  "grouped heads": {
    dim: 64,
    hidden: 96,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 32,
    vocab: 64,
    context: 64,
  },
  "two KV heads, odd vocabulary": {
    dim: 96,
    hidden: 160,
    layers: 1,
    heads: 4,
    kvHeads: 2,
    headDim: 32,
    vocab: 50,
    context: 64,
  },
  "narrow heads, padded": {
    dim: 64,
    hidden: 96,
    layers: 2,
    heads: 8,
    kvHeads: 4,
    headDim: 8,
    vocab: 64,
    context: 64,
  },
  "wide heads": { dim: 32, hidden: 64, layers: 1, heads: 2, kvHeads: 2, headDim: 64, vocab: 64, context: 64 },
} as const;

/** Room for every shape above. */
const roomy = (rows: number, tokens: number): AcceleratorConfig => ({
  ...defaultConfig,
  rows,
  tokens,
  headDim: 64,
  actWords: 64 * tokens,
  vectorElements: 1024 * tokens,
  residualElements: 256 * tokens,
  programInstructions: 128,
});
const PROMPT = [1, 5, 9, 3, 2, 7, 8];

describe("any shape on any accelerator", () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    for (const [rows, tokens] of [
      [2, 1],
      [4, 2],
      [16, 4],
    ] as const) {
      it(`${name}: ${rows * 32} lanes, ${tokens} token(s) a pass: every tensor is golden's, with and without stalls`, async () => {
        for (const [format, slots, stall] of [
          ["W2", {}, undefined],
          ["W4", {}, 6],
          ["TERNARY", {}, 2],
          ["W2", { sinks: 2, window: 30 }, 3],
        ] as const) {
          const model = randomModel(shape, rows + tokens, { format, ...slots });
          const system = buildSystem(model, roomy(rows, tokens), {
            kib: 64,
            bounded: false,
            ...(stall === undefined ? {} : { stall }),
          });
          // The ring of 32 slots comes round at position 32.
          const total = "window" in slots ? 36 : 10;
          const result = await runSession(
            system,
            { prompt: PROMPT, total, seed: rows * 31 + tokens, maxCycles: 900_000 },
            "embedded",
            100,
            quiet,
          );
          assert.deepEqual(result.mismatches, [], `${format} ${JSON.stringify(slots)} stall ${stall}`);
          assert.equal(result.tokens.length, total - PROMPT.length + 1);
        }
      });
    }
  }

  for (const [rows, tokens] of [
    [2, 1],
    [4, 2],
  ] as const) {
    it(`lints clean in Verilator, Icarus and Yosys: ${rows * 32} lanes, ${tokens} token(s)`, async () => {
      const model = randomModel(SHAPES["grouped heads"], 1);
      for (const stall of [undefined, 0]) {
        const { design } = buildSystem(model, roomy(rows, tokens), {
          kib: 64,
          bounded: false,
          ...(stall === undefined ? {} : { stall }),
        });
        for (const { tool, output } of await lint(emitVerilog(design), design.top))
          assert.equal(output, "", tool);
      }
    });
  }

  it("is the same Verilog for different models", () => {
    const hash = (shape: (typeof SHAPES)[keyof typeof SHAPES]): string =>
      hashFiles(
        emitVerilog(buildSystem(randomModel(shape, 1), roomy(2, 1), { kib: 256, bounded: false }).design),
      );
    assert.equal(hash(SHAPES["narrow heads, padded"]), hash(SHAPES["grouped heads"]));
  });
});
