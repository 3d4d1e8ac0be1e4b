import assert from "node:assert/strict";
import { assemble, type Instruction } from "../../generator/compile/assemble.js";
import { type Compiled, compile } from "../../generator/compile/compile.js";
import { featuresOf } from "../../generator/compile/configure.js";
import { SEMAPHORES, type Semaphore } from "../../generator/isa/instruction.js";
import { TRACE_POINTS, type TracePoint } from "../../generator/isa/trace.js";
import { type AcceleratorConfig, defaultConfig } from "../../generator/isa/config.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { Random, type RandomOptions, randomModel } from "../../golden/model/random.js";
import type { ModelShape } from "../../golden/model/types.js";
import { Comparer, describeMismatch, firstMissing } from "./compare.js";
import { GoldenExpectations } from "./expected.js";
import { interpret } from "./interpreter.js";
import type { Choose } from "./interpreter/schedule.js";

const POINTS = Object.keys(TRACE_POINTS) as TracePoint[];
const SHAPE: ModelShape = {
  dim: 64,
  hidden: 96,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  vocab: 50,
  context: 64,
};

const configOf = (rows: number, tokens: number): AcceleratorConfig => ({
  ...defaultConfig,
  rows,
  tokens,
  context: 128,
  actWords: 256,
  vectorElements: 4096,
  residualElements: 2048,
  gainEntries: 512,
  kmeanEntries: 512,
  biasEntries: 512,
  headDim: 64,
  slots: 64,
  programInstructions: 128,
});

const inTurn: Choose = () => 0;
const shuffled = (seed: number): Choose => {
  const random = new Random(seed);
  return (possible) => random.integer(0, possible - 1);
};

interface Case {
  readonly compiled: Compiled;
  readonly config: AcceleratorConfig;
  readonly prompt: readonly number[];
  readonly total: number;
}

/** Runs a program and compares every trace record with golden. Returns what is wrong, null when nothing is. */
const wrong = (
  { compiled, config, prompt, total }: Case,
  choose: Choose,
  program = compiled.program,
): string | null => {
  const expectations = new GoldenExpectations(compiled.model, config, prompt, total);
  const comparer = new Comparer(expectations);
  let tokens: readonly number[];
  try {
    const trace = (point: TracePoint, fields: readonly number[]): void => {
      comparer.record({ point, cycle: 0, fields });
      if (comparer.mismatches.length > 0) throw new Error(describeMismatch(comparer.mismatches[0]!));
    };
    tokens = interpret({ ...compiled, program, config, prompt, total, trace, choose }).tokens;
  } catch (e) {
    return (e as Error).message;
  }
  const missing = firstMissing(expectations, POINTS);
  if (missing !== null) return missing;
  assert.ok(comparer.compared > 1000);
  assert.deepEqual(tokens, expectations.chosen);
  return null;
};

const prepare = (
  shape: Partial<ModelShape>,
  rows: number,
  tokens: number,
  prompt: number,
  total: number,
  options: RandomOptions = {},
): Case & { readonly golden: number[] } => {
  const model = randomModel({ ...SHAPE, ...shape }, 11, options);
  const config = { ...configOf(rows, tokens), features: featuresOf(model) };
  const random = new Random(prompt);
  const ids = Array.from({ length: prompt }, () => random.integer(0, model.shape.vocab - 1));
  return {
    compiled: compile(model, config),
    config,
    prompt: ids,
    total,
    golden: generate(new IntegerState(model), ids, total),
  };
};

