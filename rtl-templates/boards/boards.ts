import { render } from "../render.js";

export interface UartTop {
  readonly title: string;
  readonly top: string;
  /** The module behind the pads: ports clk, rst, rx, tx, activity. */
  readonly core: string;
  readonly clockMHz: number;
  readonly baud: number;
}
/** Top level of a board whose chip talks over a UART: ports clk, reset_n, rx, tx, led. */
export const uartTop = (context: UartTop): string => render("boards/uart_top.v", context);

export interface UartTopXc7 extends UartTop {
  readonly oscillatorMHz: number;
  /** Of the oscillator, ns. */
  readonly period: string;
  /** Whole numbers: oscillator x multiply / divide = clock; oscillator x multiply is the MMCM's own frequency. */
  readonly multiply: number;
  readonly divide: number;
}
/** The same with an MMCM between oscillator and core, for 7-series devices. */
export const uartTopXc7 = (context: UartTopXc7): string => render("boards/uart_top_xc7.v", context);

export interface UartTopEcp5 extends UartTop {
  readonly oscillatorMHz: number;
  /** Whole numbers: oscillator / reference x feedback = clock; clock x output is the PLL's own frequency. */
  readonly pll: {
    readonly reference: number;
    readonly feedback: number;
    readonly output: number;
    readonly phase: number;
    readonly vcoMHz: number;
  };
}
/** The same with a PLL between oscillator and core, for ECP5. */
export const uartTopEcp5 = (context: UartTopEcp5): string => render("boards/uart_top_ecp5.v", context);

export interface FlashTopIce40 {
  readonly title: string;
  readonly top: string;
  /** The module behind the pads: ports clk, rst, rx, tx, miso, flash_{select_n, sck, mosi}, busy, failed. */
  readonly core: string;
  readonly clockMHz: number;
  readonly baud: number;
  readonly oscillatorMHz: number;
  /** Parameters of SB_PLL40_PAD. */
  readonly pll: {
    readonly divr: number;
    readonly divf: number;
    readonly divq: number;
    readonly filterRange: number;
    readonly vcoMHz: number;
  };
}
/** Top level for iCE40 with a PLL, a UART and the configuration flash, whose model is read after reset; LEDs shine at 0. */
export const flashTopIce40 = (context: FlashTopIce40): string => render("boards/flash_top_ice40.v", context);

export interface Pins {
  readonly title: string;
  /** At the pin. */
  readonly clockMHz: number;
  readonly pins: readonly {
    readonly port: string;
    readonly pin: string;
    readonly standard: string;
    readonly input: boolean;
  }[];
}
/** Constraints of nextpnr-ecp5, and of nextpnr-ice40. */
export const lpf = (context: Pins): string => render("boards/pins.lpf", context);
export const pcf = (context: Pins): string => render("boards/pins.pcf", context);

export interface BuildScript {
  readonly title: string;
  readonly steps: readonly { readonly what: string; readonly command: string }[];
  readonly report: string;
  readonly bitstream: string;
  readonly load: string;
}
/** Bash that fails when a tool does, or when what it should write is not there. */
export const buildScript = (context: BuildScript): string => render("boards/build.sh", context);
