/** Saved models: what is written is read back alike, damage is one message, and inspection knows them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { Random } from "../model/prng.js";
import type { WeightFormat } from "../model/types.js";
import { MemoryKeeper } from "../quantise/pipeline/memory.js";
import { joined } from "../quantise/pipeline/parts.js";
import { quantiseInParts } from "../quantise/pipeline/pipeline.js";
import { unpackW2Rows, unpackTernary5 } from "../quantise/unpack/dense.js";
import { unpackN24Index } from "../quantise/unpack/sparse24.js";
import type { Recipe } from "../quantise/recipe.js";
import { accessBytes } from "./access.js";
import { slotsOf } from "./architecture.js";
import { InputError } from "./error.js";
import { openModel } from "./model.js";
import { inspectModel } from "./modelInspect.js";
import { loadQuantised, QuantisedSource } from "./quantised.js";
import { PACKINGS, packRows, unpackRows } from "./quantisedCodes.js";
import { parseHeader } from "./safetensorsHeader.js";
import { SafetensorsSource } from "./safetensorsSource.js";
import { TemporaryFolder } from "./write/folder.js";
import { json } from "./write/huggingface.js";
import { randomTensors, TINY } from "./write/random.js";
import { byteLevelTokenizer } from "./write/tokenizerJson.js";
import { VARIANTS } from "./write/variants.js";

const refuse = (at: number, why: string): never => {
  throw new RangeError(`${at}: ${why}`);
};

describe("codes of saved models", () => {
  const random = new Random(8);
  const codesOf = (format: WeightFormat, count: number): Int8Array => {
    const pick = (levels: readonly number[]): number => levels[random.integer(0, levels.length - 1)]!;
    if (format !== "N24")
      return Int8Array.from({ length: count }, () => {
        if (format === "W4") return random.integer(0, 15) - 8;
        if (format === "W8") return random.integer(0, 238) - 119;
        return pick(format === "W2" ? [-3, -1, 1, 3] : [-1, 0, 1]);
      });
    const codes = new Int8Array(count);
    for (let i = 0; i < count; i += 4) {
      const first = random.integer(0, 2);
      codes[i + first] = pick([-3, -1, 1, 3]);
      codes[i + random.integer(first + 1, 3)] = pick([-3, -1, 1, 3]);
    }
    return codes;
  };

  it("come back from their bytes, filled rows too", () => {
    for (const format of Object.keys(PACKINGS) as WeightFormat[])
      for (const cols of format === "N24" ? [4, 32, 36] : [1, 7, 32, 33]) {
        const codes = codesOf(format, 5 * cols);
        const bytes = packRows(format, codes, 5, cols);
        assert.deepEqual(unpackRows(format, bytes, 5, cols, refuse), codes, `${format}, ${cols} columns`);
      }
  });

  it("are the words of the contract's formats", () => {
    const [w2, ternary, n24] = [codesOf("W2", 96), codesOf("TERNARY", 99), codesOf("N24", 96)];
    assert.deepEqual(unpackW2Rows(packRows("W2", w2, 3, 32), 3, 32), w2);
    assert.deepEqual(unpackTernary5(packRows("TERNARY", ternary, 3, 33), 3, 33), ternary);
    assert.deepEqual(unpackN24Index(packRows("N24", n24, 3, 32), 3, 32), n24);
    assert.deepEqual([...packRows("W4", Int8Array.of(-8, 7, 3), 1, 3)], [0x78, 0x03]);
  });

  it("that no writer makes are refused with their place", () => {
    const of =
      (format: WeightFormat, cols: number, ...bytes: number[]) =>
      () =>
        unpackRows(
          format,
          Uint8Array.from(bytes),
          bytes.length / Math.ceil(cols / PACKINGS[format].columns),
          cols,
          refuse,
        );
    assert.throws(of("TERNARY", 5, 121, 243), /^RangeError: 1: byte 243 is above 242/);
    assert.throws(of("TERNARY", 4, 0), /0: byte 0 ends the row with codes of no column/);
    assert.throws(of("N24", 4, 0x40, 0x50), /1: byte 80 keeps column 1 behind column 1/);
    assert.throws(of("W8", 1, 119, 120), /1: byte 120 is 120, beyond 119/);
    assert.throws(of("W2", 3, 0x40), /ends the row/);
    assert.throws(
      () => packRows("W2", Int8Array.of(0, 1, 1, 1), 1, 4),
      /codes 0, 1, 1, 1 of row 0, column 0 are not W2/,
    );
    assert.throws(() => packRows("N24", new Int8Array(6), 1, 6), /6 columns of N24 are no whole words/);
  });
});

describe("saved models", () => {
  const temporary = new TemporaryFolder();
  after(() => temporary.remove());
  const recipe: Recipe = {
    linear: { levels: "W2", group: 64, rounding: "nearest", pruning: null },
    overrides: new Map([
      ["layers.0.down", { levels: "TERNARY", group: 32, rounding: "nearest", pruning: null }],
      ["layers.1.up", { levels: "W2", group: 32, rounding: "nearest", pruning: "magnitude" }],
      ["layers.1.v", { levels: "W8", group: 32, rounding: "nearest", pruning: null }],
    ]),
    ...{ embedding: "W8", head: "W4", rotate: false },
    cache: { keys: 8, values: 4 },
  };
  const shape = { ...TINY, vocab: 257 };
  const description = {
    name: "tiny",
    family: "random",
    shape,
    architecture: { ...VARIANTS.get("qwen3")!, qkvBias: true, tied: false },
  };
  let bytes = new Uint8Array(0);

  before(async () => {
    const tensors = randomTensors(description, 3);
    const slots = new Map(slotsOf(description).map((slot) => [slot.name, slot]));
    const keeper = new MemoryKeeper();
    await quantiseInParts({
      ...{ description, recipe, keeper, threads: 1, text: [[1, 2, 3, 40, 5, 200, 256, 9]] },
      source: {
        file: "tiny",
        codes: async () => null,
        read: async (name, from = 0, count) => {
          const cols = slots.get(name)!.shape.at(-1)!;
          return tensors
            .get(name)!
            .slice(from * cols, count === undefined ? undefined : (from + count) * cols);
        },
      },
    });
    const pieces: Uint8Array[] = [];
    for await (const piece of joined(keeper, { description, recipe, source: "test" })) pieces.push(piece);
    bytes = Uint8Array.from(Buffer.concat(pieces));
  });
  const open = async (file = bytes): Promise<QuantisedSource> =>
    new QuantisedSource(await SafetensorsSource.from(accessBytes(file, "m.safetensors")));

  it("say how they were made, and load to integers and to the float that these stand for", async () => {
    const source = await open();
    const about = source.about();
    assert.deepEqual([about.description, about.recipe, about.source], [description, recipe, "test"]);
    assert.equal(about.losses.size, 2 * 7 + 2);
    const { model, rounded } = await loadQuantised(source, { slots: { sinks: 1, window: 9 } });
    const formats = [
      model.embedding,
      model.head!,
      model.layers[0]!.down,
      model.layers[1]!.up,
      model.layers[1]!.v,
    ];
    assert.deepEqual(
      formats.map((matrix) => matrix.format),
      ["W8", "W4", "TERNARY", "N24", "W8"],
    );
    assert.deepEqual([model.layers[0]!.cache, model.sinks, model.window], [recipe.cache, 1, 9]);
    assert.equal(rounded.layers[1]!.v, model.layers[1]!.v);
    const few = await loadQuantised(source, { context: 6 });
    assert.deepEqual([few.model.shape.context, few.model.window], [6, 6]);
  });

  it("give rows and codes as a container does", async () => {
    const source = await open();
    const whole = await source.read("layers.0.gate");
    assert.deepEqual(await source.read("layers.0.gate", 7, 5), whole.slice(7 * 32, 12 * 32));
    const { codes, scales, group } = (await source.codes("layers.0.gate"))!;
    assert.equal(group, 32);
    assert.ok(whole.every((weight, i) => weight === Math.fround(codes[i]! * scales[i >> 5]!)));
    assert.equal(await source.codes("layers.0.down"), null); // 48 columns are no whole groups
    assert.equal(source.tensors.get("layers.1.up")!.type, "N24");
  });

  it("open, and are inspected, as a folder and as a file", async () => {
    const files = new Map([
      ["model.safetensors", bytes],
      ["tokenizer.json", json(byteLevelTokenizer([], [{ content: "<|end|>", special: true }], false))],
    ]);
    const folder = temporary.folder(files);
    for (const path of [folder, join(folder, "model.safetensors")]) {
      const opened = await openModel(path);
      assert.deepEqual([opened.kind, opened.tokenizer!.size], ["model quantised by Gateloom", 257]);
      assert.ok(opened.source.container instanceof QuantisedSource);
      assert.deepEqual((await opened.source.read("layers.1.q_bias")).length, 32);
      await opened.source.close();
      const inspection = await inspectModel(path);
      assert.ok(inspection.supported, inspection.problems.join("\n"));
      const mean = inspection.tensors.find(({ name }) => name === "layers.0.k_mean")!;
      assert.deepEqual([mean.status, inspection.model!.family], ["not needed", "random"]);
    }
  });

  const refused = async (file: Uint8Array<ArrayBuffer>, message: RegExp): Promise<void> => {
    await assert.rejects(
      async () => loadQuantised(await open(file)),
      (error: unknown) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, message);
        return true;
      },
    );
  };
  /** The file with its header changed, as text of the same length. */
  const edited = (from: string, to: string): Uint8Array<ArrayBuffer> => {
    const text = Buffer.from(bytes).toString("latin1");
    assert.ok(text.includes(from), from);
    assert.equal(from.length, to.length);
    return Uint8Array.from(Buffer.from(text.replace(from, to), "latin1"));
  };
  const offsetOf = (tensor: string): number => {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    return parseHeader(bytes.subarray(8, 8 + length), bytes.length, "m").entries.get(tensor)!.offset;
  };
  const changed = (at: number, ...values: number[]): Uint8Array<ArrayBuffer> => {
    const copy = bytes.slice();
    copy.set(values, at);
    return copy;
  };

  it("refuse damage with tensor and byte", async () => {
    await refused(bytes.slice(0, bytes.length - 9), /it ends at byte \d+ but the file has \d+/);
    const down = offsetOf("layers.0.down.ternary5") + 13;
    await refused(
      changed(down, 250),
      new RegExp(`tensor "layers.0.down.ternary5", byte ${down}: byte 250 is above 242`),
    );
    const exponent = offsetOf("head.exponent") + 7;
    await refused(
      changed(exponent, 32),
      new RegExp(`tensor "head.exponent", byte ${exponent}: exponent 32 is not in 0..31`),
    );
    const mean = offsetOf("layers.1.k_mean") + 8;
    await refused(
      changed(mean, 0, 0, 0xc0, 0x7f),
      new RegExp(`tensor "layers.1.k_mean", byte ${mean}: weight 2 is NaN`),
    );
    const gain = offsetOf("final_norm");
    await refused(changed(gain, 0, 0, 0x80, 0x7f), /tensor "final_norm", byte \d+: weight 0 is Infinity/);
  });

  it("refuse headers that contradict themselves", async () => {
    await refused(edited('"layers.0.q.w2"', '"layers.0.z.w2"'), /tensor "layers.0.q": the matrix is missing/);
    await refused(
      edited('"layers.0.q.mantissa"', '"layers.0.z.mantissa"'),
      /layers.0.q.*mantissas or exponents are missing/,
    );
    await refused(edited('"layers.0.q.w2"', '"layers.0.q.w4"'), /U8 \[32, 8\], U8 \[32, 16\] is needed/);
    await refused(
      edited('"layers.1.k_mean"', '"layers.1.k_moan"'),
      /"layers.1.k_mean": the tensor is missing/,
    );
    await refused(edited('"version":"1"', '"version":"7"'), /version 7 of this format is not read, but 1/);
    await refused(
      edited('\\"heads\\":4', '\\"heads\\":3'),
      /metadata shape: heads must be a multiple of kvHeads/,
    );
    await refused(edited('\\"residual\\":', '\\"residuel\\":'), /metadata ranges: residual/);
    await refused(edited('\\"eps\\":', '\\"apx\\":'), /metadata architecture: eps/);
    await refused(edited('\\"hidden\\":48', '\\"hidden\\":47'), /layers\.0\.(gate|down)/);
    await refused(
      edited('\\"vocab\\":257', '\\"vocab\\":256'),
      /tensor "embedding", byte \d+: it has 257 rows, the model needs 256/,
    );
  });

  it("with every byte of the header wrong in turn never do anything else", async () => {
    const length = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    for (let at = 0; at < length; at += 7) {
      const file = changed(at, bytes[at]! ^ (1 << (at % 8)));
      try {
        await loadQuantised(await open(file));
      } catch (error) {
        assert.ok(error instanceof InputError, `byte ${at}: ${error}`);
      }
    }
  });

  it("the demo's kind is told apart", async () => {
    const demo = new URL("../demo/stories.safetensors", import.meta.url);
    const file = temporary.file("demo.safetensors", readFileSync(demo));
    await assert.rejects(
      openModel(file),
      /already quantised model of Gateloom.*eval, chat, generate, simulate/,
    );
  });
});
