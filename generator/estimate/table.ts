/** The engine table as data: what `gateloom engines --json` prints and what the page shows. The types are the schema's. */
import { z } from "zod";
import { BEAT_CODES } from "../isa/codes.js";
import { TARGETS } from "./cells.js";

const count = z.int().nonnegative();
const positive = z.number().positive();

export const cellsSchema = z.object({
  lut: count,
  ff: count,
  carry: count,
  dsp: count,
  bram: z.number().nonnegative(),
});

const productSchema = z.object({
  tokens: count,
  /** From the first beat taken to the last sums, both counted. */
  cycles: count,
  /** Useful multiply-accumulates over the stated rate in these cycles. */
  busy: z.number().min(0).max(1),
  /** Beats of the whole product, and of the slice that was simulated. */
  beats: count,
  simulatedBeats: count,
  /** "by the rate": plain Verilog, not simulated; a beat in every clock. */
  scaling: z.enum(["counted", "by the mean", "by the rate"]),
  /** Row sums compared with whole-number arithmetic in the slice. */
  compared: count,
});
export type ProductFigures = z.infer<typeof productSchema>;

const rateSchema = z.object({
  code: z.enum(BEAT_CODES),
  /** Products per cycle at the stated rate; of 2:4 beats every column counts, kept or not. */
  macPerCycle: positive,
  weightBytesPerMac: positive,
  matrixVector: productSchema,
  matrixMatrix: productSchema,
});
export type RateFigures = z.infer<typeof rateSchema>;

const refusedSchema = z.object({ status: z.literal("refused"), reason: z.string() });
/** It was built, and its sums are not those of whole-number arithmetic: no figure of it means anything. */
const wrongSchema = z.object({ status: z.literal("wrong"), reason: z.string() });
const perMacSchema = z.object({ lut: z.number(), ff: z.number(), bram: z.number() });

const engineSchema = z.object({
  name: z.string(),
  title: z.string(),
  source: z.string(),
  result: z.discriminatedUnion("status", [
    refusedSchema,
    wrongSchema,
    z.object({
      status: z.literal("built"),
      exact: z.object({ depth: count, reason: z.string(), minus128: z.string() }),
      /** The kernel's cells; those of `finish` stand once in the table. */
      cells: cellsSchema,
      /** Of the fastest two-bit code: `rates[0]`. */
      perMac: perMacSchema,
      /** Null where the kernel has no DSP. */
      macPerDsp: positive.nullable(),
      /** Cycles from the first beat to the first row sums, `finish` included. */
      latency: count,
      rates: z.array(rateSchema).min(1),
      /** Codes it multiplies but not in this configuration, with the reason. */
      missing: z.array(z.object({ code: z.enum(BEAT_CODES), reason: z.string() })),
    }),
  ]),
});
export type EngineFigures = z.infer<typeof engineSchema>;
export type BuiltFigures = Extract<EngineFigures["result"], { status: "built" }>;

const unitSchema = z.object({
  name: z.string(),
  title: z.string(),
  source: z.string(),
  result: z.discriminatedUnion("status", [
    refusedSchema,
    z.object({ status: z.literal("built"), cells: cellsSchema }),
  ]),
});
export type UnitFigures = z.infer<typeof unitSchema>;

const formatSchema = z.object({ name: z.string(), bitsPerWeight: positive });

export const tableSchema = z.object({
  lanes: z.object({ rows: count, columns: count }),
  tokens: count,
  family: z.enum(TARGETS),
  yosys: z.object({ version: z.string(), command: z.string() }),
  products: z.object({ rows: count, columns: count, tokens: count }),
  /** Group sums × mantissas, accumulated: the same behind every kernel. */
  finish: z.object({ cells: cellsSchema }),
  engines: z.array(engineSchema),
  /** How weights lie in memory, before they become beats (golden/contract/formats.md). */
  formats: z.array(formatSchema),
  /** Unrelated to the port of the engines: cost only. */
  units: z.array(unitSchema),
});
export type EngineTable = z.infer<typeof tableSchema>;
