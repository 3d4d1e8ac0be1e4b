/**
 * One layer of a model over all calibration text at once, matrix after matrix: each is taken (rounded, or only measured) knowing the inputs that the matrices
 * already rounded give it, and its outputs are those of the rounded weights (GPTQ, arXiv 2210.17323, in "true sequential" order).
 * Of the layer's weights one matrix is in memory at a time.
 */
import type { LayerRole, ModelDescription } from "../../import/architecture.js";
import type { MatrixLoss } from "../../import/quantisedAbout.js";
import { matrixTensors, type Tensors, vectorTensors } from "../../import/write/quantised.js";
import { ropeFrequencies } from "../../model/architecture.js";
import { sigmoid, sinCos } from "../../model/elementary.js";
import type { LayerRanges } from "../calibrate.js";
import type { InputMoments } from "../recipe.js";
import { type MatrixName, matrixSizes } from "../round.js";
import type { Pool, Workspace } from "./pool.js";
import { relative, type RoundedTensor, type WeightSource } from "./tensor.js";

export interface LayerOutcome {
  readonly tensors: Tensors;
  readonly losses: ReadonlyMap<string, MatrixLoss>;
  readonly ranges: LayerRanges;
  readonly residual: number;
}

/** Everything that stays the same from layer to layer. */
export interface LayerSetting {
  readonly source: WeightSource;
  readonly description: ModelDescription;
  readonly pool: Pool;
  readonly space: Workspace;
  /** Tokens of each calibration sequence. */
  readonly lengths: readonly number[];
  /** Whether `take` of this matrix looks at the second moments of its inputs. */
  wantsMoments(slot: string): boolean;
  take(slot: string, rows: number, cols: number, moments: InputMoments | null): Promise<Taken>;
}

/** What becomes of a matrix. */
export interface Taken {
  /** [rows·cols]: what the inputs are multiplied with; work space. */
  readonly weights: Float32Array;
  /** What is saved of it; nothing where a pass only measures. */
  readonly rounded: RoundedTensor | null;
}

/** Runs layer `l`; `x` [positions·dim] enters and leaves as the residual stream. */
export async function passLayer(setting: LayerSetting, l: number, x: Float32Array): Promise<LayerOutcome> {
  return new LayerPass(setting, l, x).run();
}

class LayerPass {
  private readonly tensors: Tensors = new Map();
  private readonly losses = new Map<string, MatrixLoss>();
  private readonly positions: number;

  constructor(
    private readonly setting: LayerSetting,
    private readonly l: number,
    private readonly x: Float32Array,
  ) {
    this.positions = setting.lengths.reduce((sum, length) => sum + length, 0);
  }

  async run(): Promise<LayerOutcome> {
    const { positions, x } = this;
    const { pool, space, lengths, description } = this.setting;
    const { dim, hidden, heads, kvHeads, headDim } = description.shape;
    const { eps, gate: gateKind, qkvBias, qkNorm, subNorms, rope, slidingWindow } = description.architecture;

    const y = space.floats("y", positions * dim);
    norm(x, await this.vector("attention_norm"), eps, y);
    const bias = async (role: LayerRole): Promise<Float32Array | null> =>
      qkvBias ? this.vector(role) : null;
    const moments = await this.moments(["q", "k", "v"], y, dim);
    const q = await this.matrix("q", y, moments, await bias("q_bias"));
    const k = await this.matrix("k", y, moments, await bias("k_bias"));
    const v = await this.matrix("v", y, moments, await bias("v_bias"));
    const bare = { q: largest(q), k: largest(k) }; // what ranges mean where norms follow
    if (qkNorm) {
      norm(q, await this.vector("q_norm"), eps, q);
      norm(k, await this.vector("k_norm"), eps, k);
    }
    const frequencies = ropeFrequencies(rope, headDim);
    rotate(q, lengths, heads * headDim, frequencies);
    rotate(k, lengths, kvHeads * headDim, frequencies);
    this.put("k_mean", columnMeans(k, kvHeads * headDim));

    const o = space.floats("o", positions * heads * headDim);
    await pool.run(
      { kind: "attend", q, k, v, out: o, lengths, heads, kvHeads, headDim, slidingWindow },
      heads,
    );
    const attentionRange = largest(o);
    if (subNorms) norm(o, await this.vector("attention_sub_norm"), eps, o);
    const turned = { q: largest(q), k: largest(k) };
    const queryAndKey = qkNorm ? { ...bare, key: turned.k } : turned;
    const ranges = { ...queryAndKey, v: largest(v), o: attentionRange };
    const width = heads * headDim;
    add(x, await this.matrix("o", o, await this.moments(["o"], o, width), null));
    let residual = largest(x);

    norm(x, await this.vector("ffn_norm"), eps, y);
    const ffnMoments = await this.moments(["gate", "up"], y, dim);
    const h = await this.matrix("gate", y, ffnMoments, null);
    const up = await this.matrix("up", y, ffnMoments, null);
    const gateRange = gateKind === "relu2" ? { gate: largest(h) } : {};
    const upRange = largest(up);
    const activate = gateKind === "silu" ? silu : squaredRelu;
    for (let i = 0; i < h.length; i++) h[i] = activate(h[i]!) * up[i]!;
    const hRange = largest(h);
    if (subNorms) norm(h, await this.vector("ffn_sub_norm"), eps, h);
    add(x, await this.matrix("down", h, await this.moments(["down"], h, hidden), null));
    residual = Math.max(residual, largest(x));
    return {
      tensors: this.tensors,
      losses: this.losses,
      ranges: { ...ranges, ...gateRange, up: upRange, h: hRange },
      residual,
    };
  }

