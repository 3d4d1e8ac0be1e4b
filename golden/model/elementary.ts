/**
 * exp, ln, sin and cos from +, -, * and / of IEEE doubles alone, in a fixed order. `Math.exp` may differ by machine, and
 * calibration decides integers of the model from float results; these give every machine the same ones. Error about 1e-15.
 */

// ln 2 and π/2 in two parts, the high one with few bits so that n·high is exact
export const LN2_HIGH = 0.6931471803691238;
export const LN2_LOW = 1.9082149292705877e-10;
const HALF_PI_HIGH = 1.5707963267341256;
const HALF_PI_LOW = 6.077100506506192e-11;

/** e^x; 0 below -700, the value at 700 above. */
export function exp(x: number): number {
  if (x < -700) return 0;
  const n = Math.round(Math.min(x, 700) / (LN2_HIGH + LN2_LOW));
  const r = Math.min(x, 700) - n * LN2_HIGH - n * LN2_LOW; // |r| <= 0.35
  let sum = 1;
  for (let i = 14; i > 0; i--) sum = 1 + (r * sum) / i;
  // 2^n by squaring: powers of two multiply exactly
  let power = 1;
  let factor = n < 0 ? 0.5 : 2;
  for (let k = Math.abs(n); k > 0; k >>= 1) {
    if (k & 1) power *= factor;
    factor *= factor;
  }
  return sum * power;
}

/** ln x for 1e-300 < x < 1e300, by Newton on exp. */
export function ln(x: number): number {
  let y = 0;
  let rest = x;
  for (; rest > 2; rest /= 2) y += LN2_HIGH;
  for (; rest < 1; rest *= 2) y -= LN2_HIGH;
  for (let i = 0; i < 6; i++) y += x / exp(y) - 1;
  return y;
}

/** sin and cos of 0 <= x < 10^6 (angles of RoPE), as [sin, cos]. */
export function sinCos(x: number): readonly [number, number] {
  const n = Math.round(x / (HALF_PI_HIGH + HALF_PI_LOW));
  const r = x - n * HALF_PI_HIGH - n * HALF_PI_LOW; // |r| <= π/4
  const square = r * r;
  let sin = 1;
  let cos = 1;
  for (let i = 18; i > 0; i -= 2) {
    sin = 1 - (square * sin) / (i * (i + 1));
    cos = 1 - (square * cos) / (i * (i - 1));
  }
  sin *= r;
  switch (n & 3) {
    case 0:
      return [sin, cos];
    case 1:
      return [cos, -sin];
    case 2:
      return [-sin, -cos];
    default:
      return [-cos, sin];
  }
}

export function sigmoid(x: number): number {
  return 1 / (1 + exp(-x));
}
