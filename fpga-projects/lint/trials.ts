/** Scenarios in which something goes wrong, and what scripts have to do then: made from what they do when all is well. */
import type { TclScenario } from "../../rtl-templates/lint/lint.js";
import { GOOD, type Play, play } from "./play.js";
import type { Project } from "./project.js";

export type Expectation = "fails" | "warns";
export interface Trial {
  readonly play: Play;
  readonly expected: Expectation;
}

/** In braces where Tcl would split it. */
const words = (names: readonly string[]): string => names.map((n) => `{${n}}`).join(" ");
type Case = readonly [expected: Expectation, change: Partial<TclScenario> & { readonly name: string }];

/** Commands of the table that only look something up: their failure says nothing of the script's. */
const LANGUAGE = new Set(["file", "source"]);
/** `check_report` is about reports and products. Checkpoints are for people who look into a run, handoffs for those who copy them. */
const unchecked = (file: string, commands: Play["commands"]): boolean =>
  file.endsWith(".dcp") ||
  (file.endsWith("/hw_handoff/system.hwh") &&
    !commands.some((c) => c.name === "file" && c.words.includes(file)));

/** One source stands for all: they are read by the same line. */
const few = (files: readonly string[]): string[] => {
  const others = files.filter((f) => !f.startsWith("rtl/"));
  const firstOf = (ending: string): string[] =>
    files.filter((f) => f.startsWith("rtl/") && f.endsWith(ending)).slice(0, 1);
  return [...new Set([...others, ...firstOf(".v"), ...firstOf(".mem")])];
};

const casesOf = ({ script, commands, files, written }: Play): Case[] => {
  const names = new Set(commands.map(({ name }) => name));
  const has = (name: string): boolean => names.has(name);
  const cases: Case[] = [["warns", { name: "another version of Vivado", version: "2023.1" }]];
  if (has("launch_runs"))
    cases.push(
      ["fails", { name: "synthesis stops at 42 %", synthesis: "42%" }],
      ["fails", { name: "implementation stops at 42 %", implementation: "42%" }],
    );
  if (has("launch_runs") || has("route_design"))
    cases.push(
      ["fails", { name: "setup slack is negative", setup: -0.001 }],
      ["fails", { name: "hold slack is negative", hold: -0.001 }],
      ["fails", { name: "nothing is constrained", paths: 0 }],
    );
  const board = commands.some(({ name, words: w }) => name === "set_property" && w[0] === "board_part");
  // With a processing system, wrong settings of its memory would go unnoticed; without one the part alone will do.
  if (board)
    cases.push([
      has("create_bd_design") ? "fails" : "warns",
      { name: "the board files are missing", boardFiles: 0 },
    ]);
  if (has("get_ipdefs")) cases.push(["fails", { name: "an IP is missing", absent: "get_ipdefs" }]);
  if (has("list_property"))
    cases.push(["fails", { name: "an IP has not the setting", absent: "list_property" }]);
  if (has("create_bd_design")) cases.push(["fails", { name: "the core is not packaged", present: "" }]);
  for (const file of new Set(written.filter((f) => !unchecked(f, commands))))
    cases.push(["fails", { name: `${file} is not written`, absent: words([file.split("/").at(-1)!]) }]);
  for (const file of few(files.map(({ path }) => path).filter((f) => !f.startsWith("build/"))))
    cases.push(["fails", { name: `${file} is missing`, hidden: words([file]) }]);
  for (const name of names)
    if (!LANGUAGE.has(name)) cases.push(["fails", { name: `${name} fails`, failing: words([name]) }]);
  return cases.map(([expected, change]) => [
    expected,
    { ...change, only: script, name: `${script}: ${change.name}` },
  ]);
};

const known = new WeakMap<Project, Promise<Trial[]>>();
/** `good`: what the scripts do when all is well. */
export const trials = (project: Project, good: readonly Play[]): Promise<Trial[]> => {
  let found = known.get(project);
  if (found === undefined) {
    const cases = good.filter(({ mode }) => mode === "tcl").flatMap(casesOf);
    const expected = new Map(cases.map(([e, { name }]) => [name, e]));
    found = play(
      project,
      cases.map(([, change]) => ({ ...GOOD, full: 0, ...change })),
    ).then((plays) => plays.map((p) => ({ play: p, expected: expected.get(p.scenario)! })));
    known.set(project, found);
  }
  return found;
};
