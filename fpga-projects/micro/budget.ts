/** Logic cells of the units of a flat iCE40 netlist, by the names that cells keep of their instances, packed as nextpnr packs. */
import { z } from "zod";

const Netlist = z.object({
  modules: z.record(
    z.string(),
    z.object({
      cells: z.record(
        z.string(),
        z.object({
          type: z.string(),
          connections: z.record(z.string(), z.array(z.union([z.number(), z.string()]))),
        }),
      ),
    }),
  ),
});

export interface Unit {
  /** A look-up table, a flip-flop, or both where the one feeds only the other. */
  readonly cells: number;
  readonly ebr: number;
  readonly spram: number;
  readonly mac16: number;
}

const NOTHING: Unit = { cells: 0, ebr: 0, spram: 0, mac16: 0 };
const OTHERS = "(top)";

/** `json`: what Yosys wrote; `under`: instances to tell apart, as prefixes of names. The first that fits counts. */
export const unitsOf = (json: string, top: string, under: readonly string[]): ReadonlyMap<string, Unit> => {
  const { modules } = Netlist.parse(JSON.parse(json));
  const cells = Object.entries(modules[top]?.cells ?? {});
  const readers = new Map<number | string, number>();
  const tables = new Set<number | string>();
  for (const [, { type, connections }] of cells) {
    for (const [port, bits] of Object.entries(connections))
      if (port !== "O" && port !== "Q") for (const bit of bits) readers.set(bit, (readers.get(bit) ?? 0) + 1);
    if (type === "SB_LUT4") tables.add(connections.O![0]!);
  }
  const units = new Map<string, Unit>([...under, OTHERS].map((name) => [name, NOTHING]));
  for (const [name, { type, connections }] of cells) {
    const unit = under.find((prefix) => name.startsWith(prefix)) ?? OTHERS;
    const is = (pattern: RegExp): number => (pattern.test(type) ? 1 : 0);
    const [data] = connections.D ?? [];
    const packed = data !== undefined && tables.has(data) && readers.get(data) === 1;
    const before = units.get(unit)!;
    units.set(unit, {
      cells: before.cells + is(/^SB_LUT4$/) + (packed ? 0 : is(/^SB_DFF/)),
      ebr: before.ebr + is(/^SB_RAM40_4K/),
      spram: before.spram + is(/^SB_SPRAM/),
      mac16: before.mac16 + is(/^SB_MAC16$/),
    });
  }
  return units;
};
