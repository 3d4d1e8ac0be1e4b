/**
 * Where in the user's TypeScript a call was made. The raw call site is the key of a cache; only its first visit pays
 * for the text of the stack, which the runtime has already mapped back to the source (tsx, --enable-source-maps).
 */

import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Loc } from "./ir.js";

const core = dirname(fileURLToPath(import.meta.url));
const found = new Map<string, Loc | undefined>();
const userFiles = new Map<string, boolean>();

/** The innermost frame outside this folder (its tests count as outside). */
export function here(): Loc | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const trace: { stack?: unknown } = {};
  Error.prepareStackTrace = rawFrames;
  try {
    for (const limit of [12, 100]) {
      Error.stackTraceLimit = limit;
      Error.captureStackTrace(trace, here);
      const frames = trace.stack as NodeJS.CallSite[];
      const depth = frames.findIndex(isUserFrame);
      const frame = frames[depth];
      if (frame === undefined) continue;
      const key = `${frame.getFileName()}:${frame.getLineNumber()}:${frame.getColumnNumber()}`;
      if (!found.has(key)) {
        Error.prepareStackTrace = prepareStackTrace;
        Error.captureStackTrace(trace, here);
        found.set(key, readFrame(String(trace.stack), depth));
      }
      return found.get(key);
    }
    return undefined;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const rawFrames = (_: Error, frames: NodeJS.CallSite[]): NodeJS.CallSite[] => frames;

function isUserFrame(frame: NodeJS.CallSite): boolean {
  const file = frame.getFileName();
  if (file === null || file === undefined) return false;
  let known = userFiles.get(file);
  if (known === undefined) {
    const path = toPath(file);
    const inside = path.startsWith(core) && !/\.test\.[jt]s$/.test(path);
    known = !(file.startsWith("node:") || path.includes("/node_modules/") || inside);
    userFiles.set(file, known);
  }
  return known;
}

function readFrame(stack: string, depth: number): Loc | undefined {
  const line = stack.split("\n").filter((text) => /^\s+at /.test(text))[depth] ?? "";
  const match = /(?:\(|at (?:async )?)((?:file:|\/|[A-Za-z]:).*?):(\d+):(\d+)\)?$/.exec(line);
  if (match === null) return undefined;
  const path = toPath(match[1]!);
  return {
    file: relative(projectRoot(dirname(path)), path).replaceAll("\\", "/"),
    line: Number(match[2]),
    col: Number(match[3]),
  };
}

const toPath = (file: string): string =>
  (file.startsWith("file:") ? fileURLToPath(file) : file).replace(/\?.*$/, "");

const roots = new Map<string, string>();
/** The nearest folder upwards that has a package.json. */
function projectRoot(folder: string): string {
  let root = roots.get(folder);
  if (root === undefined) {
    const up = dirname(folder);
    root = existsSync(join(folder, "package.json")) || up === folder ? folder : projectRoot(up);
    roots.set(folder, root);
  }
  return root;
}
