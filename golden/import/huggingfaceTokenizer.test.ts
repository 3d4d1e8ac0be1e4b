import assert from "node:assert/strict";
import { readHuggingFaceTokenizer } from "./huggingfaceTokenizer.js";
import { openModel } from "./model.js";
import { TemporaryFolder } from "./write/folder.js";
import { json, writeHuggingFace } from "./write/huggingface.js";
import { randomFloatModel, TINY } from "./write/random.js";
import { byteLevelTokenizer, sentencePieceTokenizer } from "./write/tokenizerJson.js";
import { llama } from "../model/architecture.js";

const read = (tokenizer: object, more: object = {}) =>
  readHuggingFaceTokenizer(JSON.stringify(tokenizer), { file: "tokenizer.json", ...more });

/** Text that comes out when pieces are printed one by one. */
function printed(tokenizer: ReturnType<typeof read>, tokens: readonly number[]): string {
  const bytes = tokens.flatMap((token, i) => [...tokenizer.piece(tokens[i - 1] ?? -1, token)]);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

describe("tokenizer.json of Hugging Face", () => {
  const special = [
    { content: "<|begin|>", special: true },
    { content: "<|end|>", special: true },
    { content: "<tool>", special: false },
  ];
  const merges = [
    ["h", "e"],
    ["Ġ", "he"],
    ["l", "l"],
  ] as const;

  it("byte-level: merges, BOS, special tokens in text, any text there and back", () => {
    const tokenizer = read(byteLevelTokenizer(merges, special, true), {
      settings: { eos_token: "<|end|>", chat_template: [{ name: "default", template: "{{ x }}" }] },
      eos: [260, 99999],
    });
    const he = 256;
    assert.equal(tokenizer.size, 256 + 3 + 3);
    assert.equal(tokenizer.bos, 259);
    assert.deepEqual(tokenizer.stops, [260]);
    assert.equal(tokenizer.chatTemplate, "{{ x }}");
    assert.deepEqual(tokenizer.encode("he he"), [259, he, he + 1]);
    assert.deepEqual(tokenizer.encode("he", false), [he]);
    assert.deepEqual(tokenizer.encode("he<|end|>he", false), [he, 260, he]);
    assert.equal(tokenizer.decode([259, he, he + 1, 260]), "he he");
    assert.equal(tokenizer.decode(tokenizer.encode("a<tool>b")), "a<tool>b");
    for (const text of ["", " he", "he  hell\n", "é日🙂", "\u0000\u00ad"]) {
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
      assert.equal(printed(tokenizer, tokenizer.encode(text)), text);
    }
    assert.throws(() => tokenizer.piece(0, 262), /token 262 is outside the vocabulary 0\.\.261/);
  });

  it("byte-level without BOS", () => {
    const tokenizer = read(byteLevelTokenizer(merges, special, false));
    assert.equal(tokenizer.bos, null);
    assert.deepEqual(tokenizer.encode("he"), [256]);
    assert.deepEqual([tokenizer.stops, tokenizer.chatTemplate], [[], null]);
  });

  it("SentencePiece: the space in front, bytes of unknown characters", () => {
    const tokenizer = read(
      sentencePieceTokenizer(
        ["\u2581", "a", "b"],
        [
          ["\u2581", "a"],
          ["a", "b"],
        ],
      ),
    );
    const [space, a, b, spaceA] = [259, 260, 261, 262];
    assert.equal(tokenizer.bos, 1);
    assert.deepEqual(tokenizer.encode("ab"), [1, spaceA, b]);
    assert.deepEqual(tokenizer.encode("b a", false), [space, b, spaceA]);
    assert.deepEqual(tokenizer.encode("é", false), [space, 0xc3 + 3, 0xa9 + 3]);
    for (const text of ["ab", " ab", "é日 a\nb", "b"]) {
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
      assert.equal(printed(tokenizer, tokenizer.encode(text)), text);
    }
    assert.equal(tokenizer.decode([1, a, b]), "ab");
  });

  const cases: [string, string, RegExp][] = [
    ["text that is not JSON", "{", /^tokenizer\.json: the file is not JSON/],
    ["a file without a model", "{}", /^tokenizer\.json: model: /],
    [
      "a model that is not known",
      '{"model": {"type": "Wat", "vocab": {}}}',
      /^tokenizer\.json: the tokenizer cannot be built \(/,
    ],
    [
      "an empty vocabulary",
      '{"model": {"type": "BPE", "vocab": {}, "merges": []}}',
      /^tokenizer\.json: the tokenizer (has no vocabulary|cannot be built)/,
    ],
    [
      "ids beyond reason",
      JSON.stringify({
        ...sentencePieceTokenizer([], []),
        model: { type: "BPE", vocab: { "<unk>": 0, a: 4e9 }, merges: [], unk_token: "<unk>" },
      }),
      /^tokenizer\.json: model\.vocab/,
    ],
    [
      "an added token beyond reason",
      '{"added_tokens": [{"id": 4000000000, "content": "x"}], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}',
      /^tokenizer\.json: added_tokens\.0\.id: /,
    ],
  ];
  for (const [what, text, message] of cases)
    it(`refuses ${what}`, () => {
      assert.throws(() => readHuggingFaceTokenizer(text, { file: "tokenizer.json" }), {
        name: "InputError",
        message,
      });
    });

  it("gives no text to an id that no piece has", () => {
    const text = JSON.stringify({
      ...sentencePieceTokenizer([], []),
      model: { type: "BPE", vocab: { "<unk>": 0, a: 9 }, merges: [], unk_token: "<unk>" },
    });
    const tokenizer = readHuggingFaceTokenizer(text, { file: "tokenizer.json" });
    assert.equal(tokenizer.size, 10);
    assert.equal(tokenizer.decode([9, 8, 9]), "aa");
  });

  it("refuses text that needs an unknown token which the vocabulary lacks", () => {
    const text = JSON.stringify({
      ...byteLevelTokenizer([], [], false),
      model: { type: "BPE", vocab: { a: 0, b: 1 }, merges: [], unk_token: "<unk>", byte_fallback: true },
    });
    const tokenizer = readHuggingFaceTokenizer(text, { file: "tokenizer.json" });
    assert.deepEqual(tokenizer.encode("ab"), [0, 1]);
    assert.throws(() => tokenizer.encode("axb"), {
      name: "InputError",
      message: /^tokenizer\.json: the text needs the token "<unk>", which the vocabulary lacks\. Download/,
    });
  });

  it("comes with the folder, stops from generation_config.json, template from its own file; too large a one is refused", async () => {
    const temporary = new TemporaryFolder();
    try {
      const model = randomFloatModel(llama(1e-5, 1e4), 1, { ...TINY, vocab: 262 });
      const tokenizer = json(byteLevelTokenizer(merges, special, true));
      const files = writeHuggingFace(model)
        .set("tokenizer.json", tokenizer)
        .set("generation_config.json", json({ eos_token_id: [260, 261] }))
        .set("chat_template.jinja", new TextEncoder().encode("{{ messages }}"));
      const opened = await openModel(temporary.folder(files));
      assert.deepEqual(opened.tokenizer!.stops, [260, 261, 2]);
      assert.equal(opened.tokenizer!.chatTemplate, "{{ messages }}");
      await opened.source.close();
      const small = writeHuggingFace(randomFloatModel(llama(1e-5, 1e4), 1)).set("tokenizer.json", tokenizer);
      await assert.rejects(
        openModel(temporary.folder(small)),
        /the tokenizer has 262 tokens, the model only 40\. Use the tokenizer that belongs to the model\.$/,
      );
    } finally {
      temporary.remove();
    }
  });
});
