/** Metadata of a saved model: what it is, how it was made, what calibration saw. Texts of safetensors' `__metadata__`, checked. */
import { z } from "zod";
import type { Architecture } from "../model/architecture.js";
import type { ModelShape } from "../model/types.js";
import type { LayerRanges, Ranges } from "../quantise/calibrate.js";
import type { MatrixSpec, Recipe } from "../quantise/recipe.js";
import type { ModelDescription } from "./architecture.js";
import { InputError } from "./error.js";

/** What marks a file as ours. */
export const FORMAT = "gateloom-quantised";
export const VERSION = "1";

/** What rounding a matrix cost. */
export interface MatrixLoss {
  /** Squared error of the weights over their squares. */
  readonly error: number;
  /** The codes are those of the checkpoint; only scales were rounded. */
  readonly kept: boolean;
}

export interface QuantisedAbout {
  readonly description: ModelDescription;
  /** The container it was made from, in words. */
  readonly source: string;
  readonly recipe: Recipe;
  readonly ranges: Ranges;
  /** By slot name. */
  readonly losses: ReadonlyMap<string, MatrixLoss>;
}

const count = (most: number) => z.int().min(1).max(most);
const positive = z.number().positive().finite();
const magnitude = z.number().min(0).finite();

const shapeSchema: z.ZodType<ModelShape> = z
  .object({
    ...{ dim: count(1 << 20), hidden: count(1 << 24), layers: count(1 << 12), heads: count(1 << 16) },
    ...{ kvHeads: count(1 << 16), headDim: count(1 << 16), vocab: count(1 << 24), context: count(1 << 30) },
  })
  .refine(({ heads, kvHeads, headDim }) => heads % kvHeads === 0 && headDim % 2 === 0, {
    message: "heads must be a multiple of kvHeads, headDim even",
  });

const scalingSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("none") }),
  z.object({ type: z.literal("linear"), factor: positive }),
  z.object({
    type: z.literal("llama3"),
    ...{ factor: positive, lowFactor: positive, highFactor: positive, originalContext: positive },
  }),
  z.object({ type: z.literal("factors"), factors: z.array(positive) }),
]);

const architectureSchema: z.ZodType<Architecture> = z.object({
  eps: positive,
  gate: z.enum(["silu", "relu2"]),
  ...{ qkvBias: z.boolean(), qkNorm: z.boolean(), subNorms: z.boolean(), tied: z.boolean() },
  rope: z.object({ theta: positive, scaling: scalingSchema }),
  slidingWindow: count(1 << 30).nullable(),
});

const specSchema: z.ZodType<MatrixSpec> = z.object({
  levels: z.enum(["W2", "Z2", "TERNARY", "W3", "W4", "W8"]),
  group: z.union([z.literal(32), z.literal(64), z.literal(128)]),
  rounding: z.enum(["nearest", "gptq"]),
  pruning: z.enum(["magnitude", "wanda", "sparsegpt"]).nullable(),
});
const table = z.enum(["W4", "W8"]);
const bits = z.union([z.literal(3), z.literal(4), z.literal(8)]);
const recipeSchema: z.ZodType<Recipe> = z.object({
  linear: specSchema,
  overrides: z.record(z.string(), specSchema).transform((specs) => new Map(Object.entries(specs))),
  ...{ embedding: table, head: table },
  cache: z.object({ keys: bits, values: bits }),
  rotate: z.boolean(),
});

/** Largest magnitudes of one layer, as the parts of an unfinished run keep them too. */
export const layerRangesSchema: z.ZodType<LayerRanges> = z.object({
  ...{ q: magnitude, k: magnitude, v: magnitude, o: magnitude, up: magnitude, h: magnitude },
  ...{ key: magnitude.optional(), gate: magnitude.optional() },
});
const rangesSchema: z.ZodType<Ranges> = z.object({
  residual: magnitude,
  layers: z.array(layerRangesSchema),
});
export const lossesSchema = z
  .record(z.string(), z.object({ error: magnitude, kept: z.boolean() }))
  .transform((losses): ReadonlyMap<string, MatrixLoss> => new Map(Object.entries(losses)));

const AGAIN = "Quantise the model again";

/** Texts in the order in which they are written. */
export function writeAbout(about: QuantisedAbout): Map<string, string> {
  const { description, recipe, ranges, losses } = about;
  return new Map([
    ["format", FORMAT],
    ["version", VERSION],
    ["name", description.name],
    ["family", description.family],
    ["source", about.source],
    ["shape", JSON.stringify(description.shape)],
    ["architecture", JSON.stringify(description.architecture)],
    ["recipe", recipeText(recipe)],
    ["ranges", JSON.stringify(ranges)],
    ["losses", JSON.stringify(Object.fromEntries(losses))],
  ]);
}

export function recipeText(recipe: Recipe): string {
  return JSON.stringify({ ...recipe, overrides: Object.fromEntries(recipe.overrides) });
}

/** JSON of one metadata text, checked. */
export function parseAbout<T>(key: string, text: string, schema: z.ZodType<T>, file: string): T {
  const fail = (what: string): never => {
    throw new InputError(`metadata ${key}: ${what}`, { file, offset: 8 }, AGAIN);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail("this is not JSON");
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  return fail(path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`);
}

export function readAbout(metadata: ReadonlyMap<string, string>, file: string): QuantisedAbout {
  const text = (key: string): string => {
    const value = metadata.get(key);
    if (value === undefined) throw new InputError(`the metadata lack "${key}"`, { file, offset: 8 }, AGAIN);
    return value;
  };
  const part = <T>(key: string, schema: z.ZodType<T>): T => parseAbout(key, text(key), schema, file);
  if (text("version") !== VERSION)
    throw new InputError(
      `version ${text("version")} of this format is not read, but ${VERSION}`,
      { file, offset: 8 },
      "Quantise the model again with this version of Gateloom",
    );
  const shape = part("shape", shapeSchema);
  const architecture = part("architecture", architectureSchema);
  const { scaling } = architecture.rope;
  if (scaling.type === "factors" && scaling.factors.length !== shape.headDim / 2)
    throw new InputError(
      `${scaling.factors.length} RoPE factors do not fit heads of width ${shape.headDim}`,
      { file, offset: 8 },
      AGAIN,
    );
  const ranges = part("ranges", rangesSchema);
  if (ranges.layers.length !== shape.layers)
    throw new InputError(
      `the ranges are those of ${ranges.layers.length} layers, the model has ${shape.layers}`,
      { file, offset: 8 },
      AGAIN,
    );
  return {
    description: { name: text("name"), family: text("family"), shape, architecture },
    source: text("source"),
    recipe: part("recipe", recipeSchema),
    ranges,
    losses: part("losses", lossesSchema),
  };
}
