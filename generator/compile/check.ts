/** Does a model fit an accelerator? Every reason against it, each with what to change. */
import type { CacheBits, QuantisedModel } from "../../golden/model/types.js";
import { beatBytes, GROUP } from "../engines/formats/beats.js";
import { constantBeats } from "../engines/formats/constants.js";
import { CACHE_STRIDE_BEATS, FIELDS, type Field, isWide } from "../isa/instruction.js";
import { type AcceleratorConfig, type Features, powerOfTwo } from "../isa/config.js";
import { type Layout, type MatrixRegion, matricesOf } from "./layout.js";

type Capacity = {
  [K in keyof AcceleratorConfig]: AcceleratorConfig[K] extends number ? K : never;
}[keyof AcceleratorConfig];
const most = (field: Field): number => 2 ** FIELDS[field][1] - 1;

/** What the shape itself may not be, before anything is laid out. */
export const shapeProblems = (
  model: QuantisedModel,
  config: AcceleratorConfig,
  positions: number,
): string[] => {
  const { heads, kvHeads, headDim, layers } = model.shape;
  const problems: string[] = [];
  const say = (wrong: boolean, text: string): void => {
    if (wrong) problems.push(text);
  };
  say(layers < 1, "the model has no layers");
  say(
    heads % kvHeads !== 0,
    `${heads} heads do not share ${kvHeads} KV heads evenly; heads must be a multiple of kvHeads`,
  );
  say(headDim % 2 !== 0, `headDim ${headDim} is odd; RoPE turns pairs`);
  say(
    model.embedding.format !== "W4" && model.embedding.format !== "W8",
    `the embedding is ${model.embedding.format}; quantise it as W4 or W8`,
  );
  for (const { feature, needed, what } of featureNeeds(model))
    say(
      needed && !config.features[feature],
      `the model has ${what}, which this configuration leaves out: switch features.${feature} on`,
    );
  say(
    positions > MOST_VALUES8_SLOTS && model.layers.some(({ cache }) => cache.values === 8),
    `8-bit values of ${positions} positions may leave the 40 bits of a sum; at most ${MOST_VALUES8_SLOTS}: ` +
      "use fewer positions or 4-bit values",
  );
  say(
    config.cols !== GROUP,
    `the configuration has ${config.cols} columns; groups are ${GROUP} wide: set cols: ${GROUP}`,
  );
  say(!Number.isInteger(positions) || positions < 1, `${positions} positions; at least one is needed`);
  model.layers.forEach(({ gate, up }, l) => {
    say(
      gate.format !== up.format,
      `layer ${l}: gate is ${gate.format} and up ${up.format}; interleaved rows need one format`,
    );
  });
  return problems;
};

/** Of an E in the constant RAM `norms`. */
const EPSILON_BITS = 48;
/** Contract section 6: sums of 8-bit values stay within 40 bits. */
const MOST_VALUES8_SLOTS = 2048;

interface FeatureNeed {
  readonly feature: keyof Features;
  readonly needed: boolean;
  readonly what: string;
}

/** Which optional hardware a model needs. */
export const featureNeeds = (model: QuantisedModel): readonly FeatureNeed[] => {
  const matrices = [
    ...model.layers.flatMap(({ q, k, v, o, gate, up, down }) => [q, k, v, o, gate, up, down]),
    model.embedding,
    ...(model.head === undefined ? [] : [model.head]),
  ];
  const caches = (bits: CacheBits): boolean =>
    model.layers.some(({ cache }) => cache.keys === bits || cache.values === bits);
  return [
    {
      feature: "weights8",
      needed: matrices.some(({ format }) => format === "W8"),
      what: "8-bit weights",
    },
    { feature: "cache8", needed: caches(8), what: "an 8-bit cache" },
    { feature: "cache3", needed: caches(3), what: "a 3-bit cache" },
    {
      feature: "bias",
      needed: model.layers.some(({ bias }) => bias !== undefined),
      what: "biases of q, k and v",
    },
    {
      feature: "qkNorm",
      needed: model.layers.some(({ qkNorm }) => qkNorm !== undefined),
      what: "norms of q and k",
    },
    {
      feature: "subNorms",
      needed: model.layers.some(({ subNorm }) => subNorm !== undefined),
      what: "sub-norms before o and down",
    },
    { feature: "relu2", needed: model.gate === "relu2", what: "squared ReLU" },
  ];
};

