/** L16: the Verilog goes through Verilator, Icarus and Yosys without a warning: no latches, no wire driven twice. */
import { createHash } from "node:crypto";
import { type LintResult, lint } from "../../../generator/tools/lint.js";
import { find } from "../../../generator/tools/tool.js";
import { cells } from "../../../rtl-templates/lint/lint.js";
import { checked, type Finding, NOT_ASKED, notRun, type Rule } from "../finding.js";
import { filesUnder, isChip, type Project, textOf } from "../project.js";
import { noTop, topOf } from "../verilog.js";

const TOOLS = ["verilator", "iverilog", "yosys"] as const;
/** Lines of a tool's output that a person needs to see. */
const SHOWN = 5;

/** Parameters of the vendor's cells are real numbers, which Yosys keeps as text. */
const HARMLESS = /Replacing floating point parameter/;
const told = (output: string): string[] => output.split("\n").filter((l) => !HARMLESS.test(l));

const ASSIGN = /^\s*assign (\w+) =/;
/** The tools say nothing when two constants drive a wire (Yosys 0.23 takes one of them). A file holds one module. */
const twice = (project: Project): Finding[] =>
  filesUnder(project, "rtl/", ".v").flatMap((file) => {
    const seen = new Set<string>();
    return textOf(project, file)!
      .split("\n")
      .flatMap((text, i): Finding[] => {
        const name = ASSIGN.exec(text)?.[1];
        if (name === undefined) return [];
        if (!seen.has(name)) {
          seen.add(name);
          return [];
        }
        return [
          { rule: 16, file, line: i + 1, text: `${name} is assigned twice`, remedy: "drive it in one place" },
        ];
      });
  });

/** Boards share most of their sources. */
const known = new Map<string, Promise<LintResult[]>>();

export const l16: Rule = {
  number: 16,
  title: "Verilog is clean in Verilator, Icarus and Yosys",
  check: async (project, deep) => {
    const top = topOf(project);
    if (top === undefined) return checked([noTop(16, project)]);
    const doubled = twice(project);
    if (doubled.length > 0) return checked(doubled);
    if (!deep) return NOT_ASKED;
    const found = await Promise.all(TOOLS.map(find));
    const missing = found.filter((f) => f.version === null).map((f) => f.name);
    if (missing.length > 0)
      return notRun(`missing: ${missing.join(", ")}; sudo apt-get install ${missing.join(" ")}`);
    const sources = [...filesUnder(project, "rtl/", ".v"), ...filesUnder(project, "rtl/", ".mem")];
    const files = new Map(sources.map((f) => [f.slice("rtl/".length), textOf(project, f)!]));
    if (isChip(project)) files.set("cells.v", cells());
    const key = createHash("sha256")
      .update(JSON.stringify([top.name, ...files]))
      .digest("hex");
    const results = known.get(key) ?? lint(files, top.name);
    known.set(key, results);
    return checked(
      (await results)
        .filter(({ clean, output }) => !clean && told(output).length > 0)
        .map(({ tool, output }) => ({
          rule: 16,
          file: /\b(\w+\.v):\d+/.exec(output)?.[1]?.replace(/^/, "rtl/") ?? top.file,
          text: `${tool}: ${told(output).slice(0, SHOWN).join(" | ")}`,
          remedy: "mend the source, or export the project anew",
        })),
    );
  },
};
