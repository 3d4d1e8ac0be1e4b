import assert from "node:assert/strict";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { type Machine, Speaker } from "../golden/chat/speak.js";
import { readHuggingFaceTokenizer } from "../golden/import/huggingfaceTokenizer.js";
import { byteLevelTokenizer } from "../golden/import/write/tokenizerJson.js";
import { converse, type Partner } from "./chatLoop.js";

const TEMPLATE =
  "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}a:{% endif %}";

const tokenizer = (template: string | null) =>
  readHuggingFaceTokenizer(
    JSON.stringify(byteLevelTokenizer([], [{ content: "<|end|>", special: true }], false)),
    {
      file: "tokenizer.json",
      settings: { eos_token: "<|end|>", chat_template: template },
    },
  );

/** Answers everything with the same bytes, then ends; keeps what it was told. */
const partner = (text: string, template: string | null, context: number, system?: string) => {
  const words = tokenizer(template);
  const script = [...words.encode(text), ...words.stops];
  const told: number[] = [];
  let said = 0;
  const machine: Machine = {
    ...{ context, block: 64 },
    earliest: () => 0,
    take: (tokens, position) => {
      told.length = position;
      told.push(...tokens);
      said = tokens.length > 1 ? 0 : said + 1;
      const logits = new Float64Array(words.size);
      logits[script[said % script.length]!] = 1;
      return logits;
    },
  };
  const speaker = new Speaker(machine, words, { temperature: 0, seed: 1, tokens: 50 });
  const all: Partner = {
    ...{ speaker, tokenizer: words, model: "m", context },
    ...(system === undefined ? {} : { system }),
  };
  return { partner: all, told: () => words.decode(told.filter((token) => token < 256)) };
};

const talk = async (partner: Partner, lines: readonly string[]) => {
  let [out, ready] = ["", 0];
  const notes: string[] = [];
  await converse(
    partner,
    (async function* () {
      yield* lines;
    })(),
    {
      write: (text) => {
        out += text;
      },
      note: (text) => notes.push(text),
      interrupted: () => false,
      ready: () => ready++,
    },
  );
  return { out, notes, ready };
};

describe("gateloom chat", () => {
  it("remembers a conversation until /new", async () => {
    const one = partner("ja 🙂", TEMPLATE, 200, "S");
    const { out, notes, ready } = await talk(one.partner, ["hi", "", "what"]);
    assert.equal(out, "ja 🙂\nja 🙂\n");
    assert.match(one.told(), /^s:Su:hia:ja 🙂u:whata:/);
    assert.deepEqual([notes, ready], [[], 4]);
    const two = partner("ja", TEMPLATE, 200, "S");
    assert.deepEqual((await talk(two.partner, ["hi", "/new", "what"])).notes, ["a new conversation"]);
    assert.match(two.told(), /^s:Su:whata:/);
  });

  it("says when the context is full, and goes on with a new conversation", async () => {
    const { out, notes } = await talk(partner("jaja", TEMPLATE, 14).partner, [
      "hello",
      "hello",
      "/new",
      "hi",
    ]);
    assert.equal(out, "jaja\njaja\n");
    assert.match(notes[0]!, /has become \d+ tokens long, too much for a context of 14; \/new/);
  });

  it("completes every line by itself without a template", async () => {
    const { out, notes } = await talk(partner("ja", null, 8).partner, ["on", "to", "much too long a line"]);
    assert.equal(out, "onja\ntoja\n");
    assert.deepEqual(notes, ["20 tokens do not fit into a context of 8"]);
  });

  const root = fileURLToPath(new URL("..", import.meta.url));
  const run = (args: readonly string[], input: string) =>
    execa(process.execPath, ["--import", "tsx", path.join(root, "cli", "main.ts"), "chat", ...args], {
      ...{ cwd: root, reject: false, input, env: { NO_COLOR: "1" }, stripFinalNewline: false },
    });

  it("the demo completes what comes through a pipe; the text alone is on standard output", async () => {
    const { stdout, stderr, exitCode } = await run(
      ["--temperature", "0", "--tokens", "24"],
      "Once upon a time\n",
    );
    assert.match(stdout, /^Once upon a time, there was a little girl named Lily\. .*\n$/);
    assert.equal(stderr, "(ended after 24 tokens; --tokens allows more)\n");
    assert.equal(exitCode, 0);
  });

  it("refuses what cannot work", async () => {
    const system = await run(["--system", "Be brief", "--prompt", "x"], "");
    assert.match(system.stderr, /^gateloom: --system: this model has no chat template/);
    assert.equal(system.exitCode, 2);
    const silence = await run([], " \n");
    assert.match(silence.stderr, /^gateloom: nothing to answer/);
    assert.equal(silence.exitCode, 2);
  });

  it("ends a text at Ctrl-C, whole lines and 130", async () => {
    const child = run(["--prompt", "Lily", "--tokens", "250", "--temperature", "0"], "");
    let heard = "";
    child.stdout.on("data", (data: Buffer) => {
      heard += String(data);
      if (heard.length > 10) child.kill("SIGINT");
    });
    const { stdout, stderr, exitCode } = await child;
    assert.equal(exitCode, 130, stderr);
    assert.match(stdout, /^Lily.*\n$/s);
  });
});
