/** What the emitters of a program share: operands as fields. */
import type { QuantisedModel, Scale } from "../../golden/model/types.js";
import { GROUP } from "../engines/formats/beats.js";
import {
  type CONSTANT_RAMS,
  EPILOGUES,
  type Epilogue,
  FORMATS,
  type Norm,
  NORMS,
  SCALINGS,
  TOKEN_SELECTS,
} from "../isa/instruction.js";
import type { AcceleratorConfig } from "../isa/config.js";
import type { Instruction } from "./assemble.js";
import { mask, type ProgramBuilder, type Register } from "./builder.js";
import type { LayerCache, Layout, MatrixRegion, Region } from "./layout.js";

/** What the emitters share. */
export interface Context {
  readonly builder: ProgramBuilder;
  readonly model: QuantisedModel;
  readonly config: AcceleratorConfig;
  readonly layout: Layout;
}

export type Fields = Instruction["fields"];

export const RAM = {
  gain: 0,
  kmean: 1,
  rope: 2,
  subgain: 3,
  norms: 4,
  bias: 5,
  headgain: 6,
} as const satisfies Record<(typeof CONSTANT_RAMS)[number], number>;
export const TOK = {
  loop: TOKEN_SELECTS.indexOf("loop"),
  all: TOKEN_SELECTS.indexOf("all"),
  last: TOKEN_SELECTS.indexOf("last"),
};

export const constantScale = (scaling: (typeof SCALINGS)[number], { m, e }: Scale): Fields => ({
  scaling: SCALINGS.indexOf(scaling),
  scaleM: m,
  scaleE: e,
});

/** S·R(SS, s, E)·K with SS, s and E of one of the norms. */
export const normScale = (norm: Norm, k: Scale): Fields => ({
  ...constantScale("norm", k),
  norm: NORMS.indexOf(norm),
});

export const epilogue = (name: Epilogue): Fields => ({ epilogue: EPILOGUES.indexOf(name) });

/** The weight stream of a matrix, addressed from a register. */
export const weights = (builder: ProgramBuilder, matrix: MatrixRegion, register: Register): Fields => ({
  format: FORMATS.indexOf(matrix.format),
  ...builder.at("memOffset", "memBase", register, matrix.beat),
  beats: matrix.beats,
  rowBlocks: matrix.rowBlocks,
  groups: matrix.groups,
  rows: matrix.rows,
});

/** First beat of a KV head's keys or values. */
export const cacheBeat = (
  { layout }: Context,
  layer: number,
  kvHead: number,
  kind: "key" | "value",
): number =>
  layerCache(layout, layer).beat +
  kvHead * layerCache(layout, layer).headStride +
  (kind === "value" ? layerCache(layout, layer).keyBeats : 0);

export const layerCache = (layout: Layout, layer: number): LayerCache => layout.cache.layers[layer]!;

/** The loop over the tokens of a batch; none where a batch is one token. */
export const forToks = ({ builder, config }: Context, body: () => void, comment?: string): void =>
  builder.loop(config.tokens === 1 ? 1 : "toks", {}, body, comment);

/** LOAD of a region into a constant RAM. */
export const load = (
  { builder }: Context,
  ram: keyof typeof RAM,
  region: Region,
  register: Register,
  comment: string,
  more: Fields = {},
): void =>
  builder.emit(
    "load",
    {
      ram: RAM[ram],
      ...builder.at("memOffset", "memBase", register, region.beat),
      beats: region.beats,
      ...more,
    },
    comment,
  );

/** A vector of each token that becomes activations. */
export interface TokenVector {
  readonly elements: number;
  /** Place of token 0 in the vector memory, and its activation words; tokens follow each other. */
  readonly vector: number;
  readonly act: number;
  readonly slot: number;
}

/** QUANT of one token's vector. */
export const quantise = (
  { builder }: Context,
  { elements, vector, act, slot }: TokenVector,
  wait: number,
  signal: number,
  comment: string,
): void =>
  builder.emit(
    "quant",
    {
      tok: TOK.loop,
      elements,
      dst: vector,
      dstStride: elements,
      act,
      actStride: elements / GROUP,
      slot,
      wait,
      signal,
    },
    comment,
  );

/** Matrices read these activations, and take S of their slot. */
export const reads = ({ elements, act, slot }: TokenVector): Fields => ({
  act,
  actStride: elements / GROUP,
  scaleSlot: slot,
});

/** Results go to this vector, its maximum starts anew. */
export const writes = ({ elements, vector, slot }: TokenVector): Fields => ({
  dst: vector,
  dstStride: elements,
  slot,
  slotInit: 1,
});

/** The vectors of the three kinds: y behind a norm, the attention output, h. */
export const tokenVectors = ({ model, layout: { chip } }: Context) => {
  const { dim, hidden, heads, headDim } = model.shape;
  const of = (elements: number, kind: "normed" | "attended" | "hidden"): TokenVector => ({
    elements,
    vector: chip.vector[kind],
    act: chip.act[kind],
    slot: chip.slot[kind],
  });
  return {
    normed: of(dim, "normed"),
    attended: of(heads * headDim, "attended"),
    hidden: of(hidden, "hidden"),
  };
};

/** QUANT y of one token: what a norm hands to the matrices behind it. */
export const quantiseNormed = (context: Context): void =>
  quantise(context, tokenVectors(context).normed, mask("normReady"), mask("actReady"), "normed activations");
