/**
 * Cycles and bytes of a token by counting, without simulation: beats that the lanes take, beats that the memory brings, and
 * the barriers between them. How far it is from simulation: cycles.test.ts.
 */
import { type DigitBeats, keyBeatsRead } from "../engines/formats/cache.js";
import { constantsOf, type Layout, type MatrixRegion } from "../compile/layout.js";
import { type AcceleratorConfig, beatBits } from "../isa/config.js";

export interface TokenCycles {
  /** Cycles in which the lanes take a beat of weights or cache. */
  readonly lanes: number;
  /** Matrices whose results come faster than one a cycle wait for the row scaler. */
  readonly results: number;
  /** From the last product before a norm, a quantiser or a softmax to the first behind it. */
  readonly barriers: number;
  /** Scale beats that the prefetch buffer could not hide. */
  readonly memory: number;
  /** Gains, key means, embedding, issue. */
  readonly other: number;
  readonly cycles: number;
  /** Read through the memory port. */
  readonly bytes: number;
}

/** Latencies of the pipeline in cycles, from simulated runs (accelerator README: 6 engine, 5 row scaler, 7 epilogue ...). */
const NORM = 27; // last product -> residual, y -> M -> r -> first code; its elements come on top
const QUANTISE = 18; // the same without the residual's adder
const SOFTMAX = 25; // last score -> first probability of a token's first head
const ISSUE = 1; // of an instruction that nothing hides
const SAMPLE = 20;

interface Stretch {
  readonly weight: number;
  readonly scale: number;
  readonly rows: number;
}
const NOTHING: Stretch = { weight: 0, scale: 0, rows: 0 };
const together = (parts: readonly Stretch[]): Stretch =>
  parts.reduce(
    (a, b) => ({ weight: a.weight + b.weight, scale: a.scale + b.scale, rows: a.rows + b.rows }),
    NOTHING,
  );

const matrix = ({ beats, rowBlocks, groups, rows, format }: MatrixRegion): Stretch => {
  const weight = rowBlocks * groups * (format === "w8" ? 2 : 1);
  return { weight, scale: beats - weight, rows };
};

/** One token at a position with `live` slots in the cache, with the head; T = 1. */
export const tokenCycles = (
  layout: Layout,
  shape: { readonly dim: number; readonly hidden: number; readonly heads: number; readonly headDim: number },
  digits: readonly { readonly keys: DigitBeats; readonly values: DigitBeats }[],
  config: AcceleratorConfig,
  live: number,
): TokenCycles => {
  const { dim, hidden, heads, headDim } = shape;
  const { rows, vector, prefetchBeats } = config;
  const groups = headDim / 32;
  const quads = (elements: number): number => elements / vector;
  let [lanes, results, barriers, memory, other, beats] = [0, 0, 0, 0, 0, 0];
  const run = (stretch: Stretch, barrier: number): void => {
    lanes += stretch.weight;
    results += Math.max(0, stretch.rows - stretch.weight);
    barriers += barrier;
    memory += Math.max(0, stretch.scale - prefetchBeats);
    beats += stretch.weight + stretch.scale;
  };
  const constants = (regions: readonly { readonly beats: number }[]): void => {
    const sum = regions.reduce((n, region) => n + region.beats, 0);
    other += sum;
    beats += sum;
  };
  layout.layers.forEach((layer, l) => {
    const { keys, values } = digits[l]!;
    const keyBeats = keyBeatsRead(live, groups, rows, keys);
    const blocks = Math.ceil(live / (rows / 2));
    const valueBeats = Math.ceil(headDim / (rows / 2)) * Math.ceil(live / 32) * values;
    constants(constantsOf(layer));
    run(together([layer.k, layer.v, ...layer.q].map(matrix)), NORM + quads(dim));
    const key: Stretch = { weight: blocks * groups * keys, scale: 0, rows: live };
    const value: Stretch = { weight: valueBeats, scale: 0, rows: headDim };
    const all = together(Array.from({ length: heads }, () => together([key, value])));
    run({ ...all, scale: heads * (keyBeats - key.weight) }, SOFTMAX + quads(headDim) + live / 4);
    run(matrix(layer.o), QUANTISE + quads(heads * headDim));
    run(matrix(layer.gateup), NORM + quads(dim));
    run(matrix(layer.down), QUANTISE + quads(hidden));
    other += ISSUE * (8 + 3 * heads);
  });
  run(matrix(layout.head), NORM + quads(dim));
  const embedding = (layout.embeddingUnit * layout.embedding.groups * 9) / 8;
  other += embedding + dim + SAMPLE;
  beats += embedding;
  constants([layout.firstGain]);
  const cycles = lanes + results + barriers + memory + other;
  return {
    lanes,
    results,
    barriers,
    memory,
    other,
    cycles,
    bytes: (beats * beatBits(config)) / 8,
  };
};
