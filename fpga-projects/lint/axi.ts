/** The AXI bus definition as far as cores of ours use it: AMBA AXI4 (ARM IHI 0022), names as in Xilinx' aximm 1.0. */

export type Width = number | "address" | "data" | "strobe" | "any";
export interface Signal {
  readonly width: Width;
  /** Who drives it. */
  readonly from: "master" | "slave";
  /** Of full AXI only. */
  readonly bursts: boolean;
  readonly optional: boolean;
}
const signal = (width: Width, from: Signal["from"], bursts = false, optional = false): Signal => ({
  width,
  from,
  bursts,
  optional,
});

const address = (a: "AR" | "AW"): [string, Signal][] => [
  [`${a}ADDR`, signal("address", "master")],
  [`${a}VALID`, signal(1, "master")],
  [`${a}READY`, signal(1, "slave")],
  [`${a}LEN`, signal(8, "master", true)],
  [`${a}SIZE`, signal(3, "master", true)],
  [`${a}BURST`, signal(2, "master", true)],
  [`${a}ID`, signal("any", "master", true, true)],
  [`${a}LOCK`, signal(1, "master", true, true)],
  [`${a}CACHE`, signal(4, "master", true, true)],
  [`${a}PROT`, signal(3, "master", false, true)],
  [`${a}QOS`, signal(4, "master", true, true)],
  [`${a}REGION`, signal(4, "master", true, true)],
];

export const READ: ReadonlyMap<string, Signal> = new Map([
  ...address("AR"),
  ["RDATA", signal("data", "slave")],
  ["RRESP", signal(2, "slave")],
  ["RVALID", signal(1, "slave")],
  ["RREADY", signal(1, "master")],
  ["RLAST", signal(1, "slave", true)],
  ["RID", signal("any", "slave", true, true)],
]);
export const WRITE: ReadonlyMap<string, Signal> = new Map([
  ...address("AW"),
  ["WDATA", signal("data", "master")],
  ["WSTRB", signal("strobe", "master")],
  ["WVALID", signal(1, "master")],
  ["WREADY", signal(1, "slave")],
  ["WLAST", signal(1, "master", true)],
  ["BRESP", signal(2, "slave")],
  ["BVALID", signal(1, "slave")],
  ["BREADY", signal(1, "master")],
  ["BID", signal("any", "slave", true, true)],
]);
