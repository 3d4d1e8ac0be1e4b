/** A model that the micro machine cannot run: every reason, and what to change. */
export class MicroError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.length === 1 ? problems[0]! : problems.map((p) => `- ${p}`).join("\n"));
    this.name = "MicroError";
  }
}
