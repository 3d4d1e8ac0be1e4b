/** What Verilator, Icarus and Yosys think of Verilog text. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";

export interface LintResult {
  readonly tool: "verilator" | "iverilog" | "yosys";
  readonly clean: boolean;
  readonly output: string;
}

/** Warnings that are not about the design. */
const QUIET = [
  // A module's file name is checked by us (one module per file); memories loaded from .mem files are read at run time.
  "-Wno-DECLFILENAME",
];

const lines = (text: string): string =>
  text
    .split("\n")
    .filter((l) => l.trim() !== "")
    .join("\n");

/** Lints one top with everything below it in the three tools; a warning counts as not clean. */
export const lint = async (files: ReadonlyMap<string, string>, top: string): Promise<LintResult[]> => {
  const dir = await mkdtemp(path.join(tmpdir(), "gateloom-lint-"));
  try {
    for (const [name, text] of files) await writeFile(path.join(dir, name), text);
    const verilog = [...files.keys()].filter((f) => f.endsWith(".v"));
    const run = async (
      tool: LintResult["tool"],
      args: readonly string[],
      bad: (output: string) => boolean,
    ): Promise<LintResult> => {
      const r = await execa(tool, args, { cwd: dir, all: true, reject: false, stdin: "ignore" });
      const output = lines(r.all ?? "");
      return { tool, clean: !r.failed && !bad(output), output };
    };
    return [
      await run(
        "verilator",
        ["--lint-only", "-Wall", ...QUIET, "--top-module", top, ...verilog],
        (o) => o !== "",
      ),
      await run(
        "iverilog",
        ["-g2005", "-Wall", "-s", top, "-o", path.join(dir, "lint.vvp"), ...verilog],
        (o) => o !== "",
      ),
      await run(
        "yosys",
        ["-q", "-p", `read_verilog ${verilog.join(" ")}; hierarchy -check -top ${top}; proc; check -assert`],
        (o) => /warning/i.test(o),
      ),
    ];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
