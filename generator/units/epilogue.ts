/** Epilogue: takes one result a cycle and sends it where its job says, through the unit it needs. */
import {
  bool,
  defineModule,
  delay,
  delayValid,
  lit,
  mux,
  type Of,
  reg,
  type Sig,
  uint,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, countBits, log2 } from "../isa/config.js";
import { atWrite, type AtWrite } from "./atwrite.js";
import { type ConstantWrite, constantRam, writesOf } from "./constants.js";
import { cachePath } from "./epiloguecache.js";
import { EPILOGUE_LATENCY, epilogueInputs, epilogueOutputs } from "./epilogueports.js";
import { vectorWrite } from "./epiloguevector.js";
import { gateup } from "./gateup.js";
import { residual } from "./residual.js";
import { rope } from "./rope.js";
import { type Bits, type Bool, past } from "./signals.js";
import type { constantLoad } from "./stream.js";
import { SUBNORM_LATENCY, subnorm, type vectorWritten } from "./subnorm.js";
import { isKind, type Taken, takeResults } from "./takeresult.js";
import { BLOCK, TOKEN_BITS } from "./widths.js";

const GAIN_BITS = 16;
const INCREMENT_BITS = 32;

/** Q and K through RoPE: the pair's index within its head, and its token's position. */
const rotate = (c: AcceleratorConfig, t: Taken, load: ConstantWrite) => {
  // A query job is one head; a key job has several, of headGroups·16 pairs each, a power of two.
  const pairBits = log2(c.ropeEntries);
  const mask = t.job.headGroups
    .shl(log2(BLOCK / 2))
    .subMod(1)
    .resize(pairBits);
  const index = t.result.row.shr(1).resize(pairBits);
  const pair = mux(t.is.key, index.and(mask), index).as("pair");
  const { element: increment } = constantRam(c, "rope", c.ropeEntries, INCREMENT_BITS, INCREMENT_BITS).inst(
    "u_rope",
    { write: load, index: pair },
  );
  const position = t.job.position.addMod(t.relative.extend(TOKEN_BITS)).as("token_position");
  return rope(c).inst("u_rotate", {
    x: {
      valid: t.taken.and(t.rotates),
      value: t.narrow,
      odd: t.odd,
      tok: t.result.tok,
      pair,
      position,
    },
    increment,
  });
};

/** The residual stream with the gains of the norm that follows. */
const toResidual = (c: AcceleratorConfig, t: Taken, load: ConstantWrite, squaresTok: Bits) => {
  const { element: gain } = constantRam(c, "gain", c.gainEntries, GAIN_BITS, GAIN_BITS).inst("u_gain", {
    write: load,
    index: t.result.row.resize(log2(c.gainEntries)),
  });
  const { value, row, tok } = t.result;
  return residual(c).inst("u_residual", {
    d: { valid: t.taken.and(t.toResidual), value, row, tok, embed: t.is.embed },
    gain: gain.asSigned(),
    squaresTok,
  });
};

/** Scores and logits go on after one register. */
const straightOn = ({ taken, is, narrow, result, job }: Taken) => {
  const row = delay(result.row, 1, "result_row");
  const last = delay(result.last, 1, "result_last");
  const score = {
    valid: delayValid(taken.and(is.score), 1, "score_valid"),
    value: delay(narrow, 1, "narrow_q"),
    aux: delay(result.aux, 1, "aux"),
    row,
    last,
  };
  const logit = {
    valid: delayValid(taken.and(is.logits), 1, "logit_valid"),
    value: delay(result.value, 1, "value_q"),
    row,
    last,
  };
  const signalScore = mux(score.valid.and(last), delay(job.signal, 1, "score_signal"), 0);
  return { score, logit, signalScore };
};

/** Semaphores that a job gives after its last write. */
const signalOf = ({ job }: Taken, w: AtWrite) => {
  const mask = past(job.signal, "signal")(EPILOGUE_LATENCY);
  const isScore = isKind(w.context(EPILOGUE_LATENCY).kind, "score");
  return {
    mask: mux(w.ends.and(isScore.not()), mask, 0),
    amount: past(job.toks, "amount")(EPILOGUE_LATENCY),
  };
};

