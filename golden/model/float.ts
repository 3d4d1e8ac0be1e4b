/** The float forward pass, after llama2.c: the yardstick for the integer one, and the source of calibration ranges. */
import { ACTIVATION_MAX, CACHE_CODE } from "../contract/tables.js";
import { type Architecture, ropeFrequencies } from "./architecture.js";
import { type CacheWidths, cacheWidths } from "./cache.js";
import { exp, sigmoid, sinCos } from "./elementary.js";
import type { CacheBits, ModelShape } from "./types.js";

/** Weights [rows·cols], row-major: rows are outputs. */
export interface FloatLayer {
  readonly attentionGain: Float32Array;
  readonly ffnGain: Float32Array;
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly o: Float32Array;
  readonly gate: Float32Array;
  readonly up: Float32Array;
  readonly down: Float32Array;
  /** Static mean of K after RoPE, [kvHeads·headDim]; it matters with a fake cache only. */
  readonly kMean: Float32Array;
  /** Where the architecture has them: biases, */
  readonly bias?: { readonly q: Float32Array; readonly k: Float32Array; readonly v: Float32Array };
  /** gains [headDim] of the norms of q and k, */
  readonly qkNorm?: { readonly q: Float32Array; readonly k: Float32Array };
  /** and of the norms before o [heads·headDim] and before down [hidden]. */
  readonly subNorm?: { readonly attention: Float32Array; readonly ffn: Float32Array };
}

export interface FloatModel {
  readonly name: string;
  readonly shape: ModelShape;
  readonly architecture: Architecture;
  /** [vocab·dim] */
  readonly embedding: Float32Array;
  /** [vocab·dim]; the embedding when there is none. */
  readonly head?: Float32Array;
  readonly layers: readonly FloatLayer[];
  readonly finalGain: Float32Array;
}

/** Fake quantisation of activations on the way. Weights are rounded beforehand: golden/quantise/round.ts. */
export interface FakeOptions {
  /** Inputs of every matrix and q per head: per-token symmetric int8. */
  readonly a8?: boolean;
  /** Keys (minus their mean) and values, in so many bits, of every layer or of each: symmetric per head and token. */
  readonly cache?: CacheWidths | readonly CacheWidths[];
  /** Positions that a query sees: the first `sinks` and the latest `window`. The architecture's own window unless told. */
  readonly slots?: { readonly sinks: number; readonly window: number };
}

/**
 * Tensors that calibration looks at: `x` the residual, `q_matrix` and `k_matrix` in front of their norms where there are norms,
 * the rest as in TensorName, `k` before its mean is taken away.
 */
export type FloatTensor =
  | "x"
  | "q_matrix"
  | "k_matrix"
  | "q"
  | "k"
  | "v"
  | "attn_out"
  | "gate"
  | "up"
  | "h"
  | "logits";
export type FloatObserver = (tensor: FloatTensor, layer: number, values: Float64Array) => void;

/** Work space and cache of one sequence. */
export class FloatState {
  readonly x: Float64Array;
  readonly logits: Float64Array;
  /** [layers][context][kvHeads·headDim]; with a fake cache already rounded, keys minus their mean. */
  readonly keys: Float64Array;
  readonly values: Float64Array;
  /** [context][headDim/2]. */
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  readonly y: Float64Array;
  readonly delta: Float64Array;
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly o: Float64Array;
  readonly gate: Float64Array;
  readonly up: Float64Array;
  readonly h: Float64Array;
  readonly scores: Float64Array;
  /** Of a fake cache, by layer. */
  readonly widths: readonly CacheWidths[] | null;

  constructor(
    readonly model: FloatModel,
    readonly fake: FakeOptions = {},
    /** Another state of the same sequence, whose cache this one shares: for several tokens on their way at once. */
    companion?: FloatState,
  ) {
    const { dim, hidden, layers, heads, kvHeads, headDim, vocab, context } = model.shape;
    this.x = new Float64Array(dim);
    this.logits = new Float64Array(vocab);
    this.keys = companion?.keys ?? new Float64Array(layers * context * kvHeads * headDim);
    this.values = companion?.values ?? new Float64Array(layers * context * kvHeads * headDim);
    this.y = new Float64Array(dim);
    this.delta = new Float64Array(dim);
    this.q = new Float64Array(heads * headDim);
    this.k = new Float64Array(kvHeads * headDim);
    this.v = new Float64Array(kvHeads * headDim);
    this.o = new Float64Array(heads * headDim);
    this.gate = new Float64Array(hidden);
    this.up = new Float64Array(hidden);
    this.h = new Float64Array(hidden);
    this.widths = fake.cache ? cacheWidths(fake.cache, layers) : null;
    this.scores = new Float64Array(context);
    const pairs = headDim / 2;
    this.cos = companion?.cos ?? new Float64Array(context * pairs);
    this.sin = companion?.sin ?? new Float64Array(context * pairs);
    if (companion) return;
    const frequencies = ropeFrequencies(model.architecture.rope, headDim);
    for (let t = 0; t < context; t++) {
      for (let j = 0; j < pairs; j++) {
        const [sin, cos] = sinCos(t * frequencies[j]!);
        this.sin[t * pairs + j] = sin;
        this.cos[t * pairs + j] = cos;
      }
    }
  }
}

