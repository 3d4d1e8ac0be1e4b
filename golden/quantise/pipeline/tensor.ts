/** One matrix of a checkpoint: read by rows into shared memory, rounded by all threads, or its stored codes kept. */
import { GROUP } from "../../contract/tables.js";
import { InputError } from "../../import/error.js";
import type { TensorSource } from "../../import/source.js";
import type { QuantisedMatrix } from "../../model/types.js";
import { storedFormat } from "../methods/codes.js";
import type { InputMoments, MatrixSpec } from "../recipe.js";
import { putMatrix } from "./jobs.js";
import { keepCodes, keepLevels } from "./kept.js";
import type { Pool, Workspace } from "./pool.js";

/** Tensors under slot names. */
export type WeightSource = Pick<TensorSource, "file" | "read" | "codes">;

export interface RoundedTensor {
  /** Its arrays are work space: they hold until the next matrix. */
  readonly matrix: QuantisedMatrix;
  /** [rows·cols]: what the codes stand for; work space too. */
  readonly weights: Float32Array;
  /** Squared error, and the squares of the weights themselves. */
  readonly error: number;
  readonly size: number;
  /** The checkpoint's own codes. */
  readonly kept: boolean;
}

/** Weights that are read at once. */
const BLOCK = 1 << 22;

export async function roundTensor(
  setting: { readonly source: WeightSource; readonly pool: Pool; readonly space: Workspace },
  slot: string,
  about: {
    readonly rows: number;
    readonly cols: number;
    readonly spec: MatrixSpec;
    readonly inputs: InputMoments | null;
    /** Rows before this block, where a tensor is taken in blocks: then no stored codes are looked for. */
    readonly from?: number;
  },
): Promise<RoundedTensor> {
  const { source, pool, space } = setting;
  const { rows, cols, spec, inputs, from } = about;
  const weights = await readMatrix(setting, slot, rows, cols, from);
  const work = {
    ...{ weights, cols },
    codes: space.codes("codes", rows * cols),
    mantissas: space.octets("mantissas", rows * Math.ceil(cols / GROUP)),
    exponents: space.octets("exponents", rows),
    losses: space.doubles("losses", 2 * rows),
  };
  const kept = from === undefined ? await keep(source, slot, weights, about) : null;
  if (kept !== null) putMatrix(work, kept, 0);
  else await refusable(source, slot, () => pool.run({ kind: "round", ...work, spec, inputs }, rows));
  const format = kept?.format ?? storedFormat(spec);
  const { codes, mantissas, exponents } = work;
  return {
    matrix: { rows, cols, format, codes, mantissas, exponents },
    weights,
    error: every(work.losses, 0),
    size: every(work.losses, 1),
    kept: kept !== null,
  };
}

/** Rows of a tensor into the work space for weights. */
export async function readMatrix(
  { source, space }: { readonly source: WeightSource; readonly space: Workspace },
  slot: string,
  rows: number,
  cols: number,
  from = 0,
): Promise<Float32Array> {
  const weights = space.floats("weights", rows * cols);
  const per = Math.max(1, Math.floor(BLOCK / cols));
  for (let row = 0; row < rows; row += per) {
    const many = Math.min(per, rows - row);
    weights.set(await source.read(slot, from + row, many), row * cols);
  }
  return weights;
}

/** The checkpoint's own codes, where they stay. */
export async function keep(
  source: WeightSource,
  slot: string,
  weights: Float32Array,
  { rows, cols, spec }: { readonly rows: number; readonly cols: number; readonly spec: MatrixSpec },
): Promise<QuantisedMatrix | null> {
  const stored = await source.codes(slot);
  const kept = stored === null ? null : keepCodes(stored, rows, cols, spec.levels);
  return kept ?? keepLevels(weights, rows, cols);
}

/** What the methods refuse is the file's fault: weights beyond every format. */
async function refusable(source: WeightSource, tensor: string, what: () => Promise<void>): Promise<void> {
  try {
    await what();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(error.message, { file: source.file, tensor }, "Check the checkpoint's weights");
  }
}

/** The sum of every second number. */
function every(losses: Float64Array, from: number): number {
  let sum = 0;
  for (let i = from; i < losses.length; i += 2) sum += losses[i]!;
  return sum;
}

/** Error over size; nothing is lost of nothing. */
export function relative(error: number, size: number): number {
  return size === 0 ? 0 : error / size;
}
