/** Where everything lies: the memory image in beats, and activations, vectors and slots on the chip. */
import type {
  CacheBits,
  QuantisedLayer,
  QuantisedMatrix,
  QuantisedModel,
  WeightFormat,
} from "../../golden/model/types.js";
import { GROUP } from "../engines/formats/beats.js";
import { type DigitBeats, keyBeats, valueBeats } from "../engines/formats/cache.js";
import { DIGIT_CODECS, isDigits } from "../engines/formats/codecs.js";
import { constantBeats } from "../engines/formats/constants.js";
import { wideBeats, wideRowBlocks } from "../engines/formats/wide.js";
import { w4Beats, w4RowBlocks, w4UnitRowBlocks } from "../engines/formats/w4.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { CACHE_STRIDE_BEATS, type Format, type MatrixFormat, NORM_WORD_COUNT } from "../isa/instruction.js";

/** Beats [beat, beat + beats) of the memory. */
export interface Region {
  readonly name: string;
  readonly beat: number;
  readonly beats: number;
}

/** Formats of the quantiser as formats of the hardware. */
const FORMAT: Readonly<Record<WeightFormat, MatrixFormat>> = {
  W2: "w2",
  W4: "w4",
  W8: "w8",
  TERNARY: "ternary",
  N24: "n24",
};

/** A weight matrix as the stream unit sees it. */
export interface MatrixRegion extends Region {
  readonly format: MatrixFormat;
  readonly rows: number;
  readonly rowBlocks: number;
  readonly groups: number;
}

export interface LayerLayout {
  /** First beat of the layer, and how many it has: equal in layers of equal formats. */
  readonly beat: number;
  readonly beats: number;
  readonly kmean: Region;
  /** E of the norms that only some models have, K_knorm. */
  readonly norms?: Region;
  /** Biases of k, v and q. */
  readonly bias?: Region;
  /** Gains of the norms of q and k. */
  readonly headGain?: Region;
  /** Gains of the norm before o. */
  readonly attentionSubGain?: Region;
  readonly k: MatrixRegion;
  readonly v: MatrixRegion;
  /** One matrix per head, each with its own scale beats, equally long. */
  readonly q: readonly MatrixRegion[];
  readonly o: MatrixRegion;
  readonly ffnGain: Region;
  /** Gains of the norm before down. */
  readonly ffnSubGain?: Region;
  readonly gateup: MatrixRegion;
  readonly down: MatrixRegion;
  /** The next layer's attention gain, behind the last layer the final gain. */
  readonly nextGain: Region;
}

/** The cache of one layer: per KV head the keys, then the values. */
export interface LayerCache extends Region {
  readonly keyBeats: number;
  /** From head to head, keys and values alike. */
  readonly headStride: number;
}

export interface CacheLayout extends Region {
  readonly slots: number;
  readonly layers: readonly LayerCache[];
}

/** On-chip addresses. Places share memory where one tensor is dead before the other is written: README.md. */
export interface ChipLayout {
  /** Activation words. */
  readonly act: {
    readonly normed: number;
    readonly attended: number;
    readonly hidden: number;
    readonly query: number;
    readonly words: number;
  };
  /** Elements of the vector memory. */
  readonly vector: {
    readonly normed: number;
    readonly query: number;
    readonly attended: number;
    readonly hidden: number;
    readonly elements: number;
  };
  /** Statistics slots; query head h has query + h. */
  readonly slot: {
    readonly normed: number;
    readonly attended: number;
    readonly hidden: number;
    readonly query: number;
    readonly slots: number;
  };
}

export interface Layout {
  readonly rope: Region;
  readonly firstGain: Region;
  /** Absolute addresses. */
  readonly layers: readonly LayerLayout[];
  readonly embedding: MatrixRegion;
  /** The head's matrix: that of the embedding, or one of its own behind it. */
  readonly head: MatrixRegion;
  /** Row blocks that EMB fetches for one token. */
  readonly embeddingUnit: number;
  readonly cache: CacheLayout;
  /** Beats with contents (everything but the cache), and all. */
  readonly imageBeats: number;
  readonly memoryBeats: number;
  readonly chip: ChipLayout;
}

/** Beats of a group of cache codes. */
export const digitBeats = (bits: CacheBits): DigitBeats => (bits === 8 ? 2 : 1);

/** `unit`: row blocks come in multiples of it. */
const matrixShape = (
  matrix: QuantisedMatrix,
  rows: number,
  config: AcceleratorConfig,
  unit = 1,
): Omit<MatrixRegion, "name" | "beat"> => {
  const groups = matrix.cols / GROUP;
  const format = FORMAT[matrix.format];
  const needed = isDigits(format) ? w4RowBlocks(rows, config.rows) : wideRowBlocks(rows, config.rows);
  const rowBlocks = Math.ceil(needed / unit) * unit;
  const beats = isDigits(format)
    ? w4Beats(rowBlocks, groups, DIGIT_CODECS[format])
    : wideBeats(rowBlocks, groups);
  return { format, rows, rowBlocks, groups, beats };
};