  private slot(role: string): string {
    return `layers.${this.l}.${role}`;
  }

  private put(role: string, values: Float32Array): void {
    for (const [name, tensor] of vectorTensors(this.slot(role), values)) this.tensors.set(name, tensor);
  }

  /** A gain or a bias: used as it is, and saved. */
  private async vector(role: LayerRole): Promise<Float32Array> {
    const values = Float32Array.from(await this.setting.source.read(this.slot(role)));
    this.put(role, values);
    return values;
  }

  /** Second moments of the inputs that these matrices share, where one of them asks. */
  private async moments(
    names: readonly MatrixName[],
    inputs: Float32Array,
    cols: number,
  ): Promise<InputMoments | null> {
    const { pool, space, wantsMoments } = this.setting;
    if (!names.some((name) => wantsMoments(this.slot(name)))) return null;
    const sums = space.doubles("moments", cols * cols);
    await pool.run({ kind: "moments", x: inputs, sums, positions: this.positions, cols }, cols);
    return { cols, positions: this.positions, sums };
  }

  /** Takes the matrix, and multiplies all positions with what has become of it. */
  private async matrix(
    name: MatrixName,
    inputs: Float32Array,
    moments: InputMoments | null,
    bias: Float32Array | null,
  ): Promise<Float32Array> {
    const { pool, space, description, wantsMoments, take } = this.setting;
    const [rows, cols] = matrixSizes(description.shape)[name];
    const slot = this.slot(name);
    const { weights, rounded } = await take(slot, rows, cols, wantsMoments(slot) ? moments : null);
    if (rounded !== null) {
      for (const [key, tensor] of matrixTensors(slot, rounded.matrix)) this.tensors.set(key, tensor);
      const { error, size, kept } = rounded;
      this.losses.set(slot, { error: relative(error, size), kept });
    }
    const out = space.floats(`out.${name}`, this.positions * rows);
    const positions = this.positions;
    await pool.run({ kind: "multiply", x: inputs, weights, bias, out, positions, rows, cols }, rows);
    return out;
  }
}

/** y = x / rms(x) · gain over every stretch as wide as the gain: a position, or a head. */
function norm(x: Float32Array, gain: Float32Array, eps: number, y: Float32Array): void {
  const width = gain.length;
  for (let from = 0; from < x.length; from += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += x[from + i]! * x[from + i]!;
    const r = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) y[from + i] = x[from + i]! * r * gain[i]!;
  }
}

/** RoPE on the pairs (2j, 2j + 1) of every head of every position. */
function rotate(
  vectors: Float32Array,
  lengths: readonly number[],
  width: number,
  frequencies: Float64Array,
): void {
  const pairs = frequencies.length;
  const [sin, cos] = [new Float64Array(pairs), new Float64Array(pairs)];
  let at = 0;
  for (const length of lengths) {
    for (let position = 0; position < length; position++, at += width) {
      for (let j = 0; j < pairs; j++) [sin[j], cos[j]] = sinCos(position * frequencies[j]!);
      for (let i = 0; i < width; i += 2) {
        const j = (i >> 1) % pairs;
        const a = vectors[at + i]!;
        const b = vectors[at + i + 1]!;
        vectors[at + i] = a * cos[j]! - b * sin[j]!;
        vectors[at + i + 1] = a * sin[j]! + b * cos[j]!;
      }
    }
  }
}

function columnMeans(values: Float32Array, cols: number): Float32Array {
  const sums = new Float64Array(cols);
  for (let at = 0; at < values.length; at += cols)
    for (let i = 0; i < cols; i++) sums[i] = sums[i]! + values[at + i]!;
  return Float32Array.from(sums, (sum) => (sum * cols) / values.length);
}

export function largest(values: Float32Array): number {
  let maximum = 0;
  for (let i = 0; i < values.length; i++) maximum = Math.max(maximum, Math.abs(values[i]!));
  return maximum;
}

function add(x: Float32Array, delta: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + delta[i]!;
}

function silu(x: number): number {
  return x * sigmoid(x);
}

function squaredRelu(x: number): number {
  return x > 0 ? x * x : 0;
}
