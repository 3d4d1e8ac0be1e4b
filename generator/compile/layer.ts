/** The instructions of one layer, from its keys to the activations of the layer behind it. */
import { GROUP } from "../engines/formats/beats.js";
import { emitAttention } from "./attention.js";
import { mask } from "./builder.js";
import {
  type Context,
  cacheBeat,
  constantScale,
  epilogue,
  type Fields,
  forToks,
  layerCache,
  load,
  normScale,
  quantise,
  quantiseNormed,
  reads,
  TOK,
  tokenVectors,
  weights,
  writes,
} from "./context.js";
import { CACHE_STRIDE_BEATS, CACHE_WIDTHS } from "../isa/instruction.js";
import type { MatrixRegion } from "./layout.js";

/** Keys and values of all heads into the cache. The keys wait for the activations; all behind them use the same. */
const keysAndValues = (context: Context, index: number): void => {
  const { builder, model, layout } = context;
  const { k, v } = layout.layers[index]!;
  const { scale, cache, bias, qkNorm } = model.layers[index]!;
  for (const kind of ["key", "value"] as const)
    builder.emit(
      "mv",
      {
        tok: TOK.all,
        ...weights(builder, kind === "key" ? k : v, "layer"),
        ...epilogue(kind),
        ...reads(tokenVectors(context).normed),
        ...constantScale("norm", kind === "key" ? scale.k : scale.v),
        ...builder.at("cacheOffset", "cacheBase", "cache", cacheBeat(context, index, 0, kind)),
        headGroups: model.shape.headDim / GROUP,
        cacheHeadStride: layerCache(layout, index).headStride / CACHE_STRIDE_BEATS,
        cacheWidth: CACHE_WIDTHS.indexOf(kind === "key" ? cache.keys : cache.values),
        cacheKeys8: cache.keys === 8 ? 1 : 0,
        ...(bias === undefined ? {} : { bias: 1 }),
        ...(qkNorm === undefined || kind === "value" ? {} : { headNorm: 1 }),
        wait: kind === "key" ? mask("actReady") : 0,
      },
      `${kind}s of all heads`,
    );
};

/**
 * Queries, one MV per head. Where a batch is one token, a head may be quantised as soon as its own MV is done. Tokens
 * that share a batch are attended one after the other, so that the first QUANT of each waits for all heads instead.
 */
const queries = (context: Context, index: number): void => {
  const { builder, model, config, layout } = context;
  const { heads, kvHeads, headDim } = model.shape;
  const { chip, layers } = layout;
  const { bias, qkNorm, scale } = model.layers[index]!;
  /** Biases of queries lie behind those of keys and values. */
  const biasOf = (head: number): Fields =>
    bias === undefined
      ? {}
      : { bias: 1, ...builder.at("constant", "dstBase", "queryElement", (2 * kvHeads + head) * headDim) };
  const { q } = layers[index]!;
  const query = (head: number, signal: number): void =>
    builder.emit(
      "mv",
      {
        tok: TOK.all,
        ...weights(builder, q[head]!, "layer"),
        ...epilogue("query"),
        ...reads(tokenVectors(context).normed),
        ...constantScale("norm", scale.q),
        ...biasOf(head),
        ...(qkNorm === undefined ? {} : { headNorm: 1 }),
        ...builder.at("dst", "dstBase", "queryElement", chip.vector.query + head * headDim),
        dstStride: heads * headDim,
        ...builder.at("slot", "slotBase", "queryHead", chip.slot.query + head),
        slotInit: 1,
        signal,
      },
      "query of one head",
    );
  const walk = { layer: q[0]!.beats, queryElement: headDim, queryHead: 1 };
  if (config.tokens === 1) {
    builder.loop(heads, walk, () => query(0, mask("queryReady")), "query heads");
  } else {
    builder.loop(heads - 1, walk, () => query(0, 0), "query heads");
    query(heads - 1, mask("queryReady"));
  }
};

/** A matrix whose results are added to the residual; y for the norm behind it comes with them. */
const residual = (context: Context, matrix: MatrixRegion, index: number, kind: "o" | "down"): void => {
  const { attended, hidden, normed } = tokenVectors(context);
  const { scale, subNorm } = context.model.layers[index]!;
  const from: Fields =
    kind === "o"
      ? { ...reads(attended), wait: mask("attendAct") }
      : { ...reads(hidden), wait: mask("hiddenAct") };
  context.builder.emit(
    "mv",
    {
      tok: TOK.all,
      ...weights(context.builder, matrix, "layer"),
      ...epilogue("residual"),
      ...from,
      ...(subNorm === undefined
        ? constantScale("activation", scale[kind])
        : normScale(kind === "o" ? "attention" : "ffn", scale[kind])),
      ...writes(normed),
      signal: mask("normReady"),
    },
    kind,
  );
};

const gateUp = (context: Context, index: number): void => {
  const { normed, hidden } = tokenVectors(context);
  context.builder.emit(
    "mv",
    {
      tok: TOK.all,
      ...weights(context.builder, context.layout.layers[index]!.gateup, "layer"),
      ...epilogue("gateup"),
      ...(context.model.gate === "relu2" ? { relu2: 1 } : {}),
      ...(context.model.layers[index]!.subNorm === undefined ? {} : { subNorm: 1 }),
      ...reads(normed),
      ...constantScale("norm", context.model.layers[index]!.scale.gate),
      ...writes(hidden),
      wait: mask("actReady"),
      signal: mask("hiddenReady"),
    },
    "gate/up",
  );
};

/** Constant RAMs are loaded where the stream would wait for the quantiser. `index`: the first layer of a loop over layers. */
export const emitLayer = (context: Context, index: number): void => {
  const layer = context.layout.layers[index]!;
  const { attended, hidden } = tokenVectors(context);

  load(context, "kmean", layer.kmean, "layer", "key mean");
  if (layer.norms !== undefined) load(context, "norms", layer.norms, "layer", "norm constants");
  if (layer.bias !== undefined) load(context, "bias", layer.bias, "layer", "biases");
  if (layer.headGain !== undefined) load(context, "headgain", layer.headGain, "layer", "head norm gains");
  if (layer.attentionSubGain !== undefined)
    load(context, "subgain", layer.attentionSubGain, "layer", "attention sub-norm gain");
  keysAndValues(context, index);
  queries(context, index);
  const attention = (): void => {
    emitAttention(context, index);
    quantise(context, attended, mask("attendReady"), mask("attendAct"), "attention output");
  };
  forToks(context, attention, "tokens");
  load(context, "gain", layer.ffnGain, "layer", "ffn gain");
  residual(context, layer.o, index, "o");
  if (layer.ffnSubGain !== undefined)
    load(context, "subgain", layer.ffnSubGain, "layer", "ffn sub-norm gain");
  forToks(context, () => quantiseNormed(context));
  gateUp(context, index);
  forToks(context, () =>
    quantise(context, hidden, mask("hiddenReady"), mask("hiddenAct"), "hidden activations"),
  );
  load(context, "gain", layer.nextGain, "layer", "gain of the next layer or of the head");
  residual(context, layer.down, index, "down");
  forToks(context, () => quantiseNormed(context));
};
