/** Codes of few bits stay as they are: by hand, and through whole files of every such kind. */
import assert from "node:assert/strict";
import { openModel } from "../../import/model.js";
import type { StoredCodes } from "../../import/source.js";
import { TemporaryFolder } from "../../import/write/folder.js";
import { writeGgufModel } from "../../import/write/ggufModel.js";
import { type Pack, writeHuggingFace } from "../../import/write/huggingface.js";
import { bitnet, gptq } from "../../import/write/packed.js";
import { randomFloatModel } from "../../import/write/random.js";
import { VARIANTS } from "../../import/write/variants.js";
import { llama } from "../../model/architecture.js";
import { dequantise } from "../matrix.js";
import type { Levels, Recipe } from "../recipe.js";
import { MATRICES } from "../round.js";
import { keepCodes, keepLevels } from "./kept.js";
import { quantiseInMemory } from "./memory.js";

const stored = (codes: number[], about: Partial<StoredCodes> = {}): StoredCodes => ({
  ...{ low: -1, high: 1, codes: Int8Array.from(codes), group: codes.length },
  ...{ scales: Float32Array.of(0.75), zeros: null, ...about },
});
const row = (...four: number[]): number[] => Array.from({ length: 8 }, () => four).flat();

describe("codes that a checkpoint has already", () => {
  it("ternary, with the scale as a mantissa; a negative scale turns the codes", () => {
    const kept = keepCodes(stored(row(-1, 0, 1, 1)), 1, 32, "W8")!;
    assert.deepEqual([kept.format, [...kept.codes.subarray(0, 4)]], ["TERNARY", [-1, 0, 1, 1]]);
    assert.deepEqual([...dequantise(kept).subarray(0, 4)], [-0.75, 0, 0.75, 0.75]);
    const turned = keepCodes(stored(row(-1, 0, 1, 1), { scales: Float32Array.of(-0.75) }), 1, 32, "W2")!;
    assert.deepEqual([...dequantise(turned).subarray(0, 4)], [0.75, 0, -0.75, -0.75]);
  });

  it("two bits with a zero point become W4, with one between the codes W2", () => {
    const bits = { low: 0, high: 3 };
    const whole = keepCodes(stored(row(0, 1, 2, 3), { ...bits, zeros: Float32Array.of(1) }), 1, 32, "W2")!;
    assert.deepEqual([whole.format, [...whole.codes.subarray(0, 4)]], ["W4", [-1, 0, 1, 2]]);
    const between = keepCodes(
      stored(row(0, 1, 2, 3), { ...bits, zeros: Float32Array.of(1.5) }),
      1,
      32,
      "W4",
    )!;
    assert.deepEqual([between.format, [...between.codes.subarray(0, 4)]], ["W2", [-3, -1, 1, 3]]);
    assert.deepEqual([...dequantise(between).subarray(0, 4)], [-1.125, -0.375, 0.375, 1.125]);
    const odd = keepCodes(stored(row(0, 1, 2, 3), { ...bits, zeros: Float32Array.of(1.25) }), 1, 32, "W4");
    assert.equal(odd, null);
  });

  it("wider ones only where the recipe asks for as many levels", () => {
    const q4 = stored(row(-8, 7, 1, 0), { low: -8, high: 7 });
    assert.deepEqual(
      (["W2", "W3", "W4"] as const).map((levels) => keepCodes(q4, 1, 32, levels)?.format),
      [undefined, undefined, "W4"],
    );
    const wide = stored(row(15, 0, 8, 8), { low: 0, high: 15, zeros: Float32Array.of(3) });
    assert.equal(keepCodes(wide, 1, 32, "W4"), null); // 12 is no code of W4
    const q8 = stored(row(-119, 119, 1, 0), { low: -127, high: 127 });
    assert.equal(keepCodes(q8, 1, 32, "W8")!.format, "W8");
    assert.equal(keepCodes(stored(row(-120, 1, 1, 0), { low: -127, high: 127 }), 1, 32, "W8"), null);
  });

  it("not where groups are no groups of 32, or no mantissa reaches a scale", () => {
    const halves = { group: 16, scales: Float32Array.of(1, 1) };
    assert.equal(keepCodes(stored(row(1, 0, 0, 1), halves), 1, 32, "W2"), null);
    assert.equal(keepCodes(stored(row(1, 0, 0, 1), { scales: Float32Array.of(300) }), 1, 32, "W2"), null);
  });

  it("four levels in floats", () => {
    const weights = Float32Array.from(row(-3, -1, 1, 3), (code) => code * 0.1);
    assert.deepEqual([...keepLevels(weights, 1, 32)!.codes.subarray(0, 4)], [-3, -1, 1, 3]);
    weights[9] = 0.2;
    assert.equal(keepLevels(weights, 1, 32), null);
  });

  describe("in files", () => {
    const temporary = new TemporaryFolder();
    after(() => temporary.remove());
    const shape = {
      dim: 64,
      hidden: 128,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headDim: 16,
      vocab: 40,
      context: 24,
    };
    const recipe = (levels: Levels): Recipe => ({
      linear: { levels, group: 32, rounding: "nearest", pruning: null },
      overrides: new Map(),
      ...{ embedding: "W8", head: "W8", rotate: false },
      cache: { keys: 4, values: 4 },
    });
    /** Every linear matrix keeps its codes; rounding the scales alone loses almost nothing. */
    const keeps = async (path: string, levels: Levels, format: string): Promise<void> => {
      const opened = await openModel(path);
      const { source, description, kind } = opened;
      const saved = await quantiseInMemory({
        ...{ source, description, kind, recipe: recipe(levels), threads: 1, text: [[1, 2, 3, 4, 5]] },
      });
      for (const [name, { kept, error }] of saved.about().losses) {
        if (!name.startsWith("layers.")) continue;
        assert.ok(kept && error < 2e-5, `${name}: ${error}`);
        assert.equal(saved.tensors.get(name)!.type, format, name);
        const codes = (await saved.codes(name))!.codes;
        const before = (await source.codes(name))!;
        if (before.zeros === null) assert.deepEqual(codes, before.codes, name);
      }
      assert.equal([...saved.about().losses.values()].filter(({ kept }) => kept).length, 2 * MATRICES.length);
      await source.close();
    };
    const folder = (
      pack: Pack,
      architecture = llama(1e-5, 1e4),
      settings: Record<string, unknown> = {},
    ): string =>
      temporary.folder(
        writeHuggingFace(randomFloatModel(architecture, 6, shape), {
          ...{ dtype: "F16", pack, config: { quantization_config: settings } },
        }),
      );

    it("BitNet in both senses of the scale", async () => {
      for (const kind of ["bitlinear", "autobitlinear"] as const) {
        const settings = { quant_method: "bitnet", linear_class: kind, quantization_mode: "offline" };
        await keeps(folder(bitnet(kind), VARIANTS.get("bitnet")!, settings), "W4", "TERNARY");
      }
    });
    it("GPTQ of two bits", async () => {
      const settings = { quant_method: "gptq", bits: 2, group_size: 32, checkpoint_format: "gptq" };
      await keeps(folder(gptq({ bits: 2, group: 32 }), llama(1e-5, 1e4), settings), "W2", "W4");
    });
    it("GGUF: TQ1_0 and TQ2_0", async () => {
      const wide = { ...shape, dim: 256, hidden: 256, headDim: 64 };
      for (const [type, levels, format] of [
        ["TQ1_0", "W2", "TERNARY"],
        ["TQ2_0", "W8", "TERNARY"],
      ] as const)
        await keeps(
          temporary.file("m.gguf", writeGgufModel(randomFloatModel(llama(1e-5, 1e4), 6, wide), [type])),
          levels,
          format,
        );
    });
  });
});
