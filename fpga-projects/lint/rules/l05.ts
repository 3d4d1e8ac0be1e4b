/** L5: nothing of the machine or the hour that a project was made on is in it, so that the same input gives the same bytes. */
import { homedir } from "node:os";
import path from "node:path";
import { checked, type Finding, type Rule } from "../finding.js";

/** Contents that are numbers of the model, not text. */
const BINARY = /\.(bin|bit|mem)$/;
/** The model's own words. */
const DATA = /tokenizer|vocab/;

const HOMES = /(?:^|[\s"'=({])((?:\/home|\/Users|\/root|\/tmp)\/[^\s"')}]*|[A-Za-z]:\\[^\s"']+)/;
const TIME =
  /\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +(?:\d+ +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b/;

export const l05: Rule = {
  number: 5,
  title: "no paths or times of this machine",
  check: (project) => {
    const own = [path.resolve(project.folder), homedir()].filter((p) => p.length > 3);
    const findings: Finding[] = [];
    for (const [file, content] of project.files) {
      if (BINARY.test(file) || DATA.test(file)) continue;
      for (const [i, line] of content.toString().split("\n").entries()) {
        const here = own.find((p) => line.includes(p)) ?? HOMES.exec(line)?.[1];
        const at = { rule: 5, file, line: i + 1 };
        if (here !== undefined)
          findings.push({
            ...at,
            text: `names a path of one machine: ${here}`,
            remedy: "make it from the project's own folder",
          });
        const time = TIME.exec(line)?.[0];
        if (time !== undefined)
          findings.push({
            ...at,
            text: `names a time: ${time}`,
            remedy: "leave it out: two exports would differ",
          });
      }
    }
    return checked(findings);
  },
};
