/** Text to tokens and back in Python, equal to golden's tokenizers; conversations, and what is missing for them. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { accessBytes } from "../../golden/import/access.js";
import { GgufSource } from "../../golden/import/gguf.js";
import { ggufTokenizer } from "../../golden/import/ggufTokenizer.js";
import type { TextTokenizer } from "../../golden/import/tokenizer.js";
import { writeGguf } from "../../golden/import/write/gguf.js";
import { sentencePieceTokenizer as ggufMetadata } from "../../golden/import/write/ggufTokenizer.js";
import { readHuggingFaceTokenizer } from "../../golden/import/huggingfaceTokenizer.js";
import { byteLevelTokenizer, sentencePieceTokenizer } from "../../golden/import/write/tokenizerJson.js";
import { randomFrom } from "../../generator/library/testing.js";
import { demoTokenizer } from "../../testbenches/suites/demo.js";
import { boardOf } from "../boards/index.js";
import { commandOrSkip } from "./commands.testing.js";
import { hostFiles } from "./host.js";
import { inputFor, ProjectFolder, run, tokenizer } from "./programs.testing.js";
import { factsOf, hostTokenizer } from "./tokenizer.js";

const board = boardOf("arty-a7-100")!;

/** Runs Python beside the host files of a tokenizer. */
const inPython = async (
  test: Mocha.Context,
  files: ReadonlyMap<string, string>,
  script: string,
  input = "",
): Promise<string> => {
  const python = await commandOrSkip(test, "python3");
  const project = await ProjectFolder.of(hostFiles({ ...inputFor(board, null), tokenizer: files }));
  try {
    const env = { PYTHONDONTWRITEBYTECODE: "1", PYTHONIOENCODING: "utf-8" };
    const head = "import sys\nsys.path.insert(0, '')\nimport gateloom_text as g\n";
    const ran = await run(python, ["-c", head + script], { cwd: project.host, env, input });
    assert.equal(ran.code, 0, ran.err);
    return ran.out;
  } finally {
    await project.remove();
  }
};

const ENCODE = `import json
text = g.Text(g.load_model())
out = []
for line in json.load(sys.stdin):
    ids = text.encode(line)
    push = text.stream(ids[0] if ids else None)
    out.append([ids, "".join([push(i) for i in ids[1:]] + [push(None)])])
print(json.dumps(out))
`;

/** Texts of what the vocabulary has, and of what it has not. */
const texts = (letters: string): string[] => {
  const random = randomFrom(11);
  const all = [...letters];
  return Array.from({ length: 150 }, (_, i) =>
    Array.from({ length: i % 40 }, () => all[Math.floor(random() * all.length)]).join(""),
  );
};

