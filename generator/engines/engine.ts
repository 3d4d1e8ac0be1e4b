/** An engine: kernel and finish behind the port of port.ts. Which kernel is one line of the configuration. */
import { defineModule, stream } from "../hdl/index.js";
import { type AcceleratorConfig, lanes } from "../isa/config.js";
import { finish } from "./finish.js";
import type { Family, Kernel } from "./kernel.js";
import { engineBeat, engineSums } from "./port.js";

export const engine = (c: AcceleratorConfig, kernel: Kernel, family: Family) =>
  defineModule(
    `engine_${kernel.name.replaceAll("-", "_")}_${lanes(c)}x${c.tokens}`,
    {
      in: { beat: stream(engineBeat(c)) },
      out: { sums: stream(engineSums(c)) },
      doc: `Engine '${kernel.name}': ${kernel.title}. ${kernel.source}.`,
    },
    ({ beat }) => {
      const { groups } = kernel.build(c, family).inst("u_kernel", { beat });
      const { sums } = finish(c).inst("u_finish", { groups });
      return { sums };
    },
  );
