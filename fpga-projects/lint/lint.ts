/** All rules over a project, in order. */
import type { Outcome, Rule } from "./finding.js";
import { notRun } from "./finding.js";
import type { Project } from "./project.js";
import { l01 } from "./rules/l01.js";
import { l02 } from "./rules/l02.js";
import { l03 } from "./rules/l03.js";
import { l04 } from "./rules/l04.js";
import { l05 } from "./rules/l05.js";
import { l06 } from "./rules/l06.js";
import { l07 } from "./rules/l07.js";

export const RULES: readonly Rule[] = [l01, l02, l03, l04, l05, l06, l07];

export interface Verdict {
  readonly rule: Rule;
  readonly outcome: Outcome;
}

/** `deep`: with the rules that take minutes. */
export const lintProject = async (project: Project, deep: boolean): Promise<Verdict[]> => {
  const verdicts: Verdict[] = [];
  for (const rule of RULES)
    verdicts.push({
      rule,
      outcome: rule.deep && !deep ? notRun("takes minutes; run with --deep") : await rule.check(project),
    });
  return verdicts;
};
