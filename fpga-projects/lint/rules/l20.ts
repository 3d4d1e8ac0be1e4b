/**
 * L20: a check cannot pass on a changed bit. One bit of every file is flipped, and the manifest must say so; the host's
 * description must say so of what it loads into the board. With --deep the exported Verilog runs the exported program on the
 * exported image in Icarus; with other weights, and with other constants in a module, it must compute something else. (That the
 * unchanged one computes what golden does is a test of ours, lint.test.ts: golden needs the model.)
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { checked, type Finding, notRun, type Rule } from "../finding.js";
import { NO_ICARUS, type Seen } from "../bench.js";
import { CYCLES, execute } from "../execution.js";
import { type Flip, constantFlips, weightFlip } from "../flips.js";
import { packageOf } from "../packaged.js";
import { NO_TCLSH } from "../play.js";
import type { Project } from "../project.js";
import { noTop, topOf } from "../verilog.js";
import { againstManifest } from "./l04.js";

const flipped = (content: Buffer): Buffer => {
  const copy = Buffer.from(content);
  const at = Math.floor(copy.length / 2);
  copy[at] = copy[at]! ^ 1;
  return copy;
};
const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

const loaded = z.object({ file: z.string(), bytes: z.number(), sha256: z.string() });
const hostSchema = z.object({ image: loaded, program: loaded });

/** What the host loads is what its description says. */
const described = (project: Project): Finding[] => {
  const host = project.files.get("host/model.json");
  if (host === undefined || !project.files.has("host/image.bin")) return [];
  const file = "host/model.json";
  const parsed = hostSchema.safeParse(JSON.parse(host.toString()));
  if (!parsed.success)
    return [
      { rule: 20, file, text: "does not say what image and program are", remedy: "export the project anew" },
    ];
  return Object.values(parsed.data).flatMap((d): Finding[] => {
    const content = project.files.get(`host/${d.file}`);
    const same = content !== undefined && content.length === d.bytes && sha256(content) === d.sha256;
    return same
      ? []
      : [
          {
            rule: 20,
            file: `host/${d.file}`,
            text: "is not the file that host/model.json describes",
            remedy: "export the project anew",
          },
        ];
  });
};

/** A flip may hit what this run does not use; that many in a row do not. */
const TRIES = 2;

/** Tokens and cache of a run as one text. */
const result = ({ reads, written }: Seen): string => JSON.stringify([reads, written]);

const computed = async (project: Project): Promise<Finding[] | { readonly notRun: string }> => {
  const packaged = await packageOf(project);
  if (packaged === null) return { notRun: NO_TCLSH };
  // Without registers there is no program to load: the memory contents are files of the manifest.
  if (packaged === undefined) return [];
  const top = topOf(project);
  if (top === undefined) return [noTop(20, project)];
  const whole = await execute(project, top, packaged);
  if (whole.kind === "noTool") return { notRun: NO_ICARUS };
  const say = (file: string, text: string): Finding => ({
    rule: 20,
    file,
    text,
    remedy: "see rules 10, 13 and 16: the hardware does not use what it is given",
  });
  if (whole.kind === "noProgram") return [say("host", `cannot be run: ${whole.why}`)];
  if (whole.seen.written.length === 0)
    return [say(top.file, `a run writes no cache in ${CYCLES} cycles: nothing to compare`)];
  const noticed = async (flip: Flip): Promise<boolean> => {
    const run = await execute(flip.of, top, packaged);
    return run.kind === "ran" && result(run.seen) !== result(whole.seen);
  };
  const weights = weightFlip(project, whole.seen, whole.layout);
  if (weights === undefined) return [say("host/image.bin", "a run reads none of it")];
  if (!(await noticed(weights)))
    return [say("host/image.bin", "weights that are read may be inverted without any effect")];
  const constants = constantFlips(project).slice(0, TRIES);
  for (const flip of constants) if (await noticed(flip)) return [];
  return constants.map(({ file }) => say(file, "the constants in its cases may change without any effect"));
};

export const l20: Rule = {
  number: 20,
  title: "changed bits are found: in files; in what is computed",
  check: async (project, deep) => {
    const findings: Finding[] = described(project);
    for (const [file, content] of project.files) {
      if (file === "manifest.json" || content.length === 0) continue;
      const mutant: Project = { ...project, files: new Map([...project.files, [file, flipped(content)]]) };
      const noticed = file in project.manifest.files && againstManifest(mutant, [file]).length > 0;
      if (!noticed)
        findings.push({
          rule: 20,
          file,
          text: "one bit of it can change unnoticed",
          remedy: "list it in manifest.json with its sha256",
        });
    }
    if (findings.length > 0 || !deep) return checked(findings);
    const found = await computed(project);
    return "notRun" in found ? notRun(`${found.notRun}; the files agree`) : checked(found);
  },
};
