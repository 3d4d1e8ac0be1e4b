/** UART, 8N1: the line is high when idle; a start bit (0), eight data bits, lowest first, a stop bit (1). */
import { bool, cat, crossing, defineModule, fail, lit, reg, stream, uint, when } from "../hdl/index.js";

const FRAME = 10; // start, eight data, stop

/** Cycles a bit lasts. Below four the receiver could not sample near the middle of a bit. */
const checked = (divider: number): number => {
  if (!Number.isInteger(divider) || divider < 4)
    fail(
      `a UART needs at least 4 clock cycles a bit, not ${divider}: use a faster clock or a lower baud rate`,
    );
  return divider;
};
const widthOf = (n: number): number => Math.max(1, Math.ceil(Math.log2(n + 1)));

/** Module `uart_tx_<divider>`: one frame of 10·divider cycles per byte. */
export const uartTransmitter = (divider: number) => {
  checked(divider);
  return defineModule(
    `uart_tx_${divider}`,
    {
      in: { byte: stream(uint(8)) },
      out: { line: bool },
      doc: `UART transmitter, 8N1, ${divider} cycles a bit.`,
    },
    ({ byte }) => {
      const frame = reg("frame", uint(FRAME), { reset: 2 ** FRAME - 1 }); // leaves at its low end; ones follow
      const bits = reg("bits_left", uint(4), { reset: 0 });
      const wait = reg("wait", uint(widthOf(divider - 1)), { reset: 0 });
      const taken = byte.consume(bits.orR().not()).as("taken");
      when(
        taken,
        () => {
          frame.set(cat(lit(bool, 1), byte.payload, lit(bool, 0)));
          bits.set(FRAME);
          wait.set(divider - 1);
        },
        () =>
          when(bits.orR(), () =>
            when(
              wait.orR(),
              () => wait.set(wait.subMod(1)),
              () => {
                frame.set(cat(lit(bool, 1), frame.slice(FRAME - 1, 1)));
                bits.set(bits.subMod(1));
                wait.set(divider - 1);
              },
            ),
          ),
      );
      return { line: frame.bit(0) };
    },
  );
};

/**
 * Module `uart_rx_<divider>`: `byte` is valid for one cycle, in the middle of the stop bit. `framing` is high for one cycle
 * instead when that bit is low (a break, or another baud rate). The line passes two registers before anything looks at it.
 */
export const uartReceiver = (divider: number) => {
  checked(divider);
  return defineModule(
    `uart_rx_${divider}`,
    {
      in: { line: bool },
      out: { byte: { valid: bool, value: uint(8) }, framing: bool },
      doc: `UART receiver, 8N1, ${divider} cycles a bit.`,
    },
    ({ line }) => {
      const level = crossing(line, "", { reset: 1, name: "level" });
      const data = reg("data", uint(8));
      const bits = reg("bits_left", uint(4), { reset: 0 });
      const wait = reg("wait", uint(widthOf(divider + (divider >> 1))), { reset: 0 });
      const open = reg("open", bool, { reset: 0 }); // the line was high since the last frame
      const starts = bits.eq(0).and(open).and(level.not()).as("starts");
      const samples = bits.orR().and(wait.eq(0)).as("samples");
      const stop = samples.and(bits.eq(1)).as("stop");
      when(
        starts,
        () => {
          bits.set(FRAME - 1); // eight data, stop
          wait.set(divider + (divider >> 1) - 1); // the middle of the first data bit
          open.set(0);
        },
        () => when(bits.eq(0).and(level), () => open.set(1)),
      );
      when(bits.orR(), () =>
        when(
          samples,
          () => {
            when(stop.not(), () => data.set(cat(level, data.slice(7, 1))));
            bits.set(bits.subMod(1));
            wait.set(divider - 1);
          },
          () => wait.set(wait.subMod(1)),
        ),
      );
      return { byte: { valid: stop.and(level), value: data }, framing: stop.and(level.not()) };
    },
  );
};
