import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";

/** sha256 of names and contents, in order of the names. */
export const hashFiles = (files: ReadonlyMap<string, string>, extra: readonly string[] = []): string => {
  const hash = createHash("sha256");
  for (const e of extra) hash.update(`${e}\0`);
  for (const name of [...files.keys()].sort()) hash.update(`${name}\0${files.get(name)}\0`);
  return hash.digest("hex");
};

const cacheRoot = (): string =>
  process.env["GATELOOM_CACHE"] ??
  path.join(process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"), "gateloom");

const KEEP = 40;

/**
 * A folder built once per content hash: `build` fills an empty folder, which takes its final name only when it succeeded.
 * The least recently used folders beyond 40 are removed.
 */
export const cachedFolder = async (
  kind: string,
  key: string,
  files: ReadonlyMap<string, string>,
  build: (folder: string) => Promise<void>,
): Promise<string> => {
  const root = path.join(cacheRoot(), kind);
  const folder = path.join(root, key.slice(0, 32));
  if (existsSync(folder)) {
    const now = new Date();
    await utimes(folder, now, now);
    return folder;
  }
  await mkdir(root, { recursive: true });
  const staging = await mkdtemp(path.join(root, "partial-"));
  try {
    for (const [name, text] of files) await writeFile(path.join(staging, name), text);
    await build(staging);
    await rename(staging, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Another process built the same content first: its folder is as good as ours.
      if (!existsSync(folder)) throw error;
      await rm(staging, { recursive: true, force: true });
    });
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  const entries = await Promise.all(
    (await readdir(root)).map(async (name) => ({ name, time: (await stat(path.join(root, name))).mtimeMs })),
  );
  const old = entries.sort((a, b) => b.time - a.time).slice(KEEP);
  await Promise.all(old.map((e) => rm(path.join(root, e.name), { recursive: true, force: true })));
  return folder;
};
