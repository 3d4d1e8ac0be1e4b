/** RoPE: pairs of results rotated by position·increment. Contract section 5. */
import { SINE } from "../../golden/contract/tables.js";
import {
  bool,
  defineModule,
  delay,
  delayValid,
  Mem,
  mux,
  reg,
  select,
  type Sig,
  sint,
  uint,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { tokWidth } from "./memories.js";

/** Cycles from a pair's second element to the rotated second element; the first comes one cycle earlier. */
export const ROPE_LATENCY = 7;
type U = Sig<"u", number>;
type S = Sig<"s", number>;

/**
 * Takes rows in order, even then odd for each token; at least one cycle must lie between two odd rows. Both elements of
 * the rotated pair come out: the even row ROPE_LATENCY - 1 and the odd row ROPE_LATENCY cycles after the odd one went in.
 */
export const rope = (c: AcceleratorConfig) =>
  defineModule(
    "rope",
    {
      in: {
        x: {
          valid: bool,
          value: sint(24),
          odd: bool,
          tok: uint(tokWidth(c)),
          pair: uint(log2(c.ropeEntries)),
          position: uint(16),
        },
        increment: uint(32), // RoPE RAM at `pair`, one cycle later
      },
      out: { pair: uint(log2(c.ropeEntries)), even: bool, odd: bool, value: sint(24), saturated: bool },
      doc: "RoPE: rotates pairs by position times increment (contract section 5).",
    },
    ({ x, increment }) => {
      // The even element waits for its partner, per token.
      const firsts = Array.from({ length: c.tokens }, (_, t) => {
        const first = reg(`first_${t}`, sint(24));
        when(x.valid.and(x.odd.not()).and(x.tok.eq(t)), () => first.set(x.value));
        return first as S;
      });
      const first = firsts.length === 1 ? firsts[0]! : select(x.tok, firsts);
      const start = x.valid.and(x.odd).as("start");
      const valid = [
        start as Sig<"u", 1>,
        ...Array.from({ length: ROPE_LATENCY }, (_, i) => delayValid(start, i + 1, "start")),
      ];

      // 1: increment; 2: phase; 3: sine table; 4: sine and cosine; 5: products of the even element; 6: of the odd; 7
      const position = delay(x.position, 1, "position");
      const phase = delay(increment.mul(position).wrap(32), 1, "phase") as U;
      const table = (name: string, at: (i: number) => number): Mem<ReturnType<typeof uint<number>>> =>
        new Mem(name, uint(15), 256, {
          contents: Array.from({ length: 256 }, (_, i) => at(i)),
          style: "block",
        });
      const wave = (name: string, angle: U): S => {
        const odd = angle.bit(30);
        const low = angle.slice(29, 14) as U;
        const p = mux(odd, low.not(), low).as(`${name}_phase`) as U;
        const index = p.slice(15, 8) as U;
        const here = table(`${name}_table`, (i) => SINE[i]!).read(index) as U;
        const next = table(`${name}_next`, (i) => SINE[i + 1]!).read(index) as U;
        const fraction = delay(p.slice(7, 0) as U, 1, `${name}_fraction`);
        const slope = next.sub(here).as(`${name}_slope`) as S;
        const magnitude = here.toSigned().add(slope.mul(fraction.toSigned()).roundShr(8)).wrap(16) as S;
        const negative = delay(angle.bit(31), 1, `${name}_negative`);
        return delay(mux(negative, magnitude.neg().wrap(16), magnitude), 1, name) as S;
      };
      const sine = wave("sine", phase);
      const cosine = wave("cosine", phase.addMod(2 ** 30));
      // age 4 for the even element; the odd one uses the same pair a cycle later
      const a4 = delay(first, 4, "a") as S;
      const b4 = delay(x.value, 4, "b") as S;
      const [a5, b5, sine5, cosine5] = [
        delay(a4, 1, "a5"),
        delay(b4, 1, "b5"),
        delay(sine, 1, "sine5"),
        delay(cosine, 1, "cosine5"),
      ];
      // first even: a·cos - b·sin; then odd: a·sin + b·cos
      const second = valid[5]!;
      const left = mux(second, a5.mul(sine5), a4.mul(cosine)).as("left") as S;
      const right = mux(second, b5.mul(cosine5), b4.mul(sine)).as("right") as S;
      const sum = delay(mux(second, left.add(right), left.sub(right)), 1, "rotated") as S;
      const rounded = sum.roundShr(14).as("rounded") as S;
      const out = rounded.sat(24);
      const value = delay(out, 1, "value_q") as S;
      const even = valid[ROPE_LATENCY - 1]!;
      const odd = valid[ROPE_LATENCY]!;
      const clipped = delay(rounded.ne(out), 1, "clipped");
      return { pair: x.pair, even, odd, value, saturated: clipped.and(even.or(odd)) } as never;
    },
  );
