/** Constant RAMs: gains, K means and RoPE increments, written a whole beat at a time, read an element at a time. */
import { bool, defineModule, delay, lit, Mem, type Of, select, uint } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits, log2 } from "../isa/config.js";
import { CONSTANT_RAMS, type ConstantRam } from "../isa/instruction.js";
import { range } from "./signals.js";
import { type constantLoad, loadBeatBits } from "./stream.js";

export const constantWrite = (c: AcceleratorConfig) => ({
  enable: bool,
  beat: uint(loadBeatBits(c)),
  data: uint(beatBits(c)),
});
export type ConstantWrite = Of<ReturnType<typeof constantWrite>>;

/** The writes of a LOAD that are for one of the RAMs. */
export const writesOf = (load: Of<ReturnType<typeof constantLoad>>, ram: ConstantRam): ConstantWrite => ({
  enable: load.enable.and(load.ram.eq(CONSTANT_RAMS.indexOf(ram))),
  beat: load.beat,
  data: load.data,
});

/**
 * `entries` elements of `width` bits, `stride` bits apart in the beats of a LOAD (isa/README.md); the element appears one
 * cycle after its index. The gains of contract section 2, the K means and RoPE increments of section 5.
 */
export const constantRam = (
  c: AcceleratorConfig,
  name: string,
  entries: number,
  width: number,
  stride: number,
) => {
  const perBeat = beatBits(c) / stride;
  const words = Math.max(2, entries / perBeat);
  return defineModule(
    `${name}_ram`,
    {
      in: { write: constantWrite(c), index: uint(log2(entries)) },
      out: { element: uint(width) },
      doc: `Constant RAM: ${entries} elements of ${width} bits.`,
    },
    ({ write, index }) => {
      const low = log2(perBeat);
      const beats = new Mem("beats", uint(beatBits(c)), words, {
        readDuringWrite: "old",
        style: "distributed",
      });
      beats.write(write.enable, write.beat.resize(log2(words)), write.data);
      const word = index.width > low ? index.shr(low).resize(log2(words)) : lit(uint(1), 0);
      const beat = beats.read(word);
      const which = delay(index.resize(Math.max(1, low)), 1, "which");
      return {
        element: select(
          which,
          range(perBeat).map((i) => beat.slice(i * stride + width - 1, i * stride)),
        ),
      };
    },
  );
};
