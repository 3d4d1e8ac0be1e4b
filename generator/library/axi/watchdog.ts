/** Says when a slave has not answered for too long. */
import { bool, defineModule, reg, uint, when } from "../../hdl/index.js";

export const TIMEOUT_BITS = 32;

/** Module `axi_watchdog`: `timeout` for a cycle, once `limit` cycles have gone by waiting without progress; limit 0: never. */
export const watchdog = defineModule(
  "axi_watchdog",
  {
    in: { waiting: bool, progress: bool, limit: uint(TIMEOUT_BITS) },
    out: { timeout: bool },
    doc: "Timeout of an AXI port.",
  },
  ({ waiting, progress, limit }) => {
    const count = reg("count", uint(TIMEOUT_BITS), { reset: 0 });
    const reached = count.eq(limit).and(limit.orR()).as("reached");
    const late = reg("late", bool, { reset: 0 });
    when(
      progress.or(waiting.not()),
      () => count.set(0),
      () => when(reached.not(), () => count.set(count.addMod(1))),
    );
    late.set(reached);
    return { timeout: reached.and(late.not()) };
  },
);
