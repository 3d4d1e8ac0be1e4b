/** What the encoders share: extremes of a run, and rounding as ggml's reference quantisers do it, in float32. */

export const f32 = Math.fround;

/** The value of largest magnitude in values[from, from + count), with its sign; the first among equals. */
export function extreme(values: Float32Array, from: number, count: number): number {
  let found = 0;
  for (let i = from; i < from + count; i++) if (Math.abs(values[i]!) > Math.abs(found)) found = values[i]!;
  return found;
}

export function smallest(values: Float32Array, from: number, count: number): number {
  let found = values[from]!;
  for (let i = from + 1; i < from + count; i++) found = Math.min(found, values[i]!);
  return found;
}

export function greatest(values: Float32Array, from: number, count: number): number {
  let found = values[from]!;
  for (let i = from + 1; i < from + count; i++) found = Math.max(found, values[i]!);
  return found;
}

/** 1/d in float32; 0 for 0. */
export function inverse(d: number): number {
  return d === 0 ? 0 : f32(1 / d);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** The multiple of `step` nearest to value, as a code of low..high; 0 (or the nearest to it) when step is 0. */
export function nearest(value: number, step: number, low: number, high: number): number {
  return clamp(step === 0 ? 0 : Math.round(value / step), low, high);
}
