/** Models to whole groups of 32: headDim, dim and hidden grow with exact zeros, so that every result stays what it was. */
import type {
  QuantisedLayer,
  QuantisedMatrix,
  QuantisedModel,
  WeightFormat,
} from "../../golden/model/types.js";
import { GROUP, PADDING_EXPONENT } from "../engines/formats/beats.js";
import { powerOfTwo } from "../isa/config.js";
import { CompileError } from "./error.js";

/** n to the next multiple of 32. */
export const wholeGroups = (n: number): number => Math.ceil(n / GROUP) * GROUP;

/** Index in the old model of each new index; -1 is padding. */
type Index = Int32Array;

const grown = (old: number, size: number): Index =>
  Int32Array.from({ length: size }, (_, i) => (i < old ? i : -1));

const grownHeads = (heads: number, old: number, size: number): Index =>
  Int32Array.from({ length: heads * size }, (_, i) => {
    const inHead = i % size;
    return inHead < old ? Math.floor(i / size) * old + inHead : -1;
  });

/** Codes of padding columns: legal in the format; W2 has no zero, 2:4 keeps two of four. */
const harmless = (format: WeightFormat, column: number): number => {
  switch (format) {
    case "W2":
      return 1;
    case "W4":
    case "W8":
    case "TERNARY":
      return 0;
    case "N24":
      return column % 4 < 2 ? 1 : 0;
  }
};

/** Rows of mantissa 0 give exact zeros; columns meet activations that are 0. */
const padMatrix = (matrix: QuantisedMatrix, rows: Index, cols: Index, name: string): QuantisedMatrix => {
  const groups = cols.length / GROUP;
  const oldGroups = Math.ceil(matrix.cols / GROUP);
  const codes = new Int8Array(rows.length * cols.length).map((_, i) =>
    harmless(matrix.format, i % cols.length),
  );
  const mantissas = new Uint8Array(rows.length * groups);
  const exponents = new Uint8Array(rows.length).fill(PADDING_EXPONENT);
  rows.forEach((from, row) => {
    if (from < 0) return;
    exponents[row] = matrix.exponents[from]!;
    for (let g = 0; g < groups; g++) {
      let mantissa = -1;
      for (let i = 0; i < GROUP; i++) {
        const col = cols[g * GROUP + i]!;
        if (col < 0) continue;
        codes[row * cols.length + g * GROUP + i] = matrix.codes[from * matrix.cols + col]!;
        const here = matrix.mantissas[from * oldGroups + Math.floor(col / GROUP)]!;
        if (mantissa >= 0 && mantissa !== here)
          throw new CompileError([
            `${name}: a head's columns of row ${from} lie in two groups with different mantissas (${mantissa} and ${here}); ` +
              `padding heads to ${GROUP} needs one; quantise ${name} so that groups of ${GROUP} inputs do not straddle heads`,
          ]);
        mantissa = here;
      }
      mantissas[row * groups + g] = Math.max(0, mantissa);
    }
  });
  return { rows: rows.length, cols: cols.length, format: matrix.format, codes, mantissas, exponents };
};

const padWords = (words: Int32Array, index: Index): Int32Array =>
  Int32Array.from(index, (from) => (from < 0 ? 0 : words[from]!));
const padGain = (gain: Int16Array, index: Index): Int16Array =>
  Int16Array.from(index, (from) => (from < 0 ? 0 : gain[from]!));

/** The model with dim and hidden multiples of 32, headDim 32 times a power of two. Tokens, and every tensor at its old places, are the same. */
export const padModel = (model: QuantisedModel): QuantisedModel => {
  const { shape } = model;
  const padded = {
    ...shape,
    dim: wholeGroups(shape.dim),
    hidden: wholeGroups(shape.hidden),
    headDim: powerOfTwo(wholeGroups(shape.headDim)), // rows of a head are told apart by their low bits
  };
  if (padded.dim === shape.dim && padded.hidden === shape.hidden && padded.headDim === shape.headDim)
    return model;
  const dim = grown(shape.dim, padded.dim);
  const hidden = grown(shape.hidden, padded.hidden);
  const headDim = grown(shape.headDim, padded.headDim);
  const query = grownHeads(shape.heads, shape.headDim, padded.headDim);
  const keyValue = grownHeads(shape.kvHeads, shape.headDim, padded.headDim);
  const layer = (old: QuantisedLayer, l: number): QuantisedLayer => {
    const name = (kind: string): string => `layer ${l} ${kind}`;
    return {
      attentionGain: padGain(old.attentionGain, dim),
      ffnGain: padGain(old.ffnGain, dim),
      q: padMatrix(old.q, query, dim, name("q")),
      k: padMatrix(old.k, keyValue, dim, name("k")),
      v: padMatrix(old.v, keyValue, dim, name("v")),
      o: padMatrix(old.o, dim, query, name("o")),
      gate: padMatrix(old.gate, hidden, dim, name("gate")),
      up: padMatrix(old.up, hidden, dim, name("up")),
      down: padMatrix(old.down, dim, hidden, name("down")),
      ...(old.bias === undefined
        ? {}
        : {
            bias: {
              q: padWords(old.bias.q, query),
              k: padWords(old.bias.k, keyValue),
              v: padWords(old.bias.v, keyValue),
            },
          }),
      ...(old.qkNorm === undefined
        ? {}
        : { qkNorm: { q: padGain(old.qkNorm.q, headDim), k: padGain(old.qkNorm.k, headDim) } }),
      ...(old.subNorm === undefined
        ? {}
        : {
            subNorm: {
              attention: padGain(old.subNorm.attention, query),
              ffn: padGain(old.subNorm.ffn, hidden),
            },
          }),
      kMean: padWords(old.kMean, keyValue),
      cache: old.cache,
      scale: old.scale,
    };
  };
  return {
    ...model,
    shape: padded,
    ropeIncrements: Uint32Array.from({ length: padded.headDim / 2 }, (_, j) => model.ropeIncrements[j] ?? 0),
    embedding: padMatrix(model.embedding, grown(shape.vocab, shape.vocab), dim, "embedding"),
    ...(model.head === undefined
      ? {}
      : { head: padMatrix(model.head, grown(shape.vocab, shape.vocab), dim, "head") }),
    finalGain: padGain(model.finalGain, dim),
    layers: model.layers.map(layer),
  };
};
