/** Registers and memories of the interpreter (README.md, "One cycle"). */
import { ACT_BYTES, CALL_DEPTH, GS_WORDS, LANES, SPRAM_WORDS, TABLE_WORDS, VMEM_WORDS } from "./machine.js";

/** A token that the host offers. */
export interface Offer {
  readonly token: number;
  readonly position: number;
  /** Whether the host wants the token that follows. */
  readonly wanted: boolean;
}

/** An error of the program, or of what a test asks for. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
}

export class State {
  /** [1024] signed. */
  readonly vmem = new Int32Array(VMEM_WORDS);
  readonly p = [0, 0, 0, 0];
  vd = 0;
  mx = 0;
  my = 0;
  acc = 0;
  q = 0;
  /** The rounding bit of Q. */
  half = 0;
  r = 0;
  v = false;
  m = 0;
  idx = 0;
  best = 0;
  sh = 0;
  te = 0;
  yr = 0;
  /** Two per 64-bit word, low first. */
  readonly spram = new Uint32Array(2 * SPRAM_WORDS);
  sa = 0;
  bi = 0;
  sdLow = 0;
  sdHigh = 0;
  /** SD holds a word of the stream: it has been sought since the last write to SPRAM. */
  sought = false;
  readonly act = new Int8Array(ACT_BYTES);
  ar = 0;
  aw = 0;
  /** Sums with the mac of the last cycle in them: `lane` of the interpreter is without. */
  readonly lanes = new Int16Array(LANES);
  /** Cycle of the last mac, its column of weights and its activation. */
  macAt = -2;
  macKind: "w2" | "w4" = "w2";
  macColumn = 0;
  macActivation = 0;
  readonly gs = new Int16Array(GS_WORDS);
  gw = 0;
  gg = 0;
  gl = 0;
  gd = 0;
  wp = 0;
  readonly c = [0, 0, 0, 0];
  readonly table = new Uint16Array(TABLE_WORDS);
  td = 0;
  pc = 0;
  readonly stack: number[] = new Array<number>(CALL_DEPTH).fill(0);
  depth = 0;
  saturated = false;

  /** Of this cycle: PC of the next, and values that are written last. */
  next = 0;
  nextR = 0;
  nextV = false;
  nextMx = 0;
  /** Cycle of the last `ar=imm`: AD follows a cycle later. */
  arAt = -2;
  cycle = 0;
  offer: Offer | undefined;
  /** Set in the cycle of an `ack`. */
  acked = false;

  fail(message: string): never {
    throw new ProgramError(message);
  }
}
