import assert from "node:assert/strict";
import { randomModel } from "../../golden/model/random.js";
import type { ModelShape } from "../../golden/model/types.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { instructions } from "./assemble.js";
import { compile, type CompileOptions } from "./compile.js";
import { CompileError } from "./error.js";
import { layerRuns } from "./program.js";

const DEMO: ModelShape = {
  dim: 64,
  hidden: 256,
  layers: 4,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  vocab: 512,
  context: 256,
};

const roomy: AcceleratorConfig = {
  ...defaultConfig,
  rows: 4,
  tokens: 2,
  actWords: 256,
  vectorElements: 4096,
  residualElements: 2048,
  gainEntries: 1024,
  kmeanEntries: 1024,
  headDim: 128,
  slots: 64,
  programInstructions: 128,
};

const problems = (
  shape: Partial<ModelShape>,
  config: Partial<AcceleratorConfig> = {},
  options: CompileOptions = {},
): readonly string[] => {
  try {
    compile(
      randomModel({ ...DEMO, layers: 1, vocab: 32, ...shape }, 1),
      { ...defaultConfig, ...config },
      options,
    );
  } catch (e) {
    assert.ok(e instanceof CompileError, String(e));
    return e.problems;
  }
  return [];
};

describe("compile", () => {
  it("fits the demo model, cache included, in 131072 bytes", () => {
    const compiled = compile(randomModel(DEMO, 1), defaultConfig, { memoryBytes: 131072 });
    assert.equal(compiled.memoryBeats * compiled.beatBytes, 127168);
    const kilobytes = (name: RegExp): number =>
      compiled.regions
        .filter((r) => name.test(r.name))
        .reduce((sum, r) => sum + r.beats * compiled.beatBytes, 0);
    assert.deepEqual(
      {
        weights: kilobytes(/layer \d+ (q|k|v|o|gate|down)\b/),
        embedding: kilobytes(/embedding/),
        cache: kilobytes(/cache/),
        constants: kilobytes(/gain|mean|rope/),
      },
      { weights: 72192, embedding: 18432, cache: 34816, constants: 1728 },
    );
    assert.deepEqual(compiled.registers, { epsilonSum: compiled.model.epsilonSum, sinks: 0, window: 256 });
    assert.ok(compiled.instructions.length <= defaultConfig.programInstructions);
  });

  it("has regions that follow each other without gap or overlap", () => {
    for (const config of [defaultConfig, roomy]) {
      const { regions, memoryBeats, image, beatBytes, layout } = compile(
        randomModel({ ...DEMO, heads: 4, kvHeads: 2 }, 1),
        { ...config, ...(config === defaultConfig ? { vectorElements: 1024 } : {}) },
      );
      let next = 0;
      for (const { name, beat, beats } of regions) {
        assert.equal(beat, next, name);
        next += beats;
      }
      assert.equal(next, memoryBeats);
      assert.equal(image.length, layout.imageBeats * beatBytes);
    }
  });

  it("gives the same bytes for the same model", () => {
    const [a, b] = [1, 2].map(() => compile(randomModel(DEMO, 9), roomy));
    assert.deepEqual(a!.program, b!.program);
    assert.deepEqual(a!.image, b!.image);
    assert.equal(a!.listing, b!.listing);
  });

  it("gives a program that does not grow with layers, and lists what it holds", () => {
    const [two, four] = [2, 4].map((layers) => compile(randomModel({ ...DEMO, layers }, 1), roomy));
    assert.equal(two!.instructions.length, four!.instructions.length);
    assert.deepEqual(
      instructions(four!.program).map(({ op }) => op),
      four!.instructions.map(({ op }) => op),
    );
    assert.match(four!.listing, /^000 {2}load {4}rope {2}mem 0 /);
    assert.match(four!.listing, /loop {4}4 {2}-> \d+ +; layers 0 to 3\n/);
    assert.equal(four!.listing.trimEnd().split("\n").length, four!.instructions.length);
  });

  it("copies the layer when constants differ, once per run of equal layers", () => {
    const model = randomModel({ ...DEMO, layers: 4, vocab: 32 }, 1);
    const unequal = {
      ...model,
      layers: model.layers.map((layer, l) =>
        l < 2
          ? layer
          : {
              ...layer,
              scale: { ...layer.scale, score: { ...layer.scale.score, e: layer.scale.score.e + 1 } },
            },
      ),
    };
    assert.deepEqual(layerRuns(unequal), [
      [0, 2],
      [2, 2],
    ]);
    assert.throws(() => compile(unequal, { ...defaultConfig, programInstructions: 32 }), {
      message:
        "the program has 61 instructions, the configuration holds 32: set programInstructions: 64, or quantise so that K of score is the same in all layers",
    });
  });

  it("gives a short run a smaller cache", () => {
    const full = compile(randomModel(DEMO, 1), defaultConfig);
    const short = compile(randomModel(DEMO, 1), defaultConfig, { positions: 64 });
    assert.deepEqual([short.layout.cache.beats, full.layout.cache.beats], [576, 2176]);
    assert.deepEqual([short.registers.sinks, short.registers.window, short.positions], [0, 64, 64]);
    const ring = compile(randomModel(DEMO, 1, { sinks: 4, window: 28 }), defaultConfig);
    assert.deepEqual(
      [ring.registers.sinks, ring.registers.window, ring.positions, ring.layout.cache.slots],
      [4, 28, 256, 32],
    );
  });

  describe("refuses, and says what to change:", () => {
    const cases: [
      string,
      Partial<ModelShape>,
      Partial<AcceleratorConfig>,
      CompileOptions,
      readonly string[],
    ][] = [
      [
        "long heads",
        { headDim: 64, heads: 1 },
        {},
        {},
        ["headDim 64 needs headDim 64 or more, the configuration has 32"],
      ],
      [
        "a wide residual",
        { dim: 288 },
        { rows: 4 },
        {},
        [
          "dim 288 for 1 tokens needs residualElements 512 or more, the configuration has 256",
          "a norm gain of 288 needs gainEntries 512 or more, the configuration has 256",
        ],
      ],
      [
        "wide vectors",
        { hidden: 1056 },
        {},
        {},
        [
          "the widest vectors (1056 elements for 1 tokens) needs vectorElements 2048 or more, the configuration has 1024",
        ],
      ],
      [
        "many activations",
        { hidden: 1024 },
        { actWords: 32 },
        {},
        ["activations of 1 tokens (34 words of 32) needs actWords 64 or more, the configuration has 32"],
      ],
      [
        "many KV heads",
        { heads: 16, kvHeads: 16 },
        {},
        {},
        ["key means of 16 heads x 32 needs kmeanEntries 512 or more, the configuration has 256"],
      ],
      [
        "RoPE of long heads",
        { headDim: 256, heads: 1 },
        { headDim: 256 },
        {},
        ["128 RoPE pairs needs ropeEntries 128 or more, the configuration has 64"],
      ],
      [
        "many heads",
        { heads: 32, kvHeads: 1 },
        { vectorElements: 2048 },
        {},
        ["statistics of 32 heads needs slots 64 or more, the configuration has 32"],
      ],
      [
        "uneven heads",
        { heads: 3, kvHeads: 2 },
        {},
        {},
        ["3 heads do not share 2 KV heads evenly; heads must be a multiple of kvHeads"],
      ],
      ["no positions", {}, {}, { positions: 0 }, ["0 positions; at least one is needed"]],
      [
        "a small memory",
        {},
        {},
        { memoryBytes: 20000 },
        [
          "weights (19776 bytes) and cache (8704 bytes for 256 slots) do not fit 20000 bytes of memory: use a larger memory, fewer positions or a smaller model",
        ],
      ],
      [
        "a long program",
        { heads: 8, kvHeads: 2 },
        { programInstructions: 32 },
        {},
        ["the program has 49 instructions, the configuration holds 32: set programInstructions: 64"],
      ],
      [
        "a long vocabulary",
        { vocab: 70000, dim: 32 },
        {},
        {},
        ["a matrix of 70000 rows needs matrixRows 131072 or more, the configuration has 65536"],
      ],
      [
        "a long vector",
        { hidden: 8192 },
        { vectorElements: 8192, actWords: 512 },
        {},
        ["a vector of 8192 elements is longer than QUANT's 8188; the instruction word has no room for it"],
      ],
      [
        "a long cache",
        { context: 65536, headDim: 32 },
        { context: 65536 },
        {},
        [
          "the cache of one head takes 139264 beats, an instruction strides 131056: use fewer positions (65536 slots) or more rows (2)",
        ],
      ],
    ];
    for (const [name, shape, config, options, expected] of cases)
      it(name, () => assert.deepEqual(problems(shape, config, options), expected));

    it("fraction bits that the embedding cannot reach", () => {
      const model = { ...randomModel({ ...DEMO, layers: 1 }, 1), residualFraction: 60 };
      assert.throws(
        () => compile(model, defaultConfig),
        /residualFraction 60 is more than 23 above the embedding's least row exponent \d+: quantise with fewer fraction bits/,
      );
    });

    it("a W2 embedding, and interleaved formats that differ", () => {
      const model = randomModel({ ...DEMO, layers: 1 }, 1);
      const w4 = randomModel({ ...DEMO, layers: 1 }, 1, { format: "W4" });
      const mixed = {
        ...model,
        layers: [{ ...model.layers[0]!, up: w4.layers[0]!.up }],
        embedding: { ...model.embedding, format: "W2" as const },
      };
      assert.throws(() => compile(mixed, defaultConfig), {
        message:
          "- the embedding is W2; quantise it as W4 or W8\n- layer 0: gate is W2 and up W4; interleaved rows need one format",
      });
    });
  });
});
