/** IEEE 754 half precision and bfloat16, little-endian, to and from float32 (Node 20 has no Float16Array). */

const word = new DataView(new ArrayBuffer(4));

/** Bits of a value as float32. */
export function floatBits(value: number): number {
  word.setFloat32(0, value);
  return word.getUint32(0);
}

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let table: Float32Array | undefined;

/** The half at bytes[at], exactly. */
export function readHalf(bytes: Uint8Array, at: number): number {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => halfValue(bits));
  return table[bytes[at]! | (bytes[at + 1]! << 8)]!;
}

/** Rounds a float32 value to the nearest half, ties to even; too large a value becomes infinite. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // the step between halves near this value; below 2^-14 it stays 2^-24
  let exponent = Math.max((floatBits(size) >>> 23) - 127, -14);
  let fraction = roundEven(size * 2 ** (10 - exponent));
  if (fraction === 2048) {
    fraction = 1024;
    exponent++;
  }
  return fraction < 1024 ? sign | fraction : sign | ((exponent + 15) << 10) | (fraction - 1024);
}

export function writeHalf(value: number, out: Uint8Array, at: number): void {
  const bits = halfBits(value);
  out[at] = bits & 255;
  out[at + 1] = bits >> 8;
}

export function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** The bfloat16 at bytes[at], exactly. */
export function readBfloat(bytes: Uint8Array, at: number): number {
  word.setUint32(0, ((bytes[at]! | (bytes[at + 1]! << 8)) << 16) >>> 0);
  return word.getFloat32(0);
}

/** Upper half of a float32, rounded to nearest, ties to even. */
export function writeBfloat(value: number, out: Uint8Array, at: number): void {
  const bits = floatBits(value);
  const rounded = Math.floor((bits + 0x7fff + ((bits >>> 16) & 1)) / 65536);
  out[at] = rounded & 255;
  out[at + 1] = (rounded >> 8) & 255;
}
