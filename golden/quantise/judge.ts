/** The table that shows what each step of quantisation costs: all steps read the same tokens side by side. */
import { exponentials } from "../fast/exponential.js";
import { exp } from "../model/elementary.js";
import type { Sticky } from "../model/scale.js";
import { floatReader, integerReader, type Reader } from "./decoder.js";
import { type Distance, type Evaluation, type EvaluationText, logSumExp } from "./evaluate.js";
import { type Models, type Step, steps } from "./steps.js";

/** Divergence and agreement are against the first step. */
export interface Judgement extends Evaluation, Distance {
  readonly name: string;
  /** Mean Kullback-Leibler divergence from the step before, nats per token. */
  readonly stepDivergence: number;
  /** That reading the tokens took. */
  readonly seconds: number;
  /** Of integers: values that left their width, by place. */
  readonly saturations?: Sticky;
}

/** Predicted tokens. */
export interface JudgeProgress {
  readonly done: number;
  readonly total: number;
}

interface Column {
  readonly name: string;
  readonly reader: Reader;
  readonly saturations: (() => Sticky) | undefined;
  readonly sum: Record<"nats" | "divergence" | "stepDivergence" | "agreed" | "seconds", number>;
}

function column(step: Step): Column {
  const { name } = step;
  const sum = { nats: 0, divergence: 0, stepDivergence: 0, agreed: 0, seconds: 0 };
  switch (step.kind) {
    case "float":
      return { name, sum, reader: floatReader(step.model, step.fake), saturations: undefined };
    case "integer": {
      const reader = integerReader(step.model);
      return { name, sum, reader, saturations: () => reader.sticky() };
    }
  }
}

/** Logarithms of the probabilities, the probabilities, and the likeliest token. */
interface Prediction {
  readonly logs: Float64Array;
  readonly shares: Float64Array;
  readonly best: number;
}

function prediction(logits: Float64Array): Prediction {
  const sum = logSumExp(logits);
  let best = 0;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  const logs = logits.map((v) => v - sum);
  const shares = new Float64Array(logs.length);
  exponentials(logs, 0, shares);
  return { logs, shares, best };
}

function divergence(from: Prediction, to: Prediction): number {
  let sum = 0;
  for (let i = 0; i < from.logs.length; i++) sum += from.shares[i]! * (from.logs[i]! - to.logs[i]!);
  return sum;
}

/** As `judge`, telling how far it is after every block. */
export function* judging(models: Models, text: EvaluationText): Generator<JudgeProgress, Judgement[]> {
  const columns = steps(models).map(column);
  try {
    const total = text.sequences.reduce((sum, tokens) => sum + Math.max(0, tokens.length - 1), 0);
    const block = Math.min(...columns.map(({ reader }) => reader.block));
    let done = 0;
    for (const sequence of text.sequences)
      for (let from = 0; from + 1 < sequence.length; from += block) {
        const tokens = sequence.slice(from, Math.min(from + block, sequence.length - 1));
        judgeBlock(columns, tokens, from, sequence);
        done += tokens.length;
        yield { done, total };
      }
    return columns.map(
      ({ name, sum, saturations }): Judgement => ({
        name,
        bitsPerCharacter: sum.nats / Math.LN2 / text.characters,
        perplexity: exp(sum.nats / total),
        tokens: total,
        characters: text.characters,
        divergence: sum.divergence / total,
        stepDivergence: sum.stepDivergence / total,
        agreement: sum.agreed / total,
        seconds: sum.seconds,
        ...(saturations ? { saturations: saturations() } : {}),
      }),
    );
  } finally {
    for (const { reader } of columns) reader.close();
  }
}

function judgeBlock(
  columns: readonly Column[],
  tokens: readonly number[],
  position: number,
  sequence: readonly number[],
): void {
  const rows = columns.map(({ reader, sum }) => {
    const start = performance.now();
    const logits = reader.read(tokens, position);
    sum.seconds += (performance.now() - start) / 1000;
    return logits;
  });
  for (const t of tokens.keys()) {
    const next = sequence[position + t + 1]!;
    const predictions = rows.map((logits) => prediction(logits[t]!));
    const first = predictions[0]!;
    for (const [i, { sum }] of columns.entries()) {
      const mine = predictions[i]!;
      sum.nats -= mine.logs[next]!;
      sum.divergence += divergence(first, mine);
      sum.stepDivergence += divergence(predictions[i - 1] ?? mine, mine);
      sum.agreed += mine.best === first.best ? 1 : 0;
    }
  }
}

/** Judges every step (steps.ts) on a text. */
export function judge(models: Models, text: EvaluationText): Judgement[] {
  const run = judging(models, text);
  for (;;) {
    const { done, value } = run.next();
    if (done) return value;
  }
}
