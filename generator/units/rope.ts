/** RoPE: pairs of results rotated by position·increment. Contract section 5. */
import { SINE } from "../../golden/contract/tables.js";
import { bool, defineModule, delay, Mem, mux, reg, sint, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, countBits, log2 } from "../isa/config.js";
import { tokWidth } from "./memories.js";
import { type Bits, type Bool, type Int, ofToken, past, pastValid, range } from "./signals.js";
import { TOKEN_BITS, VALUE_BITS } from "./widths.js";

/** Cycles from a pair's second element to the rotated second element; the first comes one cycle earlier. */
export const ROPE_LATENCY = 7;
/** Cycles from a pair's second element to its sine and cosine. */
const WAVE_LATENCY = 4;

/** A phase is a fraction of a turn. */
const PHASE_BITS = 32;
const QUARTER_TURN = 2 ** 30;
/** Of the phase: sign, quadrant's parity, 8 bits of table index, 8 bits of interpolation. */
const INDEX_BITS = 8;
const INTERPOLATION_BITS = 8;
const LOW_TOP = PHASE_BITS - 3;
const LOW_BITS = INDEX_BITS + INTERPOLATION_BITS;
/** Sine and cosine: 14 fraction bits. */
const SINE_FRACTION = 14;
const SINE_BITS = SINE_FRACTION + 2;

const STEPS = range(2 ** INDEX_BITS);
const table = (name: string, bits: number, contents: readonly number[]) =>
  new Mem(name, uint(bits), STEPS.length, { contents, style: "block" });
/** What the sine rises to the next entry: from a table of its own, so that no subtraction stands before the multiplier. */
const RISES = STEPS.map((i) => SINE[i + 1]! - SINE[i]!);
const RISE_BITS = countBits(Math.max(...RISES));

/** sin(angle) from a table of a quarter turn with linear interpolation; two registers. */
const wave = (name: string, angle: Bits): Int => {
  const low = angle.slice(LOW_TOP, LOW_TOP + 1 - LOW_BITS);
  const falling = angle.bit(PHASE_BITS - 2);
  const p = mux(falling, low.not(), low).as(`${name}_phase`);
  const index = p.slice(LOW_BITS - 1, INTERPOLATION_BITS);
  const here = table(`${name}_table`, SINE_FRACTION + 1, SINE.slice(0, STEPS.length)).read(index);
  const slope = table(`${name}_slope`, RISE_BITS, RISES).read(index);
  const fraction = delay(p.slice(INTERPOLATION_BITS - 1, 0), 1, `${name}_fraction`);
  const rise = slope.mul(fraction).roundShr(INTERPOLATION_BITS);
  const size = here.add(rise).toSigned().wrap(SINE_BITS);
  const negative = delay(angle.bit(PHASE_BITS - 1), 1, `${name}_negative`);
  return delay(mux(negative, size.neg().wrap(SINE_BITS), size), 1, name);
};

/** Each token's even element, which waits for its partner. */
const firstPerToken = (c: AcceleratorConfig, value: Int, valid: Bool, tok: Bits): Int[] =>
  range(c.tokens).map((t) => {
    const first = reg(`first_${t}`, sint(VALUE_BITS));
    when(valid.and(tok.eq(t)), () => first.set(value));
    return first;
  });

/**
 * Takes int24 rows in order, even then odd for each token; at least one cycle must lie between two odd rows. Both elements
 * of the rotated pair come out: the even row ROPE_LATENCY - 1 and the odd row ROPE_LATENCY cycles after the odd one went in.
 * Phase = position·increment mod one turn (2^32); a' = sat(rshr(a·cos - b·sin, 14), 24), b' = sat(rshr(a·sin + b·cos, 14), 24).
 * Contract section 5.
 */
export const rope = (c: AcceleratorConfig) => {
  const pair = uint(log2(c.ropeEntries));
  return defineModule(
    "rope",
    {
      in: {
        x: {
          valid: bool,
          value: sint(VALUE_BITS),
          odd: bool,
          tok: uint(tokWidth(c)),
          pair,
          position: uint(TOKEN_BITS),
        },
        increment: uint(PHASE_BITS), // RoPE RAM at `pair`, one cycle later
      },
      out: { pair, even: bool, odd: bool, value: sint(VALUE_BITS), saturated: bool },
      doc: "RoPE: rotates pairs by position times increment (contract section 5).",
    },
    ({ x, increment }) => {
      const first = ofToken(x.tok, firstPerToken(c, x.value, x.valid.and(x.odd.not()), x.tok));
      const start = pastValid(x.valid.and(x.odd).as("start"), "start");

      // 1: increment; 2: phase; 3: sine table; 4: sine and cosine; 5: products of the even element; 6: of the odd; 7
      const position = delay(x.position, 1, "position");
      const phase = delay(increment.mul(position).wrap(PHASE_BITS), 1, "phase");
      const sine = past(wave("sine", phase));
      const cosine = past(wave("cosine", phase.addMod(QUARTER_TURN)));
      // The even element takes them at once; the odd one uses the same pair a cycle later.
      const a = past(first, "a");
      const b = past(x.value, "b");

      // first even: a·cos - b·sin; then odd: a·sin + b·cos
      const [early, late] = [WAVE_LATENCY, WAVE_LATENCY + 1];
      const second = start(late);
      const left = mux(second, a(late).mul(sine(1)), a(early).mul(cosine(0))).as("left");
      const right = mux(second, b(late).mul(cosine(1)), b(early).mul(sine(0))).as("right");
      const sum = delay(mux(second, left.add(right), left.sub(right)), 1, "rotated");
      const rounded = sum.roundShr(SINE_FRACTION).as("rounded");
      const value = rounded.sat(VALUE_BITS);
      const even = start(ROPE_LATENCY - 1);
      const odd = start(ROPE_LATENCY);
      const clipped = delay(rounded.ne(value), 1, "clipped");
      return {
        pair: x.pair,
        even,
        odd,
        value: delay(value, 1, "value_q"),
        saturated: clipped.and(even.or(odd)),
      };
    },
  );
};
