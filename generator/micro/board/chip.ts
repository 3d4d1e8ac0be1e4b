/** The micro machine on one chip: model from the SPI flash into SPRAM, machine, UART to the host. */
import { bool, defineModule, wire, wireOf } from "../../hdl/index.js";
import { uartReceiver, uartTransmitter } from "../../library/uart.js";
import { chosen as chosenPort, micro, type MicroContents } from "../rtl/micro.js";
import { memoryRequest } from "../rtl/stream.js";
import { microLink } from "./link.js";
import { flashLoader, flashPins, type LoaderOptions } from "./loader.js";
import { streamMemory } from "./memory.js";

export interface MicroChip extends MicroContents {
  readonly flash: LoaderOptions;
  /** Of a run at most. */
  readonly positions: number;
  /** Clock cycles of a bit on the line. */
  readonly divider: number;
}

export const microChip = ({ flash, positions, divider, ...contents }: MicroChip) =>
  defineModule(
    "micro_chip",
    {
      in: { rx: bool, miso: bool },
      out: { tx: bool, flash: flashPins, busy: bool, failed: bool },
      doc: "Micro machine, stream memory with its loader, and a UART: a language model on one small FPGA.",
    },
    ({ rx, miso }) => {
      const turn = wire("turn", bool);
      const chosen = wireOf("chosen", chosenPort);
      const saturated = wire("saturated", bool);
      const request = wireOf("request", memoryRequest);

      const loader = flashLoader(flash).inst("u_loader", { miso, turn });
      const received = uartReceiver(divider).inst("u_receiver", { line: rx });
      const link = microLink(positions).inst("u_link", {
        byte: received.byte,
        loaded: loader.loaded,
        failed: loader.failed,
        identity: loader.identity,
        chosen,
        saturated,
      });
      turn.drive(link.turn);
      const { line } = uartTransmitter(divider).inst("u_transmitter", { byte: link.sent });

      const { sd } = streamMemory.inst("u_memory", {
        loading: loader.loaded.not(),
        load: loader.write,
        request,
      });
      const machine = micro(contents).inst("u_micro", { run: link.run, sd });
      saturated.drive(machine.saturated);
      chosen.valid.drive(machine.chosen.valid);
      chosen.token.drive(machine.chosen.token);
      for (const port of Object.keys(memoryRequest) as (keyof typeof memoryRequest)[])
        request[port].drive(machine.memory[port]);
      return { tx: line, flash: loader.flash, busy: link.busy, failed: loader.failed };
    },
  );
