/** L3: whatever goes wrong, the script ends with an error; what is only worth a warning, it says and goes on. */
import { checked, type Finding, notApplicable, notRun, type Rule } from "../finding.js";
import { goodPlays, NO_TCLSH } from "../play.js";
import { isOpen, NO_TCL } from "../project.js";
import { type Trial, trials } from "../trials.js";

const judge = ({ play, expected }: Trial): Finding[] => {
  const finding = (text: string, remedy: string): Finding[] => [
    { rule: 3, file: play.script, text: `${play.scenario.slice(play.script.length + 2)}: ${text}`, remedy },
  ];
  switch (expected) {
    case "fails":
      return play.failed
        ? []
        : finding("the script ends as if all were well", "check the result and call `error`");
    case "warns":
      if (play.failed) return finding(`the script stops: ${play.text}`, "print a warning and go on");
      return play.printed.some((line) => line.startsWith("WARNING"))
        ? []
        : finding("the script says nothing", "print a line that begins with WARNING");
  }
};

export const l03: Rule = {
  number: 3,
  title: "scripts fail when something fails",
  check: async (project) => {
    if (isOpen(project)) return notApplicable(NO_TCL);
    const plays = await goodPlays(project);
    return plays === null ? notRun(NO_TCLSH) : checked((await trials(project, plays)).flatMap(judge));
  },
};
