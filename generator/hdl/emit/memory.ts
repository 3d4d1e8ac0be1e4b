/** Memories: arrays with their contents, one `always` block per port in the form that synthesis tools recognise. */
import type * as ir from "../ir.js";
import { type Expressions, literal, paren, range } from "./expression.js";
import type { Plan } from "./plan.js";

/** Longer contents go to a file of their own. */
const LONGEST_CONTENTS = 256;

/** One array: a memory, or the part of it that is written under one bit of a mask. */
export interface Bank {
  readonly name: string;
  readonly lo: number;
  readonly width: number;
}
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The arrays of a memory: simulators and synthesis tools do better with one array per mask bit than with partial writes. */
export const banks = (mem: ir.Memory, name: string, fresh: (wanted: string) => string): Bank[] => {
  const granule = mem.writes.filter((w) => w.mask !== null).reduce((g, w) => gcd(g, w.granule), mem.width);
  const parts = Math.ceil(mem.width / granule);
  return Array.from({ length: parts }, (_, i) => ({
    name: parts === 1 ? name : fresh(`${name}_${i}`),
    lo: i * granule,
    width: Math.min(granule, mem.width - i * granule),
  }));
};

export interface Contents {
  readonly lines: readonly string[];
  /** Files for $readmemh. */
  readonly files: ReadonlyMap<string, string>;
}

/** Declarations and initial contents. */
export const declareMemory = (
  module: string,
  mem: ir.Memory,
  arrays: readonly Bank[],
  fresh: (wanted: string) => string,
): Contents => {
  const files = new Map<string, string>();
  const lines = arrays.flatMap((a) => {
    const head = `  reg ${range(a.width)}${a.name} [0:${mem.depth - 1}];`;
    const given =
      mem.zero === true && mem.contents !== undefined
        ? Array.from({ length: mem.depth }, (_, i) => mem.contents?.[i] ?? 0n)
        : mem.contents;
    const word = (v: bigint) => (v >> BigInt(a.lo)) & ((1n << BigInt(a.width)) - 1n);
    if (given !== undefined && given.length > LONGEST_CONTENTS) {
      const file = `${module}_${a.name}.mem`;
      files.set(file, `${given.map((v) => word(v).toString(16)).join("\n")}\n`);
      return [head, `  initial $readmemh("${file}", ${a.name});`];
    }
    if (given !== undefined)
      return [
        head,
        "  initial begin",
        ...given.map((v, i) => `    ${a.name}[${i}] = ${literal(word(v), a.width)};`),
        "  end",
      ];
    if (mem.zero !== true) return [head];
    const i = fresh(`${a.name}_i`);
    return [
      head,
      `  integer ${i};`,
      `  initial for (${i} = 0; ${i} < ${mem.depth}; ${i} = ${i} + 1) ${a.name}[${i}] = ${literal(0n, a.width)};`,
    ];
  });
  return { lines, files };
};

const joined = (parts: readonly string[]): string =>
  parts.length === 1 ? parts[0]! : `{${[...parts].reverse().join(", ")}}`;

/** The word at an address. */
export const wordAt = (arrays: readonly Bank[], address: string): string =>
  joined(arrays.map((a) => `${a.name}[${address}]`));

/** Statements of the registered reads of a memory in one domain, by the name of the read register. */
export const readStatements = (
  mem: ir.Memory,
  arrays: readonly Bank[],
  read: ir.MemRead,
  name: string,
  e: Expressions,
): string[] => {
  const address = e.of(read.addr);
  const enable = read.enable === null ? null : e.of(read.enable);
  const out = [`${enable === null ? "" : `if (${enable}) `}${name} <= ${wordAt(arrays, address)};`];
  if (mem.readDuringWrite !== "new") return out;
  // Write-first: what is written to this address in the same cycle overtakes.
  for (const w of mem.writes.filter((x) => x.domain === read.domain))
    for (const a of arrays) {
      const lane = Math.floor(a.lo / w.granule);
      const when = [
        e.of(w.enable),
        ...(enable === null ? [] : [enable]),
        ...(w.mask === null ? [] : [e.bits(w.mask, lane, lane)]),
        `${paren(e.of(w.addr))} == ${paren(address)}`,
      ];
      const part =
        a.width === read.width ? "" : a.width === 1 ? `[${a.lo}]` : `[${a.lo + a.width - 1}:${a.lo}]`;
      out.push(`if (${when.map(paren).join(" && ")}) ${name}${part} <= ${datum(w, a, mem, e)};`);
    }
  return out;
};

const datum = (w: ir.MemWrite, a: Bank, mem: ir.Memory, e: Expressions): string =>
  a.width === mem.width ? e.of(w.data) : e.bits(w.data, a.lo + a.width - 1, a.lo);

/** Statements of one write port. */
export const writeStatements = (
  mem: ir.Memory,
  arrays: readonly Bank[],
  w: ir.MemWrite,
  e: Expressions,
): string[] =>
  arrays.map((a) => {
    const lane = Math.floor(a.lo / w.granule);
    const mask = w.mask === null ? "" : ` && ${e.bits(w.mask, lane, lane)}`;
    const enable = mask === "" ? e.of(w.enable) : paren(e.of(w.enable));
    return `if (${enable}${mask}) ${a.name}[${e.of(w.addr)}] <= ${datum(w, a, mem, e)};`;
  });

/** Memories that some live read needs. */
export const usedMemories = (m: ir.Module, p: Plan): number[] =>
  m.memories.flatMap((_, k) => (p.memories[k] ? [k] : []));
