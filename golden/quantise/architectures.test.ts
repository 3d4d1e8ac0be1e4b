/** A small random model of each supported family: its integers follow its fake-quantised float twin. */
import assert from "node:assert/strict";
import { type Architecture, llama } from "../model/architecture.js";
import { generate, IntegerState } from "../model/integer.js";
import { Random } from "../model/random.js";
import type { ModelShape } from "../model/types.js";
import { floatDecoder, integerDecoder } from "./decoder.js";
import { distance } from "./evaluate.js";
import { randomFloatModel } from "./float.testing.js";
import { type QuantiseOptions, quantiseModel } from "./quantise.js";

const SHAPE: ModelShape = {
  ...{ dim: 32, hidden: 64, layers: 2, heads: 4, kvHeads: 2, headDim: 8, vocab: 48, context: 64 },
};
const LLAMA = llama(1e-5, 10000);

const FAMILIES: readonly (readonly [string, Architecture, Partial<ModelShape>])[] = [
  ["Llama, a head of its own", { ...LLAMA, tied: false }, {}],
  ["Qwen2: biases", { ...LLAMA, qkvBias: true, rope: { theta: 1e6, scaling: { type: "none" } } }, {}],
  ["Qwen3: norms of q and k, wide heads", { ...LLAMA, eps: 1e-6, qkNorm: true }, { headDim: 16 }],
  ["BitNet: squared ReLU, sub-norms", { ...LLAMA, gate: "relu2", subNorms: true }, {}],
  ["Mistral: a sliding window, a head of its own", { ...LLAMA, slidingWindow: 20, tied: false }, {}],
  [
    "Llama 3.1: scaled RoPE",
    {
      ...LLAMA,
      rope: {
        theta: 500000,
        scaling: { type: "llama3", factor: 8, lowFactor: 1, highFactor: 4, originalContext: 32 },
      },
    },
    { headDim: 16 },
  ],
];

/** And the largest divergence of the integers from the fake-quantised model, nats per token. */
const WIDTHS: readonly (readonly [string, QuantiseOptions, number])[] = [
  ["W8A8KV8", { format: "W8", embedding: "W8", head: "W8", cache: { keys: 8, values: 8 } }, 0.002],
  ["W4A8KV4", {}, 0.006],
];

describe("families of models in integers", () => {
  for (const [family, architecture, shape] of FAMILIES)
    for (const [widths, options, most] of WIDTHS)
      it(`${family}, ${widths}`, () => {
        const source = randomFloatModel({ ...SHAPE, ...shape }, architecture, 5);
        const { model, rounded } = quantiseModel(source, { sequences: 3, length: 64, ...options });
        assert.equal(model.window, architecture.slidingWindow ?? SHAPE.context);
        const random = new Random(1);
        const sequences = [Array.from({ length: 64 }, () => random.integer(0, 47))];
        const text = { sequences, characters: 1 };
        const cache = model.layers[0]!.cache;
        const fake = floatDecoder(rounded.float, { a8: true, cache });
        const { divergence, agreement } = distance(fake, integerDecoder(model), text);
        const rounding = distance(floatDecoder(source), fake, text).divergence;
        const said = `divergence ${divergence} (of the rounding itself: ${rounding}), agreement ${agreement}`;
        assert.ok(divergence < most && agreement > 0.85, said);
        // what the integers add is far below what the widths cost, or nothing to speak of
        assert.ok(divergence < Math.max(0.002, rounding / 10), said);
        const state = new IntegerState(model);
        generate(state, sequences[0]!, 64);
        assert.equal(state.sticky.total(), 0);
      });
});
