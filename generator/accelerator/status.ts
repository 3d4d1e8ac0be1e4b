/** What the host and the sequencer want to know of all units together. */
import { allOf, anyOf, bool, defineModule, reg, uint, when } from "../hdl/index.js";
import { ACTIVITY_BITS, activityCode } from "../units/activity.js";

/**
 * `idle` in the cycle in which every unit has finished what it was given; `saturated` sticks from the cycle after the first
 * saturation on (the sticky flags of contract section 0, ored).
 */
export const status = () =>
  defineModule(
    "status",
    {
      in: {
        activity: uint(ACTIVITY_BITS), // of the stream unit
        idle: { epilogue: bool, quantiser: bool, softmax: bool, cacheWriter: bool },
        saturates: { rowScaler: bool, negativeShift: bool, epilogue: bool, cacheWriter: bool },
      },
      out: { idle: bool, saturated: bool },
      doc: "Status: all units idle; sticky flag of saturations.",
    },
    ({ activity, idle, saturates }) => {
      const saturated = reg("saturated_q", bool, { reset: 0 });
      when(anyOf(Object.values(saturates)), () => saturated.set(1));
      return { idle: allOf([activity.eq(activityCode("idle")), ...Object.values(idle)]), saturated };
    },
  );
