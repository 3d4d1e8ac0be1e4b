/** `gateloom build` for boards that carry the micro machine: bitstream, image of the flash, host program. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import pc from "picocolors";
import type { Board } from "../fpga-projects/boards/index.js";
import { hostTokenizer } from "../fpga-projects/host/tokenizer.js";
import { type MicroPlaced, placeMicro } from "../fpga-projects/micro/fit.js";
import { microProject } from "../fpga-projects/micro/project.js";
import { openManifest } from "../fpga-projects/open/manifest.js";
import type { Routed } from "../fpga-projects/open/report.js";
import { buildOpen } from "../fpga-projects/open/run.js";
import { machineRun } from "../testbenches/harness/microbench.js";
import { chosenByGolden, runMicro, tokenLimit } from "../testbenches/harness/microrun.js";
import { cellLines, count, MEASURED, narrator, readFolder } from "./buildSteps.js";
import { loadConfig } from "./config.js";
import { ComparisonError, UsageError } from "./failure.js";
import { fitLines } from "./fitText.js";
import { encodePrompt, type Loaded, loadForBoard } from "./model.js";
import { type Files, writeFolder } from "./output.js";
import type { SystemOptions } from "./system.js";

export interface MicroOptions extends SystemOptions {
  readonly positions?: number;
  readonly clock?: number;
  readonly force?: boolean;
}

export interface MicroSummary {
  readonly board: string;
  readonly model: string;
  readonly positions: number;
  readonly out: string;
  readonly clockMHz: number;
  readonly fmaxMHz: number;
  readonly cyclesPerToken: number;
  readonly tokensPerSecond: number;
  readonly tokensPerSecondAtFmax: number;
  readonly baud: number;
  readonly id: number;
  readonly cells: Routed["cells"];
  readonly bitstream: string;
  readonly image: string;
  readonly imageBytes: number;
}

/** Cycles a token of the simulated machine, which must also write golden's tokens. */
export const simulated = async (
  { model, program, contents, positions }: MicroPlaced,
  loaded: Loaded,
): Promise<{ readonly cyclesPerToken: number; readonly measured: number }> => {
  const prompt = encodePrompt(loaded.tokenizer, "Once upon a time");
  const total = Math.min(prompt.length + MEASURED - 1, positions);
  const request = { prompt, total, maxCycles: total * tokenLimit(model), seed: 1 };
  const { tokens, end } = await runMicro(machineRun(contents, program.image.words, request), "embedded");
  const golden = chosenByGolden(model, prompt, total);
  const at = golden.findIndex((token, i) => tokens[i] !== token);
  if (at >= 0)
    throw new ComparisonError(
      `simulation differs from golden: token ${at} behind the prompt is ${tokens[at] ?? "missing"}, golden has ${golden[at]}`,
    );
  return { cyclesPerToken: end.cycles / total, measured: total };
};

/** Options that are for the other accelerator: said, not passed over. */
const refuseOthers = (board: Board, { lanes, engineKind, family, force }: MicroOptions): void => {
  const given = Object.entries({ lanes, "engine-kind": engineKind, family, force });
  for (const [name, value] of given)
    if (value !== undefined)
      throw new UsageError(
        `--${name}: the micro machine of ${board.name} has nothing to choose there; leave it away`,
      );
};

/** The model on the machine; throws UsageError when it does not fit. */
export const microFor = async (
  board: Board,
  options: MicroOptions,
): Promise<{ readonly placed: MicroPlaced; readonly loaded: Loaded }> => {
  refuseOthers(board, options);
  const { loaded, positions } = await loadForBoard(options, await loadConfig(options.config));
  const placed = placeMicro(board, loaded.model, positions);
  return { placed, loaded };
};

export const buildMicro = async (board: Board, options: MicroOptions, out: string): Promise<MicroSummary> => {
  const { placed, loaded } = await microFor(board, options);
  if (placed.lines.some(({ fits }) => fits === false))
    throw new UsageError(
      [`${loaded.name} does not fit ${board.title}:`, ...fitLines(placed.lines)].join("\n"),
    );
  const clockMHz = options.clock ?? board.clockMHz.value!;
  const { image } = placed.program;
  const { flow, files, id } = microProject({
    ...{ board, name: loaded.name, model: loaded.name, clockMHz },
    ...{ contents: placed.contents, words: image.words, positions: placed.positions },
    vocab: placed.model.shape.vocab,
    tokenizer: hostTokenizer(loaded.tokenizer),
  });
  const work = await mkdtemp(path.join(tmpdir(), "gateloom-build-"));
  const discard = (): void => rmSync(work, { recursive: true, force: true });
  process.once("exit", discard);
  try {
    const progress = narrator();
    const started = performance.now();
    progress.begin("simulation");
    const { cyclesPerToken } = await simulated(placed, loaded);
    progress.end("simulation, equal to golden", (performance.now() - started) / 1000);
    const routed = await buildOpen(flow, work, progress);
    const [[name, content]] = [...files] as [[string, Uint8Array]];
    const summary: MicroSummary = {
      ...{ board: board.name, model: loaded.name, positions: placed.positions, out, clockMHz },
      fmaxMHz: routed.fmaxMHz,
      cyclesPerToken,
      tokensPerSecond: (clockMHz * 1e6) / cyclesPerToken,
      tokensPerSecondAtFmax: (routed.fmaxMHz * 1e6) / cyclesPerToken,
      ...{ baud: flow.baud, id, cells: routed.cells, bitstream: flow.bitstream },
      ...{ image: name, imageBytes: content.length },
    };
    const all = new Map<string, string | Uint8Array>([...(await readFolder(work)), ...files]);
    const { out: _, ...results } = summary;
    all.set(
      "manifest.json",
      openManifest(
        {
          ...{ board, name: loaded.name, clockMHz, files: all },
          fit: { fits: true, lines: placed.lines },
          configuration: { machine: "micro", positions: placed.positions },
        },
        results,
      ),
    );
    await writeFolder(out, all satisfies Files);
    return summary;
  } finally {
    await rm(work, { recursive: true, force: true });
    process.off("exit", discard);
  }
};

export const showMicro = (s: MicroSummary): string =>
  [
    pc.bold(`${s.model} on ${s.board}`),
    `core        micro machine, 8 lanes, ${s.positions} positions`,
    `clock       ${s.clockMHz} MHz; the routed design reaches ${s.fmaxMHz.toFixed(1)} MHz`,
    `speed       ${count(s.tokensPerSecond)} tokens/s (${count(s.cyclesPerToken)} cycles a token, mean of ${MEASURED}); ${count(s.tokensPerSecondAtFmax)} at the reached clock`,
    ...cellLines(s.cells),
    `bitstream   ${path.join(s.out, s.bitstream)}`,
    `model       ${path.join(s.out, s.image)}, ${count(s.imageBytes)} bytes for the flash`,
    `how to load both and to talk: ${path.join(s.out, "README.md")}`,
  ].join("\n");
