/** The engine table for a terminal: costs, then rates, then what was refused and how the figures came about. */
import pc from "picocolors";
import type { BuiltFigures, EngineFigures, EngineTable } from "../generator/estimate/table.js";

export const figure = (value: number, digits = 0): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
/** Three digits that say something; whole numbers as they are. */
export const short = (value: number): string =>
  Number.isInteger(value) ? figure(value) : value < 10 ? figure(value, 2) : figure(value, 1);

/** Columns as wide as their widest cell; the first one to the left, figures to the right. */
const columns = (head: readonly string[], rows: readonly (readonly string[])[], texts = 1): string[] => {
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i < texts ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [pc.bold(line(head)), ...rows.map(line)];
};

export interface BuiltEngine extends Omit<EngineFigures, "result"> {
  readonly result: BuiltFigures;
}
export const builtEngines = (table: EngineTable): BuiltEngine[] =>
  table.engines.flatMap((e) => (e.result.status === "built" ? [{ ...e, result: e.result }] : []));

export interface Refusal {
  readonly name: string;
  readonly reason: string;
}
export const refusals = (table: EngineTable): Refusal[] => {
  const whole = [...table.engines, ...table.units].flatMap((e) =>
    e.result.status === "built" ? [] : [{ name: e.name, reason: e.result.reason }],
  );
  // Codes that many engines lack for the same reason stand in one line.
  const codes = new Map<string, { code: string; reason: string; names: string[] }>();
  for (const { name, result } of builtEngines(table))
    for (const { code, reason } of result.missing) {
      const key = `${code} ${reason}`;
      const entry = codes.get(key) ?? { code, reason, names: [] };
      codes.set(key, { ...entry, names: [...entry.names, name] });
    }
  return [
    ...whole,
    ...[...codes.values()].map(({ code, reason, names }) => ({
      name: `${code} of ${names.join(", ")}`,
      reason,
    })),
  ];
};

export const COST_HEAD = [
  "engine",
  "MAC/cycle",
  "MAC/DSP",
  "DSP",
  "rescale DSP",
  "LUT/MAC",
  "FF/MAC",
  "BRAM/MAC",
  "bytes/MAC",
  "latency",
  "exact depth",
] as const;
export const costRow = ({ name, result }: BuiltEngine, table: EngineTable): string[] => {
  const [rate] = result.rates;
  return [
    name,
    `${short(rate!.macPerCycle)} ${rate!.code}`,
    result.macPerDsp === null ? "-" : short(result.macPerDsp),
    figure(result.cells.dsp),
    figure(table.finish.cells.dsp),
    figure(result.perMac.lut, 1),
    figure(result.perMac.ff, 1),
    short(result.perMac.bram),
    short(rate!.weightBytesPerMac),
    figure(result.latency),
    figure(result.exact.depth),
  ];
};

export const rateHead = (table: EngineTable): string[] => {
  const size = `${table.products.rows} x ${table.products.columns}`;
  return [
    "engine",
    "code",
    "MAC/cycle",
    "bytes/MAC",
    `${size} x 1 token`,
    "busy",
    `x ${table.products.tokens} tokens`,
    "busy",
  ];
};
export const rateRows = ({ name, result }: BuiltEngine): string[][] =>
  result.rates.map((r) => [
    name,
    r.code,
    short(r.macPerCycle),
    short(r.weightBytesPerMac),
    figure(r.matrixVector.cycles),
    percent(r.matrixVector.busy),
    figure(r.matrixMatrix.cycles),
    percent(r.matrixMatrix.busy),
  ]);

export const FORMAT_HEAD = ["weights in memory", "bits per weight", "bytes/MAC"] as const;
export const formatRows = (table: EngineTable): string[][] =>
  table.formats.map((f) => [f.name, figure(f.bitsPerWeight, 2), figure(f.bitsPerWeight / 8, 3)]);

const UNIT_HEAD = ["unit", "LUT", "FF", "carry", "DSP", "BRAM"];

