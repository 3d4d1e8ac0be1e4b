/** For tests of host programs: compilers and interpreters that a machine may lack. */
import { execa } from "execa";

/** The command; without it the test is skipped, and says so. */
export const commandOrSkip = async (test: Mocha.Context, command: "g++" | "python3"): Promise<string> => {
  const { failed } = await execa(command, ["--version"], { reject: false, stdin: "ignore" });
  if (!failed) return command;
  console.log(`      (skipped: there is no ${command} on this machine)`);
  return test.skip();
};
