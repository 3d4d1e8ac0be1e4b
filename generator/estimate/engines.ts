/**
 * The table of engines: each kernel built, synthesised alone, and run on the embedded engine behind `finish`; in the same
 * run the dot product that one would write first.
 */
import { finish, FINISH_LATENCY } from "../engines/finish.js";
import type { Family, Kernel } from "../engines/kernel.js";
import { GROUP } from "../engines/port.js";
import { elaborate, emitVerilog, HdlError, type Design } from "../hdl/index.js";
import type { BeatCode } from "../isa/codes.js";
import { type AcceleratorConfig, beatBits } from "../isa/config.js";
import type { Cells, Target } from "./cells.js";
import { formatSizes } from "./formats.js";
import { type Product, runProduct } from "./product.js";
import { EngineError, runSlice, type Subject } from "./slice.js";
import { rowsPerBlock } from "./stimulus.js";
import { type Counter, type Source, Synthesis, synthesisCommand, yosysVersion } from "./synthesis.js";
import type {
  BuiltFigures,
  EngineFigures,
  EngineTable,
  ProductFigures,
  RateFigures,
  UnitFigures,
} from "./table.js";

export const MATRIX = { rows: 4096, columns: 4096 } as const;
export const PREFILL_TOKENS = 128;
const PRODUCTS: readonly [Product, Product] = [
  { ...MATRIX, tokens: 1 },
  { ...MATRIX, tokens: PREFILL_TOKENS },
];

/** Verilog that somebody else wrote for the same job. */
export interface Peer extends Source {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  /** Clocks from a beat to its group sums; a beat is taken in every clock. */
  readonly latency: number;
}

/** Hardware around the engines, on a port of its own: only its cost stands in the table. */
export interface Unit {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  /** Throws an HdlError where the family or the size cannot be. */
  design(c: AcceleratorConfig, target: Target): Design;
}

export interface TableOptions {
  readonly config: AcceleratorConfig;
  readonly target: Target;
  readonly kernels: readonly Kernel[];
  readonly units: readonly Unit[];
  readonly peer: Peer;
  readonly progress: (line: string) => void;
  /** Yosys unless given. */
  readonly counter?: Counter;
}
export interface TableRun {
  readonly table: EngineTable;
  /** What was synthesised, as "engine/name.v". */
  readonly verilog: ReadonlyMap<string, string>;
}

/** Without the places in our sources: a comment line more there must not empty the cache. */
const sourceOf = (design: Design): Source => ({
  top: design.top,
  files: emitVerilog(design, { sourceComments: false }),
});

/** The kernel's own form for the family, else the one for any fabric. */
const familyFor = (kernel: Kernel, target: Target): Family | undefined =>
  kernel.families.find((f) => f === target) ?? kernel.families.find((f) => f === "fabric");

/** Builds or says why not: what the description refuses is an answer, anything else a bug. */
const attempt = <T>(build: () => T): { readonly value: T } | { readonly reason: string } => {
  try {
    return { value: build() };
  } catch (error) {
    if (!(error instanceof HdlError)) throw error;
    return { reason: error.diagnostics.map((d) => d.message).join("; ") };
  }
};

const macsPerBeat = (c: AcceleratorConfig, code: BeatCode): number => rowsPerBlock(c, code) * GROUP;

const rateOf = (subject: Subject, code: BeatCode): RateFigures => {
  const { kernel, config } = subject;
  const macPerCycle = macsPerBeat(config, code) / kernel.cyclesPerBeat(config, code);
  const [vector, matrix] = PRODUCTS;
  return {
    code,
    macPerCycle,
    weightBytesPerMac: beatBits(config) / 8 / macsPerBeat(config, code),
    matrixVector: runProduct(subject, code, vector, macPerCycle),
    matrixMatrix: runProduct(subject, code, matrix, macPerCycle),
  };
};

/** Codes of two rows' fields need an even number of rows. */
const missingOf = (c: AcceleratorConfig, codes: readonly BeatCode[]): BuiltFigures["missing"] =>
  codes
    .filter((code) => code === "w4" && c.rows % 2 === 1)
    .map((code) => ({
      code,
      reason: `a weight takes two rows; ${c.rows} are not pairs, --lanes ${(c.rows + 1) * GROUP} are`,
    }));

