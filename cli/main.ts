import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { boardsCommand } from "./boards.js";
import { buildCommand } from "./build.js";
import { chatCommand } from "./chat.js";
import { doctorCommand } from "./doctor.js";
import { enginesCommand } from "./engines.js";
import { estimateCommand } from "./estimate.js";
import { evalCommand } from "./eval.js";
import { EXIT, explain } from "./failure.js";
import { exportCommand } from "./export.js";
import { generateCommand } from "./generate.js";
import { inspectCommand } from "./inspect.js";
import { lintCommand } from "./lint.js";
import { discardPending } from "./output.js";
import { packageFile } from "./package.js";
import { quantiseCommand } from "./quantise.js";
import { simulateCommand } from "./simulate.js";

const version: string = JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version;

const program = new Command("gateloom")
  .description(
    "Quantised-LLM datapaths from TypeScript to Verilog, proven bit for bit.\nA model file goes in; Verilog that provably computes it comes out.",
  )
  .version(version)
  .showHelpAfterError("(gateloom --help shows the commands; gateloom <command> --help its options)")
  .exitOverride();
program.addCommand(generateCommand());
program.addCommand(simulateCommand());
program.addCommand(inspectCommand());
program.addCommand(quantiseCommand());
program.addCommand(evalCommand());
program.addCommand(chatCommand());
program.addCommand(enginesCommand());
program.addCommand(boardsCommand());
program.addCommand(buildCommand());
program.addCommand(estimateCommand());
program.addCommand(exportCommand());
program.addCommand(lintCommand());
program.addCommand(doctorCommand());
for (const command of program.commands)
  command.exitOverride().showHelpAfterError(`(gateloom ${command.name()} --help shows the options)`);

process.on("SIGINT", () => {
  discardPending().finally(() => {
    process.stderr.write("\ninterrupted; nothing half-written was left\n");
    process.exit(EXIT.interrupted);
  });
});
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? EXIT.good : EXIT.input),
);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.input;
  } else {
    const { code, text } = explain(error);
    process.stderr.write(`gateloom: ${text}\n`);
    process.exitCode = code;
  }
}
