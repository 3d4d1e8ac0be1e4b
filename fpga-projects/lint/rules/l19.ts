/** L19: build.sh and Makefile fail when a tool fails or writes nothing, though an older product lies there; build.bat by its text. */
import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { checked, type Finding, notRun, type Rule } from "../finding.js";
import { isOpen, type Project, textOf } from "../project.js";

/** What stand-ins are for: they note their call, and write what the scripts look for, fail, or do nothing. */
const VENDORS = ["vivado", "v++"];
const OPEN = ["yosys", "nextpnr-ice40", "nextpnr-ecp5", "icepack", "ecppack"];
const toolsOf = (project: Project): readonly string[] => (isOpen(project) ? OPEN : VENDORS);
type Behaviour = "writes" | "fails" | "does nothing";

const LONG_AGO = new Date("2001-01-01T00:00:00Z");

/** The files that a step must leave, by the words of its call. */
const standIn = (behaviour: Behaviour, products: readonly string[]): string =>
  [
    "#!/usr/bin/env bash",
    'cd "$(dirname "$0")/../project"',
    'echo "$(basename "$0") $*" >> calls.txt',
    ...(behaviour === "writes"
      ? products.map((p) => `mkdir -p "$(dirname "${p}")"; echo made > "${p}"`)
      : []),
    `exit ${behaviour === "fails" ? 1 : 0}`,
    "",
  ].join("\n");

/** What build.sh says it makes. */
const productsOf = (script: string): string[] =>
  [...(/^for file in(.*); do$/m.exec(script)?.[1]?.matchAll(/"([^"]+)"|(\S+)/g) ?? [])].map(
    ([, quoted, plain]) => (quoted ?? plain)!,
  );

interface Ran {
  readonly failed: boolean;
  readonly output: string;
  readonly calls: string;
}

/** One run in a folder of its own, with the vendor's tools replaced. */
const run = async (
  project: Project,
  command: readonly [string, ...string[]],
  products: readonly string[],
  behaviour: (tool: string) => Behaviour,
  stale: boolean,
): Promise<Ran> => {
  const folder = await mkdtemp(path.join(tmpdir(), "gateloom lint-"));
  try {
    const tools = path.join(folder, "tools");
    const work = path.join(folder, "project");
    for (const dir of [tools, work, path.join(work, "rtl")]) await mkdir(dir);
    for (const name of toolsOf(project)) {
      const file = path.join(tools, name);
      await writeFile(file, standIn(behaviour(name), products));
      await chmod(file, 0o755);
    }
    for (const name of ["build.sh", "Makefile"]) {
      const content = project.files.get(name);
      if (content !== undefined) await writeFile(path.join(work, name), content);
    }
    for (const product of stale ? products : []) {
      const file = path.join(work, product);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, "old\n");
      // Older than the project, so that make has work to do.
      await utimes(file, LONG_AGO, LONG_AGO);
    }
    const [file, ...args] = command;
    const result = await execa(file, args, {
      cwd: work,
      all: true,
      reject: false,
      stdin: "ignore",
      timeout: 20_000,
      extendEnv: false,
      env: { PATH: `${tools}:/usr/local/bin:/usr/bin:/bin` },
    });
    const calls = await execa("cat", ["calls.txt"], { cwd: work, reject: false });
    return { failed: result.failed, output: result.all ?? "", calls: calls.stdout };
  } finally {
    await rm(folder, { recursive: true });
  }
};

const trial = async (
  project: Project,
  file: string,
  command: readonly [string, ...string[]],
): Promise<Finding[]> => {
  const script = textOf(project, "build.sh")!;
  const products = productsOf(script);
  const findings: Finding[] = [];
  const say = (text: string, remedy: string): void => {
    findings.push({ rule: 19, file, text, remedy });
  };
  const all = (behaviour: Behaviour) => () => behaviour;
  const good = await run(project, command, products, all("writes"), false);
  if (good.failed)
    say(`fails though every tool does its work: ${good.output.split("\n").at(-1)}`, "mend the script");
  const used = toolsOf(project).filter((name) => good.calls.includes(`${name} `));
  if (used.length === 0) say(`calls none of ${toolsOf(project).join(", ")}`, "mend the script");
  for (const name of used)
    for (const behaviour of ["fails", "does nothing"] as const)
      for (const stale of [false, true]) {
        // A tool before this one that does its work writes everything here, so only the last may do nothing.
        if (behaviour === "does nothing" && name !== used.at(-1)) continue;
        const others =
          behaviour === "does nothing"
            ? all("does nothing")
            : (tool: string): Behaviour => (tool === name ? "fails" : "writes");
        const { failed } = await run(project, command, products, others, stale);
        if (!failed)
          say(
            `ends well though ${name} ${behaviour === "fails" ? "fails" : "writes nothing"}${stale ? " and an older product lies there" : ""}`,
            "stop at the first failure; remove old products first; look for new ones",
          );
      }
  return findings;
};

/** cmd.exe is not here; what makes it stop is looked for. */
const batch = (project: Project): Finding[] => {
  const file = "build.bat";
  const text = textOf(project, file);
  if (text === undefined) return [{ rule: 19, file, text: "is missing", remedy: "export the project anew" }];
  const findings: Finding[] = [];
  const say = (line: number, message: string, remedy: string): void => {
    findings.push({ rule: 19, file, line, text: message, remedy });
  };
  const lines = text.split("\n");
  if (lines.slice(0, -1).some((l) => !l.endsWith("\r")))
    say(1, "lines do not end with CR LF", "cmd.exe needs both");
  const plain = lines.map((l) => l.trimEnd());
  if (!plain.includes('cd /d "%~dp0"')) say(1, "does not go to its own folder", 'cd /d "%~dp0"');
  for (const [i, line] of plain.entries()) {
    if (/^(vivado|v\+\+)\b/.test(line))
      say(i + 1, "without call, cmd.exe does not come back", `call ${line}`);
    if (/^call /.test(line) && plain[i + 1] !== "if errorlevel 1 exit /b 1")
      say(i + 1, "nobody looks at its exit code", "if errorlevel 1 exit /b 1");
  }
  for (const product of productsOf(textOf(project, "build.sh") ?? "")) {
    if (!plain.some((l) => l.includes(`"${product}"`) && l.includes(" del ")))
      say(1, `leaves an older ${product} lying`, "delete it first");
    if (!plain.some((l) => l.startsWith("for %%f in") && l.includes(`"${product}"`)))
      say(1, `does not look for ${product}`, "if not exist ... exit /b 1");
  }
  return findings;
};

export const l19: Rule = {
  number: 19,
  title: "build scripts fail when a tool does",
  check: async (project) => {
    const texts = isOpen(project) ? [] : batch(project);
    if (!project.files.has("build.sh"))
      return checked([
        ...texts,
        { rule: 19, file: "build.sh", text: "is missing", remedy: "export the project anew" },
      ]);
    if (process.platform === "win32")
      return texts.length > 0 ? checked(texts) : notRun("needs bash and make");
    const make = await execa("make", ["--version"], { reject: false });
    return checked([
      ...texts,
      ...(await trial(project, "build.sh", ["bash", "build.sh"])),
      ...(make.failed || isOpen(project) ? [] : await trial(project, "Makefile", ["make"])),
    ]);
  },
};
