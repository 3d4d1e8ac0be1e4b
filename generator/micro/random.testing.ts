/**
 * Random legal programs, for comparing the RTL with the interpreter cycle by cycle. A program first gives every register and memory a
 * value (reset leaves them undefined), then does anything; instructions that the interpreter refuses are drawn again.
 */
import { type Assembler, conflict, type Program, program, type Written } from "./assemble.js";
import { immUses, usesTarget } from "./encode.js";
import { Interpreter, ProgramError, type State } from "./interpret.js";
import { type Code, FIELDS, type Field, type Micro } from "./machine.js";

/** mulberry32. */
export class Random {
  constructor(private state: number) {}

  /** 0..n-1. */
  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }
}

export interface RandomProgram {
  readonly program: Program;
  /** [1024] of 16 bits. */
  readonly table: readonly number[];
  /** Contents of the stream memory. */
  readonly stream: readonly bigint[];
  /** Offered throughout; the program acknowledges it any number of times. */
  readonly offer: { readonly token: number; readonly position: number; readonly wanted: boolean };
  /** Address behind the prologue: everything has a value. */
  readonly begin: number;
  /** From reset to the last instruction, which jumps to itself. */
  readonly cycles: number;
}

/** Instructions behind the prologue. */
const BODY = 220;
const LIMIT = 20_000;

export function randomProgram(seed: number): RandomProgram {
  const random = new Random(seed);
  const table = Array.from({ length: 1024 }, () => random.below(65536));
  const stream = Array.from(
    { length: 16384 },
    () => (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)),
  );
  const offer = { token: random.below(65536), position: random.below(1024), wanted: random.below(2) === 1 };
  const { micros: start } = program(prologue);
  const last = start.length + BODY;
  const micros = [...start];
  while (micros.length < last) micros.push(draw(random, micros.length, start.length));
  micros.push({ seq: "jump", target: last });
  const state = behindPrologue(micros, start.length, table, stream);
  for (;;) {
    const machine = bare(micros, table);
    Object.assign(machine.state, structuredClone(state), { offer });
    const refused = play(machine, start.length, last);
    if (refused === undefined)
      return {
        program: named(micros, last),
        table,
        stream,
        offer,
        begin: start.length,
        cycles: machine.state.cycle,
      };
    micros[refused] = draw(random, refused, start.length);
  }
}

/** A machine without listing: quickly made. */
function bare(micros: readonly Micro[], table: readonly number[]): Interpreter {
  return new Interpreter({ micros, words: [], lines: [], labels: new Map() }, table);
}

/** The prologue's work, once for all bodies. */
function behindPrologue(
  micros: readonly Micro[],
  length: number,
  table: readonly number[],
  stream: readonly bigint[],
): State {
  const machine = bare(micros, table);
  machine.load(stream);
  while (machine.state.pc !== length) machine.step();
  return machine.state;
}

/** Runs to the last instruction; the address of one to draw again, or undefined. */
function play(machine: Interpreter, first: number, last: number): number | undefined {
  const { state, program } = machine;
  while (state.pc !== last) {
    const { pc } = state;
    try {
      machine.step();
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      return pc;
    }
    if (state.cycle > LIMIT) return turning(program.micros, pc, first);
  }
  return undefined;
}

/** What keeps a program from its end: the loop around an address, or the return to the prologue, or that address. */
function turning(micros: readonly Micro[], pc: number, first: number): number {
  const at = micros.findIndex(
    ({ seq = "next", target = 0 }, address) =>
      address >= Math.max(pc, first) && seq.startsWith("loop") && target <= pc,
  );
  return at < 0 ? Math.max(pc, first) : at;
}

/** The same program with a label before each instruction. */
function named(micros: readonly Micro[], last: number): Program {
  const name = (address: number): string => (address === last ? "end" : `at${address}`);
  return program((a) => {
    for (const [address, micro] of micros.entries()) {
      a.label(name(address));
      a.op({ ...writtenOf(micro), ...(usesTarget(micro) ? { target: name(micro.target!) } : {}) });
    }
  });
}