/** What does not fit. The model is padded; the layout is that of the configuration. */
export const fitProblems = (
  model: QuantisedModel,
  config: AcceleratorConfig,
  layout: Layout,
  memoryBytes: number | undefined,
): string[] => {
  const { dim, hidden, heads, kvHeads, headDim, vocab } = model.shape;
  const { chip } = layout;
  const { rows, tokens } = config;
  const matrices = matricesOf(layout);
  const problems: string[] = [];
  const need = (what: string, needed: number, has: number, option: Capacity): void => {
    if (needed > has)
      problems.push(`${what} needs ${option} ${powerOfTwo(needed)} or more, the configuration has ${has}`);
  };
  const entries = (count: number, bytes: number): number =>
    (constantBeats(count, bytes, rows) * beatBytes(rows)) / bytes;

  if (headDim > config.headDim)
    problems.push(
      `headDim ${headDim} needs headDim ${headDim} or more, the configuration has ${config.headDim}`,
    );
  need(`dim ${dim} for ${tokens} tokens`, tokens * dim, config.residualElements, "residualElements");
  need(
    `the widest vectors (${chip.vector.elements} elements for ${tokens} tokens)`,
    chip.vector.elements,
    config.vectorElements,
    "vectorElements",
  );
  need(
    `activations of ${tokens} tokens (${chip.act.words} words of ${GROUP})`,
    chip.act.words,
    config.actWords,
    "actWords",
  );
  need(`a norm gain of ${dim}`, entries(dim, 2), config.gainEntries, "gainEntries");
  need(
    `key means of ${kvHeads} heads x ${headDim}`,
    entries(kvHeads * headDim, 4),
    config.kmeanEntries,
    "kmeanEntries",
  );
  need(`${headDim / 2} RoPE pairs`, entries(headDim / 2, 4), config.ropeEntries, "ropeEntries");
  if (config.features.subNorms)
    need(
      `a sub-norm of ${Math.max(heads * headDim, hidden)}`,
      entries(Math.max(heads * headDim, hidden), 2),
      config.subGainEntries,
      "subGainEntries",
    );
  const biases = (heads + 2 * kvHeads) * headDim;
  if (config.features.bias) {
    need(`biases of ${biases} rows`, entries(biases, 4), config.biasEntries, "biasEntries");
    if (biases > most("constant") + 1)
      problems.push(`${biases} biases of q, k and v; an instruction addresses ${most("constant") + 1}`);
  }
  for (const [norm, e] of Object.entries(model.epsilon))
    if (!(e >= 1 && e < 2 ** EPSILON_BITS))
      problems.push(`E of the ${norm} norm is ${e}; the hardware has 1 to 2^${EPSILON_BITS} - 1`);
  const counted = Math.max(...matrices.flatMap((m) => [m.rows, m.rowBlocks])) + 1;
  need(`a matrix of ${counted - 1} rows`, counted, config.matrixRows, "matrixRows");
  const beats = Math.max(...matrices.map((m) => m.beats)) + 1;
  need(`a matrix of ${beats - 1} beats`, beats, config.matrixBeats, "matrixBeats");
  need(`statistics of ${heads} heads`, chip.slot.slots, config.slots, "slots");
  if (chip.slot.slots > 64)
    problems.push(
      `${heads} heads need ${chip.slot.slots} statistics slots; an instruction names 64: at most 61 heads`,
    );

  const elements = Math.max(dim, hidden, heads * headDim);
  if (elements > most("elements"))
    problems.push(
      `a vector of ${elements} elements is longer than QUANT's ${most("elements") - 3}; the instruction word has no room for it`,
    );
  if (chip.vector.elements > most("dst") + 1)
    problems.push(
      `${chip.vector.elements} vector elements; an instruction addresses ${most("dst") + 1}: use fewer tokens (tokens: ${tokens})`,
    );
  if (Math.max(vocab, 2 * hidden) > most("rows"))
    problems.push(`a matrix of ${Math.max(vocab, 2 * hidden)} rows; an instruction counts ${most("rows")}`);

  // The cache writer fills a head at a time, all tokens of a batch together.
  const cached = layout.layers.flatMap(({ k, v }) => [k, v]);
  const block = Math.max(...cached.map(({ format }) => (isWide(format) ? rows : rows / 2)));
  if (tokens > 1 && block > headDim)
    problems.push(
      `row blocks of keys and values have ${block} rows, heads ${headDim}: with several tokens a pass a block may not reach ` +
        `beyond a head; use fewer rows (${rows}) or tokens: 1`,
    );

  const seen = new Set<string>();
  for (const matrix of matrices)
    for (const problem of matrixProblems(matrix))
      if (!seen.has(problem)) problems.push([...seen.add(problem)].at(-1)!);

  const { cache } = layout;
  const headStride = Math.max(...cache.layers.map((layer) => layer.headStride));
  if (headStride > most("cacheHeadStride") * CACHE_STRIDE_BEATS)
    problems.push(
      `the cache of one head takes ${headStride} beats, an instruction strides ${most("cacheHeadStride") * CACHE_STRIDE_BEATS}: use fewer positions ` +
        `(${cache.slots} slots) or more rows (${rows})`,
    );
  if (layout.memoryBeats > 2 ** FIELDS.memOffset[1])
    problems.push(
      `weights and cache take ${layout.memoryBeats} beats; addresses reach ${2 ** FIELDS.memOffset[1]}: use more rows (${rows}) or fewer positions`,
    );
  const bytes = layout.memoryBeats * beatBytes(rows);
  if (memoryBytes !== undefined && bytes > memoryBytes)
    problems.push(
      `weights (${layout.imageBeats * beatBytes(rows)} bytes) and cache (${cache.beats * beatBytes(rows)} bytes for ${cache.slots} slots) ` +
        `do not fit ${memoryBytes} bytes of memory: use a larger memory, fewer positions or a smaller model`,
    );

  const least = model.embedding.exponents.reduce((a, b) => Math.min(a, b), 31);
  if (model.residualFraction - 23 > least)
    problems.push(
      `residualFraction ${model.residualFraction} is more than 23 above the embedding's least row exponent ${least}: quantise with fewer fraction bits`,
    );
  return problems;
};

const matrixProblems = ({ name, beats, rowBlocks, groups }: MatrixRegion): string[] => {
  const kind = name.replace(/^layer \d+ /, "").replace(/ head \d+$/, " head");
  const problems: string[] = [];
  const check = (what: string, value: number, field: Field): void => {
    if (value > most(field))
      problems.push(`${kind} has ${value} ${what}, an instruction at most ${most(field)}: use more rows`);
  };
  check("beats", beats, "beats");
  check("row blocks", rowBlocks, "rowBlocks");
  check("groups a row", groups, "groups");
  return problems;
};
