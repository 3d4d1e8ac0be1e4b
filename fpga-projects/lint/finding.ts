/** What a rule is and says. Rule numbers are those of the list in README.md. */
import type { Project } from "./project.js";

export interface Finding {
  readonly rule: number;
  readonly file: string;
  readonly line?: number;
  readonly text: string;
  /** What to do about it. */
  readonly remedy: string;
}
export type Outcome =
  | { readonly kind: "checked"; readonly findings: readonly Finding[] }
  /** This kind of project has nothing that the rule is about. */
  | { readonly kind: "notApplicable"; readonly why: string }
  /** A tool is missing. */
  | { readonly kind: "notRun"; readonly why: string }
  /** It compiles, simulates or synthesises, for which --deep is. What could be seen without is as it should be. */
  | { readonly kind: "notAsked" };

export interface Rule {
  readonly number: number;
  readonly title: string;
  /** `deep`: with the part of the rule that compiles, simulates or synthesises, where it has one. */
  check(project: Project, deep: boolean): Outcome | Promise<Outcome>;
}

export const checked = (findings: readonly Finding[]): Outcome => ({ kind: "checked", findings });
export const notApplicable = (why: string): Outcome => ({ kind: "notApplicable", why });
export const notRun = (why: string): Outcome => ({ kind: "notRun", why });
export const NOT_ASKED: Outcome = { kind: "notAsked" };
