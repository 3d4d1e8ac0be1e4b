/** Does a model fit an accelerator? Every reason against it, each with what to change. */
import type { QuantisedModel } from "../../golden/model/types.js";
import { beatBytes, GROUP } from "../engines/formats/beats.js";
import { constantBeats } from "../engines/formats/constants.js";
import { FIELDS, type Field } from "../isa/instruction.js";
import type { AcceleratorConfig } from "../isa/config.js";
import type { Layout, MatrixRegion } from "./layout.js";

const most = (field: Field): number => 2 ** FIELDS[field][1] - 1;
const powerOfTwo = (n: number): number => {
  let power = 1;
  while (power < n) power *= 2;
  return power;
};

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
  say(model.embedding.format !== "W4", `the embedding is ${model.embedding.format}; quantise it as W4`);
  say(
    config.cols !== GROUP,
    `the configuration has ${config.cols} columns; groups are ${GROUP} wide: set cols: ${GROUP}`,
  );
  say(!Number.isInteger(positions) || positions < 1, `${positions} positions; at least one is needed`);
  for (const what of beyond(model))
    problems.push(`the model has ${what}; the hardware does not have that yet`);
  model.layers.forEach(({ gate, up }, l) => {
    say(
      gate.format !== up.format,
      `layer ${l}: gate is ${gate.format} and up ${up.format}; interleaved rows need one format`,
    );
  });
  return problems;
};

/** What the golden model computes and the accelerator does not yet. */
const beyond = (model: QuantisedModel): string[] => {
  const matrices = model.layers.flatMap(({ q, k, v, o, gate, up, down }) => [q, k, v, o, gate, up, down]);
  const found: readonly (readonly [boolean, string])[] = [
    [matrices.some(({ format }) => format === "W8"), "8-bit weights"],
    [model.layers.some(({ cache }) => cache.keys === 8 || cache.values === 8), "an 8-bit cache"],
    [model.layers.some(({ bias }) => bias !== undefined), "biases of q, k and v"],
    [model.layers.some(({ qkNorm }) => qkNorm !== undefined), "norms of q and k"],
    [model.layers.some(({ subNorm }) => subNorm !== undefined), "sub-norms before o and down"],
    [model.gate !== "silu", "squared ReLU"],
    [model.head !== undefined, "a head of its own"],
  ];
  return found.filter(([has]) => has).map(([, what]) => what);
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
  const problems: string[] = [];
  const need = (what: string, needed: number, has: number, option: keyof AcceleratorConfig): void => {
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
  if (vocab > most("rows"))
    problems.push(
      `a vocabulary of ${vocab}; an instruction counts ${most("rows")} rows and tokens have 16 bits`,
    );

  const seen = new Set<string>();
  for (const matrix of [
    layout.embedding,
    ...layout.layers.flatMap((l) => [l.k, l.v, l.q[0]!, l.o, l.gateup, l.down]),
  ])
    for (const problem of matrixProblems(matrix))
      if (!seen.has(problem)) problems.push([...seen.add(problem)].at(-1)!);

  const { cache } = layout;
  if (cache.headStride > most("cacheHeadStride"))
    problems.push(
      `the cache of one head takes ${cache.headStride} beats, an instruction strides ${most("cacheHeadStride")}: use fewer positions ` +
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

  const least = Math.min(31, ...model.embedding.exponents);
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
