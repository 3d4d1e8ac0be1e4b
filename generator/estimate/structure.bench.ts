/**
 * The cell estimate against Yosys: counts every configuration of configurations.ts for every family that it names, writes
 * counts.ts and prints the table. A minute or three for each; counts of unchanged Verilog come from the user's cache.
 *   npm run bench:estimate -- [family ...]
 * With families named, the others keep what counts.ts says of them.
 */
import { execa } from "execa";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { accelerator } from "../accelerator/accelerator.js";
import { elaborate, emitVerilog } from "../hdl/index.js";
import { TARGETS, type Target } from "./cells.js";
import { type Configuration, CONFIGURATIONS } from "./configurations.js";
import { COUNTS, type Count, type Kinds } from "./counts.js";
import { errorTable } from "./error.js";
import { structureCells } from "./structure.js";
import { Synthesis, synthesisCommand, yosysVersion } from "./synthesis.js";

const kinds = ({ lut, ff, dsp, bram }: Kinds): Kinds => ({ lut, ff, dsp, bram });

const count = async ({ name, build }: Configuration, target: Target): Promise<Count> => {
  const design = elaborate(accelerator(build(target)));
  const synthesis = new Synthesis(target);
  try {
    const files = emitVerilog(design, { sourceComments: false });
    const counted = kinds(await synthesis.count({ top: design.top, files }));
    return { target, configuration: name, counted, estimated: kinds(structureCells(design, target)) };
  } finally {
    synthesis.close();
  }
};

const write = async (counts: readonly Count[]): Promise<void> => {
  const file = fileURLToPath(new URL("counts.ts", import.meta.url));
  const commands = Object.fromEntries(TARGETS.map((t) => [t, synthesisCommand(t)]));
  await writeFile(
    file,
    `/**
 * Cells of the accelerators of configurations.ts (without the memory that holds the model): counted by Yosys, modules kept
 * apart, and as structure.ts estimated them then. Written by \`npm run bench:estimate\`.
 */
import type { Cells, Target } from "./cells.js";

export type Kinds = Pick<Cells, "lut" | "ff" | "dsp" | "bram">;
export interface Count {
  readonly target: Target;
  readonly configuration: string;
  readonly counted: Kinds;
  readonly estimated: Kinds;
}

/** The npm package @yowasp/yosys, and what it was told for each family, behind \`read_verilog\`. */
export const YOSYS = ${JSON.stringify({ version: await yosysVersion(), commands })} as const;

export const COUNTS: readonly Count[] = ${JSON.stringify(counts)};
`,
  );
  await execa("npx", ["biome", "format", "--write", file], { stdio: "ignore" });
};

const order = (a: Count, b: Count): number => TARGETS.indexOf(a.target) - TARGETS.indexOf(b.target);

const main = async (asked: readonly string[]): Promise<void> => {
  const wrong = asked.find((name) => !TARGETS.some((t) => t === name));
  if (wrong !== undefined) throw new Error(`no family '${wrong}'; there are ${TARGETS.join(", ")}`);
  const wanted = (target: Target): boolean => asked.length === 0 || asked.includes(target);
  let counts = COUNTS.filter(({ target }) => !wanted(target));
  for (const configuration of CONFIGURATIONS)
    for (const target of configuration.targets.filter(wanted)) {
      process.stderr.write(`${target}: ${configuration.name} ...\n`);
      counts = [...counts, await count(configuration, target)];
    }
  counts = [...counts].sort(order);
  await write(counts);
  console.log(errorTable(counts));
};

await main(process.argv.slice(2));
