/** L10: the register map is the same in package, C header, Python module, document, and in what the Verilog itself answers. */
import { drive, NO_ICARUS, type Operation } from "../bench.js";
import { checked, type Finding, notApplicable, notRun, type Rule } from "../finding.js";
import {
  capitals,
  HEADER,
  masksOf,
  ownName,
  type Told,
  toldByHosts,
  toldByPackage,
  windowsOf,
} from "../maps.js";
import { type Package, packageOf, SCRIPT } from "../packaged.js";
import { NO_TCLSH } from "../play.js";
import type { Project } from "../project.js";
import { noTop, type Top, topOf } from "../verilog.js";

const hex = (n: number): string => `0x${n.toString(16)}`;
const AGAIN = "all come from one description: export the project anew";

/** Texts against the package. */
const texts = (packaged: Told, told: Told): Finding[] => {
  const findings: Finding[] = [];
  const say = (text: string): void => {
    findings.push({ rule: 10, file: told.file, text, remedy: AGAIN });
  };
  const named = told.file === HEADER ? capitals : (name: string) => name;
  const expected = new Set<string>();
  for (const [name, { offset, width }] of packaged.registers) {
    expected.add(named(name));
    const has = told.registers.get(named(name));
    if (has === undefined) say(`register ${name} is missing`);
    else if (has.offset !== offset || has.width !== width)
      say(
        `register ${name}: ${hex(has.offset)}, ${has.width} bits; ${SCRIPT} has ${hex(offset)}, ${width} bits`,
      );
  }
  for (const name of told.registers.keys())
    if (!expected.has(name)) say(`register ${name} is not in ${SCRIPT}`);
  return findings;
};

/** Of the header, the Python module and the document: all say the same of every field and every constant. */
const values = (
  what: "field" | "constant",
  all: readonly Told[],
  of: (told: Told) => ReadonlyMap<string, number>,
): Finding[] => {
  const [first, ...rest] = all.map((told) => ({
    file: told.file,
    has: new Map([...of(told)].map(([name, value]) => [capitals(name), value])),
  }));
  return rest.flatMap(({ file, has }) => {
    const say = (text: string): Finding => ({ rule: 10, file, text, remedy: AGAIN });
    return [
      ...[...first!.has]
        .filter(([name, value]) => has.get(name) !== value)
        .map(([name, value]) => {
          const own = has.get(name);
          return say(
            `${what} ${name} is ${own === undefined ? "missing" : hex(own)}; ${first!.file} has ${hex(value)}`,
          );
        }),
      ...[...has.keys()]
        .filter((name) => !first!.has.has(name))
        .map((name) => say(`${what} ${name} is not in ${first!.file}`)),
    ];
  });
};

/** A pattern for each word, so that two words in one place show. */
const pattern = (offset: number): number => ((offset + 1) * 0x9e3779b1) >>> 0;
const IDLE = 4;

interface Expected {
  readonly what: string;
  readonly offset: number;
  readonly value: number;
}

