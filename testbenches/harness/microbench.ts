/**
 * The micro machine in a bench that is hardware itself, so that every engine runs the same: either the bare machine with a memory that
 * is loaded beforehand and a host that gives it positions, or the whole chip with a flash, and a host at the other end of its UART.
 */
import {
  bool,
  cat,
  defineModule,
  elaborate,
  emitVerilog,
  enumReg,
  lit,
  match,
  Mem,
  mux,
  reg,
  select,
  source,
  stream,
  uint,
  when,
  wire,
  wireOf,
} from "../../generator/hdl/index.js";
import { LINK } from "../../generator/isa/serial.js";
import { log2, powerOfTwo } from "../../generator/isa/config.js";
import { mulberry32 } from "../../generator/simulate/prng.js";
import { uartReceiver, uartTransmitter } from "../../generator/library/uart.js";
import { type MicroChip, microChip } from "../../generator/micro/board/chip.js";
import { streamMemory } from "../../generator/micro/board/memory.js";
import { SPRAM_WORDS } from "../../generator/micro/machine.js";
import { chosen as chosenPort, micro, type MicroContents } from "../../generator/micro/rtl/micro.js";
import { memoryRequest } from "../../generator/micro/rtl/stream.js";
import { spiFlash } from "./microflash.js";
import type { RunDescription } from "./run.js";
import { goCommand, promptCommand } from "./serial.js";

/** As the trace point `token` of the accelerator. */
const VALUE_BITS = 18;
const traced = { trace_token_valid: bool, trace_token_value: uint(VALUE_BITS) };
const POSITION_BITS = 11;
const WORD_ADDRESS_BITS = log2(SPRAM_WORDS);

export interface MicroRequest {
  readonly prompt: readonly number[];
  readonly total: number;
  readonly maxCycles: number;
  readonly seed: number;
}

/** Gives the machine the prompt, then its own choices; the accelerator's rule of which choices are wanted. */
const machineBench = (contents: MicroContents) =>
  defineModule(
    "micro_bench",
    {
      in: {
        start: bool,
        promptLength: uint(POSITION_BITS),
        total: uint(POSITION_BITS),
        load: { enable: bool, addr: uint(WORD_ADDRESS_BITS), data: uint(64) },
        prompt: { enable: bool, addr: uint(10), data: uint(16) },
      },
      out: { done: bool, saturated: bool, ...traced },
      doc: "Micro machine with a loaded memory and a host, for simulation.",
    },
    ({ start, promptLength, total, load, prompt }) => {
      const tokens = new Mem("tokens", uint(16), 1024, { readDuringWrite: "old" });
      tokens.write(prompt.enable, prompt.addr, prompt.data);
      const position = reg("position", uint(POSITION_BITS), { reset: 0 });
      const running = reg("running", bool, { reset: 0 });
      const done = reg("finished", bool, { reset: 0 });
      const last = reg("last", uint(16));
      when(start, () => {
        position.set(0);
        running.set(1);
      });
      const wanted = position.addMod(1).ge(promptLength).as("wanted");
      const chosen = wireOf("chosen", chosenPort);
      const request = wireOf("request", memoryRequest);
      when(chosen.valid, () => {
        last.set(chosen.token);
        position.set(position.addMod(1));
        when(position.addMod(1).eq(total), () => {
          running.set(0);
          done.set(1);
        });
      });
      const { sd } = streamMemory.inst("u_memory", {
        loading: 0,
        load: { enable: 0, nibble: 0, data: 0 },
        request: mux(running, request, {
          address: load.addr,
          read: lit(bool, 0),
          write: load.enable,
          mask: lit(uint(16), 0xffff),
          data: load.data,
        }),
      });
      const machine = micro(contents).inst("u_micro", {
        run: {
          valid: running,
          token: mux(position.lt(promptLength), tokens.readAsync(position.slice(9, 0)), last),
          position: position.slice(9, 0),
          wanted,
        },
        sd,
      });
      chosen.valid.drive(machine.chosen.valid);
      chosen.token.drive(machine.chosen.token);
      for (const port of Object.keys(memoryRequest) as (keyof typeof memoryRequest)[])
        request[port].drive(machine.memory[port]);
      return {
        done,
        saturated: machine.saturated,
        trace_token_valid: machine.chosen.valid.and(wanted),
        trace_token_value: machine.chosen.token.resize(VALUE_BITS),
      };
    },
  );

/** The machine's own memories. */
const MEMORIES = ["vectors.v", "activations.v", "group_sums.v"];
/**
 * For Icarus: block RAM as a bitstream leaves it, all zeros. The program reads words that it has not written and drops what comes of
 * them, which four states cannot tell from an error.
 */
export const configured = (run: RunDescription): RunDescription => ({
  ...run,
  verilog: new Map(
    [...emitVerilog(run.design, { models: true })].map(([name, text]) => [
      name,
      MEMORIES.includes(name)
        ? text.replace(
            /^( *reg +\[\d+:0\] (\w+) \[0:(\d+)\];.*)$/gm,
            "$1\n  integer $2_at;\n  initial for ($2_at = 0; $2_at <= $3; $2_at = $2_at + 1) $2[$2_at] = 0;",
          )
        : text,
    ]),
  ),
});

/** What SPRAM holds before anything is written: anything, but never x, which no product with 0 would clear. */
const garbage = (words: readonly bigint[], seed: number): bigint[] => {
  const random = mulberry32(seed);
  return Array.from({ length: SPRAM_WORDS }, (_, i) => words[i] ?? random.bits(64));
};

