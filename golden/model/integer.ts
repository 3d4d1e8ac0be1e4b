/** The integer forward pass: the reference for every RTL result. One token at a time, after llama2.c's forward(). */
import { GROUP } from "../contract/tables.js";
import {
  addBias,
  addResidual,
  argmax,
  attend,
  embed,
  gather,
  KvCache,
  matvec,
  maximumOf,
  mul,
  normHeads,
  normScale,
  OUTPUT_NORM,
  quantise,
  relu2Gate,
  rope,
  rotation,
  Sticky,
  scaleHeads,
  scoreHead,
  siluGate,
  type Squares,
  softmax,
  subtractMean,
} from "./ops.js";
import type { Probe, QuantisedModel, Scale, TensorName } from "./types.js";

const NO_SQUARES: Squares = { sum: 0, shift: 0 };

/** The two loops that take nearly all the time, for another implementation to replace: the same integers, the same flags. */
export interface Kernels {
  readonly matvec: typeof matvec;
  readonly attention: typeof attention;
}

/** The cache and the work space of one sequence. Reuse for a new sequence by starting at position 0 again. */
export class IntegerState {
  readonly kernels: Kernels;
  readonly cache: KvCache;
  readonly sticky = new Sticky();
  /** Residual stream, int32 [dim]. */
  readonly x: Int32Array;
  /** int32 [vocab], of the last token whose head was computed. */
  readonly logits: Int32Array;
  readonly y: Int32Array;
  readonly delta: Int32Array;
  readonly codes: Int8Array;
  readonly q: Int32Array;
  readonly k: Int32Array;
  readonly v: Int32Array;
  /** Of the norms of q and k, by head. */
  readonly qSquares: Squares[];
  readonly kSquares: Squares[];
  readonly qCodes: Int8Array;
  readonly cos: Int32Array;
  readonly sin: Int32Array;
  readonly scores: Int32Array;
  readonly p: Int32Array;
  readonly exponents: Int32Array;
  readonly sums: Float64Array;
  readonly o: Int32Array;
  /** o and h behind the gains of their sub-norms. */
  readonly oNormed: Int32Array;
  readonly hNormed: Int32Array;
  readonly oCodes: Int8Array;
  readonly gate: Int32Array;
  readonly up: Int32Array;
  readonly h: Int32Array;
  readonly hCodes: Int8Array;

  constructor(
    readonly model: QuantisedModel,
    kernels: Partial<Kernels> = {},
  ) {
    this.kernels = { matvec, attention, ...kernels };
    const { dim, hidden, heads, kvHeads, headDim, vocab } = model.shape;
    const widths = model.layers.map((layer) => layer.cache);
    this.cache = new KvCache(model.shape, model.sinks, model.window, widths);
    const blocks = Math.ceil(this.cache.slots / GROUP);
    this.x = new Int32Array(dim);
    this.logits = new Int32Array(vocab);
    this.y = new Int32Array(dim);
    this.delta = new Int32Array(dim);
    this.codes = new Int8Array(dim);
    this.q = new Int32Array(heads * headDim);
    this.k = new Int32Array(kvHeads * headDim);
    this.v = new Int32Array(kvHeads * headDim);
    this.qSquares = Array.from({ length: heads }, () => NO_SQUARES);
    this.kSquares = Array.from({ length: kvHeads }, () => NO_SQUARES);
    this.qCodes = new Int8Array(heads * headDim);
    this.cos = new Int32Array(headDim / 2);
    this.sin = new Int32Array(headDim / 2);
    this.scores = new Int32Array(heads * this.cache.slots);
    this.p = new Int32Array(heads * blocks * GROUP);
    this.exponents = new Int32Array(heads * blocks);
    this.sums = new Float64Array(heads);
    this.o = new Int32Array(heads * headDim);
    this.oNormed = new Int32Array(heads * headDim);
    this.hNormed = new Int32Array(hidden);
    this.oCodes = new Int8Array(heads * headDim);
    this.gate = new Int32Array(hidden);
    this.up = new Int32Array(hidden);
    this.h = new Int32Array(hidden);
    this.hCodes = new Int8Array(hidden);
  }
}

/**
 * Runs one token at one position (0, 1, 2 ... in order). With `head`, also computes the logits (state.logits) and returns
 * the greedy next token; without, returns -1 (inside a prompt). Probe values are views: copy what you keep.
 */
