/** Performance counters. */
import { bool, defineModule, reg, uint, when } from "../hdl/index.js";
import { ACTIVITY_BITS, activityCode } from "../units/activity.js";
import { COUNTER_BITS, COUNTER_NAMES, type Counter, counterPorts } from "./ports.js";

/**
 * One counter of 32 bits per activity of the stream unit (isa/trace.ts) and one of beats read from memory. They count while
 * `busy`, so the activities add up to the cycles of the run, and begin at 0 with `restart`.
 */
export const counters = () =>
  defineModule(
    "counters",
    {
      in: { restart: bool, busy: bool, activity: uint(ACTIVITY_BITS), beatTaken: bool },
      out: { count: counterPorts },
      doc: "Performance counters: every cycle of the stream unit in exactly one, and memory beats.",
    },
    ({ restart, busy, activity, beatTaken }) => {
      const counter = (name: Counter) => {
        const count = reg(`count_${name}`, uint(COUNTER_BITS), { reset: 0 });
        const here = name === "beats" ? beatTaken : activity.eq(activityCode(name)).as(`is_${name}`);
        when(busy.and(here), () => count.set(count.addMod(1)));
        when(restart, () => count.set(0));
        return count;
      };
      return { count: byCounter(counter) };
    },
  );

const byCounter = <T>(f: (name: Counter) => T): { [N in Counter]: T } =>
  Object.fromEntries(COUNTER_NAMES.map((name) => [name, f(name)])) as { [N in Counter]: T };
