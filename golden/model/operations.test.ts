/** What the models beyond Llama add, and sums beyond 2^53, against BigInt statements of the contract. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addBias,
  attend,
  cacheCode,
  cacheScale,
  gather,
  inverseRoot,
  KvCache,
  matvec,
  normHeads,
  OUTPUT_NORM,
  relu2Gate,
  scaleHeads,
  scaleOut,
  type Squares,
  Sticky,
  sumSquares,
} from "./ops.js";
import { Random } from "./random.js";
import type { CacheBits, Scale } from "./types.js";

/** (a + 2^(n-1)) >> n. */
function shiftRight(a: bigint, n: bigint): bigint {
  return n === 0n ? a : (a + (1n << (n - 1n))) >> n;
}

function clamp(a: bigint, bits: number): bigint {
  const limit = 1n << BigInt(bits - 1);
  return a >= limit ? limit - 1n : a < -limit ? -limit : a;
}

/** A scale as the contract writes products of scales: only the two leading mantissas are needed here. */
const scales = fc.record({ m: fc.integer({ min: 32768, max: 65535 }), e: fc.integer({ min: -90, max: 20 }) });
const int24 = fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 });
const int16 = fc.integer({ min: -32768, max: 32767 });
const CORNERS = [-8388608, -8388607, -1, 0, 1, 8388607];

describe("operations of section 4 beyond 2^53", () => {
  it("scaleOut is exact for every sum of 40 bits, every shift", () => {
    const check = (sum: number, t: Scale, exponent: number, bits: number): void => {
      const sticky = new Sticky();
      const shift = BigInt(Math.max(0, exponent - t.e));
      const exact = shift > 62n ? 0n : shiftRight(BigInt(sum) * BigInt(t.m), shift);
      const wanted = clamp(exact, bits);
      assert.equal(scaleOut(sum, t, exponent, bits, sticky), Number(wanted));
      assert.deepEqual([sticky.matrix, sticky.shift], [exact === wanted ? 0 : 1, exponent < t.e ? 1 : 0]);
    };
    const sum = fc.integer({ min: -(2 ** 39), max: 2 ** 39 - 1 });
    fc.assert(
      fc.property(sum, scales, fc.integer({ min: 0, max: 31 }), (sum, t, exponent) => {
        check(sum, t, exponent, 32);
        check(sum, t, exponent, 24);
      }),
      { numRuns: 2000 },
    );
    for (const sum of [2 ** 36, 2 ** 36 - 1, 2 ** 37, 2 ** 39 - 1, -(2 ** 39), -(2 ** 36), 2 ** 38 + 1])
      for (let shift = 0; shift <= 66; shift++) check(sum, { m: 65535, e: -shift }, 0, 32);
  });

  it("a W8 row of extreme codes is exact", () => {
    const cols = 4096;
    const codes = new Int8Array(2 * cols).map((_, i) => (i < cols ? 119 : i % 2 === 0 ? 119 : -119));
    const mantissas = new Uint8Array((2 * cols) / 32).fill(255);
    const matrix = {
      rows: 2,
      cols,
      format: "W8",
      codes,
      mantissas,
      exponents: Uint8Array.of(12, 0),
    } as const;
    const input = new Int8Array(cols).fill(127);
    input[0] = -126; // an odd sum
    const out = new Int32Array(2);
    matvec(matrix, input, { m: 65535, e: -20 }, 32, out, new Sticky());
    const sums = [119n * (127n * BigInt(cols) - 253n) * 255n, 119n * -253n * 255n];
    assert.ok(sums[0]! > 1n << 33n);
    assert.deepEqual(Array.from(out), [
      Number(shiftRight(sums[0]! * 65535n, 32n)),
      Number(clamp(shiftRight(sums[1]! * 65535n, 20n), 32)),
    ]);
  });

  it("attention over 2,048 slots of 8-bit values is exact, and no more slots are allowed", () => {
    const shape = { dim: 2, hidden: 2, layers: 1, heads: 1, kvHeads: 1, headDim: 2, vocab: 2, context: 4096 };
    const kv8 = [{ keys: 8, values: 8 }] as const;
    const cache = new KvCache(shape, 0, 2048, kv8);
    const p = new Int32Array(2048).fill(127);
    cache.valueCodes.fill(119);
    for (let s = 0; s < 2048; s++) cache.valueCodes[2 * s + 1] = s === 5 ? 118 : -119;
    const view = {
      ...{ scores: new Int32Array(2048), scoresAt: 0, live: 2048, scales: cache.valueScales, scalesAt: 0 },
      ...{ p, pAt: 0, exponents: new Int32Array(64), exponentsAt: 0 },
    };
    const out = new Int32Array(2);
    attend(cache, 0, 0, view, 2 ** 31, { m: 65535, e: -13 }, out, 0, new Sticky());
    const sum = BigInt(2048 * 127 * 119 * 2 ** 14);
    const odd = -sum + BigInt((119 + 118) * 127 * 2 ** 14);
    assert.ok(sum >= 1n << 38n);
    // recip(2^15) is 65535 instead of 65536; the product with 65535 is cut to 16 bits
    const t = { m: (65535n * 65535n) >> 16n, shift: 31n + 16n + 13n - 16n };
    assert.deepEqual(
      Array.from(out, BigInt),
      [sum, odd].map((v) => clamp(shiftRight(v * t.m, t.shift), 24)),
    );
    assert.throws(
      () => new KvCache(shape, 1, 2048, kv8),
      /layer 0 has values of 8 bits, which allow 2048 attention slots, not 2049/,
    );
    assert.equal(new KvCache(shape, 1, 2048, [{ keys: 8, values: 4 }]).slots, 2049);
  });
});

