/**
 * An iCE40 PLL with simple feedback: output = input / (DIVR + 1) x (DIVF + 1) / 2^DIVQ. Limits and filter ranges: Lattice
 * FPGA-TN-02052 (sysCLOCK PLL), as icepll of Project IceStorm states them.
 */
export interface Ice40Pll {
  readonly divr: number;
  readonly divf: number;
  readonly divq: number;
  readonly filterRange: number;
  readonly vcoMHz: number;
}

/** Of the phase detector, and of the PLL's own oscillator, in MHz. */
const DETECTOR = [10, 133] as const;
const OSCILLATOR = [533, 1066] as const;
/** Upper ends of the filter's ranges, in MHz of the phase detector. */
const FILTERS = [17, 26, 44, 66, 101] as const;

const within = (x: number, [low, high]: readonly [number, number]): boolean => x >= low && x <= high;

/** The slowest and the fastest output that makes sense to ask for. */
export const PLL_MHZ = [16, 275] as const;

/** Null where no dividers give exactly this clock. */
export const ice40Pll = (inputMHz: number, outputMHz: number): Ice40Pll | null => {
  if (!within(outputMHz, PLL_MHZ)) return null;
  for (let divr = 0; divr < 16; divr++) {
    const detector = inputMHz / (divr + 1);
    if (!within(detector, DETECTOR)) continue;
    for (let divq = 1; divq <= 6; divq++) {
      const vcoMHz = outputMHz * 2 ** divq;
      const feedback = vcoMHz / detector;
      if (!within(vcoMHz, OSCILLATOR) || !Number.isInteger(feedback) || feedback > 128) continue;
      const filterRange = 1 + FILTERS.filter((end) => detector >= end).length;
      return { divr, divf: feedback - 1, divq, filterRange, vcoMHz };
    }
  }
  return null;
};

/** Every clock between two that the PLL can make, in MHz, the fastest first. */
export const ice40Clocks = (inputMHz: number, from: number, to: number): number[] => {
  // The finest step: a feedback of one more at the largest output divider.
  const step = inputMHz / 64;
  const clocks: number[] = [];
  for (let n = Math.floor(to / step); n * step >= from; n--)
    if (ice40Pll(inputMHz, n * step) !== null) clocks.push(n * step);
  return clocks;
};
