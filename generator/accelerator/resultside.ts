/** The result side: from the row sums to the vectors, the cache, the probabilities and the next token. */
import type { engineSums } from "../engines/port.js";
import type { ModuleDef, Of, Stream } from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import type { cacheWriter } from "../units/cachewriter.js";
import { writesOf } from "../units/constants.js";
import { epilogue } from "../units/epilogue.js";
import {
  hasNorms,
  type OtherNorm,
  otherNorms,
  type quantJob,
  type resultJob,
  type softmaxJob,
} from "../units/jobs.js";
import { statistics, vectorMemory } from "../units/memories.js";
import type { quantiser } from "../units/quantiser.js";
import { hasProjection, projection } from "../units/projection.js";
import { rowScaler } from "../units/rowscale.js";
import { sampler } from "../units/sampler.js";
import { normConstants } from "../units/normconstants.js";
import { scaler } from "../units/scaler.js";
import type { normSum } from "../units/scalerports.js";
import type { Bits } from "../units/signals.js";
import type { softmax } from "../units/softmax.js";
import type { streamUnit } from "../units/stream.js";
import { type Ahead, ahead, type Outputs } from "./ahead.js";
import type { semaphores } from "./semaphores.js";

type ResultJobs = Stream<ReturnType<typeof resultJob>>;
type AheadOf<D, K extends string> = D extends ModuleDef<infer I, infer O> ? Ahead<I, O, K & keyof O> : never;

/** Units of the result side whose outputs the stream side needs. */
export interface ResultSideUnits {
  readonly quantiser: AheadOf<ReturnType<typeof quantiser>, "write" | "scale">;
  readonly softmax: AheadOf<ReturnType<typeof softmax>, "probability">;
  readonly cacheWriter: AheadOf<ReturnType<typeof cacheWriter>, "written" | "free">;
}
export interface ResultSideInputs {
  readonly jobs: {
    readonly scale: ResultJobs;
    readonly row: ResultJobs;
    readonly projection?: ResultJobs;
    readonly epilogue: ResultJobs;
    readonly quant: Stream<ReturnType<typeof quantJob>>;
    readonly softmax: Stream<ReturnType<typeof softmaxJob>>;
  };
  readonly sums: Stream<ReturnType<typeof engineSums>>;
  readonly stream: Pick<Outputs<ReturnType<typeof streamUnit>>, "started" | "load" | "probabilityRead">;
  readonly semaphores: Pick<Outputs<ReturnType<typeof semaphores>>, "quantGranted" | "softmaxGranted">;
  /** E of contract section 4. */
  readonly epsilonSum: Bits;
  readonly sinks: Bits;
  readonly slots: Bits;
}

export const resultSide = (c: AcceleratorConfig, units: ResultSideUnits, i: ResultSideInputs) => {
  const rows = ahead("rowscaler", rowScaler(c), ["wanted", "retire"]);
  const results = ahead("epilogue", epilogue(c), ["score", "squares", "subSquares"]);
  const projects = hasProjection(c) ? ahead("projection", projection(c), ["squares"]) : undefined;
  const constants = hasNorms(c)
    ? normConstants(c).inst("u_norm_constants", { write: writesOf(i.stream.load, "norms") })
    : undefined;
  const softmax = units.softmax.place({
    job: i.jobs.softmax,
    granted: i.semaphores.softmaxGranted,
    score: results.out.score,
    probabilityRead: i.stream.probabilityRead,
  });
  const { scaleAddr, t, known } = scaler(c).inst("u_scaler", {
    job: i.jobs.scale,
    started: i.stream.started,
    scale: units.quantiser.out.scale,
    squares: results.out.squares,
    epsilonSum: i.epsilonSum,
    others: otherSums(c, constants?.epsilon ?? [], results.out.subSquares, projects?.out.squares ?? []),
    softmax: softmax.sum,
    tok: rows.out.wanted,
    retire: rows.out.retire,
  });
  const rowScaled = rows.place({ job: i.jobs.row, sums: i.sums, t, known });
  const projected =
    i.jobs.projection &&
    projects?.place({
      job: i.jobs.projection,
      result: rowScaled.result,
      load: i.stream.load,
      squaresAt: scaleAddr,
    });
  const epilogued = results.place({
    job: i.jobs.epilogue,
    result: projected?.projected ?? rowScaled.result,
    load: i.stream.load,
    squaresTok: scaleAddr.tok,
    cacheFree: units.cacheWriter.out.free,
  });
  const cache = units.cacheWriter.place({
    x: epilogued.cache,
    start: epilogued.cacheStart,
    job: epilogued.cacheJob,
    sinks: i.sinks,
    slots: i.slots,
    norm: (constants?.key ?? []).flatMap((key) =>
      (projected?.key ?? []).map((squares) => ({
        key: squares,
        constants: key,
        mean: writesOf(i.stream.load, "kmean"),
      })),
    ),
  });
  const { valid, token } = sampler(c).inst("u_sampler", { logit: epilogued.logit });
  const reads = quantised(c, units.quantiser, i, epilogued, scaleAddr);
  const rowsAndBiases = projected
    ? { ...rowScaled, saturated: rowScaled.saturated.or(projected.saturated) }
    : rowScaled;
  return {
    softmax,
    rows: rowsAndBiases,
    epilogue: epilogued,
    cache,
    choice: { valid, token },
    quantiser: reads,
  };
};

type NormSum = Of<typeof normSum>;

/** SS, s and E of the norms beyond the residual's. */
const otherSums = (
  c: AcceleratorConfig,
  epsilon: readonly NormSum["epsilon"][],
  sub: readonly NormSum["squares"][],
  query: readonly NormSum["squares"][],
): NormSum[] => {
  const squares = (norm: OtherNorm): readonly NormSum["squares"][] => {
    switch (norm) {
      case "attention":
      case "ffn":
        return sub; // never of both at once
      case "query":
        return query;
    }
  };
  return otherNorms(c).flatMap((norm, n) =>
    epsilon.slice(n, n + 1).flatMap((e) => squares(norm).map((s) => ({ squares: s, epsilon: e }))),
  );
};

/** Vectors and their maxima, from the epilogue to the quantiser. */
const quantised = (
  c: AcceleratorConfig,
  unit: ResultSideUnits["quantiser"],
  i: ResultSideInputs,
  written: Pick<Outputs<ReturnType<typeof epilogue>>, "vector" | "update">,
  scaleRead: Outputs<ReturnType<typeof scaler>>["scaleAddr"],
) => {
  const vector = ahead("vector", vectorMemory(c), ["quad"]);
  const maxima = ahead("statistics", statistics(c), ["maximum"]);
  const out = unit.place({
    job: i.jobs.quant,
    granted: i.semaphores.quantGranted,
    ...maxima.out,
    ...vector.out,
    scaleRead,
  });
  vector.place({ write: written.vector, read: { word: out.word } });
  maxima.place({ update: written.update, read: out.stat });
  return out;
};
