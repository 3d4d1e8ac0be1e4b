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
  /** A tool is missing, or the rule is a long one that was not asked for. */
  | { readonly kind: "notRun"; readonly why: string };

export interface Rule {
  readonly number: number;
  readonly title: string;
  /** Takes minutes: runs with --deep only. */
  readonly deep?: true;
  check(project: Project): Outcome | Promise<Outcome>;
}

export const checked = (findings: readonly Finding[]): Outcome => ({ kind: "checked", findings });
export const notApplicable = (why: string): Outcome => ({ kind: "notApplicable", why });
export const notRun = (why: string): Outcome => ({ kind: "notRun", why });
