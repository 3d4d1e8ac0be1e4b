import assert from "node:assert/strict";
import type { AxiConfig } from "../../generator/accelerator/axiaccelerator.js";
import { compile } from "../../generator/compile/compile.js";
import { type AcceleratorConfig, defaultConfig } from "../../generator/isa/config.js";
import { randomFrom } from "../../generator/library/testing.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { randomModel } from "../../golden/model/random.js";
import type { QuantisedModel } from "../../golden/model/types.js";
import type { AxiBehaviour } from "../harness/axislave.js";
import { AxiSystem, type AxiTiming } from "../harness/axisystem.js";
import { demoModel, demoTokenizer } from "./demo.js";

const ROUGH: AxiBehaviour = { rate: 0.8, latency: 30 };
const base = { addressBits: 64, outstanding: 8, burst: 16, clocks: 1 } as const;
const SMALL = {
  dim: 64,
  hidden: 96,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  vocab: 64,
  context: 64,
} as const;

const system = (
  model: QuantisedModel,
  config: AcceleratorConfig,
  axi: AxiConfig,
  seed: number,
  behaviour = ROUGH,
  timing?: AxiTiming,
): AxiSystem => new AxiSystem(config, axi, compile(model, config), behaviour, randomFrom(seed), timing);

/** Golden's tokens behind the prompt. */
const expected = (model: QuantisedModel, prompt: readonly number[], total: number): number[] =>
  generate(new IntegerState(model), prompt, total).slice(prompt.length);

describe("the accelerator behind AXI", () => {
  const prompt = demoTokenizer().encode("Once upon a time");
  const total = prompt.length + 3;
  for (const [what, axi, timing] of [
    ["1 master of 64 bits", { ...base, masters: 1, dataBits: 64 }, undefined],
    [
      "2 masters of 32 bits, two clocks",
      { ...base, masters: 2, dataBits: 32, clocks: 2 },
      { axi: 1, core: 1.7 },
    ],
    [
      "1 master of 512 bits, two clocks",
      { ...base, masters: 1, dataBits: 512, burst: 64, clocks: 2 },
      { axi: 1, core: 0.6 },
    ],
  ] as const)
    it(`writes golden's tokens of the demo model: ${what}`, () => {
      const model = demoModel();
      const s = system(model, defaultConfig, axi, 3, ROUGH, timing);
      s.loadProgram();
      s.start({ prompt, total });
      s.finish(2_000_000);
      assert.deepEqual(s.tokens(prompt), expected(model, prompt, total));
      assert.equal(s.flag("status", "fault"), false);
      for (const slave of s.slaves) slave.monitor.finish();
      assert.ok(s.slaves.at(-1)!.monitor.counts.writeBursts > 100, "the cache is written");
    });

  it("writes golden's tokens behind 32 masters of 32 bits, run after run", () => {
    const config: AcceleratorConfig = { ...defaultConfig, rows: 16, headDim: 64, programInstructions: 128 };
    const model = randomModel(SMALL, 5);
    const s = system(model, config, { ...base, masters: 32, dataBits: 32 }, 4);
    s.loadProgram();
    for (const [first, length] of [
      [1, 4],
      [9, 7],
    ] as const) {
      const tokens = Array.from({ length }, (_, i) => first + 3 * i);
      s.start({ prompt: tokens, total: length + 4 });
      s.finish(500_000);
      assert.deepEqual(s.tokens(tokens), expected(model, tokens, length + 4));
    }
    for (const slave of s.slaves) slave.monitor.finish();
  });
});
