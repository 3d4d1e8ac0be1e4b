/** The sequencer: runs LOOP, END, BASE and NEXT, and hands out everything else as jobs with final addresses. */
import type { Instruction, NumberField } from "../../../generator/compile/assemble.js";
import { BASE_BITS, BASE_REGISTERS, LOOP_DEPTH, TOKEN_SELECTS } from "../../../generator/isa/instruction.js";
import { batchTokens } from "./order.js";

/** Host registers, and the one capacity that the sequencer knows. */
export interface Host {
  readonly promptLength: number;
  readonly total: number;
  readonly epsilonSum: number;
  readonly sinks: number;
  readonly window: number;
  /** T of the configuration. */
  readonly tokens: number;
}

export type JobOp = "load" | "emb" | "mv" | "quant" | "softmax";

export interface Job {
  readonly pc: number;
  readonly op: JobOp;
  /** A field as it stands in the word; 0 where the op has none. */
  readonly field: (name: NumberField) => number;
  /** Taken from and given to each semaphore of a mask. */
  readonly amount: number;
  /** First token served, how many, and the position of the first. */
  readonly tok: number;
  readonly toks: number;
  readonly position: number;
  readonly memory: number;
  readonly act: number;
  readonly dst: number;
  readonly slot: number;
  readonly scaleSlot: number;
  readonly cache: number;
  /** First entry of a constant RAM. */
  readonly constant: number;
}

interface Loop {
  left: number;
  readonly body: number;
  readonly ofToks: boolean;
  index: number;
}

const ADDRESSES = 2 ** BASE_BITS;

export function* sequence(program: readonly Instruction[], host: Host): Generator<Job, void> {
  const base = new Array<number>(BASE_REGISTERS).fill(0);
  const loops: Loop[] = [];
  const slots = host.sinks + host.window;
  const toksAt = (pos: number): number => batchTokens(pos, host.promptLength, host.tokens, slots);
  let pos = 0;
  let toks = toksAt(0);
  let pc = 0;

  const job = (op: JobOp, { fields }: Instruction): Job => {
    const field = (name: NumberField): number => fields[name] ?? 0;
    const select = TOKEN_SELECTS[field("tok")];
    if (select === undefined) throw new Error(`instruction ${pc}: unknown token selection ${field("tok")}`);
    const inner = loops.findLast((loop) => loop.ofToks);
    const tok = select === "all" ? 0 : select === "last" ? toks - 1 : (inner?.index ?? 0);
    const at = (offset: NumberField, register: NumberField): number => field(offset) + base[field(register)]!;
    return {
      pc,
      op,
      field,
      tok,
      toks: select === "all" ? toks : 1,
      amount: op === "mv" && select === "all" ? toks : 1,
      position: pos + tok,
      memory: at("memOffset", "memBase") % ADDRESSES,
      act: at("act", "actBase") + tok * field("actStride"),
      dst: at("dst", "dstBase") + tok * field("dstStride"),
      slot: at("slot", "slotBase"),
      scaleSlot: at("scaleSlot", "scaleSlotBase"),
      cache: at("cacheOffset", "cacheBase") % ADDRESSES,
      constant: at("constant", "dstBase") % ADDRESSES,
    };
  };
  const move = (instruction: Instruction, change: (old: number, by: number, r: number) => number): void => {
    for (let r = 1; r < BASE_REGISTERS; r++)
      base[r] = (change(base[r]!, instruction.increments?.[r] ?? 0, r) + ADDRESSES) % ADDRESSES;
  };

  for (;;) {
    const instruction = program[pc];
    if (instruction === undefined) throw new Error(`the program runs off its end at ${pc}`);
    const field = (name: NumberField): number => instruction.fields[name] ?? 0;
    switch (instruction.op) {
      case "halt":
        return;
      case "loop": {
        const count = field("countFrom") ? toks : field("count");
        if (count > 0) loops.push({ left: count, body: pc + 1, ofToks: field("countFrom") === 1, index: 0 });
        if (loops.length > LOOP_DEPTH)
          throw new Error(`instruction ${pc}: loops nest deeper than ${LOOP_DEPTH}`);
        pc = count > 0 ? pc + 1 : field("target");
        break;
      }
      case "end": {
        const loop = loops.at(-1);
        if (loop === undefined) throw new Error(`instruction ${pc}: END without LOOP`);
        if (loop.body !== field("target"))
          throw new Error(
            `instruction ${pc}: END goes to ${field("target")}, its body starts at ${loop.body}`,
          );
        move(instruction, (old, by) => old + by);
        loop.index++;
        loop.left--;
        if (loop.left === 0) loops.pop();
        pc = loop.left === 0 ? pc + 1 : loop.body;
        break;
      }
      case "base":
        move(instruction, (old, by, r) => ((field("baseMask") >> r) & 1 ? by : old));
        pc++;
        break;
      case "next":
        pos += toks;
        if (pos < host.total) {
          toks = toksAt(pos);
          pc = field("target");
        } else pc++;
        break;
      case "load":
      case "emb":
      case "mv":
      case "quant":
      case "softmax":
        if (field("last") === 0 || pos + toks >= host.promptLength) yield job(instruction.op, instruction);
        pc++;
        break;
    }
  }
}
