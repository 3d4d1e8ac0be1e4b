/** Files that are read in pieces: on disk, or in memory. Nothing is allocated before it is known to lie inside the file. */
import { type FileHandle, open } from "node:fs/promises";
import { InputError } from "./error.js";
import type { RandomAccess } from "./source.js";

/** One read never asks for more: larger than any row block of a real model, far below what a machine lacks. */
const LARGEST_READ = 1 << 30;

function checkRange(file: string, size: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(length) || length < 0)
    throw new InputError(
      `a range of ${length} bytes at byte ${offset} makes no sense`,
      { file },
      "The file's header is damaged; copy or export it again",
    );
  if (length > size - offset) {
    const what = `${length} bytes are needed here but the file has ${size}`;
    throw new InputError(what, { file, offset }, "The file is cut off or damaged; copy it again");
  }
  if (length > LARGEST_READ)
    throw new InputError(
      `${length} bytes at once are too many`,
      { file, offset },
      "Tensors of this size are read by rows",
    );
}

class FileAccess implements RandomAccess {
  constructor(
    readonly file: string,
    readonly size: number,
    private readonly handle: FileHandle,
  ) {}

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this.file, this.size, offset, length);
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.handle.read(bytes, at, length - at, offset + at);
      // the file has become shorter since it was opened
      if (bytesRead === 0) checkRange(this.file, offset + at, offset, length);
      at += bytesRead;
    }
    return bytes;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** Opens a file on disk; `name` is what messages call it. */
export async function openFile(path: string, name = path): Promise<RandomAccess> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new InputError(
      `the file cannot be opened (${code})`,
      { file: name },
      "Check the path and who may read it",
    );
  }
  const about = await handle.stat();
  if (!about.isFile()) {
    await handle.close();
    throw new InputError("this is not a file", { file: name }, "Give the file itself");
  }
  return new FileAccess(name, about.size, handle);
}

/** The same on bytes in memory; what it hands out is a view. */
export function accessBytes(bytes: Uint8Array, file: string): RandomAccess {
  return {
    file,
    size: bytes.length,
    read: async (offset, length) => {
      checkRange(file, bytes.length, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    close: async () => {},
  };
}
