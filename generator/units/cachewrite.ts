/** The writing side of the cache writer: per token of a head the scale byte, then the codes. */
import { allOf, bool, cat, enumReg, lit, match, mux, type Of, reg, uint, when, wire } from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { codePipeline, vectorAddress, writePort } from "./cachecodes.js";
import { BUFFERS, type Filled, type head } from "./cachefill.js";
import { placeOf, repeated } from "./cacheplace.js";
import { scaleSteps, TRACE_CODE_BITS } from "./cachescale.js";
import { ADDRESS_BITS } from "./jobs.js";
import { tokWidth } from "./memories.js";
import { keyNorm, type NormOfKeys } from "./keynorm.js";
import { type Bits, bitIf, type Bool } from "./signals.js";
import { BLOCK } from "./widths.js";

/** The norm of the head at hand's keys, where they may have one. */
const keyNormOf = (
  c: AcceleratorConfig,
  { isValue, normed: [normed], row: [row] }: Of<ReturnType<typeof head>>,
  norm: NormOfKeys,
  moves: Bool,
) =>
  normed === undefined || row === undefined ? undefined : keyNorm(c, { isValue, normed, row }, norm, moves);

/** What the writing side works on: a token of the oldest full buffer. */
const cursor = (c: AcceleratorConfig, sinks: Bits, slots: Bits) => {
  const set = reg("set", uint(log2(BUFFERS)), { reset: 0 });
  const tok = reg("tok", uint(tokWidth(c)));
  const slot = reg("slot", uint(log2(c.context)));
  return {
    set,
    tok,
    slot,
    start: (first: Bits): void => {
      tok.set(0);
      slot.set(first);
    },
    /** The next token goes to the next slot of the ring. */
    nextToken: (): void => {
      tok.set(tok.addMod(1));
      const following = slot.extend(slot.width + 1).addMod(1);
      slot.set(mux(following.eq(slots), sinks, following).resize(slot.width));
    },
    nextHead: (): void => set.set(set.not()),
  };
};

const STATES = ["idle", "scale", "byte", "place", "scale_write", "codes", "next"] as const;
/** Before `scale`, for keys that may have a norm. */
const NORM_STATES = ["root", "measure"] as const;
type State = (typeof STATES)[number] | (typeof NORM_STATES)[number];

/**
 * Writes one full buffer after the other; `headDone` when the last code of a head has been taken. With `norm` keys are read
 * twice, through their norm and mean: for the largest magnitude, then for the codes.
 */
