/**
 * Random valid designs from a seed: every node kind, registers with several guarded updates, memories of all kinds,
 * hierarchy, and widths where engines change representation. Engines and tools are compared on them.
 */
import type { Design, Module } from "../hdl/ir.js";
import { mulberry32, type Prng } from "./prng.js";
import { randomModule } from "./randommodule.js";
import type { RandomOptions } from "./randomnetlist.js";

export type { RandomOptions };

/** Enough for values to run down chains of memory reads. */
export const INIT_CYCLES = 6;

/** Name of the top module; others are `<name>_0` and so on. */
export function randomDesign(seed: number, name: string, options: RandomOptions): Design {
  const random = mulberry32(seed);
  const modules = new Map<string, Module>();
  for (let i = random.below(3); i > 0; i--) {
    const child = `${name}_${modules.size}`;
    const half = { ...options, nodes: Math.ceil(options.nodes / 2) };
    modules.set(child, randomModule(random, child, half, [...modules.values()]));
  }
  modules.set(name, randomModule(random, name, options, [...modules.values()]));
  return { top: name, modules, blackboxes: new Map() };
}

/** Input values of one cycle: `rst` and `init` first, corner values often. */
export function randomInputs(random: Prng, design: Design, cycle: number): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const p of design.modules.get(design.top)?.inputs ?? []) {
    if (p.name === "clk" || p.name === "aux") continue;
    const ones = (1n << BigInt(p.width)) - 1n;
    if (p.name === "rst" || p.name === "aux_rst")
      values.set(p.name, cycle < INIT_CYCLES || random.oneIn(24) ? 1n : 0n);
    else if (p.name === "init") values.set(p.name, cycle < INIT_CYCLES ? 1n : 0n);
    else values.set(p.name, random.oneIn(8) ? 0n : random.oneIn(8) ? ones : random.bits(p.width));
  }
  return values;
}
