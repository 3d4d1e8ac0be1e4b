/**
 * A quantised model as the stream of the micro machine (README.md, "The stream"): 64-bit words in the order in which a token needs
 * them, and the addresses that the microprogram seeks. Everything that does not fit is said at once.
 */
import { GROUP } from "../../golden/contract/tables.js";
import type { QuantisedLayer, QuantisedMatrix, QuantisedModel, Scale } from "../../golden/model/types.js";
import { MicroError } from "./error.js";
import { type CacheLayout, cacheLayout } from "./layout.js";
import { ACT_BYTES, LANES, SPRAM_WORDS } from "./machine.js";

export const MATRICES = ["q", "k", "v", "o", "gate", "up", "down"] as const;
export type MatrixName = (typeof MATRICES)[number];
/** How weights lie in the stream. TERNARY and N24 are W4 codes there. */
export type StreamFormat = "w2" | "w4";

const MAX_SLOTS = 256;
/** The quantiser writes three bytes before the first one. */
const MAX_ACTIVATIONS = ACT_BYTES - GROUP;
/** The norm's mantissa comes from at least 16 bits, and E >> 16 is a signed word. */
const EPSILON = { least: 2 ** 15, most: 2 ** 45 };
/** Largest left shift of an embedding row. */
export const EMBEDDING_LEFT = 28;

export interface Image {
  readonly words: readonly bigint[];
  /** Word addresses. */
  readonly embedding: number;
  readonly firstLayer: number;
  /** From the begin of a layer. */
  readonly score: number;
  readonly attend: number;
  readonly o: number;
  /** Keys and values of layer 0; those of the others follow, `cacheWords.words` each. */
  readonly cache: number;
  readonly cacheWords: CacheLayout;
  /** Words of a row block of the embedding. */
  readonly embeddingBlock: number;
  /** Format of each matrix, the same in all layers. */
  readonly formats: Readonly<Record<MatrixName, StreamFormat>>;
}

export function streamImage(model: QuantisedModel): Image {
  const problems = unsupported(model);
  if (problems.length > 0) throw new MicroError(problems);
  const { shape } = model;
  const stream = new Stream();
  const formats = formatsOf(model);
  const epsilon = model.epsilonSum;
  stream.word(2 ** 24);
  for (const shift of [0, 7, 14]) {
    const shifted = Math.floor(epsilon / 2 ** (2 * shift));
    for (const word of [shift, shifted % 65536, Math.floor(shifted / 65536), 2 * shift]) stream.word(word);
  }
  for (const increment of model.ropeIncrements) stream.word(increment);
  const embedding = stream.align();
  stream.matrix(model.embedding, "w4");
  const firstLayer = stream.align();
  const offsets = { score: 0, attend: 0, o: 0 };
  const cacheAt: number[] = [];
  for (const layer of model.layers) {
    const from = stream.align();
    stream.word(from);
    cacheAt.push(stream.length);
    stream.word(0); // known at the end
    Object.assign(offsets, writeLayer(stream, layer, formats, from));
  }
  stream.gains(model.finalGain); // right behind the last layer
  stream.scale(model.headScale);
  const cache = stream.align();
  const cacheWords = cacheLayout(shape);
  cacheAt.forEach((at, l) => {
    stream.set(at, cache + l * cacheWords.words);
  });
  const all = cache + shape.layers * cacheWords.words;
  if (all > SPRAM_WORDS)
    throw new MicroError([
      `${model.name}: weights and constants need ${cache} words of 64 bits, keys and values of ${cacheWords.slots} slots ` +
        `${all - cache}, together ${all}, but the memory has ${SPRAM_WORDS}: take fewer slots, W2 weights or a smaller model`,
    ]);
  return {
    words: stream.words(),
    ...{ embedding, firstLayer, ...offsets, cache, cacheWords },
    embeddingBlock: blockWords(shape.dim, "w4"),
    formats,
  };
}

function writeLayer(
  stream: Stream,
  layer: QuantisedLayer,
  formats: Image["formats"],
  from: number,
): Pick<Image, "score" | "attend" | "o"> {
  const matrix = (name: MatrixName): void => {
    stream.scale(layer.scale[name]);
    stream.matrix(layer[name], formats[name]);
  };
  stream.gains(layer.attentionGain);
  for (const name of ["q", "k", "v"] as const) matrix(name);
  for (const mean of layer.kMean) stream.word(mean + 2 ** 31);
  const score = stream.align() - from;
  stream.scale(layer.scale.score);
  const attend = stream.align() - from;
  stream.scale(layer.scale.attend);
  const o = stream.align() - from;
  matrix("o");
  stream.gains(layer.ffnGain);
  for (const name of ["gate", "up", "down"] as const) matrix(name);
  return { score, attend, o };
}

/** A role's matrices are W2 where they are in every layer. */
function formatsOf({ layers }: QuantisedModel): Image["formats"] {
  const format = (name: MatrixName): StreamFormat =>
    layers.every((layer) => layer[name].format === "W2") ? "w2" : "w4";
  return Object.fromEntries(MATRICES.map((name) => [name, format(name)])) as Record<MatrixName, StreamFormat>;
}

/** Words of a row block: codes, mantissas, exponents. */
export function blockWords(cols: number, format: StreamFormat): number {
  const groups = cols / GROUP;
  return (cols * columnBytes(format)) / 8 + groups + 1;
}

