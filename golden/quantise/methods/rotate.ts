/**
 * The same function with rotated weights (QuaRot, arXiv 2404.00456, section 4; SpinQuant's R1 and R2): outliers of weights and of
 * activations are spread over all channels, so that few bits hold them better. Gains of the norms move into the matrices behind them,
 * for a norm without gain commutes with a rotation; the residual stream is turned by Q, the values of each head by R. Nothing is left to do
 * at run time. This is exact for all families that are read: RoPE, norms of q and k, biases and windows act where nothing is turned;
 * a sub-norm before o has its gain moved into o, and a root mean square does not see a turn inside the heads.
 */
import type { FloatLayer, FloatModel } from "../../model/float.js";
import { hadamardRotation, type Rotation } from "./hadamard.js";

/** Seeds of Q and R: any will do, but always the same. */
const SEED = { residual: 1, value: 2 };

/** Q and R of a model. */
export interface Rotations {
  readonly residual: Rotation;
  readonly value: Rotation;
}

/** RangeError where there is no Hadamard matrix of the model's sizes. */
export function rotationsOf({ dim, headDim }: FloatModel["shape"]): Rotations {
  return { residual: rotation("dim", dim, SEED.residual), value: rotation("headDim", headDim, SEED.value) };
}

function rotation(what: string, size: number, seed: number): Rotation {
  const found = hadamardRotation(size, seed);
  if (found === undefined)
    throw new RangeError(
      `no Hadamard matrix is known here for ${what} ${size} (2^a, or 2^a times 12, 20, 28, 36 ...): quantise without rotation`,
    );
  return found;
}

/** W·diag(gain)·Qᵀ, for inputs that are turned: each run of Q's size of each row. */
export function rotateInputs(weights: Float32Array, gain: Float32Array | null, turn: Rotation): Float32Array {
  const out = new Float32Array(weights.length);
  const run = new Float64Array(turn.size);
  for (let from = 0; from < weights.length; from += turn.size) {
    for (let i = 0; i < run.length; i++) {
      const w = weights[from + i]!;
      run[i] = gain === null ? w : w * gain[(from + i) % gain.length]!;
    }
    turn.apply(run);
    out.set(run, from);
  }
  return out;
}

/** Q·W, for outputs that are turned: each run of Q's size of each column of [rows·cols]. */
export function rotateOutputs(weights: Float32Array, cols: number, turn: Rotation): Float32Array {
  const out = new Float32Array(weights.length);
  const run = new Float64Array(turn.size);
  for (let from = 0; from < weights.length; from += turn.size * cols) {
    for (let col = 0; col < cols; col++) {
      for (let i = 0; i < run.length; i++) run[i] = weights[from + i * cols + col]!;
      turn.apply(run);
      for (let i = 0; i < run.length; i++) out[from + i * cols + col] = run[i]!;
    }
  }
  return out;
}

/** The model turned. A head of its own appears where the final gain stands between embedding and head. */
export function rotate(model: FloatModel): FloatModel {
  const rotations = rotationsOf(model.shape);
  const { residual } = rotations;
  const { finalGain } = model;
  const even = finalGain.every((g) => g === finalGain[0]);
  const tied = model.head === undefined && even; // one gain for all commutes and may stay
  return {
    ...model,
    architecture: { ...model.architecture, tied },
    embedding: rotateInputs(model.embedding, null, residual),
    ...(tied ? {} : { head: rotateInputs(model.head ?? model.embedding, finalGain, residual) }),
    finalGain: tied ? finalGain : ones(finalGain),
    layers: model.layers.map((layer) => rotateLayer(layer, model.shape, rotations)),
  };
}

function ones(gain: Float32Array): Float32Array {
  return new Float32Array(gain.length).fill(1);
}

function rotateLayer(
  layer: FloatLayer,
  { dim, hidden, heads, headDim }: FloatModel["shape"],
  { residual, value }: Rotations,
): FloatLayer {
  const { attentionGain, ffnGain, bias, subNorm } = layer;
  return {
    ...layer,
    attentionGain: ones(attentionGain),
    ffnGain: ones(ffnGain),
    q: rotateInputs(layer.q, attentionGain, residual),
    k: rotateInputs(layer.k, attentionGain, residual),
    v: rotateOutputs(rotateInputs(layer.v, attentionGain, residual), dim, value),
    o: rotateOutputs(rotateInputs(layer.o, subNorm?.attention ?? null, value), heads * headDim, residual),
    gate: rotateInputs(layer.gate, ffnGain, residual),
    up: rotateInputs(layer.up, ffnGain, residual),
    down: rotateOutputs(layer.down, hidden, residual),
    ...(bias === undefined ? {} : { bias: { ...bias, v: rotateOutputs(bias.v, 1, value) } }),
    ...(subNorm === undefined ? {} : { subNorm: { ...subNorm, attention: ones(subNorm.attention) } }),
  };
}