/** What was measured how: the same sentences in the terminal and on the page. */
export const method = (table: EngineTable): string[] => {
  const rates = builtEngines(table).flatMap((e) => e.result.rates);
  const simulated = rates.filter((r) => r.matrixVector.simulatedBeats > 0);
  const beats = simulated.map((r) => r.matrixVector.simulatedBeats);
  const compared = simulated.reduce((n, r) => n + r.matrixVector.compared + r.matrixMatrix.compared, 0);
  const mean = builtEngines(table).filter((e) =>
    e.result.rates.some(
      (r) => r.matrixVector.scaling === "by the mean" || r.matrixMatrix.scaling === "by the mean",
    ),
  );
  return [
    `Cells: Yosys ${table.yosys.version}, '${table.yosys.command}', kernel alone${table.family === "ice40" ? " (without -dsp where SB_MAC16 stand instantiated: that pass takes chains of them apart)" : ""}; inverters, shift registers and small memories are LUTs. Behind every kernel stands the same 'finish' (mantissas, accumulators): ${figure(table.finish.cells.lut)} LUT, ${figure(table.finish.cells.ff)} FF, ${figure(table.finish.cells.dsp)} DSP, one per row: the rescale DSPs.`,
    `Per MAC: per multiply-accumulate and cycle of the code shown first. Bytes per MAC: weight fields of the engine's beat, and of the formats that decode to it; each group of 32 has a mantissa byte beside them. Of 2:4 beats all columns count as multiplied.`,
    ...(simulated.length === 0
      ? []
      : [
          `Cycles: a beat offered in every cycle, memory never late. Simulated on the embedded engine: ${figure(Math.min(...beats))} beats or more of each product (a slice of all columns), ${figure(compared)} row sums equal to whole-number arithmetic; the other row blocks counted on at the rhythm of the slice${mean.length === 0 ? "" : `, for ${mean.map((e) => e.name).join(", ")} at its mean`}. Latency: first beat to first row sums, simulated.`,
        ]),
    `'naive' is plain Verilog with '*', through the same Yosys command; it takes a beat a clock, so its cycles are counted, not simulated. It cannot wait and carries no mantissas or tags along, which all kernels do.`,
    ...(table.family === "xcup"
      ? [
          "Of a DSP48E2 Yosys infers the multiplier only, so what plain Verilog adds is LUTs here; for xc7 it stands in the DSPs.",
        ]
      : []),
    `No claim on clocks: see the boards for those.`,
  ];
};

const wrap = (text: string, width: number, indent: string): string => {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1]!;
    if (last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join(`\n${indent}`);
};

export const renderTable = (table: EngineTable): string => {
  const built = builtEngines(table);
  const refused = refusals(table);
  const units = table.units.flatMap(({ name, result }) =>
    result.status === "built"
      ? [
          [
            name,
            ...[result.cells.lut, result.cells.ff, result.cells.carry, result.cells.dsp].map((n) =>
              figure(n),
            ),
            short(result.cells.bram),
          ],
        ]
      : [],
  );
  return [
    pc.bold(
      `Engines on ${table.lanes.rows} x ${table.lanes.columns} lanes for ${table.family}, up to ${table.tokens} token(s) at a time`,
    ),
    "",
    ...columns(
      COST_HEAD,
      built.map((e) => costRow(e, table)),
    ),
    "",
    ...columns(rateHead(table), built.flatMap(rateRows), 2),
    ...(units.length === 0 ? [] : ["", ...columns(UNIT_HEAD, units)]),
    "",
    ...columns(FORMAT_HEAD, formatRows(table)),
    "",
    pc.bold("Exact because"),
    ...built.map(
      (e) => `  ${e.name}: ${wrap(e.result.exact.reason, 96, "    ")}; -128 ${e.result.exact.minus128}`,
    ),
    ...(refused.length === 0
      ? []
      : [
          "",
          pc.bold("Not in the table"),
          ...refused.map((r) => `  ${wrap(`${r.name}: ${r.reason}`, 96, "    ")}`),
        ]),
    "",
    ...method(table).map((m) => pc.dim(wrap(m, 100, "  "))),
  ].join("\n");
};
