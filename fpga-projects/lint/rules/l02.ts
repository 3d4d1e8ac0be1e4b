/** L2: only commands, options and properties that Vivado has; in every branch that some scenario reaches. */
import { checked, notApplicable, notRun, type Rule } from "../finding.js";
import { goodPlays, NO_TCLSH } from "../play.js";
import { isOpen, NO_TCL } from "../project.js";
import { trials } from "../trials.js";

export const l02: Rule = {
  number: 2,
  title: "only known commands, options and properties",
  check: async (project) => {
    if (isOpen(project)) return notApplicable(NO_TCL);
    const plays = await goodPlays(project);
    if (plays === null) return notRun(NO_TCLSH);
    const tried = (await trials(project, plays)).map(({ play }) => play);
    const found = [...plays, ...tried].flatMap(({ script, problems }) =>
      problems
        .filter(({ rule }) => rule === 2)
        .map(({ file, line, text }) => ({
          rule: 2,
          file: file === "" ? script : file,
          line,
          text,
          remedy: "use the command as UG835 has it",
        })),
    );
    return checked([...new Map(found.map((f) => [`${f.file}:${f.line}:${f.text}`, f])).values()]);
  },
};
