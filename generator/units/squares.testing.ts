/** For tests: the sum of squares of contract section 2, stated once more on BigInt, and how ports carry it. */
import { between, type Random } from "../library/testing.js";
import { STEP } from "./squares.js";

/** SS and s, as golden's. */
export interface Squares {
  readonly sum: number;
  readonly shift: number;
}
export const NO_SQUARES: Squares = { sum: 0, shift: 0 };

/** The contract's text: n the least of 0, 7, 14 with -2^17 <= x >> n < 2^17, and so on. */
export const squaresOf = (elements: Iterable<number>): Squares => {
  let [sum, s] = [0n, 0n];
  for (const element of elements) {
    const x = BigInt(element);
    const n = [0n, 7n, 14n].find((n) => -(1n << 17n) <= x >> n && x >> n < 1n << 17n)!;
    if (n > s) {
      sum >>= 2n * (n - s);
      s = n;
    }
    sum += (x >> s) ** 2n;
  }
  return { sum: Number(sum), shift: Number(s) };
};

/** The values of the two ports. */
export const squaresPorts = (port: string, { sum, shift }: Squares): Record<string, number> => ({
  [`${port}_sum`]: sum,
  [`${port}_steps`]: 2 ** (shift / STEP) - 1,
});
export const peekSquares = (sim: { peek(port: string): bigint }, port = "squares"): Squares => ({
  sum: Number(sim.peek(`${port}_sum`)),
  shift: STEP * [0, 1, -1, 2][Number(sim.peek(`${port}_steps`))]!,
});

/** An element at the ends of what s = 0, 7 or 14 can hold, or one beyond. */
export const crossing = (random: Random, bits: 24 | 32): number => {
  const end = 2 ** [17, bits === 24 ? 23 : 24, bits - 1][between(random, 0, 2)]!;
  const most = 2 ** (bits - 1);
  const x = [-end - 1, -end, end - 1, end][between(random, 0, 3)]!;
  return Math.max(-most, Math.min(most - 1, x));
};

/** How large elements are by their place: small ones first, and past 2^17 and 2^24 within the vector. */
export const rising = (random: Random, at: number, bits: 24 | 32): number => {
  if (at > 0.2 && random() < 0.1) return crossing(random, at < 0.7 ? 24 : bits);
  const size = at < 0.3 ? 17 : at < 0.6 ? Math.min(24, bits - 1) : bits - 1;
  return Math.floor((random() * 2 - 1) * 2 ** between(random, 1, size));
};
