/** The stream side: from the memory port to the row sums. */
import { engine } from "../engines/engine.js";
import type { Of, Stream, Ty } from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import { fetch } from "../units/fetch.js";
import type { fetchJob, streamJob } from "../units/jobs.js";
import type { Bits, Bool } from "../units/signals.js";
import { type activationWrite, type probabilityWord, streamUnit } from "../units/stream.js";
import { unpack } from "../units/unpack.js";
import { ahead, type Outputs } from "./ahead.js";
import type { semaphores } from "./semaphores.js";
import type { tokenMemory } from "./tokens.js";

type Beats = Stream<Ty<"u", number>>;
type StreamJobs = Stream<ReturnType<typeof streamJob>>;

export interface StreamSideInputs {
  readonly jobs: {
    readonly fetch: Stream<ReturnType<typeof fetchJob>>;
    readonly unpack: StreamJobs;
    readonly stream: StreamJobs;
  };
  readonly data: Beats;
  readonly tokens: Outputs<ReturnType<typeof tokenMemory>>;
  readonly semaphores: Pick<Outputs<ReturnType<typeof semaphores>>, "streamGranted" | "streamMissing">;
  /** Blocks of 32 slots that the cache has. */
  readonly blocks: Bits;
  readonly cacheWritten: Bool;
  readonly activations: Of<ReturnType<typeof activationWrite>>;
  readonly probability: Of<typeof probabilityWord>;
}

export const streamSide = (c: AcceleratorConfig, i: StreamSideInputs) => {
  const { request, tokenAddr: fetchAddr } = fetch(c).inst("u_fetch", {
    job: i.jobs.fetch,
    tokensKnown: i.tokens.known,
    tokenData: i.tokens.fetchData,
    cacheWritten: i.cacheWritten,
    blocks: i.blocks,
  });
  const lanes = ahead("stream", streamUnit(c), ["pop", "flush"]);
  const { weights, steps } = unpack(c).inst("u_unpack", {
    job: i.jobs.unpack,
    memory: i.data,
    ...lanes.out,
  });
  const stream = lanes.place({
    job: i.jobs.stream,
    granted: i.semaphores.streamGranted,
    missing: i.semaphores.streamMissing,
    weights,
    steps,
    write: i.activations,
    probability: i.probability,
    tokenData: i.tokens.streamData,
  });
  const { sums } = engine(c).inst("u_engine", { beat: stream.beat });
  return { request, fetchAddr, stream, sums };
};
