/**
 * The byte link of a stand-alone board: what the host sends over a UART, and what comes back. Numbers are little-endian.
 *
 *   'P' n24 token24[n]   writes the prompt (n tokens from position 0)
 *   'G' total24          runs total positions; answered by the chosen tokens and 'D'
 *   'I'                  asks who is there; answered by 'I' id32
 *   'T' token24          a token that was chosen
 *   'D' flags8           the run is over; bit 0: something has saturated since reset
 *   'E' byte8            this byte was no command (or the accelerator was busy); it is dropped
 */

/** Letters on the wire. */
export const LINK = { prompt: 0x50, go: 0x47, identify: 0x49, token: 0x54, done: 0x44, error: 0x45 } as const;
