/** The accelerator: composition of control, stream side and result side behind one memory port. */
import { defineModule, stream, uint } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits, lanes } from "../isa/config.js";
import { hasProjection } from "../units/projection.js";
import { cacheWriter, memoryWrite } from "../units/cachewriter.js";
import { memoryRequest } from "../units/fetch.js";
import { quantiser } from "../units/quantiser.js";
import { softmax } from "../units/softmax.js";
import { ahead } from "./ahead.js";
import { cacheRing } from "./cachering.js";
import { counters } from "./counters.js";
import { fanout } from "../library/fanout.js";
import { hostOutputs, hostPorts } from "./ports.js";
import { resultSide } from "./resultside.js";
import { semaphores } from "./semaphores.js";
import { sequencer } from "./sequencer.js";
import { status } from "./status.js";
import { streamSide } from "./streamside.js";
import { tokenMemory } from "./tokens.js";
import { TRACE_ROW_BITS } from "../units/widths.js";

type ResultSide = ReturnType<typeof resultSide>;
type StreamUnit = ReturnType<typeof streamSide>["stream"];

/** What every unit says that it waits for, takes and gives. */
const semaphoreInputs = ({ quantiser, softmax, epilogue }: ResultSide, stream: StreamUnit) => ({
  stream: { want: stream.want, take: stream.take, amount: stream.amount },
  quant: { want: quantiser.want, take: quantiser.take },
  softmax: { want: softmax.want, take: softmax.take },
  epilogue: epilogue.signal,
  score: epilogue.signalScore,
  quantSignal: quantiser.signal,
  softmaxSignal: softmax.signal,
  probRelease: stream.probRelease,
});

const statusInputs = (
  { quantiser, softmax, epilogue, cache, rows }: ResultSide,
  activity: StreamUnit["activity"],
) => ({
  activity,
  idle: {
    epilogue: epilogue.idle,
    quantiser: quantiser.idle,
    softmax: softmax.idle,
    cacheWriter: cache.idle,
  },
  saturates: {
    rowScaler: rows.saturated,
    negativeShift: rows.negativeShift,
    epilogue: epilogue.saturated,
    cacheWriter: cache.saturated,
  },
});

/**
 * One accelerator of `rows` x 32 lanes: the host writes program and prompt, sets the registers, pulses `start` and waits for
 * `done`. Weights, constants and cache come over the memory port: requests {addr, beats}, in order; `data` of beatBits, in
 * order; writes {addr, data, nibble mask}, seen by every request taken later. Contract sections 1 to 8, by its units.
 */
export const accelerator = (c: AcceleratorConfig) =>
  defineModule(
    "accelerator",
    {
      in: { ...hostPorts(c), data: stream(uint(beatBits(c))) },
      out: { ...hostOutputs, request: stream(memoryRequest(c)), write: stream(memoryWrite(c)) },
      doc: `Gateloom accelerator: ${c.rows} rows x ${c.cols} columns = ${lanes(c)} lanes, ${c.tokens} token(s) per pass over the weights.`,
    },
    ({ start, promptLength, total, epsilonSum, sinks, window, program_write, token_write, data }) => {
      const tokens = ahead("tokens", tokenMemory(c), ["known", "fetchData", "streamData"]);
      const granted = ahead("semaphores", semaphores(c), [
        "streamGranted",
        "streamMissing",
        "quantGranted",
        "softmaxGranted",
      ]);
      const state = ahead("status", status(), ["idle"]);
      const units = {
        quantiser: ahead("quantiser", quantiser(c), ["write", "scale"]),
        softmax: ahead("softmax", softmax(c), ["probability"]),
        cacheWriter: ahead("cache_writer", cacheWriter(c), ["written", "free"]),
      };
      const { slots, blocks } = cacheRing(c).inst("u_cache_ring", { sinks, window });

      const control = sequencer(c).inst("u_sequencer", {
        start,
        host: { promptLength, total, sinks, window },
        ...state.out,
        program: program_write,
      });
      const streamJobs = fanout(control.stream, ["unpack_job", "stream_job"]);
      const projects = hasProjection(c);
      const resultJobs = fanout(control.result, [
        ...(["scale_job", "row_job", "epilogue_job"] as const),
        ...(projects ? (["projection_job"] as const) : []),
      ]);
      const beatTaken = data.fire.as("beat_taken");
      const { request, fetchAddr, stream, sums } = streamSide(c, {
        jobs: { fetch: control.fetch, unpack: streamJobs.unpack_job, stream: streamJobs.stream_job },
        data,
        tokens: tokens.out,
        semaphores: granted.out,
        blocks,
        cacheWritten: units.cacheWriter.out.written,
        activations: units.quantiser.out.write,
        probability: units.softmax.out.probability,
      });
      const results = resultSide(c, units, {
        jobs: {
          scale: resultJobs.scale_job,
          row: resultJobs.row_job,
          epilogue: resultJobs.epilogue_job,
          ...(projects ? { projection: resultJobs.projection_job } : {}),
          quant: control.quant,
          softmax: control.softmax,
        },
        sums,
        stream,
        semaphores: granted.out,
        epsilonSum,
        sinks,
        slots,
      });

      const { choice } = results;
      const streamAddr = stream.tokenAddr;
      tokens.place({ start, promptLength, write: token_write, choice, fetchAddr, streamAddr });
      granted.place({ restart: start, ...semaphoreInputs(results, stream) });
      const { saturated } = state.place(statusInputs(results, stream.activity));
      const { busy, done } = control;
      const { count: counter } = counters().inst("u_counters", {
        restart: start,
        busy,
        activity: stream.activity,
        beatTaken,
      });
      const token = { valid: choice.valid, value: choice.token.resize(TRACE_ROW_BITS) };
      const { epilogue, quantiser: quantised, cache, softmax: soft } = results;
      return {
        busy,
        done,
        saturated,
        token,
        counter,
        trace: {
          ...epilogue.trace,
          ...quantised.trace,
          ...cache.trace,
          ...soft.trace,
          cache: cache.values[0] ?? epilogue.trace.cache,
          token,
        },
        request,
        write: cache.write,
      };
    },
  );
