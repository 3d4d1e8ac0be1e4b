/**
 * `GATELOOM_DATA=FOLDER npx tsx golden/quantise/methods/compare.bench.ts [words that the name of a row must hold]`: what each method costs a real checkpoint
 * (stories260K.bin with tok512.bin, calibrated and judged on stories of tinystories-944k.txt), weights alone. Matrices are done in
 * order, each on the inputs that the quantised ones before it give; embedding and head stay float.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readLlama2c } from "../../import/llama2c.js";
import { readTokenizerBin } from "../../import/tokenizer.js";
import { type FloatModel, FloatState, forwardFloat } from "../../model/float.js";
import { floatDecoder } from "../decoder.js";
import { evaluate, evaluationText } from "../evaluate.js";
import { dequantise } from "../matrix.js";
import type { InputMoments, Levels, MatrixSpec, Pruning } from "../recipe.js";
import { matrixSizes } from "../round.js";
import { quantiseWith } from "./quantiseWith.js";

/** Calibration and judgement: stories from the front and from the back of the file. */
const CALIBRATION = { stories: 32, length: 192 };
const HELD_OUT = { stories: 40, length: 256 };

type Input = "qkv" | "o" | "gateUp" | "down";

const INPUT_OF = {
  q: "qkv",
  k: "qkv",
  v: "qkv",
  o: "o",
  gate: "gateUp",
  up: "gateUp",
  down: "down",
} as const;

class Moments implements InputMoments {
  positions = 0;
  readonly sums: Float64Array;
  constructor(readonly cols: number) {
    this.sums = new Float64Array(cols * cols);
  }
  add(x: Float64Array): void {
    const { cols, sums } = this;
    this.positions++;
    for (let i = 0; i < cols; i++) for (let j = 0; j < cols; j++) sums[i * cols + j]! += x[i]! * x[j]!;
  }
}

function normed(x: Float64Array, gain: Float32Array, eps: number): Float64Array {
  const squares = x.reduce((sum, v) => sum + v * v, 0);
  const r = 1 / Math.sqrt(squares / x.length + eps);
  return x.map((v, i) => v * r * gain[i]!);
}

/** Moments of one of the four inputs of layer `l`. */
function gather(model: FloatModel, l: number, input: Input, sequences: readonly number[][]): Moments {
  const { dim, hidden, heads, headDim } = model.shape;
  const moments = new Moments({ qkv: dim, o: heads * headDim, gateUp: dim, down: hidden }[input]);
  const { eps } = model.architecture;
  const layer = model.layers[l]!;
  const upTo = { ...model, layers: model.layers.slice(0, l + 1), shape: { ...model.shape, layers: l + 1 } };
  const state = new FloatState(upTo);
  for (const tokens of sequences) {
    tokens.forEach((token, position) => {
      let writes = 0; // of the residual stream: the embedding, then two a layer
      forwardFloat(state, token, position, false, (tensor, at, values) => {
        if (tensor === "x") {
          if (input === "qkv" && writes === 2 * l) moments.add(normed(values, layer.attentionGain, eps));
          if (input === "gateUp" && writes === 2 * l + 1) moments.add(normed(values, layer.ffnGain, eps));
          writes++;
        }
        if (input === "o" && at === l && tensor === "attn_out") moments.add(values);
        if (input === "down" && at === l && tensor === "h") moments.add(values);
      });
    });
  }
  return moments;
}

/** The model that the quantised weights stand for. `blind`: nearest without moments, by plain error. */
function quantised(
  source: FloatModel,
  spec: MatrixSpec,
  sequences: readonly number[][],
  blind: boolean,
): FloatModel {
  const sizes = matrixSizes(source.shape);
  let model = source;
  source.layers.forEach((layer, l) => {
    for (const names of [["q", "k", "v"], ["o"], ["gate", "up"], ["down"]] as const) {
      const moments = blind ? null : gather(model, l, INPUT_OF[names[0]], sequences);
      const done = { ...model.layers[l]! };
      for (const name of names) {
        const [rows, cols] = sizes[name];
        done[name] = dequantise(quantiseWith(layer[name], rows, cols, spec, moments));
      }
      model = { ...model, layers: model.layers.map((old, i) => (i === l ? done : old)) };
    }
  });
  return model;
}

interface Row {
  readonly name: string;
  readonly levels: Levels;
  readonly group: 32 | 64 | 128;
  readonly pruning?: Pruning;
}

const ROWS: readonly Row[] = [
  { name: "W4 g32", levels: "W4", group: 32 },
  { name: "W4 g64", levels: "W4", group: 64 },
  { name: "W3 g64", levels: "W3", group: 64 },
  { name: "W2 g32", levels: "W2", group: 32 },
  { name: "W2 g64", levels: "W2", group: 64 },
  { name: "Z2 g64", levels: "Z2", group: 64 },
  { name: "TERNARY g64", levels: "TERNARY", group: 64 },
  { name: "2:4 magnitude g64", levels: "W2", group: 64, pruning: "magnitude" },
  { name: "2:4 wanda g64", levels: "W2", group: 64, pruning: "wanda" },
  { name: "2:4 sparsegpt g64", levels: "W2", group: 64, pruning: "sparsegpt" },
];

function main(): void {
  const folder = process.env.GATELOOM_DATA;
  if (folder === undefined) {
    console.error("set GATELOOM_DATA to a folder with stories260K.bin, tok512.bin and tinystories-944k.txt");
    process.exitCode = 2;
    return;
  }
  const source = readLlama2c(readFileSync(join(folder, "stories260K.bin")), "stories260K.bin");
  const tokenizer = readTokenizerBin(readFileSync(join(folder, "tok512.bin")), 512, "tok512.bin");
  const stories = readFileSync(join(folder, "tinystories-944k.txt"), "utf8").split(/(?<!\n)\n(?!\n)/);
  const sequences = stories
    .slice(0, CALIBRATION.stories)
    .map((story) => tokenizer.encode(story).slice(0, CALIBRATION.length));
  const text = evaluationText(stories.slice(-HELD_OUT.stories), tokenizer, HELD_OUT.length);
  const judge = (model: FloatModel) => evaluate(floatDecoder(model), text);
  const float = judge(source);
  const show = (...cells: readonly (string | number)[]) =>
    console.log(
      cells
        .map((cell, i) =>
          i === 0 ? `${cell}`.padEnd(20) : (typeof cell === "number" ? cell.toFixed(3) : cell).padStart(11),
        )
        .join(""),
    );
  console.log(
    `${float.tokens} tokens; bits per character (bpc), perplexity (ppl), excess of ppl over float's`,
  );
  show("weights", "near bpc", "near ppl", "gptq bpc", "gptq ppl", "excess", "x smaller");
  show("float", float.bitsPerCharacter, float.perplexity);
  for (const { name, levels, group, pruning = null } of ROWS) {
    if (!name.includes(process.argv[2] ?? "")) continue;
    const spec = { levels, group, pruning };
    const needs = pruning === "wanda" || pruning === "sparsegpt";
    const nearest = judge(quantised(source, { ...spec, rounding: "nearest" }, sequences, !needs));
    const gptq = judge(quantised(source, { ...spec, rounding: "gptq" }, sequences, false));
    const excess = gptq.perplexity - float.perplexity;
    show(
      name,
      ...[nearest.bitsPerCharacter, nearest.perplexity],
      ...[gptq.bitsPerCharacter, gptq.perplexity, excess, (nearest.perplexity - float.perplexity) / excess],
    );
  }
}

main();
