/** Where everything lies: the memory image in beats, and activations, vectors and slots on the chip. */
import type { QuantisedMatrix, QuantisedModel, WeightFormat } from "../../golden/model/types.js";
import { GROUP } from "../engines/formats/beats.js";
import { keyBeats, valueBeats } from "../engines/formats/cache.js";
import { constantBeats } from "../engines/formats/constants.js";
import { wideBeats, wideRowBlocks } from "../engines/formats/wide.js";
import { w4Beats, w4RowBlocks, w4UnitRowBlocks } from "../engines/formats/w4.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { type Format, isWide, type MatrixFormat } from "../isa/instruction.js";

/** Beats [beat, beat + beats) of the memory. */
export interface Region {
  readonly name: string;
  readonly beat: number;
  readonly beats: number;
}

/** Formats of the quantiser as formats of the hardware. */
type Known = Exclude<WeightFormat, "W8">;
const FORMAT: Readonly<Record<Known, MatrixFormat>> = {
  W2: "w2",
  W4: "w4",
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
  readonly kmean: Region;
  readonly k: MatrixRegion;
  readonly v: MatrixRegion;
  /** One matrix per head, each with its own scale beats, equally long. */
  readonly q: readonly MatrixRegion[];
  readonly o: MatrixRegion;
  readonly ffnGain: Region;
  readonly gateup: MatrixRegion;
  readonly down: MatrixRegion;
  /** The next layer's attention gain, behind the last layer the final gain. */
  readonly nextGain: Region;
}

export interface CacheLayout extends Region {
  readonly slots: number;
  readonly keyBeats: number;
  /** From head to head of a layer, keys and values alike. */
  readonly headStride: number;
  readonly layerStride: number;
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
  readonly layerStride: number;
  readonly embedding: MatrixRegion;
  /** Row blocks that EMB fetches for one token. */
  readonly embeddingUnit: number;
  readonly cache: CacheLayout;
  /** Beats with contents (everything but the cache), and all. */
  readonly imageBeats: number;
  readonly memoryBeats: number;
  readonly chip: ChipLayout;
}

const matrixShape = (
  matrix: QuantisedMatrix,
  rows: number,
  config: AcceleratorConfig,
): Omit<MatrixRegion, "name" | "beat"> => {
  const groups = matrix.cols / GROUP;
  const format = FORMAT[matrix.format as Known]; // check.ts refuses W8
  const rowBlocks = isWide(format) ? wideRowBlocks(rows, config.rows) : w4RowBlocks(rows, config.rows);
  const beats = isWide(format) ? wideBeats(rowBlocks, groups) : w4Beats(rowBlocks, groups);
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
  const gain = (name: string): Region => region(name, constantBeats(dim, 2, config.rows));

  const rope = region("rope", constantBeats(headDim / 2, 4, config.rows));
  const firstGain = gain("layer 0 attention gain");
  const start = next;
  const first = model.layers.map((layer, l): LayerLayout => {
    next = start; // relative to the layer; moved below
    const name = (kind: string): string => `layer ${l} ${kind}`;
    return {
      kmean: region(name("key mean"), constantBeats(kvHeads * headDim, 4, config.rows)),
      k: matrix(name("k"), layer.k, kvHeads * headDim),
      v: matrix(name("v"), layer.v, kvHeads * headDim),
      q: Array.from({ length: heads }, (_, h) => matrix(name(`q head ${h}`), layer.q, headDim)),
      o: matrix(name("o"), layer.o, dim),
      ffnGain: gain(name("ffn gain")),
      gateup: matrix(name("gate/up"), layer.gate, 2 * hidden),
      down: matrix(name("down"), layer.down, dim),
      nextGain: gain(l + 1 < model.layers.length ? `layer ${l + 1} attention gain` : "final gain"),
    };
  });
  const layerStride = Math.max(
    0,
    ...first.map((layer) => layer.nextGain.beat + layer.nextGain.beats - start),
  );
  const layers = first.map((layer, l) => moveLayer(layer, l * layerStride));
  next = start + layerStride * layers.length;

  const embeddingUnit = w4UnitRowBlocks(dim / GROUP);
  const shape = matrixShape(model.embedding, vocab, config);
  const rowBlocks = Math.ceil(shape.rowBlocks / embeddingUnit) * embeddingUnit;
  const embeddingBeats = w4Beats(rowBlocks, shape.groups);
  const embedding = { ...shape, rowBlocks, ...region("embedding", embeddingBeats) };
  const imageBeats = next;

  const keys = keyBeats(slots, headDim / GROUP, config.rows);
  const headStride = keys + valueBeats(slots, headDim, config.rows);
  const cacheLayer = headStride * kvHeads;
  const cache = {
    ...region("cache", cacheLayer * layers.length),
    slots,
    keyBeats: keys,
    headStride,
    layerStride: cacheLayer,
  };
  return {
    rope,
    firstGain,
    layers,
    layerStride,
    embedding,
    embeddingUnit,
    cache,
    imageBeats,
    memoryBeats: next,
    chip: chipLayout(model, config),
  };
};

const moveLayer = (layer: LayerLayout, beats: number): LayerLayout => {
  const move = <T extends Region>(r: T): T => ({ ...r, beat: r.beat + beats });
  return {
    kmean: move(layer.kmean),
    k: move(layer.k),
    v: move(layer.v),
    q: layer.q.map(move),
    o: move(layer.o),
    ffnGain: move(layer.ffnGain),
    gateup: move(layer.gateup),
    down: move(layer.down),
    nextGain: move(layer.nextGain),
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

/** Every region by name, in memory order. */
export const regionsOf = (layout: Layout): Region[] => [
  layout.rope,
  layout.firstGain,
  ...layout.layers.flatMap((l) => [l.kmean, l.k, l.v, ...l.q, l.o, l.ffnGain, l.gateup, l.down, l.nextGain]),
  layout.embedding,
  layout.cache,
];

/** Formats that the engine must multiply: of the matrices, and of the cache. */
export const formatsOf = (layout: Layout): Format[] => [
  ...new Set<Format>([
    ...layout.layers.flatMap((l) => [l.k, l.v, ...l.q, l.o, l.gateup, l.down]).map((m) => m.format),
    layout.embedding.format,
    "keys",
    "values",
  ]),
];