/** The bare machine. `words`: the stream from word 0. */
export const machineRun = (
  contents: MicroContents,
  words: readonly bigint[],
  { prompt, total, maxCycles, seed }: MicroRequest,
): RunDescription => ({
  design: elaborate(machineBench(contents)),
  loads: [
    { enable: "load_enable", address: "load_addr", data: "load_data", words: garbage(words, seed) },
    { enable: "prompt_enable", address: "prompt_addr", data: "prompt_data", words: prompt.map(BigInt) },
  ],
  held: { promptLength: BigInt(prompt.length), total: BigInt(total) },
  start: "start",
  done: "done",
  points: ["token"],
  finals: ["saturated"],
  maxCycles,
  seed,
});

const COMMANDS = 1024;
const COMMAND_BITS = Math.log2(COMMANDS);

/** Asks who is there, then says what was loaded, and splits the answers. */
const serialHost = defineModule(
  "serial_host",
  {
    in: {
      start: bool,
      length: uint(COMMAND_BITS),
      say: { enable: bool, addr: uint(COMMAND_BITS), data: uint(8) },
      heard: { valid: bool, value: uint(8) },
    },
    out: { sent: stream(uint(8)), done: bool, saturated: bool, identity: uint(32), refused: bool, ...traced },
    doc: "Host at the other end of a UART, for simulation.",
  },
  ({ start, length, say, heard }) => {
    const commands = new Mem("commands", uint(8), COMMANDS, { readDuringWrite: "old" });
    commands.write(say.enable, say.addr, say.data);
    const state = enumReg("state", ["idle", "ask", "answer", "talk"]);
    const at = reg("at", uint(COMMAND_BITS), { reset: 0 });
    const sent = source(
      uint(8),
      mux(state.is("ask"), LINK.identify, commands.readAsync(at)),
      state.is("ask").or(state.is("talk").and(at.ne(length))),
    );

    const letter = reg("letter", uint(8));
    const value = reg("value", uint(32));
    const left = reg("left", uint(3), { reset: 0 });
    const complete = reg("complete", bool, { reset: 0 });
    complete.set(heard.valid.and(left.eq(1)));
    when(heard.valid, () =>
      when(
        left.eq(0),
        () => {
          letter.set(heard.value);
          value.set(0);
          left.set(
            select(
              heard.value,
              [
                [LINK.token, lit(uint(3), 3)],
                [LINK.identify, lit(uint(3), 4)],
              ],
              lit(uint(3), 1),
            ),
          );
        },
        () => {
          left.set(left.subMod(1));
          value.set(cat(heard.value, value.slice(31, 8)));
        },
      ),
    );
    const [done, saturated, refused] = ["done_q", "saturated_q", "refused_q"].map((n) =>
      reg(n, bool, { reset: 0 }),
    );
    const identity = reg("identity_q", uint(32), { reset: 0 });
    const is = (l: number) => complete.and(letter.eq(l));
    when(is(LINK.done), () => {
      done!.set(1);
      saturated!.set(value.bit(24));
    });
    when(is(LINK.error), () => refused!.set(1));
    when(is(LINK.identify), () => identity.set(value));
    match(state, {
      idle: () => when(start, () => state.go("ask")),
      ask: () => when(sent.ready, () => state.go("answer")),
      answer: () => when(is(LINK.identify), () => state.go("talk")),
      talk: () => when(sent.fire, () => at.set(at.addMod(1))),
    });
    return {
      sent,
      done: done!,
      saturated: saturated!,
      identity,
      refused: refused!,
      trace_token_valid: is(LINK.token),
      trace_token_value: value.slice(31, 8).wrap(VALUE_BITS),
    };
  },
);

const chipBench = (chip: MicroChip, bytes: number) =>
  defineModule(
    "micro_chip_bench",
    {
      in: {
        start: bool,
        length: uint(COMMAND_BITS),
        say: { enable: bool, addr: uint(COMMAND_BITS), data: uint(8) },
        flash: { enable: bool, addr: uint(Math.log2(bytes)), data: uint(8) },
      },
      out: {
        done: bool,
        saturated: bool,
        identity: uint(32),
        refused: bool,
        failed: bool,
        flash_wrong: bool,
        ...traced,
      },
      doc: "Chip of the micro machine with a flash and a host, for simulation.",
    },
    ({ start, length, say, flash }) => {
      const rx = wire("to_chip", bool);
      const miso = wire("miso", bool);
      const { tx, flash: pins, failed } = microChip(chip).inst("u_chip", { rx, miso });
      const memory = spiFlash({ offset: chip.flash.offset, bytes }).inst("u_flash", { ...pins, load: flash });
      miso.drive(memory.miso);
      const heard = uartReceiver(chip.divider).inst("u_receiver", { line: tx });
      const { sent, ...host } = serialHost.inst("u_host", { start, length, say, heard: heard.byte });
      rx.drive(uartTransmitter(chip.divider).inst("u_transmitter", { byte: sent }).line);
      return { ...host, failed, flash_wrong: memory.wrong };
    },
  );

/** The whole chip. `flash`: what lies in it from the chip's offset on. A model that is refused ends at the limit. */
export const chipRun = (
  chip: MicroChip,
  flash: Uint8Array,
  { prompt, total, maxCycles, seed }: MicroRequest,
): RunDescription => {
  const commands = [...promptCommand(prompt), ...goCommand(total)];
  return {
    design: elaborate(chipBench(chip, powerOfTwo(flash.length))),
    loads: [
      { enable: "flash_enable", address: "flash_addr", data: "flash_data", words: [...flash].map(BigInt) },
      { enable: "say_enable", address: "say_addr", data: "say_data", words: commands.map(BigInt) },
    ],
    held: { length: BigInt(commands.length) },
    start: "start",
    done: "done",
    points: ["token"],
    finals: ["saturated", "identity", "refused", "failed", "flash_wrong"],
    maxCycles,
    seed,
  };
};
