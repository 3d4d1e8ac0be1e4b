/** Constant RAMs: gains, K means and RoPE increments, written a whole beat at a time, read an element at a time. */
import { bool, defineModule, delay, Mem, select, type Sig, uint } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits, log2 } from "../isa/config.js";
import { loadBeatBits } from "./stream.js";

/** `entries` elements of `width` bits, `stride` bits apart; the element appears one cycle after its index. */
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
      in: {
        write: { enable: bool, beat: uint(loadBeatBits(c)), data: uint(beatBits(c)) },
        index: uint(log2(entries)),
      },
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
      const word = index.width > low ? index.shr(low).resize(log2(words)) : index.wrap(1);
      const beat = beats.read(word as Sig<"u", number>) as Sig<"u", number>;
      const which = delay(index.wrap(Math.max(1, low)), 1, "which");
      return {
        element: select(
          which,
          Array.from(
            { length: perBeat },
            (_, i) => beat.slice(i * stride + width - 1, i * stride) as Sig<"u", number>,
          ),
        ),
      };
    },
  );
};
