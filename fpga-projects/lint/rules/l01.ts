/** L1: scripts and constraints run to their end when nothing goes wrong. */
import { checked, notApplicable, notRun, type Rule } from "../finding.js";
import { goodPlays, NO_TCLSH } from "../play.js";
import { isOpen, NO_TCL } from "../project.js";

export const l01: Rule = {
  number: 1,
  title: "Tcl and XDC parse and run",
  check: async (project) => {
    if (isOpen(project)) return notApplicable(NO_TCL);
    const plays = await goodPlays(project);
    if (plays === null) return notRun(NO_TCLSH);
    return checked(
      plays
        // What a command or file is at fault for belongs to rules 2, 4 and 15.
        .filter((p) => p.failed && p.problems.length === 0)
        .map(({ script, text, line }) => ({
          rule: 1,
          file: script,
          ...(line > 0 ? { line } : {}),
          text: `ends with an error: ${text}`,
          remedy: "mend the script, or export the project anew",
        })),
    );
  },
};
