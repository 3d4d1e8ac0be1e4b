/** The chip with the model inside, as open and vendor projects build it. */
import { standalone } from "../generator/accelerator/standalone.js";
import type { Compiled } from "../generator/compile/compile.js";
import { elaborate, emitVerilog } from "../generator/hdl/index.js";
import { type AcceleratorConfig, powerOfTwo } from "../generator/isa/config.js";

/** Baud rates that hosts know, fastest first; a bit needs at least eight cycles, and a rate that the clock meets within 1 %. */
const BAUDS = [1_000_000, 500_000, 115_200];
export const baudFor = (clockMHz: number): number =>
  BAUDS.find((baud) => {
    const cycles = (clockMHz * 1e6) / baud;
    return cycles >= 8 && Math.abs(Math.round(cycles) / cycles - 1) < 0.01;
  }) ?? 9600;

/** 32 bits that name the model and program: FNV-1a over the program words. */
export const identity = (program: readonly bigint[]): number => {
  let hash = 0x811c9dc5;
  for (const word of program)
    for (let byte = 0n; byte < 64n; byte += 8n)
      hash = Math.imul(hash ^ Number((word >> byte) & 255n), 0x01000193) >>> 0;
  return hash;
};

/** Name of the module: ports clk, rst, rx, tx, activity. */
export const CHIP = "standalone";

/** Its Verilog and memory contents, by file name. `words`: the memory image, a beat a word. Throws HdlError. */
export const chipFiles = (
  config: AcceleratorConfig,
  compiled: Compiled,
  words: readonly bigint[],
  clockMHz: number,
): ReadonlyMap<string, string> => {
  const program = [...compiled.program];
  const core = standalone(
    config,
    {
      program,
      image: words,
      beats: powerOfTwo(compiled.memoryBeats),
      registers: compiled.registers,
      id: identity(program),
    },
    Math.round((clockMHz * 1e6) / baudFor(clockMHz)),
  );
  return emitVerilog(elaborate(core));
};
