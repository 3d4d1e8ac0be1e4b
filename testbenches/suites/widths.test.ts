/** 8-bit weights, cache widths, heads of their own, formats that differ from layer to layer: RTL against golden. */
import assert from "node:assert/strict";
import { configFor } from "../../generator/compile/configure.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { randomModel, type RandomOptions } from "../../golden/model/random.js";
import type { ModelShape, QuantisedModel } from "../../golden/model/types.js";
import { runSession } from "../harness/session.js";
import { buildSystem } from "../harness/system.js";
import { quiet } from "./quiet.js";

const SHAPE: ModelShape = {
  dim: 64,
  hidden: 96,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  vocab: 50,
  context: 64,
};
const WIDE_HEADS: ModelShape = { ...SHAPE, heads: 2, kvHeads: 1, headDim: 64 };
const PROMPT = [1, 5, 9, 3, 2, 7, 8];

/** Formats and cache widths that differ from layer to layer. */
const mixed = (shape: ModelShape, seed: number): QuantisedModel => {
  const of = (format: "W2" | "W4" | "W8"): QuantisedModel =>
    randomModel({ ...shape, layers: 4 }, seed, { format });
  const [w2, w4, w8] = [of("W2"), of("W4"), of("W8")];
  const layer = (l: number, from: QuantisedModel) => from.layers[l]!;
  return {
    ...w4,
    shape: { ...shape, layers: 4 },
    layers: [
      layer(0, w8),
      { ...layer(1, w2), down: layer(1, w8).down, cache: { keys: 8, values: 4 } },
      { ...layer(2, w4), q: layer(2, w2).q, cache: { keys: 3, values: 8 } },
      layer(3, w2),
    ],
  };
};

const MODELS: readonly (readonly [string, (shape: ModelShape, seed: number) => QuantisedModel])[] = [
  ...(
    [
      ["8-bit weights", { format: "W8" }],
      ["an 8-bit cache", { cache: { keys: 8, values: 8 } }],
      ["8-bit keys", { cache: { keys: 8, values: 4 } }],
      ["8-bit values", { cache: { keys: 4, values: 8 }, sinks: 2, window: 30 }],
      ["a 3-bit cache", { cache: { keys: 3, values: 3 }, format: "W4" }],
      ["an 8-bit embedding", { embedding: "W8" }],
      ["8 bits everywhere", { format: "W8", embedding: "W8", head: "W8", cache: { keys: 8, values: 8 } }],
      ["a W2 head", { head: "W2" }],
      ["a W4 head", { head: "W4", embedding: "W8" }],
      ["a ternary head", { head: "TERNARY", format: "TERNARY" }],
    ] as const satisfies readonly (readonly [string, RandomOptions])[]
  ).map(
    ([name, options]) =>
      [name, (shape: ModelShape, seed: number) => randomModel(shape, seed, options)] as const,
  ),
  ["formats that differ from layer to layer", mixed],
];

describe("widths: every tensor is golden's", () => {
  for (const [name, make] of MODELS)
    for (const [shape, rows, tokens, stall] of [
      [SHAPE, 2, 1, undefined],
      [WIDE_HEADS, 4, 2, 4],
      [SHAPE, 16, 1, 2],
    ] as const)
      it(`${name}: ${rows * 32} lanes, ${tokens} token(s) a pass, ${stall === undefined ? "no stalls" : `stalls ${stall}/16`}`, async () => {
        const model = make(shape, rows + tokens);
        const config = configFor(model, { ...defaultConfig, rows, tokens });
        const system = buildSystem(model, config, {
          kib: 16,
          bounded: false,
          ...(stall === undefined ? {} : { stall }),
        });
        // A ring of 32 slots comes round at position 32.
        const total = model.window < 32 ? 36 : 11;
        const result = await runSession(
          system,
          { prompt: PROMPT, total, seed: rows * 31 + tokens, maxCycles: 900_000 },
          "embedded",
          100,
          quiet,
        );
        assert.deepEqual(result.mismatches, []);
        assert.equal(result.tokens.length, total - PROMPT.length + 1);
      });
});
