/**
 * The demo model's file: a safetensors of codes and mantissas as golden/demo/train writes it (format: README.md beside
 * this file). Everything is checked, and nothing is rounded: the file already holds the integers of the contract.
 */
import { llama } from "../model/architecture.js";
import type { FloatLayer, FloatModel } from "../model/float.js";
import type { ModelShape, QuantisedMatrix, QuantisedModel } from "../model/types.js";
import { assemble, type Slots } from "../quantise/assemble.js";
import type { LayerRanges, Ranges } from "../quantise/calibrate.js";
import { type LayerMatrices, matrixSizes, type RoundedModel, withMatrices } from "../quantise/round.js";
import { unpackN24Index } from "../quantise/unpack/sparse24.js";
import { InputError } from "./error.js";
import { floatsOf, readSafetensors, type Safetensors, tensorOf } from "./safetensors.js";

export interface DemoModel {
  readonly model: QuantisedModel;
  /** Its fake-quantised twin in float. */
  readonly rounded: RoundedModel;
}

/** Reads a whole demo file; `file` is its name for error messages. */
export function readDemo(bytes: Uint8Array, file: string, slots?: Slots): DemoModel {
  const source = readSafetensors(bytes, file);
  const shape = readShape(source);
  const sizes = matrixSizes(shape);
  const readLinear = linearReader(source);
  const linear = (l: number, name: keyof typeof sizes): QuantisedMatrix =>
    readLinear(source, `layers.${l}.${name}`, sizes[name][0], sizes[name][1]);
  const matrices: LayerMatrices[] = [];
  const layers: FloatLayer[] = [];
  const none = new Float32Array(0); // filled in by withMatrices
  for (let l = 0; l < shape.layers; l++) {
    matrices.push({
      q: linear(l, "q"),
      k: linear(l, "k"),
      v: linear(l, "v"),
      o: linear(l, "o"),
      gate: linear(l, "gate"),
      up: linear(l, "up"),
      down: linear(l, "down"),
    });
    layers.push({
      attentionGain: floatsOf(source, `layers.${l}.attention_norm`, [shape.dim]),
      ffnGain: floatsOf(source, `layers.${l}.ffn_norm`, [shape.dim]),
      kMean: floatsOf(source, `layers.${l}.k_mean`, [shape.kvHeads * shape.headDim]),
      ...{ q: none, k: none, v: none, o: none, gate: none, up: none, down: none },
    });
  }
  const float: FloatModel = {
    name: source.metadata.get("name") ?? "demo",
    shape,
    architecture: llama(positive(source, "eps"), positive(source, "theta")),
    embedding: none,
    finalGain: floatsOf(source, "final_norm", [shape.dim]),
    layers,
  };
  const rounded = withMatrices(float, readEmbedding(source, shape), matrices);
  const ranges = readRanges(source, shape.layers);
  try {
    return { model: assemble(rounded, ranges, slots ? { slots } : {}), rounded };
  } catch (error) {
    // Numbers of the file that no fixed-point format holds: ranges, gains, head widths.
    if (error instanceof RangeError) throw new InputError(error.message, { file }, AGAIN);
    throw error;
  }
}

const AGAIN = "Export the model again with golden/demo/train";

function text(source: Safetensors, key: string): string {
  const value = source.metadata.get(key);
  if (value === undefined)
    throw new InputError(`the metadata lack "${key}"`, { file: source.file, offset: 8 }, AGAIN);
  return value;
}

function positive(source: Safetensors, key: string): number {
  const value = Number(text(source, key));
  if (!(value > 0 && value < Infinity))
    throw new InputError(
      `metadata ${key} = "${text(source, key)}" is no positive number`,
      { file: source.file, offset: 8 },
      AGAIN,
    );
  return value;
}

function count(source: Safetensors, key: string): number {
  const value = positive(source, key);
  if (!Number.isInteger(value))
    throw new InputError(
      `metadata ${key} = "${value}" is no whole number`,
      { file: source.file, offset: 8 },
      AGAIN,
    );
  return value;
}

function readShape(source: Safetensors): ModelShape {
  const [dim, heads, kvHeads] = [count(source, "dim"), count(source, "heads"), count(source, "kv_heads")];
  if (dim % heads !== 0 || heads % kvHeads !== 0 || (dim / heads) % 2 !== 0) {
    const what = `dim ${dim}, heads ${heads}, kv_heads ${kvHeads} do not divide into heads of even width`;
    throw new InputError(what, { file: source.file, offset: 8 }, AGAIN);
  }
  return {
    dim,
    hidden: count(source, "hidden"),
    layers: count(source, "layers"),
    heads,
    kvHeads,
    headDim: dim / heads,
    vocab: count(source, "vocab"),
    context: count(source, "context"),
  };
}

type LinearReader = (source: Safetensors, name: string, rows: number, cols: number) => QuantisedMatrix;

