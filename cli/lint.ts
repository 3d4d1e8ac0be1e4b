import { Command } from "commander";
import pc from "picocolors";
import type { Finding, Outcome } from "../fpga-projects/lint/finding.js";
import { lintProject, type Verdict } from "../fpga-projects/lint/lint.js";
import { readProject } from "../fpga-projects/lint/project.js";
import { EXIT } from "./failure.js";

/** Findings of one rule; more of the same help nobody. */
const SHOWN = 12;

const word = (outcome: Outcome): string => {
  switch (outcome.kind) {
    case "checked":
      return outcome.findings.length === 0
        ? pc.green("passed")
        : pc.red(`${outcome.findings.length} ${outcome.findings.length === 1 ? "finding" : "findings"}`);
    case "notApplicable":
      return pc.dim(`not applicable: ${outcome.why}`);
    case "notRun":
      return pc.yellow(`not run: ${outcome.why}`);
    case "notAsked":
      return pc.dim("not asked for: run with --deep");
  }
};

const row = ({ rule, outcome, seconds }: Verdict, width: number): string => {
  const took = outcome.kind === "checked" ? seconds.toFixed(1) : "";
  return `L${String(rule.number).padEnd(4)} ${rule.title.padEnd(width)} ${took.padStart(6)}  ${word(outcome)}`;
};

const findingsOf = ({ outcome }: Verdict): readonly Finding[] =>
  outcome.kind === "checked" ? outcome.findings : [];

const details = (verdict: Verdict): string[] => {
  const findings = findingsOf(verdict);
  return [
    ...findings
      .slice(0, SHOWN)
      .flatMap(({ rule, file, line, text, remedy }) => [
        `L${rule} ${pc.bold(line === undefined ? file : `${file}:${line}`)}: ${text}`,
        `  -> ${remedy}`,
      ]),
    ...(findings.length > SHOWN ? [`  ... and ${findings.length - SHOWN} more: --json has them all`] : []),
  ];
};

const table = (verdicts: readonly Verdict[]): string => {
  const width = Math.max(...verdicts.map(({ rule }) => rule.title.length));
  const found = verdicts.flatMap(details);
  return [
    pc.bold(`rule  ${"what it checks".padEnd(width)}      s  verdict`),
    ...verdicts.map((v) => row(v, width)),
    ...(found.length > 0 ? ["", ...found] : []),
  ].join("\n");
};

const plain = ({ rule: { number, title }, outcome, seconds }: Verdict): object => ({
  rule: number,
  title,
  seconds: Number(seconds.toFixed(2)),
  ...outcome,
});

export const lintCommand = (): Command =>
  new Command("lint")
    .description(
      "Checks an exported project without the vendor's tools: scripts played in tclsh, files, registers, interfaces, constraints, build scripts with stand-ins. Lint only projects you trust: their build.sh is run.",
    )
    .argument("<folder>", "what gateloom export wrote")
    .option("--deep", "with the rules that compile, simulate or synthesise: minutes")
    .option("--json", "print the verdicts as JSON")
    .action(async (folder: string, options: { deep?: boolean; json?: boolean }) => {
      const project = await readProject(folder);
      const verdicts = await lintProject(project, options.deep === true);
      const count = verdicts.reduce((n, verdict) => n + findingsOf(verdict).length, 0);
      if (options.json) console.log(JSON.stringify(verdicts.map(plain), null, 2));
      else {
        console.log(pc.bold(`${project.manifest.name} on ${project.board?.title ?? project.manifest.board}`));
        console.log(table(verdicts));
        console.log(
          count === 0 ? pc.green("no findings") : pc.red(`${count} ${count === 1 ? "finding" : "findings"}`),
        );
      }
      if (count > 0) process.exitCode = EXIT.different;
    });
