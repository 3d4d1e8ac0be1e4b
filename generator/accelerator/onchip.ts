/** The accelerator with its memory on the chip: one beat a cycle, nibble write enables. */
import {
  bool,
  defineModule,
  Mem,
  mux,
  reg,
  type Sig,
  source,
  type Stream,
  stream,
  uint,
  when,
  wire,
} from "../hdl/index.js";
import { queue } from "../library/fifo.js";
import { beatBits, log2, type AcceleratorConfig } from "../isa/config.js";
import { memoryRequest } from "../units/fetch.js";
import { accelerator, hostOutputs, hostPorts } from "./accelerator.js";

type Bool = Sig<"u", 1>;
type U = Sig<"u", number>;

/** Block RAM behind the memory port; the host loads it before the start. `beats` is a power of two. */
export const memory = (c: AcceleratorConfig, beats: number) => {
  const width = beatBits(c);
  return defineModule(
    "memory",
    {
      in: {
        request: stream(memoryRequest),
        write: stream({ addr: uint(24), data: uint(width), mask: uint(width / 4) }),
        load: { enable: bool, addr: uint(log2(beats)), data: uint(width) },
      },
      out: { data: stream(uint(width)) },
      doc: `On-chip memory: ${beats} beats of ${width} bits.`,
    },
    ({ request: requests, write, load }) => {
      const request = queue("u_requests", memoryRequest, requests as never, 2) as never as Stream<
        typeof memoryRequest
      >;
      const ram = new Mem("ram", uint(width), beats, { readDuringWrite: "old", style: "block" });
      // Bursts are walked here; a beat is read when the place behind the RAM's register is free.
      const active = reg("active", bool, { reset: 0 });
      const addr = reg("addr", uint(log2(beats)));
      const left = reg("left", uint(20));
      const valid = reg("read_valid", bool, { reset: 0 });
      const word = wire("ram_q", uint(width));
      const out = source(uint(width), word as never, valid, "beat");
      const move = valid.not().or(out.ready).as("move") as Bool;
      const step = active.and(move).as("step") as Bool;
      const ends = step.and(left.eq(1)).as("burst_ends") as Bool;
      const take = request.consume(active.not().or(ends) as Bool).as("take_request");
      const q = ram.read(addr, step) as U;
      word.drive(q);
      when(move, () => valid.set(active));
      when(step, () => {
        addr.set(addr.addMod(1));
        left.set(left.subMod(1));
      });
      when(ends, () => active.set(0));
      when(take, () => {
        active.set(request.payload.beats.ne(0));
        addr.set(request.payload.addr.resize(log2(beats)));
        left.set(request.payload.beats);
      });
      const written = write.consume(load.enable.not());
      const w = write.payload as never as { addr: U; data: U; mask: U };
      const all = mux(load.enable, (1n << BigInt(width / 4)) - 1n, w.mask) as U;
      ram.write(
        load.enable.or(written) as Bool,
        mux(load.enable, load.addr, w.addr.resize(log2(beats))) as U,
        mux(load.enable, load.data, w.data) as never,
        { mask: all, granule: 4 },
      );
      return { data: out } as never;
    },
  );
};

export const onchip = (c: AcceleratorConfig, beats: number) =>
  defineModule(
    "gateloom",
    {
      in: { ...hostPorts(c), load: { enable: bool, addr: uint(log2(beats)), data: uint(beatBits(c)) } },
      out: hostOutputs,
      doc: "Accelerator with on-chip memory: write program, tokens and memory, set the registers, pulse start.",
    },
    ({ load, ...host }) => {
      const data = wireStream(c);
      const core = accelerator(c).inst("u_accelerator", {
        ...host,
        data: data.stream,
      } as never) as never as Record<string, unknown> & { request: Stream; write: Stream };
      const ram = memory(c, beats).inst("u_memory", {
        request: core.request,
        write: core.write,
        load,
      } as never) as never as { data: Stream };
      data.connect(ram.data);
      const { request: _request, write: _write, ...outputs } = core;
      return outputs as never;
    },
  );

/** A stream that is used before its producer exists. */
const wireStream = (c: AcceleratorConfig): { stream: Stream; connect(from: Stream): void } => {
  const valid = wire("beat_valid", bool);
  const payload = wire("beat", uint(beatBits(c)));
  const s = source(uint(beatBits(c)), payload as never, valid, "memory_beat");
  return {
    stream: s as never,
    connect: (from) => {
      valid.drive(from.valid);
      payload.drive(from.payload as never);
      from.consume(s.ready);
    },
  };
};
