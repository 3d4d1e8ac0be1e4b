/** Beats as bytes: a beat of R rows × 32 columns is 8·R bytes, least significant first. generator/isa/README.md, "Memory". */

/** Columns, and the group that shares one mantissa. */
export const GROUP = 32;
/** Steps in a scale beat. */
export const STEPS_PER_BEAT = 8;

/** Bytes of one beat: 2·R·32 bits. */
export const beatBytes = (rows: number): number => (2 * rows * GROUP) / 8;

/** Nibble `index` (0..R·16-1) of the beat that starts at byte `at`. */
export const getNibble = (bytes: Uint8Array, at: number, index: number): number => {
  const byte = bytes[at + (index >> 1)]!;
  return index & 1 ? byte >> 4 : byte & 15;
};

export const setNibble = (bytes: Uint8Array, at: number, index: number, value: number): void => {
  const i = at + (index >> 1);
  bytes[i] = index & 1 ? (bytes[i]! & 15) | (value << 4) : (bytes[i]! & 0xf0) | value;
};

/** One row of a matrix, columns padded to whole groups: real weight = code·mantissa·2^-exponent. */
export interface MatrixRow {
  /** [32·groups] */
  readonly codes: Int8Array;
  /** [groups], 0..255 */
  readonly mantissas: Uint8Array;
  /** 0..31 */
  readonly exponent: number;
}

/** A matrix back from its beats. */
export interface UnpackedMatrix {
  readonly rows: number;
  readonly groups: number;
  /** [rows·32·groups] */
  readonly codes: Int8Array;
  /** [rows·groups] */
  readonly mantissas: Uint8Array;
  /** [rows] */
  readonly exponents: Uint8Array;
}

/** Exponent of padding rows: the largest, so that no shift is negative (the result is 0 anyway). */
export const PADDING_EXPONENT = 31;
