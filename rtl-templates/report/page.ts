/** The page of the engine table, and what other pages take from it: one file, no scripts. Lays out bars and escapes text; what stands in it comes from outside. */
import { render } from "../render.js";

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly shown: string;
  /** Drawn in the colour of the comparison. */
  readonly peer: boolean;
}
export interface PageTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly { readonly peer: boolean; readonly cells: readonly string[] }[];
  /** Leading columns that are text. */
  readonly texts: number;
}
export interface Page {
  readonly title: string;
  readonly subtitle: string;
  readonly panels: readonly { readonly title: string; readonly bars: readonly Bar[] }[];
  readonly tables: readonly PageTable[];
  readonly entries: readonly {
    readonly name: string;
    readonly title: string;
    readonly lines: readonly string[];
  }[];
  readonly method: readonly string[];
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => ESCAPES[c]!);
/** Papers by their arXiv number. */
const linked = (text: string): string =>
  escaped(text).replace(/arXiv[ :](\d{4}\.\d{4,5})/g, '<a href="https://arxiv.org/abs/$1">arXiv $1</a>');

const BARS = 260;
const VALUES = 70; // behind the longest bar
const LETTER = 8.6; // of a name, at most on average
const ROW = 24;
const TOP = 28;
const BAR_HEIGHT = 16;

/** Room for the longest name. */
const namesWidth = (panels: Page["panels"]): number =>
  16 + Math.ceil(LETTER * Math.max(...panels.flatMap((p) => p.bars.map((b) => b.name.length))));

const panelOf = (names: number) => (panel: Page["panels"][number], index: number) => {
  const left = index * (names + BARS + VALUES) + names;
  const most = Math.max(...panel.bars.map((b) => b.value), 0);
  return {
    title: escaped(panel.title),
    x: left,
    bars: panel.bars.map((bar, i) => {
      const width = most === 0 ? 0 : Math.round((BARS * bar.value) / most);
      const y = TOP + i * ROW;
      return {
        name: escaped(bar.name),
        nameX: left - 8,
        x: left,
        y,
        textY: y + 13,
        width,
        height: BAR_HEIGHT,
        fill: bar.peer ? "#b08d57" : "#2f6f9f",
        valueX: left + width + 6,
        value: escaped(bar.shown),
      };
    }),
  };
};

const cellsOf = (cells: readonly string[], texts: number) =>
  cells.map((content, i) => ({ content: escaped(content), text: i < texts }));

/** Panels of bars side by side, laid out; every text escaped. */
export const barChart = (panels: Page["panels"]) => {
  const names = namesWidth(panels);
  return {
    label: escaped(panels.map((p) => p.title).join("; ")),
    width: (names + BARS + VALUES) * panels.length,
    height: TOP + ROW * Math.max(...panels.map((p) => p.bars.length)),
    panels: panels.map(panelOf(names)),
  };
};

export const tableOf = (table: PageTable) => ({
  title: escaped(table.title),
  head: cellsOf(table.head, table.texts),
  rows: table.rows.map((r) => ({ peer: r.peer, cells: cellsOf(r.cells, table.texts) })),
});

/** The style that all pages share. */
export const pageStyle = (): string => render("report/style.css", {});

export const renderPage = (page: Page): string =>
  render("report/engines.html", {
    style: pageStyle(),
    title: escaped(page.title),
    subtitle: escaped(page.subtitle),
    chart: barChart(page.panels),
    tables: page.tables.map(tableOf),
    entries: page.entries.map((e) => ({
      name: escaped(e.name),
      title: escaped(e.title),
      body: e.lines.map(linked).join("<br>"),
    })),
    method: page.method.map(linked),
  });
