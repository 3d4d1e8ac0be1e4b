/** Where in the shared memory the kernels find what does not depend on the model: control words and the contract's tables. */
import { EXP2, INV16, LOG16, RECIP, RSQRT, SIGMOID } from "../../contract/tables.js";
import { add, type Expr, i32, load32, shl } from "../assembler/expression.js";

/** Words that threads wait on, each on a cache line of its own. */
export const CONTROL = {
  /** Counts the runs of the plan that were started. */
  start: 64,
  /** Threads that have reached the barrier, and how often all have. */
  arrived: 128,
  generation: 192,
  /** 1 + the thread that failed; 0 while all is well. */
  fault: 256,
  /** Threads that are ready to serve. */
  ready: 320,
  /** 1 when the threads shall end. */
  stop: 324,
  /** The steps to run: where they are, how many. */
  steps: 328,
  count: 332,
} as const;

/** Words that describe the block of tokens of a run. */
export const BLOCK = {
  /** Tokens of the block, and the position of the first. */
  tokens: 384,
  position: 388,
  /** 1 when tokens of the block overwrite cache slots that earlier ones still read. */
  wraps: 392,
  /** The first token whose logits are wanted. */
  headFrom: 396,
  /** Always 0: the first token of everything but the head. */
  zero: 400,
} as const;

const TABLES = { RECIP, RSQRT, EXP2, INV16, LOG16, SIGMOID } as const;
export type TableName = keyof typeof TABLES;

const FIRST_TABLE = 1024;
const addresses = new Map<string, number>();
let end = FIRST_TABLE;
for (const [name, values] of Object.entries(TABLES)) {
  addresses.set(name, end);
  end += 4 * values.length;
}
/** The first byte behind control words and tables. */
export const FIXED_END = end;

/** Entry `index` of a table, as int32. */
export function entry(name: TableName, index: Expr<"i32">, offset = 0): Expr<"i32"> {
  return load32(add(shl(index, 2), addresses.get(name)!), 4 * offset);
}

export function writeTables(memory: ArrayBufferLike): void {
  for (const [name, values] of Object.entries(TABLES))
    new Int32Array(memory, addresses.get(name), values.length).set(values);
}

/** The words of a step, by name: their byte offsets in its record. The first two are those of every step. */
export function record<const F extends readonly string[]>(...fields: F): Readonly<Record<F[number], number>> {
  const offsets = fields.map((field, i) => [field, 4 * (i + 2)] as const);
  return Object.fromEntries(offsets) as Record<F[number], number>;
}
export const STEP = { kernel: 0, barrier: 4, bytes: 128 } as const;

export function word(address: number): Expr<"i32"> {
  return load32(i32(0), address);
}
