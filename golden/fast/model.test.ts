/** The fast model against golden/model: every logit of every position, and every count of saturations. */
import assert from "node:assert/strict";
import { forward, IntegerState } from "../model/integer.js";
import { sumSquares } from "../model/ops.js";
import { type RandomOptions, randomModel } from "../model/random.js";
import type { ModelShape, QuantisedLayer, QuantisedMatrix, QuantisedModel, Scale } from "../model/types.js";
import { FastModel } from "./model.js";
import type { FastOptions } from "./options.js";

const SHAPES = {
  plain: { dim: 64, hidden: 256, layers: 2, heads: 2, kvHeads: 1, headDim: 32, vocab: 128, context: 96 },
  ragged: { dim: 96, hidden: 172, layers: 2, heads: 3, kvHeads: 3, headDim: 32, vocab: 67, context: 64 },
  narrow: { dim: 32, hidden: 64, layers: 1, heads: 8, kvHeads: 2, headDim: 4, vocab: 64, context: 64 },
  odd: { dim: 60, hidden: 100, layers: 2, heads: 6, kvHeads: 3, headDim: 10, vocab: 65, context: 48 },
  long: { dim: 32, hidden: 64, layers: 1, heads: 4, kvHeads: 2, headDim: 8, vocab: 64, context: 600 },
} as const satisfies Record<string, ModelShape>;

const tokenAt = (position: number, vocab: number): number => (position * 37 + 1) % vocab;

/** Runs both over the whole context; all logits and all counts must agree. Returns the counts. */
function compare(model: QuantisedModel, options: FastOptions): IntegerState["sticky"] {
  const { vocab, context } = model.shape;
  const state = new IntegerState(model);
  const fast = new FastModel(model, options);
  try {
    for (let position = 0; position < context; position += fast.block) {
      const count = Math.min(fast.block, context - position);
      const tokens = Array.from({ length: count }, (_, i) => tokenAt(position + i, vocab));
      fast.run(tokens, position);
      for (const [t, token] of tokens.entries()) {
        forward(state, token, position + t);
        const different = fast.logits(t).findIndex((logit, i) => logit !== state.logits[i]);
        assert.equal(different, -1, `logit ${different} at position ${position + t}`);
      }
    }
    assert.deepEqual(fast.sticky(), state.sticky);
  } finally {
    fast.close();
  }
  return state.sticky;
}

