/**
 * A tokenizer.json for `@huggingface/tokenizers` out of GGUF metadata: "gpt2" with the file's merges; "llama" (SentencePiece BPE: the pair
 * whose union scores highest is merged first) with merges made of the scores, as transformers' SentencePieceExtractor does.
 */
import type { GgufMetadata } from "./ggufMetadata.js";
import { WORDS } from "./ggufPretokenise.js";

/** tokenizer.ggml.token_type. */
export const NORMAL = 1;
export const UNKNOWN = 2;
export const CONTROL = 3;
export const USER = 4;
export const BYTE = 6;

/** SentencePiece's sign for a space. */
export const SPACE = "\u2581";

export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: Uint8Array;
  /** A space goes in front of a text. */
  readonly spaces: boolean;
}

export interface Built {
  /** A tokenizer.json. */
  readonly json: object;
  readonly bosByDefault: boolean;
}

/** Tokens that are found in texts before anything else. */
function addedTokens({ tokens, types }: Vocabulary): object[] {
  return tokens.flatMap((content, id) =>
    (types[id] === CONTROL || types[id] === USER) && content !== ""
      ? [
          {
            id,
            content,
            special: types[id] === CONTROL,
            normalized: false,
            lstrip: false,
            rstrip: false,
            single_word: false,
          },
        ]
      : [],
  );
}

const idsOf = (tokens: readonly string[]): object =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

export function byteLevel(m: GgufMetadata, vocabulary: Vocabulary): Built {
  const pre = m.word("tokenizer.ggml.pre") ?? "gpt-2";
  const words = WORDS.get(pre);
  if (words === undefined)
    return m.fail("tokenizer.ggml.pre", `= ${pre} is not read (but ${[...WORDS.keys()].join(", ")})`);
  const merges = m.require("tokenizer.ggml.merges", m.texts("tokenizer.ggml.merges")).map((merge, i) => {
    const space = merge.indexOf(" ", 1);
    if (space < 0 || space === merge.length - 1)
      m.fail("tokenizer.ggml.merges", `has at ${i} no two tokens: ${JSON.stringify(merge.slice(0, 40))}`);
    return [merge.slice(0, space), merge.slice(space + 1)];
  });
  const json = {
    added_tokens: addedTokens(vocabulary),
    normalizer: null,
    pre_tokenizer: words.preTokenizer,
    post_processor: null,
    decoder: null,
    model: { type: "BPE", vocab: idsOf(vocabulary.tokens), merges, ignore_merges: words.ignoreMerges },
  };
  return { json, bosByDefault: words.bos };
}

export function sentencePiece(m: GgufMetadata, vocabulary: Vocabulary): Built {
  const { tokens, types, spaces } = vocabulary;
  const scores = m.require("tokenizer.ggml.scores", m.numbers("tokenizer.ggml.scores"));
  if (scores.length !== tokens.length)
    m.fail("tokenizer.ggml.scores", `has ${scores.length} entries for ${tokens.length} tokens`);
  if (!scores.every(Number.isFinite))
    m.fail("tokenizer.ggml.scores", "has an entry that is no finite number");
  const toSpace = { type: "Replace", pattern: { String: " " }, content: SPACE };
  const json = {
    added_tokens: addedTokens(vocabulary),
    normalizer: spaces
      ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: SPACE }, toSpace] }
      : toSpace,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: {
      type: "BPE",
      vocab: idsOf(tokens),
      merges: mergesOf(tokens, types, scores),
      byte_fallback: true,
      unk_token: tokens[types.indexOf(UNKNOWN)] ?? null,
    },
  };
  return { json, bosByDefault: true };
}

/** Pairs of tokens whose union is one, the best union first; among those of one union, the longer left part first. */
function mergesOf(tokens: readonly string[], types: Uint8Array, scores: Float64Array): [string, string][] {
  const mergeable = new Map(
    tokens.flatMap((token, id) => (types[id] === NORMAL ? [[token, id] as const] : [])),
  );
  const merges: { pair: [string, string]; score: number; left: number; right: number }[] = [];
  for (const [token, id] of mergeable) {
    for (let at = 1; at < token.length; at++) {
      const pair: [string, string] = [token.slice(0, at), token.slice(at)];
      const [left, right] = [mergeable.get(pair[0]), mergeable.get(pair[1])];
      if (left !== undefined && right !== undefined) merges.push({ pair, score: scores[id]!, left, right });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  return merges.map(({ pair }) => pair);
}
