/** llama2.c's byte-pair tokenizer: pieces with scores; the adjacent pair whose union scores highest is merged first. */
import { InputError } from "./error.js";
import { mergePairs } from "./mergePairs.js";

export const BOS = 1;
export const EOS = 2;
/** Ids 3..258 are the bytes 0..255. */
export const FIRST_BYTE = 3;

/** Text to tokens and back, whatever the family: what every container's tokenizer gives. */
export interface TextTokenizer {
  /** Tokens of the vocabulary: ids are below it. */
  readonly size: number;
  /** Goes in front of a text, where the model wants it. */
  readonly bos: number | null;
  /** Tokens that end a text. */
  readonly stops: readonly number[];
  /** Jinja template of a conversation. */
  readonly chatTemplate: string | null;
  /** How that template writes the beginning and the end of a text; "" where there is no such token. */
  readonly marks: { readonly bos: string; readonly eos: string };
  /** Token ids of a text, with BOS (where there is one) unless told otherwise. */
  encode(text: string, bos?: boolean): number[];
  decode(tokens: readonly number[]): string;
  /** The bytes of one token as they follow `previous`; a character may be spread over tokens. */
  piece(previous: number, token: number): Uint8Array;
}

export class Tokenizer implements TextTokenizer {
  readonly bos = BOS;
  readonly stops = [BOS, EOS];
  readonly chatTemplate = null;
  readonly marks = { bos: "<s>", eos: "</s>" };
  private readonly ids = new Map<string, number>();
  private readonly bytes: readonly Uint8Array[];

  constructor(
    readonly pieces: readonly string[],
    readonly scores: readonly number[],
  ) {
    const encoder = new TextEncoder();
    pieces.forEach((piece, id) => {
      if (!this.ids.has(piece)) this.ids.set(piece, id);
    });
    this.bytes = pieces.map((piece) => {
      const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece);
      return hex ? Uint8Array.of(Number.parseInt(hex[1]!, 16)) : encoder.encode(piece);
    });
  }

  get size(): number {
    return this.pieces.length;
  }

  /** Token ids of a text, with BOS unless told otherwise. */
  encode(text: string, bos = true): number[] {
    const { pieces, ids } = this;
    const tokens = mergePairs(this.split(text), (a, b) => ids.get(pieces[a]! + pieces[b]!), this.scores);
    return bos ? [BOS, ...tokens] : tokens;
  }

  /** One token per character (or per UTF-8 byte of an unknown one), after a space that llama2.c puts in front. */
  private split(text: string): number[] {
    if (text === "") return [];
    const tokens: number[] = [];
    for (const character of ` ${text}`) {
      const id = this.ids.get(character);
      if (id !== undefined) tokens.push(id);
      else for (const byte of new TextEncoder().encode(character)) tokens.push(byte + FIRST_BYTE);
    }
    return tokens;
  }

  /** The bytes of one token as they follow `previous` (after BOS one leading space is dropped). */
  piece(previous: number, token: number): Uint8Array {
    if (token === BOS || token === EOS) return new Uint8Array(0);
    const bytes = this.bytes[token];
    if (bytes === undefined)
      throw new RangeError(`token ${token} is outside the vocabulary 0..${this.pieces.length - 1}`);
    return previous === BOS && bytes[0] === 32 ? bytes.subarray(1) : bytes;
  }

  /** The text of token ids up to the second BOS or an EOS; malformed UTF-8 becomes U+FFFD. */
  decode(tokens: readonly number[]): string {
    const bytes: number[] = [];
    for (const [i, token] of tokens.entries()) {
      if (i > 0 && (token === BOS || token === EOS)) break;
      bytes.push(...this.piece(tokens[i - 1] ?? -1, token));
    }
    return new TextDecoder().decode(Uint8Array.from(bytes));
  }
}

/** llama2.c's tokenizer.bin: u32 longest piece; then per id float32 score, u32 length, bytes. */
export function readTokenizerBin(bytes: Uint8Array, vocab: number, file: string): Tokenizer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: string[] = [];
  const scores: number[] = [];
  let at = 4;
  for (let id = 0; id < vocab; id++) {
    const length = at + 8 <= bytes.length ? view.getUint32(at + 4, true) : Infinity;
    if (at + 8 + length > bytes.length) {
      const what = `the file ends inside token ${id} of ${vocab}`;
      throw new InputError(what, { file, offset: at }, "Use the tokenizer that belongs to the checkpoint");
    }
    scores.push(view.getFloat32(at, true));
    pieces.push(new TextDecoder().decode(bytes.subarray(at + 8, at + 8 + length)));
    at += 8 + length;
  }
  return new Tokenizer(pieces, scores);
}

/** golden/demo/tokenizer.json: {"pieces": [...], "scores": [...]}. */
export function readTokenizerJson(text: string, file: string): Tokenizer {
  const fail = (what: string): never => {
    throw new InputError(what, { file }, "Export it again with golden/demo/train");
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return fail("the file is not JSON");
  }
  const { pieces, scores }: { pieces?: unknown; scores?: unknown } = Object(parsed);
  if (!Array.isArray(pieces) || !pieces.every((piece) => typeof piece === "string"))
    return fail("pieces is not a list of strings");
  if (
    !Array.isArray(scores) ||
    scores.length !== pieces.length ||
    !scores.every((v) => typeof v === "number")
  )
    return fail(`scores are not ${pieces.length} numbers, one per piece`);
  return new Tokenizer(pieces, scores);
}
