/** The bus interfaces of a top level, found from its port names: what wrapper, IP-XACT and lint are made from. */
import type * as ir from "../../generator/hdl/ir.js";

export interface BusPort {
  /** In the Verilog. */
  readonly port: string;
  /** In the bus definition: ARADDR, WSTRB ... */
  readonly logical: string;
  readonly direction: "input" | "output";
  readonly width: number;
}
export type BusKind = "aximm" | "clock" | "reset" | "interrupt";
export interface BusInterface {
  readonly name: string;
  readonly kind: BusKind;
  readonly mode: "master" | "slave";
  readonly ports: readonly BusPort[];
}

export const CLOCK = "ap_clk";
export const RESET = "ap_rst_n";
export const INTERRUPT = "interrupt";

const AXI = /^((?:m|s)_axi_[a-z0-9]+)_([a-z]+)$/;

/**
 * Interfaces of the wrapper around a top level of one clock: its clock and reset become ap_clk and ap_rst_n. Throws when a port
 * belongs to no interface: vendors' packagers refuse such a top level.
 */
export const interfacesOf = (top: ir.Module): BusInterface[] => {
  const [domain] = top.domains;
  if (domain === undefined || top.domains.length !== 1)
    throw new RangeError(`${top.name} has ${top.domains.length} clocks; one is needed`);
  const ports = [
    ...[CLOCK, RESET].map((name) => ({ name, width: 1, direction: "input" as const })),
    ...top.inputs
      .filter(({ name }) => name !== domain.clock && name !== domain.reset)
      .map(({ name, width }) => ({ name, width, direction: "input" as const })),
    ...top.outputs.map(({ name, width }) => ({ name, width, direction: "output" as const })),
  ];
  const found = new Map<string, { kind: BusKind; mode: "master" | "slave"; ports: BusPort[] }>();
  const put = (name: string, kind: BusKind, mode: "master" | "slave", port: BusPort): void => {
    const before = found.get(name);
    if (before === undefined) found.set(name, { kind, mode, ports: [port] });
    else before.ports.push(port);
  };
  for (const { name, width, direction } of ports) {
    const axi = AXI.exec(name);
    const port = (logical: string): BusPort => ({ port: name, logical, direction, width });
    if (name === CLOCK) put(name, "clock", "slave", port("CLK"));
    else if (name === RESET) put(name, "reset", "slave", port("RST"));
    else if (name === INTERRUPT) put(name, "interrupt", "master", port("INTERRUPT"));
    else if (axi !== null)
      put(axi[1]!, "aximm", name.startsWith("m_") ? "master" : "slave", port(axi[2]!.toUpperCase()));
    else throw new RangeError(`port ${name} of ${top.name} belongs to no interface`);
  }
  return [...found].map(([name, rest]) => ({ name, ...rest }));
};

/** Signals that a full AXI4 port, or an AXI4-Lite one, must have in each direction that it has at all. */
const READ = ["ARADDR", "ARVALID", "ARREADY", "RDATA", "RRESP", "RVALID", "RREADY"];
const WRITE = [
  "AWADDR",
  "AWVALID",
  "AWREADY",
  "WDATA",
  "WSTRB",
  "WVALID",
  "WREADY",
  "BRESP",
  "BVALID",
  "BREADY",
];
const BURST_READ = ["ARLEN", "ARSIZE", "ARBURST", "RLAST"];
const BURST_WRITE = ["AWLEN", "AWSIZE", "AWBURST", "WLAST"];

/** Logical signals that an AXI interface lacks. AXI4-Lite where it has no bursts at all. */
export const missingSignals = ({ kind, ports }: BusInterface): string[] => {
  if (kind !== "aximm") return [];
  const has = new Set(ports.map(({ logical }) => logical));
  const lite = ![...BURST_READ, ...BURST_WRITE].some((s) => has.has(s));
  const reads = READ.some((s) => has.has(s));
  const writes = WRITE.some((s) => has.has(s));
  return [
    ...(reads ? [...READ, ...(lite ? [] : BURST_READ)] : []),
    ...(writes ? [...WRITE, ...(lite ? [] : BURST_WRITE)] : []),
  ].filter((s) => !has.has(s));
};