/** y = x / rms(x) · gain. */
function rmsNorm(x: Float64Array, gain: Float32Array, eps: number, y: Float64Array): void {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i]! * x[i]!;
  const r = 1 / Math.sqrt(squares / x.length + eps);
  for (let i = 0; i < x.length; i++) y[i] = x[i]! * r * gain[i]!;
}

/** The same on every head, in place: a head is as wide as the gain. */
function headNorm(x: Float64Array, gain: Float32Array, eps: number): void {
  for (let from = 0; from < x.length; from += gain.length) {
    const head = x.subarray(from, from + gain.length);
    rmsNorm(head, gain, eps, head);
  }
}

function add(x: Float64Array, y: ArrayLike<number>): void {
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + y[i]!;
}

/** What a forward pass waits for: out = weights·input. */
export interface Product {
  readonly weights: Float32Array;
  readonly input: Float64Array;
  readonly out: Float64Array;
}

function matvec({ weights, input, out }: Product): void {
  const cols = input.length;
  for (let row = 0; row < out.length; row++) {
    let sum = 0;
    const start = row * cols;
    for (let i = 0; i < cols; i++) sum += weights[start + i]! * input[i]!;
    out[row] = sum;
  }
}

/** Rounds v[from, to) to int8 relative to its largest magnitude (contract section 3). */
function fakeA8(v: Float64Array, from = 0, to = v.length): void {
  const step = largest(v, from, to) / ACTIVATION_MAX;
  if (step > 0) for (let i = from; i < to; i++) v[i] = Math.round(v[i]! / step) * step;
}

/** Rounds v[from, to) to -L..L times the smallest (16 + f)·2^n, f < 16, that reaches its largest magnitude (section 5). */
function fakeCache(v: Float64Array, bits: CacheBits, from: number, to: number): void {
  let step = largest(v, from, to) / CACHE_CODE[bits].largest;
  if (step === 0) return;
  let unit = 1;
  for (; step >= 32; unit *= 2) step /= 2;
  for (; step < 16; unit /= 2) step *= 2;
  step = Math.ceil(step) * unit;
  for (let i = from; i < to; i++) v[i] = Math.round(v[i]! / step) * step;
}

function largest(v: Float64Array, from: number, to: number): number {
  let maximum = 0;
  for (let i = from; i < to; i++) maximum = Math.max(maximum, Math.abs(v[i]!));
  return maximum;
}

/** Runs one token at one position; with `head` fills state.logits. */
export function forwardFloat(
  state: FloatState,
  token: number,
  position: number,
  head = true,
  observe?: FloatObserver,
): void {
  for (const product of floatSteps(state, token, position, head, observe)) matvec(product);
}

/**
 * The same with the matrix products left to the caller, who does each before the next step: many tokens of a sequence, each
 * with its own state, can go through a matrix together if they take their steps in the order of their positions.
 */
