/** For tests of host programs: a small model, its exported files in a folder, and programs run against a simulated accelerator. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { AxiConfig } from "../../generator/accelerator/axiaccelerator.js";
import { compile } from "../../generator/compile/compile.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { registerMap } from "../../generator/isa/registers.js";
import { type TextTokenizer, Tokenizer } from "../../golden/import/tokenizer.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { randomModel } from "../../golden/model/random.js";
import type { Board } from "../boards/index.js";
import type { AxiExport, ExportInput, ProjectFiles } from "../export/input.js";
import { hostTokenizer } from "./tokenizer.js";

const stubs = path.join(path.dirname(fileURLToPath(import.meta.url)), "stubs");
export const PYTHON_STUBS = path.join(stubs, "python");
export const XRT_STUBS = path.join(stubs, "xrt");

const SHAPE = { dim: 32, hidden: 64, layers: 1, heads: 1, kvHeads: 1, headDim: 32, vocab: 300, context: 32 };
export const config = { ...defaultConfig, context: 32 };
export const model = randomModel(SHAPE, 3);
export const axi: AxiConfig = {
  ...{ masters: 2, dataBits: 32, addressBits: 64, outstanding: 8, burst: 16 },
  clocks: 1,
};

/** Specials, bytes, and pieces of text; unions of which some score alike; one token of the model spells nothing. */
const letters = [..." abcdeéhilmnoprstuw.,'\u{1f642}"];
const longer = ["th", "he", "the", " the", "on", "ce", "once", " w", "as", " was", "in", "er", "an", " a"];
const pieces = [
  ...["<unk>", "<s>", "</s>"],
  ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`),
  ...letters,
  ...longer,
  ..."xyz",
];

/** Golden's tokens behind the prompt: so many, or up to the end of the context. */
const goldens = (prompt: readonly number[], most: number): number[] =>
  generate(new IntegerState(model), prompt, Math.min(prompt.length + most - 1, SHAPE.context)).slice(
    prompt.length,
  );

const scores = pieces.map((_, i) => -Math.floor(i / 3) - 0.25);
/** A text whose answer does not end early. */
export const TEXT = "once the é was \u{1f642}";
/** A text whose answer is some tokens and then another one, which the tokenizer below takes for an end. */
const stopping = ((): { readonly text: string; readonly stop: number } => {
  const plain = new Tokenizer(pieces, scores);
  const kept = goldens(plain.encode(TEXT), 4);
  for (const text of [...letters, ...longer].filter((piece) => piece.trim() === piece)) {
    const tokens = goldens(plain.encode(text), 8);
    const stop = tokens.find((token) => token !== tokens[0] && !kept.includes(token));
    if (stop !== undefined) return { text, stop };
  }
  throw new Error("this model says the same always; take another");
})();
export const STOPPING = stopping.text;

class Ending extends Tokenizer {
  override readonly stops = [2, stopping.stop];
}
export const tokenizer: TextTokenizer = new Ending(pieces, scores);

/** What a program says behind the prompt: golden's tokens up to one that ends, at most so many. */
export const answer = (prompt: readonly number[], most: number): readonly number[] => {
  const tokens = goldens(prompt, most);
  const end = tokens.findIndex((token) => tokenizer.stops.includes(token));
  return end < 0 ? tokens : tokens.slice(0, end);
};

/** What is exported, with the model compiled for `config`. */
export const inputFor = (board: Board, said: TextTokenizer | null = tokenizer): ExportInput => ({
  board,
  ...{ name: "gateloom_npu", model: "a random model", config },
  compiled: compile(model, config),
  positions: SHAPE.context,
  clockMHz: 100,
  fit: { lines: [], fits: true, speeds: [], clockMHz: 100 },
  forced: false,
  tokenizer: said === null ? new Map() : hostTokenizer(said),
});
export const axiInputFor = (
  board: Board,
  design: AxiExport["design"],
  said: TextTokenizer | null = tokenizer,
): AxiExport => ({
  ...inputFor(board, said),
  masters: axi,
  registers: registerMap(config, axi),
  design,
});

/** The same as text. */
export const answerText = (prompt: readonly number[], most: number): string => {
  const tokens = answer(prompt, most);
  const bytes = tokens.flatMap((token, i) =>
    token < tokenizer.size ? [...tokenizer.piece(tokens[i - 1] ?? prompt.at(-1)!, token)] : [],
  );
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
};

/** The project's files in a folder with a space and an umlaut in its path; gone with the test. */
export class ProjectFolder {
  private constructor(
    private readonly root: string,
    /** Where the host programs lie. */
    readonly host: string,
  ) {}

  static async of(files: ProjectFiles): Promise<ProjectFolder> {
    const root = await mkdtemp(path.join(tmpdir(), "gateloom-host-"));
    const folder = path.join(root, "ein Projekt für alle");
    for (const [name, content] of files) {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    return new ProjectFolder(root, path.join(folder, "host"));
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true });
  }
}

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number | undefined;
}
/** A program to its end; `input` is its standard input. */
export const run = async (
  command: string,
  args: readonly string[],
  { cwd, env, input = "" }: { cwd: string; env: Readonly<Record<string, string>>; input?: string },
): Promise<Ran> => {
  const { stdout, stderr, exitCode } = await execa(command, args, {
    ...{ cwd, env, input },
    reject: false,
    stripFinalNewline: false,
    timeout: 60_000,
  });
  return { out: stdout, err: stderr, code: exitCode };
};