describe("fast integer model", () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    for (const format of shape.layers > 1 ? (["W2", "W4", "W8", "TERNARY"] as const) : (["W4"] as const)) {
      it(`gives golden's logits: ${name}, ${format}`, () => {
        const model = randomModel(shape, 31, { format });
        compare(model, { threads: 1, block: 7 });
      });
    }
  }

  it("gives golden's logits: 2:4 sparse", () => {
    compare(randomModel(SHAPES.ragged, 32, { format: "N24" }), { threads: 1, block: 32 });
  });

  const options: Readonly<Record<string, RandomOptions>> = {
    "Qwen2: biases": { format: "W4", bias: true, head: "W4" },
    "Qwen3: norms of q and k, keys and values of 8 bits": {
      ...{ format: "W8", qkNorm: true, embedding: "W8", cache: { keys: 8, values: 8 } },
    },
    "BitNet: sub-norms and squared ReLU": { format: "TERNARY", subNorm: true, gate: "relu2" },
    "keys of 3 bits, values of 8, 8-bit head of its own": { head: "W8", cache: { keys: 3, values: 8 } },
    everything: {
      ...{
        format: "N24",
        bias: true,
        qkNorm: true,
        subNorm: true,
        gate: "relu2",
        embedding: "W8",
        head: "W2",
      },
      ...{ cache: { keys: 8, values: 3 }, sinks: 2, window: 31 },
    },
  };
  for (const [name, option] of Object.entries(options))
    it(`gives golden's logits: ${name}`, () => {
      compare(randomModel(SHAPES.ragged, 37, option), { threads: 2, block: 9 });
    });

  for (const threads of [1, 2, 4]) {
    for (const block of [1, 5, 64]) {
      it(`does not depend on threads and blocks: ${threads} threads, blocks of ${block}`, () => {
        compare(randomModel(SHAPES.odd, 33, { format: "W4" }), { threads, block });
      });
    }
  }

  for (const [sinks, window] of [
    [4, 60],
    [0, 33],
    [1, 1],
  ] as const) {
    for (const threads of [1, 3]) {
      it(`keeps the ring's order in blocks that wrap: ${sinks} sinks, window ${window}, ${threads} threads`, () => {
        const model = randomModel(SHAPES.long, 34, { sinks, window });
        compare(model, { threads, block: 16 });
      });
    }
  }

  it("sums beyond 32 bits: 4160 products of one sign, each as large as it can be", () => {
    const shape = { ...SHAPES.narrow, hidden: 4160, context: 4 };
    const model = randomModel(shape, 35, { format: "W8" });
    // every row of gate and up the same: h is the same everywhere, and all its codes are 127 or all -127
    const firstRow = (matrix: QuantisedMatrix): QuantisedMatrix => ({
      ...matrix,
      codes: matrix.codes.map((_, i) => matrix.codes[i % matrix.cols]!),
      mantissas: matrix.mantissas.map(() => 255),
      exponents: matrix.exponents.map(() => matrix.exponents[0]!),
    });
    const layers = model.layers.map((layer) => ({
      ...layer,
      gate: firstRow(layer.gate),
      up: firstRow(layer.up),
      down: {
        ...layer.down,
        codes: layer.down.codes.map((_, i) => (Math.floor(i / 4160) % 2 === 0 ? -119 : 119)),
        mantissas: layer.down.mantissas.map(() => 255),
        exponents: layer.down.exponents.map(() => 31),
      },
    }));
    compare({ ...model, layers }, { threads: 1, block: 1 });
    compare({ ...model, layers }, { threads: 1, block: 4 });
  });

  it("reaches addresses beyond 2 GiB", () => {
    // the cache of a window that is never filled; its pages are never touched
    const shape = { ...SHAPES.narrow, layers: 2, heads: 2, kvHeads: 1, headDim: 8, context: 8 };
    const model = randomModel(shape, 38, { format: "W4" });
    const state = new IntegerState(model);
    const fast = new FastModel({ ...model, window: 2 ** 26 }, { threads: 2, block: 4 });
    for (let position = 0; position < 8; position += 4) {
      const tokens = [3, 1, 4, 1].map((token) => token + position);
      fast.run(tokens, position);
      for (const [t, token] of tokens.entries()) {
        forward(state, token, position + t);
        assert.deepEqual([...fast.logits(t)], [...state.logits]);
      }
    }
    fast.close();
  });

  /** Exponents of the rows of o and down, and the block exponents that a sum of squares of the residual goes through. */
  const sizes: Readonly<Record<string, { exponent(row: number): number; readonly shifts: number[] }>> = {
    "outliers in the first elements, tiny ones behind": {
      exponent: (row) => (row < 3 ? 3 : 31),
      shifts: [14],
    },
    "through 2^17 and 2^24 in the middle": {
      exponent: (row) => 31 - Math.floor(row * 0.45),
      shifts: [0, 7, 14],
    },
  };
  for (const [name, { exponent, shifts }] of Object.entries(sizes)) {
    it(`gives golden's logits where the residual has every size: ${name}`, () => {
      const random = randomModel(SHAPES.plain, 39, { format: "W4" });
      const rows = (matrix: QuantisedMatrix): QuantisedMatrix => ({
        ...matrix,
        exponents: matrix.exponents.map((_, row) => exponent(row)),
      });
      const model: QuantisedModel = {
        ...random,
        embedding: { ...random.embedding, exponents: random.embedding.exponents.map(() => 31) },
        layers: random.layers.map((layer) => ({ ...layer, o: rows(layer.o), down: rows(layer.down) })),
      };
      const state = new IntegerState(model);
      forward(state, tokenAt(0, model.shape.vocab), 0);
      const met = Array.from(state.x, (_, i) => sumSquares(state.x, 0, i + 1).shift);
      assert.deepEqual([...new Set(met)], shifts);
      compare(model, { threads: 1, block: 7 });
    });
  }

  const louder = ({ m, e }: Scale, by: number): Scale => ({ m, e: e + by });
  const distorted: Readonly<Record<string, (scale: QuantisedLayer["scale"]) => Partial<typeof scale>>> = {
    "residual and norms": (scale) => ({ o: louder(scale.o, 8), down: louder(scale.down, 10) }),
    "queries, keys and values": (scale) => ({
      q: louder(scale.q, 10),
      k: louder(scale.k, 10),
      v: louder(scale.v, 10),
    }),
    "scores and outputs": (scale) => ({ score: louder(scale.score, 12), attend: louder(scale.attend, 10) }),
    gates: (scale) => ({ gate: louder(scale.gate, 10), up: louder(scale.up, 10) }),
    "shifts below 0": (scale) => ({ q: louder(scale.q, 30), gate: louder(scale.gate, 30) }),
    "keys and values about as loud as the cache can hold": (scale) => ({
      k: louder(scale.k, 5),
      v: louder(scale.v, 6),
    }),
    "very quiet": (scale) => ({ q: louder(scale.q, -40), v: louder(scale.v, -40), o: louder(scale.o, -60) }),
  };
  for (const [name, change] of Object.entries(distorted)) {
    it(`saturates as golden does, and counts it: ${name}`, () => {
      const model = randomModel(SHAPES.plain, 36, { format: "W4" });
      const layers = model.layers.map((layer) => ({
        ...layer,
        scale: { ...layer.scale, ...change(layer.scale) },
      }));
      const sticky = compare({ ...model, layers }, { threads: 2, block: 5 });
      assert.equal(sticky.total() > 0, name !== "very quiet");
    });
  }
});
