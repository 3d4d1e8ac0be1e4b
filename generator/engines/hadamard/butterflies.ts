/** The two butterflies of a fast Walsh-Hadamard transform: between elements of one beat, and between beats of a vector. */
import {
  bool,
  defineModule,
  lit,
  mux,
  type Of,
  reg,
  sint,
  source,
  stream,
  uint,
  type Vec,
  vec,
  type Ty,
  when,
} from "../../hdl/index.js";
import { smallMemory } from "../smallMemory.js";

type Elements = Vec<Ty<"s", number>>;

/** One level inside a beat: elements `distance` apart become their sum and their difference, a bit wider. */
export const insideBeat = (x: Of<Elements>, distance: number): Of<Elements> =>
  x.map((_, i) => {
    const [a, b] = [x[i & ~distance]!, x[i | distance]!];
    return ((i & distance) === 0 ? a.add(b) : a.sub(b)).as(`level${distance}_${i}`);
  });

/**
 * One level between beats (single-path delay feedback): the first half of a vector waits; with the second half the sums
 * leave at once, and the differences wait in the places of the first half until the next vector's first half replaces
 * them, beat by beat. Full rate, one memory of `distance` beats, order kept.
 */
export const betweenBeats = (distance: number, vector: number, width: number) =>
  defineModule(
    `hadamard_beats_${distance}_${vector}x${width}`,
    {
      in: { x: stream(vec(sint(width), vector)) },
      out: { y: stream(vec(sint(width + 1), vector)) },
      doc: `Butterfly of beats ${distance} apart, ${vector} elements of ${width} bits each.`,
    },
    ({ x }) => {
      const shape = vec(sint(width + 1), vector);
      const bits = Math.log2(distance);
      const second = reg("second", bool, { reset: 0 });
      // beats of this half so far, and differences of the vector before that still wait
      const position = distance === 1 ? lit(uint(1), 0) : reg("position", uint(bits), { reset: 0 });
      const left = reg("left", uint(bits + 1), { reset: 0 });
      const draining = left.orR().as("draining");

      const oldest = distance === 1 ? position : lit(uint(bits), 0).subMod(left.wrap(bits)).as("oldest");
      const store = smallMemory("waiting", shape, distance);
      const a = store.read(mux(draining, oldest, position).as("read_at"));
      const first = a.map((v) => v.wrap(width));
      const sums = x.payload.map((b, i) => first[i]!.add(b).as(`sum_${i}`));
      const differences = x.payload.map((b, i) => first[i]!.sub(b).as(`difference_${i}`));
      const y = source(
        shape,
        sums.map((s, i) => mux(draining, a[i]!, s)),
        draining.or(second.and(x.valid)).as("offered"),
      );

      // `distance` first halves have replaced as many differences, so a second half never meets any.
      const occupied = draining.and(oldest.eq(position)).as("occupied");
      const blocked = second.or(occupied).and(y.ready.not()).as("blocked");
      const taken = x.consume(blocked.not()).as("taken");
      store.write(
        taken,
        position,
        x.payload.map((v, i) => mux(second, differences[i]!, v.extend(width + 1))),
      );
      const halfDone = taken.and(position.eq(distance - 1)).as("half_done");
      if ("set" in position) when(taken, () => position.set(position.addMod(1)));
      when(halfDone, () => second.set(second.not()));
      when(draining.and(y.ready), () => left.set(left.subMod(1)));
      when(halfDone.and(second), () => left.set(distance));
      return { y };
    },
  );
