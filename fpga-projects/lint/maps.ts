/** The register map as each part of a project tells it. */
import { PACKAGED_CONTROL } from "../export/vivado.js";
import type { PackagedRegister } from "./packaged.js";
import { type Project, textOf } from "./project.js";

export interface MapEntry {
  readonly offset: number;
  /** Bits; null where a teller does not say. */
  readonly width: number;
}
export interface Told {
  readonly file: string;
  readonly registers: ReadonlyMap<string, MapEntry>;
  /** Mask of every field, by register and field; names in capitals. Empty where a teller does not say. */
  readonly fields: ReadonlyMap<string, number>;
  /** Of constant registers by name; empty where a teller does not say. */
  readonly constants: ReadonlyMap<string, number>;
}

export const HEADER = "host/gateloom_registers.h";
export const PYTHON = "host/gateloom_registers.py";
export const DOCUMENT = "docs/registers.md";

/** promptLength -> PROMPT_LENGTH, as the header has it. */
export const capitals = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();

const entries = (
  matches: Iterable<RegExpMatchArray>,
  name: number,
  offset: number,
  width: number,
): Map<string, MapEntry> =>
  new Map([...matches].map((m) => [m[name]!, { offset: Number(m[offset]), width: Number(m[width]) }]));
const fieldName = (register: string, field: string): string => `${capitals(register)}_${capitals(field)}`;

const values = (matches: Iterable<RegExpMatchArray>): Map<string, number> =>
  new Map([...matches].map((m) => [m[1]!, Number(m[2])]));

/** Names there are in capitals. */
const headerIn = (file: string, text: string): Told => ({
  file,
  registers: entries(text.matchAll(/^#define GATELOOM_(\w+) (0x[0-9a-f]+)u \/\* (\d+) bits,/gm), 1, 2, 3),
  fields: values(text.matchAll(/^#define GATELOOM_(\w+) (0x[0-9a-f]+)u \/\* bit \d+,/gm)),
  constants: values(text.matchAll(/^#define GATELOOM_(\w+)_VALUE (0x[0-9a-f]+)u/gm)),
});

/** Lines of a dictionary at the outermost level. */
const dictionary = (text: string, name: string): string =>
  new RegExp(`^${name} = \\{\\n([\\s\\S]*?)^\\}`, "m").exec(text)?.[1] ?? "";
const fieldsIn = (
  text: string,
): { readonly register: string; readonly masks: ReadonlyMap<string, number> }[] =>
  [...dictionary(text, "FIELDS").matchAll(/^ {4}"(\w+)": \{\n([\s\S]*?)^ {4}\},/gm)].map(
    ([, register, body]) => ({
      register: register!,
      masks: values(body!.matchAll(/"(\w+)": (0x[0-9a-f]+),/g)),
    }),
  );
const pythonIn = (file: string, text: string): Told => ({
  file,
  registers: entries(
    dictionary(text, "REGISTERS").matchAll(/^ +"(\w+)": \((0x[0-9a-f]+), (\d+)\),$/gm),
    1,
    2,
    3,
  ),
  fields: new Map(
    fieldsIn(text).flatMap(({ register, masks }) =>
      [...masks].map(([field, mask]) => [fieldName(register, field), mask] as const),
    ),
  ),
  constants: values(dictionary(text, "CONSTANTS").matchAll(/^ +"(\w+)": (0x[0-9a-f]+),$/gm)),
});

const documentIn = (file: string, text: string): Told => ({
  file,
  registers: entries(text.matchAll(/^\| (0x[0-9a-f]+) \| `(\w+)` \| (32|64) \| (?!\d)/gm), 2, 1, 3),
  fields: new Map(
    [...text.matchAll(/^\| \| `(\w+)\.(\w+)` \| bit (\d+) \|/gm)].map(([, register, field, bit]) => [
      fieldName(register!, field!),
      2 ** Number(bit),
    ]),
  ),
  constants: values(text.matchAll(/^\| `(\w+)` \| (0x[0-9a-f]+) \|$/gm)),
});

const names = new Map(Object.entries(PACKAGED_CONTROL).map(([own, packaged]) => [packaged, own]));
/** The map's own name of a packaged register. */
export const ownName = (packaged: string): string => names.get(packaged) ?? packaged;

export const toldByPackage = (file: string, registers: readonly PackagedRegister[]): Told => ({
  file,
  registers: new Map(registers.map(({ name, offset, size }) => [ownName(name), { offset, width: size }])),
  fields: new Map(),
  constants: new Map(),
});

/** What header, Python module and document say; undefined for those that are not there. */
export const toldByHosts = (
  project: Project,
): readonly { readonly file: string; readonly told: Told | undefined }[] =>
  (
    [
      [HEADER, headerIn],
      [PYTHON, pythonIn],
      [DOCUMENT, documentIn],
    ] as const
  ).map(([file, read]) => {
    const text = textOf(project, file);
    return { file, told: text === undefined ? undefined : read(file, text) };
  });

/** Masks of all fields of a register together, after the Python module. */
export const masksOf = (project: Project): ReadonlyMap<string, number> =>
  new Map(
    fieldsIn(textOf(project, PYTHON) ?? "").map(({ register, masks }) => [
      register,
      [...masks.values()].reduce((all, mask) => (all | mask) >>> 0, 0),
    ]),
  );

export interface WindowEntry {
  readonly name: string;
  readonly offset: number;
  readonly words: number;
  readonly wordBytes: number;
}
/** Windows after the Python module. */
export const windowsOf = (project: Project): WindowEntry[] =>
  [
    ...dictionary(textOf(project, PYTHON) ?? "", "WINDOWS").matchAll(
      /"(\w+)": \((0x[0-9a-f]+), (\d+), (\d+)\),/g,
    ),
  ].map(([, name, offset, words, wordBytes]) => ({
    name: name!,
    offset: Number(offset),
    words: Number(words),
    wordBytes: Number(wordBytes),
  }));