export function forward(
  state: IntegerState,
  token: number,
  position: number,
  head = true,
  probe?: Probe,
): number {
  const { model, cache, sticky, x, y, codes, delta } = state;
  const { matvec } = state.kernels;
  const { shape } = model;
  const gateTimesUp = model.gate === "silu" ? siluGate : relu2Gate;
  if (!(Number.isInteger(token) && token >= 0 && token < shape.vocab))
    throw new RangeError(`token ${token} is outside the vocabulary 0..${shape.vocab - 1}`);
  if (!(Number.isInteger(position) && position >= 0 && position < shape.context))
    throw new RangeError(`position ${position} is outside the context 0..${shape.context - 1}`);
  const emit: Emit = (tensor, layer, values) => {
    probe?.({ tensor, layer, position, values });
  };

  rotation(model.ropeIncrements, position, state.cos, state.sin);
  embed(model.embedding, token, model.residualFraction, x, sticky);
  emit("embedding", -1, x);

  for (let l = 0; l < shape.layers; l++) {
    const layer = model.layers[l]!;
    const { scale } = layer;

    // attention norm, quantise, q, k, v
    const attentionNorm = gather(x, layer.attentionGain, y, sticky);
    const s = quantise(y, attentionNorm.maximum, codes);
    emit("attn_in", l, codes);
    const { squares } = attentionNorm;
    matvec(layer.q, codes, normScale(s, squares, model.epsilonSum, scale.q), 24, state.q, sticky);
    matvec(layer.k, codes, normScale(s, squares, model.epsilonSum, scale.k), 24, state.k, sticky);
    matvec(layer.v, codes, normScale(s, squares, model.epsilonSum, scale.v), 24, state.v, sticky);

    if (layer.bias) {
      addBias(state.q, layer.bias.q, sticky);
      addBias(state.k, layer.bias.k, sticky);
      addBias(state.v, layer.bias.v, sticky);
    }

    // norms of q and k, RoPE; the key loses its static mean; key and value go to the cache
    if (layer.qkNorm) {
      normHeads(state.q, layer.qkNorm.q, state.qSquares, sticky);
      normHeads(state.k, layer.qkNorm.k, state.kSquares, sticky);
    }
    rope(state.q, state.cos, state.sin, sticky);
    rope(state.k, state.cos, state.sin, sticky);
    if (layer.qkNorm) scaleHeads(state.k, state.kSquares, model.epsilon.k, scale.knorm, sticky);
    subtractMean(state.k, layer.kMean, sticky);
    cache.write(l, position, state.k, state.v, sticky);
    emit("q", l, state.q);
    emit("k", l, state.k);
    emit("v", l, state.v);
    if (probe) emitCache(state, l, position, emit);

    state.kernels.attention(state, l, position);
    if (probe) emitAttention(state, l, position, emit);

    // output projection into the residual
    const os = quantiseOutput(state, l);
    emit("o_in", l, state.oCodes);
    matvec(layer.o, state.oCodes, os, 32, delta, sticky);
    addResidual(x, delta, sticky);
    emit("x_attn", l, x);

    // feed-forward
    const ffnNorm = gather(x, layer.ffnGain, y, sticky);
    const fs = quantise(y, ffnNorm.maximum, codes);
    emit("ffn_in", l, codes);
    matvec(
      layer.gate,
      codes,
      normScale(fs, ffnNorm.squares, model.epsilonSum, scale.gate),
      24,
      state.gate,
      sticky,
    );
    matvec(layer.up, codes, normScale(fs, ffnNorm.squares, model.epsilonSum, scale.up), 24, state.up, sticky);
    gateTimesUp(state.gate, state.up, state.h, sticky);
    emit("h", l, state.h);
    const hs = quantiseHidden(state, l);
    emit("down_in", l, state.hCodes);
    matvec(layer.down, state.hCodes, hs, 32, delta, sticky);
    addResidual(x, delta, sticky);
    emit("x_ffn", l, x);
  }
  if (!head) return -1;

  // final norm and head
  const finalNorm = gather(x, model.finalGain, y, sticky);
  const s = quantise(y, finalNorm.maximum, codes);
  emit("head_in", -1, codes);
  const t = normScale(s, finalNorm.squares, model.epsilonSum, model.headScale);
  matvec(model.head ?? model.embedding, codes, t, 32, state.logits, sticky);
  emit("logits", -1, state.logits);
  const next = argmax(state.logits);
  emit("token", -1, [next]);
  return next;
}

/** The attention output, behind its sub-norm where there is one, to the codes that enter o. Returns T of o. */
function quantiseOutput(state: IntegerState, layer: number): Scale {
  const { model, o, oNormed, oCodes, sticky } = state;
  const { subNorm, scale } = model.layers[layer]!;
  if (!subNorm) return mul(quantise(o, maximumOf(o), oCodes), scale.o);
  const { maximum, squares } = gather(o, subNorm.attention, oNormed, sticky, OUTPUT_NORM);
  return normScale(quantise(oNormed, maximum, oCodes), squares, model.epsilon.attention, scale.o);
}

