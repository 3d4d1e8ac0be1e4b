/** Program ROM, program counter, return addresses and loop counters. Field semantics: README.md of the room, `seq`. */
import { bool, defineModule, lit, Mem, mux, reg, type Reg, select, uint, when } from "../../hdl/index.js";
import { CALL_DEPTH, PROGRAM, TARGET_BITS, WORD_BITS } from "../machine.js";
import { type Bits, type Bool, field, has, numberOf, range } from "./fields.js";

const COUNTER_BITS = 10;
const COUNTERS = 4;

/**
 * The ROM reads the next address, so its output register is the instruction register. `running` is 0 in the first cycle after reset, in which
 * the word at address 0 is on its way: what leaves the machine must not happen in it.
 */
export const sequencer = (program: readonly bigint[]) =>
  defineModule(
    "sequencer",
    {
      in: {
        seq: field("seq"),
        misc: field("misc"),
        target: uint<number>(TARGET_BITS),
        value: uint(COUNTER_BITS),
        overflow: bool,
        r: uint(32),
        token: bool,
        wanted: bool,
      },
      out: { word: uint<number>(WORD_BITS), running: bool },
      doc: "Sequencer: program ROM, program counter, four return addresses, four loop counters.",
    },
    ({ seq, misc, target, value, overflow, r, token, wanted }) => {
      const rom = new Mem("program", uint<number>(WORD_BITS), PROGRAM, {
        readDuringWrite: "old",
        style: "block",
        contents: program,
      });
      const running = reg("running_q", bool, { reset: 0 });
      running.set(lit(bool, 1));

      const counters = range(COUNTERS).map((k) => reg(`c${k}`, uint(COUNTER_BITS)));
      const loops = range(COUNTERS).map((k) =>
        has("seq", seq, (["loop0", "loop1", "loop2", "loop3"] as const)[k]!),
      );
      const loads = range(COUNTERS).map((k) =>
        has(
          "misc",
          misc,
          (["c0=imm", "c1=imm", "c2=imm", "c3=imm"] as const)[k]!,
          (["c0=r", "c1=r", "c2=r", "c3=r"] as const)[k]!,
        ),
      );
      const first = numberOf("seq", "loop0");
      const counter = select(
        seq,
        counters.slice(0, -1).map((c, k): [number, Bits] => [first + k, c]),
        counters.at(-1)! as Bits,
      ).as("counter");
      const again = counter.ne(1);
      const less = counter.subMod(1);
      for (const [k, c] of counters.entries()) {
        when(loops[k]!.or(loads[k]!), () => c.set(mux(loads[k]!, value, less)));
      }

      const pc = reg("pc", uint<number>(TARGET_BITS));
      const stack = range(CALL_DEPTH).map((i) => reg(`stack_${i}`, uint<number>(TARGET_BITS)));
      const following = pc.addMod(1).as("following");
      const call = has("seq", seq, "call");
      const ret = has("seq", seq, "ret");
      pushAndPop(stack, following, call, ret);

      const looping = loops.reduce((a, b) => a.or(b)).as("looping");
      const jumps = [
        has("seq", seq, "jump", "call"),
        looping.and(again),
        has("seq", seq, "overflow").and(overflow),
        has("seq", seq, "negative").and(r.bit(31)),
        has("seq", seq, "zero").and(r.orR().not()),
        has("seq", seq, "unwanted").and(wanted.not()),
      ]
        .reduce((a, b) => a.or(b))
        .as("jumps");
      const stays = has("seq", seq, "wait").and(token.not()).as("stays");
      const onward = mux(jumps, target, mux(ret, stack[0]!, mux(stays, pc, following)));
      const next = mux(running, onward, 0).as("next");
      pc.set(next);
      return { word: rom.read(next), running };
    },
  );

const pushAndPop = (stack: readonly Reg<"u", number>[], following: Bits, call: Bool, ret: Bool): void =>
  when(call.or(ret), () => {
    for (const [i, entry] of stack.entries())
      entry.set(mux(call, stack[i - 1] ?? following, stack[i + 1] ?? entry));
  });
