import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const findRoot = (from: string): string => {
  if (existsSync(path.join(from, "package.json"))) return from;
  const up = path.dirname(from);
  if (up === from) throw new Error("package.json of gateloom not found");
  return findRoot(up);
};
const root = findRoot(path.dirname(fileURLToPath(import.meta.url)));

/** A file that ships with the package, by its path in the repository (the compiled tree lies one folder deeper). */
export const packageFile = (relative: string): string => path.join(root, relative);