/** What the host does, and what every read has to give. */
const plan = (
  project: Project,
  { registers }: Package,
  values: ReadonlyMap<string, number>,
): { readonly operations: Operation[]; readonly expected: Expected[] } => {
  const operations: Operation[] = [];
  const expected: Expected[] = [];
  const read = (what: string, offset: number, value: number): void => {
    operations.push({ kind: "read", offset });
    expected.push({ what, offset, value });
  };
  const write = (offset: number, value: number): void => {
    operations.push({ kind: "write", offset, value });
  };
  const words = registers.flatMap((r) =>
    Array.from({ length: r.size / 32 }, (_, i) => ({ ...r, offset: r.offset + 4 * i, high: i === 1 })),
  );
  const constant = new Map(
    registers.flatMap((r) => {
      const value = values.get(capitals(ownName(r.name)));
      return value === undefined ? [] : [[r.offset, value] as const];
    }),
  );
  // After reset: nothing is set, nothing runs.
  for (const { name, offset } of words)
    read(`${name} after reset`, offset, constant.get(offset) ?? (name === "CTRL" ? IDLE : 0));
  // What the host sets stays, each in a place of its own; what it cannot set does not change.
  const masks = masksOf(project);
  const free = words.filter((w) => w.access === "read-write" && !masks.has(ownName(w.name)));
  const fixed = words.filter((w) => w.access === "read-only");
  for (const { offset } of free) write(offset, pattern(offset));
  for (const { offset } of fixed) write(offset, 0xffffffff);
  for (const { name, offset } of free) read(`${name} after it was written`, offset, pattern(offset));
  for (const { name, offset } of fixed) read(`${name}, which only reads`, offset, constant.get(offset) ?? 0);
  for (const name of ["gie", "ier"]) {
    const offset = registers.find((r) => ownName(r.name) === name)!.offset;
    write(offset, 0xffffffff);
    read(`${name} with every bit set`, offset, masks.get(name) ?? 0);
    write(offset, 0);
  }
  // Nothing that is not described answers.
  const described = new Set(words.map(({ offset }) => offset));
  const behind = Math.max(...described) + 64;
  for (let offset = 0; offset < behind; offset += 4)
    if (!described.has(offset)) read("a word that nothing describes", offset, 0);
  for (const w of windowsOf(project).filter(({ wordBytes }) => wordBytes === 4)) {
    const ends = [w.offset, w.offset + 4 * (w.words - 1)];
    for (const offset of ends) write(offset, pattern(offset) % 64);
    for (const offset of ends) read(`window ${w.name}`, offset, pattern(offset) % 64);
  }
  return { operations, expected };
};

const rtl = async (
  project: Project,
  top: Top,
  packaged: Package,
  values: ReadonlyMap<string, number>,
): Promise<Finding[] | null> => {
  const { operations, expected } = plan(project, packaged, values);
  const seen = await drive(project, top, operations, null);
  if (seen === null) return null;
  const say = (text: string): Finding => ({ rule: 10, file: top.file, text, remedy: AGAIN });
  if (seen.reads.length === 0) return seen.faults.map(say);
  const shown = (n: number | null | undefined): string =>
    n === null || n === undefined ? "unknown" : hex(n);
  return [
    ...seen.faults.map(say),
    ...expected.flatMap(({ what, offset, value }, i): Finding[] => {
      const got = seen.reads[i]?.value;
      return got === value ? [] : [say(`${what} (${hex(offset)}) reads as ${shown(got)}, not ${hex(value)}`)];
    }),
  ];
};

export const l10: Rule = {
  number: 10,
  title: "one register map: package, header, Python, document, Verilog",
  check: async (project) => {
    const packaged = await packageOf(project);
    if (packaged === null) return notRun(NO_TCLSH);
    if (packaged === undefined) return notApplicable("no registers: this board talks over a UART");
    const top = topOf(project);
    if (top === undefined) return checked([noTop(10, project)]);
    const hosts = toldByHosts(project);
    const told = hosts.flatMap((h) => h.told ?? []);
    const reference = toldByPackage(SCRIPT, packaged.registers);
    const findings = [
      ...hosts
        .filter((h) => h.told === undefined)
        .map(({ file }) => ({ rule: 10, file, text: "is missing", remedy: AGAIN })),
      ...told.flatMap((t) => texts(reference, t)),
      ...(told.length > 0 ? values("field", told, (t) => t.fields) : []),
      ...(told.length > 0 ? values("constant", told, (t) => t.constants) : []),
    ];
    const constants = new Map(
      [...(told[0]?.constants ?? [])].map(([name, value]) => [capitals(name), value]),
    );
    const answered = await rtl(project, top, packaged, constants);
    if (answered === null && findings.length === 0) return notRun(`${NO_ICARUS}; the texts agree`);
    return checked([...findings, ...(answered ?? [])]);
  },
};
