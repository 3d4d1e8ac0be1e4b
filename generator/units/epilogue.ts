/** Epilogue: takes one result a cycle and sends it where its job says, through the unit it needs. */
import {
  bool,
  defineModule,
  delay,
  delayValid,
  lit,
  mux,
  reg,
  type Sig,
  sint,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { CONSTANT_RAMS, EPILOGUES, type Epilogue } from "../isa/instruction.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, log2, countBits } from "../isa/config.js";
import { constantRam } from "./constants.js";
import { gateup } from "./gateup.js";
import { ADDRESS_BITS, result, resultJob, SEMAPHORE_BITS } from "./jobs.js";
import { elementBits, tokWidth } from "./memories.js";
import { magnitude } from "./reciprocal.js";
import { residual } from "./residual.js";
import { rope } from "./rope.js";
import { SQUARES_BITS } from "./scaler.js";
import { constantLoad } from "./stream.js";

/** Cycles from a result to its write; all kinds alike, so that one write port serves them. */
export const EPILOGUE_LATENCY = 7;
type Bool = Sig<"u", 1>;
type U = Sig<"u", number>;
type S = Sig<"s", number>;

/** A K or V value on its way to the cache writer, with what the writer needs of the job. */
export const cacheValue = (c: AcceleratorConfig) => ({
  valid: bool,
  value: sint(24),
  isValue: bool,
  row: uint(16),
  tok: uint(tokWidth(c)),
  last: bool,
});
/** One head of a key or value job, when its first row is taken. */
export const cacheJob = (c: AcceleratorConfig) => ({
  addr: uint(ADDRESS_BITS),
  headStride: uint(13),
  headGroups: uint(6),
  slot: uint(log2(c.context)),
  toks: uint(countBits(c.tokens)),
  isValue: bool,
  first: bool, // the job's first head
});

export const epilogue = (c: AcceleratorConfig) =>
  defineModule(
    "epilogue",
    {
      in: {
        job: stream(resultJob(c)),
        result: stream(result(c)),
        load: constantLoad(c),
        squaresTok: uint(tokWidth(c)),
        cacheFree: bool, // the cache writer has a buffer for another head
      },
      out: {
        vector: { enable: bool, element: uint(elementBits(c)), value: sint(32) },
        update: {
          enable: bool,
          slot: uint(log2(c.slots)),
          tok: uint(tokWidth(c)),
          magnitude: uint(32),
          restart: bool,
        },
        squares: uint(SQUARES_BITS),
        score: { valid: bool, value: sint(24), aux: uint(8), row: uint(16), last: bool },
        logit: { valid: bool, value: sint(32), row: uint(16), last: bool },
        cache: cacheValue(c),
        cacheJob: cacheJob(c),
        cacheStart: bool,
        signal: { mask: uint(SEMAPHORE_BITS), amount: uint(countBits(c.tokens)) }, // after the last write
        signalScore: uint(SEMAPHORE_BITS), // of score jobs, earlier: softmax sees the last score
        idle: bool,
        saturated: bool,
        trace: {
          residual: { valid: bool, value: sint(32), tok: uint(4), row: uint(16) },
          vector: { valid: bool, value: sint(32), kind: uint(4), tok: uint(4), row: uint(16) },
          cache: { valid: bool, value: sint(24), kind: uint(4), tok: uint(4), row: uint(16) },
          score: { valid: bool, value: sint(24) },
          logit: { valid: bool, value: sint(32) },
        },
      },
      doc: "Epilogue: residual, RoPE, SiLU and gate, and the ways to softmax, cache writer and sampler.",
    },
    ({ job: jobs, result: results, load, squaresTok, cacheFree }) => {
      const next = queue("u_jobs", resultJob(c), jobs, 4);
      const job = next.payload;
      const is = (kind: Epilogue): Bool => job.epilogue.eq(EPILOGUES.indexOf(kind)).as(`is_${kind}`) as Bool;
      const kinds = {
        embed: is("embed"),
        residual: is("residual"),
        query: is("query"),
        key: is("key"),
        value: is("value"),
        gateup: is("gateup"),
        score: is("score"),
        attend: is("attend"),
        logits: is("logits"),
      };
      const r = results.payload;
      const odd = r.row.bit(0) as Bool;
      // results carry the token's index in the batch; the job's addresses begin at its first token
      const relative = (c.tokens === 1 ? lit(uint(1), 0) : r.tok.subMod(job.tok)).as("relative_tok") as U;
      const rotates = kinds.query.or(kinds.key).as("rotates") as Bool;
      const toCache = kinds.key.or(kinds.value).as("to_cache") as Bool;

      // A rotated pair leaves in two cycles: two odd rows may not follow each other at once.
      const afterOdd = reg("after_odd", bool, { reset: 0 });
      // The cache writer buffers whole heads: it must have a place before the first row of each.
      const headMask = job.headGroups.shl(5).subMod(1).resize(16);
      const headStart = toCache
        .and(r.row.and(headMask as never).eq(0))
        .and(relative.eq(0))
        .as("head_start") as Bool;
      const waitCache = headStart.and(cacheFree.not());
      const ready = next.valid
        .and(waitCache.not())
        .and(rotates.and(odd).and(afterOdd).not())
        .as("take_result") as Bool;
      const taken = results.consume(ready).as("taken");
      afterOdd.set(taken.and(rotates).and(odd));
      const last = taken.and(r.last).as("job_ends") as Bool;
      next.consume(last);
      const narrow = r.value.sat(24).as("narrow") as S;
      const clipped = reg("narrow_clipped", bool, { reset: 0 });
      when(taken.and(kinds.embed.or(kinds.residual).or(kinds.logits).not()).and(r.value.ne(narrow)), () =>
        clipped.set(1),
      );

      const write = (ram: (typeof CONSTANT_RAMS)[number]) => ({
        enable: load.enable.and(load.ram.eq(CONSTANT_RAMS.indexOf(ram))) as Bool,
        beat: load.beat,
        data: load.data,
      });
      const gain = constantRam(c, "gain", c.gainEntries, 16, 16).inst("u_gain", {
        write: write("gain"),
        index: r.row.resize(log2(c.gainEntries)),
      } as never)["element"] as U;
      const pairOf = (row: U): U => {
        // A query job is one head; a key job has several, of headGroups·16 pairs each, a power of two.
        const mask = job.headGroups.shl(4).subMod(1).resize(log2(c.ropeEntries));
        const index = row.shr(1).resize(log2(c.ropeEntries));
        return mux(kinds.key, index.and(mask), index) as U;
      };
      const pair = pairOf(r.row as U).as("pair") as U;
      const increment = constantRam(c, "rope", c.ropeEntries, 32, 32).inst("u_rope", {
        write: write("rope"),
        index: pair,
      } as never)["element"] as U;

      const position = job.position.addMod(relative.extend(16)).as("token_position") as U;
      const turned = rope(c).inst("u_rotate", {
        x: { valid: taken.and(rotates) as Bool, value: narrow, odd, tok: r.tok, pair, position },
        increment,
      } as never) as never as { even: Bool; odd: Bool; value: S; saturated: Bool };
      const gated = gateup(c).inst("u_gateup", {
        x: { valid: taken.and(kinds.gateup) as Bool, value: narrow, odd, tok: r.tok },
      } as never) as never as { valid: Bool; value: S; saturated: Bool };
      const res = residual(c).inst("u_residual", {
        d: {
          valid: taken.and(kinds.embed.or(kinds.residual)) as Bool,
          value: r.value,
          row: r.row,
          tok: r.tok,
          embed: kinds.embed,
        },
        gain: gain.asSigned(),
        squaresTok,
      } as never) as never as {
        y: S;
        squares: U;
        saturated: Bool;
        trace: { residual: { valid: Bool; value: S; tok: U; row: U } };
      };

      // What the write needs, aged with the value. A rotated even row is written one cycle before its partner.
      const L = EPILOGUE_LATENCY;
      const valid = delayValid(taken, L, "out");
      const ends = delayValid(last, L, "out_last");
      const kind = delay(job.epilogue, L, "kind") as U;
      const row = delay(r.row, L, "row") as U;
      const tok = delay(r.tok, L, "tok") as U;
      const relativeTok = delay(relative, L, "relative") as U;
      const dst = delay(job.dst, L, "dst") as U;
      const dstStride = delay(job.dstStride, L, "dst_stride") as U;
      const slot = delay(job.slot, L, "slot") as U;
      const init = delay(job.slotInit, L, "slot_init") as Bool;
      const at = (k: Epilogue): Bool => kind.eq(EPILOGUES.indexOf(k)) as Bool;
      const plain = delay(narrow, L, "plain") as S;
      const y = delay(res.y, L - 6, "y") as S;
      const isResidual = at("embed").or(at("residual")).as("out_residual") as Bool;
      const isQuery = at("query").as("out_query") as Bool;
      const isGate = at("gateup").as("out_gateup") as Bool;
      // The even row of a pair stands one cycle before the odd one: its job fields are those of the cycle after.
      const early = turned.even.as("rotated_even") as Bool;
      const early7 = {
        kind: delay(job.epilogue, L - 1, "kind") as U,
        row: delay(r.row, L - 1, "row") as U,
        tok: delay(r.tok, L - 1, "tok") as U,
        relativeTok: delay(relative, L - 1, "relative") as U,
        dst: delay(job.dst, L - 1, "dst") as U,
        stride: delay(job.dstStride, L - 1, "dst_stride") as U,
        slot: delay(job.slot, L - 1, "slot") as U,
        init: delay(job.slotInit, L - 1, "slot_init") as Bool,
      };
      const rotatedKey = (k: U): Bool => k.eq(EPILOGUES.indexOf("key")) as Bool;
      const base = mux(early, early7.dst, dst) as U;
      const stride = mux(early, early7.stride, dstStride) as U;
      const t = mux(early, early7.relativeTok, relativeTok) as U;
      const rowNow = mux(early, early7.row.subMod(1), row).as("write_row") as U;
      const offset = mux(isGate.and(early.not()), rowNow.shr(1).extend(16), rowNow) as U;
      const tokOffset = c.tokens === 1 ? null : t.mul(stride).wrap(14);
      const element = base.addMod(offset.wrap(14)).as("element_in_token") as U;
      const address = (tokOffset === null ? element : element.addMod(tokOffset))
        .resize(elementBits(c))
        .as("write_element") as U;
      const evenQuery = early.and(rotatedKey(early7.kind).not()).as("even_query") as Bool;
      const vectorValid = evenQuery
        .or(valid.and(isResidual.or(at("attend")).or(isQuery.and(turned.odd)).or(isGate.and(gated.valid))))
        .as("vector_valid") as Bool;
      const vectorValue = mux(
        early,
        turned.value,
        mux(isResidual, y, mux(isGate, gated.value, mux(isQuery, turned.value, plain))),
      ).as("vector_value") as S;
      const restart = mux(early, early7.init, init).and(offset.eq(0)).as("restart") as Bool;

      // keys and values: after rotation the mean goes; both leave one cycle later
      const keyEven = early.and(rotatedKey(early7.kind)) as Bool;
      const keyOdd = turned.odd.and(at("key")).and(valid) as Bool;
      const keyValid = keyEven.or(keyOdd).as("key_valid") as Bool;
      const valueValid = valid.and(at("value")) as Bool;
      // The mean's RAM takes a cycle: index one cycle ahead of the value.
      const aheadEven = delayValid(taken.and(rotates).and(odd), L - 2, "ahead") as Bool;
      const aheadRow = mux(
        aheadEven,
        (delay(r.row, L - 2, "row") as U).subMod(1),
        delay(r.row, L - 1, "row") as U,
      ) as U;
      const mean = (
        constantRam(c, "kmean", c.kmeanEntries, 24, 32).inst("u_kmean", {
          write: write("kmean"),
          index: aheadRow.resize(log2(c.kmeanEntries)),
        } as never)["element"] as U
      ).asSigned() as S;
      const centred = turned.value.sub(mean).as("centred") as S;
      const key = centred.sat(24) as S;
      const cacheValid = delayValid(keyValid.or(valueValid) as Bool, 1, "cache_valid");
      const cacheIsValue = delay(at("value").and(early.not()), 1, "cache_is_value") as Bool;
      const cacheData = delay(mux(keyValid, key, plain), 1, "cache_value") as S;
      const cacheRow = delay(rowNow, 1, "cache_row") as U;
      const cacheTok = delay(t, 1, "cache_tok") as U;
      const cacheLast = delayValid(ends.and(at("key").or(at("value"))) as Bool, 1, "cache_last");
      const meanClipped = reg("mean_clipped", bool, { reset: 0 });
      when(keyValid.and(centred.ne(key)), () => meanClipped.set(1));
      const turnClipped = reg("turn_clipped", bool, { reset: 0 });
      when(turned.saturated.or(gated.saturated), () => turnClipped.set(1));

      // scores and logits go straight on
      const score1 = delayValid(taken.and(kinds.score) as Bool, 1, "score_valid");
      const logit1 = delayValid(taken.and(kinds.logits) as Bool, 1, "logit_valid");
      const narrow1 = delay(narrow, 1, "narrow_q") as S;
      const value1 = delay(r.value, 1, "value_q") as S;
      const row1 = delay(r.row, 1, "result_row") as U;
      const last1 = delay(r.last, 1, "result_last") as Bool;
      const signalMask = delay(job.signal, L, "signal") as U;
      const amount = delay(job.toks, L, "amount") as U;
      const isLate = at("score").not() as Bool;
      const pending = reg("pending", uint(4), { reset: 0 });
      when(
        taken,
        () => pending.set(L + 2),
        () => when(pending.orR(), () => pending.set(pending.subMod(1))),
      );

      return {
        vector: { enable: vectorValid, element: address, value: vectorValue },
        update: {
          enable: vectorValid,
          slot: mux(early, early7.slot, slot),
          tok: mux(early, early7.tok, tok),
          magnitude: magnitude(vectorValue),
          restart,
        },
        squares: res.squares,
        score: { valid: score1, value: narrow1, aux: delay(r.aux, 1, "aux"), row: row1, last: last1 },
        logit: { valid: logit1, value: value1, row: row1, last: last1 },
        cache: {
          valid: cacheValid,
          value: cacheData,
          isValue: cacheIsValue,
          row: cacheRow,
          tok: cacheTok,
          last: cacheLast,
        },
        cacheJob: {
          addr: job.cacheAddr,
          headStride: job.cacheHeadStride,
          headGroups: job.headGroups,
          slot: job.cacheSlot,
          toks: job.toks,
          isValue: kinds.value,
          first: r.row.eq(0),
        },
        cacheStart: taken.and(headStart),
        signal: { mask: mux(ends.and(isLate), signalMask, 0), amount },
        signalScore: mux(score1.and(last1), delay(job.signal, 1, "score_signal") as U, 0),
        idle: next.valid.not().and(pending.orR().not()),
        saturated: clipped.or(meanClipped).or(turnClipped).or(res.saturated),
        trace: {
          residual: res.trace.residual,
          vector: {
            valid: vectorValid.and(isResidual.and(early.not()).not()),
            value: vectorValue,
            kind: mux(early, early7.kind, kind),
            tok: mux(early, early7.tok, tok).resize(4),
            row: offset,
          },
          cache: {
            valid: cacheValid,
            value: cacheData,
            kind: mux(cacheIsValue, lit(uint(4), EPILOGUES.indexOf("value")), EPILOGUES.indexOf("key")),
            tok: delay(mux(early, early7.tok, tok), 1, "cache_batch_tok").resize(4),
            row: cacheRow,
          },
          score: { valid: score1, value: narrow1 },
          logit: { valid: logit1, value: value1 },
        },
      } as never;
    },
  );
