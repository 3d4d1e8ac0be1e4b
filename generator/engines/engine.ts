/** An engine: kernel and finish behind the port of port.ts. Which kernel is one line of the configuration. */
import { defineModule, HdlError, stream } from "../hdl/index.js";
import { type BeatCode, codeOf } from "../isa/codes.js";
import { type AcceleratorConfig, lanes } from "../isa/config.js";
import type { Format } from "../isa/instruction.js";
import { finish } from "./finish.js";
import type { Family, Kernel } from "./kernel.js";
import { KERNELS, kernelNames, kernelOf } from "./kernels.js";
import { engineBeat, engineSums } from "./port.js";

/** What a configuration asks for and cannot have: no line of a description is to blame. */
const refuse = (message: string): never => {
  throw new HdlError([{ message, loc: undefined, notes: [] }]);
};

/** Kernel and family of a configuration. Throws an HdlError that says what there is. */
export const engineOf = (c: AcceleratorConfig): { kernel: Kernel; family: Family } => {
  const kernel = kernelOf(c.engine);
  if (kernel === undefined)
    return refuse(`there is no engine '${c.engine}'; there are ${kernelNames().join(", ")}`);
  const family = kernel.families.find((f) => f === c.family);
  if (family === undefined)
    return refuse(
      `engine '${kernel.name}' is not built for '${c.family}'; it is for ${kernel.families.join(", ")}`,
    );
  return { kernel, family };
};

/** Refuses an engine that cannot multiply the formats of a program; says which can. */
export const checkFormats = (c: AcceleratorConfig, formats: readonly Format[]): void => {
  const { kernel } = engineOf(c);
  const needed = [...new Set(formats.map(codeOf))];
  const lacks = (k: Kernel): BeatCode[] => needed.filter((code) => !k.codes.includes(code));
  const missing = lacks(kernel);
  if (missing.length === 0) return;
  const able = KERNELS.filter((k) => lacks(k).length === 0).map((k) => k.name);
  refuse(
    `engine '${kernel.name}' multiplies ${kernel.codes.join(", ")}, but the model needs ${missing.join(", ")} too` +
      (able.length === 0 ? "" : `; ${able.join(", ")} can`),
  );
};

export const engine = (c: AcceleratorConfig) => {
  const { kernel, family } = engineOf(c);
  return defineModule(
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
};
