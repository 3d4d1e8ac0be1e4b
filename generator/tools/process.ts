import { execa } from "execa";

/** An external tool failed on text that we generated; message has the tool's own first errors. */
export class ToolFailure extends Error {
  override name = "ToolFailure";
  constructor(
    readonly command: string,
    readonly output: string,
  ) {
    super(
      `${command} failed:\n${output
        .split("\n")
        .filter((l) => l.trim() !== "")
        .slice(0, 20)
        .join("\n")}`,
    );
  }
}

/** Runs a tool to its end and returns stdout and stderr together; throws ToolFailure on a non-zero exit. */
export const runTool = async (
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<string> => {
  const result = await execa(command, args, {
    cwd: options.cwd,
    env: options.env ?? {},
    all: true,
    reject: false,
    stdin: "ignore",
  });
  if (result.failed)
    throw new ToolFailure(`${command} ${args.join(" ").slice(0, 200)}`, result.all ?? result.message ?? "");
  return result.all ?? "";
};
