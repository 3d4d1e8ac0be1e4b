/** A whole chip through its UART pins: prompt in, tokens out, equal to golden's. */
import assert from "node:assert/strict";
import { standalone } from "../../generator/accelerator/standalone.js";
import { compile } from "../../generator/compile/compile.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { randomModel } from "../../golden/model/random.js";
import { goCommand, parseAnswers, promptCommand, SerialHost } from "../harness/serial.js";
import { wordsOf } from "../../generator/compile/words.js";

const SHAPE = { dim: 32, hidden: 64, layers: 2, heads: 1, kvHeads: 1, headDim: 32, vocab: 300, context: 64 };
const DIVIDER = 4;
const ID = 0x1234abcd;

describe("stand-alone chip", () => {
  const model = randomModel(SHAPE, 3);
  const compiled = compile(model, defaultConfig);
  const chip = () =>
    new SerialHost(
      standalone(
        defaultConfig,
        {
          program: [...compiled.program],
          image: wordsOf(compiled.image, compiled.beatBytes),
          beats: 2 ** Math.ceil(Math.log2(compiled.memoryBeats)),
          registers: compiled.registers,
          id: ID,
        },
        DIVIDER,
      ),
      DIVIDER,
    );
  const last = (host: SerialHost) => parseAnswers(host.received).at(-1);

  it("says who it is, writes golden's tokens, twice", () => {
    const host = chip();
    host.send([0x49]);
    host.run(() => last(host)?.kind === "identify", 2000);
    assert.deepEqual(last(host), { kind: "identify", id: ID });
    for (const prompt of [[1, 17, 299, 5], [1]]) {
      const total = prompt.length + 3;
      const from = parseAnswers(host.received).length;
      host.send([...promptCommand(prompt), ...goCommand(total)]);
      const since = () => parseAnswers(host.received).slice(from);
      host.run(() => since().at(-1)?.kind === "done", 400_000);
      const answers = since();
      assert.deepEqual(answers.at(-1), { kind: "done", saturated: false });
      assert.deepEqual(
        answers.flatMap((a) => (a.kind === "token" ? [a.token] : [])),
        generate(new IntegerState(model), prompt, total).slice(prompt.length),
      );
    }
  });

  it("refuses what is no command, and commands while it runs", () => {
    const host = chip();
    host.send([0x00]);
    host.run(() => last(host)?.kind === "error", 2000);
    assert.deepEqual(last(host), { kind: "error", byte: 0 });
    host.send([...promptCommand([1, 2]), ...goCommand(4), 0x47]);
    host.run(() => last(host)?.kind === "error" && parseAnswers(host.received).length > 1, 20_000);
    assert.deepEqual(last(host), { kind: "error", byte: 0x47 });
    host.run(() => last(host)?.kind === "done", 400_000);
    assert.equal(parseAnswers(host.received).filter(({ kind }) => kind === "token").length, 3);
  });
});
