/** Small tokenizer.json files of both kinds: byte-level (GPT-2, Llama 3, Qwen) and SentencePiece-like (Llama 2, TinyLlama). For fixtures. */
import { byteAlphabet } from "../tokenizerBytes.js";

export interface Added {
  readonly content: string;
  readonly special: boolean;
}

const added = (from: number, tokens: readonly Added[]): object[] =>
  tokens.map(({ content, special }, i) => ({
    id: from + i,
    content,
    special,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));

/** 256 bytes, merges, then added tokens; the first added token is BOS when asked. */
export function byteLevelTokenizer(
  merges: readonly (readonly [string, string])[],
  tokens: readonly Added[],
  bos: boolean,
): object {
  const pieces = [...byteAlphabet().keys(), ...merges.map(([a, b]) => a + b)];
  return {
    version: "1.0",
    added_tokens: added(pieces.length, tokens),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: bos ? template(tokens[0]!.content, pieces.length) : null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: "BPE", vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])), merges },
  };
}

/** <unk>, <s>, </s>, the 256 bytes, then characters and merged pieces. */
export function sentencePieceTokenizer(
  characters: readonly string[],
  merges: readonly (readonly [string, string])[],
): object {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const pieces = ["<unk>", "<s>", "</s>", ...bytes, ...characters, ...merges.map(([a, b]) => a + b)];
  const special = ["<unk>", "<s>", "</s>"].map((content) => ({ content, special: true }));
  return {
    version: "1.0",
    added_tokens: added(0, special),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "\u2581" },
        { type: "Replace", pattern: { String: " " }, content: "\u2581" },
      ],
    },
    pre_tokenizer: null,
    post_processor: template("<s>", 1),
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "\u2581" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges,
      unk_token: "<unk>",
      fuse_unk: true,
      byte_fallback: true,
    },
  };
}

function template(content: string, id: number): object {
  const token = { SpecialToken: { id: content, type_id: 0 } };
  return {
    type: "TemplateProcessing",
    single: [token, { Sequence: { id: "A", type_id: 0 } }],
    pair: [token, { Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
    special_tokens: { [content]: { id: content, ids: [id], tokens: [content] } },
  };
}
