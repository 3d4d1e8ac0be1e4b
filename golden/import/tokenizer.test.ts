import assert from "node:assert/strict";
import { readTokenizerBin, readTokenizerJson, Tokenizer } from "./tokenizer.js";

/** <unk>, BOS, EOS, the 256 bytes, then these pieces; earlier ones score higher. */
function tokenizer(...pieces: string[]): Tokenizer {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const all = ["<unk>", "<s>", "</s>", ...bytes, ...pieces];
  return new Tokenizer(
    all,
    all.map((_, id) => (id < 259 ? 0 : -id)),
  );
}

describe("tokenizer", () => {
  const small = tokenizer("ab", " a", "abc", " abc", " ", "a", "b", "c");

  it("puts a space in front and merges the best pair first", () => {
    // ab scores best, so " a" never forms; then abc, then " abc"
    assert.deepEqual(small.encode("abc"), [1, 262]);
    assert.deepEqual(small.encode("ab", false), [263, 259]);
    assert.deepEqual(small.encode("aab"), [1, 260, 259]);
    assert.deepEqual(small.encode(""), [1]);
  });

  it("falls back to bytes and decodes them again", () => {
    const tokens = small.encode("aé日");
    assert.deepEqual(tokens, [1, 260, 0xc3 + 3, 0xa9 + 3, 0xe6 + 3, 0x97 + 3, 0xa5 + 3]);
    assert.equal(small.decode(tokens), "aé日");
  });

  it("decodes to the text it encoded, dropping only the space it put in front", () => {
    for (const text of ["abc", " abc", "a b  c", "", "\n", "abcabc abc"]) {
      assert.equal(small.decode(small.encode(text)), text);
    }
    assert.equal(small.decode(small.encode("ab", false)), " ab");
  });

  it("a sequence ends at the next BOS or EOS", () => {
    assert.equal(small.decode([1, 262, 1, 262]), "abc");
    assert.equal(small.decode([1, 262, 2, 262]), "abc");
    assert.throws(() => small.decode([1, 999]), /token 999 is outside the vocabulary 0\.\.266/);
  });

  it("reads tokenizer.bin and refuses one that is too short", () => {
    const bytes = Uint8Array.of(2, 0, 0, 0, 0, 0, 128, 63, 1, 0, 0, 0, 97, 0, 0, 0, 192, 2, 0, 0, 0, 98, 99);
    const read = readTokenizerBin(bytes, 2, "t.bin");
    assert.deepEqual(
      [read.pieces, read.scores],
      [
        ["a", "bc"],
        [1, -2],
      ],
    );
    assert.throws(() => readTokenizerBin(bytes, 3, "t.bin"), {
      name: "InputError",
      message:
        "t.bin, byte 23: the file ends inside token 2 of 3. Use the tokenizer that belongs to the checkpoint.",
    });
  });

  it("reads tokenizer.json and refuses what is none", () => {
    const read = readTokenizerJson('{"pieces": ["a", "b"], "scores": [0, -1]}', "t.json");
    assert.deepEqual(read.pieces, ["a", "b"]);
    const refusals: [string, RegExp][] = [
      ["{", /^t\.json: the file is not JSON\. Export it again with golden\/demo\/train\.$/],
      ["null", /pieces is not a list of strings/],
      ['{"pieces": ["a"], "scores": []}', /scores are not 1 numbers, one per piece/],
    ];
    for (const [text, message] of refusals)
      assert.throws(() => readTokenizerJson(text, "t.json"), { name: "InputError", message });
  });
});
