/**
 * A run after synthesis: one module of the design is what Yosys made of it for an iCE40, in the cell models that Yosys ships; everything
 * around it stays as it is described. For Icarus and Verilator.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { YosysProcess } from "../../generator/estimate/yosys.js";
import { emitVerilog } from "../../generator/hdl/index.js";
import type { Design } from "../../generator/hdl/ir.js";
import { ToolFailure } from "../../generator/tools/process.js";
import type { RunDescription } from "./run.js";

export const ICE40_SYNTHESIS = "synth_ice40 -device u -abc9";

const NETLIST = "netlist.v";

/** Verilog of a module of the design as cells. */
export const ice40Netlist = async (design: Design, module: string): Promise<string> => {
  const files = Object.fromEntries(emitVerilog(design));
  const sources = Object.keys(files).filter((name) => name.endsWith(".v"));
  const script = [
    `read_verilog ${sources.join(" ")}`,
    `${ICE40_SYNTHESIS} -top ${module}`,
    `write_verilog -noattr ${NETLIST}`,
  ].join("; ");
  const yosys = new YosysProcess();
  try {
    const answer = await yosys.run({ script, files, wanted: [NETLIST] });
    if (!answer.ok) throw new ToolFailure("yosys", answer.log.slice(-4000));
    return configured(answer.files[NETLIST]!);
  } finally {
    yosys.close();
  }
};

/** Block RAM as a bitstream leaves it: 0 where nothing is said (icepack writes no x). */
const configured = (netlist: string): string =>
  netlist.replace(
    /(\.INIT_[0-9A-F]\(256'h)([0-9a-fx]+)/g,
    (_, name: string, bits: string) => name + bits.replaceAll("x", "0"),
  );

/** Models of the cells, as they lie in the package of Yosys; without default values of ports, which Verilog-2005 does not know. */
const cellModels = async (): Promise<string> => {
  const entry = createRequire(import.meta.url).resolve("@yowasp/yosys");
  const root = entry.slice(0, entry.lastIndexOf("gen"));
  const models = await readFile(path.join(root, "gen/share/ice40/cells_sim.v"), "utf8");
  return `\`define NO_ICE40_DEFAULT_ASSIGNMENTS\n${models}`;
};

/** The same run with `module` as cells. */
export const afterSynthesis = async (
  run: RunDescription,
  module: string,
  netlist: string,
): Promise<RunDescription> => ({
  ...run,
  verilog: new Map([
    ...[...emitVerilog(run.design)].filter(([name]) => name !== `${module}.v`),
    [`${module}_netlist.v`, netlist],
    ["cells_sim.v", await cellModels()],
  ]),
});

/** The netlist with the input of one bit of a register upside down: a fault that a run must see. Throws where there is no such bit. */
export const planted = (netlist: string, register: string, bit: number): string => {
  const name = register.replaceAll(".", "\\.");
  const cell = new RegExp(`(\\.D\\()([^()]+)(\\),[^;]*\\.Q\\(\\\\?${name} *\\[${bit}\\] *\\))`);
  if (!cell.test(netlist))
    throw new RangeError(`the netlist has no register '${register}' with a bit ${bit}`);
  return netlist.replace(cell, "$1~$2$3");
};
