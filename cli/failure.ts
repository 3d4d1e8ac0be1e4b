/** How a run ends: exit codes and the one message a person sees. */

export const EXIT = { good: 0, different: 1, input: 2, bug: 70, interrupted: 130 } as const;

/** The user gave something that cannot work; the message says what, where and what to do. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A comparison with the golden model failed; the message names tensor, element and cycle. */
export class ComparisonError extends Error {
  override name = "ComparisonError";
}

/** Errors whose text was written for the user, by class name: rooms below the command line define their own. */
const FOR_THE_USER = new Set([
  "UsageError",
  "InputError",
  "HdlError",
  "ConfigError",
  "CompileError",
  "MicroError",
  "MissingToolError",
  "ToolError",
]);

const SYSTEM: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "no such file or folder",
  EISDIR: "this is a folder, a file was expected",
  ENOTDIR: "this is a file, a folder was expected",
};

/** What a system error says in a few words; undefined for codes that nobody should meet. */
export const systemReason = (error: unknown): string | undefined => {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? undefined : SYSTEM[code];
};

/** Exit code and text of anything thrown. */
export const explain = (error: unknown): { code: number; text: string } => {
  if (!(error instanceof Error)) return { code: EXIT.bug, text: `internal error: ${String(error)}` };
  if (error.name === "ComparisonError") return { code: EXIT.different, text: error.message };
  if (FOR_THE_USER.has(error.name)) return { code: EXIT.input, text: error.message };
  const known = systemReason(error);
  if (known !== undefined)
    return {
      code: EXIT.input,
      text: `${(error as NodeJS.ErrnoException).path ?? "output"}: ${known}`,
    };
  const detail = process.env.GATELOOM_DEBUG ? error.stack : `${error.name}: ${error.message}`;
  return {
    code: EXIT.bug,
    text: `internal error, a bug of ours: ${detail}\n  Please report it with the command line; GATELOOM_DEBUG=1 shows where it happened.`,
  };
};
