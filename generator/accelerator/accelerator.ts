/** The accelerator: composition of sequencer, stream side and result side behind one memory port. */
import {
  allOf,
  bool,
  defineModule,
  Mem,
  mux,
  reg,
  type Sig,
  sint,
  source,
  type Stream,
  stream,
  uint,
  when,
  wire,
} from "../hdl/index.js";
import { engine } from "../engines/engine.js";
import { fork } from "../library/fork.js";
import { activityCode } from "../units/activity.js";
import { cacheWriter, memoryWrite } from "../units/cachewriter.js";
import { type AcceleratorConfig, beatBits, log2 } from "../isa/config.js";
import { epilogue } from "../units/epilogue.js";
import { blocksBits, fetch, memoryRequest } from "../units/fetch.js";
import { resultJob, streamJob } from "../units/jobs.js";
import { statistics, vectorMemory } from "../units/memories.js";
import { quantiser } from "../units/quantiser.js";
import { rowScaler } from "../units/rowscale.js";
import { sampler } from "../units/sampler.js";
import { SQUARES_BITS, scaler } from "../units/scaler.js";
import { softmax } from "../units/softmax.js";
import { streamUnit } from "../units/stream.js";
import { unpack } from "../units/unpack.js";
import { COUNTER_NAMES, hostOutputs, hostPorts } from "./ports.js";
import { semaphores } from "./semaphores.js";
import { sequencer } from "./sequencer.js";

type Bool = Sig<"u", 1>;
type U = Sig<"u", number>;

