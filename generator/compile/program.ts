/**
 * The program of one model: shapes and addresses as immediates, layers and heads as loops. It depends on neither the
 * prompt nor the number of tokens. README.md of this folder explains the order and who waits for whom.
 */
import type { QuantisedModel } from "../../golden/model/types.js";
import { FORMATS } from "../isa/instruction.js";
import type { AcceleratorConfig } from "../isa/config.js";
import type { Instruction } from "./assemble.js";
import { mask, ProgramBuilder } from "./builder.js";
import {
  type Context,
  constantScale,
  epilogue,
  forToks,
  load,
  quantiseNormed,
  reads,
  TOK,
  tokenVectors,
  weights,
  writes,
} from "./context.js";
import { emitLayer } from "./layer.js";
import type { Layout } from "./layout.js";

/** The row of one token into the residual, y for the first norm with it. */
const embed = (context: Context): void => {
  const { builder, model, layout } = context;
  const { embedding, embeddingUnit } = layout;
  builder.emit(
    "emb",
    {
      tok: TOK.loop,
      format: FORMATS.indexOf(embedding.format),
      ...epilogue("embed"),
      ...builder.at("memOffset", "memBase", "zero", embedding.beat),
      beats: (embedding.beats * embeddingUnit) / embedding.rowBlocks,
      rowBlocks: embeddingUnit,
      groups: embedding.groups,
      rows: model.shape.dim,
      // c·m arrives as c·m·2^8; 2^15·2^e brings it to residualFraction - row exponent
      ...constantScale("constant", { m: 32768, e: model.residualFraction - 23 }),
      ...writes(tokenVectors(context).normed),
      signal: mask("normReady"),
    },
    "embedding",
  );
};

/** Runs of layers that the same instructions can compute: [first, count]. */
export const layerRuns = (model: QuantisedModel): readonly (readonly [number, number])[] => {
  const key = (l: number): string => {
    const layer = model.layers[l]!;
    const formats = [layer.q, layer.k, layer.v, layer.o, layer.gate, layer.up, layer.down].map(
      (m) => m.format,
    );
    const { gate, up: _, knorm: __, ...scales } = layer.scale;
    return JSON.stringify([
      formats,
      [layer.bias, layer.qkNorm, layer.subNorm].map((option) => option !== undefined),
      layer.cache.keys,
      layer.cache.values,
      Object.entries({ ...scales, gate }).sort(([a], [b]) => (a < b ? -1 : 1)),
    ]);
  };
  const runs: [number, number][] = [];
  for (let l = 0; l < model.layers.length; l++) {
    const run = runs.at(-1);
    if (run !== undefined && key(run[0]) === key(l)) run[1]++;
    else runs.push([l, 1]);
  }
  return runs;
};

/** The whole program. */
export const buildProgram = (
  model: QuantisedModel,
  config: AcceleratorConfig,
  layout: Layout,
): readonly Instruction[] => {
  const builder = new ProgramBuilder();
  const context: Context = { builder, model, config, layout };

  load(context, "rope", layout.rope, "zero", "phase increments");
  load(context, "gain", layout.firstGain, "zero", "attention gain of layer 0");
  const batch = builder.here;
  forToks(
    context,
    () => {
      embed(context);
      quantiseNormed(context);
    },
    "tokens",
  );
  for (const [first, count] of layerRuns(model)) {
    // layers of a run have equal formats, and so equal sizes
    const stride = { layer: layout.layers[first]!.beats, cache: layout.cache.layers[first]!.beats };
    builder.clear(["layer", "cache", "element", "head", "word", "queryElement", "queryHead"]);
    builder.loop(count, stride, () => emitLayer(context, first), `layers ${first} to ${first + count - 1}`);
  }

  // Takes what the last QUANT of every token gave; the head needs no wait behind it. Then the gain of layer 0 again.
  forToks(context, () =>
    load(
      context,
      "gain",
      { ...layout.firstGain, beats: 1 },
      "zero",
      "waits for the last QUANT of each token",
      { tok: TOK.loop, wait: mask("actReady") },
    ),
  );
  builder.emit(
    "mv",
    {
      last: 1,
      tok: TOK.last,
      ...weights(builder, layout.head, "zero"),
      ...epilogue("logits"),
      ...reads(tokenVectors(context).normed),
      ...constantScale("norm", model.headScale),
    },
    "head",
  );
  load(context, "gain", layout.firstGain, "zero", "attention gain of layer 0");
  builder.emit("next", { target: batch });
  builder.emit("halt", {});
  return builder.instructions;
};
