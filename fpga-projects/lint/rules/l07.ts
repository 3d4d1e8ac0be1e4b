/** L7: part and board part are those of the board table, in the manifest and in every script. */
import type { Board } from "../../boards/index.js";
import { checked, type Finding, notRun, type Rule } from "../finding.js";
import { type Command, goodPlays, NO_TCLSH } from "../play.js";
import { isOpen, type Manifest } from "../project.js";

const value = (words: readonly string[], option: string): string | undefined =>
  words[words.indexOf(option) + 1];

const partOf = ({ name, words }: Command): string | undefined => {
  switch (name) {
    case "create_project":
    case "synth_design":
      return words.includes("-part") ? value(words, "-part") : undefined;
    case "set_part":
      return words[0];
    default:
      return undefined;
  }
};

const manifestSays = ({ part, boardPart }: Manifest, board: Board): Finding[] => {
  const say = (what: string, has: string | null, wanted: string | null): Finding[] =>
    has === wanted
      ? []
      : [
          {
            rule: 7,
            file: "manifest.json",
            text: `${what} ${has} is not ${board.title}'s, which is ${wanted}`,
            remedy: "export the project anew",
          },
        ];
  return [
    ...say("part", part, board.device.part),
    ...say("board part", boardPart, board.boardPart?.value ?? null),
  ];
};

/** A vendor's base design makes its own project; the script compares its part. */
const takesBase = (c: Command): boolean =>
  c.name === "source" && c.words.some((w) => w.startsWith("board_files/"));

export const l07: Rule = {
  number: 7,
  title: "part and board part are the board's",
  check: async (project) => {
    const { board, manifest } = project;
    if (board === undefined)
      return checked([
        {
          rule: 7,
          file: "manifest.json",
          text: `board ${manifest.board} is in no table`,
          remedy: "see gateloom boards; a new board is one file in fpga-projects/boards",
        },
      ]);
    const findings = manifestSays(manifest, board);
    if (isOpen(project)) return checked(findings);
    const plays = await goodPlays(project);
    if (plays === null)
      return findings.length > 0 ? checked(findings) : notRun(`${NO_TCLSH}; the manifest agrees`);
    const told = (c: Command, what: string, has: string, wanted: string): void => {
      if (has !== wanted)
        findings.push({
          rule: 7,
          file: c.file,
          line: c.line,
          text: `${what} ${has} is not ${board.title}'s, which is ${wanted}`,
          remedy: `use ${wanted}`,
        });
    };
    for (const { commands } of plays)
      for (const c of commands) {
        const part = partOf(c);
        if (part !== undefined) told(c, "part", part, board.device.part);
        if (c.name === "set_property" && c.words[0] === "board_part")
          told(c, "board part", c.words[1]!, board.boardPart?.value ?? "none");
      }
    for (const { script, mode, commands } of plays)
      if (mode === "tcl" && !commands.some((c) => partOf(c) !== undefined || takesBase(c)))
        findings.push({
          rule: 7,
          file: script,
          text: "names no part: Vivado would take its default",
          remedy: `use -part ${board.device.part}`,
        });
    return checked(findings);
  },
};
