/** Sequencer: runs loops, base registers and batches, and hands every other instruction to the unit queues. */
import {
  bool,
  cat,
  defineModule,
  enumReg,
  match,
  Mem,
  mux,
  type Of,
  reg,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, countBits, log2 } from "../isa/config.js";
import { PROGRAM_WORD_BITS } from "../isa/instruction.js";
import { fetchJob, quantJob, resultJob, softmaxJob, streamJob } from "../units/jobs.js";
import { type Bits, type Bool, range } from "../units/signals.js";
import { TOKEN_BITS } from "../units/widths.js";
import { batchOf } from "./batch.js";
import { incrementsOf, operationOf } from "./decode.js";
import { baseRegisters, loopStack } from "./loops.js";
import { offersOf } from "./offers.js";
import { fieldsOf, operandsOf } from "./operands.js";
import { hostRegisters, INSTRUCTION_WORDS, programWrite } from "./ports.js";

/** Program memory, program counter and the instruction, which is read word by word. */
const program = (c: AcceleratorConfig, write: Of<ReturnType<typeof programWrite>>) => {
  const words = new Mem("program", uint(PROGRAM_WORD_BITS), c.programInstructions * INSTRUCTION_WORDS, {
    readDuringWrite: "old",
    style: "block",
  });
  words.write(write.enable, write.addr, write.data);
  const pc = reg("pc", uint(log2(c.programInstructions)));
  const word = reg("word_index", uint(countBits(INSTRUCTION_WORDS)));
  const address = cat(pc, word.slice(log2(INSTRUCTION_WORDS) - 1, 0)).as("program_address");
  const read = words.read(address);
  const parts = range(INSTRUCTION_WORDS).map((i) => reg(`instruction_${i}`, uint(PROGRAM_WORD_BITS)));
  return {
    instruction: cat(...[...parts].reverse()),
    following: pc.addMod(1),
    jump: (to: Bits): void => {
      pc.set(to.resize(pc.width));
      word.set(0);
    },
    jumpToStart: (): void => {
      pc.set(0);
      word.set(0);
    },
    /** The word read in the last cycle; true when it was the last. */
    takeWord: (): Bool => {
      word.set(word.addMod(1));
      for (const [i, part] of parts.entries()) when(word.eq(i + 1), () => part.set(read));
      return word.eq(INSTRUCTION_WORDS);
    },
  };
};

/**
 * Reads an instruction in five cycles, executes it in one (isa/README.md) and offers a job to the queues of the units that it
 * is for; units wait for semaphores, so this runs ahead of them. `done` from HALT, when every unit is `idle`, to the next
 * `start`. Batches, loops and base registers are as isa/instruction.ts has them; slots of the ring by contract section 5.
 */
export const sequencer = (c: AcceleratorConfig) =>
  defineModule(
    "sequencer",
    {
      in: {
        start: bool,
        host: hostRegisters(c),
        idle: bool, // every unit has finished what it was given
        program: programWrite(c),
      },
      out: {
        fetch: stream(fetchJob(c)),
        stream: stream(streamJob(c)),
        result: stream(resultJob(c)),
        quant: stream(quantJob(c)),
        softmax: stream(softmaxJob(c)),
        busy: bool,
        done: bool,
      },
      doc: "Sequencer: program to jobs (instruction set: generator/isa).",
    },
    ({ start, host, idle, program: write }) => {
      const code = program(c, write);
      const f = fieldsOf(code.instruction);
      const is = operationOf(f("op"));
      const batch = batchOf(c, host);
      const loops = loopStack(c);
      const bases = baseRegisters();
      const operands = operandsOf(c, f, is.mv, batch, loops, bases);
      const jobs = offersOf(c, f, operands, is);
      const increments = incrementsOf(code.instruction);
      const skipped = f("last").and(batch.after.lt(host.promptLength)).as("skipped");

      const state = enumReg("state", ["idle", "fetch", "execute", "offer", "halt"]);
      const done = reg("done_q", bool, { reset: 0 });
      const loop = (): void => {
        const count = mux(f("countFrom"), batch.toks.resize(TOKEN_BITS), f("count")).as("loop_count");
        when(
          count.eq(0),
          () => code.jump(f("target")),
          () => loops.enter(count, code.following, f("countFrom")),
        );
      };
      const execute = (): void => {
        code.jump(code.following);
        state.go("fetch");
        when(is.halt, () => state.go("halt"));
        when(is.loop, loop);
        when(is.end, () => {
          bases.step(increments);
          loops.end(code.jump);
        });
        when(is.base, () => bases.load(f("baseMask"), increments));
        when(is.next, () => {
          batch.next();
          when(batch.after.lt(host.total), () => code.jump(f("target")));
        });
        when(jobs.isJob.and(skipped.not()), () => {
          jobs.offer();
          state.go("offer");
        });
      };
      match(state, {
        idle: () =>
          when(start, () => {
            done.set(0);
            batch.start();
            loops.clear();
            bases.clear();
            code.jumpToStart();
            state.go("fetch");
          }),
        fetch: () => when(code.takeWord(), () => state.go("execute")),
        execute,
        offer: () => when(jobs.allTaken, () => state.go("fetch")), // pc went on in execute
        halt: () =>
          when(idle, () => {
            done.set(1);
            state.go("idle");
          }),
      });
      return { ...jobs.streams, busy: state.is("idle").not(), done };
    },
  );
