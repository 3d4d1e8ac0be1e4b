/** Norms in WebAssembly against golden/model, vector by vector: sums of squares whose block exponent grows on the way. */
import assert from "node:assert/strict";
import {
  gather,
  inverseRoot,
  mul,
  normHeads,
  OUTPUT_NORM,
  quantise,
  RESIDUAL_NORM,
  type Squares,
  Sticky,
  sumSquares,
} from "../../model/ops.js";
import { Random } from "../../model/random.js";
import type { Scale } from "../../model/types.js";
import { Layout } from "../layout.js";
import { placeSteps, step } from "../steps.js";
import { kernelModule } from "./kernels.js";
import { PLACES } from "./scale.js";
import { NORM } from "./vector.js";

const LONGEST = 2 ** 14;

interface Exports {
  setArea(address: number): void;
  norm(step: number, source: number, codes: number): number;
  headNorm(x: number, gain: number, length: number, epsilon: number): number;
}

const unpack = (packed: number): Scale => ({ m: packed & 0xffff, e: packed >> 16 });

let compiled: WebAssembly.Module | undefined;

/** One vector through the kernels of a memory made for it. */
function instance(x: Int32Array, gain: Int16Array, gainShift: number, epsilon: number) {
  const layout = new Layout("a vector");
  const at = {
    area: layout.place(128 + 4 * x.length),
    x: layout.placeInt32(x),
    gain: layout.placeInt16(gain),
    epsilon: layout.placeInt64(epsilon),
    codes: layout.place(2 * x.length),
  };
  const one = step("norm", NORM, {
    ...{ source: at.x, delta: 0, length: x.length, gain: at.gain, gainShift, epsilon: at.epsilon },
    ...{ codes: at.codes, codesStride: 0, scales: 0, y: 128, first: 0 },
  });
  const steps = placeSteps(layout, [one]);
  const memory = layout.allocate();
  compiled ??= new WebAssembly.Module(kernelModule());
  const exports = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Exports;
  exports.setArea(at.area);
  return {
    norm: () => unpack(exports.norm(steps.address, at.x, at.codes)),
    headNorm: () => unpack(exports.headNorm(at.x, at.gain, x.length, at.epsilon)),
    x: () => new Int32Array(memory.buffer, at.x, x.length),
    codes: () => new Int16Array(memory.buffer, at.codes, x.length),
    count: (place: (typeof PLACES)[number]) =>
      Number(new BigInt64Array(memory.buffer, at.area, PLACES.length)[PLACES.indexOf(place)]),
  };
}

function compareNorm(values: readonly number[], gain: Int16Array, gainShift: number, epsilon: number): void {
  const x = Int32Array.from(values);
  const y = new Int32Array(x.length);
  const codes = new Int8Array(x.length);
  const sticky = new Sticky();
  const { maximum, squares } = gather(x, gain, y, sticky, gainShift);
  const scale = mul(quantise(y, maximum, codes), inverseRoot(squares, epsilon));
  const fast = instance(x, gain, gainShift, epsilon);
  assert.deepEqual(fast.norm(), scale);
  assert.deepEqual(Int8Array.from(fast.codes()), codes);
  assert.equal(fast.count("y"), sticky.y);
}

function compareHead(values: readonly number[], gain: Int16Array, epsilon: number): void {
  const x = Int32Array.from(values);
  const squares: Squares[] = [{ sum: 0, shift: 0 }];
  const sticky = new Sticky();
  const fast = instance(x, gain, RESIDUAL_NORM, epsilon);
  normHeads(x, gain, squares, sticky);
  assert.deepEqual(fast.headNorm(), inverseRoot(squares[0]!, epsilon));
  assert.deepEqual(fast.x(), x);
  assert.equal(fast.count("rope"), sticky.rope);
}

describe("norms in WebAssembly", () => {
  const random = new Random(71);
  const gain = (length: number): Int16Array =>
    Int16Array.from({ length }, () => random.integer(-32768, 32767));
  /** Signed values of so many bits without the sign. */
  const sized = (bits: number): number => random.integer(-(2 ** bits), 2 ** bits - 1);
  const many = (count: number, bits: number): number[] => Array.from({ length: count }, () => sized(bits));

  const vectors: Readonly<Record<string, { readonly values: readonly number[]; readonly shift: number }>> = {
    "outliers first, tiny ones behind": {
      values: [2 ** 30, -(2 ** 30), 2 ** 30 + 12345, ...many(285, 3)],
      shift: 14,
    },
    "tiny ones first, the outlier last": { values: [...many(287, 9), -(2 ** 30)], shift: 14 },
    "beyond 2^17 in the middle": { values: [...many(100, 16), 2 ** 17, ...many(100, 16)], shift: 7 },
    "beyond 2^17, then 2^24": {
      values: [...many(60, 17), -(2 ** 17) - 1, ...many(60, 20), 2 ** 24, ...many(60, 28)],
      shift: 14,
    },
    "just within 18 bits": { values: [2 ** 17 - 1, -(2 ** 17), 3], shift: 0 },
    "just within 25 bits": { values: [5, 2 ** 24 - 1, -(2 ** 24), 3], shift: 7 },
    "just beyond 25 bits": { values: [...many(30, 24), -(2 ** 24) - 1, 3], shift: 14 },
    "the least int32, as often as 48 bits hold": {
      values: new Array<number>(LONGEST).fill(-(2 ** 31)),
      shift: 14,
    },
    zeros: { values: [0, 0, 0, 0], shift: 0 },
  };
  const EPSILONS = [0, 1, 2 ** 14 - 1, 2 ** 28 - 1, 2 ** 28, 2 ** 47 + 2 ** 21];
  for (const [name, { values, shift }] of Object.entries(vectors)) {
    it(`sum squares as golden does: ${name}`, () => {
      assert.equal(sumSquares(Int32Array.from(values)).shift, shift);
      for (const epsilon of EPSILONS)
        for (const gainShift of [RESIDUAL_NORM, OUTPUT_NORM])
          compareNorm(values, gain(values.length), gainShift, epsilon);
    });
  }

  it("and in random order of random sizes, of the residual and of heads", () => {
    for (let i = 0; i < 200; i++) {
      const length = random.integer(1, 64);
      const most = random.integer(1, 31);
      const values = Array.from({ length }, () => sized(random.integer(0, most)));
      const epsilon = EPSILONS[i % EPSILONS.length]!;
      compareNorm(values, gain(length), RESIDUAL_NORM, epsilon);
      const head = values.map((v) => v >> Math.max(0, most - 23));
      compareHead(head, gain(length), epsilon);
    }
  });

  it("of a head beyond 2^17 in the middle, up to the ends of 24 bits", () => {
    for (const values of [
      [...many(30, 16), 2 ** 17, ...many(33, 16)],
      [-(2 ** 23), 2 ** 23 - 1, ...many(62, 4)],
    ])
      for (const epsilon of EPSILONS) compareHead(values, gain(values.length), epsilon);
  });
});
