/** Reads fields from bytes, lowest bit first (golden/contract/formats.md, section 0). */
export class BitReader {
  private at = 0;
  constructor(
    private readonly bytes: Uint8Array,
    byte: number,
  ) {
    this.at = 8 * byte;
  }
  /** The next field of at most 30 bits. */
  take(bits: number): number {
    let value = 0;
    for (let place = 1; bits > 0; place *= 2, bits--, this.at++) {
      const byte = this.bytes[Math.floor(this.at / 8)];
      if (byte === undefined) throw new RangeError(`the bytes end at bit ${this.at}`);
      value += place * (Math.floor(byte / 2 ** (this.at % 8)) % 2);
    }
    return value;
  }
}

/** Thrown for a word that no encoder writes. */
export class CorruptWord extends RangeError {
  constructor(format: string, row: number, column: number, why: string) {
    super(`${format}: row ${row}, column ${column}: ${why}`);
  }
}
