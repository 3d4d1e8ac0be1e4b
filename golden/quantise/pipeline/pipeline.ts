/**
 * A checkpoint to a quantised model in the memory of one matrix and the hidden states of the calibration text: the embedding, layer
 * after layer, the head. What is done is kept part by part (parts.ts), and a run begins behind the parts that are there.
 */
import type { ModelDescription } from "../../import/architecture.js";
import { slotsOf } from "../../import/architecture.js";
import { InputError } from "../../import/error.js";
import type { MatrixLoss } from "../../import/quantisedAbout.js";
import { MatrixWriter, type Tensors, vectorTensors } from "../../import/write/quantised.js";
import type { MatrixSpec, Recipe } from "../recipe.js";
import { type LayerSetting, largest, passLayer } from "./layer.js";
import { type Keeper, partNames, writePart } from "./parts.js";
import { needsMoments } from "./jobs.js";
import { openPool, Workspace } from "./pool.js";
import { relative, roundTensor, type WeightSource } from "./tensor.js";

export interface Progress {
  /** The tensor that is done, by slot name; null at the start. */
  readonly slot: string | null;
  /** Weights that are done, those that an earlier run did, and all of them. */
  readonly done: number;
  readonly before: number;
  readonly total: number;
}

export interface PipelineOptions {
  readonly source: WeightSource;
  readonly description: ModelDescription;
  readonly recipe: Recipe;
  /** Calibration: token sequences, each from position 0. */
  readonly text: readonly (readonly number[])[];
  readonly keeper: Keeper;
  readonly threads: number;
  progress?(progress: Progress): void;
}

/** Makes all parts; those of an earlier run with the same options are taken as they are. */
export async function quantiseInParts(options: PipelineOptions): Promise<void> {
  const { description, keeper, text, threads } = options;
  checkText(options);
  const { dim, layers } = description.shape;
  const positions = text.reduce((sum, tokens) => sum + tokens.length, 0);
  const x = new Float32Array(positions * dim);
  const first = await resume(keeper, partNames(layers), x);
  const counter = count(options, first);
  const pool = openPool(threads);
  try {
    const setting: LayerSetting = {
      ...{ source: options.source, description, pool, space: new Workspace() },
      lengths: text.map((tokens) => tokens.length),
      wantsMoments: (slot) => needsMoments(specOf(options.recipe, slot)),
      take: async (slot, rows, cols, inputs) => {
        const spec = specOf(options.recipe, slot);
        const rounded = await roundTensor(setting, slot, { rows, cols, spec, inputs });
        counter(slot);
        return { weights: rounded.weights, rounded };
      },
    };
    if (first === 0) await embedding(options, setting, counter, x);
    for (let l = Math.max(0, first - 1); l < layers; l++) {
      const { tensors, ...about } = await passLayer(setting, l, x);
      await keeper.put(`hidden.${l + 1}`, bytesOf(x));
      await keeper.put(`layer.${l}`, writePart(tensors, about));
      await keeper.remove(`hidden.${l}`);
    }
    if (first <= layers + 1) await final(options, setting, counter);
  } finally {
    await pool.close();
  }
}

function specOf({ overrides, linear }: Recipe, slot: string): MatrixSpec {
  return overrides.get(slot) ?? linear;
}

export function checkText({
  text,
  description,
  source,
}: Pick<PipelineOptions, "text" | "description" | "source">): void {
  const { vocab, context } = description.shape;
  for (const tokens of text) {
    if (tokens.length === 0 || tokens.length > context)
      throw new RangeError(`a sequence of ${tokens.length} tokens does not fit a context of ${context}`);
    const bad = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocab);
    if (bad !== undefined)
      throw new InputError(
        `token ${bad} of the calibration text is outside the vocabulary of ${vocab}`,
        { file: source.file },
        "Use the tokenizer that belongs to the model",
      );
  }
  if (text.length === 0) throw new RangeError("there is no calibration text");
}

