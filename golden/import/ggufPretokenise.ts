/**
 * How texts are cut into words before pairs are merged, by `tokenizer.ggml.pre` (llama.cpp src/llama-vocab.cpp: names and regular
 * expressions), as `pre_tokenizer` of a tokenizer.json.
 */

const LETTERS = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
const REST = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const SHORT = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";

/** Tekken tells upper from lower case inside words. */
const TEKKEN = [
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*",
  "\\p{N}",
  " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
].join("|");

export interface Words {
  /** tokenizer.json's pre_tokenizer. */
  readonly preTokenizer: object;
  /** Words that are tokens are not taken apart. */
  readonly ignoreMerges: boolean;
  /** Texts begin with BOS unless `add_bos_token` says otherwise. */
  readonly bos: boolean;
}

/** GPT-2's words; with `digits`, each digit is one. */
function gpt2(digits: boolean): Words {
  const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const single = { type: "Digits", individual_digits: true };
  const preTokenizer = digits ? { type: "Sequence", pretokenizers: [single, level] } : level;
  return { preTokenizer, ignoreMerges: false, bos: false };
}

function split(regex: string, ignoreMerges: boolean, bos: boolean): Words {
  const pretokenizers = [
    { type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
  ];
  return { preTokenizer: { type: "Sequence", pretokenizers }, ignoreMerges, bos };
}

const llama3 = split(`${SHORT}|${LETTERS}|\\p{N}{1,3}|${REST}`, true, true);
const qwen2 = split(`${SHORT}|${LETTERS}|\\p{N}|${REST}`, false, false);

export const WORDS: ReadonlyMap<string, Words> = new Map([
  ...["gpt-2", "phi-2", "mpt", "olmo", "jais", "roberta-bpe"].map((name) => [name, gpt2(false)] as const),
  ...["smollm", "starcoder", "refact", "command-r", "codeshell"].map((name) => [name, gpt2(true)] as const),
  ...["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"].map((name) => [name, llama3] as const),
  ...["qwen2", "deepseek-r1-qwen", "megrez"].map((name) => [name, qwen2] as const),
  ["tekken", split(TEKKEN, true, true)],
]);
