/** A tokenizer that `@huggingface/tokenizers` runs, whatever container described it, with the bytes of every token. */
import type { Tokenizer } from "@huggingface/tokenizers";
import { InputError } from "./error.js";
import type { TextTokenizer } from "./tokenizer.js";

export interface LibraryTokenizerParts {
  readonly tokenizer: Tokenizer;
  /** Text of the tokenizer.json that describes it: read from a file, or made of another container's metadata. */
  readonly json: string;
  /** Of every token; none for special ones, so that they print nothing. */
  readonly bytes: readonly Uint8Array[];
  readonly bos: number | null;
  readonly stops: readonly number[];
  readonly chatTemplate: string | null;
  readonly marks: TextTokenizer["marks"];
  /** A space is put in front of every text. */
  readonly prefixed: boolean;
  /** For messages. */
  readonly file: string;
}

export class LibraryTokenizer implements TextTokenizer {
  readonly bos: number | null;
  readonly stops: readonly number[];
  readonly chatTemplate: string | null;
  readonly marks: TextTokenizer["marks"];

  constructor(private readonly parts: LibraryTokenizerParts) {
    this.bos = parts.bos;
    this.stops = parts.stops;
    this.chatTemplate = parts.chatTemplate;
    this.marks = parts.marks;
  }

  get json(): string {
    return this.parts.json;
  }
  get size(): number {
    return this.parts.bytes.length;
  }

  encode(text: string, bos = true): number[] {
    const encoded = this.parts.tokenizer.encode(text, { add_special_tokens: false });
    // The library gives what no piece spells to the unknown token, which a damaged file names but does not have.
    const ids: readonly (number | undefined)[] = encoded.ids;
    const lost = ids.indexOf(undefined);
    if (lost >= 0)
      throw new InputError(
        `the text needs the token ${JSON.stringify(encoded.tokens[lost] ?? "for unknown text")}, which the vocabulary lacks`,
        { file: this.parts.file },
        "Download the tokenizer again, or leave out of the text what it cannot spell",
      );
    return bos && this.bos !== null ? [this.bos, ...encoded.ids] : encoded.ids;
  }

  /** Special tokens have no bytes. The space in front is dropped behind BOS; without BOS, from a text's first token. */
  piece(previous: number, token: number): Uint8Array {
    const bytes = this.parts.bytes[token];
    if (bytes === undefined)
      throw new RangeError(`token ${token} is outside the vocabulary 0..${this.size - 1}`);
    const first = this.bos === null ? previous < 0 : previous === this.bos;
    return this.parts.prefixed && first && bytes[0] === 32 ? bytes.subarray(1) : bytes;
  }

  decode(tokens: readonly number[]): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let text = "";
    for (const [i, token] of tokens.entries())
      text += decoder.decode(this.piece(tokens[i - 1] ?? -1, token), { stream: true });
    return text + decoder.decode();
  }
}
