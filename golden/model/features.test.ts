/** Each feature of an architecture in integers against the float forward pass of the same weights. */
import assert from "node:assert/strict";
import { FloatState, forwardFloat } from "./float.js";
import { forward, IntegerState } from "./integer.js";
import { hiddenFraction } from "../quantise/constants.js";
import {
  FRACTION,
  type RandomOptions,
  randomModel,
  RELU2_GATE_FRACTION,
  RESIDUAL_FRACTION,
} from "./random.js";
import { floatTwin, likeness } from "./twin.testing.js";
import type { QuantisedModel } from "./types.js";

const SHAPE = { dim: 64, hidden: 160, layers: 2, heads: 4, kvHeads: 2, headDim: 16, vocab: 96, context: 64 };
const W8KV8: RandomOptions = { format: "W8", embedding: "W8", cache: { keys: 8, values: 8 } };

/** Everything that layer 0 has to say, in real units, by tensor. */
type Notes = Map<string, number[]>;

function add(notes: Notes, name: string, values: ArrayLike<number>, fraction = 0): void {
  const all = notes.get(name) ?? [];
  notes.set(name, all);
  for (let i = 0; i < values.length; i++) all.push(values[i]! / 2 ** fraction);
}

function runBoth(model: QuantisedModel): { integer: Notes; float: Notes; saturated: number } {
  const { layers, gate, shape } = model;
  const state = new IntegerState(model);
  const cache = layers.map((layer) => layer.cache);
  const slots = { sinks: model.sinks, window: model.window };
  const twin = new FloatState(floatTwin(model), { a8: true, cache, slots });
  const fraction = { ...FRACTION, gate: gate === "silu" ? FRACTION.gate : RELU2_GATE_FRACTION };
  const [integer, float]: [Notes, Notes] = [new Map(), new Map()];
  for (let position = 0; position < shape.context; position++) {
    const token = (position * 37 + 1) % shape.vocab;
    forward(state, token, position, true, ({ tensor, layer, values }) => {
      if (tensor === "logits") add(integer, "logits", values, 16);
      if (layer !== 0) return;
      if (tensor === "q" && !layers[0]!.qkNorm) add(integer, "q", values, fraction.q);
      if (tensor === "k")
        add(
          integer,
          "k",
          Array.from(values, (v, i) => v + layers[0]!.kMean[i]!),
          fraction.key,
        );
      if (tensor === "v") add(integer, "v", values, fraction.v);
      if (tensor === "attn_out") add(integer, "attn_out", values, fraction.o);
      if (tensor === "x_attn") add(integer, "x_attn", values, RESIDUAL_FRACTION);
      if (tensor === "h") add(integer, "h", values, hiddenFraction(gate, fraction));
      if (tensor === "x_ffn") add(integer, "x_ffn", values, RESIDUAL_FRACTION);
    });
    let updates = 0;
    forwardFloat(twin, token, position, true, (tensor, layer, values) => {
      if (tensor === "logits") add(float, "logits", values);
      if (layer !== 0) return;
      if (tensor === "q" && !layers[0]!.qkNorm) add(float, "q", values);
      if (tensor === "k" || tensor === "v" || tensor === "attn_out" || tensor === "h")
        add(float, tensor, values);
      if (tensor === "x") add(float, ++updates === 1 ? "x_attn" : "x_ffn", values);
    });
  }
  return { integer, float, saturated: state.sticky.total() };
}

const CASES: readonly (readonly [string, RandomOptions])[] = [
  ["nothing more than Llama's", {}],
  ["biases", { bias: true }],
  ["norms of q and k", { qkNorm: true }],
  ["sub-norms", { subNorm: true }],
  ["squared ReLU", { gate: "relu2" }],
  ["a head of its own", { head: "W8" }],
  ["a window with sinks", { sinks: 3, window: 29 }],
  ["Qwen3's and BitNet's together", { bias: true, qkNorm: true, subNorm: true, gate: "relu2", head: "W4" }],
];

describe("features in integers", () => {
  for (const [name, options] of CASES)
    it(`${name}: every tensor of the first layer as in float, W8A8KV8`, () => {
      const { integer, float, saturated } = runBoth(randomModel(SHAPE, 5, { ...W8KV8, ...options }));
      assert.equal(saturated, 0);
      const names = ["k", "v", "attn_out", "x_attn", "h", "x_ffn", "logits"];
      assert.deepEqual([...float.keys()].sort(), [...names, ...(options.qkNorm ? [] : ["q"])].sort());
      for (const [tensor, values] of float) {
        const { cosine, gain } = likeness(integer.get(tensor)!, values);
        // q, k and v know only roundings to 24 and (sums of squares) 18 bits; then codes that round the other way; the logits have passed both layers
        const [away, off] = ["q", "k", "v"].includes(tensor)
          ? [1e-6, 6e-4]
          : tensor === "logits"
            ? [4e-3, 5e-3]
            : tensor === "h" && options.gate === "relu2"
              ? [1e-3, 6e-3] // cubic: a few large elements decide its length
              : [1e-3, 3e-3];
        assert.ok(1 - cosine < away, `${tensor}: cosine ${cosine}`);
        assert.ok(Math.abs(gain - 1) < off, `${tensor}: ${gain} times too long`);
      }
    });
});
