/** L4: every file that is named exists, lies in the folder and is what was exported; none is there that nothing uses. */
import { createHash } from "node:crypto";
import { checked, type Finding, notRun, type Rule } from "../finding.js";
import { entriesOf, goodPlays, NO_TCLSH, type Play } from "../play.js";
import { isOpen, type Project, textOf } from "../project.js";

const MANIFEST = "manifest.json";
const AGAIN = "export the project anew";

/** What differs between manifest and folder; of some files only where they are given. */
export const againstManifest = ({ manifest, files }: Project, only?: readonly string[]): Finding[] => [
  ...Object.entries(manifest.files).flatMap(([file, sha256]): Finding[] => {
    if (only !== undefined && !only.includes(file)) return [];
    const content = files.get(file);
    if (content === undefined)
      return [{ rule: 4, file, text: "is in the manifest and not in the folder", remedy: AGAIN }];
    const found = createHash("sha256").update(content).digest("hex");
    if (found === sha256) return [];
    return [
      { rule: 4, file, text: `is not what was exported: sha256 ${found.slice(0, 16)}...`, remedy: AGAIN },
    ];
  }),
  ...[...files.keys()]
    .filter((file) => file !== MANIFEST && !(file in manifest.files) && (only?.includes(file) ?? true))
    .map((file) => ({
      rule: 4,
      file,
      text: "is in the folder and not in the manifest",
      remedy: "take it out, or keep own files elsewhere",
    })),
];

const USED_BY_SCRIPTS = /^(rtl|scripts|xdc)\//;

const used = (project: Project, plays: readonly Play[]): Finding[] => {
  const taken = new Set([...plays.flatMap((p) => p.files.map(({ path }) => path)), ...entriesOf(project)]);
  return [...project.files.keys()]
    .filter((file) => USED_BY_SCRIPTS.test(file) && !taken.has(file))
    .map((file) => ({
      rule: 4,
      file,
      text: "no script uses it",
      remedy: "name it in scripts/common.tcl or leave it out",
    }));
};

/** Open projects: build.sh names its sources and constraints itself. */
const byShell = (project: Project): Finding[] => {
  const file = "build.sh";
  const words = new Set((textOf(project, file) ?? "").split(/[\s";]+/));
  const named = (f: string): boolean => words.has(f) || words.has(f.replace(/^rtl\//, ""));
  const sources = [...project.files.keys()].filter((f) => /^rtl\/.*\.v$|^[^/]+\.(pcf|lpf)$/.test(f));
  return [
    ...sources
      .filter((f) => !named(f))
      .map((f) => ({
        rule: 4,
        file: f,
        text: "no script uses it",
        remedy: "name it in build.sh or leave it out",
      })),
    ...[...words]
      .filter((w) => /\.(v|pcf|lpf)$/.test(w) && !project.files.has(w) && !project.files.has(`rtl/${w}`))
      .map((w) => ({ rule: 4, file, text: `file ${w} does not exist`, remedy: AGAIN })),
  ];
};

const missing = (plays: readonly Play[]): Finding[] =>
  plays.flatMap(({ problems }) =>
    problems
      .filter(({ rule }) => rule === 4)
      .map(({ file, line, text }) => ({ rule: 4, file, line, text, remedy: AGAIN })),
  );

const outside = (plays: readonly Play[]): Finding[] =>
  plays.flatMap(({ files }) =>
    files
      .filter(({ path }) => path.startsWith("/") || /^[A-Za-z]:/.test(path))
      .map(({ path, file, line }) => ({
        rule: 4,
        file,
        line,
        text: `takes ${path}, which is not in the project`,
        remedy: "copy it into the project and name it from the script's own folder",
      })),
  );

export const l04: Rule = {
  number: 4,
  title: "files exist, are relative, and are those of the manifest",
  check: async (project) => {
    const listed = againstManifest(project);
    if (isOpen(project)) return checked([...listed, ...byShell(project)]);
    const plays = await goodPlays(project);
    if (plays === null)
      return listed.length > 0 ? checked(listed) : notRun(`${NO_TCLSH}; the manifest agrees`);
    return checked([...listed, ...used(project, plays), ...missing(plays), ...outside(plays)]);
  },
};
