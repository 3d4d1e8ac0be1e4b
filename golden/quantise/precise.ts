/**
 * Elementary functions in BigInt fixed point. They decide integers that must be the same on every machine
 * (RoPE increments) and judge the committed tables of the contract; `Math.exp` and friends may differ by machine.
 * A value v is held as round(v·2^FRACTION); results are good to about 2^-100.
 */

/** Fraction bits of every argument and result. */
export const FRACTION = 112n;
export const ONE = 1n << FRACTION;

/** num/den, den > 0, rounded down. */
export function ratio(num: bigint, den: bigint): bigint {
  return floorDivide(num << FRACTION, den);
}

function floorDivide(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a % b < 0n ? q - 1n : q;
}

function multiply(a: bigint, b: bigint): bigint {
  return (a * b) >> FRACTION;
}

/** Sum of the odd series z ± z^3/3 + z^5/5 ...: atanh (sign 1n) or atan (sign -1n) of |z| < 1. */
function oddSeries(z: bigint, sign: bigint): bigint {
  const square = sign * multiply(z, z);
  let sum = 0n;
  let power = z;
  for (let n = 1n; power !== 0n && power !== -1n; n += 2n) {
    sum += power / n;
    power = multiply(power, square);
  }
  return sum;
}

/** Machin: pi = 16·atan(1/5) - 4·atan(1/239). */
export const PI = 16n * oddSeries(ratio(1n, 5n), -1n) - 4n * oddSeries(ratio(1n, 239n), -1n);

/** ln 2 = 2·atanh(1/3). */
export const LN2 = 2n * oddSeries(ratio(1n, 3n), 1n);

/** Natural logarithm of x > 0. */
export function ln(x: bigint): bigint {
  if (x <= 0n) throw new RangeError("logarithm of a number that is not positive");
  const k = BigInt(x.toString(2).length) - 1n - FRACTION;
  const y = k >= 0n ? x >> k : x << -k; // 1 <= y < 2
  return k * LN2 + 2n * oddSeries(ratio(y - ONE, y + ONE), 1n);
}

export function exp(x: bigint): bigint {
  const n = floorDivide(x, LN2);
  const r = x - n * LN2; // 0 <= r < ln 2
  let sum = 0n;
  let term = ONE;
  for (let i = 1n; term !== 0n; i++) {
    sum += term;
    term = multiply(term, r) / i;
  }
  return n >= 0n ? sum << n : sum >> -n;
}

/** Sine of 0 <= x <= pi/2 (converges beyond, slowly). */
export function sin(x: bigint): bigint {
  const square = multiply(x, x);
  let sum = 0n;
  let term = x;
  for (let i = 2n; term !== 0n && term !== -1n; i += 2n) {
    sum += term;
    term = -multiply(term, square) / (i * (i + 1n));
  }
  return sum;
}

/** round(x), half up; throws when x is so near a half that the error bound of this file cannot decide. */
export function roundSurely(x: bigint): bigint {
  const doubt = 1n << 24n;
  const up = (x + ONE / 2n + doubt) >> FRACTION;
  const down = (x + ONE / 2n - doubt) >> FRACTION;
  if (up !== down) throw new RangeError("undecided rounding: raise FRACTION");
  return up;
}

/** A double as fixed point, exactly where it has at most FRACTION fraction bits. */
export function fromDouble(value: number): bigint {
  if (!Number.isFinite(value)) throw new RangeError(`not a finite number: ${value}`);
  let scaled = value;
  let shift = 0n;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    shift++;
  }
  return shift <= FRACTION ? BigInt(scaled) << (FRACTION - shift) : BigInt(scaled) >> (shift - FRACTION);
}
