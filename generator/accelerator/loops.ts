/** The sequencer's loops and base registers. */
import { lit, mux, reg, select, uint, when, bool } from "../hdl/index.js";
import { tokBits } from "../engines/port.js";
import { type AcceleratorConfig, countBits, log2 } from "../isa/config.js";
import { BASE_BITS, BASE_REGISTERS, LOOP_DEPTH } from "../isa/instruction.js";
import { type Bits, type Bool, range } from "../units/signals.js";
import { TOKEN_BITS } from "../units/widths.js";

/** A stack of LOOP_DEPTH loops: rounds left, where the body begins, and the token of loops over tokens. */
export const loopStack = (c: AcceleratorConfig) => {
  const pcBits = log2(c.programInstructions);
  const depth = reg("loop_depth", uint(countBits(LOOP_DEPTH)));
  const levels = range(LOOP_DEPTH).map((i) => ({
    left: reg(`loop_${i}_left`, uint(TOKEN_BITS)),
    body: reg(`loop_${i}_body`, uint(pcBits)),
    ofToks: reg(`loop_${i}_of_toks`, bool),
    index: reg(`loop_${i}_index`, uint(tokBits(c))),
  }));
  const top = depth.subMod(1).as("loop_top");
  const inner: { left: Bits; body: Bits } = select(
    top.resize(log2(LOOP_DEPTH)),
    levels.map(({ left, body }) => ({ left, body })),
  );
  return {
    /** Token of the innermost loop over tokens. */
    tok: levels.reduce<Bits>(
      (outer, l, i) => mux(depth.gt(i).and(l.ofToks), l.index, outer),
      lit(uint(tokBits(c)), 0),
    ),
    clear: (): void => depth.set(0),
    enter: (count: Bits, body: Bits, ofToks: Bool): void => {
      depth.set(depth.addMod(1));
      for (const [i, l] of levels.entries())
        when(depth.eq(i), () => {
          l.left.set(count);
          l.body.set(body);
          l.ofToks.set(ofToks);
          l.index.set(0);
        });
    },
    /** END: once more through the body, or out of the loop. */
    end: (again: (body: Bits) => void): void => {
      for (const [i, l] of levels.entries())
        when(top.eq(i), () => {
          l.left.set(l.left.subMod(1));
          l.index.set(l.index.addMod(1));
        });
      when(
        inner.left.eq(1),
        () => depth.set(top),
        () => again(inner.body),
      );
    },
  };
};

/** Base registers, added to the offsets of operands; register 0 is 0. */
export const baseRegisters = () => {
  const bases = range(BASE_REGISTERS - 1).map((i) => reg(`base_${i + 1}`, uint(BASE_BITS)));
  return {
    plus: (offset: Bits, register: Bits) =>
      offset
        .extend(BASE_BITS)
        .addMod(select<Bits>(register, [lit(uint(BASE_BITS), 0), ...bases]))
        .wrap(BASE_BITS),
    clear: (): void => {
      for (const b of bases) b.set(0);
    },
    /** END: each by its increment. */
    step: (increments: readonly Bits[]): void => {
      for (const [i, b] of bases.entries()) b.set(b.addMod(increments[i] ?? 0));
    },
    /** BASE: those of the mask. */
    load: (mask: Bits, values: readonly Bits[]): void => {
      for (const [i, b] of bases.entries()) when(mask.bit(i + 1), () => b.set(values[i] ?? 0));
    },
  };
};
