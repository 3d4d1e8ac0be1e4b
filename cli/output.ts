import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { UsageError } from "./failure.js";

/** Files by path relative to the output folder. */
export type Files = ReadonlyMap<string, string | Uint8Array>;

/** Written last: marks a folder as ours, so that only our own output is ever replaced. */
const MARK = "manifest.json";

const pending = new Set<string>();
/** Removes half-written folders; called on interrupt. */
export const discardPending = async (): Promise<void> => {
  await Promise.all([...pending].map((dir) => rm(dir, { recursive: true, force: true })));
};

/** True when the folder holds an earlier output of Gateloom (or nothing), so that replacing it loses nothing of the user's. */
const replaceable = async (folder: string): Promise<boolean> => {
  if ((await readdir(folder)).length === 0) return true;
  try {
    return JSON.parse(await readFile(path.join(folder, MARK), "utf8")).generator === "gateloom";
  } catch {
    return false;
  }
};

/** Throws UsageError when the folder exists and is not an earlier output of ours: asked before long work. */
export const checkFolder = async (folder: string): Promise<void> => {
  const target = path.resolve(folder);
  if (existsSync(target) && !(await replaceable(target)))
    throw new UsageError(
      `${folder}: exists and was not written by gateloom (no ${MARK}); choose another --out or remove it`,
    );
};

/**
 * Writes a whole folder or nothing: files go to a sibling folder that takes the name in one rename.
 * Throws UsageError when the folder exists and is not an earlier output of ours; system errors pass through.
 */
export const writeFolder = async (folder: string, files: Files): Promise<void> => {
  const target = path.resolve(folder);
  await checkFolder(folder);
  await mkdir(path.dirname(target), { recursive: true });
  const staging = await mkdtemp(`${target}.partial-`);
  pending.add(staging);
  try {
    for (const [name, content] of files) {
      const file = path.join(staging, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
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
