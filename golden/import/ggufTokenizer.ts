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
import { LibraryTokenizer } from "./libraryTokenizer.js";
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

/** Builds the tokenizer, or says what of it is missing or not read. */
export function ggufTokenizer(source: Pick<GgufSource, "metadata" | "file">): LibraryTokenizer {
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
  return new LibraryTokenizer({
    tokenizer: new Tokenizer(json, {}),
    json: JSON.stringify({ version: "1.0", ...json }),
    bytes: bytesOf(vocabulary, kind),
    bos: addBos && bos !== undefined && bos < tokens.length ? bos : null,
    stops: [...new Set(stops)],
    chatTemplate: m.text("tokenizer.chat_template") ?? null,
    marks: { bos: tokens[bos ?? -1] ?? "", eos: tokens[named[0] ?? -1] ?? "" },
    prefixed: spaces,
    file: source.file,
  });
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
