/** Tokenizers in GGUF metadata: against llama2c's algorithm, by hand for byte-level pairs, BOS rules, streams, refusals. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../model/prng.js";
import { accessBytes } from "./access.js";
import { GgufSource } from "./gguf.js";
import { ggufTokenizer } from "./ggufTokenizer.js";
import { readTokenizerBin, type TextTokenizer, Tokenizer } from "./tokenizer.js";
import { type GgufEntry, writeGguf } from "./write/gguf.js";
import { byteLevelTokenizer, sentencePieceTokenizer } from "./write/ggufTokenizer.js";

async function read(metadata: ReadonlyMap<string, GgufEntry>): Promise<TextTokenizer> {
  return ggufTokenizer(await GgufSource.from(accessBytes(writeGguf(metadata, new Map()), "m.gguf")));
}

/** Metadata with changes; null takes a key away. Keys without "tokenizer.ggml.". */
function changed(
  metadata: ReadonlyMap<string, GgufEntry>,
  changes: readonly (readonly [string, GgufEntry | null])[],
): Map<string, GgufEntry> {
  const copy = new Map(metadata);
  for (const [key, entry] of changes)
    if (entry === null) copy.delete(`tokenizer.ggml.${key}`);
    else copy.set(`tokenizer.ggml.${key}`, entry);
  return copy;
}

/** <unk>, BOS, EOS, bytes, then words of a few letters, shorter ones with better scores; all parts are there. */
function pieces(): { pieces: string[]; scores: number[] } {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const words = ["ab", " a", "abc", " abc", "ba", "bab", "aba", "abab", " ab", "cc", " ", "a", "b", "c", "é"];
  const all = ["<unk>", "<s>", "</s>", ...bytes, ...words];
  return { pieces: all, scores: all.map((_, id) => (id < 259 ? 0 : -id)) };
}

function randomText(random: Random, alphabet: readonly string[], length: number): string {
  return Array.from({ length }, () => alphabet[random.integer(0, alphabet.length - 1)]!).join("");
}

describe("GGUF tokenizer: llama", () => {
  const { pieces: all, scores } = pieces();
  const metadata = sentencePieceTokenizer(all, scores);

  it("gives the ids of llama2.c's algorithm, and the texts back", async () => {
    const [ours, oracle] = [await read(metadata), new Tokenizer(all, scores)];
    const random = new Random(1);
    for (let i = 0; i < 300; i++) {
      const text = randomText(random, ["a", "b", "c", " ", "é", "日", "\n"], random.integer(0, 30));
      assert.deepEqual(ours.encode(text), oracle.encode(text), JSON.stringify(text));
      assert.equal(ours.decode(ours.encode(text)), text);
    }
    assert.deepEqual([ours.bos, ours.stops, ours.size], [1, [2], all.length]);
  });

  it("BOS and the space in front as metadata want them", async () => {
    const off: GgufEntry = { type: "bool", value: false };
    const noBos = await read(changed(metadata, [["add_bos_token", off]]));
    assert.deepEqual([noBos.bos, noBos.encode("abc")], [null, [262]]);
    assert.equal(noBos.decode(noBos.encode("abc")), "abc");
    const noSpace = await read(changed(metadata, [["add_space_prefix", off]]));
    assert.deepEqual(noSpace.encode("abc"), [1, 261]);
    assert.deepEqual(noSpace.encode("abc", false), [261]);
    assert.equal(noSpace.decode([1, 262]), " abc");
  });

  it("real vocabulary: tok512.bin in GGUF gives its own ids", async function () {
    const folder = process.env.GATELOOM_DATA;
    if (folder === undefined) return this.skip();
    const oracle = readTokenizerBin(readFileSync(join(folder, "tok512.bin")), 512, "tok512.bin");
    const ours = await read(sentencePieceTokenizer(oracle.pieces, oracle.scores));
    const text = readFileSync(join(folder, "tinystories-944k.txt"), "utf8");
    for (const story of text.slice(0, 60000).split("\n\n"))
      assert.deepEqual(ours.encode(story), oracle.encode(story));
  });
});

