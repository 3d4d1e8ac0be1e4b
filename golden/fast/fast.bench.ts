/**
 * Golden's loop against the fast model, in one run: tokens per second of llama2.c's stories15M shape with random weights, and
 * of the demo model. Each figure is the best of several passes that take turns. On a busy machine clocks tell little: the ratio of
 * processor time, of all threads, is the steadier one for what runs in one thread.
 * `npm run bench:golden`, or with the names of the cases.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { readDemo } from "../import/demo.js";
import { FloatState, forwardFloat } from "../model/float.js";
import { forward, IntegerState } from "../model/integer.js";
import { randomModel } from "../model/random.js";
import { floatTwin } from "../model/twin.testing.js";
import type { ModelShape, QuantisedModel } from "../model/types.js";
import { type Decoder, integerDecoder } from "../quantise/decoder.js";
import { evaluate } from "../quantise/evaluate.js";
import type { BlockModel } from "./block.js";
import { fastDecoder } from "./decoder.js";
import { FastFloatModel } from "./float.js";
import { FastModel } from "./model.js";
import { multiplications } from "./options.js";

const STORIES_15M: ModelShape = {
  ...{ dim: 288, hidden: 768, layers: 6, heads: 6, kvHeads: 6, headDim: 48, vocab: 32000, context: 256 },
};
const PASSES = 5;
/** A slow pass takes so many positions in the middle of the context; a fast one takes all. */
const SLOW_TOKENS = 12;

/** Milliseconds per token: on the clock, and of all processors. */
interface Cost {
  readonly clock: number;
  readonly processor: number;
}

interface Contender {
  readonly name: string;
  readonly pass: () => Cost;
  best: Cost;
}

function cost(tokens: number, work: () => void): Cost {
  const start = performance.now();
  const { user, system } = process.cpuUsage();
  work();
  const used = process.cpuUsage();
  const processor = (used.user - user + used.system - system) / 1000;
  return { clock: (performance.now() - start) / tokens, processor: processor / tokens };
}

function demo(): QuantisedModel {
  const file = fileURLToPath(new URL("../demo/stories.safetensors", import.meta.url));
  return readDemo(readFileSync(file), file).model;
}

function contender(name: string, tokens: number, work: () => void): Contender {
  return { name, pass: () => cost(tokens, work), best: { clock: Infinity, processor: Infinity } };
}

function slow(name: string, context: number, run: (token: number, position: number) => void): Contender {
  const from = Math.floor((context - SLOW_TOKENS) / 2);
  return contender(name, SLOW_TOKENS, () => {
    for (let i = 0; i < SLOW_TOKENS; i++) run(i + 1, from + i);
  });
}

function fast(name: string, model: BlockModel): Contender {
  const { context, vocab } = model.shape;
  const tokens = Array.from({ length: context }, (_, i) => (i * 7919 + 1) % vocab);
  return contender(name, context, () => {
    for (let p = 0; p < context; p += model.block) model.run(tokens.slice(p, p + model.block), p);
  });
}

/** Perplexity of one sequence, as golden/quantise/evaluate.ts computes it. */
function evaluation(name: string, decoder: Decoder, tokens: readonly number[]): Contender {
  const text = { sequences: [tokens], characters: tokens.length };
  return contender(name, tokens.length - 1, () => evaluate(decoder, text));
}

/** Fast and golden logits of one position must be the same integers, or no figure counts. */
function assertEqual(model: QuantisedModel): void {
  const state = new IntegerState(model);
  const quick = new FastModel(model, { block: 4 });
  quick.run([1, 2, 3, 4], 0);
  for (let t = 0; t < 4; t++) {
    forward(state, t + 1, t);
    if (quick.logits(t).some((logit, i) => logit !== state.logits[i])) throw new Error("logits differ");
  }
  quick.close();
}

function bench(title: string, model: QuantisedModel): void {
  const { context } = model.shape;
  const threads = Math.max(2, availableParallelism());
  assertEqual(model);
  const state = new IntegerState(model);
  const twin = floatTwin(model);
  const floatState = new FloatState(twin);
  const models = {
    "fast, 1 thread, token by token": new FastModel(model, { threads: 1, block: 1 }),
    [`fast, ${threads} threads, token by token`]: new FastModel(model, { threads, block: 1 }),
    "fast, 1 thread, blocks of 32": new FastModel(model, { threads: 1 }),
    [`fast, ${threads} threads, blocks of 32`]: new FastModel(model, { threads }),
    "fast float, 1 thread, blocks of 32": new FastFloatModel(twin, {}, { threads: 1 }),
    [`fast float, ${threads} threads, blocks of 32`]: new FastFloatModel(twin, {}, { threads }),
  };
  const long = Array.from({ length: context }, (_, i) => (i * 7919 + 1) % model.shape.vocab);
  const one = fastDecoder(model, { threads: 1, sequences: [long] });
  const all = fastDecoder(model, { threads, sequences: [long] });
  const contenders = [
    slow("golden/model, integers", context, (token, position) => forward(state, token, position)),
    slow("golden/model, float", context, (token, position) => forwardFloat(floatState, token, position)),
    ...Object.entries(models).map(([name, quick]) => fast(name, quick)),
    evaluation("perplexity, golden/model", integerDecoder(model), long.slice(0, SLOW_TOKENS + 1)),
    evaluation("perplexity, fast, 1 thread", one, long),
    evaluation(`perplexity, fast, ${threads} threads`, all, long),
  ];
  for (let pass = 0; pass < PASSES; pass++)
    for (const each of contenders) {
      const { clock, processor } = each.pass();
      each.best = {
        clock: Math.min(each.best.clock, clock),
        processor: Math.min(each.best.processor, processor),
      };
    }
  for (const quick of [...Object.values(models), one, all]) quick.close();

  const products = multiplications(model.shape);
  console.log(`\n${title}: ${(products / 1e6).toFixed(1)} M multiplications per token in matrices`);
  const golden = contenders[0]!.best;
  const line = (...cells: readonly string[]): void =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(40) : cell.padStart(15))).join(""));
  line("", "tokens/s", "ratio", "processor ms", "ratio", "GMAC/s");
  for (const { name, best } of contenders)
    line(
      name,
      (1000 / best.clock).toFixed(1),
      `${(golden.clock / best.clock).toFixed(1)}x`,
      best.processor.toFixed(3),
      `${(golden.processor / best.processor).toFixed(1)}x`,
      (products / best.processor / 1e6).toFixed(2), // of one processor
    );
}

const CASES: Readonly<Record<string, () => void>> = {
  "15m-w2": () => bench("stories15M, W2", randomModel(STORIES_15M, 1, { format: "W2" })),
  "15m-w8": () => bench("stories15M, W8", randomModel(STORIES_15M, 1, { format: "W8", embedding: "W8" })),
  demo: () => bench("demo model", demo()),
};

console.log(`${cpus()[0]?.model}, ${availableParallelism()} threads, Node ${process.version}`);
const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(CASES)) {
  const run = CASES[name];
  if (!run) throw new RangeError(`no case ${name}; there are ${Object.keys(CASES).join(", ")}`);
  run();
}
