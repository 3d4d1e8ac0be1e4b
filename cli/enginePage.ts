/** The engine table as a page. */
import type { EngineTable } from "../generator/estimate/table.js";
import { type Page, type PageTable, renderPage } from "../rtl-templates/report/page.js";
import {
  type BuiltEngine,
  builtEngines,
  COST_HEAD,
  costRow,
  figure,
  FORMAT_HEAD,
  formatRows,
  method,
  rateHead,
  rateRows,
  refusals,
  short,
} from "./engineText.js";

/** The peer stands first in the table. */
const isPeer = (table: EngineTable, name: string): boolean => table.engines[0]?.name === name;

const panel = (
  table: EngineTable,
  title: string,
  digits: number,
  value: (e: BuiltEngine) => number,
): Page["panels"][number] => ({
  title,
  bars: builtEngines(table).map((e) => ({
    name: e.name,
    value: value(e),
    shown: figure(value(e), digits),
    peer: isPeer(table, e.name),
  })),
});

const tables = (table: EngineTable): PageTable[] => {
  const built = builtEngines(table);
  const row = (name: string, cells: readonly string[]) => ({ peer: isPeer(table, name), cells });
  const units = table.units.flatMap(({ name, result: r }) =>
    r.status === "built"
      ? [row(name, [name, ...[r.cells.lut, r.cells.ff, r.cells.carry, r.cells.dsp, r.cells.bram].map(short)])]
      : [],
  );
  const refused = refusals(table);
  return [
    {
      title: "What each costs",
      head: COST_HEAD,
      texts: 1,
      rows: built.map((e) => row(e.name, costRow(e, table))),
    },
    {
      title: "How fast each is",
      head: rateHead(table),
      texts: 2,
      rows: built.flatMap((e) => rateRows(e).map((cells) => row(e.name, cells))),
    },
    ...(units.length === 0
      ? []
      : [
          {
            title: "Units around them",
            head: ["unit", "LUT", "FF", "carry", "DSP", "BRAM"],
            texts: 1,
            rows: units,
          },
        ]),
    {
      title: "How weights lie in memory",
      head: FORMAT_HEAD,
      texts: 1,
      rows: formatRows(table).map((cells) => row("", cells)),
    },
    ...(refused.length === 0
      ? []
      : [
          {
            title: "Not in the table",
            head: ["what", "why"],
            texts: 2,
            rows: refused.map((r) => row("", [r.name, r.reason])),
          },
        ]),
  ];
};

export const enginePage = (table: EngineTable): string =>
  renderPage({
    title: `Engines on ${table.lanes.rows} × ${table.lanes.columns} lanes, ${table.family}`,
    subtitle: `Two-bit weights, eight-bit activations; up to ${figure(table.tokens)} token(s) at a time. Yosys ${table.yosys.version}: ${table.yosys.command}.`,
    panels: [
      panel(table, "LUT per MAC and cycle", 1, (e) => e.result.perMac.lut),
      panel(table, "DSP per MAC and cycle", 2, (e) =>
        e.result.macPerDsp === null ? 0 : 1 / e.result.macPerDsp,
      ),
    ],
    tables: tables(table),
    entries: [
      ...builtEngines(table).map((e) => ({
        name: e.name,
        title: e.title,
        lines: [
          e.source,
          `Exact to depth ${figure(e.result.exact.depth)}: ${e.result.exact.reason}. An activation of -128: ${e.result.exact.minus128}.`,
        ],
      })),
      ...table.units.map((u) => ({ name: u.name, title: u.title, lines: [u.source] })),
    ],
    method: method(table),
  });
