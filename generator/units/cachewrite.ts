/** The writing side of the cache writer: per token of a head the scale byte, then the codes. */
import { bool, cat, enumReg, lit, match, mux, reg, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { codePipeline, vectorAddress, writePort } from "./cachecodes.js";
import { BUFFERS, type Filled } from "./cachefill.js";
import { placeOf, repeated } from "./cacheplace.js";
import { scaleSteps } from "./cachescale.js";
import { ADDRESS_BITS } from "./jobs.js";
import { tokWidth } from "./memories.js";
import type { Bits } from "./signals.js";
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
  const scale = scaleSteps(filled.peak(at.set, at.tok));
  const port = writePort(c);
  const codes = codePipeline(c, h.groups, (d) => filled.read(at.set, at.tok, d, port.move), scale);
  const stride = slots
    .add(BLOCK - 1)
    .shr(log2(BLOCK))
    .as("value_stride");
  const address = vectorAddress(h, at.slot, place, stride);
  const lastTok = at.tok.eq(h.toks.subMod(1));
  const scaleCode = cat(scale.x, scale.f);

  /** The code, or the whole group of codes, that has left the pipeline. */
  const putCode = (): void => {
    const group = codes.element.shr(log2(BLOCK));
    port.put(
      h.isValue.or(codes.endOfGroup),
      mux(h.isValue, address.row, address.row.addMod(group.extend(ADDRESS_BITS))),
      mux(h.isValue, repeated(c, codes.nibble), repeated(c, codes.row)),
      mux(h.isValue, place.valueMask(codes.element), place.keyMask),
    );
    when(h.isValue.and(place.beatEnds(codes.element)), address.next);
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
        state.go("codes");
      }),
    codes: () =>
      when(port.move, () => {
        codes.step();
        when(codes.valid, putCode);
        when(codes.last, () => {
          codes.stop();
          state.go("next");
        });
      }),
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
    code: { valid: state.is("codes").and(port.move).and(codes.valid).as("code_out"), code: codes.code },
    scaleByte: { valid: state.is("place"), data: scaleCode },
  };
};
