/** A few words that are read without a clock: distributed memory, or one register where there is only one word. */
import { Mem, type Of, reg, type Shape, type Sig, uint, when } from "../hdl/index.js";
import { fromBits, shapeBits, toBits } from "../library/bits.js";

type Address = Sig<"u", number>;

export interface SmallMemory<S extends Shape> {
  read(addr: Address): Of<S>;
  write(enable: Sig<"u", 1>, addr: Address, value: Of<S>): void;
}

/** A read in the cycle of a write gives the old word. */
export const smallMemory = <S extends Shape>(name: string, shape: S, depth: number): SmallMemory<S> => {
  if (depth > 1) {
    const words = new Mem(name, shape, depth, { style: "distributed", readDuringWrite: "old" });
    return {
      read: (addr) => words.readAsync(addr),
      write: (enable, addr, value) => words.write(enable, addr, value),
    };
  }
  const word = reg(name, uint(shapeBits(shape)));
  return {
    read: () => fromBits(shape, word),
    write: (enable, _, value) => when(enable, () => word.set(toBits(shape, value))),
  };
};
