/** The tokenizer inside a GGUF file (ggml-org/ggml docs/gguf.md, "Tokenizer"; rules of llama.cpp's src/llama-vocab.cpp). */
import { Tokenizer } from "@huggingface/tokenizers";
import { GgufMetadata } from "./ggufMetadata.js";
import {
  BYTE,
  byteLevel,
  CONTROL,
  NORMAL,
  SPACE,
  sentencePiece,
  UNKNOWN,
  USER,
  type Vocabulary,
} from "./ggufTokenizerJson.js";
import type { GgufSource } from "./gguf.js";
import type { TextTokenizer } from "./tokenizer.js";
import { byteAlphabet, bytesOfPiece } from "./tokenizerBytes.js";

/** Tokens that end a turn, where metadata does not name them (llama.cpp finds them by these texts too). */
const ENDS = [
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "</s>",
];

export class GgufTokenizer implements TextTokenizer {
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly bytes: readonly Uint8Array[],
    readonly bos: number | null,
    readonly stops: readonly number[],
    readonly chatTemplate: string | null,
    /** A space was put in front of the text. */
    private readonly prefixed: boolean,
  ) {}

  get size(): number {
    return this.bytes.length;
  }

  encode(text: string, bos = true): number[] {
    const { ids } = this.tokenizer.encode(text, { add_special_tokens: false });
    return bos && this.bos !== null ? [this.bos, ...ids] : ids;
  }

  /** Control tokens have no bytes. The space in front is dropped behind BOS; without BOS, from a text's first token. */
  piece(previous: number, token: number): Uint8Array {
    const bytes = this.bytes[token];
    if (bytes === undefined)
      throw new RangeError(`token ${token} is outside the vocabulary 0..${this.size - 1}`);
    const first = this.bos === null ? previous < 0 : previous === this.bos;
    return this.prefixed && first && bytes[0] === 32 ? bytes.subarray(1) : bytes;
  }

  decode(tokens: readonly number[]): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let text = "";
    for (const [i, token] of tokens.entries())
      text += decoder.decode(this.piece(tokens[i - 1] ?? -1, token), { stream: true });
    return text + decoder.decode();
  }
}

/** Builds the tokenizer, or says what of it is missing or not read. */
export function ggufTokenizer(source: Pick<GgufSource, "metadata" | "file">): GgufTokenizer {
  const m = new GgufMetadata(source.metadata, source.file);
  const kind = m.require("tokenizer.ggml.model", m.word("tokenizer.ggml.model"));
  if (kind !== "llama" && kind !== "gpt2") return m.fail("tokenizer.ggml.model", `= ${kind} is not read`);
  const tokens = m.require("tokenizer.ggml.tokens", m.texts("tokenizer.ggml.tokens"));
  if (tokens.length === 0) m.fail("tokenizer.ggml.tokens", "is empty");
  const types = m.numbers("tokenizer.ggml.token_type") ?? new Float64Array(tokens.length).fill(NORMAL);
  if (types.length !== tokens.length)
    m.fail("tokenizer.ggml.token_type", `has ${types.length} entries for ${tokens.length} tokens`);
  const spaces = kind === "llama" && (m.flag("tokenizer.ggml.add_space_prefix") ?? true);
  const vocabulary = { tokens, types: Uint8Array.from(types), spaces };
  const { json, bosByDefault } = kind === "llama" ? sentencePiece(m, vocabulary) : byteLevel(m, vocabulary);
  const id = (key: string): number | undefined => m.count(key, 0, tokens.length - 1);
  const bos = id("tokenizer.ggml.bos_token_id") ?? (kind === "llama" ? 1 : undefined);
  const addBos = m.flag("tokenizer.ggml.add_bos_token") ?? bosByDefault;
  const named = ["eos", "eot", "eom"].map((name) => id(`tokenizer.ggml.${name}_token_id`));
  const stops = [...named, ...ENDS.map((text) => tokens.indexOf(text))].filter(
    (token) =>
      token !== undefined && token >= 0 && (vocabulary.types[token] === CONTROL || named.includes(token)),
  ) as number[];
  return new GgufTokenizer(
    new Tokenizer(json, {}),
    bytesOf(vocabulary, kind),
    addBos && bos !== undefined && bos < tokens.length ? bos : null,
    [...new Set(stops)],
    m.text("tokenizer.chat_template") ?? null,
    spaces,
  );
}

/** The bytes of each token; none for control tokens. A "llama" vocabulary marks its bytes; a user's tokens are texts. */
function bytesOf({ tokens, types }: Vocabulary, kind: "llama" | "gpt2"): Uint8Array[] {
  const encoder = new TextEncoder();
  const alphabet = kind === "gpt2" ? byteAlphabet() : null;
  return tokens.map((token, id) => {
    if (types[id] === CONTROL || types[id] === UNKNOWN) return new Uint8Array(0);
    const text = kind === "llama" ? types[id] !== BYTE : types[id] === USER;
    return text ? encoder.encode(token.replaceAll(SPACE, " ")) : bytesOfPiece(token, alphabet);
  });
}
