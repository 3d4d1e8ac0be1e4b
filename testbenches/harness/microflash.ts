/**
 * An SPI flash on the clock of the core, for benches in every engine: asleep until it is woken (0xAB) and has had its time, then reads
 * (0x03, mode 0, 24 bits of address, bytes until it is deselected). Bytes that nobody wrote are 0xFF. `wrong` stays 1 from the first
 * command on that it would not have obeyed. Its output comes one cycle of the core late. After the data sheet of the W25Q128JV, 8.2.
 */
import {
  bool,
  cat,
  defineModule,
  enumReg,
  lit,
  Mem,
  mux,
  reg,
  uint,
  when,
} from "../../generator/hdl/index.js";
import { log2 } from "../../generator/isa/config.js";

const WAKE = 0xab;
const READ = 0x03;
/** From waking to the first command, in cycles: 3 us at 30 MHz. */
const WAKING = 90;

export interface FlashModel {
  /** Address of the first byte that is loaded. */
  readonly offset: number;
  /** A power of two. */
  readonly bytes: number;
}

export const spiFlash = ({ offset, bytes }: FlashModel) =>
  defineModule(
    "spi_flash_model",
    {
      in: {
        select_n: bool,
        sck: bool,
        mosi: bool,
        load: { enable: bool, addr: uint(log2(bytes)), data: uint(8) },
      },
      out: { miso: bool, wrong: bool },
      doc: "Model of an SPI flash, for simulation.",
    },
    ({ select_n, sck, mosi, load }) => {
      const contents = new Mem("contents", uint(8), bytes, { readDuringWrite: "old" });
      contents.write(load.enable, load.addr, load.data);
      const state = enumReg("state", ["command", "address", "read", "ignore"]);
      const asleep = reg("asleep", bool, { reset: 1 });
      const waking = reg("waking", uint(7), { reset: 0 });
      const before = reg("before", bool, { reset: 0 });
      const count = reg("count", uint(5), { reset: 0 });
      const address = reg("address", uint(24), { reset: 0 });
      const letter = reg("letter", uint(8), { reset: 0 });
      const out = reg("out", bool, { reset: 1 });
      const wrong = reg("wrong", bool, { reset: 0 });
      const woken = reg("woken", bool, { reset: 0 }); // deselecting begins the waking

      before.set(sck);
      const rises = sck.and(before.not()).as("rises");
      const falls = before.and(sck.not()).as("falls");
      const command = cat(letter.slice(6, 0), mosi).as("command");
      const inside = address
        .ge(offset)
        .and(address.lt(offset + bytes))
        .as("inside");
      const byte = mux(
        inside,
        contents.readAsync(address.sub(offset).asUnsigned().wrap(log2(bytes))),
        0xff,
      ).as("byte");

      when(waking.orR(), () => {
        waking.set(waking.subMod(1));
        when(waking.eq(1), () => asleep.set(0));
      });
      when(
        select_n,
        () => {
          state.go("command");
          count.set(0);
          out.set(1);
          when(woken, () => {
            waking.set(WAKING);
            woken.set(0);
          });
        },
        () => {
          when(rises, () => {
            count.set(count.addMod(1));
            when(state.is("command"), () => {
              letter.set(command);
              when(count.eq(7), () => {
                count.set(0);
                state.go("ignore");
                when(command.eq(WAKE), () => woken.set(asleep));
                when(command.eq(READ).and(asleep.not()), () => state.go("address"));
                when(command.ne(WAKE).and(command.ne(READ).or(asleep)), () => wrong.set(1));
              });
            });
            when(state.is("address"), () => {
              address.set(cat(address.slice(22, 0), mosi));
              when(count.eq(23), () => {
                count.set(0);
                state.go("read");
              });
            });
            when(state.is("read").and(count.eq(7)), () => {
              count.set(0);
              address.set(address.addMod(1));
            });
          });
          // The bit that is taken at the next rise: `count` of them have been taken.
          when(falls.and(state.is("read")), () =>
            out.set(byte.dshr(lit(uint(3), 7).subMod(count.slice(2, 0))).bit(0)),
          );
        },
      );
      return { miso: out, wrong };
    },
  );
