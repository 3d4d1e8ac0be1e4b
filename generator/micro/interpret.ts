/**
 * The machine cycle by cycle. `Interpreter` runs a program as the RTL does, and refuses what README.md calls an error of the program:
 * a ProgramError that names address, label, line and registers. Registers and memories stand open for tests.
 * Stricter than the page: no mac in the cycle after `ar=imm`, no `aw` where AR moves to in the same cycle.
 */
import type { Line, Program } from "./assemble.js";
import { type Offer, ProgramError, State } from "./interpretState.js";
import { type Step, steps, weight } from "./interpretSteps.js";
import { CALL_DEPTH, GS_WORDS, SPRAM_WORDS } from "./machine.js";

export { type Offer, ProgramError, State } from "./interpretState.js";

/** Return address of `call`: no program reaches it. */
const HOST = -1;

export interface Chosen {
  /** R[15:0] at the `ack`. */
  readonly token: number;
  /** From the first cycle of the program or the last `ack` to this one. */
  readonly cycles: number;
}

export class Interpreter {
  readonly state = new State();
  private readonly code: readonly (readonly Step[])[];
  /** By address: cycles spent there, when `profile` is on. */
  readonly profile: Float64Array;
  profiling = false;

  /** With a seed, registers and memories start with arbitrary contents: a program must not depend on them. */
  constructor(
    readonly program: Program,
    table: ArrayLike<number>,
    seed?: number,
  ) {
    this.code = program.micros.map(steps);
    this.profile = new Float64Array(program.micros.length);
    if (seed !== undefined) scramble(this.state, seed);
    this.state.table.fill(0);
    this.state.table.set(table);
  }

  /** The accumulator of a lane as a program would see it in the coming cycle. */
  lane(lane: number): number {
    const { state } = this;
    const value = state.lanes[lane]!;
    if (state.macAt !== state.cycle - 1) return value;
    return ((value - weight(state.macKind, state.macColumn, lane) * state.macActivation) << 16) >> 16;
  }

  /** Writes 64-bit words into the stream memory. */
  load(words: ArrayLike<bigint>, at = 0): void {
    for (let i = 0; i < words.length; i++) {
      this.state.spram[2 * (at + i)] = Number(words[i]! & 0xffffffffn);
      this.state.spram[2 * (at + i) + 1] = Number(words[i]! >> 32n);
    }
  }

  word(address: number): bigint {
    const { spram } = this.state;
    return BigInt(spram[2 * address]!) | (BigInt(spram[2 * address + 1]!) << 32n);
  }

  /** One cycle. */
  step(): void {
    const { state } = this;
    const { pc } = state;
    const code = this.code[pc];
    if (!code) throw new ProgramError(`PC ${pc} is outside the program of ${this.code.length}`);
    state.next = pc + 1;
    state.acked = false;
    try {
      for (let i = 0; i < code.length; i++) code[i]!(state);
    } catch (error) {
      throw error instanceof ProgramError
        ? new ProgramError(`${this.place(pc)}, cycle ${state.cycle}: ${error.message}`)
        : error;
    }
    if (this.profiling) this.profile[pc] = this.profile[pc]! + 1;
    state.pc = state.next;
    state.cycle++;
  }

  /** Runs one token from the `wait` or the reset on, to its `ack`. Throws a ProgramError where `limit` cycles do not reach it. */
  token(offer: Offer, limit = 10_000_000): Chosen {
    const { state } = this;
    const from = state.cycle;
    state.offer = offer;
    while (state.cycle - from < limit) {
      this.step();
      if (!state.acked) continue;
      state.offer = undefined;
      return { token: state.r & 0xffff, cycles: state.cycle - from };
    }
    throw new ProgramError(`${this.place(state.pc)}: no ack after ${limit} cycles`);
  }

  /** Calls a routine and runs it to its `ret`; returns its cycles. */
  call(label: string, limit = 10_000_000): number {
    const { state } = this;
    const address = this.program.labels.get(label);
    if (address === undefined) throw new ProgramError(`the program has no label ${label}`);
    const from = state.cycle;
    state.pc = address;
    state.stack[0] = HOST;
    state.depth = 1;
    while (state.cycle - from < limit) {
      this.step();
      if (state.pc === HOST) return state.cycle - from;
    }
    throw new ProgramError(`${this.place(state.pc)}: ${label} has not returned after ${limit} cycles`);
  }

  /** Cycles by label, each with what follows up to the next label; for programs that were run with `profiling`. */
  profileByLabel(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    let label = "(start)";
    for (const { address, labels } of this.program.lines) {
      label = labels[0] ?? label;
      sums.set(label, (sums.get(label) ?? 0) + this.profile[address]!);
    }
    return sums;
  }

  private place(pc: number): string {
    const line = this.program.lines[pc];
    if (!line) return `PC ${pc}`;
    return `PC ${pc} (${labelAt(this.program.lines, pc)}, ${line.source}: ${line.text})`;
  }
}

/** `label` or `label+3`. */
function labelAt(lines: readonly Line[], pc: number): string {
  for (let at = pc; at >= 0; at--) {
    const label = lines[at]!.labels[0];
    if (label !== undefined) return at === pc ? label : `${label}+${pc - at}`;
  }
  return "before the first label";
}

/** Fills everything that reset leaves undefined. */
function scramble(s: State, seed: number): void {
  let x = seed | 1;
  const next = (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
  for (const memory of [s.vmem, s.act, s.gs, s.lanes])
    for (let i = 0; i < memory.length; i++) memory[i] = next();
  for (let i = 0; i < 2 * SPRAM_WORDS; i++) s.spram[i] = next();
  for (let k = 0; k < 4; k++) {
    s.p[k] = next() & 1023;
    s.c[k] = next() & 1023;
  }
  for (let k = 0; k < CALL_DEPTH; k++) s.stack[k] = next() & 511;
  for (const field of ["vd", "mx", "r"] as const) s[field] = next() | 0;
  for (const field of ["my", "idx", "best", "yr", "td"] as const) s[field] = next() & 0xffff;
  s.acc = (next() | 0) * 2 ** 19;
  s.q = (next() | 0) * 2 ** 19;
  s.half = next() & 1;
  s.v = (next() & 1) === 1;
  s.m = next();
  s.sh = next() & 63;
  s.te = (next() & 1023) - 512;
  s.ar = next() & 511;
  s.aw = next() & 511;
  s.gw = next() & (GS_WORDS - 1);
  s.gg = next() & 15;
  s.gl = next() & 7;
  s.gd = (next() << 16) >> 16;
  s.wp = next() & 0x3ffff;
}