/** Gives every register and memory a value. */
function prologue(a: Assembler): void {
  const constant = (value: number): void => {
    a.op({ mx: "one", my: value });
    a.op({ ac: "=" });
    a.op({ q: "floor0" });
    a.op({ r: "wrap32" });
  };
  a.op({ max: "clear", misc: ["p0", 0] });
  a.op({ lane: "clear", misc: ["p1", 100] });
  a.op({ misc: ["p2", 200] });
  a.op({ misc: ["p3", 300] });
  for (const c of ["c1", "c2", "c3"] as const) a.op({ misc: [c, 5] });
  constant(7);
  a.op({ sh: "te", max: "argmax", misc: "yr=r" });
  a.op({ sh: "r" });
  constant(8);
  a.op({ misc: "wp=r" });
  a.op({ sw: "half" });
  // VMEM and ACT: words that change, from products of words before
  a.op({ mx: "r", my: 40503 });
  a.op({ misc: ["aw", 0] });
  // AR stands where nothing is written: behind the bytes of a first pass, then before those of a second
  for (const [ar, from, count] of [
    [511, 0, 500],
    [3, 500, 12],
  ] as const) {
    a.op({ misc: ["ar", ar] });
    a.op({ misc: ["aw", from] });
    a.op({ misc: ["c0", count] });
    const loop = a.fresh("fill");
    a.label(loop);
    a.op({ vw: "p0+", ac: "+", aw: "write" });
    a.op({ q: "floor7", mx: "r" });
    a.op({ r: "wrap32", seq: "loop0", target: loop });
  }
  a.op({ misc: ["c0", 512] });
  a.label("vmem");
  a.op({ vw: "p0+", ac: "+" });
  a.op({ q: "floor7", mx: "r" });
  a.op({ r: "wrap32", seq: "loop0", target: "vmem" });
  a.op({ misc: ["seek", 5] });
  a.op({ misc: "gs=0" });
  a.op({ misc: ["c0", 128] });
  a.label("gs");
  a.op({ lane: "w4" });
  a.op({});
  a.op({ gw: "dump", seq: "loop0", target: "gs" });
  a.op({ gr: "group", tb: ["plain", 0], vr: "p3" });
  a.op({ misc: ["c0", 5], seq: "call", target: "return" });
  a.op({ seq: "jump", target: "body" });
  a.label("return");
  a.op({ seq: "ret" });
  a.label("body");
  a.op({});
}

/** Any instruction that the assembler accepts; jumps go forwards by a few, loops back by a few. */
function draw(random: Random, at: number, first: number): Micro {
  for (;;) {
    const micro = drawFields(random);
    if (conflict(micro) !== undefined) continue;
    const mask = immUses(micro).reduce((all, use) => all & use.mask, 0xffff);
    const imm = immUses(micro).length === 0 ? {} : { imm: constant(random, micro, mask) };
    if (!usesTarget(micro)) return { ...micro, ...imm };
    const loop = micro.seq!.startsWith("loop");
    const target = loop
      ? Math.max(first, at - random.below(4))
      : Math.min(first + BODY, at + 1 + random.below(6));
    return { ...micro, ...imm, target };
  }
}

/** Small counts, so that programs end. */
function constant(random: Random, { misc = "none" }: Micro, mask: number): number {
  return /^c\d=imm$/.test(misc) ? 1 + random.below(4) : random.below(mask + 1);
}

function drawFields(random: Random): Micro {
  const micro: Partial<Record<Field, string>> = {};
  for (const field of Object.keys(FIELDS) as Field[]) {
    // most fields rest in most instructions; the sequence goes straight on four times in five
    const rests = field === "seq" ? random.below(5) > 0 : random.below(5) > 1;
    // a write to SPRAM ends the stream until the next seek: rarely
    if (field === "sw" && random.below(4) > 0) continue;
    const code = random.below(FIELDS[field].length);
    if (!rests && code > 0) micro[field] = FIELDS[field][code]!;
  }
  return micro as Micro;
}

/** As the assembler takes it. */
function writtenOf({ vr, vw, my, q, tb, misc, imm = 0, target: _, ...rest }: Micro): Written {
  const written: { -readonly [K in keyof Written]: Written[K] } = { ...rest };
  if (vr !== undefined) written.vr = vr === "imm" ? imm & 1023 : vr;
  if (vw !== undefined) written.vw = vw === "imm" ? imm & 1023 : vw;
  if (my !== undefined) written.my = my === "imm" ? imm : my;
  if (q === "floorImm") written.q = `floor${imm & 63}`;
  else if (q === "roundImm") written.q = `round${imm & 63}`;
  else if (q === "floorSh" || q === "roundSh") written.q = q;
  if (tb !== undefined && tb !== "none") written.tb = [tb, imm & 1023];
  if (misc?.endsWith("=imm")) written.misc = [misc.slice(0, -4) as "p0", imm];
  else if (misc !== undefined) written.misc = misc as Exclude<Code<"misc">, `${string}=imm`>;
  return written;
}
