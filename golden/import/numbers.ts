/** Little-endian elements of a file as numbers. */
import { readHalf } from "./blocks/half.js";
import { InputError } from "./error.js";

/** Types that become float32 without loss. */
export type FloatType = "F32" | "F16" | "BF16";

export function isFloatType(type: string): type is FloatType {
  return type === "F32" || type === "F16" || type === "BF16";
}

/** Exactly the values, as float32. Bytes may lie at any alignment. */
export function toFloats(type: FloatType, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === "F32") {
    const out = new Float32Array(bytes.length / 4);
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true);
    return out;
  }
  if (type === "BF16") {
    const bits = new Uint32Array(bytes.length / 2);
    for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
    return new Float32Array(bits.buffer);
  }
  const out = new Float32Array(bytes.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = readHalf(bytes, 2 * i);
  return out;
}

export function toInt32(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Int32Array(bytes.length / 4);
  for (let i = 0; i < out.length; i++) out[i] = view.getInt32(4 * i, true);
  return out;
}

/** Refuses NaN and infinities; `where` gives the place of element i. */
export function checkFinite(
  values: Float32Array,
  what: string,
  where: (i: number) => { readonly file: string; readonly tensor: string; readonly offset?: number },
): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new InputError(
      `${what} ${bad} is ${values[bad]}`,
      where(bad),
      "Export the model again; weights must be finite numbers",
    );
}
