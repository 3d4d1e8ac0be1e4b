/** The page of an evaluation: one file, no scripts. Lays out its charts and escapes text; what stands in it comes from outside. */
import { render } from "../render.js";
import { barChart, escaped, type Page, type PageTable, pageStyle, tableOf } from "./page.js";

/** Values by step of the x axis, from 0; one curve for each of what is compared. */
export interface LineChart {
  readonly title: string;
  readonly curves: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** How a value of the y axis is written. */
  shown(value: number): string;
}

export interface EvalPage {
  readonly title: string;
  readonly subtitle: string;
  readonly panels: Page["panels"];
  readonly steps: PageTable;
  readonly lines: LineChart;
  readonly layers: PageTable;
  readonly method: readonly string[];
}

const PLOT = { left: 64, top: 12, width: 560, height: 240, foot: 44, key: 36, keyRow: 22, letter: 8.6 };
/** Told apart without colour too: from dark to light. */
const STROKES = ["#1b3a57", "#b0562f", "#2f8f6f", "#8a5fb0", "#b08d57"];
/** The last curve, which may lie on another one. */
const DASHES = "7 4";
const MOST_MARKS = 40;
const MOST_X_TICKS = 12;

/** About four ticks at 1, 2 or 5 times a power of ten; the last one is at or above the largest value. */
const ticksUpTo = (most: number): number[] => {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough)!;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => i * step);
};

const rounded = (v: number): number => Math.round(v * 10) / 10;

const lineChart = ({ title, curves, shown }: LineChart) => {
  const { left, top, width, height, foot, key, keyRow, letter } = PLOT;
  const count = Math.max(...curves.map(({ values }) => values.length));
  const ticks = ticksUpTo(Math.max(...curves.flatMap(({ values }) => values)));
  const x = (i: number): number => rounded(left + (count === 1 ? width / 2 : (width * i) / (count - 1)));
  const y = (v: number): number => rounded(top + height * (1 - v / ticks.at(-1)!));
  const every = Math.ceil(count / MOST_X_TICKS);
  const names = Math.ceil(letter * Math.max(...curves.map(({ name }) => name.length)));
  const keyX = left + width + 24;
  return {
    title: escaped(title),
    width: keyX + key + names,
    height: top + height + foot,
    axisX: left + width / 2,
    axisY: top + height + 38,
    yTicks: ticks.map((v) => ({
      ...{ x1: left, x2: left + width, y: y(v), textX: left - 8, textY: y(v) + 4 },
      value: escaped(shown(v)),
    })),
    xTicks: Array.from({ length: count }, (_, i) => i)
      .filter((i) => i % every === 0)
      .map((i) => ({ x: x(i), y: top + height + 18, value: `${i}` })),
    curves: curves.map(({ name, values }, c) => {
      const stroke = STROKES[c % STROKES.length]!;
      const keyY = top + 8 + c * keyRow;
      return {
        name: escaped(name),
        stroke,
        dashes: c === curves.length - 1 ? DASHES : "none",
        points: values.map((v, i) => `${x(i)},${y(v)}`).join(" "),
        marks: values.length > MOST_MARKS ? [] : values.map((v, i) => ({ x: x(i), y: y(v), fill: stroke })),
        ...{ keyX, keyEnd: keyX + key - 12, keyY, textX: keyX + key - 4, textY: keyY + 4 },
      };
    }),
  };
};

export const renderEvalPage = (page: EvalPage): string =>
  render("report/eval.html", {
    style: pageStyle(),
    title: escaped(page.title),
    subtitle: escaped(page.subtitle),
    chart: barChart(page.panels),
    steps: tableOf(page.steps),
    lines: lineChart(page.lines),
    layers: tableOf(page.layers),
    method: page.method.map(escaped),
  });
