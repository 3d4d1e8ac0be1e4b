/**
 * A memory behind the port that is never predictable: random latency, random back-pressure on requests, data and writes,
 * from a seed. Written in the eDSL, so that the same stalls happen in every engine.
 */
import { accelerator } from "../../generator/accelerator/accelerator.js";
import { lateStream } from "../../generator/accelerator/latestream.js";
import { memory } from "../../generator/accelerator/memory.js";
import { hostOutputs, hostPorts, memoryLoad } from "../../generator/accelerator/ports.js";
import {
  defineModule,
  mux,
  reg,
  type Shape,
  type Sig,
  source,
  type Stream,
  bool,
  uint,
  when,
} from "../../generator/hdl/index.js";
import { type AcceleratorConfig, beatBits } from "../../generator/isa/config.js";
import { memoryWrite } from "../../generator/units/cachewriter.js";
import { memoryRequest } from "../../generator/units/fetch.js";

type Bool = Sig<"u", 1>;
type Bits = Sig<"u", number>;

const NOISE_BITS = 32;
/** A channel's share of a word of noise: shut while it is below `stall`. */
const STALL_BITS = 4;
/** Where each channel's share lies, and that of the pause after a request. */
const NOISE_AT = { request: 0, write: 8, data: 16, pause: 24 } as const;
/** Latency: up to 31 shut cycles after a request. */
const PAUSE_BITS = 5;

/** Lets a word pass only where `open`; an offer once made is held. */
const gate = <S extends Shape>(name: string, shape: S, input: Stream<S>, open: Bool): Stream<S> => {
  const offered = reg(`${name}_offered`, bool, { reset: 0 });
  const pass = open.or(offered);
  const out = source(shape, input.payload, input.valid.and(pass), `${name}_gate`);
  input.consume(out.ready.and(pass));
  offered.set(out.valid.and(out.ready.not()));
  return out;
};

/** xorshift32; one new word a cycle. */
export const noise = (seed: Bits, load: Bool): Bits => {
  const state = reg("noise", uint(NOISE_BITS), { reset: 1 });
  const a = state.xor(state.shl(13).wrap(NOISE_BITS)).as("noise_a");
  const b = a.xor(a.shr(17).extend(NOISE_BITS)).as("noise_b");
  const c = b.xor(b.shl(5).wrap(NOISE_BITS)).as("noise_c");
  state.set(mux(load, seed.or(1), c));
  return state;
};

/** Accelerator and such a memory. `stall` in 1/16: how often each channel is shut; `seed` takes effect at `start`. */
export const stalled = (c: AcceleratorConfig, beats: number) =>
  defineModule(
    "gateloom_stalled",
    {
      in: {
        ...hostPorts(c),
        load: memoryLoad(c, beats),
        seed: uint(NOISE_BITS),
        stall: uint(STALL_BITS),
      },
      out: hostOutputs,
      doc: "Test bench top: the accelerator behind a memory of random latency and back-pressure.",
    },
    ({ load, seed, stall, ...host }) => {
      const random = noise(seed, host.start);
      const open = (channel: "request" | "write" | "data"): Bool =>
        random.slice(NOISE_AT[channel] + STALL_BITS - 1, NOISE_AT[channel]).ge(stall);
      const beat = lateStream("memory_beat", beatBits(c));
      const core = accelerator(c).inst("u_accelerator", { ...host, data: beat.stream });
      const { request: requested, write: written, ...outputs } = core;

      const request = gate("request", memoryRequest(c), requested, open("request"));
      const pause = reg("pause", uint(PAUSE_BITS), { reset: 0 });
      when(pause.ne(0), () => pause.set(pause.subMod(1)));
      when(request.fire.and(stall.ne(0)), () =>
        pause.set(random.slice(NOISE_AT.pause + PAUSE_BITS - 1, NOISE_AT.pause)),
      );
      const write = gate("write", memoryWrite(c), written, open("write"));
      const ram = memory(c, beats).inst("u_memory", { request, write, load });
      beat.connect(gate("data", uint(beatBits(c)), ram.data, open("data").and(pause.eq(0))));
      return outputs;
    },
  );