const columnBytes = (format: StreamFormat): number => (format === "w2" ? 2 : 4);

function unsupported(model: QuantisedModel): string[] {
  const { shape, layers, name } = model;
  const { dim, hidden, heads, kvHeads, headDim, vocab, context } = shape;
  const problems: string[] = [];
  const need = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(`${name}: ${problem}`);
  };
  need(layers.length > 0, "no layers");
  need(
    headDim === 32 || headDim === 64,
    `heads of ${headDim} elements; the micro machine has programs for 32 and 64`,
  );
  for (const [what, count] of Object.entries({ dim, hidden, heads·headDim: heads * headDim })) {
    need(count % GROUP === 0, `${what} ${count} is no multiple of ${GROUP}: pad the matrices with zeros`);
    need(
      count <= MAX_ACTIVATIONS,
      `${what} ${count}: the micro machine holds ${MAX_ACTIVATIONS} activations`,
    );
  }
  need(heads % kvHeads === 0, `${heads} heads do not share ${kvHeads} key/value heads evenly`);
  need(
    vocab % LANES === 0,
    `a vocabulary of ${vocab} is no multiple of ${LANES}: pad the embedding with tokens that are never chosen`,
  );
  need(vocab <= 65536, `a vocabulary of ${vocab}; tokens have 16 bits`);
  need(
    model.sinks === 0 && model.window === context,
    `${model.sinks} sinks and a window of ${model.window} for a context of ${context}: the micro machine has a slot for every position; leave them away`,
  );
  need(
    context <= MAX_SLOTS,
    `${context} slots; the micro machine has at most ${MAX_SLOTS}: take --context ${MAX_SLOTS} or fewer`,
  );
  need(model.gate === "silu", "squared ReLU; the micro machine has SiLU only");
  need(model.head === undefined, "a head of its own; the micro machine takes the embedding");
  need(
    model.embedding.format === "W4",
    `an embedding of ${model.embedding.format}; the micro machine has W4`,
  );
  need(
    model.epsilonSum >= EPSILON.least && model.epsilonSum < EPSILON.most,
    `E of the norms is ${model.epsilonSum}, which is not in 2^15..2^45 - 1: choose residual fraction bits nearer to 20`,
  );
  const least = model.embedding.exponents.reduce((a, b) => Math.min(a, b), 31);
  need(
    model.residualFraction - least <= EMBEDDING_LEFT,
    `embedding rows are shifted left by up to ${model.residualFraction - least} bits; the micro machine shifts by ${EMBEDDING_LEFT}`,
  );
  layers.forEach((layer, l) => {
    for (const matrix of MATRICES)
      need(layer[matrix].format !== "W8", `${matrix} of layer ${l} is W8; the micro machine has W2 and W4`);
    need(layer.bias === undefined, `layer ${l} has biases of q, k and v`);
    need(layer.qkNorm === undefined, `layer ${l} has norms of q and k`);
    need(layer.subNorm === undefined, `layer ${l} has sub-norms before o and down`);
    const { keys, values } = layer.cache;
    need(
      keys === 4 && values === 4,
      `layer ${l} has keys of ${keys} and values of ${values} bits; the micro machine has 4`,
    );
  });
  return problems;
}

/** Bytes, low first, to words of 64 bits. */
export class Stream {
  private readonly bytes: number[] = [];

  half(value: number): void {
    this.bytes.push(value & 255, value >> 8);
  }

  /** 32 bits, unsigned. */
  word(value: number): void {
    this.half(value % 65536);
    this.half(Math.floor(value / 65536));
  }

  /** Bytes so far. */
  get length(): number {
    return this.bytes.length;
  }

  /** The word at a byte. */
  set(at: number, word: number): void {
    for (let byte = 0; byte < 4; byte++) this.bytes[at + byte] = Math.floor(word / 256 ** byte) % 256;
  }

  scale({ m, e }: Scale): void {
    this.half(m);
    this.half(e + 512);
  }

  gains(gains: Int16Array): void {
    for (const gain of gains) this.half(gain + 32768);
  }

  /** Up to the next whole word; its address. */
  align(): number {
    while (this.bytes.length % 8 !== 0) this.bytes.push(0);
    return this.bytes.length / 8;
  }

  matrix(matrix: QuantisedMatrix, format: StreamFormat): void {
    for (let row = 0; row < matrix.rows; row += LANES) this.block(matrix, row, format);
  }

  /** Rows come in eights: vocabulary, heads and hidden width are such. */
  private block(
    { cols, codes, mantissas, exponents }: QuantisedMatrix,
    row: number,
    format: StreamFormat,
  ): void {
    for (let col = 0; col < cols; col++) {
      let column = 0;
      for (let lane = LANES - 1; lane >= 0; lane--) {
        const code = codes[(row + lane) * cols + col]!;
        column = format === "w2" ? column * 4 + (code + 3) / 2 : column * 16 + (code & 15);
      }
      if (format === "w2") this.half(column);
      else this.word(column);
    }
    const groups = cols / GROUP;
    for (let lane = 0; lane < LANES; lane++) {
      const from = (row + lane) * groups;
      this.bytes.push(...mantissas.subarray(from, from + groups), exponents[row + lane]!);
    }
  }

  words(): bigint[] {
    const view = new DataView(Uint8Array.from(this.bytes).buffer);
    return Array.from({ length: this.bytes.length / 8 }, (_, i) => view.getBigUint64(8 * i, true));
  }
}
