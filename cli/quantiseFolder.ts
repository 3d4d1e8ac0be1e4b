/**
 * The folder in which `gateloom quantise` works: parts as files, each put in place by one rename, so that whatever ends a run, the next one
 * with the same job goes on behind the last part. When all is done the saved model takes the output's name in one rename.
 */
import { existsSync } from "node:fs";
import {
  type FileHandle,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { openFile } from "../golden/import/access.js";
import type { RandomAccess } from "../golden/import/source.js";
import type { Keeper } from "../golden/quantise/pipeline/parts.js";
import { UsageError } from "./failure.js";
import { checkFolder } from "./output.js";

const JOB = "job.json";
const RESULT = "model";

/** Writes all bytes to the disk itself: after a power cut a name never stands for half a file. */
const writeSynced = async (file: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
  const handle: FileHandle = await open(file, "w");
  try {
    for await (const piece of pieces) await handle.writeFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

export class WorkFolder implements Keeper {
  private constructor(
    private readonly target: string,
    private readonly folder: string,
    /** Whether an earlier run with the same job left parts. */
    readonly resumed: boolean,
    /** Whether one with another job did; they are gone. */
    readonly discarded: boolean,
  ) {}

  /** `job` tells everything that the parts depend on. Throws UsageError where the output folder is not ours to replace. */
  static async open(out: string, job: string): Promise<WorkFolder> {
    await checkFolder(out);
    const target = path.resolve(out);
    const folder = `${target}.partial`;
    const before = await readFile(path.join(folder, JOB), "utf8").catch(() => null);
    if (before === null && existsSync(folder))
      throw new UsageError(
        `${folder}: exists but holds no unfinished run of gateloom (no ${JOB}); choose another --out or remove it`,
      );
    const resumed = before === job;
    if (!resumed) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, JOB), job);
    }
    return new WorkFolder(target, folder, resumed, before !== null && !resumed);
  }

  /** Refuses a disk without room for so many bytes beside what is there. */
  async checkRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.folder);
    if (bavail * bsize < bytes)
      throw new UsageError(
        `${this.folder}: the disk has ${gigabytes(bavail * bsize)} left, about ${gigabytes(bytes)} are needed; choose another --out`,
      );
  }

  async get(name: string): Promise<RandomAccess | null> {
    const file = path.join(this.folder, name);
    return existsSync(file) ? openFile(file) : null;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const file = path.join(this.folder, name);
    await writeSynced(`${file}.new`, [bytes]);
    await rename(`${file}.new`, file);
  }

  async remove(name: string): Promise<void> {
    await rm(path.join(this.folder, name), { force: true });
  }

  /** Puts the saved model in place of the output folder. Files are written in order; the last is the mark of our outputs. */
  async finish(
    model: AsyncIterable<Uint8Array>,
    files: ReadonlyMap<string, Uint8Array | string>,
  ): Promise<number> {
    const result = path.join(this.folder, RESULT);
    await rm(result, { recursive: true, force: true });
    await mkdir(result);
    const file = path.join(result, "model.safetensors");
    await writeSynced(file, model);
    const { size } = await stat(file);
    for (const [name, content] of files) await writeFile(path.join(result, name), content);
    await checkFolder(this.target);
    await rm(this.target, { recursive: true, force: true });
    await rename(result, this.target);
    await rm(this.folder, { recursive: true, force: true });
    return size;
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 0)} GB`;
