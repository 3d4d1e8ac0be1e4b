/** The loop that talks: endings, what is computed again, characters spread over tokens; the golden model behind it. */
import assert from "node:assert/strict";
import { generate, IntegerState } from "../model/integer.js";
import { TINY } from "../import/write/random.js";
import { randomModel } from "../model/random.js";
import { GoldenMachine } from "./machine.js";
import { type Machine, Speaker, type Spoken, TextStream } from "./speak.js";

const GREEDY = { temperature: 0, seed: 1, tokens: 8 };

/** Says the token behind the last one; counts what it was given. */
class Counter implements Machine {
  readonly block = 2;
  readonly given: [number, number[]][] = [];
  constructor(
    readonly context = 20,
    private readonly window = 20,
  ) {}
  earliest(taken: number): number {
    return taken > this.window ? taken : 0;
  }
  take(tokens: readonly number[], position: number): Float64Array {
    this.given.push([position, [...tokens]]);
    const logits = new Float64Array(32);
    logits[(tokens.at(-1)! + 1) % 32] = 1;
    return logits;
  }
}

const LETTERS = {
  stops: [31],
  piece: (_: number, token: number): Uint8Array => Uint8Array.of(97 + (token % 26)),
};

async function hear(
  talk: AsyncGenerator<string, Spoken>,
): Promise<{ readonly parts: string[]; readonly end: Spoken }> {
  const parts: string[] = [];
  for (;;) {
    const { done, value } = await talk.next();
    if (done) return { parts, end: value };
    if (value !== "") parts.push(value);
  }
}

describe("the loop that talks", () => {
  it("yields text as it comes, and ends at a stop token, which is not said", async () => {
    const { parts, end } = await hear(new Speaker(new Counter(), LETTERS, GREEDY).speak([26, 27]));
    assert.deepEqual(parts, ["c", "d", "e"]);
    assert.deepEqual(end, { tokens: [28, 29, 30], text: "cde", ending: "stop", taken: 2 });
  });

  it("ends at so many tokens", async () => {
    const speaker = new Speaker(new Counter(), LETTERS, { ...GREEDY, tokens: 3 });
    assert.deepEqual((await hear(speaker.speak([1]))).end, {
      ...{ tokens: [2, 3, 4], text: "cde", ending: "length", taken: 1 },
    });
  });

  it("ends where the context is full: the last token needs no position", async () => {
    const machine = new Counter(4);
    const { end } = await hear(new Speaker(machine, LETTERS, GREEDY).speak([1, 2, 3]));
    assert.deepEqual([end.tokens, end.ending], [[4, 5], "context"]);
    assert.deepEqual(machine.given.at(-1), [3, [4]]);
    const speaker = new Speaker(machine, LETTERS, GREEDY);
    await assert.rejects(hear(speaker.speak([1, 2, 3, 4, 5])), /5 tokens in a context of 4/);
  });

  it("takes a prompt block by block, and of the next one only what is new", async () => {
    const machine = new Counter();
    const speaker = new Speaker(machine, LETTERS, { ...GREEDY, tokens: 2 });
    await hear(speaker.speak([1, 2, 3]));
    assert.deepEqual(machine.given, [
      [0, [1, 2]],
      [2, [3]],
      [3, [4]],
    ]);
    machine.given.length = 0;
    const { end } = await hear(speaker.speak([1, 2, 3, 4, 9, 10]));
    assert.deepEqual(machine.given, [
      [4, [9, 10]],
      [6, [11]],
    ]);
    assert.equal(end.taken, 2);
    machine.given.length = 0;
    await hear(speaker.speak([1, 2, 7]));
    assert.deepEqual(machine.given[0], [2, [7]]);
    machine.given.length = 0;
    await hear(speaker.speak([1, 2]));
    assert.deepEqual(
      machine.given[0],
      [1, [2]],
      "logits of the last token are asked for, so it is taken again",
    );
  });

  it("begins again where a turning window has overwritten what the text goes back to", async () => {
    const machine = new Counter(20, 4);
    const speaker = new Speaker(machine, LETTERS, { ...GREEDY, tokens: 4 });
    await hear(speaker.speak([1, 2, 3]));
    machine.given.length = 0;
    await hear(speaker.speak([1, 2, 3, 4, 9]));
    assert.deepEqual(machine.given[0], [0, [1, 2]]);
  });

  it("is interrupted in the prompt and in the answer", async () => {
    let asked = 0;
    const speaker = new Speaker(new Counter(), LETTERS, GREEDY);
    const { end } = await hear(speaker.speak([1, 2], () => asked++ > 2));
    assert.deepEqual([end.tokens, end.ending], [[3, 4], "interrupted"]);
    const early = await hear(speaker.speak([5, 6], () => true));
    assert.deepEqual([early.end.tokens, early.end.ending], [[], "interrupted"]);
  });

  it("holds bytes back until a character is whole; what never becomes one is U+FFFD", () => {
    const bytes = [...new TextEncoder().encode("é🙂"), 0x41, 0xf0, 0x9f];
    const stream = new TextStream({ piece: (_, token) => Uint8Array.of(token) }, -1);
    assert.deepEqual(
      bytes.map((byte) => stream.push(byte)),
      ["", "é", "", "", "", "🙂", "A", "", ""],
    );
    assert.equal(stream.end(), "\ufffd");
  });

  it("says with the golden model what generate() writes; a rewound text is as a fresh one", async () => {
    const model = randomModel({ ...TINY, context: 32 }, 5);
    const machine = new GoldenMachine(model);
    try {
      const tokenizer = { ...LETTERS, stops: [] };
      const speaker = new Speaker(machine, tokenizer, { ...GREEDY, tokens: 12 });
      for (const prompt of [
        [1, 2, 3],
        [1, 2, 3, 4, 5, 6, 7],
        [1, 9],
        [1, 9, 4],
      ]) {
        const { end } = await hear(speaker.speak(prompt));
        const written = generate(new IntegerState(model), prompt, prompt.length + 11);
        assert.deepEqual(end.tokens, written.slice(prompt.length));
      }
    } finally {
      machine.close();
    }
  });
});