export const writeSide = (
  c: AcceleratorConfig,
  filled: Filled,
  sinks: Bits,
  slots: Bits,
  norm: NormOfKeys | undefined,
) => {
  const states: readonly State[] = norm === undefined ? STATES : [...STATES, ...NORM_STATES];
  const state = enumReg("state", states);
  const h = filled.heads.payload;
  const at = cursor(c, sinks, slots);
  const place = placeOf(c, at.slot);
  const keysMove = norm && wire("keys_move", bool);
  const keys = norm && keysMove && keyNormOf(c, h, norm, keysMove);
  const peak = filled.peak(at.set, at.tok);
  const scale = scaleSteps(keys === undefined ? peak : mux(h.isValue, peak, keys.peak), h);
  const port = writePort(c);
  // 8-bit codes take two writes where 4-bit ones take one: the high digits first, while the pipeline stands
  const moves = wire("codes_move", bool);
  keysMove?.drive(moves);
  const codes = codePipeline(c, h, (d) => filled.read(at.set, at.tok, d, moves), scale, keys?.stages);
  const lowTurn = bitIf(c.features.cache8, "low_turn");
  const puts = codes.valid.and(h.isValue.or(codes.endOfGroup));
  const holds = allOf([puts, lowTurn.is.not(), ...h.eight]).and(lit(bool, c.features.cache8 ? 1 : 0));
  const writes = port.move.and(holds.not());
  moves.drive(keys === undefined ? writes : writes.or(state.is("measure")));
  const stride = slots
    .add(BLOCK - 1)
    .shr(log2(BLOCK))
    .as("value_stride");
  const address = vectorAddress(h, at.slot, place, stride);
  const lastTok = at.tok.eq(h.toks.subMod(1));
  const scaleCode = cat(scale.x, scale.f);

  /** A digit of the code, or of the whole group of codes, that has left the pipeline. */
  const putDigit = ({ nibble, row }: typeof codes.low, further: Bits): void =>
    port.put(
      h.isValue.or(codes.endOfGroup),
      mux(h.isValue, address.row, address.ofGroup(codes.element)).addMod(further.extend(ADDRESS_BITS)),
      mux(h.isValue, repeated(c, nibble), repeated(c, row)),
      mux(h.isValue, place.valueMask(codes.element), place.keyMask),
    );
  const putCode = (): void => {
    putDigit(codes.low, lowTurn.is);
    when(h.isValue.and(place.beatEnds(codes.element)), address.next);
  };
  /** A token's vector: keys are measured first where they may have a norm. */
  const beginToken = (): void => {
    const measure = (): void => {
      keys?.clear();
      codes.start();
      state.go("measure");
    };
    state.go("scale");
    if (keys === undefined) return;
    when(h.isValue.not(), () =>
      when(
        keys.normed,
        () => {
          keys.start();
          state.go("root");
        },
        measure,
      ),
    );
  };
  const putHigh = (): void => {
    if (codes.high !== undefined) putDigit(codes.high, lit(bool, 0));
    lowTurn.set(lit(bool, 1));
  };
  match(state, {
    idle: () =>
      when(filled.full(at.set).and(filled.heads.valid), () => {
        at.start(h.slot);
        beginToken();
      }),
    scale: () => {
      scale.scale();
      state.go("byte");
    },
    byte: () => {
      scale.byte();
      address.setUnit();
      state.go("place");
    },
    place: () => {
      scale.invert();
      address.setRow();
      state.go("scale_write");
    },
    scale_write: () =>
      when(port.move, () => {
        port.put(lit(bool, 1), address.unit, repeated(c, scaleCode), place.scaleMask(h.isValue));
        codes.start();
        lowTurn.set(lit(bool, 0));
        state.go("codes");
      }),
    codes: () =>
      when(port.move, () =>
        when(holds, putHigh, () => {
          codes.step();
          lowTurn.set(lit(bool, 0));
          when(codes.valid, putCode);
          when(codes.last, () => {
            codes.stop();
            state.go("next");
          });
        }),
      ),
    next: () =>
      when(port.move, () =>
        when(
          lastTok.not(),
          () => {
            at.nextToken();
            beginToken();
          },
          () => {
            filled.release(at.set);
            at.nextHead();
            state.go("idle");
          },
        ),
      ),
    root: () =>
      when(keys?.rooted ?? lit(bool, 0), () => {
        keys?.clear();
        codes.start();
        state.go("measure");
      }),
    measure: () => {
      keys?.measure(codes.ready);
      codes.step();
      when(codes.last, () => {
        codes.stop();
        state.go("scale");
      });
    },
  });
  const headDone = state.is("next").and(port.move).and(lastTok).as("head_done");
  filled.heads.consume(headDone);
  return {
    write: port.write,
    headDone,
    jobDone: headDone.and(filled.jobEnds(at.set)),
    saturated: keys === undefined ? scale.saturated : scale.saturated.or(keys.saturated),
    /** What is made a code, for the trace. */
    value: {
      valid: state.is("codes").and(moves).and(codes.ready.valid),
      value: codes.ready.value,
      element: codes.ready.element,
      tok: at.tok,
    },
    isValue: h.isValue,
    code: {
      valid: state.is("codes").and(moves).and(codes.valid).as("code_out"),
      code: codes.code.resize(TRACE_CODE_BITS),
    },
    scaleByte: { valid: state.is("place"), data: scaleCode },
  };
};
