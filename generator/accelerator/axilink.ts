/** What control and core say to each other when the accelerator lies behind AXI: both ways in order, through a FIFO. */
import { uint } from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { INSTRUCTION_BITS, PROGRAM_WORD_BITS } from "../isa/instruction.js";
import { TRACE_ROW_BITS } from "../units/widths.js";

/** Commands: writes to the token and the program memory, start, and a snapshot of the counters. */
export const COMMANDS = { token: 0, program: 1, start: 2, snapshot: 3 } as const;
export const programWords = (c: AcceleratorConfig): number =>
  (c.programInstructions * INSTRUCTION_BITS) / PROGRAM_WORD_BITS;
export const axiCommand = (c: AcceleratorConfig) => ({
  kind: uint(2),
  addr: uint<number>(Math.max(log2(c.context), log2(programWords(c)))),
  data: uint(PROGRAM_WORD_BITS),
});

/** Events: a token was chosen, the run is over, the counters are there. */
export const EVENTS = { token: 0, finished: 1, snapshot: 2 } as const;
export const axiEvent = { kind: uint(2), token: uint(TRACE_ROW_BITS) };

export const COUNT_BITS = 64;
