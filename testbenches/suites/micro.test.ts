/** The micro machine with its microprogram against golden: a small model in every engine, the demo model, the whole chip. */
import assert from "node:assert/strict";
import { type MicroPlaced, placeMicro } from "../../fpga-projects/micro/fit.js";
import { boardOf } from "../../fpga-projects/boards/index.js";
import { flashContents, programIdentity } from "../../generator/micro/board/flash.js";
import { randomModel } from "../../golden/model/random.js";
import type { QuantisedModel } from "../../golden/model/types.js";
import { chipRun, configured, machineRun, type MicroRequest } from "../harness/microbench.js";
import { chosenByGolden, runMicro, tokenLimit } from "../harness/microrun.js";
import { demoModel, demoTokenizer } from "./demo.js";

const SHAPE = { dim: 32, hidden: 64, layers: 2, heads: 2, kvHeads: 1, headDim: 32, vocab: 64, context: 16 };
const PROMPT = [1, 17, 63, 5];
const DIVIDER = 8;

const placed = (model: QuantisedModel, positions: number): MicroPlaced =>
  placeMicro(boardOf("icebreaker")!, model, positions);
const request = (model: QuantisedModel, prompt: readonly number[], total: number): MicroRequest => ({
  ...{ prompt, total, seed: 1 },
  maxCycles: total * tokenLimit(model),
});

describe("micro machine", function () {
  this.timeout(300_000);
  const small = placed(randomModel(SHAPE, 3), SHAPE.context);

  for (const engine of ["embedded", "icarus", "verilator"] as const)
    it(`a small random model in ${engine}: golden's tokens`, async () => {
      const total = engine === "icarus" ? PROMPT.length : SHAPE.context;
      const { model, contents, program } = small;
      const run = machineRun(contents, program.image.words, request(model, PROMPT, total));
      const { tokens, end } = await runMicro(engine === "icarus" ? configured(run) : run, engine);
      assert.deepEqual([tokens, end.outcome], [chosenByGolden(model, PROMPT, total), "done"]);
    });

  it("the whole chip, model in the flash, over the UART: golden's tokens", async () => {
    const { model, contents, program, positions } = small;
    const { words } = program.image;
    const flash = flashContents(contents, words);
    const chip = {
      ...{ ...contents, positions, divider: DIVIDER },
      flash: { words: words.length, offset: 0x100000, program: programIdentity(contents) },
    };
    const asked = request(model, PROMPT, SHAPE.context);
    const { tokens, end } = await runMicro(
      chipRun(chip, flash.bytes, { ...asked, maxCycles: asked.maxCycles + 1_000_000 }),
      "embedded",
    );
    assert.deepEqual([tokens, end.outcome], [chosenByGolden(model, PROMPT, SHAPE.context), "done"]);
    assert.deepEqual(
      ["identity", "refused", "failed", "flash_wrong"].map((port) => end.finals.get(port)),
      [BigInt(flash.id), 0n, 0n, 0n],
    );
  });

  it("the demo model: a prompt and 24 chosen tokens, all golden's", async () => {
    const demo = placed(demoModel(), 256);
    const prompt = demoTokenizer().encode("Once upon a time");
    const total = prompt.length + 23;
    const run = machineRun(demo.contents, demo.program.image.words, request(demo.model, prompt, total));
    const { tokens, end } = await runMicro(run, "embedded");
    assert.equal(tokens.length, 24);
    assert.deepEqual([tokens, end.outcome], [chosenByGolden(demoModel(), prompt, total), "done"]);
  });
});
