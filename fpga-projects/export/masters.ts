/** How an accelerator's memory port lies over a board's: width and number of AXI masters. */
import { type AcceleratorConfig, beatBits } from "../../generator/isa/config.js";
import { CACHE_PORT, imagePort, type Masters } from "../../generator/isa/registers.js";
import type { Flow } from "../boards/board.js";

const MOST_MASTERS = 32;
const LEAST_BITS = 32;
const MOST_BITS = 512;

/** Width of the memory ports that a board offers. */
const portBits = (flow: Flow): number => {
  switch (flow.kind) {
    case "zynq7":
    case "zynqmp":
      return flow.hpBits;
    case "alveo":
    case "versal":
      return MOST_BITS;
    case "fabric":
    case "open":
      throw new RangeError("the model lies inside this board's FPGA: there are no AXI masters");
  }
};

/** Ports as wide as the board's where a beat fills them, narrower for narrow beats. */
export const mastersFor = (flow: Flow, config: AcceleratorConfig): Masters => {
  const beat = beatBits(config);
  const wide = Math.max(LEAST_BITS, Math.min(portBits(flow), beat));
  const masters = Math.min(MOST_MASTERS, Math.max(1, beat / wide));
  return { masters, dataBits: wide };
};

/** AXI masters of the top level by name: those that read the image, then the cache's. */
export const masterPorts = ({ masters }: Masters): string[] => [
  ...Array.from({ length: masters }, (_, c) => imagePort(c)),
  CACHE_PORT,
];