/** h likewise to the codes that enter down. Returns T of down. */
function quantiseHidden(state: IntegerState, layer: number): Scale {
  const { model, h, hNormed, hCodes, sticky } = state;
  const { subNorm, scale } = model.layers[layer]!;
  if (!subNorm) return mul(quantise(h, maximumOf(h), hCodes), scale.down);
  const { maximum, squares } = gather(h, subNorm.ffn, hNormed, sticky);
  return normScale(quantise(hNormed, maximum, hCodes), squares, model.epsilon.ffn, scale.down);
}

/** All heads of one layer at a position: q to its codes, scores, softmax, weighted values into state.o. */
export function attention(state: IntegerState, layer: number, position: number): void {
  const { cache } = state;
  const { heads } = state.model.shape;
  for (let head = 0; head < heads; head++) attendHead(state, layer, head, cache.live(position));
}

/** One head: reads q and the cache; writes its parts of q's codes, scores, p, exponents, sums and o. */
export function attendHead(state: IntegerState, layer: number, head: number, live: number): void {
  const { model, cache, sticky } = state;
  const { heads, kvHeads, headDim } = model.shape;
  const { scale, qkNorm } = model.layers[layer]!;
  const blocks = Math.ceil(live / GROUP);
  const kvHead = Math.floor((head * kvHeads) / heads);
  const from = head * headDim;
  const to = from + headDim;
  const s = quantise(state.q, maximumOf(state.q, from, to), state.qCodes, from, to);
  const t = qkNorm ? normScale(s, state.qSquares[head]!, model.epsilon.q, scale.score) : mul(s, scale.score);
  scoreHead(cache, layer, kvHead, live, state.qCodes, from, t, state.scores, head * live, sticky);
  const view = {
    scores: state.scores,
    scoresAt: head * live,
    live,
    scales: cache.valueScales,
    scalesAt: cache.vector(layer, kvHead, 0),
    p: state.p,
    pAt: head * blocks * GROUP,
    exponents: state.exponents,
    exponentsAt: head * blocks,
  };
  state.sums[head] = softmax(view);
  attend(cache, layer, kvHead, view, state.sums[head]!, scale.attend, state.o, from, sticky);
}

type Emit = (tensor: TensorName, layer: number, values: ArrayLike<number>) => void;

/** The tensors of attention, head after head without gaps. */
function emitAttention(state: IntegerState, layer: number, position: number, emit: Emit): void {
  const { heads } = state.model.shape;
  const live = state.cache.live(position);
  const blocks = Math.ceil(live / GROUP);
  emit("q_code", layer, state.qCodes);
  emit("score", layer, state.scores.subarray(0, heads * live));
  emit("p", layer, state.p.subarray(0, heads * blocks * GROUP));
  emit("p_exponent", layer, state.exponents.subarray(0, heads * blocks));
  emit("p_sum", layer, state.sums);
  emit("attn_out", layer, state.o);
}

/** What the cache got for this position, gathered from its heads. */
function emitCache(state: IntegerState, layer: number, position: number, emit: Emit): void {
  const { cache } = state;
  const { kvHeads, headDim } = state.model.shape;
  const collect = (codes: Int8Array): Int8Array => {
    const all = new Int8Array(kvHeads * headDim);
    for (let head = 0; head < kvHeads; head++) {
      const at = cache.vector(layer, head, cache.slot(position)) * headDim;
      all.set(codes.subarray(at, at + headDim), head * headDim);
    }
    return all;
  };
  const scales = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.from(
      { length: kvHeads },
      (_, head) => bytes[cache.vector(layer, head, cache.slot(position))]!,
    );
  emit("k_code", layer, collect(cache.keyCodes));
  emit("v_code", layer, collect(cache.valueCodes));
  emit("k_scale", layer, scales(cache.keyScales));
  emit("v_scale", layer, scales(cache.valueScales));
}

/**
 * Greedy generation over positions 0..total-1: tokens of the prompt (at least one) come first, the token chosen at
 * position p is the token of position p + 1. Returns total + 1 tokens, or fewer when `stop` is chosen (it is included).
 */
export function generate(
  state: IntegerState,
  prompt: ArrayLike<number>,
  total: number,
  options: { readonly probe?: Probe; readonly stop?: number } = {},
): number[] {
  if (prompt.length === 0) throw new RangeError("a prompt needs at least one token (BOS)");
  const tokens = Array.from(prompt);
  for (let position = 0; position < total; position++) {
    const head = position + 1 >= prompt.length;
    const next = forward(state, tokens[position]!, position, head, options.probe);
    if (head) tokens.push(next);
    if (head && next === options.stop) break;
  }
  return tokens;
}
