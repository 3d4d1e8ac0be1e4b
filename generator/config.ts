import { z } from "zod";
import { FAMILIES } from "./engines/kernel.js";
import { kernelNames, kernelOf } from "./engines/kernels.js";
import { type AcceleratorConfig, defaultConfig } from "./isa/config.js";

/** Values of 4 bits allow as many as a context is long; no model here is longer. */
const MOST_SLOTS = 2 ** 20;

const powerOfTwo = (n: number) => Number.isInteger(Math.log2(n));

/** What a user writes in `gateloom.config.ts`. Every field has a default: the demo. */
const schema = z.strictObject({
  /** Weight, activation and cache widths. Weights stream as two-bit fields; embedding and head are W4. */
  precision: z.enum(["W2A8KV4"]).default("W2A8KV4"),
  /** Multiplier lanes = rows x columns: rows of the matrix by inputs, per cycle. columns = 32 is the group of the format. */
  lanes: z
    .strictObject({
      rows: z
        .int()
        .min(2)
        .max(64)
        .refine((n) => n % 2 === 0 && powerOfTwo(n), "rows must be a power of two, at least 2")
        .default(2),
      columns: z.literal(32).default(32),
    })
    .prefault({}),
  /** Kernel of the engine: `gateloom engines` lists them. */
  engine: z
    .string()
    .refine((name) => kernelOf(name) !== undefined, {
      error: () => `there is no such engine; there are ${kernelNames().join(", ")}`,
    })
    .default("tree"),
  /** FPGA family whose DSP slices the engine uses; `fabric` uses none. */
  family: z.enum(FAMILIES).default("fabric"),
  /** Tokens that one pass over the weights serves (prefill). */
  tokens: z.int().min(1).max(8).refine(powerOfTwo, "tokens must be a power of two").default(1),
  /**
   * Sink-and-window attention: the first `sinks` positions stay, the last `window` slide. Together the cache's slots, a multiple of 32.
   * Without it, all positions of a run are seen.
   */
  attention: z
    .strictObject({ sinks: z.int().min(0).default(4), window: z.int().min(1).default(252) })
    .refine((a) => (a.sinks + a.window) % 32 === 0, "sinks + window must be a multiple of 32")
    .refine((a) => a.sinks + a.window <= MOST_SLOTS, `sinks + window must be at most ${MOST_SLOTS}`)
    .optional(),
  memory: z
    .strictObject({
      kind: z.enum(["on-chip", "external"]).default("on-chip"),
      /** Capacity in KiB. */
      kib: z.int().min(1).max(65536).default(128),
    })
    .prefault({}),
  /** Clock at which tokens/s are stated; no claim that a device reaches it. */
  clockMHz: z.number().positive().default(100),
});

export type UserConfig = z.input<typeof schema>;
export type Config = z.output<typeof schema>;

/** A configuration that cannot be built; each line names the field, what is wrong and what works. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Identity with types: completion and checks in the editor. */
export const defineConfig = (config: UserConfig): UserConfig => config;

/** Checks and completes a configuration. `where` names its file in messages. Throws ConfigError. */
export const parseConfig = (value: unknown, where: string): Config => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.map((i) => `  ${i.path.join(".") || "(top)"}: ${i.message}`);
  throw new ConfigError(`${where}: not a usable configuration\n${lines.join("\n")}`);
};

const LEAST_SLOTS = 256;
const SINKS = 4;
/** What attention sees in runs of so many positions: what the configuration says, else all of them. */
export const attentionOf = (
  { attention }: Config,
  positions = LEAST_SLOTS,
): { readonly sinks: number; readonly window: number } =>
  attention ?? { sinks: SINKS, window: Math.max(LEAST_SLOTS, 32 * Math.ceil(positions / 32)) - SINKS };

/** Capacities of the hardware for a configuration: the demo's, scaled with tokens. */
export const hardware = (config: Config): AcceleratorConfig => ({
  ...defaultConfig,
  engine: config.engine,
  family: config.family,
  rows: config.lanes.rows,
  cols: config.lanes.columns,
  tokens: config.tokens,
  actWords: defaultConfig.actWords * config.tokens,
  vectorElements: defaultConfig.vectorElements * config.tokens,
  residualElements: defaultConfig.residualElements * config.tokens,
});
