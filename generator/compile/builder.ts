/**
 * Builds a program with structured loops. It knows the value of every base register at every place of a first
 * iteration, so that addresses are asked for as they should be there; END's increments restore what the body changed.
 */
import { BASE_REGISTERS, SEMAPHORES, type Semaphore } from "../isa/instruction.js";
import type { Instruction, NumberField } from "./assemble.js";

/** Base registers and what walks with them. */
export const REGISTERS = [
  "zero",
  "layer",
  "cache",
  "element",
  "head",
  "word",
  "queryElement",
  "queryHead",
] as const;
export type Register = (typeof REGISTERS)[number];

/** How far registers move from iteration to iteration. */
export type Advance = Readonly<Partial<Record<Register, number>>>;
export type Count = number | "toks";

export const mask = (...names: readonly Semaphore[]): number =>
  names.reduce((bits, name) => bits | (1 << SEMAPHORES[name].bit), 0);

export class ProgramBuilder {
  private readonly list: Instruction[] = [];
  private readonly value: number[] = new Array<number>(BASE_REGISTERS).fill(0);

  get instructions(): readonly Instruction[] {
    return this.list;
  }

  /** Address of the next instruction. */
  get here(): number {
    return this.list.length;
  }

  emit(op: Instruction["op"], fields: Instruction["fields"], comment?: string): void {
    this.list.push(comment === undefined ? { op, fields } : { op, fields, comment });
  }

  /** Sets registers to zero. */
  clear(registers: readonly Register[], comment?: string): void {
    let baseMask = 0;
    for (const name of registers) {
      baseMask |= 1 << REGISTERS.indexOf(name);
      this.value[REGISTERS.indexOf(name)] = 0;
    }
    const increments = new Array<number>(BASE_REGISTERS).fill(0);
    this.list.push({
      op: "base",
      fields: { baseMask },
      increments,
      ...(comment === undefined ? {} : { comment }),
    });
  }

  /** Operand fields for the address that is wanted here in the first iteration of all loops around. */
  at<O extends NumberField, B extends NumberField>(
    offset: O,
    base: B,
    register: Register,
    wanted: number,
  ): Record<O | B, number> {
    const index = REGISTERS.indexOf(register);
    const rest = wanted - this.value[index]!;
    return { [offset]: rest, [base]: index } as Record<O | B, number>;
  }

  /** `count` iterations; none emits nothing, one only the body. The body's changes to registers are undone at each end. */
  loop(count: Count, advance: Advance, body: () => void, comment?: string): void {
    if (count !== "toks" && count <= 0) return;
    if (count === 1) {
      body();
      return;
    }
    const start = [...this.value];
    const at = this.list.length;
    this.emit("halt", {}); // replaced below
    body();
    const increments = REGISTERS.map((name, r) => (advance[name] ?? 0) - (this.value[r]! - start[r]!));
    increments[0] = 0;
    this.list.push({ op: "end", fields: { target: at + 1 }, increments });
    const target = this.list.length;
    const counted: Instruction["fields"] =
      count === "toks" ? { countFrom: 1, target } : { count, countFrom: 0, target };
    this.list[at] = { op: "loop", fields: counted, ...(comment === undefined ? {} : { comment }) };
    const iterations = count === "toks" ? 0 : count; // a TOKS loop moves no register
    REGISTERS.forEach((name, r) => {
      this.value[r] = start[r]! + iterations * (advance[name] ?? 0);
    });
  }
}
