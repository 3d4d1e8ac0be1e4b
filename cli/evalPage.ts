/** The evaluation as a page. */
import { renderEvalPage } from "../rtl-templates/report/evalPage.js";
import { figure, percent } from "./engineText.js";
import {
  type EvalReport,
  evalNotes,
  type EvalStep,
  layerHead,
  layerRows,
  perplexity,
  stepHead,
  stepRow,
} from "./evalText.js";

/** In every such page: what its template calls its generator. */
export const EVAL_MARK = 'content="gateloom eval"';

export const evalPage = (report: EvalReport): string => {
  const { text, steps, layers, hasSource } = report;
  const panel = (title: string, value: (step: EvalStep) => number, shown: (value: number) => string) => ({
    title,
    bars: steps.map((step, i) => ({
      name: step.name,
      value: value(step),
      shown: shown(value(step)),
      peer: i === 0,
    })),
  });
  const plain = (cells: readonly string[]) => ({ peer: false, cells });
  return renderEvalPage({
    title: `${report.model}: what the hardware's arithmetic costs`,
    subtitle: `${figure(text.tokens)} tokens, ${figure(text.characters)} characters of ${text.file}; every step on the same tokens.`,
    panels: [
      panel("Perplexity", (step) => step.perplexity, perplexity),
      panel(
        "KL divergence, nats per token",
        (step) => step.divergence,
        (value) => figure(value, 4),
      ),
    ],
    steps: {
      title: "",
      head: stepHead(report),
      texts: 1,
      rows: steps.map((step, i) => ({ peer: i === 0, cells: stepRow(step, i) })),
    },
    lines: {
      title: `Error of the residual stream behind each layer, relative to ${hasSource ? "float" : "rounded weights"}`,
      curves: layers.steps.slice(1).map(({ name, errors }) => ({ name, values: errors })),
      shown: percent,
    },
    layers: { title: "", head: layerHead(report), texts: 1, rows: layerRows(report).map(plain) },
    method: evalNotes(report),
  });
};