const NONE: Squares = { sum: 0, shift: 0 };
/** Section 2's sum of squares, stated from its end: what an element still counts is its square cut at each step of s. */
const squaresOf = (values: readonly number[]): Squares => {
  const wanted = (v: bigint): number =>
    [0, 7, 14].find((n) => BigInt.asIntN(18, v >> BigInt(n)) === v >> BigInt(n))!;
  const state = values.map(BigInt).reduce(
    ({ sum, s }, v) => {
      const next = Math.max(s, wanted(v));
      return { sum: (sum >> BigInt(2 * (next - s))) + (v >> BigInt(next)) ** 2n, s: next };
    },
    { sum: 0n, s: 0 },
  );
  return { sum: Number(state.sum), shift: state.s };
};

describe("sums of squares", () => {
  it("take the least block exponent that fits so far, in order", () => {
    const sizes = fc
      .integer({ min: 1, max: 32 })
      .chain((bits) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 }));
    fc.assert(
      fc.property(fc.array(sizes, { minLength: 1, maxLength: 40 }), (values) => {
        assert.deepEqual(sumSquares(Int32Array.from(values)), squaresOf(values));
      }),
    );
    assert.deepEqual(sumSquares(Int32Array.of(131071, -131072)), {
      sum: 131071 ** 2 + 131072 ** 2,
      shift: 0,
    });
    assert.deepEqual(sumSquares(Int32Array.of(300, 131072)), { sum: (90000 >> 14) + 1024 ** 2, shift: 7 });
    assert.deepEqual(sumSquares(Int32Array.of(-2147483648, 16384, -1)), {
      sum: 131072 ** 2 + 1 + 1,
      shift: 14,
    });
  });

  it("stand within 2^-9 for the true sum whatever the sizes", () => {
    const random = new Random(4);
    for (let bits = 1; bits < 32; bits++) {
      const values = Int32Array.from({ length: 64 }, (_, i) =>
        random.integer(-(2 ** (i % bits)), 2 ** (i % bits)),
      );
      const { sum, shift } = sumSquares(values);
      const real = values.reduce((total, v) => total + v * v, 0);
      assert.ok(
        Math.abs((sum * 4 ** shift) / real - 1) < 2 ** -9,
        `${bits} bits: ${sum * 4 ** shift} for ${real}`,
      );
    }
  });

  it("R is one over the root, epsilon in units of the elements, zero of nothing", () => {
    for (const [sum, shift, epsilon] of [
      [1, 0, 3],
      [2 ** 47, 14, 2 ** 40],
      [0, 7, 2 ** 20],
    ] as const) {
      const { m, e } = inverseRoot({ sum, shift }, epsilon);
      const real = 1 / Math.sqrt(sum * 4 ** shift + epsilon);
      assert.ok(Math.abs((m * 2 ** e) / real - 1) < 1e-4);
    }
    assert.deepEqual(inverseRoot({ sum: 0, shift: 14 }, 1), { m: 0, e: 0 });
  });
});

