/**
 * What a piece of Verilog costs: Yosys (in WebAssembly, a package of ours, so that everybody counts with the same version)
 * maps it to a family, `stat` counts the cells. Results lie in the user's cache folder by content.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { cachedFolder, hashFiles } from "../tools/cache.js";
import { type Cells, countCells, type Target } from "./cells.js";
import { YosysProcess } from "./yosys.js";

/** Loaded when it is asked for: every other command starts without it. */
export const yosysVersion = async (): Promise<string> => (await import("@yowasp/yosys")).version;

/** Modules stay modules, so that time follows unique ones; no pads, since a core is not a chip. */
const COMMANDS: Readonly<Record<Target, string>> = {
  xcup: "synth_xilinx -family xcup -noiopad",
  xc7: "synth_xilinx -family xc7 -noiopad",
  ice40: "synth_ice40 -device u -dsp -noflatten",
  ecp5: "synth_ecp5 -noflatten",
};
const STAT = "stat.json";

/** The command that maps to a family, as the report shows it. */
export const synthesisCommand = (target: Target): string => COMMANDS[target];
/**
 * Without `-dsp` where multipliers stand instantiated: the pass behind it (ice40_dsp, Yosys 0.23 and 0.55) takes a chain of
 * SB_MAC16 apart, loses the sum that goes from slice to slice, and with it most of the slices.
 */
const commandFor = (target: Target, files: ReadonlyMap<string, string>): string =>
  target === "ice40" && [...files.values()].some((text) => text.includes("SB_MAC16 #("))
    ? COMMANDS.ice40.replace(" -dsp", "")
    : COMMANDS[target];
const scriptOf = (target: Target, top: string, files: ReadonlyMap<string, string>): string =>
  [
    `read_verilog ${[...files.keys()]
      .filter((name) => name.endsWith(".v"))
      .sort()
      .join(" ")}`,
    `${commandFor(target, files)} -top ${top}`,
    `tee -q -o ${STAT} stat -json -top ${top}`,
  ].join("; ");

export interface Source {
  readonly top: string;
  /** "name.v" -> text. */
  readonly files: ReadonlyMap<string, string>;
}
export interface Synthesised extends Cells {
  /** Of Yosys; 0 when the count came from the cache. */
  readonly seconds: number;
}

/** Counts cells; the tests of the table have one of their own. */
export interface Counter {
  count(source: Source): Promise<Synthesised>;
  close(): void;
}

/** One process for all syntheses of a run: starting Yosys costs more than a small module. */
export class Synthesis implements Counter {
  private readonly yosys = new YosysProcess();
  constructor(private readonly target: Target) {}

  async count({ top, files }: Source): Promise<Synthesised> {
    const script = scriptOf(this.target, top, files);
    let seconds = 0;
    const key = hashFiles(files, [script, await yosysVersion()]);
    const folder = await cachedFolder(`synthesis-${this.target}`, key, new Map(), async (into) => {
      const started = performance.now();
      const answer = await this.yosys.run({ script, files: Object.fromEntries(files), wanted: [STAT] });
      if (!answer.ok)
        throw new Error(`Yosys failed on ${top} for ${this.target}:\n${answer.log.slice(-2000)}`);
      await writeFile(path.join(into, STAT), answer.files[STAT]!);
      seconds = (performance.now() - started) / 1000;
    });
    return { ...countCells(await readFile(path.join(folder, STAT), "utf8"), this.target), seconds };
  }

  close(): void {
    this.yosys.close();
  }
}
