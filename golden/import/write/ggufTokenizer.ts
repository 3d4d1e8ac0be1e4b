/** Tokenizers as GGUF metadata, for fixtures. */
import type { GgufEntry } from "./gguf.js";

const strings = (value: readonly string[]): GgufEntry => ({ type: "strings", value });
const text = (value: string): GgufEntry => ({ type: "string", value });
const id = (value: number): GgufEntry => ({ type: "u32", value });

/** Pieces and scores of llama2.c's kind: <unk>, BOS, EOS, 256 bytes, then words with spaces. */
export function sentencePieceTokenizer(
  pieces: readonly string[],
  scores: readonly number[],
): Map<string, GgufEntry> {
  const type = (at: number): number => (at === 0 ? 2 : at < 3 ? 3 : at < 259 ? 6 : 1);
  return new Map<string, GgufEntry>([
    ["tokenizer.ggml.model", text("llama")],
    [
      "tokenizer.ggml.tokens",
      strings(
        pieces.map((piece) =>
          piece.trim() === "<s>" ? "<s>" : piece.trim() === "</s>" ? "</s>" : piece.replaceAll(" ", "\u2581"),
        ),
      ),
    ],
    ["tokenizer.ggml.scores", { type: "f32s", value: scores }],
    ["tokenizer.ggml.token_type", { type: "i32s", value: pieces.map((_, at) => type(at)) }],
    ["tokenizer.ggml.bos_token_id", id(1)],
    ["tokenizer.ggml.eos_token_id", id(2)],
  ]);
}

/** GPT-2's characters for bytes: printable ones stand for themselves, the others follow from U+0100 on. */
function characters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(
      (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174 ? byte : next++,
    ),
  );
}

/** Bytes, then the unions of `merges`, then control tokens, of which the first is BOS and the last EOS; words as smollm's. */
export function byteLevelTokenizer(
  merges: readonly string[],
  control: readonly string[],
): Map<string, GgufEntry> {
  const words = [...characters(), ...merges.map((merge) => merge.replace(" ", ""))];
  const tokens = [...words, ...control];
  return new Map<string, GgufEntry>([
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text("smollm")],
    ["tokenizer.ggml.tokens", strings(tokens)],
    [
      "tokenizer.ggml.token_type",
      { type: "i32s", value: tokens.map((_, at) => (at < words.length ? 1 : 3)) },
    ],
    ["tokenizer.ggml.merges", strings(merges)],
    ["tokenizer.ggml.bos_token_id", id(words.length)],
    ["tokenizer.ggml.eos_token_id", id(tokens.length - 1)],
  ]);
}