export function* floatSteps(
  state: FloatState,
  token: number,
  position: number,
  head = true,
  observe?: FloatObserver,
): Generator<Product, void, void> {
  const { model, fake, x, y, delta, q, k, v, o, gate, up, h } = state;
  const { dim, heads, kvHeads, headDim, context, layers } = model.shape;
  const { eps } = model.architecture;
  const activate = model.architecture.gate === "silu" ? silu : squaredRelu;
  if (!(position >= 0 && position < context))
    throw new RangeError(`position ${position} is outside the context`);
  const width = kvHeads * headDim;
  for (let i = 0; i < dim; i++) x[i] = model.embedding[token * dim + i]!;
  observe?.("x", -1, x);

  for (let l = 0; l < layers; l++) {
    const layer = model.layers[l]!;
    rmsNorm(x, layer.attentionGain, eps, y);
    if (fake.a8) fakeA8(y);
    yield { weights: layer.q, input: y, out: q };
    yield { weights: layer.k, input: y, out: k };
    yield { weights: layer.v, input: y, out: v };
    if (layer.bias) {
      add(q, layer.bias.q);
      add(k, layer.bias.k);
      add(v, layer.bias.v);
    }
    observe?.("v", l, v);
    if (layer.qkNorm) {
      observe?.("q_matrix", l, q);
      observe?.("k_matrix", l, k);
      headNorm(q, layer.qkNorm.q, eps);
      headNorm(k, layer.qkNorm.k, eps);
    }
    rotate(state, q, position);
    rotate(state, k, position);
    observe?.("q", l, q);
    observe?.("k", l, k);
    const bits = state.widths?.[l];
    if (bits) {
      for (let i = 0; i < width; i++) k[i] = k[i]! - layer.kMean[i]!;
      for (let from = 0; from < width; from += headDim) {
        fakeCache(k, bits.keys, from, from + headDim);
        fakeCache(v, bits.values, from, from + headDim);
      }
    }
    const base = l * context * width;
    state.keys.set(k, base + position * width);
    state.values.set(v, base + position * width);

    for (let head = 0; head < heads; head++) {
      if (fake.a8) fakeA8(q, head * headDim, (head + 1) * headDim);
      attendFloat(state, base, head, position);
    }
    observe?.("attn_out", l, o);
    if (layer.subNorm) rmsNorm(o, layer.subNorm.attention, eps, o);
    if (fake.a8) fakeA8(o);
    yield { weights: layer.o, input: o, out: delta };
    add(x, delta);
    observe?.("x", l, x);

    rmsNorm(x, layer.ffnGain, eps, y);
    if (fake.a8) fakeA8(y);
    yield { weights: layer.gate, input: y, out: gate };
    yield { weights: layer.up, input: y, out: up };
    observe?.("gate", l, gate);
    observe?.("up", l, up);
    for (let i = 0; i < h.length; i++) h[i] = activate(gate[i]!) * up[i]!;
    observe?.("h", l, h);
    if (layer.subNorm) rmsNorm(h, layer.subNorm.ffn, eps, h);
    if (fake.a8) fakeA8(h);
    yield { weights: layer.down, input: h, out: delta };
    add(x, delta);
    observe?.("x", l, x);
  }
  if (!head) return;
  rmsNorm(x, model.finalGain, eps, y);
  if (fake.a8) fakeA8(y);
  yield { weights: model.head ?? model.embedding, input: y, out: state.logits };
  observe?.("logits", -1, state.logits);
}

function silu(x: number): number {
  return x * sigmoid(x);
}

function squaredRelu(x: number): number {
  return x > 0 ? x * x : 0;
}

/** Rotates the pairs (2j, 2j+1) of every head. */
function rotate(state: FloatState, vector: Float64Array, position: number): void {
  const pairs = state.model.shape.headDim / 2;
  for (let i = 0; i < vector.length; i += 2) {
    const at = position * pairs + ((i >> 1) % pairs);
    const a = vector[i]!;
    const b = vector[i + 1]!;
    vector[i] = a * state.cos[at]! - b * state.sin[at]!;
    vector[i + 1] = a * state.sin[at]! + b * state.cos[at]!;
  }
}

/** Softmax attention of one query head over the positions it sees, up to `position`, into state.o. */
function attendFloat(state: FloatState, base: number, head: number, position: number): void {
  const { model, fake, scores, keys, values, q, o } = state;
  const { heads, kvHeads, headDim } = model.shape;
  const width = kvHeads * headDim;
  const kvAt = base + Math.floor((head * kvHeads) / heads) * headDim;
  const from = head * headDim;
  const factor = 1 / Math.sqrt(headDim);
  const { sinks, window } = fake.slots ?? { sinks: 0, window: model.architecture.slidingWindow ?? Infinity };
  const latest = Math.max(sinks, position + 1 - window);
  /** The next position seen from t on: those between sinks and window are not. */
  const seen = (t: number): number => (t >= sinks && t < latest ? latest : t);
  let maximum = -Infinity;
  for (let t = seen(0); t <= position; t = seen(t + 1)) {
    let dot = 0;
    for (let i = 0; i < headDim; i++) dot += q[from + i]! * keys[kvAt + t * width + i]!;
    scores[t] = dot * factor;
    maximum = Math.max(maximum, scores[t]!);
  }
  let sum = 0;
  for (let t = seen(0); t <= position; t = seen(t + 1)) {
    scores[t] = exp(scores[t]! - maximum);
    sum += scores[t]!;
  }
  o.fill(0, from, from + headDim);
  for (let t = seen(0); t <= position; t = seen(t + 1)) {
    const p = scores[t]! / sum;
    for (let i = 0; i < headDim; i++) o[from + i] = o[from + i]! + p * values[kvAt + t * width + i]!;
  }
}
