/** Block RAM behind the memory port: one beat a cycle, nibble write enables. */
import { bool, defineModule, lit, Mem, mux, reg, source, stream, uint, when, wire } from "../hdl/index.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, beatBits, beatCountBits, log2 } from "../isa/config.js";
import { memoryWrite } from "../units/cachewriter.js";
import { memoryRequest } from "../units/fetch.js";
import { memoryLoad } from "./ports.js";

const NIBBLE = 4;

/**
 * `beats` (a power of two) of beatBits. Requests {addr, beats} are answered in order, the first beat three cycles after its
 * request, then one a cycle while `data` is taken. Writes {addr, data, nibble mask} take effect at once: every request taken
 * later sees them. `load` has precedence over writes. `contents` are there from configuration on, where the device's RAM can.
 */
export const memory = (c: AcceleratorConfig, beats: number, contents?: readonly bigint[]) => {
  const beat = uint(beatBits(c));
  const address = uint(log2(beats));
  return defineModule(
    "memory",
    {
      in: {
        request: stream(memoryRequest(c)),
        write: stream(memoryWrite(c)),
        load: memoryLoad(c, beats),
      },
      out: { data: stream(beat) },
      doc: `On-chip memory: ${beats} beats of ${beatBits(c)} bits.`,
    },
    ({ request: requests, write, load }) => {
      const request = queue("u_requests", memoryRequest(c), requests, 2);
      const ram = new Mem("ram", beat, beats, {
        readDuringWrite: "old",
        style: "block",
        ...(contents === undefined ? {} : { contents }),
      });

      // Bursts are walked here; a beat is read when the place behind the RAM's register is free.
      const active = reg("active", bool, { reset: 0 });
      const addr = reg("addr", address);
      const left = reg("left", uint(beatCountBits(c)));
      const valid = reg("read_valid", bool, { reset: 0 });
      const word = wire("ram_q", beat);
      const out = source(beat, word, valid, "read");
      const move = valid.not().or(out.ready).as("move");
      const step = active.and(move).as("step");
      const ends = step.and(left.eq(1)).as("burst_ends");
      const take = request.consume(active.not().or(ends)).as("take_request");
      word.drive(ram.read(addr, step));
      when(move, () => valid.set(active));
      when(step, () => {
        addr.set(addr.addMod(1));
        left.set(left.subMod(1));
      });
      when(ends, () => active.set(0));
      when(take, () => {
        active.set(request.payload.beats.ne(0));
        addr.set(request.payload.addr.resize(address.width));
        left.set(request.payload.beats);
      });

      const written = write.consume(load.enable.not());
      const { addr: writeAddr, data, mask } = write.payload;
      const whole = lit(uint(mask.width), (1n << BigInt(mask.width)) - 1n);
      ram.write(
        load.enable.or(written),
        mux(load.enable, load.addr, writeAddr.resize(address.width)),
        mux(load.enable, load.data, data),
        { mask: mux(load.enable, whole, mask), granule: NIBBLE },
      );
      return { data: out };
    },
  );
};
