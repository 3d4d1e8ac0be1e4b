/** LEB128, the variable-length integers of the WebAssembly binary format. */

/** Unsigned, below 2^53. */
export function unsigned(value: number): number[] {
  const out: number[] = [];
  let v = value;
  for (; v >= 128; v = Math.floor(v / 128)) out.push((v % 128) | 128);
  return [...out, v];
}

/** Signed, |value| < 2^53. */
export function signed(value: number): number[] {
  const out: number[] = [];
  let v = value;
  for (;;) {
    const low = ((v % 128) + 128) % 128;
    v = Math.floor(v / 128);
    if ((v === 0 && low < 64) || (v === -1 && low >= 64)) return [...out, low];
    out.push(low | 128);
  }
}

export function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [...unsigned(bytes.length), ...bytes];
}