/** Layout of a model in whole groups (padModel) with `slots` cache slots. */
export const layOut = (model: QuantisedModel, config: AcceleratorConfig, slots: number): Layout => {
  const { dim, heads, kvHeads, headDim, hidden, vocab } = model.shape;
  let next = 0;
  const region = (name: string, beats: number): Region => {
    const beat = next;
    next += beats;
    return { name, beat, beats };
  };
  const matrix = (name: string, source: QuantisedMatrix, rows: number): MatrixRegion => {
    const shape = matrixShape(source, rows, config);
    return { ...shape, ...region(name, shape.beats) };
  };
  const gain = (name: string, entries = dim): Region => region(name, constantBeats(entries, 2, config.rows));

  const rope = region("rope", constantBeats(headDim / 2, 4, config.rows));
  const firstGain = gain("layer 0 attention gain");
  const layers = model.layers.map((layer, l): LayerLayout => {
    const beat = next;
    const name = (kind: string): string => `layer ${l} ${kind}`;
    const words = (kind: string, count: number): Region =>
      region(name(kind), constantBeats(count, 4, config.rows));
    const regions = {
      kmean: words("key mean", kvHeads * headDim),
      ...(layer.subNorm === undefined && layer.qkNorm === undefined
        ? {}
        : { norms: words("norm constants", NORM_WORD_COUNT) }),
      ...(layer.bias === undefined ? {} : { bias: words("biases", (heads + 2 * kvHeads) * headDim) }),
      ...(layer.qkNorm === undefined ? {} : { headGain: words("head norm gains", headDim) }),
      ...(layer.subNorm === undefined
        ? {}
        : {
            attentionSubGain: gain(name("attention sub-norm gain"), heads * headDim),
          }),
      k: matrix(name("k"), layer.k, kvHeads * headDim),
      v: matrix(name("v"), layer.v, kvHeads * headDim),
      q: Array.from({ length: heads }, (_, h) => matrix(name(`q head ${h}`), layer.q, headDim)),
      o: matrix(name("o"), layer.o, dim),
      ffnGain: gain(name("ffn gain")),
      ...(layer.subNorm === undefined ? {} : { ffnSubGain: gain(name("ffn sub-norm gain"), hidden) }),
      gateup: matrix(name("gate/up"), layer.gate, 2 * hidden),
      down: matrix(name("down"), layer.down, dim),
      nextGain: gain(l + 1 < model.layers.length ? `layer ${l + 1} attention gain` : "final gain"),
    };
    return { ...regions, beat, beats: next - beat };
  });

  // Whole units of what EMB fetches for one token.
  const embeddingUnit = w4UnitRowBlocks(dim / GROUP);
  const shape = matrixShape(model.embedding, vocab, config, embeddingUnit);
  const embedding = { ...shape, ...region("embedding", shape.beats) };
  const head = model.head === undefined ? embedding : matrix("head", model.head, vocab);
  const imageBeats = next;

  const cacheLayers = model.layers.map((layer, l): LayerCache => {
    const keys = keyBeats(slots, headDim / GROUP, config.rows, digitBeats(layer.cache.keys));
    const values = valueBeats(slots, headDim, config.rows, digitBeats(layer.cache.values));
    const headStride = Math.ceil((keys + values) / CACHE_STRIDE_BEATS) * CACHE_STRIDE_BEATS;
    return { ...region(`layer ${l} cache`, headStride * kvHeads), keyBeats: keys, headStride };
  });
  const cache = { name: "cache", beat: imageBeats, beats: next - imageBeats, slots, layers: cacheLayers };
  return {
    rope,
    firstGain,
    layers,
    embedding,
    head,
    embeddingUnit,
    cache,
    imageBeats,
    memoryBeats: next,
    chip: chipLayout(model, config),
  };
};

const chipLayout = (model: QuantisedModel, config: AcceleratorConfig): ChipLayout => {
  const { dim, heads, headDim, hidden } = model.shape;
  const { tokens } = config;
  const attended = heads * headDim;
  const shared = (tokens * Math.max(dim, attended, hidden)) / GROUP;
  return {
    act: { normed: 0, attended: 0, hidden: 0, query: shared, words: shared + attended / GROUP },
    vector: {
      normed: 0,
      query: 0,
      attended: tokens * attended,
      hidden: 0,
      elements: tokens * Math.max(dim, 2 * attended, hidden),
    },
    slot: { normed: 0, attended: 1, hidden: 2, query: 3, slots: 3 + heads },
  };
};

/** What a layer loads into constant RAMs. */
export const constantsOf = (l: LayerLayout): Region[] =>
  [l.kmean, l.norms, l.bias, l.headGain, l.attentionSubGain, l.ffnGain, l.ffnSubGain, l.nextGain].filter(
    (region) => region !== undefined,
  );

/** Every region by name, in memory order. */
export const regionsOf = (layout: Layout): Region[] => [
  layout.rope,
  layout.firstGain,
  ...layout.layers.flatMap((l) =>
    [...constantsOf(l), l.k, l.v, ...l.q, l.o, l.gateup, l.down].sort((a, b) => a.beat - b.beat),
  ),
  layout.embedding,
  ...(layout.head === layout.embedding ? [] : [layout.head]),
  layout.cache,
];

/** Weight matrices of the whole model; of queries one head. */
export const matricesOf = (layout: Layout): MatrixRegion[] => [
  ...layout.layers.flatMap((l) => [l.k, l.v, l.q[0]!, l.o, l.gateup, l.down]),
  layout.embedding,
  layout.head,
];

/** Formats of a layer's keys and values. */
export const cacheFormats = ({ cache }: QuantisedLayer) => ({
  keys: cache.keys === 8 ? ("keys8" as const) : ("keys" as const),
  values: cache.values === 8 ? ("values8" as const) : ("values" as const),
});

/** Formats that the engine must multiply: of the matrices, and of the cache. */
export const formatsOf = (model: QuantisedModel, layout: Layout): Format[] => [
  ...new Set<Format>([
    ...matricesOf(layout).map((m) => m.format),
    ...model.layers.flatMap((layer) => Object.values(cacheFormats(layer))),
  ]),
];
