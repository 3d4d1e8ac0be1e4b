import { precisionOf } from "../generator/estimate/work.js";
import { Command, Option } from "commander";
import pc from "picocolors";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { TensorName } from "../golden/model/types.js";
import { wavesAround } from "../testbenches/harness/drive.js";
import { ENGINES, type EngineName, type RunDescription } from "../testbenches/harness/run.js";
import { type Progress, runSession } from "../testbenches/harness/session.js";
import { cycleLimit, describeRun } from "../testbenches/harness/system.js";
import { ComparisonError, UsageError } from "./failure.js";
import { outputFiles } from "./files.js";
import { encodePrompt } from "./model.js";
import { wholeNumber } from "./options.js";
import { writeFolder } from "./output.js";
import { renderReport, type RunReport } from "./report.js";
import { prepare, type SystemOptions, systemOptions } from "./system.js";

interface SimulateOptions extends SystemOptions {
  readonly engine: EngineName;
  readonly tokens: number;
  readonly prompt: string;
  readonly seed: number;
  readonly out: string | false;
  readonly json?: boolean;
}

const DOING: Partial<Record<TensorName, string>> = {
  embedding: "embedding",
  attn_in: "norm",
  q: "q, k, v",
  k: "q, k, v",
  v: "q, k, v",
  score: "attention",
  p: "softmax",
  attn_out: "attention",
  x_attn: "attention output",
  ffn_in: "norm",
  h: "gate and up",
  down_in: "SiLU",
  x_ffn: "down",
  head_in: "head",
  logits: "head",
};

/** Tokens go to stdout as they come; where we are goes to stderr: one live line on a terminal, plain lines elsewhere. */
class Display {
  private line = "";
  private tokens = 0;
  private plainTokens = 0;
  firstToken = 0;
  constructor(
    private readonly total: number,
    private readonly quiet: boolean,
  ) {}

  private get live(): boolean {
    return !this.quiet && process.stderr.isTTY === true && process.stdout.isTTY === true;
  }

  text(bytes: Uint8Array): void {
    if (this.quiet) return;
    this.clear();
    process.stdout.write(bytes);
  }
  token(): void {
    this.tokens++;
    if (this.tokens === 1) this.firstToken = performance.now() / 1000; // since the process began
    if (this.quiet || this.live || this.tokens - this.plainTokens < 16) return;
    this.plainTokens = this.tokens;
    process.stderr.write(`\n${this.tokens} of ${this.total} tokens\n`);
  }
  progress({ cycle, at }: Progress): void {
    if (!this.live || at === undefined) return;
    const layer = at.layer < 0 ? "" : `layer ${at.layer} `;
    const line = `token ${Math.min(this.tokens + 1, this.total)}/${this.total} · ${layer}${DOING[at.tensor] ?? at.tensor} · ${cycle.toLocaleString("en-US")} cycles`;
    if (line === this.line) return;
    this.clear();
    // The status stands on the line below the text; the cursor goes back to where the text ends.
    process.stderr.write(`\x1b7\n\x1b[2K${pc.dim(line)}\x1b8`);
    this.line = line;
  }
  private clear(): void {
    if (this.line !== "") process.stderr.write("\x1b7\n\x1b[2K\x1b8");
    this.line = "";
  }
  end(): void {
    this.clear();
    if (!this.quiet) process.stdout.write("\n");
  }
}

/** Leaves a waveform around the first mismatch beside the output; says where. The embedded engine repeats the run, whatever found it. */
const writeWaves = async (out: string, run: RunDescription, cycle: number): Promise<string> => {
  const file = path.join(out, "mismatch.vcd");
  await writeFile(file, wavesAround(run, cycle));
  return `; waves around cycle ${cycle}: ${file}`;
};

