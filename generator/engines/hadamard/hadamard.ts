/**
 * Fast Walsh-Hadamard transform of a stream of vectors, one beat a cycle: the online rotation before quantisation of
 * BitNet v2 (arXiv 2504.18415, section 2). log2(n) levels of add/subtract butterflies, a bit wider each: first those between
 * beats, whose memories are then narrow, then those inside a beat. At the end x·2^(-floor(k/2)), rounded half up.
 */
import { defineModule, fail, sint, type Stream, stream, type Ty, type Vec, vec } from "../../hdl/index.js";
import { betweenBeats, insideBeat } from "./butterflies.js";

export interface HadamardSize {
  /** Elements of a vector: 2^k, 32 to 256. */
  readonly length: number;
  /** Elements of a beat: 2^j, less than a vector or all of it. */
  readonly vector: number;
  /** Bits of an element. */
  readonly width: number;
}

const isPower = (n: number): boolean => Number.isInteger(Math.log2(n));

const check = ({ length, vector, width }: HadamardSize): void => {
  if (!isPower(length) || length < 32 || length > 256)
    fail(`a Hadamard unit takes vectors of 32, 64, 128 or 256; split ${length} into such blocks`);
  if (!isPower(vector) || vector < 1 || vector > length)
    fail(`beats of a Hadamard unit hold a power of two of elements, 1 to ${length}; not ${vector}`);
  if (!Number.isInteger(width) || width < 2 || width > 32)
    fail(`elements of a Hadamard unit have 2 to 32 bits; not ${width}`);
};

/** Bits that the rounding shift takes away: floor(k/2) of a vector of 2^k. */
export const hadamardShift = (length: number): number => Math.floor(Math.log2(length) / 2);

/** No rounded sum needs more: |sum| <= 2^(width-1) · 2^k. */
export const hadamardWidth = ({ length, width }: HadamardSize): number =>
  width + Math.log2(length) - hadamardShift(length);

export const hadamard = (size: HadamardSize) => {
  check(size);
  const { length, vector, width } = size;
  const out = vec(sint(hadamardWidth(size)), vector);
  return defineModule(
    `hadamard_${length}_${vector}x${width}`,
    {
      in: { x: stream(vec(sint(width), vector)) },
      out: { y: stream(out) },
      doc: `Walsh-Hadamard transform of ${length} elements, ${vector} a cycle; vectors follow each other from reset on.`,
    },
    ({ x }) => {
      let beats: Stream<Vec<Ty<"s", number>>> = x;
      let bits = width;
      for (let distance = length / vector / 2; distance >= 1; distance /= 2, bits++)
        beats = betweenBeats(distance, vector, bits)
          .inst(`u_beats_${distance}`, { x: beats })
          .y.stage(`beats_${distance}`);
      const y = beats.pipe(out, (elements, cut) => {
        let v = elements;
        for (let distance = vector / 2; distance >= 1; distance /= 2) v = cut(insideBeat(v, distance));
        return v.map((s, i) =>
          cut(s.roundShr(hadamardShift(length)).wrap(hadamardWidth(size)).as(`rounded_${i}`)),
        );
      });
      return { y };
    },
  );
};
