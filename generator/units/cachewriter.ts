/** Cache writer: K and V heads to 4-bit (or 8- or 3-bit) codes and a scale byte, written to memory. Contract section 5, layout in isa/README.md. */
import {
  assertAlways,
  bool,
  defineModule,
  lit,
  mux,
  type Of,
  reg,
  sint,
  source,
  type Stream,
  stream,
  uint,
  vec,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, countBits, log2, where } from "../isa/config.js";
import { EPILOGUES } from "../isa/instruction.js";
import { BUFFERS, fillSide } from "./cachefill.js";
import { SCALE_F_BITS, SCALE_X_BITS, TRACE_CODE_BITS } from "./cachescale.js";
import { memoryWrite } from "./cachecodes.js";
import { writeSide } from "./cachewrite.js";
import { queue } from "../library/fifo.js";
import { constantWrite } from "./constants.js";
import { cacheJob, cacheValue, valueTrace } from "./epilogueports.js";
import { keyNormConstants } from "./normconstants.js";
import { headSquares } from "./projection.js";
import type { Bool } from "./signals.js";
import { squares } from "./squares.js";
import { TRACE_KIND_BITS, TRACE_ROW_BITS, TRACE_TOK_BITS, VALUE_BITS } from "./widths.js";

export { memoryWrite };

/** Heads that are reserved or under way. */
const reservations = (start: Bool, done: Bool): { free: Bool; none: Bool } => {
  const reserved = reg("reserved", uint(countBits(BUFFERS)), { reset: 0 });
  when(start.and(done.not()), () => reserved.set(reserved.addMod(1)));
  when(done.and(start.not()), () => reserved.set(reserved.subMod(1)));
  return { free: reserved.lt(BUFFERS).as("free_q"), none: reserved.eq(0) };
};

/** Keys of two heads wait at most, and of as many tokens; a few more fit. */
const squaresOfHeads = (c: AcceleratorConfig, key: Of<typeof headSquares>): Stream<typeof squares> => {
  const sums = source(squares, key.squares, key.valid, "head_squares");
  assertAlways("key_squares", key.valid.not().or(sums.ready), "sums of squares of keys are never lost");
  return queue("u_squares", squares, sums, 2 * BUFFERS * c.tokens);
};

/**
 * int24 values of a head, element by element, one a cycle; `start` with the first, only when `free`. While one head fills, the
 * other is written: per token a scale byte, then 4-bit codes, one a cycle: keys 32 to a write, values a nibble each (V^T).
 * A head and some ten cycles a token from its last value to its last write; `written` when a job's last write was taken.
 * Contract section 5; nibble writes as memory.ts takes them.
 */
export const cacheWriter = (c: AcceleratorConfig) => {
  const slotCount = uint(log2(c.context) + 1);
  const kind = uint(TRACE_KIND_BITS);
  return defineModule(
    "cache_writer",
    {
      in: {
        x: cacheValue(c),
        start: bool,
        job: cacheJob(c),
        sinks: slotCount,
        slots: slotCount, // allocated slots: sinks + window
        norm: vec(
          { key: headSquares, constants: keyNormConstants, mean: constantWrite(c) },
          where(c.features.qkNorm),
        ),
      },
      out: {
        free: bool,
        write: stream(memoryWrite(c)),
        written: bool,
        idle: bool,
        saturated: bool,
        trace: {
          code: { valid: bool, code: sint(TRACE_CODE_BITS), kind },
          cachescale: { valid: bool, data: uint(SCALE_X_BITS + SCALE_F_BITS), kind },
        },
        values: vec(valueTrace, where(c.features.qkNorm)), // trace of what becomes codes
      },
      doc: "Cache writer: K and V to int4 with a scale per head and token (contract section 5).",
    },
    ({ x, start, job, sinks, slots, norm }) => {
      const filled = fillSide(c, x, start, job);
      const [withNorm] = norm.map(({ key, constants, mean }) => ({
        squares: squaresOfHeads(c, key),
        constants,
        load: mean,
      }));
      const written = writeSide(c, filled, sinks, slots, withNorm);
      const { free, none } = reservations(start, written.headDone);
      const kindOf = mux(written.isValue, lit(kind, EPILOGUES.indexOf("value")), EPILOGUES.indexOf("key")).as(
        "kind",
      );
      return {
        free,
        write: written.write,
        written: written.jobDone,
        idle: none,
        saturated: written.saturated,
        trace: {
          code: { ...written.code, kind: kindOf },
          cachescale: { ...written.scaleByte, kind: kindOf },
        },
        values: filled.heads.payload.row.map((row) => ({
          valid: written.value.valid,
          value: written.value.value.resize(VALUE_BITS),
          kind: kindOf,
          tok: written.value.tok.resize(TRACE_TOK_BITS),
          row: row.resize(TRACE_ROW_BITS).addMod(written.value.element.resize(TRACE_ROW_BITS)),
        })),
      };
    },
  );
};
