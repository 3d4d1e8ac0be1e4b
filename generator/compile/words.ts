/** Bytes as words of a memory or of a table. */

/** Little-endian words of `bytes` each, a multiple of 8; the last is filled with zeros. */
export const wordsOf = (data: Uint8Array, bytes: number): bigint[] => {
  const padded = new Uint8Array(Math.ceil(data.length / bytes) * bytes);
  padded.set(data);
  const view = new DataView(padded.buffer);
  return Array.from({ length: padded.length / bytes }, (_, i) => {
    let word = 0n;
    for (let b = bytes - 8; b >= 0; b -= 8) word = (word << 64n) | view.getBigUint64(i * bytes + b, true);
    return word;
  });
};

/** Image, then the cache as zeros: a block's last tokens are read before they are written, times a probability of 0. */
export const imageWords = (compiled: {
  readonly image: Uint8Array;
  readonly beatBytes: number;
  readonly memoryBeats: number;
}): bigint[] => {
  const words = wordsOf(compiled.image, compiled.beatBytes);
  return [...words, ...Array.from({ length: compiled.memoryBeats - words.length }, () => 0n)];
};
