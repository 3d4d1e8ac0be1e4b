/** The accelerator's ports: host side, counters and traces. Shared with the wrappers around the memory port. */
import { bool, sint, type Ty, uint } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits, log2, rowBits } from "../isa/config.js";
import { INSTRUCTION_BITS, PROGRAM_WORD_BITS } from "../isa/instruction.js";
import { STREAM_COUNTERS, TRACE_POINTS, type TracePoint } from "../isa/trace.js";
import { SQUARES_BITS, TOKEN_BITS, TRACE_ROW_BITS } from "../units/widths.js";

/** Words of PROGRAM_WORD_BITS that make an instruction. */
export const INSTRUCTION_WORDS = INSTRUCTION_BITS / PROGRAM_WORD_BITS;
export const COUNTER_BITS = 32;

/** Performance counters: each cycle of the stream unit in exactly one, and the beats read from memory. */
export const COUNTER_NAMES = [...STREAM_COUNTERS, "beats"] as const;
export type Counter = (typeof COUNTER_NAMES)[number];
export const counterPorts = Object.fromEntries(COUNTER_NAMES.map((name) => [name, uint(COUNTER_BITS)])) as {
  [N in Counter]: Ty<"u", typeof COUNTER_BITS>;
};

type Fields<P extends TracePoint> = (typeof TRACE_POINTS)[P][number];
/** One record a cycle at most: `valid` and the fields of isa/trace.ts. */
export type TracePorts = {
  [P in TracePoint]: { readonly valid: Ty<"u", 1> } & {
    readonly [F in Fields<P> as F["name"]]: Ty<F["signed"] extends true ? "s" : "u", F["width"]>;
  };
};
export const tracePorts = Object.fromEntries(
  Object.entries(TRACE_POINTS).map(([point, fields]) => [
    point,
    {
      valid: bool,
      ...Object.fromEntries(fields.map((f) => [f.name, f.signed ? sint(f.width) : uint(f.width)])),
    },
  ]),
) as TracePorts;

/** Writes of the host, one word a cycle. */
export const programWrite = (c: AcceleratorConfig) => ({
  enable: bool,
  addr: uint(log2(c.programInstructions * INSTRUCTION_WORDS)),
  data: uint(PROGRAM_WORD_BITS),
});
export const tokenWrite = (c: AcceleratorConfig) => ({
  enable: bool,
  addr: uint(log2(c.context)),
  data: uint(rowBits(c)),
});
/** `beats`: size of the memory, a power of two. */
export const memoryLoad = (c: AcceleratorConfig, beats: number) => ({
  enable: bool,
  addr: uint(log2(beats)),
  data: uint(beatBits(c)),
});

/** Registers that the host sets before `start` and holds until `done`. */
export const hostRegisters = (c: AcceleratorConfig) => ({
  promptLength: uint(TOKEN_BITS),
  total: uint(TOKEN_BITS), // positions to run: prompt and what follows
  sinks: uint(log2(c.context) + 1), // slots of the cache that are kept
  window: uint(log2(c.context) + 1), // slots of the cache that go round
});
export const hostPorts = (c: AcceleratorConfig) => ({
  start: bool,
  promptLength: hostRegisters(c).promptLength,
  total: hostRegisters(c).total,
  epsilonSum: uint(SQUARES_BITS), // E of contract section 4
  sinks: hostRegisters(c).sinks,
  window: hostRegisters(c).window,
  program_write: programWrite(c),
  token_write: tokenWrite(c),
});
export const hostOutputs = {
  busy: bool,
  done: bool,
  saturated: bool, // something has saturated since reset
  token: { valid: bool, value: uint(TRACE_ROW_BITS) },
  counter: counterPorts,
  trace: tracePorts,
};
