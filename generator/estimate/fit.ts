/** Does an accelerator with its model fit a device, and how fast can it be there: resources, memory, roofline. */
import type { Compiled } from "../compile/compile.js";
import { digitBeats } from "../compile/layout.js";
import type * as ir from "../hdl/ir.js";
import { type AcceleratorConfig, beatBits } from "../isa/config.js";
import type { Target } from "./cells.js";
import { tokenCycles } from "./cycles.js";
import { type Device, type ExternalMemory, type Figure, USABLE } from "./device.js";
import { structureCells } from "./structure.js";

/** One resource: what is needed, what there is, and how much of that may be used before routing suffers. */
export interface FitLine {
  readonly what: string;
  readonly needs: number;
  /** null: nobody knows what the device has. */
  readonly has: number | null;
  /** Share of `has` that may be used. */
  readonly usable: number;
  /** null: cannot be said. */
  readonly fits: boolean | null;
  readonly note: string;
}

/** Tokens per second at a position, and what bounds them. */
export interface Speed {
  /** Slots of the cache that are live. */
  readonly live: number;
  readonly cycles: number;
  readonly bytes: number;
  /** The hardware alone, at the clock. */
  readonly compute: number;
  /** The memory alone, at the sustained share of its data-sheet rate; null without an external memory or its figure. */
  readonly memory: number | null;
  readonly tokensPerSecond: number;
  readonly bound: "lanes" | "memory";
}

export interface Fit {
  readonly lines: readonly FitLine[];
  readonly fits: boolean;
  readonly speeds: readonly Speed[];
  readonly clockMHz: number;
}

/** What of a memory's nominal rate long bursts sustain (Shuhai on HBM: 92 %). */
export const SUSTAINED = 0.92;

/** Yosys' family for a fabric; Versal is counted as UltraScale+, which has the same LUTs and narrower DSPs. */
export const targetOf = (device: Device): Target => (device.fabric === "versal" ? "xcup" : device.fabric);

export interface Place {
  readonly device: Device;
  /** null: weights and cache lie in block RAM. */
  readonly memory: ExternalMemory | null;
  readonly clockMHz: number;
}

const line = (what: string, needs: number, has: Figure, usable: number, note = ""): FitLine => ({
  what,
  needs,
  has: has.value,
  usable,
  fits: has.value === null ? null : needs <= has.value * usable,
  note: has.value === null ? `unknown: ${has.source}` : note,
});

/** `design` is the top level as it would be built: with its memory where that lies on the chip. */
export const checkFit = (
  place: Place,
  config: AcceleratorConfig,
  compiled: Compiled,
  design: ir.Design,
): Fit => {
  const { device, memory, clockMHz } = place;
  const cells = structureCells(design, targetOf(device));
  const bytes = compiled.memoryBeats * compiled.beatBytes;
  const versal = device.fabric === "versal" ? "counted as UltraScale+" : "";
  const lines = [
    line("LUT", cells.lut, device.lut, USABLE.lut, versal),
    line("FF", cells.ff, device.ff, USABLE.ff, versal),
    line("DSP", cells.dsp, device.dsp, USABLE.dsp, versal),
    line(
      device.bram.name,
      Math.ceil(cells.bram),
      device.bram.count,
      USABLE.bram,
      memory === null ? "model inside" : "",
    ),
    ...(memory === null
      ? []
      : [line(`bytes of ${memory.name}`, bytes, memory.bytes, 1, "weights and cache")]),
  ];
  const slots = compiled.registers.sinks + compiled.registers.window;
  const at = [...new Set([Math.min(64, slots), slots])];
  return {
    lines,
    fits: lines.every(({ fits }) => fits !== false),
    speeds: at.map((live) => speed(place, config, compiled, live)),
    clockMHz,
  };
};

const speed = (
  { memory, clockMHz }: Place,
  config: AcceleratorConfig,
  compiled: Compiled,
  live: number,
): Speed => {
  const { layout, model } = compiled;
  const digits = model.layers.map(({ cache }) => ({
    keys: digitBeats(cache.keys),
    values: digitBeats(cache.values),
  }));
  const { cycles, bytes } = tokenCycles(layout, model.shape, digits, config, live);
  const compute = (clockMHz * 1e6) / cycles;
  const rate = memory?.bytesPerSecond.value ?? null;
  const fromMemory = rate === null ? null : (rate * SUSTAINED) / bytes;
  const tokensPerSecond = Math.min(compute, fromMemory ?? Infinity);
  return {
    live,
    cycles,
    bytes,
    compute,
    memory: fromMemory,
    tokensPerSecond,
    bound: fromMemory !== null && fromMemory < compute ? "memory" : "lanes",
  };
};

/** Lanes that would take a memory's whole sustained rate at a clock: the balance point of the roofline. */
export const balancedLanes = (bytesPerSecond: number, clockMHz: number): number =>
  (bytesPerSecond * SUSTAINED * 8) / (clockMHz * 1e6) / 2;

/** Bytes a second that a configuration asks of its memory when the lanes never wait. */
export const askedBytesPerSecond = (config: AcceleratorConfig, clockMHz: number): number =>
  (beatBits(config) / 8) * clockMHz * 1e6;
