/** The evaluation as data, and as text for a terminal. */
import pc from "picocolors";
import type { Judgement } from "../golden/quantise/judge.js";
import type { LayerErrors } from "../golden/quantise/layerError.js";
import { figure, percent } from "./engineText.js";

/** What `--json` prints. */
export interface EvalReport {
  readonly model: string;
  readonly text: {
    readonly file: string;
    readonly tokens: number;
    readonly characters: number;
    readonly windows: number;
    readonly longest: number;
    readonly bos: boolean;
  };
  /** Whether the first step is the checkpoint in float; else it is the rounded weights. */
  readonly hasSource: boolean;
  readonly steps: readonly EvalStep[];
  /** Values of the integer model that left their width, by place; every place. */
  readonly saturations: Readonly<Record<string, number>>;
  /** Relative errors of the residual stream by layer, over the first tokens of the text. */
  readonly layers: { readonly tokens: number; readonly steps: readonly LayerErrors[] };
}

export interface EvalStep extends Omit<Judgement, "saturations" | "tokens" | "characters"> {
  readonly tokensPerSecond: number;
}

export const perplexity = (value: number): string => figure(value, value < 100 ? 3 : 1);
/** Three digits of a small number. */
export const small = (value: number): string => (value === 0 ? "0" : value.toPrecision(3));

export const stepHead = (report: EvalReport): string[] => [
  "step",
  "perplexity",
  "bits/char",
  `KL from ${report.hasSource ? "float" : "rounded"}`,
  "KL of step",
  "top-1",
  "seconds",
  "tokens/s",
];
export const stepRow = (step: EvalStep, index: number): string[] => [
  step.name,
  perplexity(step.perplexity),
  figure(step.bitsPerCharacter, 4),
  index === 0 ? "-" : figure(step.divergence, 5),
  index === 0 ? "-" : figure(step.stepDivergence, 5),
  index === 0 ? "-" : percent(step.agreement),
  figure(step.seconds, 1),
  figure(step.tokensPerSecond),
];

export const layerHead = ({ layers }: EvalReport): string[] => [
  "layer",
  ...layers.steps.slice(1).map(({ name }) => name),
];
export const layerRows = ({ layers }: EvalReport): string[][] =>
  layers.steps[0]!.errors.map((_, layer) => [
    `${layer}`,
    ...layers.steps.slice(1).map(({ errors }) => percent(errors[layer]!)),
  ]);

/** What was scored how, and against what: the same sentences in the terminal and on the page. */
export const evalNotes = (report: EvalReport): string[] => {
  const { text, hasSource, layers, saturations } = report;
  const saturated = Object.entries(saturations).filter(([, count]) => count > 0);
  const first = hasSource ? "float" : "rounded weights";
  return [
    text.bos
      ? `Text: every token of ${text.windows} window(s) of at most ${text.longest} positions, each from BOS; what stood before a window is not seen.`
      : `Text: ${text.windows} window(s) of at most ${text.longest} positions; this tokenizer has no BOS, so a window begins with the token before it.`,
    ...(hasSource
      ? []
      : [
          "This model is quantised already: the float it was made from is not here, so the steps begin at its rounded weights.",
        ]),
    `KL: mean Kullback-Leibler divergence of next-token distributions, nats per token, from '${first}' and from the line above. top-1: how often the likeliest token is that of '${first}'.`,
    "integer: what the hardware computes, bit for bit; the lines above it are floats rounded on the way.",
    `Layers: error of the residual stream behind each layer, relative to '${first}', over the first ${layers.tokens} tokens.`,
    saturated.length === 0
      ? "No value of the integers left its width."
      : `Values of the integers that left their width: ${saturated.map(([place, count]) => `${place} ${figure(count)}`).join(", ")}.`,
  ];
};

/** Columns as wide as their widest cell; the first one to the left. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
  return [pc.bold(line(head)), ...rows.map(line)];
};

/** A terminal shows at most so many layers, evenly taken, the last one always. */
const MOST_LAYERS = 8;
const someLayers = (rows: readonly string[][]): string[][] => {
  const every = Math.ceil(rows.length / MOST_LAYERS);
  return rows.filter((_, i) => (rows.length - 1 - i) % every === 0);
};

export const renderEval = (report: EvalReport): string => {
  const { text, model, steps } = report;
  return [
    `${pc.bold(model)} on ${text.file}: ${figure(text.tokens)} tokens, ${figure(text.characters)} characters`,
    ...table(stepHead(report), steps.map(stepRow)),
    "",
    ...table(layerHead(report), someLayers(layerRows(report))),
    "",
    ...evalNotes(report).map((note) => pc.dim(note)),
  ].join("\n");
};
