import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { systemReason, UsageError } from "./failure.js";

/** Files by path relative to the output folder. */
export type Files = ReadonlyMap<string, string | Uint8Array>;

/** Written last: marks a folder as ours, so that only our own output is ever replaced. */
const MARK = "manifest.json";

const pending = new Set<string>();
/** Removes half-written folders; called on interrupt. */
export const discardPending = async (): Promise<void> => {
  await Promise.all([...pending].map((dir) => rm(dir, { recursive: true, force: true })));
};

/** Why a folder must not be replaced: it is not an earlier output of ours, or somebody's own files lie in it. Null: nothing is lost. */
const objection = async (folder: string): Promise<string | null> => {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll("\\", "/"));
  if (names.length === 0) return null;
  const foreign = `exists and was not written by gateloom (no ${MARK})`;
  try {
    const manifest = JSON.parse(await readFile(path.join(folder, MARK), "utf8"));
    if (manifest.generator !== "gateloom") return foreign;
    // People build in the folder of a project, and put board files there.
    if (manifest.kind !== "project") return null;
    const ours = [MARK, ...Object.keys(manifest.files ?? {})];
    const other = names.find((name) => !ours.some((own) => own === name || own.startsWith(`${name}/`)));
    return other === undefined ? null : `holds ${other}, which gateloom did not write`;
  } catch {
    return foreign;
  }
};

/** Throws UsageError where nothing can be made: asked before long work. */
const checkWritable = async (folder: string): Promise<void> => {
  let parent = path.dirname(path.resolve(folder));
  while (!existsSync(parent)) parent = path.dirname(parent);
  try {
    await rm(await mkdtemp(path.join(parent, ".gateloom-")), { recursive: true });
  } catch (error) {
    throw new UsageError(
      `${folder}: cannot be written: ${parent}: ${systemReason(error) ?? (error as Error).message}; choose another --out`,
    );
  }
};

/** Throws UsageError when the folder exists and is not an earlier output of ours, or cannot be made: asked before long work. */
export const checkFolder = async (folder: string): Promise<void> => {
  const target = path.resolve(folder);
  await checkWritable(folder);
  if (!existsSync(target)) return;
  if (!(await stat(target)).isDirectory())
    throw new UsageError(`${folder}: is a file; choose another --out or remove it`);
  const why = await objection(target);
  if (why !== null) throw new UsageError(`${folder}: ${why}; choose another --out or remove it`);
};

/** Folders that runs left half-written when they were killed. The name says by which process. */
const removeLeftovers = async (target: string): Promise<void> => {
  const prefix = `${path.basename(target)}.partial-`;
  for (const name of await readdir(path.dirname(target))) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (Number.isNaN(pid)) continue;
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH")
        await rm(path.join(path.dirname(target), name), { recursive: true, force: true });
    }
  }
};

/**
 * Writes a whole folder or nothing: files go to a sibling folder that takes the name in one rename.
 * Throws UsageError when the folder exists and is not an earlier output of ours; system errors pass through.
 */
export const writeFolder = async (folder: string, files: Files): Promise<void> => {
  const target = path.resolve(folder);
  await checkFolder(folder);
  await mkdir(path.dirname(target), { recursive: true });
  await removeLeftovers(target);
  const staging = await mkdtemp(`${target}.partial-${process.pid}-`);
  pending.add(staging);
  try {
    for (const [name, content] of files) {
      const file = path.join(staging, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content, { mode: name.endsWith(".sh") ? 0o777 : 0o666 });
    }
    await rm(target, { recursive: true, force: true });
    await rename(staging, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
    pending.delete(staging);
  }
};

/** Throws a UsageError when the file exists without `mark`, which every output of ours of this kind holds. */
export const checkReplaceable = async (file: string, mark: string): Promise<void> => {
  if (existsSync(file) && !(await readFile(file, "utf8")).includes(mark))
    throw new UsageError(
      `${file}: exists and was not written by gateloom; choose another --out or remove it`,
    );
};

/** Writes a file whole or not at all: a sibling takes the name in one rename. Replaces an earlier output of ours only. */
export const writeOne = async (file: string, content: string, mark: string): Promise<void> => {
  const target = path.resolve(file);
  await checkReplaceable(file, mark);
  await mkdir(path.dirname(target), { recursive: true });
  const staging = await mkdtemp(`${target}.partial-`);
  pending.add(staging);
  try {
    const whole = path.join(staging, path.basename(target));
    await writeFile(whole, content);
    await rename(whole, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
    pending.delete(staging);
  }
};
