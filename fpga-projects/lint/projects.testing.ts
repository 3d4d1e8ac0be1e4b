/** Projects of one small random model for every board of the vendor's tools, and what a rule says of one that was changed. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { imageWords } from "../../generator/compile/words.js";
import { type AcceleratorConfig, defaultConfig } from "../../generator/isa/config.js";
import { randomModel } from "../../golden/model/random.js";
import { BOARDS, type Board, boardOf } from "../boards/index.js";
import { exportProject } from "../export/export.js";
import type { ProjectFiles } from "../export/input.js";
import { place } from "../fit.js";
import { placeMicro } from "../micro/fit.js";
import { microProject, modelFlash } from "../micro/project.js";
import { openManifest } from "../open/manifest.js";
import { openProject } from "../open/project.js";
import type { Outcome, Rule } from "./finding.js";
import { type Project, readProject } from "./project.js";

export const POSITIONS = 32;
export const model = randomModel(
  { dim: 64, hidden: 96, layers: 1, heads: 2, kvHeads: 1, headDim: 32, vocab: 128, context: POSITIONS },
  5,
);
const base: AcceleratorConfig = { ...defaultConfig, context: POSITIONS };

export const openBoards: readonly Board[] = BOARDS.filter(({ flow }) => flow.kind === "open");
const micro = (board: Board): ProjectFiles => {
  const clockMHz = board.clockMHz.value!;
  const { contents, program, lines, positions } = placeMicro(board, model, POSITIONS);
  const { flow, files: others } = microProject({
    ...{ board, name: "mini", model: "random", contents, words: program.image.words, positions, clockMHz },
    ...{ vocab: model.shape.vocab, tokenizer: new Map() },
  });
  const files = new Map<string, string | Uint8Array>([...flow.files, ...others]);
  const configuration = { machine: "micro", positions };
  const manifest = openManifest({ board, name: "mini", clockMHz, fit: { lines }, configuration, files }, {});
  return files.set("manifest.json", manifest);
};
/** What gateloom build writes, less what the tools of its flow make. */
const built = (board: Board): ProjectFiles => {
  if (modelFlash(board) !== null) return micro(board);
  const clockMHz = board.clockMHz.value!;
  const { config, compiled, fit } = place(board, model, base, POSITIONS, clockMHz);
  const { files } = openProject(board, config, compiled, imageWords(compiled));
  const manifest = openManifest({ board, name: "mini", clockMHz, fit, configuration: config, files }, {});
  return new Map([...files, ["manifest.json", manifest]]);
};

export const vendorBoards: readonly Board[] = BOARDS.filter(({ flow }) => flow.kind !== "open");

const exported = new Map<string, ProjectFiles>();
/** Of a board by name; made once. */
export const projectOf = (name: string): ProjectFiles => {
  let files = exported.get(name);
  if (files === undefined) {
    const board = boardOf(name)!;
    if (board.flow.kind === "open") {
      files = built(board);
      exported.set(name, files);
      return files;
    }
    const clockMHz = board.clockMHz.value!;
    const placed = place(board, model, base, POSITIONS, clockMHz);
    files = exportProject({
      ...{ board, name: "mini", model: "random", clockMHz, positions: POSITIONS, forced: false },
      ...{ config: placed.config, compiled: placed.compiled, fit: placed.fit, tokenizer: new Map() },
    });
    exported.set(name, files);
  }
  return files;
};

/** With the files on the disk as long as `use` takes. */
export const withProject = async <T>(
  files: ProjectFiles,
  use: (project: Project) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(path.join(tmpdir(), "gateloom lint-ü-"));
  try {
    for (const [name, content] of files) {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    return await use(await readProject(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** What a rule says, a line a finding; `kind` alone where it did not look. */
export const saidBy = async (rule: Rule, files: ProjectFiles): Promise<string[]> =>
  withProject(files, async (project) => {
    const outcome: Outcome = await rule.check(project, true);
    return outcome.kind === "checked"
      ? outcome.findings.map((f) => `${f.file}${f.line === undefined ? "" : `:${f.line}`}: ${f.text}`)
      : [outcome.kind];
  });

/** One file changed by replacing a text, which must be there. */
export const changed = (
  files: ProjectFiles,
  file: string,
  from: string | RegExp,
  to: string,
): ProjectFiles => {
  const before = files.get(file)?.toString();
  if (before === undefined) throw new Error(`no ${file}`);
  const after = before.replace(from, to);
  if (after === before) throw new Error(`${file} has no ${from}`);
  return new Map([...files, [file, after]]);
};
export const without = (files: ProjectFiles, file: string): ProjectFiles =>
  new Map([...files].filter(([name]) => name !== file));
