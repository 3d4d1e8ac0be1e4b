/** The greedy choice against golden: ties, all logits below 0, logits that saturate. */
import assert from "node:assert/strict";
import { matvec } from "../../../golden/model/matrix.js";
import { Random } from "../../../golden/model/prng.js";
import { randomModel } from "../../../golden/model/random.js";
import { mul, Sticky } from "../../../golden/model/scale.js";
import type { QuantisedModel } from "../../../golden/model/types.js";
import { argmax } from "../../../golden/model/vector.js";
import { head } from "./head.js";
import { matrices } from "./matrix.js";
import { Bench, SHAPE, saturated } from "./parts.testing.js";
import { setScale } from "./scale.js";

const random = new Random(11);

function check(model: QuantisedModel, codes: Int8Array, e: number): number {
  const bench = new Bench((context) => {
    head(context);
    matrices(context);
    setScale(context);
  }, model);
  const { machine, context } = bench;
  const { state } = machine;
  const [s, k] = [
    { m: 40000, e: 0 },
    { m: 50000, e },
  ];
  const logits = new Int32Array(model.shape.vocab);
  const sticky = new Sticky();
  matvec(model.embedding, codes, mul(s, k), 32, logits, sticky);
  state.act.set(codes);
  state.vmem[context.layout.sM] = s.m;
  state.vmem[context.layout.sE] = s.e;
  bench.stream((stream) => stream.scale(k));
  machine.call("head");
  assert.equal(state.best, argmax(logits));
  assert.equal(saturated(bench), sticky.total() > 0);
  return Math.max(...logits);
}

describe("micro head", () => {
  const shape = { ...SHAPE, dim: 64, headDim: 64, vocab: 64 };
  const draw = (): Int8Array => Int8Array.from({ length: 64 }, () => random.integer(-127, 127));

  it("random codes", () => {
    for (let i = 0; i < 12; i++) check(randomModel(shape, i), draw(), -20 + (i % 12));
  });

  it("all logits negative, and the first of equal ones", () => {
    const model = randomModel(shape, 3);
    const codes = model.embedding.codes.map((_, i) => -1 - ((i >> 6) & 1));
    const negative = { ...model, embedding: { ...model.embedding, codes } };
    assert.ok(check(negative, new Int8Array(64).fill(50), -14) < 0);
    const mantissas = model.embedding.mantissas.map(() => 200);
    const exponents = model.embedding.exponents.map(() => 20);
    const equalRows = { ...model, embedding: { ...model.embedding, codes, mantissas, exponents } };
    check(equalRows, new Int8Array(64).fill(50), -14);
    check(equalRows, new Int8Array(64).fill(-50), -14);
  });
});
