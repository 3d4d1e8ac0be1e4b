/**
 * Attention of one token over all heads. The scores of head h + 1 stream before the values of head h, so that the
 * softmax of a head hides behind the scores of the next.
 */
import { GROUP } from "../engines/formats/beats.js";
import { FORMATS } from "../isa/instruction.js";
import { type Advance, mask } from "./builder.js";
import { type Context, cacheBeat, constantScale, epilogue, layerCache, normScale, TOK } from "./context.js";
import { cacheFormats } from "./layout.js";

/** QUANT q, MV keys and SOFTMAX of a head. */
const score = (context: Context, layer: number, head: number): void => {
  const { builder, model, config, layout } = context;
  const { headDim } = model.shape;
  const { act, vector, slot } = layout.chip;
  const { qkNorm, scale } = model.layers[layer]!;
  const groups = headDim / GROUP;
  const activations = builder.at("act", "actBase", "word", act.query + head * groups);
  builder.emit(
    "quant",
    {
      tok: TOK.loop,
      elements: headDim,
      ...builder.at("dst", "dstBase", "element", vector.query + head * headDim),
      dstStride: model.shape.heads * headDim,
      ...activations,
      ...builder.at("slot", "slotBase", "head", slot.query + head),
      wait: config.tokens === 1 || head === 0 ? mask("queryReady") : 0,
      signal: mask("queryAct"),
    },
    "query",
  );
  builder.emit(
    "mv",
    {
      tok: TOK.loop,
      format: FORMATS.indexOf(cacheFormats(model.layers[layer]!).keys),
      ...epilogue("score"),
      fetchAfterCache: 1,
      groups,
      ...builder.at(
        "memOffset",
        "memBase",
        "cache",
        cacheBeat(context, layer, kvHeadOf(context, head), "key"),
      ),
      ...activations,
      ...builder.at("scaleSlot", "scaleSlotBase", "head", slot.query + head),
      ...(qkNorm === undefined ? constantScale("activation", scale.score) : normScale("query", scale.score)),
      wait: mask("queryAct", "scoreFree"),
      signal: mask("scoreReady"),
    },
    "keys",
  );
  builder.emit("softmax", {
    tok: TOK.loop,
    wait: mask("scoreReady", "probFree"),
    signal: mask("scoreFree", "probReady"),
  });
};

/** MV values of a head; the first restarts the maximum, the last completes the token. */
const value = (context: Context, layer: number, head: number): void => {
  const { builder, model, config, layout } = context;
  const { heads, headDim } = model.shape;
  const { vector, slot } = layout.chip;
  builder.emit(
    "mv",
    {
      tok: TOK.loop,
      format: FORMATS.indexOf(cacheFormats(model.layers[layer]!).values),
      ...epilogue("attend"),
      ...builder.at(
        "memOffset",
        "memBase",
        "cache",
        cacheBeat(context, layer, kvHeadOf(context, head), "value"),
      ),
      rowBlocks: Math.ceil(headDim / (config.rows / 2)),
      rows: headDim,
      ...builder.at("dst", "dstBase", "element", vector.attended + head * headDim),
      dstStride: heads * headDim,
      slot: slot.attended,
      slotInit: head === 0 ? 1 : 0,
      ...(model.layers[layer]!.subNorm === undefined
        ? {}
        : { subNorm: 1, ...builder.at("constant", "dstBase", "element", head * headDim) }),
      ...constantScale("softmax", model.layers[layer]!.scale.attend),
      wait: mask("probReady"),
      signal: head === heads - 1 ? mask("attendReady") : 0,
    },
    "values",
  );
};

const kvHeadOf = ({ model: { shape } }: Context, head: number): number =>
  Math.floor((head * shape.kvHeads) / shape.heads);

export const emitAttention = (context: Context, layer: number): void => {
  const { builder, model, layout } = context;
  const { heads, kvHeads, headDim } = model.shape;
  const perKv = heads / kvHeads;
  const step = (count: number, kvHeadsOn: number): Advance => ({
    element: count * headDim,
    head: count,
    word: (count * headDim) / GROUP,
    cache: kvHeadsOn * layerCache(layout, layer).headStride,
  });
  /** Scores of head h + 1, values of head h. */
  const pair = (head: number): void => {
    score(context, layer, head + 1);
    value(context, layer, head);
  };

  score(context, layer, 0);
  if (heads > 1) pair(0); // apart: its values restart the maximum
  if (perKv === 1) {
    builder.loop(heads - 2, step(1, 1), () => pair(1), "heads");
  } else {
    builder.loop(perKv - 2, step(1, 0), () => pair(1), "heads of KV head 0");
    const last = perKv - 1; // of a KV head: its values come behind the next KV head's first scores
    builder.loop(
      kvHeads - 1,
      step(perKv, 1),
      () => {
        pair(last);
        builder.loop(perKv - 1, step(1, 0), () => pair(last + 1), "heads of one KV head");
      },
      "KV heads",
    );
  }
  value(context, layer, heads - 1);
};
