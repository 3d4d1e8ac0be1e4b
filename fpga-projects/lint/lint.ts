/** All rules over a project, in order. */
import type { Outcome, Rule } from "./finding.js";
import type { Project } from "./project.js";
import { l01 } from "./rules/l01.js";
import { l02 } from "./rules/l02.js";
import { l03 } from "./rules/l03.js";
import { l04 } from "./rules/l04.js";
import { l05 } from "./rules/l05.js";
import { l06 } from "./rules/l06.js";
import { l07 } from "./rules/l07.js";
import { l08 } from "./rules/l08.js";
import { l09 } from "./rules/l09.js";
import { l10 } from "./rules/l10.js";
import { l11 } from "./rules/l11.js";
import { l12 } from "./rules/l12.js";
import { l13 } from "./rules/l13.js";
import { l14 } from "./rules/l14.js";
import { l15 } from "./rules/l15.js";
import { l16 } from "./rules/l16.js";
import { l17 } from "./rules/l17.js";
import { l18 } from "./rules/l18.js";
import { l19 } from "./rules/l19.js";
import { l20 } from "./rules/l20.js";

export const RULES: readonly Rule[] = [
  l01,
  l02,
  l03,
  l04,
  l05,
  l06,
  l07,
  l08,
  l09,
  l10,
  l11,
  l12,
  l13,
  l14,
  l15,
  l16,
  l17,
  l18,
  l19,
  l20,
];

export interface Verdict {
  readonly rule: Rule;
  readonly outcome: Outcome;
  /** What the rule took. Rules share plays and simulations: the first that needs one pays. */
  readonly seconds: number;
}

/** `deep`: with what takes minutes. */
export const lintProject = async (project: Project, deep: boolean): Promise<Verdict[]> => {
  const verdicts: Verdict[] = [];
  for (const rule of RULES) {
    const started = performance.now();
    const outcome = await rule.check(project, deep);
    verdicts.push({ rule, outcome, seconds: (performance.now() - started) / 1000 });
  }
  return verdicts;
};
