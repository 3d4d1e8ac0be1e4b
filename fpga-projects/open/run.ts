/** Runs a project's tools in a folder: Yosys of our own package, nextpnr and packer of the machine. */
import { execa } from "execa";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { YosysProcess } from "../../generator/estimate/yosys.js";
import { ToolFailure } from "../../generator/tools/process.js";
import { FlowError } from "./failure.js";
import type { FlowTool, OpenProject, Step } from "./project.js";
import { readReport, type Routed } from "./report.js";

/** The first of the tool's names that starts; throws FlowError with how to install it. */
const commandOf = async ({ names, install }: FlowTool): Promise<string> => {
  for (const name of names) {
    const { code } = await execa(name, ["--help"], { reject: false, stdin: "ignore", timeout: 60_000 });
    if (code !== "ENOENT") return name;
  }
  throw new FlowError(`${names.map((n) => `'${n}'`).join(" or ")} not found.\n  Install: ${install}`);
};

export interface Progress {
  begin(what: string): void;
  /** What the tool says that it is doing. */
  say(line: string): void;
  end(what: string, seconds: number): void;
}

/** Builds in `folder`, which must be empty. Missing tools are found before anything runs; a missed clock is a failure. */
export const buildOpen = async (
  project: OpenProject,
  folder: string,
  progress: Progress,
): Promise<Routed> => {
  const commands = await commandsOf(project);
  for (const [name, text] of project.files) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  await mkdir(path.join(folder, "build"), { recursive: true });
  await timed(progress, "synthesis", () => synthesise(project, folder));
  return routeAndPack(project, commands, folder, progress);
};

/** What starts each step's tool. Throws FlowError with how to install what is missing. */
export const commandsOf = (project: OpenProject): Promise<string[]> =>
  Promise.all(project.steps.map(({ tool }) => commandOf(tool)));

const timed = async <T>(progress: Progress, what: string, work: () => Promise<T>): Promise<T> => {
  const started = performance.now();
  progress.begin(what);
  const result = await work();
  progress.end(what, (performance.now() - started) / 1000);
  return result;
};

/** The steps behind synthesis, in a folder with its netlist. */
export const routeAndPack = async (
  project: OpenProject,
  commands: readonly string[],
  folder: string,
  progress: Progress,
): Promise<Routed> => {
  for (const [i, step] of project.steps.entries())
    for (const [n, seed] of (step.seeds.length > 0 ? step.seeds : [undefined]).entries()) {
      const args = seed === undefined ? step.args : withSeed(step, seed);
      const what = n === 0 ? step.what : `${step.what}, seed ${seed}`;
      const missed = await timed(progress, what, () =>
        runStep({ command: commands[i]!, args, step, project, folder, progress }),
      );
      if (missed === null) {
        if (n > 0) await keepSeed(path.join(folder, SCRIPT), step, args);
        break;
      }
      if (n === step.seeds.length - 1 || seed === undefined) throw missed;
      progress.say(`timing is missed with seed ${seed}`);
    }
  return readReport(await readFile(path.join(folder, project.report), "utf8"));
};

interface StepRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly step: Step;
  readonly project: OpenProject;
  readonly folder: string;
  readonly progress: Progress;
}

/** Null, or that timing is missed; throws FlowError for everything else. */
const runStep = async ({
  command,
  args,
  step,
  project,
  folder,
  progress,
}: StepRun): Promise<FlowError | null> => {
  const { writes } = step;
  const child = execa(command, args, { cwd: folder, all: true, reject: false, stdin: "ignore" });
  for await (const line of child.iterable({ from: "all" })) progress.say(line);
  const result = await child;
  const log = result.all ?? "";
  const report = path.join(folder, project.report);
  // nextpnr ends badly when timing is missed; its report is there all the same.
  if (writes.includes(project.report) && existsSync(report)) {
    const missed = missedTiming(await readFile(report, "utf8"));
    if (missed !== null) return missed;
  }
  if (result.failed) throw failure(command, log);
  for (const file of writes)
    if (!existsSync(path.join(folder, file)))
      throw new FlowError(`${command} ended well but did not write ${file}:\n${tail(log)}`);
  return null;
};

const SCRIPT = "build.sh";
const withSeed = ({ args, seeds }: Step, seed: number): string[] =>
  args.map((arg, i) => (args[i - 1] === "--seed" && arg === String(seeds[0]) ? String(seed) : arg));
/** The script builds with the seed that met timing. */
const keepSeed = async (script: string, step: Step, args: readonly string[]): Promise<void> => {
  const text = await readFile(script, "utf8");
  await writeFile(script, text.replace(step.args.join(" "), args.join(" ")));
};

const synthesise = async (project: OpenProject, folder: string): Promise<void> => {
  const yosys = new YosysProcess();
  try {
    const sources = [...project.files].flatMap(([name, text]) =>
      name.startsWith("rtl/") ? [[name.slice("rtl/".length), text] as const] : [],
    );
    const netlist = path.basename(project.netlist);
    const script = project.synthesis.replace(`../${project.netlist}`, netlist);
    const answer = await yosys.run({ script, files: Object.fromEntries(sources), wanted: [netlist] });
    if (!answer.ok) throw new ToolFailure("yosys", answer.log.slice(-4000));
    await writeFile(path.join(folder, project.netlist), answer.files[netlist]!);
  } finally {
    yosys.close();
  }
};

/** Where a clock is slower than its constraint. */
const missedTiming = (report: string): FlowError | null => {
  const { fmaxMHz, wantedMHz } = readReport(report);
  return fmaxMHz < wantedMHz
    ? new FlowError(
        `timing is missed: the routed design reaches ${fmaxMHz.toFixed(1)} MHz, ${wantedMHz.toFixed(1)} MHz are asked. Ask for less with --clock.`,
      )
    : null;
};

const tail = (log: string): string => log.split("\n").slice(-20).join("\n");

/** nextpnr's own words for what does not fit and what is too slow. */
const failure = (command: string, log: string): Error => {
  const errors = log.split("\n").filter((line) => line.startsWith("ERROR"));
  return new FlowError(
    `${command} failed:\n${errors.length > 0 ? errors.slice(0, 10).join("\n") : tail(log)}`,
  );
};