/** Ring and context: positions beyond the trained context are refused, whatever the window. */
const checkLength = (promptTokens: number, tokens: number, context: number): void => {
  if (promptTokens + tokens - 1 > context)
    throw new UsageError(
      `--tokens ${tokens} after a prompt of ${promptTokens} tokens needs ${promptTokens + tokens - 1} positions; the model was trained for ${context}. Ask for at most ${Math.max(0, context - promptTokens + 1)}`,
    );
};

export const simulateCommand = (): Command => {
  const command = new Command("simulate")
    .description(
      "Generates the accelerator, runs its RTL, streams the text that the simulated hardware writes, and compares every tensor of every token with the golden model.",
    )
    .addOption(new Option("--engine <name>", "simulator of the RTL").choices(ENGINES).default("embedded"))
    .addOption(
      new Option("--tokens <n>", "tokens to generate").argParser(wholeNumber(1, 100_000)).default(64),
    )
    .addOption(new Option("--prompt <text>", "what the story begins with").default("Once upon a time"))
    .addOption(
      new Option("--seed <n>", "of the random stalls, and of registers that have no reset")
        .argParser(wholeNumber(0, 2 ** 31 - 1))
        .default(1),
    )
    .addOption(
      new Option(
        "--stall <n>",
        "put the accelerator before a memory of random latency and back-pressure: each channel is shut n/16 of the time",
      ).argParser(wholeNumber(0, 14)),
    )
    .addOption(new Option("--out <folder>", "where Verilog, program and image go").default("build/demo"))
    .option("--no-out", "write no files")
    .option("--json", "print the report as JSON and nothing else");
  for (const option of systemOptions()) command.addOption(option);
  return command
    .addHelpText(
      "after",
      `
Engines: embedded is built in (WebAssembly); verilator and icarus run the emitted Verilog as child processes.
Exit code 1 means that a value differed from golden; the message names tensor, element and cycle.`,
    )
    .action(async (options: SimulateOptions) => {
      const prepared = await prepare(options);
      const { system, tokenizer, config } = prepared;
      const prompt = encodePrompt(tokenizer, options.prompt);
      checkLength(prompt.length, options.tokens, system.compiled.positions);
      const total = prompt.length + options.tokens - 1;
      const out = options.out === false ? null : options.out;
      if (out !== null) await writeFolder(out, outputFiles(prepared, prompt, total));
      const display = new Display(options.tokens, options.json === true);
      display.text(new TextEncoder().encode(options.prompt));
      let previous = prompt.at(-1)!;
      const request = { prompt, total, seed: options.seed, maxCycles: cycleLimit(system, total) };
      const result = await runSession(system, request, options.engine, config.clockMHz, {
        token: (token) => {
          display.text(tokenizer.piece(previous, token));
          previous = token;
          display.token();
        },
        progress: (progress) => display.progress(progress),
      });
      display.end();
      for (const line of result.mismatches) process.stderr.write(`${line}\n`);
      if (result.account === null || result.mismatches.length > 0) {
        const waves =
          out === null || result.firstMismatch === null
            ? ""
            : await writeWaves(out, describeRun(system, request), result.firstMismatch);
        throw new ComparisonError(
          `${result.mismatches.length} differences from golden (first ones above); seed ${options.seed}${waves}`,
        );
      }
      const { end } = result;
      const report: RunReport = {
        model: prepared.name,
        precision: precisionOf(system.compiled.model),
        lanes: config.lanes,
        engine: options.engine,
        prompt: options.prompt,
        text: tokenizer.decode([...prompt, ...result.tokens]),
        promptTokens: prompt.length,
        generatedTokens: result.tokens.length,
        cycles: end.cycles,
        account: result.account,
        comparedValues: result.compared,
        mismatches: result.mismatches,
        saturated: result.saturated,
        clockMHz: config.clockMHz,
        buildSeconds: end.buildSeconds,
        runSeconds: end.runSeconds,
        simulatedKHz: end.cycles / end.runSeconds / 1000,
        firstTokenSeconds: display.firstToken,
        output: out,
      };
      console.log(options.json ? JSON.stringify(report, null, 2) : `\n${renderReport(report)}`);
    });
};
