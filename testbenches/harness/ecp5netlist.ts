/**
 * The netlist that Yosys makes for an ECP5, as Verilog of that family's cells, and models of the cells: those that Yosys ships, and
 * ours for what it does not (rtl-templates/cells).
 */
import { readFile } from "node:fs/promises";
import { YosysProcess } from "../../generator/estimate/yosys.js";
import { ToolFailure } from "../../generator/tools/process.js";
import { ecp5Cells } from "../../rtl-templates/cells/cells.js";

const NETLIST = "netlist.v";

/** `script` reads the sources and synthesises them; the netlist is what is there then. */
export const netlistOf = async (script: string, sources: ReadonlyMap<string, string>): Promise<string> => {
  const yosys = new YosysProcess();
  try {
    const answer = await yosys.run({
      script: `${script}; write_verilog -noattr ${NETLIST}`,
      files: Object.fromEntries(sources),
      wanted: [NETLIST],
    });
    if (!answer.ok) throw new ToolFailure("yosys", answer.log.slice(-4000));
    return answer.files[NETLIST]!;
  } finally {
    yosys.close();
  }
};

type Share = { readonly [name: string]: Share | string | Uint8Array | URL };

/** A file of Yosys' share folder, out of the npm package. */
const shared = async (file: string): Promise<string> => {
  const resources = new URL("resources-yosys.js", import.meta.resolve("@yowasp/yosys"));
  const { filesystem } = (await import(resources.href)) as { readonly filesystem: Share };
  let at: Share[string] | undefined = filesystem;
  for (const name of ["share", "ecp5", file])
    at = typeof at === "object" && !(at instanceof Uint8Array) && !(at instanceof URL) ? at[name] : undefined;
  if (at instanceof URL) return readFile(at, "utf8");
  if (at instanceof Uint8Array) return Buffer.from(at).toString("utf8");
  if (typeof at === "string") return at;
  throw new Error(`@yowasp/yosys holds no ecp5/${file}`);
};

/** Verilog files by name. */
export const cellModels = async (): Promise<ReadonlyMap<string, string>> => {
  const cells = await shared("cells_sim.v");
  // Yosys has the block RAM's ports there, without a body; the files that it includes name flip-flops for Lattice's own tools.
  const withoutRam = cells.replace(/^\(\* blackbox \*\)\s*module DP16KD\([\s\S]*?^endmodule$/m, "");
  // Icarus has no elaboration tasks; that one guards a cell that only nextpnr makes.
  const plain = withoutRam.replace(/^\s*\$error\(.*\);$/m, "");
  return new Map([
    ["cells_sim.v", `\`define NO_INCLUDES\n${plain}`],
    ["cells_ecp5.v", ecp5Cells()],
  ]);
};

const TABLE = /\bLUT4 #\(\s*\.INIT\(/g;

/** Look-up tables of the netlist. */
export const tableCount = (netlist: string): number => [...netlist.matchAll(TABLE)].length;

/** The netlist with faults planted in these tables, which `+fault=n` wakes: the n-th then gives the opposite. From 1. */
export const withFaults = (netlist: string, tables: readonly number[]): string => {
  let table = 0;
  return netlist.replace(TABLE, (found) => {
    const number = tables.indexOf(table++) + 1;
    return number === 0 ? found : found.replace("LUT4 #(", `FAULTY_LUT4 #(.NUMBER(${number}), `);
  });
};
