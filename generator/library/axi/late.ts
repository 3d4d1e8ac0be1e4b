/** A stream that is used before its producer exists: what a loop through two instances needs. */
import { bool, type Shape, source, type Stream, uint, wire } from "../../hdl/index.js";
import { fromBits, shapeBits, toBits } from "../bits.js";

export const late = <S extends Shape>(
  name: string,
  shape: S,
): { readonly stream: Stream<S>; connect(from: Stream<S>): void } => {
  const valid = wire(`${name}_valid`, bool);
  const bits = wire(name, uint(shapeBits(shape)));
  const stream = source(shape, fromBits(shape, bits), valid, name);
  return {
    stream,
    connect: (from) => {
      valid.drive(from.valid);
      bits.drive(toBits(shape, from.payload));
      from.consume(stream.ready);
    },
  };
};
