/** The bytes behind a token's piece, in both ways of writing them: byte-level BPE's alphabet, and SentencePiece's. */

/** GPT-2's characters for bytes (openai/gpt-2 src/encoder.py, bytes_to_unicode): printable ones stand for themselves. */
export function byteAlphabet(): Map<string, number> {
  const alphabet = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    alphabet.set(String.fromCodePoint(printable ? byte : next++), byte);
  }
  return alphabet;
}

/** SentencePiece's sign for a space. */
const SPACE = "\u2581";

/** With an alphabet byte by byte; without one "<0x0A>" is a byte and the sign for a space a space. */
export function bytesOfPiece(piece: string, alphabet: ReadonlyMap<string, number> | null): Uint8Array {
  const encoder = new TextEncoder();
  if (alphabet === null) {
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece);
    return hex ? Uint8Array.of(Number.parseInt(hex[1]!, 16)) : encoder.encode(piece.replaceAll(SPACE, " "));
  }
  const bytes = [...piece].map((character) => alphabet.get(character));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : encoder.encode(piece);
}
