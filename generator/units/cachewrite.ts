/** The writing side of the cache writer: per token of a head the scale byte, then the codes. */
import { allOf, bool, cat, enumReg, lit, match, mux, reg, uint, when, wire } from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { codePipeline, vectorAddress, writePort } from "./cachecodes.js";
import { BUFFERS, type Filled } from "./cachefill.js";
import { placeOf, repeated } from "./cacheplace.js";
import { scaleSteps, TRACE_CODE_BITS } from "./cachescale.js";
import { ADDRESS_BITS } from "./jobs.js";
import { tokWidth } from "./memories.js";
import { type Bits, bitIf } from "./signals.js";
import { BLOCK } from "./widths.js";

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

/** Writes one full buffer after the other; `headDone` when the last code of a head has been taken. */
export const writeSide = (c: AcceleratorConfig, filled: Filled, sinks: Bits, slots: Bits) => {
  const state = enumReg("state", ["idle", "scale", "byte", "place", "scale_write", "codes", "next"]);
  const h = filled.heads.payload;
  const at = cursor(c, sinks, slots);
  const place = placeOf(c, at.slot);
  const scale = scaleSteps(filled.peak(at.set, at.tok), h);
  const port = writePort(c);
  // 8-bit codes take two writes where 4-bit ones take one: the high digits first, while the pipeline stands
  const moves = wire("codes_move", bool);
  const codes = codePipeline(c, h, (d) => filled.read(at.set, at.tok, d, moves), scale);
  const lowTurn = bitIf(c.features.cache8, "low_turn");
  const puts = codes.valid.and(h.isValue.or(codes.endOfGroup));
  const holds = allOf([puts, lowTurn.is.not(), ...h.eight]).and(lit(bool, c.features.cache8 ? 1 : 0));
  moves.drive(port.move.and(holds.not()));
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
  const putHigh = (): void => {
    if (codes.high !== undefined) putDigit(codes.high, lit(bool, 0));
    lowTurn.set(lit(bool, 1));
  };
  match(state, {
    idle: () =>
      when(filled.full(at.set).and(filled.heads.valid), () => {
        at.start(h.slot);
        state.go("scale");
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
            state.go("scale");
          },
          () => {
            filled.release(at.set);
            at.nextHead();
            state.go("idle");
          },
        ),
      ),
  });
  const headDone = state.is("next").and(port.move).and(lastTok).as("head_done");
  filled.heads.consume(headDone);
  return {
    write: port.write,
    headDone,
    jobDone: headDone.and(filled.jobEnds(at.set)),
    saturated: scale.saturated,
    isValue: h.isValue,
    code: {
      valid: state.is("codes").and(moves).and(codes.valid).as("code_out"),
      code: codes.code.resize(TRACE_CODE_BITS),
    },
    scaleByte: { valid: state.is("place"), data: scaleCode },
  };
};
