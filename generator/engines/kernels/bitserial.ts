/**
 * Bit-serial weights: BitMoD (HPCA 2025, arXiv 2411.11745), bit-serial PE. One plane of the digit f = 2·f1 + f0 a cycle, the
 * high one first, over one adder tree: a lane is an AND gate, and the sum so far is doubled when the next plane joins. Two
 * cycles a beat. The high plane starts at -Σa, since u = f - 2.
 */
import { bool, defineModule, lit, mux, reg, sint, source, sum, vec, when } from "../../hdl/index.js";
import { lanes } from "../../isa/config.js";
import { activationSum, digit, fours, groupSums, range } from "../digits.js";
import { engineGroups, FAMILIES, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, engineBeat, GROUP } from "../port.js";

const PLANES = 2;
const DOT = sint(14); // |Σ u·a| <= 32·127·2, and -128 would fit

export const bitSerial: Kernel = {
  name: "bit-serial",
  title: "one weight plane a cycle over one adder tree",
  source: "BitMoD, HPCA 2025, arXiv 2411.11745: bit-serial PE",
  codes: ["w2", "w4", "ternary"],
  families: FAMILIES,
  exactness: () => ({ depth: GROUP, reason: "every adder is as wide as its sum", minus128: "refused" }),
  cyclesPerBeat: () => PLANES,
  build: (c) => {
    checkKernelRows(c);
    const { weights: _w, act: _a, ...along } = engineBeat(c);
    const dotsShape = { ...along, low: bool, dots: vec(DOT, c.rows), all: DOT };
    return defineModule(
      `bit_serial_kernel_${lanes(c)}`,
      { ...kernelPorts(c), doc: `Bit-serial: ${c.rows} rows of ${GROUP} AND gates and one adder tree each.` },
      ({ beat }) => {
        // every beat twice: its high plane, then its low one
        const low = reg("low", bool, { reset: 0 });
        const plane = source({ ...engineBeat(c), low: bool }, { ...beat.payload, low }, beat.valid, "plane");
        beat.consume(plane.ready.and(low));
        when(plane.fire, () => low.set(low.not()));

        const dots = plane.pipe(dotsShape, ({ weights, act, ...p }, cut) => {
          const bits = range(c.rows).map((r) =>
            range(GROUP).map((i) =>
              cut(mux(p.low, digit(c, weights, r, i).bit(0), digit(c, weights, r, i).bit(1))),
            ),
          );
          const a = act.map((x, i) => cut(x.as(`act_${i}`)));
          return {
            ...p,
            all: activationSum(a, cut).resize(DOT.width),
            dots: bits.map((row, r) => {
              const ands = row.map((bit, i) => mux(bit, a[i]!, lit(sint(8), 0)));
              const dot4 = fours(ands).map((s, i) => cut(s.as(`dot4_${r}_${i}`)));
              const dot16 = fours(dot4).map((s, i) => cut(s.as(`dot16_${r}_${i}`)));
              return sum(dot16).resize(DOT.width).as(`dot_${r}`);
            }),
          };
        });

        const { dots: sums, all } = dots.payload;
        const high = range(c.rows).map((r) => reg(`high_${r}`, DOT));
        const whole = sums.map((s, r) => high[r]!.shl(1).addMod(s).wrap(DOT.width).as(`whole_${r}`));
        const beats = source(
          dotsShape,
          { ...dots.payload, dots: whole },
          dots.valid.and(dots.payload.low),
          "beats",
        );
        const taken = dots.consume(beats.ready.or(dots.payload.low.not()));
        when(taken, () => {
          for (const [r, h] of high.entries()) h.set(sums[r]!.sub(all).wrap(DOT.width));
        });
        return {
          groups: beats.pipe(engineGroups(c), ({ code, low: _, dots, all, ...along }, cut) => ({
            ...along,
            groups: cut(groupSums(code, dots, all)),
          })),
        };
      },
    );
  },
};
