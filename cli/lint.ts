import { Command } from "commander";
import pc from "picocolors";
import type { Outcome } from "../fpga-projects/lint/finding.js";
import { lintProject, type Verdict } from "../fpga-projects/lint/lint.js";
import { readProject } from "../fpga-projects/lint/project.js";
import { EXIT } from "./failure.js";

/** Of one rule; more of the same help nobody. */
const SHOWN = 12;
const WIDTH = "not applicable".length;

const word = (outcome: Outcome): string => {
  switch (outcome.kind) {
    case "checked":
      return outcome.findings.length === 0
        ? pc.green("passed".padEnd(WIDTH))
        : pc.red(
            `${outcome.findings.length} ${outcome.findings.length === 1 ? "finding" : "findings"}`.padEnd(
              WIDTH,
            ),
          );
    case "notApplicable":
      return pc.dim("not applicable");
    case "notRun":
      return pc.yellow("not run".padEnd(WIDTH));
  }
};

const lines = ({ rule, outcome }: Verdict): string[] => {
  const why = outcome.kind === "checked" ? "" : pc.dim(`  (${outcome.why})`);
  const findings = outcome.kind === "checked" ? outcome.findings : [];
  return [
    `L${String(rule.number).padEnd(3)} ${word(outcome)} ${rule.title}${why}`,
    ...findings
      .slice(0, SHOWN)
      .flatMap(({ file, line, text, remedy }) => [
        `     ${pc.bold(line === undefined ? file : `${file}:${line}`)}: ${text}`,
        `       -> ${remedy}`,
      ]),
    ...(findings.length > SHOWN ? [`     ... and ${findings.length - SHOWN} more: --json has them all`] : []),
  ];
};

export const lintCommand = (): Command =>
  new Command("lint")
    .description(
      "Checks an exported project without the vendor's tools: scripts played in tclsh, files, registers, interfaces, constraints, build scripts with stand-ins. Lint only projects you trust: their build.sh is run.",
    )
    .argument("<folder>", "what gateloom export wrote")
    .option("--deep", "with the rules that take minutes")
    .option("--json", "print the verdicts as JSON")
    .action(async (folder: string, options: { deep?: boolean; json?: boolean }) => {
      const project = await readProject(folder);
      const verdicts = await lintProject(project, options.deep === true);
      const count = verdicts.reduce(
        (n, { outcome }) => n + (outcome.kind === "checked" ? outcome.findings.length : 0),
        0,
      );
      if (options.json)
        console.log(
          JSON.stringify(
            verdicts.map(({ rule: { number, title }, outcome }) => ({ rule: number, title, ...outcome })),
            null,
            2,
          ),
        );
      else {
        console.log(pc.bold(`${project.manifest.name} on ${project.board?.title ?? project.manifest.board}`));
        console.log(verdicts.flatMap(lines).join("\n"));
        console.log(count === 0 ? pc.green("no findings") : pc.red(`${count} findings`));
      }
      if (count > 0) process.exitCode = EXIT.different;
    });
