/**
 * Mixed precision: how much the outputs of every matrix suffer from fewer levels, measured on calibration text that runs through the float
 * model, and the specs that fit into a number of bytes with the least of it (methods/mixed.ts). Errors are relative to what the matrix
 * puts out, for outputs of q and of down are not of one size.
 */
import { slotsOf } from "../../import/architecture.js";
import { InputError } from "../../import/error.js";
import { type Candidate, type Choice, chooseSpecs, hardwareBytes } from "../methods/mixed.js";
import type { InputMoments, Levels, MatrixSpec, Recipe } from "../recipe.js";
import { passLayer } from "./layer.js";
import { checkText, type PipelineOptions, type Progress } from "./pipeline.js";
import { openPool, Workspace } from "./pool.js";
import { keep, readMatrix } from "./tensor.js";

export interface MixedOptions extends Omit<PipelineOptions, "keeper"> {
  /** Of all matrices together on the hardware, tables included. */
  readonly budget: number;
}

/** Levels that are tried; the others cost as much as one of these. */
const LEVELS: readonly Levels[] = ["W2", "W4", "W8"];

export interface Mixed {
  /** The recipe with an override for every linear matrix. */
  readonly recipe: Recipe;
  /** Bytes are those of everything that the budget is for. */
  readonly choice: Pick<Choice, "bytes" | "error" | "bound">;
}

export async function mixedRecipe(options: MixedOptions): Promise<Mixed> {
  const { description, recipe, source, budget } = options;
  const candidates = await measure(options);
  const { vocab, dim } = description.shape;
  const tables =
    hardwareBytes(vocab, dim, recipe.embedding) +
    (description.architecture.tied ? 0 : hardwareBytes(vocab, dim, recipe.head));
  const slots = [...candidates.keys()];
  const choice = choose([...candidates.values()], budget - tables, source.file);
  const overrides = new Map(slots.map((slot, m) => [slot, candidates.get(slot)![choice.chosen[m]!]!.spec]));
  const { bytes, error, bound } = choice;
  return { recipe: { ...recipe, overrides }, choice: { bytes: bytes + tables, error, bound } };
}

function choose(matrices: readonly (readonly Candidate[])[], budget: number, file: string): Choice {
  try {
    return chooseSpecs(matrices, budget);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(`${error.message} beside embedding and head`, { file }, "Allow more bytes");
  }
}

/** What each linear matrix would cost, by slot name. Those whose codes stay have one candidate. */
async function measure(options: MixedOptions): Promise<Map<string, readonly Candidate[]>> {
  const { source, description, recipe, text, threads } = options;
  checkText(options);
  const report = reporter(options);
  const found = new Map<string, readonly Candidate[]>();
  const pool = openPool(threads);
  const space = new Workspace();
  try {
    const setting = {
      ...{ source, description, pool, space },
      lengths: text.map((tokens) => tokens.length),
      wantsMoments: () => true,
      take: async (slot: string, rows: number, cols: number, inputs: InputMoments | null) => {
        const weights = await readMatrix({ source, space }, slot, rows, cols);
        const errors = space.doubles("errors", rows);
        const errorOf = async (spec: MatrixSpec | null): Promise<number> => {
          await pool.run({ kind: "measure", weights, cols, spec, inputs: inputs!, errors }, rows);
          return errors.reduce((sum, error) => sum + error, 0);
        };
        const kept = await keep(source, slot, weights, { rows, cols, spec: recipe.linear });
        if (kept !== null) {
          const levels = kept.format === "N24" ? "W2" : kept.format;
          found.set(slot, [{ spec: recipe.linear, error: 0, bytes: hardwareBytes(rows, cols, levels) }]);
        } else {
          const all = await errorOf(null);
          const candidates: Candidate[] = [];
          for (const levels of LEVELS) {
            const spec = { ...recipe.linear, levels, pruning: null };
            const error = all === 0 ? 0 : (await errorOf(spec)) / all;
            candidates.push({ spec, error, bytes: hardwareBytes(rows, cols, levels) });
          }
          found.set(slot, candidates);
        }
        report(slot);
        return { weights, rounded: null };
      },
    };
    const x = await embedded(options);
    for (let l = 0; l < description.shape.layers; l++) await passLayer(setting, l, x);
    return found;
  } finally {
    await pool.close();
  }
}

/** Hidden states of the text in front of the first layer. */
async function embedded({ source, description, text }: MixedOptions): Promise<Float32Array> {
  const { dim } = description.shape;
  const tokens = text.flat();
  const rows = new Map<number, Float32Array>();
  for (const token of new Set(tokens)) rows.set(token, await source.read("embedding", token, 1));
  const x = new Float32Array(tokens.length * dim);
  for (const [p, token] of tokens.entries()) x.set(rows.get(token)!, p * dim);
  return x;
}

function reporter({ description, progress }: MixedOptions): (slot: string) => void {
  const sizes = new Map(
    slotsOf(description)
      .filter(({ layer, shape }) => layer !== null && shape.length === 2)
      .map(({ name, shape }) => [name, shape[0]! * shape[1]!]),
  );
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  let done = 0;
  return (slot) => {
    done += sizes.get(slot)!;
    const now: Progress = { slot, done, before: 0, total };
    progress?.(now);
  };
}
