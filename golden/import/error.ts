/** A file the user gave is not what it should be. The message says what, where, and what to do about it. */
export class InputError extends Error {
  override readonly name = "InputError";

  constructor(
    /** What is wrong, a sentence without a full stop. */
    readonly what: string,
    /** File, and where known the tensor and the byte offset in the file. */
    readonly where: { readonly file: string; readonly tensor?: string; readonly offset?: number },
    /** What the user can do, a sentence without a full stop. */
    readonly remedy: string,
  ) {
    const tensor = where.tensor === undefined ? "" : `, tensor "${where.tensor}"`;
    const offset = where.offset === undefined ? "" : `, byte ${where.offset}`;
    super(`${where.file}${tensor}${offset}: ${what}. ${remedy}.`);
  }
}