describe("interpreter", function () {
  this.timeout(300000);
  const shapes: [string, Partial<ModelShape>, RandomOptions][] = [
    ["one head", { heads: 1, kvHeads: 1 }, {}],
    ["two heads, one KV head", {}, {}],
    ["four heads, one KV head, one layer", { heads: 4, kvHeads: 1, layers: 1 }, {}],
    ["two heads without sharing", { heads: 2, kvHeads: 2 }, {}],
    ["five heads without sharing", { heads: 5, kvHeads: 5 }, {}],
    ["six heads, three KV heads", { heads: 6, kvHeads: 3 }, {}],
    ["eight heads, two KV heads, three layers", { heads: 8, kvHeads: 2, layers: 3 }, {}],
    ["headDim 64, dim 96 (three groups)", { headDim: 64, dim: 96 }, {}],
    ["dim 32, an odd vocabulary", { dim: 32, vocab: 37 }, {}],
    ["padded: headDim 8, hidden 172", { heads: 8, kvHeads: 4, headDim: 8, hidden: 172 }, {}],
    ["W4 layers", {}, { format: "W4" }],
    [
      "8 bits everywhere, a head of its own",
      { heads: 4, kvHeads: 2 },
      { format: "W8", embedding: "W8", head: "W8", cache: { keys: 8, values: 8 } },
    ],
    ["8-bit keys, a W2 head", {}, { cache: { keys: 8, values: 3 }, head: "W2" }],
    ["8-bit values that come round", { headDim: 64 }, { cache: { keys: 3, values: 8 }, sinks: 2, window: 7 }],
    ["squared ReLU", {}, { format: "TERNARY", gate: "relu2" }],
    ["biases", { heads: 4, kvHeads: 2 }, { bias: true }],
    ["norms of q and k", { heads: 4, kvHeads: 2, headDim: 64 }, { qkNorm: true }],
    [
      "everything, padded",
      { heads: 8, kvHeads: 4, headDim: 8, hidden: 172 },
      { bias: true, qkNorm: true, subNorm: true, gate: "relu2", format: "TERNARY" },
    ],
    ["sub-norms", { heads: 4, kvHeads: 2 }, { format: "TERNARY", subNorm: true }],
    [
      "sub-norms, padded",
      { heads: 8, kvHeads: 4, headDim: 8, hidden: 172 },
      { subNorm: true, gate: "relu2" },
    ],
    ["sinks and a short window", {}, { sinks: 2, window: 7 }],
    ["a window without sinks, two KV heads", { heads: 4, kvHeads: 2 }, { sinks: 0, window: 5 }],
  ];
  shapes.forEach(([name, shape, options], i) => {
    for (const [rows, tokens] of [[2, 1], [4, 2], i % 2 === 0 ? [8, 3] : [2, 4]] as const)
      it(`${name}: every tensor and token is golden's, R = ${rows}, T = ${tokens}`, () => {
        const run = prepare(shape, rows, tokens, 7, 12, options);
        assert.equal(wrong(run, inTurn), null);
        const end = interpret({ ...run.compiled, ...run });
        assert.deepEqual(end.tokens, run.golden);
        assert.equal(wrong(run, shuffled(5)), null);
      });
  });

  it("runs layers whose constants differ", () => {
    for (const unequal of [[0], [1, 2], [3]]) {
      const run = prepare({ layers: 4, heads: 4, kvHeads: 2 }, 2, 2, 3, 5);
      const model = {
        ...run.compiled.model,
        layers: run.compiled.model.layers.map((layer, l) => {
          const { score } = layer.scale;
          const e = unequal.includes(l) ? score.e - 1 : score.e;
          return { ...layer, scale: { ...layer.scale, score: { ...score, e } } };
        }),
      };
      const config = { ...run.config, programInstructions: 256 };
      assert.equal(wrong({ ...run, config, compiled: compile(model, config) }, inTurn), null);
    }
  });

  it("runs past a block of 32 slots, and to the end of the context", () => {
    const run = prepare({ context: 64 }, 4, 2, 3, 64);
    assert.equal(wrong(run, inTurn), null);
  });

  it("runs a prompt of one token, and a prompt that is the whole run", () => {
    assert.equal(wrong(prepare({}, 2, 2, 1, 3), inTurn), null);
    assert.equal(wrong(prepare({}, 2, 4, 6, 6), inTurn), null);
  });

  it("needs no order of the units but what semaphores say", () => {
    for (const [rows, tokens, shape] of [
      [2, 1, {}],
      [4, 3, { heads: 4, kvHeads: 2 }],
      [2, 2, { heads: 3, kvHeads: 3 }],
    ] as const) {
      const run = prepare({ ...shape, layers: 2, hidden: 32 }, rows, tokens, 5, 7);
      for (let seed = 0; seed < 12; seed++) assert.equal(wrong(run, shuffled(seed)), null, `seed ${seed}`);
    }
  });

  describe("notices in some order that nobody waits for", () => {
    const run = (tokens: number) => prepare({ hidden: 32, heads: 4, kvHeads: 2 }, 2, tokens, 5, 6);
    const without = (instructions: readonly Instruction[], name: Semaphore): BigUint64Array => {
      const keep = ~(1 << SEMAPHORES[name].bit) & 0xffff;
      return assemble(
        instructions.map((instruction) => {
          const { wait, signal, ...rest } = instruction.fields;
          return {
            ...instruction,
            fields: {
              ...rest,
              ...(wait === undefined ? {} : { wait: wait & keep }),
              ...(signal === undefined ? {} : { signal: signal & keep }),
            },
          };
        }),
      );
    };
    // scoreFree and probFree never wait: values of head h stand between the scores of heads h + 1 and h + 2.
    const needed = (Object.keys(SEMAPHORES) as Semaphore[]).filter(
      (name) => name !== "scoreFree" && name !== "probFree",
    );
    for (const name of needed)
      it(name, () => {
        const found = [1, 2].flatMap((tokens) => {
          const one = run(tokens);
          const program = without(one.compiled.instructions, name);
          return Array.from({ length: 20 }, (_, seed) => wrong(one, shuffled(seed), program)).filter(
            (w) => w !== null,
          );
        });
        assert.ok(found.length > 0);
      });
  });

  it("reports a deadlock with who waits for what", () => {
    const { compiled, ...run } = prepare({}, 2, 1, 3, 4);
    const program = assemble(
      compiled.instructions.map((i) =>
        i.op === "softmax" ? { ...i, fields: { ...i.fields, signal: 1 << SEMAPHORES.scoreFree.bit } } : i,
      ),
    );
    assert.throws(
      () => interpret({ ...compiled, ...run, program }),
      /^Error: deadlock: instruction \d+ \(mv\) waits for probReady \(0 of 1\)/,
    );
  });

  it("separates compiler bugs: a flipped bit of the image is found and named", () => {
    const { compiled, ...run } = prepare({}, 2, 1, 3, 4);
    const region = compiled.regions.find((r) => r.name === "layer 1 o")!;
    const image = compiled.image.slice();
    const at = (region.beat + 3) * compiled.beatBytes;
    image[at] = image[at]! ^ 1;
    assert.match(
      wrong({ ...run, compiled: { ...compiled, image } }, inTurn)!,
      /layer 1 x_attn\[\d+\] of the token at position 0: expected -?\d+, 0, \d+, got/,
    );
  });

  it("refuses runs that no accelerator accepts", () => {
    const run = prepare({}, 2, 1, 3, 4);
    assert.throws(
      () => interpret({ ...run.compiled, ...run, prompt: [] }),
      /a prompt needs at least one token/,
    );
    assert.throws(
      () => interpret({ ...run.compiled, ...run, total: 2 }),
      /2 positions; at least the prompt's 3, at most 128/,
    );
  });
});