describe("operations that only some architectures have", () => {
  it("biases saturate at 24 bits", () => {
    const out = Int32Array.of(8388600, -8388600, 5);
    const sticky = new Sticky();
    addBias(out, Int32Array.of(7, -8, -8388608), sticky);
    assert.deepEqual([...out, sticky.matrix], [8388607, -8388608, -8388603, 0]);
    addBias(out, Int32Array.of(1, -1, -6), sticky);
    assert.deepEqual([...out, sticky.matrix], [8388607, -8388608, -8388608, 3]);
  });

  it("norms of heads: sums of squares from before the gain, gains, 1/rms", () => {
    const pairs = fc.array(fc.tuple(fc.oneof(int24, fc.constantFrom(...CORNERS)), int16), {
      ...{ minLength: 4, maxLength: 4 },
    });
    fc.assert(
      fc.property(pairs, fc.array(int24, { minLength: 4, maxLength: 4 }), (first, second) => {
        const gain = Int16Array.from(first, ([, g]) => g);
        const values = [...first.map(([v]) => v), ...second];
        const v = Int32Array.from(values);
        const squares: Squares[] = [NONE, NONE];
        normHeads(v, gain, squares, new Sticky());
        const sums = [values.slice(0, 4), values.slice(4)].map(squaresOf);
        assert.deepEqual(squares, sums);
        const expected = values.map((value, i) =>
          clamp(shiftRight(BigInt(value) * BigInt(gain[i % 4]!), 15n), 24),
        );
        assert.deepEqual(Array.from(v, BigInt), expected);
      }),
    );
  });

  it("scaled keys are keys over their root mean square", () => {
    const random = new Random(8);
    const gain = new Int16Array(16).fill(16384); // one half
    for (let size = 6; size < 24; size++) {
      const values = Float64Array.from({ length: 16 }, () => random.integer(-(2 ** size) + 1, 2 ** size - 1));
      const k = Int32Array.from(values);
      const squares: Squares[] = [NONE];
      const sticky = new Sticky();
      normHeads(k, gain, squares, sticky);
      // 2^12/rms: K = sqrt(16)·2^(15 - a + 12), a = 14 for a gain of 1 from 16384
      scaleHeads(k, squares, 1, { m: 32768, e: 2 + 15 - 14 + 12 - 15 }, sticky);
      const rms = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / 16);
      const off = 0.002;
      for (const [i, v] of values.entries())
        assert.ok(
          Math.abs(k[i]! / 4096 - v / rms) < off * Math.max(1, Math.abs(v / rms)) + 2 ** (6 - size),
          `${size} bits: ${k[i]! / 4096} for ${v / rms}`,
        );
      assert.equal(sticky.total(), 0);
    }
  });

  it("a scale of 1/rms that would shift left counts, and saturates as RoPE does", () => {
    const sticky = new Sticky();
    const k = Int32Array.of(1000, -1000);
    scaleHeads(k, [NONE], 1, { m: 65535, e: 30 }, sticky);
    assert.deepEqual([...k, sticky.shift, sticky.rope, sticky.matrix], [8388607, -8388608, 2, 2, 0]);
  });

  it("sub-norm of the attention output: 24 bits, its own shifts", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(int24, int16), { minLength: 1, maxLength: 9 }), (pairs) => {
        const y = new Int32Array(pairs.length);
        const sticky = new Sticky();
        const gain = Int16Array.from(pairs, ([, g]) => g);
        const { maximum, squares } = gather(
          Int32Array.from(pairs, ([o]) => o),
          ...([gain, y, sticky, OUTPUT_NORM] as const),
        );
        const expected = pairs.map(([o, g]) => clamp(shiftRight(BigInt(o) * BigInt(g), 7n), 32));
        assert.deepEqual(Array.from(y, BigInt), expected);
        assert.equal(maximum, Math.max(...expected.map((v) => Math.abs(Number(v)))));
        assert.deepEqual(squares, squaresOf(pairs.map(([o]) => o)));
      }),
    );
  });

  it("squared ReLU times up, saturating twice", () => {
    const gates = fc.oneof(int24, fc.constantFrom(...CORNERS));
    const run = (gate: number, up: number): [number, number] => {
      const h = new Int32Array(1);
      const sticky = new Sticky();
      relu2Gate(Int32Array.of(gate), Int32Array.of(up), h, sticky);
      return [h[0]!, sticky.h];
    };
    const most = (1n << 30n) - 1n;
    fc.assert(
      fc.property(gates, gates, (gate, up) => {
        const g = BigInt(Math.max(gate, 0));
        const square = shiftRight(g * g, 16n);
        const product = shiftRight((square > most ? most : square) * BigInt(up), 18n);
        const h = clamp(product, 32);
        assert.deepEqual(run(gate, up), [Number(h), h === product ? 0 : 1]);
      }),
      { numRuns: 2000 },
    );
    assert.deepEqual(run(8388607, 8388607), [2147483647, 1]);
    assert.deepEqual(run(8388607, -8388608), [-2147483648, 1]);
    assert.deepEqual(run(-8388608, 8388607), [0, 0]);
    assert.deepEqual(run(1 << 21, 1 << 21), [1 << 29, 0]); // the calibrated limits
  });
});

