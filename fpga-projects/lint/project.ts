/** An exported project as it lies on the disk. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { type Board, boardOf } from "../boards/index.js";

/** What lint reads of manifest.json; the exporter writes more. */
const manifestSchema = z.object({
  generator: z.literal("gateloom"),
  kind: z.literal("project"),
  board: z.string(),
  part: z.string(),
  boardPart: z.string().nullable(),
  name: z.string(),
  clockMHz: z.number(),
  configuration: z.record(z.string(), z.unknown()),
  files: z.record(z.string(), z.string()),
});
export type Manifest = z.infer<typeof manifestSchema>;

export interface Project {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Undefined when the table has no such board. */
  readonly board: Board | undefined;
  /** Every file but what a build wrote, by path with `/`. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Not a project of ours: the message says what is missing. */
export class NoProjectError extends Error {
  override name = "InputError";
}

/** What tools and builds leave in a project; nobody exported it. */
const LEFT = /^(build|board_files|\.Xil|\.git|__pycache__)$|\.(log|jou|str)$/;
/** The manifest of gateloom build lists it: its results are part of the project. */
const BUILT = "build";

const walk = async (folder: string, under: string): Promise<string[]> => {
  const entries = await readdir(path.join(folder, under), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !LEFT.test(name))
      .map(async (entry) => {
        const name = under === "" ? entry.name : `${under}/${entry.name}`;
        return entry.isDirectory() ? walk(folder, name) : [name];
      }),
  );
  return found.flat().sort();
};

/** Throws NoProjectError, and system errors as they are. */
export const readProject = async (folder: string): Promise<Project> => {
  const files = new Map<string, Buffer>();
  const take = async (names: readonly string[]): Promise<void> => {
    for (const name of names) files.set(name, await readFile(path.join(folder, name)));
  };
  await take(await walk(folder, ""));
  const text = files.get("manifest.json")?.toString();
  if (text === undefined)
    throw new NoProjectError(
      `${folder}: no manifest.json, so this is no project of gateloom export or build. Give the folder that they wrote`,
    );
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch (error) {
    throw new NoProjectError(
      `${folder}/manifest.json: not JSON (${(error as Error).message}). Export it anew`,
    );
  }
  const parsed = manifestSchema.safeParse(plain);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new NoProjectError(
      `${folder}/manifest.json: ${issue!.path.join(".")}: ${issue!.message}; this is no project of gateloom export or build. Give the folder that they wrote`,
    );
  }
  if (Object.keys(parsed.data.files).some((file) => file.startsWith(`${BUILT}/`)))
    await take(await walk(folder, BUILT));
  return { folder, manifest: parsed.data, board: boardOf(parsed.data.board), files };
};

export const textOf = (project: Project, file: string): string | undefined =>
  project.files.get(file)?.toString();

/** Built by Yosys, nextpnr and a packer: no Tcl, no interfaces, constraints of their own. */
export const isOpen = ({ board }: Project): boolean => board?.flow.kind === "open";
/** What rules about Tcl say of those. */
export const NO_TCL = "open tools: no Tcl";
/** The top level is a chip: pins on its outside, no interfaces. */
export const isChip = ({ board }: Project): boolean =>
  board?.flow.kind === "fabric" || board?.flow.kind === "open";

/** Files of a folder of the project with an ending. */
export const filesUnder = (project: Project, under: string, ending: string): string[] =>
  [...project.files.keys()].filter((f) => f.startsWith(under) && f.endsWith(ending));