describe("text on the host's side", () => {
  for (const [what, its, letters] of [
    ["a tokenizer whose scores tie", tokenizer, "theonceawsinr theonc é🙂ß"],
    ["the demo's", demoTokenizer(), "the little girl was happy. \n"],
  ] as const)
    it(`encodes and decodes as golden does: ${what}`, async function () {
      const lines = texts(letters);
      const out = JSON.parse(await inPython(this, hostTokenizer(its), ENCODE, JSON.stringify(lines)));
      assert.deepEqual(
        out.map(([ids]: [number[]]) => ids),
        lines.map((line) => its.encode(line)),
      );
      for (const [i, [ids, text]] of out.entries())
        assert.equal(text, its.decode(ids), JSON.stringify(lines[i]));
    });

  it("prints the ids of a prompt when it is run", async function () {
    const python = await commandOrSkip(this, "python3");
    const project = await ProjectFolder.of(hostFiles(inputFor(board)));
    try {
      const at = { cwd: project.host, env: { PYTHONDONTWRITEBYTECODE: "1" } };
      const ran = await run(python, ["gateloom_text.py", "--prompt", "the é"], at);
      assert.equal(ran.out, `${tokenizer.encode("the é").join(" ")}\n`, ran.err);
      const system = await run(python, ["gateloom_text.py", "--system", "x", "--prompt", "the"], at);
      assert.match(system.err, /^gateloom: --system: this model has no chat template/m);
      await writeFile(path.join(project.host, "model.json"), "{");
      const broken = await run(python, ["gateloom_text.py", "--prompt", "the"], at);
      assert.match(broken.err, /^gateloom: .*model\.json: /m);
      assert.deepEqual([system.code, broken.code], [1, 1]);
    } finally {
      await project.remove();
    }
  });

  const marked = JSON.stringify(
    byteLevelTokenizer([["t", "h"]], [{ content: "<|b|>", special: true }], true),
  );
  const chat = readHuggingFaceTokenizer(marked, {
    file: "tokenizer.json",
    settings: { bos_token: "<|b|>", chat_template: "{{ bos_token }}{{ messages[0].content }}" },
  });

  /** Nobody here can run it. */
  const foreign: TextTokenizer = {
    ...{ size: chat.size, bos: chat.bos, stops: chat.stops, marks: chat.marks, chatTemplate: null },
    encode: (text, bos) => chat.encode(text, bos),
    piece: (previous, token) => chat.piece(previous, token),
    decode: (tokens) => chat.decode(tokens),
  };

  it("writes a tokenizer.json for the tokenizer inside a GGUF file", async () => {
    const metadata = ggufMetadata(["<unk>", "<s>", "</s>", "a", "b", "ab"], [0, 0, 0, -1, -2, -3]);
    const source = await GgufSource.from(accessBytes(writeGguf(metadata, new Map()), "m.gguf"));
    const files = hostTokenizer(ggufTokenizer(source));
    assert.equal(factsOf(files)?.encoder, "tokenizer.json");
    const again = readHuggingFaceTokenizer(files.get("tokenizer.json")!, { file: "tokenizer.json" });
    const [bos, ...ids] = ggufTokenizer(source).encode("abba");
    assert.deepEqual([bos, ids], [1, again.encode("abba", false)]);
  });

  it("gives tokenizer.json and chat templates to their packages; BOS stands there once", async function () {
    const files = hostTokenizer(chat);
    assert.equal(factsOf(files)?.encoder, "tokenizer.json");
    const [begin] = chat.encode("");
    const script = `import types
class Library:
    @classmethod
    def from_file(cls, name):
        assert open(name).read().startswith("{")
        return cls()
    def encode(self, text, add_special_tokens):
        assert not add_special_tokens
        found = [${begin}] if text.startswith("<|b|>") else []
        return types.SimpleNamespace(ids=found + list(text.replace("<|b|>", "").encode()))
class Environment:
    def __init__(self, **options):
        self.globals = {}
        assert options == {"trim_blocks": True, "lstrip_blocks": True}
    def from_string(self, template):
        assert template == ${JSON.stringify(chat.chatTemplate)}
        return self
    def render(self, messages, add_generation_prompt, bos_token, eos_token):
        return bos_token * (messages[0]["content"] != "two") + messages[0]["content"]
def module(name, **what):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(what)
module("tokenizers", Tokenizer=Library)
module("jinja2")
module("jinja2.exceptions", TemplateError=type("TemplateError", (Exception,), {}))
module("jinja2.sandbox", ImmutableSandboxedEnvironment=Environment)
text = g.Text(g.load_model())
for word in ("one", "two"):
    print(text.conversation([{"role": "user", "content": word}]))
`;
    const bytes = (word: string): string => [begin, ...Buffer.from(word)].join(", ");
    assert.equal(await inPython(this, files, script), `[${bytes("one")}]\n[${bytes("two")}]\n`);
  });

  it("remembers a conversation until /new, where the model has a template", async function () {
    const script = `import types
asked = []
class Accelerator:
    positions, broken = 100, False
    def run(self, prompt, total, interrupted):
        yield 7
    def counters(self):
        return {}
    def saturated(self):
        return False
def conversation(messages):
    asked.append(" ".join("%s:%s" % (m["role"][0], m["content"]) for m in messages))
    return [1]
text = types.SimpleNamespace(
    vocab=10, stops=set(), template="t", conversation=conversation, stream=lambda _: lambda token: "" if token is None else "ja")
g.Talk(Accelerator(), text, 1, False).lines([{"role": "system", "content": "S"}])
print(asked)
`;
    assert.equal(
      await inPython(this, hostTokenizer(tokenizer), script, "hi\n\nwhat\n/new\nhm\n"),
      "ja\nja\nja\n['s:S u:hi', 's:S u:hi a:ja u:what', 's:S u:hm']\n",
    );
  });

  it("says which package is missing, and where only ids are understood", async function () {
    const script = `for name in ("jinja2", "tokenizers"):
    sys.modules[name] = None
text = g.Text(g.load_model())
for ask in (lambda: text.encode("a"), lambda: text.conversation([{"role": "user", "content": "a"}])):
    try:
        print(ask())
    except g.Failure as failure:
        print(failure)
`;
    assert.equal(
      await inPython(this, hostTokenizer(chat), script),
      "tokenizer.json needs the Python package tokenizers: pip install tokenizers\n" +
        "the model's chat template needs the Python package jinja2: pip install jinja2\n",
    );
    assert.match(await inPython(this, hostTokenizer(foreign), script), /give token ids with --ids/);
  });

  it("knows whose first space is dropped", () => {
    const pieces = JSON.stringify(sentencePieceTokenizer(["\u2581", "a"], [["\u2581", "a"]]));
    const prefixed = readHuggingFaceTokenizer(pieces, { file: "tokenizer.json" });
    assert.equal(factsOf(hostTokenizer(prefixed))?.dropsSpaceBehindBos, true);
    assert.equal(factsOf(hostTokenizer(chat))?.dropsSpaceBehindBos, false);
    assert.equal(factsOf(hostTokenizer(foreign))?.encoder, "none");
  });
});
