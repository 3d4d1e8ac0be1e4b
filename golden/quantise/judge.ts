/** The table that shows what each step of quantisation costs: float weights, fake-quantised activations, integers. */
import type { FloatModel } from "../model/float.js";
import type { QuantisedModel } from "../model/types.js";
import { floatDecoder, integerDecoder } from "./decoder.js";
import { distance, type Distance, type Evaluation, type EvaluationText, evaluate } from "./evaluate.js";

export interface Judgement extends Evaluation, Distance {
  readonly name: string;
}

/**
 * Judges on a text: the source in float (where given), the rounded weights alone, with A8, with A8 and KV4, and the
 * integer model. Divergence and agreement are against the first of them.
 */
export function judge(
  models: { readonly source?: FloatModel; readonly rounded: FloatModel; readonly integer: QuantisedModel },
  text: EvaluationText,
): Judgement[] {
  const { source, rounded, integer } = models;
  const candidates = [
    ...(source ? [{ name: "float", make: () => floatDecoder(source) }] : []),
    { name: "rounded weights", make: () => floatDecoder(rounded) },
    { name: "+ A8", make: () => floatDecoder(rounded, { a8: true }) },
    { name: "+ A8 KV4", make: () => floatDecoder(rounded, { a8: true, kv4: true }) },
    { name: "integer", make: () => integerDecoder(integer) },
  ];
  return candidates.map(({ name, make }) => ({
    name,
    ...evaluate(make(), text),
    ...distance(candidates[0]!.make(), make(), text),
  }));
}
