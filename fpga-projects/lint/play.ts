/** Scripts and constraints of a project, played in tclsh against the stand-in for Vivado. */
import { execa } from "execa";
import { find } from "../../generator/tools/tool.js";
import { stubTcl, type TclScenario } from "../../rtl-templates/lint/lint.js";
import { AVED } from "../export/aved.js";
import { VIVADO } from "../export/input.js";
import { filesUnder, type Project } from "./project.js";

export interface Place {
  readonly file: string;
  readonly line: number;
}
export interface Command extends Place {
  readonly name: string;
  readonly words: readonly string[];
}
export interface Problem extends Place {
  readonly rule: number;
  readonly text: string;
}
export interface Play {
  readonly script: string;
  readonly mode: "tcl" | "xdc";
  readonly scenario: string;
  readonly commands: readonly Command[];
  /** Files that it took, and how it named them. */
  readonly files: readonly (Place & { readonly path: string; readonly given: string })[];
  readonly written: readonly string[];
  readonly problems: readonly Problem[];
  readonly printed: readonly string[];
  readonly failed: boolean;
  /** Of the error that ended it. */
  readonly text: string;
  readonly line: number;
}

type Record =
  | {
      readonly kind: "begin";
      readonly mode: "tcl" | "xdc";
      readonly script: string;
      readonly scenario: string;
    }
  | ({ readonly kind: "command" } & Command)
  | ({ readonly kind: "file"; readonly path: string; readonly given: string } & Place)
  | { readonly kind: "written"; readonly path: string }
  | ({ readonly kind: "problem" } & Problem)
  | { readonly kind: "print"; readonly text: string }
  | { readonly kind: "end"; readonly failed: 0 | 1; readonly text: string; readonly line: number };

type Growing = { -readonly [K in keyof Play]: Play[K] extends readonly (infer T)[] ? T[] : Play[K] };

const playsIn = (output: string): Play[] => {
  const plays: Growing[] = [];
  for (const line of output.split("\n").filter((l) => l !== "")) {
    const record = JSON.parse(line) as Record;
    const play = plays.at(-1);
    switch (record.kind) {
      case "begin": {
        const { script, mode, scenario } = record;
        const empty = { commands: [], files: [], written: [], problems: [], printed: [] };
        plays.push({ script, mode, scenario, ...empty, failed: true, text: "it did not end", line: 0 });
        break;
      }
      case "command":
        play!.commands.push(record);
        break;
      case "file":
        play!.files.push(record);
        break;
      case "written":
        play!.written.push(record.path);
        break;
      case "problem":
        play!.problems.push(record);
        break;
      case "print":
        play!.printed.push(record.text);
        break;
      case "end":
        Object.assign(play!, { failed: record.failed === 1, text: record.text, line: record.line });
    }
  }
  return plays;
};

/** Scripts that a person starts; they source the others. */
const ENTRIES = ["package", "project", "nonproject", "zynq", "batch"];
/** What the block designs find when scripts/package.tcl has run. */
const PACKAGED = "build/ip/component.xml";
/** What users put beside a project of a V80. */
const BASE_DESIGN = `board_files/AVED/hw/${AVED.release}/src/create_design.tcl`;

export const GOOD: TclScenario = {
  name: "all is well",
  only: "",
  full: 1,
  version: VIVADO,
  synthesis: "100%",
  implementation: "100%",
  setup: 0.123,
  hold: 0.045,
  paths: 1,
  boardFiles: 1,
  absent: "",
  hidden: "",
  failing: "",
  present: `${PACKAGED} ${BASE_DESIGN}`,
};

export const entriesOf = (project: Project): string[] =>
  ENTRIES.map((name) => `scripts/${name}.tcl`).filter((file) => project.files.has(file));

/** Every script in every scenario; constraints in the full ones. */
export const play = async (project: Project, scenarios: readonly TclScenario[]): Promise<Play[]> => {
  const input = stubTcl({
    part: project.manifest.part,
    plays: [
      ...entriesOf(project).map((file) => ({ mode: "tcl" as const, file })),
      ...filesUnder(project, "xdc/", ".xdc").map((file) => ({ mode: "xdc" as const, file })),
    ],
    scenarios,
  });
  const { stdout } = await execa("tclsh", [], { cwd: project.folder, input, stdin: "pipe" });
  return playsIn(stdout);
};

const good = new WeakMap<Project, Promise<Play[] | null>>();
/** The plays in which nothing goes wrong; null without tclsh. */
export const goodPlays = (project: Project): Promise<Play[] | null> => {
  let plays = good.get(project);
  if (plays === undefined) {
    plays = find("tclsh").then(({ version }) => (version === null ? null : play(project, [GOOD])));
    good.set(project, plays);
  }
  return plays;
};

export const NO_TCLSH = "tclsh is missing: sudo apt-get install tcl";
