/** Bytes behind AXI slaves: a range of a 64-bit address space. */

export class AxiBytes {
  constructor(
    readonly base: bigint,
    readonly bytes: Uint8Array,
  ) {}

  /** Where an address lies in `bytes`; null where `length` bytes from it are not all inside. */
  offset(address: bigint, length: number): number | null {
    const at = address - this.base;
    return at < 0n || at + BigInt(length) > BigInt(this.bytes.length) ? null : Number(at);
  }

  /** A little-endian word. */
  word(offset: number, bytes: number): bigint {
    let word = 0n;
    for (let i = bytes - 1; i >= 0; i--) word = (word << 8n) | BigInt(this.bytes[offset + i]!);
    return word;
  }

  /** The bytes of a word whose strobes are 1. */
  write(offset: number, word: bigint, strobes: bigint, bytes: number): void {
    for (let i = 0; i < bytes; i++)
      if ((strobes >> BigInt(i)) & 1n) this.bytes[offset + i] = Number((word >> BigInt(8 * i)) & 255n);
  }
}