export const accelerator = (c: AcceleratorConfig) =>
  defineModule(
    "accelerator",
    {
      in: { ...hostPorts(c), data: stream(uint(beatBits(c))) },
      out: { ...hostOutputs, request: stream(memoryRequest), write: stream(memoryWrite(c)) },
      doc: `Gateloom accelerator: ${c.rows} rows x ${c.cols} columns = ${c.rows * c.cols} lanes, ${c.tokens} token(s) per pass over the weights.`,
    },
    ({ start, promptLength, total, epsilonSum, sinks, window, program_write, token_write, data }) => {
      // ── tokens: the prompt, then what the sampler chooses ──
      const tokenRam = new Mem("tokens", uint(16), c.context, {
        readDuringWrite: "old",
        style: "distributed",
      });
      const tokensKnown = reg("tokens_known", uint(16), { reset: 0 });
      const fetchToken = wire("fetch_token", uint(16));
      const streamToken = wire("stream_token", uint(16));
      const readToken = (address: U): U => tokenRam.readAsync(address.resize(log2(c.context)) as U) as U;

      // ── sequencer ──
      const idle = wire("units_idle", bool);
      const slots = sinks.addMod(window).as("slots") as U;
      const seq = sequencer(c).inst("u_sequencer", {
        start,
        host: { promptLength, total, sinks, window },
        idle,
        program: program_write,
      } as never) as never as {
        fetch: Stream;
        stream: Stream;
        result: Stream;
        quant: Stream;
        softmax: Stream;
        busy: Bool;
        done: Bool;
      };
      const [unpackJobs, streamJobs] = fork(streamJob(c), seq.stream as never, 2) as unknown as [
        Stream<ReturnType<typeof streamJob>>,
        Stream,
      ];
      const [scaleJobs, rowJobs, epilogueJobs] = fork(resultJob(c), seq.result as never, 3) as unknown as [
        Stream<ReturnType<typeof resultJob>>,
        Stream<ReturnType<typeof resultJob>>,
        Stream,
      ];
      const part = <K extends string>(s: Stream, shape: Record<K, unknown>, names: readonly K[]): Stream => {
        const p = s.payload as unknown as Record<K, unknown>;
        const out = source(
          Object.fromEntries(names.map((n) => [n, shape[n]])) as never,
          Object.fromEntries(names.map((n) => [n, p[n]])) as never,
          s.valid,
        );
        s.consume(out.ready);
        return out as never;
      };

      // ── stream side ──
      const cacheWritten = wire("cache_written", bool);
      const fetched = fetch(c).inst("u_fetch", {
        job: seq.fetch,
        tokensKnown,
        tokenData: readToken(fetchToken as U),
        cacheWritten,
        blocks: slots.add(31).shr(5).resize(blocksBits(c)),
      } as never) as never as { request: Stream; tokenAddr: U };
      fetchToken.drive(fetched.tokenAddr);
      const beats = source(uint(beatBits(c)), data.payload as never, data.valid);
      const beatTaken = data.consume(beats.ready).as("beat_taken");
      const pop = wire("steps_pop", uint(2));
      const flush = wire("steps_flush", bool);
      const unpacked = unpack(c).inst("u_unpack", {
        job: part(unpackJobs as never, streamJob(c), ["kind", "format", "beats", "rowBlocks", "groups"]),
        memory: beats,
        pop,
        flush,
      } as never) as never as { weights: Stream; steps: unknown };
      const grantedStream = wire("stream_granted", bool);
      const missing = wire("stream_missing", uint(16));
      const activationWrite = {
        enable: wire("act_write", bool),
        word: wire("act_write_word", uint(log2(c.actWords))),
        quad: wire("act_write_quad", uint(3)),
        data: wire("act_write_data", uint(32)),
      };
      const probabilityP = Array.from({ length: 32 }, (_, i) => wire(`probability_${i}`, uint(7)));
      const probabilityMu = wire("probability_mu", uint(15));
      const lanes = streamUnit(c).inst("u_stream", {
        job: streamJobs,
        granted: grantedStream,
        missing,
        weights: unpacked.weights,
        steps: unpacked.steps,
        write: activationWrite,
        probability: { p: probabilityP, mantissa: probabilityMu },
        tokenData: readToken(streamToken as U),
      } as never) as never as {
        want: U;
        amount: U;
        take: Bool;
        pop: U;
        flush: Bool;
        beat: Stream;
        probabilityRead: { enable: Bool; buffer: Bool; word: U };
        probRelease: Bool;
        started: Bool;
        tokenAddr: U;
        load: unknown;
        activity: U;
      };
      pop.drive(lanes.pop);
      flush.drive(lanes.flush);
      streamToken.drive(lanes.tokenAddr);
      const rowSums = engine(c).inst("u_engine", { beat: lanes.beat } as never) as never as Record<
        string,
        Stream
      >;
      const sums = Object.values(rowSums)[0]!;

      const scaleRead = {
        slot: wire("scale_slot", uint(log2(c.slots))),
        tok: wire("scale_tok", uint(Math.max(1, log2(c.tokens)))),
      };
      const scaleM = wire("scale_m", uint(16));
      const scaleE = wire("scale_e", sint(6));
      const squares = wire("squares", uint(SQUARES_BITS));
      const wanted = wire("t_wanted", uint(Math.max(1, log2(c.tokens))));
      const retire = wire("t_retire", bool);

      // ── result side ──
      const grantedQuant = wire("quant_granted", bool);
      const grantedSoftmax = wire("softmax_granted", bool);
      const quad = wire("quad", uint(128));
      const maximum = wire("maximum", uint(32));
      const quant = quantiser(c).inst("u_quantiser", {
        job: seq.quant,
        granted: grantedQuant,
        maximum,
        quad,
        scaleRead,
      } as never) as never as {
        want: U;
        take: Bool;
        signal: U;
        stat: { slot: U; tok: U };
        word: U;
        write: Record<"enable" | "word" | "quad" | "data", Sig>;
        scale: { m: U; e: Sig<"s", number> };
        idle: Bool;
        trace: { act: unknown };
      };
      for (const k of ["enable", "word", "quad", "data"] as const)
        activationWrite[k].drive(quant.write[k] as never);
      scaleM.drive(quant.scale.m);
      scaleE.drive(quant.scale.e);

      const score = {
        valid: wire("score_valid", bool),
        value: wire("score_value", sint(24)),
        aux: wire("score_aux", uint(8)),
        row: wire("score_row", uint(16)),
        last: wire("score_last", bool),
      };
      const soft = softmax(c).inst("u_softmax", {
        job: seq.softmax,
        granted: grantedSoftmax,
        score,
        probabilityRead: lanes.probabilityRead,
      } as never) as never as {
        want: U;
        take: Bool;
        signal: U;
        probability: { p: U[]; mantissa: U };
        sum: Stream;
        idle: Bool;
        trace: { prob: unknown; probexp: unknown; probsum: unknown };
      };
      for (const [i, w] of probabilityP.entries()) w.drive(soft.probability.p[i]!);
      probabilityMu.drive(soft.probability.mantissa);

      const scaled = scaler(c).inst("u_scaler", {
        job: part(scaleJobs as never, resultJob(c), [
          "scaling",
          "scaleM",
          "scaleE",
          "scaleSlot",
          "toks",
          "tok",
        ]),
        started: lanes.started,
        scale: { m: scaleM, e: scaleE },
        squares,
        epsilonSum,
        softmax: soft.sum,
        tok: wanted,
        retire,
      } as never) as never as { scaleAddr: { slot: U; tok: U }; t: unknown; known: Bool };
      scaleRead.slot.drive(scaled.scaleAddr.slot);
      scaleRead.tok.drive(scaled.scaleAddr.tok);
      const rows = rowScaler(c).inst("u_rowscaler", {
        job: part(rowJobs as never, resultJob(c), ["rows", "tok"]),
        sums,
        t: scaled.t,
        known: scaled.known,
      } as never) as never as {
        result: Stream;
        wanted: U;
        retire: Bool;
        saturated: Bool;
        negativeShift: Bool;
      };
      wanted.drive(rows.wanted);
      retire.drive(rows.retire);

      const cacheFree = wire("cache_free", bool);
      const epi = epilogue(c).inst("u_epilogue", {
        job: epilogueJobs,
        result: rows.result,
        load: lanes.load,
        squaresTok: scaled.scaleAddr.tok,
        cacheFree,
      } as never) as never as {
        vector: Record<string, Sig>;
        update: Record<string, Sig>;
        squares: U;
        score: Record<keyof typeof score, Sig>;
        logit: unknown;
        cache: unknown;
        cacheJob: unknown;
        cacheStart: Bool;
        signal: { mask: U; amount: U };
        signalScore: U;
        idle: Bool;
        saturated: Bool;
        trace: Record<string, unknown>;
      };
      squares.drive(epi.squares);
      for (const k of Object.keys(score) as (keyof typeof score)[]) score[k].drive(epi.score[k] as never);
      const vector = vectorMemory(c).inst("u_vector", {
        write: epi.vector,
        read: { word: quant.word },
      } as never) as never as { quad: U };
      quad.drive(vector.quad);
      const stats = statistics(c).inst("u_statistics", {
        update: epi.update,
        read: quant.stat,
      } as never) as never as { maximum: U };
      maximum.drive(stats.maximum);
      const cache = cacheWriter(c).inst("u_cache_writer", {
        x: epi.cache,
        start: epi.cacheStart,
        job: epi.cacheJob,
        sinks,
        slots,
      } as never) as never as {
        free: Bool;
        write: Stream;
        written: Bool;
        idle: Bool;
        saturated: Bool;
        trace: { code: unknown; cachescale: unknown };
      };
      cacheFree.drive(cache.free);
      cacheWritten.drive(cache.written);
      const choice = sampler().inst("u_sampler", { logit: epi.logit } as never) as never as {
        valid: Bool;
        token: U;
      };

      tokenRam.write(
        token_write.enable.or(choice.valid) as Bool,
        mux(choice.valid, tokensKnown.resize(log2(c.context)), token_write.addr) as U,
        mux(choice.valid, choice.token, token_write.data) as never,
      );
      when(choice.valid, () => tokensKnown.set(tokensKnown.addMod(1)));
      when(start, () => tokensKnown.set(promptLength));

      // ── semaphores ──
      const sem = semaphores(c).inst("u_semaphores", {
        restart: start,
        stream: { want: lanes.want, take: lanes.take, amount: lanes.amount },
        quant: { want: quant.want, take: quant.take },
        softmax: { want: soft.want, take: soft.take },
        epilogue: { mask: epi.signal.mask, amount: epi.signal.amount },
        score: epi.signalScore,
        quantSignal: quant.signal,
        softmaxSignal: soft.signal,
        probRelease: lanes.probRelease,
      } as never) as never as {
        streamGranted: Bool;
        streamMissing: U;
        quantGranted: Bool;
        softmaxGranted: Bool;
      };
      grantedStream.drive(sem.streamGranted);
      missing.drive(sem.streamMissing);
      grantedQuant.drive(sem.quantGranted);
      grantedSoftmax.drive(sem.softmaxGranted);

      idle.drive(
        allOf([lanes.activity.eq(activityCode("idle")) as Bool, epi.idle, quant.idle, soft.idle, cache.idle]),
      );

      // ── counters and flags ──
      const busy = seq.busy.as("busy_q");
      const counters = Object.fromEntries(
        COUNTER_NAMES.map((name) => {
          const count = reg(`count_${name}`, uint(32), { reset: 0 });
          const here = name === "beats" ? beatTaken : (lanes.activity.eq(activityCode(name)) as Bool);
          when(busy.and(here), () => count.set(count.addMod(1)));
          when(start, () => count.set(0));
          return [name, count];
        }),
      );
      const saturated = reg("saturated_q", bool, { reset: 0 });
      when(rows.saturated.or(rows.negativeShift).or(epi.saturated).or(cache.saturated), () =>
        saturated.set(1),
      );
      return {
        busy,
        done: seq.done,
        saturated,
        token: { valid: choice.valid, value: choice.token },
        counter: counters,
        trace: {
          ...epi.trace,
          ...quant.trace,
          ...cache.trace,
          ...soft.trace,
          token: { valid: choice.valid, value: choice.token },
        },
        request: fetched.request,
        write: cache.write,
      } as never;
    },
  );
