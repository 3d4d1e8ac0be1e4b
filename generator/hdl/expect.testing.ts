/**
 * For tests: texts (Verilog, waves, messages) that stand in the test where a reader looks for them.
 * `GATELOOM_UPDATE=1 npm run mocha -- FILE` writes what came out into the test files; read the diff before you commit it.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Indentation that all lines share, and the first and last empty line, do not count. */
const dedent = (text: string): string => {
  const lines = text
    .replace(/^\n/, "")
    .replace(/\n\s*$/, "")
    .split("\n");
  const margin = Math.min(...lines.filter((l) => l.trim() !== "").map((l) => /^ */.exec(l)![0].length));
  return lines.map((l) => l.slice(margin === Number.POSITIVE_INFINITY ? 0 : margin).trimEnd()).join("\n");
};

interface Rewrite {
  readonly line: number;
  readonly text: string;
}
const rewrites = new Map<string, Rewrite[]>();

/** The template literal of the call that starts at a line, with its new text. */
const rewritten = (source: string, { line, text }: Rewrite): string => {
  const start = source
    .split("\n")
    .slice(0, line - 1)
    .join("\n").length;
  const call = source.indexOf("expectText(", start);
  const open = source.indexOf("`", call);
  let close = open + 1;
  while (source[close] !== "`") close += source[close] === "\\" ? 2 : 1;
  const margin = `${/^ */.exec(source.slice(source.lastIndexOf("\n", call) + 1))![0]}  `;
  const body = text
    .replace(/[\\`]|\$\{/g, (c) => `\\${c}`)
    .split("\n")
    .map((l) => (l === "" ? "" : margin + l))
    .join("\n");
  return `${source.slice(0, open)}\`\n${body}\n${margin.slice(2)}${source.slice(close)}`;
};

/** Where in the test the call stands. */
const caller = (): { file: string; line: number } => {
  const frame = (new Error().stack ?? "").split("\n").find((l) => /\.test\.ts:\d+/.test(l)) ?? "";
  const [, file = "", line = "0"] = /\(?((?:file:\/\/)?[^\s(]+\.test\.ts):(\d+)/.exec(frame) ?? [];
  return { file: file.startsWith("file:") ? fileURLToPath(file) : file, line: Number(line) };
};

export const expectText = (actual: string, expected: string): void => {
  const text = dedent(actual);
  if (process.env.GATELOOM_UPDATE === undefined) {
    assert.equal(text, dedent(expected));
    return;
  }
  if (text === dedent(expected)) return;
  const { file, line } = caller();
  const known = rewrites.get(file);
  if (known !== undefined) known.push({ line, text });
  else {
    const list: Rewrite[] = [{ line, text }];
    rewrites.set(file, list);
    process.once("exit", () => {
      const source = readFileSync(file, "utf8");
      const last = [...list].sort((a, b) => b.line - a.line);
      writeFileSync(file, last.reduce(rewritten, source));
    });
  }
};
