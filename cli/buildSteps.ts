/** What builds of all kinds show and read. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import pc from "picocolors";
import type { Routed } from "../fpga-projects/open/report.js";
import type { Progress } from "../fpga-projects/open/run.js";

/** On a terminal one line that follows what the tool says; elsewhere a line when a step begins and when it ends. */
export const narrator = (): Progress => {
  const terminal = process.stderr.isTTY;
  let step = "";
  let since = 0;
  const put = (text: string): void => {
    process.stderr.write(terminal ? `\r\x1b[2K${pc.dim(text.slice(0, process.stderr.columns - 1))}` : "");
  };
  return {
    begin: (what) => {
      [step, since] = [what, performance.now()];
      if (terminal) put(`${what} ...`);
      else process.stderr.write(`${what} ...\n`);
    },
    say: (line) => put(`${step}, ${((performance.now() - since) / 1000).toFixed(0)} s: ${line.trim()}`),
    end: (what, seconds) =>
      process.stderr.write(`${terminal ? "\r\x1b[2K" : ""}${what}: ${seconds.toFixed(0)} s\n`),
  };
};

/** Everything in a folder, by relative path. */
export const readFolder = async (folder: string): Promise<Map<string, Uint8Array>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Uint8Array>();
  for (const entry of entries)
    if (entry.isFile()) {
      const file = path.join(entry.parentPath, entry.name);
      files.set(path.relative(folder, file).split(path.sep).join("/"), await readFile(file));
    }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** Cells in use, a line a kind, under a heading. */
export const cellLines = (cells: Routed["cells"]): string[] =>
  cells.map(
    ({ kind, used, available }, i) =>
      `${i === 0 ? "cells" : ""}`.padEnd(12) +
      `${kind.padEnd(14)} ${String(used).padStart(7)} of ${available} (${((100 * used) / available).toFixed(0)} %)`,
  );

export const count = (n: number): string => Math.round(n).toLocaleString("en-US");

/** Tokens of the run whose cycles are measured: far enough for attention to count. */
export const MEASURED = 64;
