/** Every engine in the accelerator: golden's tokens and tensors, for each kind of weights that it multiplies. */
import assert from "node:assert/strict";
import { codeOf } from "../../generator/isa/codes.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { FORMATS, type MatrixFormat } from "../../generator/isa/instruction.js";
import { KERNELS } from "../../generator/engines/kernels.js";
import { randomModel } from "../../golden/model/random.js";
import type { WeightFormat } from "../../golden/model/types.js";
import { runSession } from "../harness/session.js";
import { buildSystem } from "../harness/system.js";
import { demoModel, demoTokenizer, sparseDemoModel } from "./demo.js";
import { quiet } from "./quiet.js";

/** W8 is two beats of W4 to a kernel; widths.test.ts runs it. */
type Known = Exclude<WeightFormat, "W8">;
const FORMAT: Readonly<Record<Known, MatrixFormat>> = {
  W2: "w2",
  W4: "w4",
  TERNARY: "ternary",
  N24: "n24",
};
const SHAPE = { dim: 64, hidden: 96, layers: 1, heads: 2, kvHeads: 1, headDim: 32, vocab: 64, context: 64 };
const PROMPT = [1, 5, 9, 3];

describe("any engine in the accelerator", () => {
  for (const kernel of KERNELS) {
    // Embedding, head and cache are four-bit codes: an engine without them cannot run a model alone.
    const alone = kernel.codes.includes("w4");
    const formats = (Object.keys(FORMAT) as Known[]).filter((f) => kernel.codes.includes(codeOf(FORMAT[f])));
    if (!alone) {
      it(`${kernel.name} is refused for a whole model: attention needs w4`, () => {
        const config = { ...defaultConfig, engine: kernel.name, family: kernel.families[0]! };
        const model = randomModel(SHAPE, 1, { format: formats[0]! });
        assert.throws(
          () => buildSystem(model, config, { kib: 64, bounded: false }),
          /the model needs w4 too; .*tree.* can/,
        );
      });
      continue;
    }
    for (const format of formats)
      it(`${kernel.name}: ${format} weights, one and two tokens a pass, with and without stalls`, async () => {
        for (const [tokens, stall] of [
          [1, undefined],
          [2, 4],
        ] as const) {
          const config = {
            ...defaultConfig,
            engine: kernel.name,
            family: kernel.families[0]!,
            tokens,
            programInstructions: 128,
          };
          const model = randomModel(SHAPE, 3, { format });
          const system = buildSystem(model, config, {
            kib: 64,
            bounded: false,
            ...(stall === undefined ? {} : { stall }),
          });
          const request = { prompt: PROMPT, total: 7, seed: 5, maxCycles: 900_000 };
          const result = await runSession(system, request, "embedded", 100, quiet);
          assert.deepEqual(result.mismatches, [], `${tokens} token(s), stall ${stall}`);
          assert.equal(result.tokens.length, 4);
        }
      });
    if (kernel.codes.includes("w2"))
      it(`${kernel.name} writes the demo model's story`, async () => {
        const config = { ...defaultConfig, engine: kernel.name, family: kernel.families[0]! };
        const system = buildSystem(demoModel(), config, { kib: 128, bounded: true });
        const request = { prompt: PROMPT, total: 6, seed: 1, maxCycles: 900_000 };
        const result = await runSession(system, request, "embedded", 100, quiet);
        assert.deepEqual(result.mismatches, []);
      });
  }
  for (const family of ["fabric", "xcup", "xc7"] as const)
    it(`sparse-chain writes the 2:4 demo model's story, ${family}`, async () => {
      const config = {
        ...defaultConfig,
        engine: "sparse-chain",
        family,
        tokens: 2,
        programInstructions: 128,
      };
      const system = buildSystem(sparseDemoModel(), config, { kib: 128, bounded: true });
      const prompt = demoTokenizer().encode("Once upon a time");
      const request = { prompt, total: prompt.length + 8, seed: 1, maxCycles: 900_000 };
      const result = await runSession(system, request, "embedded", 100, quiet);
      assert.deepEqual(result.mismatches, []);
      assert.equal(demoTokenizer().decode(result.tokens), ", there was a little girl named");
    });
  it("knows every format of weights, but for those of two beats", () =>
    assert.deepEqual(
      FORMATS.filter((f) => !["keys", "values", "w8", "keys8", "values8"].includes(f)).sort(),
      Object.values(FORMAT).sort(),
    ));
});