describe("GGUF tokenizer: gpt2", () => {
  // merges in order: t h, th e, Ġ the, 1 2 never (digits are single)
  const metadata = byteLevelTokenizer(["t h", "th e", "Ġ the", "1 2"], ["<|im_start|>", "<|im_end|>"]);
  const id = (tokenizer: TextTokenizer, text: string): number[] => tokenizer.encode(text);

  it("merges in the order of the list, inside words", async () => {
    const tokenizer = await read(metadata);
    // ids 0..255 are the bytes, then the merges, then control tokens
    assert.deepEqual(id(tokenizer, "the the"), [257, 258]);
    assert.deepEqual(id(tokenizer, "th e"), [256, 32, 101]);
    assert.deepEqual(id(tokenizer, "12"), [49, 50]);
    assert.deepEqual(id(tokenizer, ""), []);
  });

  it("other words, other tokens", async () => {
    const pre = (value: string) => changed(metadata, [["pre", { type: "string", value }]]);
    assert.deepEqual((await read(pre("gpt-2"))).encode("12"), [259]);
    const llama3 = await read(pre("llama-bpe"));
    assert.deepEqual([llama3.bos, llama3.encode("12", false)], [260, [259]]);
    assert.deepEqual(llama3.encode("1"), [260, 49]);
    assert.deepEqual((await read(pre("qwen2"))).encode("12"), [49, 50]);
  });

  it("control tokens are found in texts and have no bytes; they end a turn", async () => {
    const tokenizer = await read(metadata);
    assert.deepEqual(id(tokenizer, "<|im_start|>the<|im_end|>"), [260, 257, 261]);
    assert.equal(tokenizer.decode([260, 257, 261]), "the");
    assert.deepEqual(tokenizer.stops, [261]);
    assert.equal(tokenizer.bos, null);
  });

  it("streams: a character spread over tokens, any text back", async () => {
    const tokenizer = await read(metadata);
    const ids = tokenizer.encode("日\uFEFF");
    assert.deepEqual(ids, [0xe6, 0x97, 0xa5, 0xef, 0xbb, 0xbf]);
    assert.deepEqual(
      ids.map((token, i) => tokenizer.piece(ids[i - 1] ?? -1, token)[0]),
      ids,
    );
    assert.equal(tokenizer.decode(ids), "日\uFEFF");
    assert.equal(tokenizer.decode(ids.slice(0, 2)), "\uFFFD");
    const random = new Random(2);
    for (let i = 0; i < 200; i++) {
      const text = randomText(random, ["the", " ", "\n", "1", "é", "🙂", "\u0000", "__proto__", "'s"], 12);
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    }
    assert.throws(() => tokenizer.piece(-1, 262), /token 262 is outside the vocabulary 0\.\.261/);
  });

  const strings = (...value: string[]): GgufEntry => ({ type: "strings", value });
  const REMEDY = "Convert the model again with a current convert_hf_to_gguf.py.";
  const cases: [string, [string, GgufEntry | null][], string][] = [
    ["no kind", [["model", null]], "metadata tokenizer.ggml.model is missing"],
    [
      "another kind",
      [["model", { type: "string", value: "rwkv" }]],
      "metadata tokenizer.ggml.model = rwkv is not read",
    ],
    ["no vocabulary", [["tokens", null]], "metadata tokenizer.ggml.tokens is missing"],
    ["an empty vocabulary", [["tokens", strings()]], "metadata tokenizer.ggml.tokens is empty"],
    [
      "numbers for a vocabulary",
      [["tokens", { type: "i32s", value: [1] }]],
      "metadata tokenizer.ggml.tokens is not a list of texts",
    ],
    [
      "too few types",
      [["token_type", { type: "i32s", value: [1] }]],
      "metadata tokenizer.ggml.token_type has 1 entries for 262 tokens",
    ],
    [
      "unknown words",
      [["pre", { type: "string", value: "klingon" }]],
      "metadata tokenizer.ggml.pre = klingon is not read",
    ],
    ["no merges", [["merges", null]], "metadata tokenizer.ggml.merges is missing"],
    [
      "a merge that is none",
      [["merges", strings("a b", "ab")]],
      'metadata tokenizer.ggml.merges has at 1 no two tokens: "ab"',
    ],
    [
      "a BOS outside",
      [["bos_token_id", { type: "u32", value: 262 }]],
      "metadata tokenizer.ggml.bos_token_id = 262 is not a whole number of 0 to 261",
    ],
    [
      "pieces without scores",
      [["model", { type: "string", value: "llama" }]],
      "metadata tokenizer.ggml.scores is missing",
    ],
  ];
  for (const [what, changes, message] of cases)
    it(`refuses ${what}`, () =>
      assert.rejects(read(changed(metadata, changes)), (error: Error) => {
        assert.equal(error.name, "InputError");
        assert.ok(error.message.startsWith(`m.gguf: ${message}`), error.message);
        assert.ok(error.message.endsWith(REMEDY));
        return true;
      }));
});
