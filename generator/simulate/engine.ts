/** What the interpreter and the WebAssembly engine have in common: nodes in, nodes out, edges. Names are above this. */
import type { FlatGraph, FlatId } from "./graph.js";
import { mulberry32, scramble } from "./prng.js";
import { maskOf } from "./semantics.js";

/** In each cycle in which `valid` is 1, the values of `data` are recorded, as they are just before the edge. */
export interface WatchPoint {
  /** Null: in every cycle. */
  readonly valid: FlatId | null;
  readonly data: readonly FlatId[];
}

export interface RunRequest {
  /** The domains whose clocks rise together. */
  readonly domains: readonly number[];
  readonly cycles: number;
  /** Stop as soon as this 1-bit node is 1; it is looked at before the first edge and after each. */
  readonly until?: FlatId;
  readonly watches?: readonly WatchPoint[];
  /**
   * Takes records in order, one or more per call, each [cycle, watch index, data...]: 32-bit words, least significant
   * first, every value rounded up to whole words. The array is only valid during the call.
   */
  readonly record?: (words: Uint32Array) => void;
}

export interface RunResult {
  readonly stepped: number;
  /** The `until` node is 1. */
  readonly reached: boolean;
}

export interface Engine {
  readonly graph: FlatGraph;
  /** Number of `run` cycles so far; part of snapshots. */
  cycles: number;
  /** Bits of a node, all combinational logic settled. */
  read(node: FlatId): bigint;
  /** The same for repeated use; at most 53 bits for `number`. */
  reader(node: FlatId): { number(): number; big(): bigint };
  /** `value` has the bits of the input, as an unsigned number. */
  setInput(input: number, value: bigint): void;
  inputSetter(input: number): (value: number) => void;
  run(request: RunRequest): RunResult;
  readWord(mem: number, addr: number): bigint;
  writeWord(mem: number, addr: number, value: bigint): void;
  /** Words from `addr` on, each in whole little-endian bytes. */
  writeBytes(mem: number, addr: number, bytes: Uint8Array): void;
  snapshot(): unknown;
  restore(state: unknown): void;
}

/** Thrown at the edge before which an assertion did not hold. */
export class CheckFailure extends Error {
  constructor(
    readonly check: string,
    readonly cycle: number,
    detail: string,
  ) {
    super(`check ${check} failed in cycle ${cycle}: ${detail}`);
    this.name = "CheckFailure";
  }
}

export function checkFailure(graph: FlatGraph, index: number, cycle: number): CheckFailure {
  const c = graph.checks[index]!;
  const where = c.loc === undefined ? "" : ` (${c.loc.file}:${c.loc.line})`;
  return new CheckFailure(c.name, cycle, `${c.message}${where}`);
}

/** Calls `use` with the words that `bytes` hold. */
export function forWords(
  width: number,
  bytes: Uint8Array,
  use: (index: number, value: bigint) => void,
): void {
  const size = (width + 7) >>> 3;
  for (let i = 0; (i + 1) * size <= bytes.length; i++) {
    let value = 0n;
    for (let b = size - 1; b >= 0; b--) value = (value << 8n) | BigInt(bytes[i * size + b]!);
    use(i, BigInt.asUintN(width, value));
  }
}

/** Number of 32-bit words a value takes in a record. */
export const recordWords = (width: number): number => (width + 31) >>> 5;

/**
 * First values, equal in all engines: the reset value, else random. Registers with a reset start as if reset, so a
 * test need not pulse it; those without must not be relied on, and random values show who does.
 */
export function initialRegisters(graph: FlatGraph, seed: number): { registers: bigint[]; reads: bigint[] } {
  const random = mulberry32(seed);
  return {
    registers: graph.registers.map((r) => r.reset ?? random.bits(r.width)),
    reads: graph.reads.map((r) => random.bits(r.width)),
  };
}

/** First word at an address: any order of calls gives the same memory. */
export function initialWord(graph: FlatGraph, mem: number, seed: number): (addr: number) => bigint {
  const m = graph.memories[mem]!;
  const mask = maskOf(m.width);
  const parts = recordWords(m.width);
  const random = randomParts(mem, seed);
  return (addr) => {
    const given = m.contents[addr];
    if (given !== undefined) return given & mask;
    if (m.zero) return 0n;
    let value = 0n;
    for (let i = parts - 1; i >= 0; i--) value = (value << 32n) | BigInt(random(addr * parts + i));
    return value & mask;
  };
}

/** The 32-bit parts of a memory that has no contents, without state: mulberry32 jumped to the place. */
export function randomParts(mem: number, seed: number): (index: number) => number {
  const start = seed + Math.imul(mem + 1, 0x9e3779b1);
  return (index) => scramble(start + Math.imul(index, 0x6d2b79f5));
}
