/** A stream that is used before its producer exists: what a loop through two instances needs. */
import { bool, source, type Stream, type Ty, uint, wire } from "../hdl/index.js";

export const lateStream = (
  name: string,
  width: number,
): { readonly stream: Stream<Ty<"u", number>>; connect(from: Stream<Ty<"u", number>>): void } => {
  const valid = wire(`${name}_valid`, bool);
  const data = wire(name, uint(width));
  const late = source(uint(width), data, valid, name);
  return {
    stream: late,
    connect: (from) => {
      valid.drive(from.valid);
      data.drive(from.payload);
      from.consume(late.ready);
    },
  };
};
