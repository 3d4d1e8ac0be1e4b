import { readFile } from "node:fs/promises";
import { UsageError } from "./failure.js";

/** A file of text in UTF-8, with the option's name in the message when it is none. */
export const readText = async (option: string, file: string): Promise<string> => {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `${option} ${file}: ${error.code === "ENOENT" ? "no such file" : `cannot be read (${error.code})`}`,
    );
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${option} ${file}: this is no text in UTF-8; convert it, for example with iconv`);
  }
};