/** The writes as they leave: through the gains of the norms before o and down, where the hardware has them. */
const throughSubnorm = (
  c: AcceleratorConfig,
  { job }: Taken,
  w: AtWrite,
  direct: Of<ReturnType<typeof vectorWritten>>,
  offset: Bits,
  { load, squaresTok }: { load: Of<ReturnType<typeof constantLoad>>; squaresTok: Bits },
) => {
  const at = <K extends "u" | "s">(x: Sig<K>, name: string): Sig<K> => past(x, name)(EPILOGUE_LATENCY);
  const [normed] = job.subNorm.map((is) => at(is, "sub_norm"));
  const [first] = job.constant.map((entry) => at(entry, "constant"));
  if (normed === undefined || first === undefined) return { ...direct, squares: [], saturated: lit(bool, 0) };
  const { written, squares, saturated } = subnorm(c).inst("u_subnorm", {
    x: direct,
    normed,
    hidden: isKind(w.context(EPILOGUE_LATENCY).kind, "gateup"),
    index: first.addMod(offset.resize(first.width)).resize(log2(c.subGainEntries)),
    load: writesOf(load, "subgain"),
    squaresTok,
  });
  return { ...written, squares: [squares], saturated };
};

/** Cycles until everything taken has left: the pipeline and the register towards the cache writer. */
const drain = ({ features }: AcceleratorConfig): number =>
  EPILOGUE_LATENCY + 2 + (features.subNorms ? SUBNORM_LATENCY : 0);
const underWay = (c: AcceleratorConfig, taken: Bool): Bool => {
  const pending = reg("pending", uint(countBits(drain(c))), { reset: 0 });
  when(
    taken,
    () => pending.set(drain(c)),
    () => when(pending.orR(), () => pending.set(pending.subMod(1))),
  );
  return pending.orR();
};

/**
 * One result a cycle, int32 or saturated to int24, to the residual stream, RoPE, SiLU·up, softmax, the cache writer or the
 * sampler. Vectors are written EPILOGUE_LATENCY cycles after the result was taken (the even row of a rotated pair one cycle
 * earlier), cache values one cycle later, scores and logits after one. Contract sections 2, 5 (K), 7.
 */
export const epilogue = (c: AcceleratorConfig) =>
  defineModule(
    "epilogue",
    {
      in: epilogueInputs(c),
      out: epilogueOutputs(c),
      doc: "Epilogue: residual, RoPE, SiLU and gate, and the ways to softmax, cache writer and sampler.",
    },
    ({ job: jobs, result: results, load, squaresTok, cacheFree }) => {
      const t = takeResults(c, jobs, results, cacheFree);
      const { job, result } = t;
      const rotated = rotate(c, t, writesOf(load, "rope"));
      const gated = gateup(c).inst("u_gateup", {
        x: {
          valid: t.taken.and(t.is.gateup),
          value: t.narrow,
          odd: t.odd,
          tok: result.tok,
          relu2: job.relu2,
        },
      });
      const res = toResidual(c, t, writesOf(load, "gain"), squaresTok);
      const turnClipped = reg("turn_clipped", bool, { reset: 0 });
      when(rotated.saturated.or(gated.saturated), () => turnClipped.set(1));

      const w = atWrite(t, { rotated, gated, y: res.y });
      const { trace: vectorTrace, offset, ...direct } = vectorWrite(c, w);
      const { cache, trace: cacheTrace, clipped } = cachePath(c, t, w, writesOf(load, "kmean"));
      const { score, logit, signalScore } = straightOn(t);
      const written = throughSubnorm(c, t, w, { ...direct, signal: signalOf(t, w) }, offset, {
        load,
        squaresTok,
      });
      return {
        vector: written.vector,
        update: written.update,
        squares: res.squares,
        subSquares: written.squares,
        score,
        logit,
        cache,
        cacheJob: {
          addr: job.cacheAddr,
          headStride: job.cacheHeadStride,
          headGroups: job.headGroups,
          slot: job.cacheSlot,
          toks: job.toks,
          isValue: t.is.value,
          first: result.row.eq(0),
          normed: job.headNorm,
          eight: job.eight,
          three: job.three,
          keys8: job.keys8,
        },
        cacheStart: t.taken.and(t.headStart),
        signal: written.signal,
        signalScore,
        idle: t.noJob.and(underWay(c, t.taken).not()),
        saturated: t.clipped.or(clipped).or(turnClipped).or(res.saturated).or(written.saturated),
        trace: {
          residual: res.trace.residual,
          vector: vectorTrace,
          cache: cacheTrace,
          score: { valid: score.valid, value: score.value },
          logit: { valid: logit.valid, value: logit.value },
        },
      };
    },
  );
