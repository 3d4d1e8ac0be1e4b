/** A whole system on one chip: accelerator, memory with the model in it, program, and a UART to the host. */
import { bool, defineModule, Mem, reg, uint, when, wire } from "../hdl/index.js";
import { uartReceiver, uartTransmitter } from "../library/uart.js";
import { type AcceleratorConfig, beatBits, log2 } from "../isa/config.js";
import { PROGRAM_WORD_BITS } from "../isa/instruction.js";
import { accelerator } from "./accelerator.js";
import { lateStream } from "./latestream.js";
import { hostLink } from "./link.js";
import { memory } from "./memory.js";
import { TRACE_ROW_BITS } from "../units/widths.js";
import { INSTRUCTION_WORDS } from "./ports.js";

/** What is burnt in. */
export interface Burnt {
  /** Program words of 64 bits. */
  readonly program: readonly bigint[];
  /** Memory words of one beat; the rest of `beats` (a power of two) is 0. */
  readonly image: readonly bigint[];
  readonly beats: number;
  /** Host registers of the model. */
  readonly registers: { readonly epsilonSum: number; readonly sinks: number; readonly window: number };
  /** Names model and configuration to the host, 32 bits. */
  readonly id: number;
}

/** Writes the program words after reset, one a cycle. */
const programLoader = (c: AcceleratorConfig, program: readonly bigint[]) =>
  defineModule(
    "program_loader",
    {
      in: {},
      out: {
        write: {
          enable: bool,
          addr: uint(log2(c.programInstructions * INSTRUCTION_WORDS)),
          data: uint(PROGRAM_WORD_BITS),
        },
        loaded: bool,
      },
      doc: `Program loader: ${program.length} words from ROM after reset.`,
    },
    () => {
      const bits = log2(c.programInstructions * INSTRUCTION_WORDS);
      const rom = new Mem("program", uint(PROGRAM_WORD_BITS), 2 ** bits, {
        readDuringWrite: "old",
        style: "block",
        contents: program,
      });
      const next = reg("next", uint(bits + 1), { reset: 0 });
      const addr = reg("addr", uint(bits));
      const valid = reg("valid", bool, { reset: 0 });
      const reading = next.lt(program.length).as("reading");
      when(reading, () => next.set(next.addMod(1)));
      addr.set(next.resize(bits));
      valid.set(reading);
      return {
        write: { enable: valid, addr, data: rom.read(next.resize(bits)) },
        loaded: reading.not().and(valid.not()),
      };
    },
  );

/** Module `standalone`: `rx` and `tx` at `divider` clock cycles a bit, `activity` while it runs. Protocol: link.ts. */
export const standalone = (c: AcceleratorConfig, burnt: Burnt, divider: number) =>
  defineModule(
    "standalone",
    {
      in: { rx: bool },
      out: { tx: bool, activity: bool },
      doc: "Accelerator, memory with the model, program and UART: a language model on one chip.",
    },
    ({ rx }) => {
      const received = uartReceiver(divider).inst("u_receiver", { line: rx });
      const loader = programLoader(c, burnt.program).inst("u_program_loader", {});
      const state = {
        busy: wire("accelerator_busy", bool),
        done: wire("accelerator_done", bool),
        saturated: wire("accelerator_saturated", bool),
        token: { valid: wire("token_valid", bool), value: wire("token_value", uint(TRACE_ROW_BITS)) },
      };
      const link = hostLink(c, burnt.id).inst("u_link", {
        byte: received.byte,
        ready: loader.loaded,
        ...state,
      });
      const { line } = uartTransmitter(divider).inst("u_transmitter", { byte: link.sent });

      const data = lateStream("memory_beat", beatBits(c));
      const { request, write, ...out } = accelerator(c).inst("u_accelerator", {
        start: link.start,
        promptLength: link.promptLength,
        total: link.total,
        ...burnt.registers,
        program_write: loader.write,
        token_write: link.token_write,
        data: data.stream,
      });
      state.busy.drive(out.busy);
      state.done.drive(out.done);
      state.saturated.drive(out.saturated);
      state.token.valid.drive(out.token.valid);
      state.token.value.drive(out.token.value);
      const ram = memory(c, burnt.beats, burnt.image).inst("u_memory", {
        request,
        write,
        load: { enable: 0, addr: 0, data: 0 },
      });
      data.connect(ram.data);
      return { tx: line, activity: out.busy };
    },
  );
