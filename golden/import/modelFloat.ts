/** A whole model as float32 in memory: for small models; large ones are taken tensor by tensor. */
import type { FloatLayer, FloatModel } from "../model/float.js";
import { type ModelDescription, slotsOf } from "./architecture.js";
import { InputError } from "./error.js";
import type { TensorSource } from "./source.js";

/** Most weights that are loaded whole: 4 GB of float32. */
const MOST = 2 ** 30;

/** Puts tensors, by slot name, together; all slots of the description must be there. */
export function floatModel(
  description: ModelDescription,
  tensors: ReadonlyMap<string, Float32Array>,
): FloatModel {
  const { name, shape, architecture } = description;
  const take = (slot: string): Float32Array => {
    const values = tensors.get(slot);
    if (values === undefined) throw new RangeError(`tensor "${slot}" was not loaded`);
    return values;
  };
  return {
    name,
    shape,
    architecture,
    embedding: take("embedding"),
    ...(architecture.tied ? {} : { head: take("head") }),
    finalGain: take("final_norm"),
    layers: Array.from({ length: shape.layers }, (_, l): FloatLayer => {
      const of = (role: string): Float32Array => take(`layers.${l}.${role}`);
      return {
        attentionGain: of("attention_norm"),
        ffnGain: of("ffn_norm"),
        ...{ q: of("q"), k: of("k"), v: of("v"), o: of("o") },
        ...{ gate: of("gate"), up: of("up"), down: of("down") },
        kMean: new Float32Array(shape.kvHeads * shape.headDim),
        ...(architecture.qkvBias ? { bias: { q: of("q_bias"), k: of("k_bias"), v: of("v_bias") } } : {}),
        ...(architecture.qkNorm ? { qkNorm: { q: of("q_norm"), k: of("k_norm") } } : {}),
        ...(architecture.subNorms
          ? { subNorm: { attention: of("attention_sub_norm"), ffn: of("ffn_sub_norm") } }
          : {}),
      };
    }),
  };
}

export function weightsOf({ shape, architecture, ...rest }: ModelDescription): number {
  return slotsOf({ shape, architecture, ...rest }).reduce(
    (sum, slot) => sum + slot.shape.reduce((product, n) => product * n, 1),
    0,
  );
}

/** Loads everything. `context` caps the positions, for work space grows with them. */
export async function loadFloatModel(
  { source, description }: { readonly source: TensorSource; readonly description: ModelDescription },
  { context = Infinity }: { readonly context?: number } = {},
): Promise<FloatModel> {
  const weights = weightsOf(description);
  if (weights > MOST)
    throw new InputError(
      `${weights} weights are too many to hold in memory as floats`,
      { file: source.file },
      "Take a smaller model, or quantise this one, which goes tensor by tensor",
    );
  const tensors = new Map<string, Float32Array>();
  for (const { name } of slotsOf(description)) tensors.set(name, await source.read(name));
  const shape = { ...description.shape, context: Math.min(description.shape.context, context) };
  return floatModel({ ...description, shape }, tensors);
}