/** The first part that is to be done; the hidden states that enter it are put into x. */
async function resume(keeper: Keeper, names: readonly string[], x: Float32Array): Promise<number> {
  let done = 0;
  for (const name of names) {
    const part = await keeper.get(name);
    if (part === null) break;
    await part.close();
    done++;
  }
  if (done === names.length) return done;
  // Part n + 1 is layer n; the last one needs no hidden states.
  for (; done > 0; done--) {
    const hidden = await keeper.get(`hidden.${done - 1}`);
    if (hidden === null) continue;
    try {
      if (hidden.size !== x.byteLength) continue;
      new Uint8Array(x.buffer).set(await hidden.read(0, hidden.size));
      return done;
    } finally {
      await hidden.close();
    }
  }
  return 0;
}

function bytesOf(x: Float32Array): Uint8Array {
  return new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
}

/** Adds up weights as tensors are done, and reports. */
function count({ description, progress }: PipelineOptions, first: number): (slot: string) => void {
  const matrices = slotsOf(description).filter(({ shape }) => shape.length === 2);
  const sizes = new Map(matrices.map(({ name, shape }) => [name, shape[0]! * shape[1]!]));
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  let done = 0;
  for (const { name, layer, role } of matrices) {
    const part = role === "embedding" ? 0 : layer === null ? description.shape.layers + 1 : layer + 1;
    if (part < first) done += sizes.get(name)!;
  }
  const before = done;
  progress?.({ slot: null, done, before, total });
  return (slot) => {
    done += sizes.get(slot)!;
    progress?.({ slot, done, before, total });
  };
}

/** Weights of a table that are rounded at once. */
const BLOCK = 1 << 22;

/** A table by blocks of rows; `see` is shown the rows as the codes stand for them. */
async function table(
  { description, recipe }: PipelineOptions,
  setting: LayerSetting,
  counter: (slot: string) => void,
  slot: "embedding" | "head",
  see: (weights: Float32Array, from: number, rows: number) => void,
): Promise<{ readonly tensors: Tensors; readonly loss: MatrixLoss }> {
  const { vocab, dim } = description.shape;
  const spec: MatrixSpec = { levels: recipe[slot], group: 32, rounding: "nearest", pruning: null };
  const writer = new MatrixWriter(slot, recipe[slot], vocab, dim);
  const per = Math.max(1, Math.floor(BLOCK / dim));
  let [error, size] = [0, 0];
  for (let from = 0; from < vocab; from += per) {
    const rows = Math.min(per, vocab - from);
    const block = await roundTensor(setting, slot, { rows, cols: dim, spec, inputs: null, from });
    writer.add(block.matrix);
    see(block.weights, from, rows);
    error += block.error;
    size += block.size;
  }
  counter(slot);
  return { tensors: writer.tensors(), loss: { error: relative(error, size), kept: false } };
}

/** The embedding, and the hidden states of the text out of it. */
async function embedding(
  options: PipelineOptions,
  setting: LayerSetting,
  counter: (slot: string) => void,
  x: Float32Array,
): Promise<void> {
  const { dim } = options.description.shape;
  const tokens = options.text.flat();
  const { tensors, loss } = await table(options, setting, counter, "embedding", (weights, from, rows) => {
    for (const [p, token] of tokens.entries())
      if (token >= from && token < from + rows)
        x.set(weights.subarray((token - from) * dim, (token - from + 1) * dim), p * dim);
  });
  await options.keeper.put("hidden.0", bytesOf(x));
  const about = { losses: new Map([["embedding", loss]]), ranges: null, residual: largest(x) };
  await options.keeper.put("embedding", writePart(tensors, about));
}

async function final(
  options: PipelineOptions,
  setting: LayerSetting,
  counter: (slot: string) => void,
): Promise<void> {
  const { keeper, source, description } = options;
  const tensors = vectorTensors("final_norm", await source.read("final_norm"));
  const losses = new Map<string, MatrixLoss>();
  if (!description.architecture.tied) {
    const head = await table(options, setting, counter, "head", () => {});
    for (const [name, tensor] of head.tensors) tensors.set(name, tensor);
    losses.set("head", head.loss);
  }
  await keeper.put("final", writePart(tensors, { losses, ranges: null, residual: 0 }));
  await keeper.remove(`hidden.${description.shape.layers}`);
}
