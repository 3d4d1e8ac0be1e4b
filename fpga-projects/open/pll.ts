/**
 * Dividers of an ECP5 PLL (EHXPLLL) whose output is its own feedback: output = input / reference x feedback. Limits: Lattice
 * FPGA-DS-02012, table of sysCLOCK PLL timing.
 */
export interface PllDividers {
  readonly reference: number;
  readonly feedback: number;
  readonly output: number;
  readonly vcoMHz: number;
  /** CLKOP_CPHASE for an output in phase with the input: one less than its divider. */
  readonly phase: number;
}

const DIVIDERS = Array.from({ length: 128 }, (_, i) => i + 1);
/** Of the phase detector and the outputs, and of the PLL's own oscillator, in MHz. */
const DETECTOR = [3.125, 400] as const;
const OUTPUT = DETECTOR;
const OSCILLATOR = [400, 800] as const;
/** The oscillator is set to the middle of its range. */
const MIDDLE = 600;

const within = (x: number, [low, high]: readonly [number, number]): boolean => x >= low && x <= high;

/** Null where no dividers give exactly this clock. */
export const pllDividers = (inputMHz: number, outputMHz: number): PllDividers | null => {
  if (!within(outputMHz, OUTPUT)) return null;
  const reference = DIVIDERS.find(
    (r) => within(inputMHz / r, DETECTOR) && DIVIDERS.includes((outputMHz * r) / inputMHz),
  );
  if (reference === undefined) return null;
  const output = DIVIDERS.filter((d) => within(outputMHz * d, OSCILLATOR)).sort(
    (a, b) => Math.abs(outputMHz * a - MIDDLE) - Math.abs(outputMHz * b - MIDDLE),
  )[0];
  if (output === undefined) return null;
  const feedback = (outputMHz * reference) / inputMHz;
  return { reference, feedback, output, vcoMHz: outputMHz * output, phase: output - 1 };
};
