/**
 * What an engine is. Every engine has two halves behind the port of port.ts:
 *
 *   beat ─▶ kernel ─▶ group sums ─▶ finish (× mantissa, accumulate per row and token) ─▶ row sums
 *
 * The kernel is the idea of the paper: it turns one weight beat and the activations of one token into the exact group
 * sums of contract section 4. `finish` is the same for all. So a kernel is swapped in one line, and compared on one interface.
 */
import { bool, type ModuleDef, sint, stream, uint, vec } from "../hdl/index.js";
import type { AcceleratorConfig } from "../isa/config.js";
import type { BeatCode } from "../isa/codes.js";
import { engineBeat, engineTag, MANTISSA_BITS } from "./port.js";

/** FPGA families an engine can be built for; `fabric` means LUTs and carry chains only, anywhere. */
export const FAMILIES = ["xcup", "xc7", "ice40", "ecp5", "fabric"] as const;
export type Family = (typeof FAMILIES)[number];

/** Bits of a group sum: at most 32·127·8 < 2^15. */
export const GROUP_SUM_BITS = 16;

/** What a kernel gives per beat: for w4 codes only the even entries count, that of row pair j in entry 2j. */
export const engineGroups = (c: AcceleratorConfig) => ({
  groups: vec(sint(GROUP_SUM_BITS), c.rows),
  mantissa: vec(uint(MANTISSA_BITS), c.rows),
  first: bool,
  last: bool,
  tag: engineTag(c),
});

/** Ports of every kernel module. */
export const kernelPorts = (c: AcceleratorConfig) => ({
  in: { beat: stream(engineBeat(c)) },
  out: { groups: stream(engineGroups(c)) },
});

type KernelIn = ReturnType<typeof kernelPorts>["in"];
type KernelOut = ReturnType<typeof kernelPorts>["out"];
export type KernelModule = ModuleDef<KernelIn, KernelOut>;

/** How the products of one kernel meet before they are exact sums. */
export interface Exactness {
  /** Products summed in one field before it is extracted. */
  readonly depth: number;
  /** Why that many are exact: the bound, in words. */
  readonly reason: string;
  /** Whether an activation of -128 would be summed exactly too; the contract never makes one. */
  readonly minus128: "exact" | "refused";
}

/** An engine's idea and its figures. Docs: README.md, "Add an engine". */
export interface Kernel {
  /** As in `--engine-kind` and in the table. */
  readonly name: string;
  /** One line for the table. */
  readonly title: string;
  /** The paper or note, with section or figure. */
  readonly source: string;
  /** Codes of a beat that it multiplies; a model with others is refused. */
  readonly codes: readonly BeatCode[];
  readonly families: readonly Family[];
  exactness(c: AcceleratorConfig): Exactness;
  /** Cycles that one beat of a code keeps the kernel busy. */
  cyclesPerBeat(c: AcceleratorConfig, code: BeatCode): number;
  /** The module. Throws an HdlError that says what would work when the configuration cannot be built. */
  build(c: AcceleratorConfig, family: Family): KernelModule;
}
