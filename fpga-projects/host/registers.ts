/** The register map for people, C and Python: text made from generator/isa/registers.ts, and from nothing else. */
import { type AcceleratorConfig, beatBits } from "../../generator/isa/config.js";
import {
  type Access,
  CONTROL_PORT,
  constantsOf,
  MAP_VERSION,
  type Masters,
  REGISTER_COUNTERS,
  type Register,
  type RegisterMap,
  type Window,
} from "../../generator/isa/registers.js";
import {
  type FieldText,
  type RegisterText,
  registersDocument,
  registersHeader,
  registersPython,
  type RegisterTexts,
  type WindowText,
} from "../../rtl-templates/host/host.js";

const hex = (n: number): string => `0x${n.toString(16).padStart(3, "0")}`;
const word = (n: number): string => `0x${(n >>> 0).toString(16).padStart(8, "0")}`;
/** promptLength -> PROMPT_LENGTH. */
const capitals = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();

const ACCESS: Readonly<Record<Access | Window["access"], string>> = {
  readwrite: "read, write",
  read: "read",
  clearOnRead: "read; cleared by it",
  toggle: "read; writing 1 turns it round",
  command: "write 1",
  write: "write",
};

const accessOf = (register: Register): string => {
  switch (register.kind) {
    case "pointer":
    case "scalar":
      return ACCESS.readwrite;
    case "flags":
      return [...new Set(register.fields.map((f) => f.access))].length === 1
        ? ACCESS[register.fields[0]!.access]
        : "by bit";
    case "constant":
    case "state":
    case "counter":
      return ACCESS.read;
  }
};

const fieldText =
  (register: string) =>
  ({ name, bit, access, doc }: Extract<Register, { kind: "flags" }>["fields"][number]): FieldText => ({
    ...{ name, bit, doc },
    constant: capitals(`${register}_${name}`),
    mask: word(2 ** bit),
    access: ACCESS[access],
  });

const registerText = (register: Register): RegisterText => ({
  name: register.name,
  constant: capitals(register.name),
  offset: hex(register.offset),
  width: register.width,
  access: accessOf(register),
  doc: register.doc,
  fields: register.kind === "flags" ? register.fields.map(fieldText(register.name)) : [],
});

const windowText = (window: Window): WindowText => ({
  ...{ name: window.name, words: window.words, wordBytes: window.wordBytes, doc: window.doc },
  constant: capitals(window.name),
  offset: hex(window.offset),
  access: ACCESS[window.access],
});

export interface Described {
  readonly title: string;
  readonly config: AcceleratorConfig;
  readonly masters: Masters;
  readonly registers: RegisterMap;
}

export const registerTexts = ({ title, config, masters, registers: map }: Described): RegisterTexts => {
  const registers = map.registers.map(registerText);
  const first = (prefix: string, channel: number) =>
    map.registers.find((r) => r.kind === "pointer" && r.name === `${prefix}_${channel}`);
  return {
    title,
    port: CONTROL_PORT,
    ...MAP_VERSION,
    bytes: map.bytes,
    masters: masters.masters,
    sliceBytes: beatBits(config) / 8 / masters.masters,
    context: config.context,
    registers,
    flags: registers.filter(({ fields }) => fields.length > 0),
    pointers: ["image", "cache"].map((name) => {
      const offset = first(name, 0)!.offset;
      return {
        constant: capitals(name),
        offset: hex(offset),
        step: (first(name, 1)?.offset ?? offset) - offset,
      };
    }),
    windows: map.windows.map(windowText),
    constants: Object.entries(constantsOf(config, masters)).map(([name, value]) => ({
      name,
      constant: capitals(name),
      value: word(value),
    })),
    counters: REGISTER_COUNTERS.map((name) => ({
      name,
      offset: hex(map.registers.find((r) => r.name === `count_${name}`)!.offset),
    })),
  };
};

/** Document, C header and Python module, by path in the project. */
export const registerFiles = (described: Described): ReadonlyMap<string, string> => {
  const texts = registerTexts(described);
  return new Map([
    ["docs/registers.md", registersDocument(texts)],
    ["host/gateloom_registers.h", registersHeader(texts)],
    ["host/gateloom_registers.py", registersPython(texts)],
  ]);
};
