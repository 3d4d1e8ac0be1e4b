/** The contents of the memory: every region packed into beats. */
import type { QuantisedLayer, QuantisedMatrix, QuantisedModel } from "../../golden/model/types.js";
import { beatBytes, GROUP, type MatrixRow } from "../engines/formats/beats.js";
import { packGain, packWords32 } from "../engines/formats/constants.js";
import { CODECS, DIGIT_CODECS, isDigits } from "../engines/formats/codecs.js";
import { packWide } from "../engines/formats/wide.js";
import { packW4 } from "../engines/formats/w4.js";
import { NORM_WORD_COUNT, NORM_WORDS } from "../isa/instruction.js";
import type { Layout, MatrixRegion, Region } from "./layout.js";

const rowOf = (matrix: QuantisedMatrix, row: number): MatrixRow => {
  const groups = matrix.cols / GROUP;
  return {
    codes: matrix.codes.subarray(row * matrix.cols, (row + 1) * matrix.cols),
    mantissas: matrix.mantissas.subarray(row * groups, (row + 1) * groups),
    exponent: matrix.exponents[row]!,
  };
};

/** Rows first .. first + count - 1. */
const rowsOf = (matrix: QuantisedMatrix, first = 0, count = matrix.rows): MatrixRow[] =>
  Array.from({ length: count }, (_, i) => rowOf(matrix, first + i));

/** gate_0, up_0, gate_1, ... */
const interleaved = (gate: QuantisedMatrix, up: QuantisedMatrix): MatrixRow[] =>
  Array.from({ length: 2 * gate.rows }, (_, i) => rowOf(i & 1 ? up : gate, i >> 1));

/** Gains of q in the low halves of words, of k in the high ones. */
const sideBySide = ({ q, k }: { readonly q: Int16Array; readonly k: Int16Array }): Uint32Array =>
  Uint32Array.from(q, (gain, i) => (gain & 0xffff) | (k[i]! << 16));

/** E of the norms beyond the residual's, in words of 32 bits; K_knorm. */
const normWords = ({ epsilon }: QuantisedModel, { scale }: QuantisedLayer): Uint32Array => {
  const words = new Uint32Array(NORM_WORD_COUNT);
  for (const norm of ["attention", "ffn", "query", "key"] as const) {
    const e = epsilon[norm === "query" ? "q" : norm === "key" ? "k" : norm];
    words[NORM_WORDS[norm]] = e % 2 ** 32;
    words[NORM_WORDS[norm] + 1] = Math.floor(e / 2 ** 32);
  }
  words[NORM_WORDS.keyScale] = scale.knorm.m;
  words[NORM_WORDS.keyScale + 1] = scale.knorm.e >>> 0;
  return words;
};

/** The beats of everything but the cache, which starts as zeros behind them. */
export const packImage = (model: QuantisedModel, layout: Layout, rows: number): Uint8Array => {
  const beat = beatBytes(rows);
  const image = new Uint8Array(layout.imageBeats * beat);
  const place = (region: Region, bytes: Uint8Array): void => {
    if (bytes.length !== region.beats * beat)
      throw new Error(`${region.name}: ${bytes.length / beat} beats packed, ${region.beats} laid out`);
    image.set(bytes, region.beat * beat);
  };
  const matrix = (region: MatrixRegion, list: readonly MatrixRow[]): void => {
    const { format, groups, rowBlocks } = region;
    place(
      region,
      isDigits(format)
        ? packW4(list, groups, rows, rowBlocks, DIGIT_CODECS[format])
        : packWide(list, groups, rows, CODECS[format]),
    );
  };

  place(layout.rope, packWords32(model.ropeIncrements, rows));
  model.layers.forEach((layer, l) => {
    const at = layout.layers[l]!;
    if (l === 0) place(layout.firstGain, packGain(layer.attentionGain, rows));
    place(at.kmean, packWords32(layer.kMean, rows));
    if (at.norms !== undefined) place(at.norms, packWords32(normWords(model, layer), rows));
    if (at.bias !== undefined && layer.bias !== undefined) {
      const { q, k, v } = layer.bias;
      place(at.bias, packWords32(Int32Array.of(...k, ...v, ...q), rows));
    }
    if (at.headGain !== undefined && layer.qkNorm !== undefined)
      place(at.headGain, packWords32(sideBySide(layer.qkNorm), rows));
    if (at.attentionSubGain !== undefined && layer.subNorm !== undefined)
      place(at.attentionSubGain, packGain(layer.subNorm.attention, rows));
    matrix(at.k, rowsOf(layer.k));
    matrix(at.v, rowsOf(layer.v));
    const { headDim } = model.shape;
    at.q.forEach((region, h) => {
      matrix(region, rowsOf(layer.q, h * headDim, headDim));
    });
    matrix(at.o, rowsOf(layer.o));
    place(at.ffnGain, packGain(layer.ffnGain, rows));
    if (at.ffnSubGain !== undefined && layer.subNorm !== undefined)
      place(at.ffnSubGain, packGain(layer.subNorm.ffn, rows));
    matrix(at.gateup, interleaved(layer.gate, layer.up));
    matrix(at.down, rowsOf(layer.down));
    place(at.nextGain, packGain(model.layers[l + 1]?.attentionGain ?? model.finalGain, rows));
  });
  matrix(layout.embedding, rowsOf(model.embedding));
  if (model.head !== undefined) matrix(layout.head, rowsOf(model.head));
  return image;
};
