/** The table of steps against a computation by hand; integers against fake-quantised models; a broken weight is seen. */
import assert from "node:assert/strict";
import { randomFloatModel, TINY } from "../import/write/random.js";
import { llama } from "../model/architecture.js";
import { type FloatModel, FloatState, forwardFloat } from "../model/float.js";
import { forward, IntegerState } from "../model/integer.js";
import { Random } from "../model/prng.js";
import type { QuantisedModel } from "../model/types.js";
import { ownText } from "./calibrate.js";
import { judge, judging } from "./judge.js";
import { layerErrors } from "./layerError.js";
import { quantiseModel } from "./quantise.js";
import { steps } from "./steps.js";

/** Tokens of a random text of a model, each sequence as long as its context. */
const sequences = (count: number, { vocab, context } = TINY): number[][] => {
  const random = new Random(3);
  return Array.from({ length: count }, () =>
    Array.from({ length: context }, () => random.integer(0, vocab - 1)),
  );
};

/** The float steps are in float32, golden/model in double; integers are the same everywhere. */
const near = (actual: number, expected: number, what: string): void =>
  assert.ok(
    Math.abs(actual - expected) <=
      (/^integer: [^d]/.test(what) ? 1e-9 : 1e-5) * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, by hand ${expected}`,
  );

/** Probabilities from logits, the way a textbook writes it. */
const softmax = (logits: ArrayLike<number>): number[] => {
  const powers = Array.from(logits, (v) => Math.exp(v));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
};
const kl = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, pi, i) => sum + pi * Math.log(pi / q[i]!), 0);
const best = (p: readonly number[]): number => p.indexOf(Math.max(...p));

/** The same weights with one matrix turned around. */
const broken = (model: QuantisedModel, layer: number): QuantisedModel => ({
  ...model,
  layers: model.layers.map((one, l) =>
    l === layer ? { ...one, up: { ...one.up, codes: one.up.codes.map((code) => -code - 1) } } : one,
  ),
});

describe("the table of quantisation steps", () => {
  const source = randomFloatModel(llama(1e-5, 1e4), 11);
  const { model, rounded } = quantiseModel(source, { sequences: 2, length: 20 });
  const models = { source, rounded: rounded.float, integer: model };

  it("is what a computation by hand gives on three tokens", () => {
    const text = [1, 7, 30, 12];
    const rows = judge(models, { sequences: [text], characters: 5 });
    const float = (of: FloatModel): number[][] => {
      const state = new FloatState(of);
      return [0, 1, 2].map((position) => {
        forwardFloat(state, text[position]!, position);
        return softmax(state.logits);
      });
    };
    const state = new IntegerState(model);
    const integer = [0, 1, 2].map((position) => {
      forward(state, text[position]!, position);
      return softmax(Array.from(state.logits, (v) => v / 65536));
    });
    const [first, second] = [float(source), float(rounded.float)];
    const byHand: [string, number[][], number[][]][] = [
      ["float", first, first],
      ["rounded weights", second, first],
      ["integer", integer, []],
    ];
    for (const [name, shares, before] of byHand) {
      const row = rows.find((one) => one.name === name)!;
      const nats = shares.reduce((sum, p, t) => sum - Math.log(p[text[t + 1]!]!), 0);
      near(row.perplexity, Math.exp(nats / 3), `${name}: perplexity`);
      near(row.bitsPerCharacter, nats / Math.log(2) / 5, `${name}: bits per character`);
      const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / 3;
      near(row.divergence, mean(shares.map((p, t) => kl(first[t]!, p))), `${name}: divergence`);
      if (before.length > 0)
        near(row.stepDivergence, mean(shares.map((p, t) => kl(before[t]!, p))), `${name}: step`);
      const agreed = shares.map((p, t) => (best(p) === best(first[t]!) ? 1 : 0));
      near(row.agreement, mean(agreed), `${name}: agreement`);
      assert.deepEqual([row.tokens, row.characters], [3, 5]);
    }
    assert.equal(rows.at(-1)!.saturations!.total(), 0);
    assert.equal(rows[0]!.saturations, undefined);
  });

  it("tells how far it is", () => {
    const progress = [...judging(models, { sequences: [...sequences(2), [4]], characters: 1 })];
    assert.deepEqual(progress.at(-1), { done: 46, total: 46 });
  });

  for (const seed of [1, 2, 3])
    it(`integers predict within 1 % of the fake-quantised model: random model ${seed}`, () => {
      const float = randomFloatModel(llama(1e-5, 1e4), seed);
      const slots = seed === 3 ? { slots: { sinks: 2, window: 10 } } : {};
      const made = quantiseModel(float, { sequences: 2, length: 20, ...slots });
      const rows = judge(
        { source: float, rounded: made.rounded.float, integer: made.model },
        // Its own text: what it finds likely. Of random tokens it finds most absurd, and noise decides how absurd.
        { sequences: ownText(float, 30, TINY.context), characters: 1 },
      );
      const [fake, integer] = [rows.at(-2)!, rows.at(-1)!];
      assert.match(fake.name, seed === 3 ? /window of 10$/ : /KV4$/);
      assert.ok(
        Math.abs(integer.perplexity / fake.perplexity - 1) < 0.01,
        `${fake.name} ${fake.perplexity}, integer ${integer.perplexity}`,
      );
    });

  it("shows a broken weight in the row and in the layer where it is", () => {
    const integer = broken(model, 1);
    const text = { sequences: sequences(2), characters: 1 };
    const [good, bad] = [judge(models, text).at(-1)!, judge({ ...models, integer }, text).at(-1)!];
    assert.ok(bad.stepDivergence > 20 * good.stepDivergence, `${good.stepDivergence} ${bad.stepDivergence}`);
    assert.ok(bad.agreement < good.agreement);
    const [tokens] = text.sequences;
    const [whole] = [...layerErrors(steps(models), tokens!)].slice(-1);
    const [hurt] = [...layerErrors(steps({ ...models, integer }), tokens!)].slice(-1);
    assert.equal(hurt!.errors[0], whole!.errors[0]);
    assert.ok(hurt!.errors[1]! > 2 * whole!.errors[1]!, `${whole!.errors} ${hurt!.errors}`);
  });

  it("errors by layer are those of the residual stream; the first step has none", () => {
    const tokens = [1, 7, 30];
    const all = [...layerErrors(steps(models), tokens)];
    assert.deepEqual(
      all.map(({ name }) => name),
      ["float", "rounded weights", "+ A8", "+ A8 KV4", "integer"],
    );
    assert.deepEqual(all[0]!.errors, [0, 0]);
    // By hand for the integers, behind layer 0.
    const float = new FloatState(source);
    const integer = new IntegerState(model);
    let [error, size] = [0, 0];
    for (const [position, token] of tokens.entries()) {
      const x: number[] = [];
      forwardFloat(float, token, position, false, (tensor, layer, values) => {
        if (tensor === "x" && layer === 0) x.splice(0, x.length, ...values);
      });
      forward(integer, token, position, false, ({ tensor, layer, values }) => {
        if (tensor !== "x_ffn" || layer !== 0) return;
        for (const [i, v] of x.entries()) {
          error += (values[i]! / 2 ** model.residualFraction - v) ** 2;
          size += v ** 2;
        }
      });
    }
    near(all.at(-1)!.errors[0]!, Math.sqrt(error / size), "integer: layer 0");
  });
});