describe("cache codes of 3 and 8 bits", () => {
  const LARGEST = { 3: 3, 4: 7, 8: 119 } as const;
  /** Section 5 in BigInt. */
  function exactScale(maximum: bigint, multiplier: bigint): bigint {
    const t = (maximum * multiplier + 65535n) >> 16n;
    const length = t === 0n ? 0 : t.toString(2).length;
    let x = BigInt(Math.max(0, length - 5));
    let f = ((t + (1n << x) - 1n) >> x) - 16n;
    if (f < 0n) f = 0n;
    if (f === 16n) [x, f] = [x + 1n, 0n];
    return x > 15n ? 255n : 16n * x + f;
  }

  it("bytes and codes are the contract's, for any value of 24 bits", () => {
    const multiplier = { 3: 87382n, 4: 37450n, 8: 2203n } as const;
    const bits = fc.constantFrom<CacheBits>(3, 4, 8);
    fc.assert(
      fc.property(bits, fc.integer({ min: 0, max: 2 ** 23 }), int24, (bits, maximum, value) => {
        const byte = cacheScale(maximum, new Sticky(), bits);
        assert.equal(BigInt(byte), exactScale(BigInt(maximum), multiplier[bits]));
        const inverse = BigInt(Math.round(65536 / (16 + (byte & 15))));
        const code = Number(shiftRight(BigInt(value) * inverse, 14n + BigInt(byte >> 4)));
        assert.equal(cacheCode(value, byte, bits), Math.max(-LARGEST[bits], Math.min(LARGEST[bits], code)));
      }),
      { numRuns: 3000 },
    );
  });

  for (const bits of [3, 8] as const)
    it(`${bits} bits: the smallest scale that reaches, codes within half a step`, () => {
      const random = new Random(bits);
      const meaning = (byte: number): number => ((16 + (byte & 15)) * 2 ** (byte >> 4)) / 4;
      const sticky = new Sticky();
      const top = Math.min(2 ** 23, Math.floor(31 * 8192 * LARGEST[bits]) - 4);
      const check = (maximum: number): void => {
        const byte = cacheScale(maximum, sticky, bits);
        assert.ok(meaning(byte) * LARGEST[bits] >= maximum, `${maximum}: too small`);
        if (byte > 0)
          assert.ok(
            meaning(byte - 1) * LARGEST[bits] < maximum * 1.0005 + LARGEST[bits],
            `${maximum}: too large`,
          );
        for (const value of [maximum, -maximum, random.integer(-maximum, maximum)]) {
          const code = cacheCode(value, byte, bits);
          assert.ok(Math.abs(code) <= LARGEST[bits]);
          const error = Math.abs(code - value / meaning(byte));
          assert.ok(error < 0.5 + LARGEST[bits] * 2.2e-4, `${value} of ${maximum}: ${error}`);
        }
      };
      for (let maximum = 1; maximum < 60000; maximum++) check(maximum);
      for (let i = 0; i < 30000; i++) check(random.integer(60000, top));
      assert.equal(sticky.cache, 0);
      // 8 bits have room for the whole of int24
      assert.equal(cacheScale(2 ** 23, sticky, bits) === 255, bits !== 8);
      assert.equal(sticky.cache, bits === 8 ? 0 : 1);
    });
});
