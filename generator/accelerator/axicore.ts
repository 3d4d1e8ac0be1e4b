/** The core's end of the control: commands to the accelerator's host ports, and what becomes of a run to events. */
import {
  assertAlways,
  bool,
  cat,
  defineModule,
  lit,
  mux,
  reg,
  select,
  type Sig,
  source,
  stream,
  uint,
  vec,
  when,
} from "../hdl/index.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { REGISTER_COUNTERS } from "../isa/registers.js";
import { TOKEN_BITS } from "../units/widths.js";
import { axiCommand, axiEvent, COMMANDS, COUNT_BITS, EVENTS, programWords } from "./axilink.js";
import { COUNTER_BITS, counterPorts, hostOutputs, programWrite, tokenWrite } from "./ports.js";

type Bool = Sig<"u", 1>;

/** A counter of the accelerator as 64 bits: each time that its highest bit falls it has gone round. */
const widened = (name: string, low: Sig<"u", number>, restart: Bool): Sig<"u", number> => {
  const high = reg(`${name}_high`, uint(COUNT_BITS - COUNTER_BITS), { reset: 0 });
  const top = reg(`${name}_top`, bool, { reset: 0 });
  top.set(low.bit(COUNTER_BITS - 1));
  const round = top.and(low.bit(COUNTER_BITS - 1).not()).as(`${name}_round`);
  when(round, () => high.set(high.addMod(1)));
  when(restart, () => {
    high.set(0);
    top.set(0);
  });
  return cat(mux(round, high.addMod(1), high), low);
};

/**
 * `stop` ends a run behind the batch at hand: the sequencer goes on only while positions are below the total. The end of a run is
 * told when the last write has reached memory, or at once where `abort` says that memory is lost.
 */
export const axiCore = (c: AcceleratorConfig) =>
  defineModule(
    "axi_core",
    {
      in: {
        command: stream(axiCommand(c)),
        total: uint(TOKEN_BITS),
        stop: bool,
        abort: bool,
        written: bool,
        busy: bool,
        done: bool,
        token: hostOutputs.token,
        counter: counterPorts,
      },
      out: {
        start: bool,
        runTotal: uint(TOKEN_BITS), // 0 when the run is to end
        program_write: programWrite(c),
        token_write: tokenWrite(c),
        event: stream(axiEvent),
        counts: vec(uint(COUNT_BITS), REGISTER_COUNTERS.length), // held from snapshot to snapshot
      },
      doc: "Control behind AXI, the core's end: commands, events, counters.",
    },
    ({ command, total, stop, abort, written, busy, done, token, counter }) => {
      const taken = command.consume(lit(bool, 1));
      const { kind, addr, data } = command.payload;
      const is = (k: keyof typeof COMMANDS): Bool => taken.and(kind.eq(COMMANDS[k])).as(`is_${k}`);
      const start = is("start");

      const running = reg("running", bool, { reset: 0 });
      const ends = running.and(done).and(written.or(abort)).as("ends");
      when(ends, () => running.set(0));
      when(start, () => running.set(1));

      const cycles = reg("cycles", uint(COUNT_BITS), { reset: 0 });
      when(busy, () => cycles.set(cycles.addMod(1)));
      when(start, () => cycles.set(0));
      const asked = is("snapshot");
      const counts = REGISTER_COUNTERS.map((name) => {
        const value = name === "cycles" ? cycles : widened(`count_${name}`, counter[name], start);
        const held = reg(`held_${name}`, uint(COUNT_BITS), { reset: 0 });
        when(asked.or(ends), () => held.set(value));
        return held;
      });

      const finished = reg("finished", bool, { reset: 0 });
      const counted = reg("counted", bool, { reset: 0 });
      const event = source(
        axiEvent,
        {
          kind: select(
            cat(token.valid, finished),
            [
              [0, lit(uint(2), EVENTS.snapshot)],
              [1, lit(uint(2), EVENTS.finished)],
            ],
            lit(uint(2), EVENTS.token),
          ),
          token: token.value,
        },
        token.valid.or(finished).or(counted),
        "event",
      );
      assertAlways(
        "axi_event_room",
        token.valid.not().or(event.ready),
        "no token is lost on its way to the host",
      );
      const told = event.fire.and(token.valid.not()).as("told");
      when(told, () => finished.set(0));
      when(told.and(finished.not()), () => counted.set(0));
      when(ends, () => finished.set(1));
      when(asked, () => counted.set(1));
      return {
        start,
        runTotal: mux(stop.or(abort), 0, total),
        program_write: { enable: is("program"), addr: addr.resize(log2(programWords(c))), data },
        token_write: {
          enable: is("token"),
          addr: addr.resize(log2(c.context)),
          data: data.resize(tokenWrite(c).data.width),
        },
        event,
        counts,
      };
    },
  );
