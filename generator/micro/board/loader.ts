/**
 * The model from the SPI flash into the stream memory, once after reset. The flash sleeps after the FPGA's configuration: it is woken
 * (0xAB), left alone while it wakes, and read by one command (0x03, mode 0) whose clock is half the core's. Every four bits are
 * written as they come. Behind the model lie the 32 bits of its CRC (crc.ts): an empty flash or another model is reported, not run.
 * Command set: Winbond W25Q128JV, chapter 8.
 */
import {
  anyOf,
  bool,
  cat,
  defineModule,
  enumReg,
  lit,
  mux,
  reg,
  type Sig,
  select,
  uint,
  when,
} from "../../hdl/index.js";
import { SPRAM_WORDS } from "../machine.js";
import { CRC_BITS, CRC_POLYNOMIAL } from "./crc.js";

export const FLASH = { wake: 0xab, read: 0x03 } as const;
/** Commands are sent as 32 bits: a letter and three bytes of address or, behind `wake`, of nothing. */
const COMMAND_BITS = 32;
/** Cycles that the flash is given to wake: 64 us at 64 MHz, more at less; the W25Q128JV asks for 3. */
const WAKING_BITS = 12;

const WORD_BITS = 64;
const NIBBLE = 4;
/** An address of four bits in the stream memory: word, then nibble of the word. */
export const NIBBLE_ADDRESS_BITS = Math.log2((SPRAM_WORDS * WORD_BITS) / NIBBLE);

export const flashPins = { select_n: bool, sck: bool, mosi: bool } as const;

export const nibbleWrite = {
  enable: bool,
  nibble: uint(NIBBLE_ADDRESS_BITS),
  data: uint(NIBBLE),
} as const;

export interface LoaderOptions {
  /** Words of the model; its CRC lies behind them. */
  readonly words: number;
  /** Where the model begins in the flash, in bytes. */
  readonly offset: number;
  /** 32 bits that name the microprogram. */
  readonly program: number;
}

/** Bits of a command, the first sent first. */
const bitsOf = (command: number): number[] =>
  Array.from({ length: COMMAND_BITS }, (_, i) => (command >>> (COMMAND_BITS - 1 - i)) & 1);

/** The bit behind bit `index` of a command. */
const next = (index: Sig<"u", number>, command: number): Sig<"u", 1> =>
  select(
    index,
    bitsOf(command).map((_, i, bits) => lit(bool, bits[i + 1] ?? 0)),
  );

export const flashLoader = ({ words, offset, program }: LoaderOptions) =>
  defineModule(
    "flash_loader",
    {
      in: {
        miso: bool,
        turn: bool, // the identity by one bit
      },
      out: {
        flash: flashPins,
        write: nibbleWrite,
        loaded: bool,
        failed: bool,
        identity: uint(8), // the highest byte of the CRC
      },
      doc: `Loads ${words} words from byte ${offset} of the SPI flash, then compares their CRC.`,
    },
    ({ miso, turn }) => {
      const state = enumReg("state", ["wake", "waking", "command", "words", "crc", "done"]);
      const bits = Math.log2(SPRAM_WORDS * WORD_BITS);
      const index = reg("index", uint(bits), { reset: 0 }); // of the bit that is taken
      const selectN = reg("select_n", bool, { reset: 1 });
      const sck = reg("sck", bool, { reset: 0 });
      const mosi = reg("mosi", bool, { reset: 1 }); // the first bit of `wake`
      const sampled = reg("sampled", bool);
      const taken = reg("taken", bool, { reset: 0 }); // `sampled` is new
      const nibble = reg("nibble", uint(NIBBLE - 1));
      const crc = reg("crc", uint(CRC_BITS), { reset: program });
      const wrong = reg("wrong", bool, { reset: 0 });

      const waking = state.is("waking");
      const active = waking.or(state.is("done")).not().as("active");
      const last = mux(
        state.is("words"),
        index.eq(words * WORD_BITS - 1),
        mux(waking, index.slice(WAKING_BITS - 1, 0).andR(), index.slice(4, 0).andR()),
      ).as("last");
      const steps = taken.or(waking).as("steps");
      const ends = steps.and(last).as("ends");

      selectN.set(active.not());
      const rises = active.and(selectN.not()).and(sck.not()).and(ends.not()).as("rises");
      sck.set(rises);
      taken.set(sck);
      sampled.set(miso);
      when(sck, () =>
        mosi.set(
          mux(
            state.is("wake"),
            next(index.slice(4, 0), (FLASH.wake << 24) >>> 0),
            next(index.slice(4, 0), ((FLASH.read << 24) | offset) >>> 0),
          ),
        ),
      );
      when(waking, () => mosi.set(0)); // the first bit of `read`

      when(steps, () => index.set(index.addMod(1)));
      when(ends, () => {
        index.set(0);
        state.reg.set(state.reg.addMod(1));
      });

      when(taken, () => nibble.set(cat(nibble.slice(NIBBLE - 3, 0), sampled)));
      const inWords = taken.and(state.is("words")).as("in_words");
      const top = crc.bit(CRC_BITS - 1);
      const feedback = state.is("words").and(sampled.xor(top)).as("feedback");
      const shifted = Array.from({ length: CRC_BITS }, (_, i) => {
        if (i === 0) return mux(state.is("words"), sampled.xor(top), top);
        const below = crc.bit(i - 1);
        return ((CRC_POLYNOMIAL >>> i) & 1) === 1 ? below.xor(feedback) : below;
      });
      const compared = taken.and(state.is("crc")).as("compared");
      when(anyOf([inWords, compared, turn]), () => crc.set(cat(...shifted.reverse())));
      when(compared.and(sampled.xor(top)), () => wrong.set(1));

      // The higher nibble of a byte comes first.
      const place = index.slice(bits - 1, 2);
      return {
        flash: { select_n: selectN, sck, mosi },
        write: {
          enable: inWords.and(index.slice(1, 0).andR()),
          nibble: cat(place.slice(NIBBLE_ADDRESS_BITS - 1, 1), place.bit(0).not()),
          data: cat(nibble, sampled),
        },
        loaded: state.is("done").and(wrong.not()),
        failed: state.is("done").and(wrong),
        identity: crc.slice(CRC_BITS - 1, CRC_BITS - 8),
      };
    },
  );