const figuresOf = (subject: Subject, cells: Cells, progress: (line: string) => void): BuiltFigures => {
  const { kernel, config } = subject;
  const missing = missingOf(config, kernel.codes);
  const rates = kernel.codes
    .filter((code) => missing.every((m) => m.code !== code))
    .map((code) => {
      progress(`${kernel.name}: simulating ${code} beats`);
      return rateOf(subject, code);
    });
  // Where an engine has no two-bit code, its first one.
  const first = rates[0]!;
  const { sumsAt } = runSlice(subject, first.code, { blocks: 1, groups: 1, tokens: 1 });
  return {
    status: "built",
    exact: kernel.exactness(config),
    cells,
    ...perMac(cells, first.macPerCycle),
    latency: sumsAt[0]!,
    rates,
    missing,
  };
};

const measured = (...args: Parameters<typeof figuresOf>): EngineFigures["result"] => {
  try {
    return figuresOf(...args);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { status: "wrong", reason: error.message };
  }
};

const perMac = (cells: Cells, macPerCycle: number): Pick<BuiltFigures, "perMac" | "macPerDsp"> => ({
  perMac: {
    lut: cells.lut / macPerCycle,
    ff: cells.ff / macPerCycle,
    bram: cells.bram / macPerCycle,
  },
  macPerDsp: cells.dsp === 0 ? null : macPerCycle / cells.dsp,
});

/** A beat in every clock: nothing to simulate, all of it counted. */
const peerProduct = (c: AcceleratorConfig, peer: Peer, product: Product): ProductFigures => {
  const beats = Math.ceil(product.rows / c.rows) * (product.columns / GROUP) * product.tokens;
  const cycles = beats + peer.latency + FINISH_LATENCY;
  const macs = product.rows * product.columns * product.tokens;
  return {
    tokens: product.tokens,
    cycles,
    busy: macs / (c.rows * GROUP * cycles),
    beats,
    simulatedBeats: 0,
    scaling: "by the rate",
    compared: 0,
  };
};

const peerFigures = (c: AcceleratorConfig, peer: Peer, cells: Cells): EngineFigures => {
  const macPerCycle = c.rows * GROUP;
  return {
    name: peer.name,
    title: peer.title,
    source: peer.source,
    result: {
      status: "built",
      exact: { depth: GROUP, reason: "every product and sum as wide as it needs", minus128: "exact" },
      cells,
      ...perMac(cells, macPerCycle),
      latency: peer.latency + FINISH_LATENCY,
      rates: [
        {
          code: "w2",
          macPerCycle,
          weightBytesPerMac: beatBits(c) / 8 / macPerCycle,
          matrixVector: peerProduct(c, peer, PRODUCTS[0]),
          matrixMatrix: peerProduct(c, peer, PRODUCTS[1]),
        },
      ],
      missing: [],
    },
  };
};

export const engineTable = async (o: TableOptions): Promise<TableRun> => {
  const { config, target, progress } = o;
  const verilog = new Map<string, string>();
  const synthesis = o.counter ?? new Synthesis(target);
  const cost = async (name: string, source: Source): Promise<Cells> => {
    progress(`${name}: Yosys`);
    for (const [file, text] of source.files) verilog.set(`${name}/${file}`, text);
    const { seconds, ...cells } = await synthesis.count(source);
    progress(`${name}: ${seconds === 0 ? "from the cache" : `${seconds.toFixed(1)} s`}`);
    return cells;
  };
  try {
    const finishCells = await cost("finish", sourceOf(elaborate(finish(config))));
    const engines = [peerFigures(config, o.peer, await cost(o.peer.name, o.peer))];
    for (const kernel of o.kernels) {
      const { name, title, source } = kernel;
      const family = familyFor(kernel, target);
      if (family === undefined) {
        const reason = `not for ${target}; it is for ${kernel.families.join(", ")}`;
        engines.push({ name, title, source, result: { status: "refused", reason } });
        continue;
      }
      const built = attempt(() => sourceOf(elaborate(kernel.build(config, family))));
      const result: EngineFigures["result"] =
        "reason" in built
          ? { status: "refused", reason: built.reason }
          : measured({ kernel, family, config }, await cost(name, built.value), progress);
      engines.push({ name, title, source, result });
    }
    const units: UnitFigures[] = [];
    for (const { name, title, source, design } of o.units) {
      const built = attempt(() => sourceOf(design(config, target)));
      const result: UnitFigures["result"] =
        "reason" in built
          ? { status: "refused", reason: built.reason }
          : { status: "built", cells: await cost(name, built.value) };
      units.push({ name, title, source, result });
    }
    const table: EngineTable = {
      lanes: { rows: config.rows, columns: GROUP },
      tokens: config.tokens,
      family: target,
      yosys: { version: await yosysVersion(), command: synthesisCommand(target) },
      products: { ...MATRIX, tokens: PREFILL_TOKENS },
      finish: { cells: finishCells },
      engines,
      formats: formatSizes(),
      units,
    };
    return { table, verilog };
  } finally {
    synthesis.close();
  }
};
