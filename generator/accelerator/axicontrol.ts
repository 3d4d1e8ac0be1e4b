/**
 * Control by AXI4-Lite in Vitis' layout (isa/registers.ts): registers, windows and the run, in the clock of the AXI ports.
 */
import { bool, cat, defineModule, lit, reg, type Sig, source, stream, uint, vec } from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import {
  constantsOf,
  type Masters,
  REGISTER_COUNTERS,
  type Register,
  registerMap,
} from "../isa/registers.js";
import { late } from "../library/axi/late.js";
import { lite, liteMasterPorts, liteSlavePorts } from "../library/axi/lite.js";
import { ADDRESS_BITS, faults } from "../library/axi/ports.js";
import { TIMEOUT_BITS } from "../library/axi/watchdog.js";
import { SQUARES_BITS } from "../units/widths.js";
import { axiCommand, axiEvent, COUNT_BITS, EVENTS } from "./axilink.js";
import { answerOf, flagWord, stored } from "./axiregisters.js";
import { runOf } from "./axirun.js";
import { hostWindows } from "./axiwindows.js";
import { hostRegisters } from "./ports.js";

type Bits = Sig<"u", number>;

/** Registers of the host, by name; one that is not in the map is a bug. */
const byName =
  (values: ReadonlyMap<string, Bits>) =>
  (name: string): Bits => {
    const v = values.get(name);
    if (v === undefined) throw new Error(`the register map has no '${name}'`);
    return v;
  };

/** Module `axi_control`: `event` and `command` are the two ways to the core (axilink.ts); the rest is held during a run. */
export const axiControl = (c: AcceleratorConfig, m: Masters) => {
  const map = registerMap(c, m);
  const host = hostRegisters(c);
  const constants = constantsOf(c, m);
  return defineModule(
    "axi_control",
    {
      in: {
        axi: liteMasterPorts(map.addressBits),
        event: stream(axiEvent),
        counts: vec(uint(COUNT_BITS), REGISTER_COUNTERS.length),
        saturated: bool,
        faults: vec(faults, m.masters + 1), // the last is the writing port's
        drained: bool,
      },
      out: {
        axi: liteSlavePorts,
        command: stream(axiCommand(c)),
        image: vec(uint(ADDRESS_BITS), m.masters),
        cache: vec(uint(ADDRESS_BITS), m.masters),
        promptLength: host.promptLength,
        total: host.total,
        epsilonSum: uint(SQUARES_BITS),
        sinks: host.sinks,
        window: host.window,
        timeout: uint(TIMEOUT_BITS),
        stop: bool,
        abort: bool,
        interrupt: bool,
      },
      doc: "AXI4-Lite control: Vitis' ap_ctrl_hs, registers, token and program windows.",
    },
    ({ axi, event, counts, saturated, faults: met, drained }) => {
      const answer = late("answer", uint(32));
      const slave = lite(map.addressBits).inst("u_lite", { axi, answer: answer.stream });
      const asked = slave.read.consume(lit(bool, 1)).as("asked");
      const from = slave.read.payload.word;
      const heard = event.consume(lit(bool, 1));
      const tells = (k: keyof typeof EVENTS) => heard.and(event.payload.kind.eq(EVENTS[k])).as(`tells_${k}`);

      const chosen = { valid: tells("token"), token: event.payload.token };
      const windows = hostWindows(c, map, slave.write, chosen);
      const value = byName(stored(map, windows.registers));
      const run = runOf(map, windows.registers, {
        readsControl: asked.and(from.eq(0)).as("reads_control"),
        finished: tells("finished"),
        counted: tells("snapshot"),
        drained,
        saturated,
        met,
        start: () => windows.start(value("promptLength")),
        snapshot: windows.snapshot,
      });

      const states: Readonly<Record<string, Bits>> = {
        generated: windows.generated,
        ...Object.fromEntries(Object.entries(run.ports).map(([k, bits]) => [k, cat(...[...bits].reverse())])),
      };
      const reads = (r: Register): Bits => {
        switch (r.kind) {
          case "pointer":
          case "scalar":
            return value(r.name);
          case "flags":
            return flagWord(map, r.name, run.flags[r.name] ?? {});
          case "constant":
            return lit(uint(32), constants[r.name]!);
          case "counter":
            return counts[REGISTER_COUNTERS.findIndex((n) => r.name === `count_${n}`)]!;
          case "state":
            return states[r.name]!;
        }
      };
      // One cycle to find the word, one to hand it over.
      const found = reg("found", bool, { reset: 0 });
      found.set(asked);
      const word = windows.read(from, asked, answerOf(map, from, reads)).resize(32);
      answer.connect(source(uint(32), word, found, "found"));

      const pointers = (name: string) =>
        Array.from({ length: m.masters }, (_, i) => value(`${name}_${i}`).resize(ADDRESS_BITS));
      return {
        axi: slave.axi,
        command: windows.command,
        image: pointers("image"),
        cache: pointers("cache"),
        promptLength: value("promptLength").resize(host.promptLength.width),
        total: value("total").resize(host.total.width),
        epsilonSum: value("epsilonSum").resize(SQUARES_BITS),
        sinks: value("sinks").resize(host.sinks.width),
        window: value("window").resize(host.window.width),
        timeout: value("timeout").resize(TIMEOUT_BITS),
        stop: run.stop,
        abort: run.abort,
        interrupt: run.interrupt,
      };
    },
  );
};