/** Metadata `weight_format`: how the seven linear matrices are stored; W2 unless told. */
function linearReader(source: Safetensors): LinearReader {
  const format = source.metadata.get("weight_format") ?? "W2";
  const reader = new Map<string, LinearReader>([
    ["W2", readW2],
    ["N24", readN24],
  ]).get(format);
  if (!reader)
    throw new InputError(
      `metadata weight_format = "${format}" is none of W2, N24`,
      { file: source.file, offset: 8 },
      AGAIN,
    );
  return reader;
}

/** A byte for every four columns: two codes and the columns they are for, ascending. */
function readN24(source: Safetensors, name: string, rows: number, cols: number): QuantisedMatrix {
  if (cols % 4 !== 0) {
    const where = { file: source.file, tensor: `${name}.quad` };
    throw new InputError(`${cols} columns do not divide into the fours of N24`, where, AGAIN);
  }
  const quad = tensorOf(source, `${name}.quad`, "U8", [rows, cols / 4]);
  const bad = quad.bytes.findIndex((v) => v >> 6 <= ((v >> 4) & 3));
  if (bad >= 0) {
    const [v, offset] = [quad.bytes[bad]!, quad.offset + bad];
    const what = `byte ${v}: column ${v >> 6} is not above column ${(v >> 4) & 3} in 2:4 weights`;
    throw new InputError(what, { file: source.file, tensor: `${name}.quad`, offset }, AGAIN);
  }
  const codes = unpackN24Index(quad.bytes, rows, cols);
  return { rows, cols, format: "N24", codes, ...readScales(source, name, rows, cols) };
}

/** Codes 0..3 mean -3, -1, 1, 3. */
function readW2(source: Safetensors, name: string, rows: number, cols: number): QuantisedMatrix {
  const code = tensorOf(source, `${name}.code`, "U8", [rows, cols]);
  const bad = code.bytes.findIndex((v) => v > 3);
  if (bad >= 0) {
    const where = { file: source.file, tensor: `${name}.code`, offset: code.offset + bad };
    throw new InputError(`code ${code.bytes[bad]} is not in 0..3`, where, AGAIN);
  }
  return {
    rows,
    cols,
    format: "W2",
    codes: Int8Array.from(code.bytes, (v) => 2 * v - 3),
    ...readScales(source, name, rows, cols),
  };
}

function readEmbedding(source: Safetensors, { vocab, dim }: ModelShape): QuantisedMatrix {
  const code = tensorOf(source, "embedding.code", "I8", [vocab, dim]);
  const codes = Int8Array.from(code.bytes);
  const bad = codes.findIndex((v) => v < -8 || v > 7);
  if (bad >= 0) {
    const where = { file: source.file, tensor: "embedding.code", offset: code.offset + bad };
    throw new InputError(`code ${codes[bad]} is not in -8..7`, where, AGAIN);
  }
  return { rows: vocab, cols: dim, format: "W4", codes, ...readScales(source, "embedding", vocab, dim) };
}

function readScales(
  source: Safetensors,
  name: string,
  rows: number,
  cols: number,
): { mantissas: Uint8Array; exponents: Uint8Array } {
  const mantissa = tensorOf(source, `${name}.mantissa`, "U8", [rows, Math.ceil(cols / 32)]);
  const exponent = tensorOf(source, `${name}.exponent`, "U8", [rows]);
  const bad = exponent.bytes.findIndex((v) => v > 31);
  if (bad >= 0) {
    const where = { file: source.file, tensor: `${name}.exponent`, offset: exponent.offset + bad };
    throw new InputError(`exponent ${exponent.bytes[bad]} is not in 0..31`, where, AGAIN);
  }
  return { mantissas: Uint8Array.from(mantissa.bytes), exponents: Uint8Array.from(exponent.bytes) };
}

/** Metadata `ranges`: JSON, one list per tensor with one largest magnitude per layer. */
function readRanges(source: Safetensors, layers: number): Ranges {
  const fail = (what: string): never => {
    throw new InputError(what, { file: source.file, offset: 8 }, AGAIN);
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text(source, "ranges"));
  } catch (error) {
    if (error instanceof InputError) throw error;
    return fail("metadata ranges are not JSON");
  }
  const table: Record<string, unknown> = typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  const list = (name: string): readonly number[] => {
    const values = table[name];
    if (
      !Array.isArray(values) ||
      values.length !== layers ||
      !values.every((v) => typeof v === "number" && v >= 0)
    )
      return fail(`metadata ranges.${name} are not ${layers} numbers, one per layer`);
    return values;
  };
  const [q, k, v, up, act] = [list("q"), list("k"), list("v"), list("up"), list("act")];
  return {
    residual: positive(source, "residual_max"),
    layers: Array.from(
      { length: layers },
      // the attention output is a weighted mean of values, so theirs is its range
      (_, l): LayerRanges => ({ q: q[l]!, k: k[l]!, v: v[l]!, o: v[l]!, up: up[l]!, h: act[l]! }),
    ),
  };
}
