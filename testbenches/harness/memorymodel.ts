/**
 * A memory behind the port that is never predictable: random latency, random back-pressure on requests, data and writes,
 * from a seed. Written in the eDSL, so that the same stalls happen in every engine.
 */
import { accelerator, hostOutputs, hostPorts } from "../../generator/accelerator/accelerator.js";
import { memory } from "../../generator/accelerator/onchip.js";
import {
  bool,
  defineModule,
  mux,
  reg,
  type Sig,
  source,
  type Stream,
  type stream,
  uint,
  when,
  wire,
} from "../../generator/hdl/index.js";
import { type AcceleratorConfig, beatBits, log2 } from "../../generator/isa/config.js";
import { memoryWrite } from "../../generator/units/cachewriter.js";
import { memoryRequest } from "../../generator/units/fetch.js";

type Bool = Sig<"u", 1>;
type U = Sig<"u", number>;

/** Lets a word pass only where `open`; an offer once made is held. */
const gate = <S extends Parameters<typeof stream>[0]>(
  shape: S,
  input: Stream<S>,
  open: Bool,
  name: string,
): Stream<S> => {
  const offered = reg(`${name}_offered`, bool, { reset: 0 });
  const pass = open.or(offered) as Bool;
  const out = source(shape, input.payload as never, input.valid.and(pass) as Bool);
  input.consume(out.ready.and(pass) as Bool);
  offered.set(out.valid.and(out.ready.not()));
  return out as never;
};

/** xorshift32; one new word a cycle. */
const noise = (seed: U, load: Bool): U => {
  const state = reg("noise", uint(32), { reset: 1 });
  const a = state.xor(state.shl(13).wrap(32)).as("noise_a") as U;
  const b = a.xor(a.shr(17).extend(32)).as("noise_b") as U;
  const c = b.xor(b.shl(5).wrap(32)).as("noise_c") as U;
  state.set(mux(load, seed.or(1), c));
  return state as U;
};

/** Accelerator and such a memory. `stall` in 1/16: how often each channel is shut; `seed` takes effect at `start`. */
export const stalled = (c: AcceleratorConfig, beats: number) =>
  defineModule(
    "gateloom_stalled",
    {
      in: {
        ...hostPorts(c),
        load: { enable: bool, addr: uint(log2(beats)), data: uint(beatBits(c)) },
        seed: uint(32),
        stall: uint(4),
      },
      out: hostOutputs,
      doc: "Test bench top: the accelerator behind a memory of random latency and back-pressure.",
    },
    ({ load, seed, stall, ...host }) => {
      const random = noise(seed, host.start as Bool);
      const open = (low: number): Bool => (random.slice(low + 3, low) as U).ge(stall) as Bool;
      // Latency: a burst of shut cycles after a request, 0 to 31.
      const pause = reg("pause", uint(5), { reset: 0 });
      const data = wire("memory_data", uint(beatBits(c)));
      const valid = wire("memory_valid", bool);
      const beat = source(uint(beatBits(c)), data as never, valid);
      const core = accelerator(c).inst("u_accelerator", { ...host, data: beat } as never) as never as Record<
        string,
        unknown
      > & { request: Stream; write: Stream };
      const request = gate(memoryRequest, core.request as never, open(0), "request");
      when(pause.ne(0), () => pause.set(pause.subMod(1)));
      when(request.fire.and(stall.ne(0)), () => pause.set(random.slice(28, 24)));
      const write = gate(memoryWrite(c), core.write as never, open(8), "write");
      const ram = memory(c, beats).inst("u_memory", { request, write, load } as never) as never as {
        data: Stream;
      };
      const slow = gate(uint(beatBits(c)), ram.data as never, open(16).and(pause.eq(0)) as Bool, "data");
      valid.drive(slow.valid);
      data.drive(slow.payload as never);
      slow.consume(beat.ready);
      const { request: _request, write: _write, ...outputs } = core;
      return outputs as never;
    },
  );
