import assert from "node:assert/strict";
import { Random } from "../../../golden/model/random.js";
import { beatBytes, GROUP, getNibble, type MatrixRow, setNibble } from "./beats.js";
import {
  keyBeats,
  keyBeatsRead,
  keyNibble,
  keyScale,
  valueBeats,
  valueNibble,
  valueStride,
} from "./cache.js";
import { constantBeats, packGain, packWords32 } from "./constants.js";
import { StepReader } from "./steps.js";
import { w2Codec } from "./codecs.js";
import { packWide, unpackWide, wideBeats, wideRowBlocks } from "./wide.js";
import { packW4, unpackW4, w4Beats, w4RowBlocks, w4UnitRowBlocks } from "./w4.js";

const ROWS = [2, 4, 8];

const randomRows = (random: Random, count: number, groups: number, code: () => number): MatrixRow[] =>
  Array.from({ length: count }, () => ({
    codes: Int8Array.from({ length: groups * GROUP }, code),
    mantissas: Uint8Array.from({ length: groups }, () => random.integer(0, 255)),
    exponent: random.integer(0, 31),
  }));

const sameRows = (
  rows: readonly MatrixRow[],
  back: { codes: Int8Array; mantissas: Uint8Array; exponents: Uint8Array; groups: number },
): void => {
  rows.forEach((row, i) => {
    assert.deepEqual(back.codes.slice(i * back.groups * GROUP, (i + 1) * back.groups * GROUP), row.codes);
    assert.deepEqual(back.mantissas.slice(i * back.groups, (i + 1) * back.groups), row.mantissas);
    assert.equal(back.exponents[i], row.exponent);
  });
};

describe("weight formats", () => {
  it("w2 comes back from its beats, padding rows as zeros", () => {
    const random = new Random(1);
    for (const rows of ROWS)
      for (const groups of [1, 2, 3, 8, 9])
        for (const count of [rows, 3 * rows + 1, 32]) {
          const matrix = randomRows(random, count, groups, () => 2 * random.integer(-2, 1) + 1);
          const bytes = packWide(matrix, groups, rows, w2Codec);
          const blocks = wideRowBlocks(count, rows);
          assert.equal(bytes.length, wideBeats(blocks, groups) * beatBytes(rows));
          const back = unpackWide(bytes, blocks, groups, rows, w2Codec);
          sameRows(matrix, back);
          assert.ok(back.mantissas.slice(count * groups).every((m) => m === 0));
        }
  });

  it("w4 comes back from its beats", () => {
    const random = new Random(2);
    for (const rows of ROWS)
      for (const groups of [1, 2, 3, 8, 9, 16]) {
        const unit = w4UnitRowBlocks(groups);
        const matrix = randomRows(random, 13, groups, () => random.integer(-8, 7));
        const blocks = Math.ceil(w4RowBlocks(13, rows) / unit) * unit;
        const bytes = packW4(matrix, groups, rows, blocks);
        assert.equal(bytes.length, w4Beats(blocks, groups) * beatBytes(rows));
        sameRows(matrix, unpackW4(bytes, blocks, groups, rows));
      }
  });

  it("any unit of the embedding is a matrix of its own", () => {
    const random = new Random(3);
    for (const rows of ROWS)
      for (const groups of [1, 2, 3, 4, 6, 8, 9, 16]) {
        const unit = w4UnitRowBlocks(groups);
        const beats = (unit * groups * 9) / 8;
        assert.ok(Number.isInteger(beats));
        const half = rows / 2;
        const matrix = randomRows(random, 4 * unit * half, groups, () => random.integer(-8, 7));
        const bytes = packW4(matrix, groups, rows);
        for (let u = 0; u < 4; u++) {
          const part = bytes.subarray(u * beats * beatBytes(rows), (u + 1) * beats * beatBytes(rows));
          sameRows(matrix.slice(u * unit * half, (u + 1) * unit * half), unpackW4(part, unit, groups, rows));
        }
      }
  });

  it("puts scale beats where isa/README.md says: w2, R = 2, two groups, four row blocks", () => {
    const row = (exponent: number): MatrixRow => ({
      codes: new Int8Array(64).fill(-3),
      mantissas: Uint8Array.of(100 + exponent, 200 + exponent),
      exponent,
    });
    const bytes = packWide([0, 1, 2, 3, 4, 5, 6, 7].map(row), 2, 2, w2Codec);
    // Three steps per block: e0 m0 m1 | e m m | e m, then the ninth step opens the next scale beat.
    const first = [0, 1, 100, 101, 200, 201, 2, 3, 102, 103, 202, 203, 4, 5, 104, 105];
    const second = [204, 205, 6, 7, 106, 107, 206, 207, 0, 0, 0, 0, 0, 0, 0, 0];
    const beat = (i: number): number[] => [...bytes.subarray(16 * i, 16 * i + 16)];
    assert.deepEqual(beat(0), first);
    for (const weight of [1, 2, 3, 4, 5])
      assert.deepEqual(beat(weight), new Array(16).fill(0), `weight beat ${weight}`);
    assert.deepEqual(beat(6), second);
    for (const weight of [7, 8, 9]) assert.deepEqual(beat(weight), new Array(16).fill(0));
    assert.equal(bytes.length, 16 * 10);
  });

  it("splits the two steps of group 0 over two scale beats when one is left", () => {
    // Six groups take seven steps a block: one is left when the second block needs two.
    const random = new Random(4);
    const matrix = randomRows(random, 8, 6, () => 1);
    const bytes = packWide(matrix, 6, 4, w2Codec);
    const beat = beatBytes(4);
    // beat 0 scales, 1..6 weights, 7 scales (needed for the mantissas of block 1), 8..13 weights
    assert.equal(bytes.length, 14 * beat);
    assert.deepEqual(
      [...bytes.subarray(7 * 4, 8 * 4)],
      matrix.slice(4).map((r) => r.exponent),
    );
    assert.deepEqual(
      [...bytes.subarray(7 * beat, 7 * beat + 4)],
      matrix.slice(4).map((r) => r.mantissas[0]),
    );
  });

  it("places nibbles: w2 rows in pairs, w4 rows alone", () => {
    const zero: MatrixRow = { codes: new Int8Array(32).fill(-3), mantissas: Uint8Array.of(1), exponent: 0 };
    const codes = new Int8Array(32).fill(-3);
    codes[5] = 3; // u = 1, stored 3
    const w2 = packWide([zero, zero, zero, { ...zero, codes }], 1, 4, w2Codec);
    for (let n = 0; n < 64; n++) assert.equal(getNibble(w2, 32, n), n === 32 + 5 ? 3 << 2 : 0);
    const four: MatrixRow = { codes: new Int8Array(32).fill(-8), mantissas: Uint8Array.of(1), exponent: 0 };
    const codes4 = new Int8Array(32).fill(-8);
    codes4[31] = 7;
    const w4 = packW4([four, { ...four, codes: codes4 }], 1, 4);
    for (let n = 0; n < 64; n++) assert.equal(getNibble(w4, 32, n), n === 63 ? 15 : 0);
  });

  it("refuses codes that the format lacks", () => {
    const row: MatrixRow = { codes: new Int8Array(32).fill(2), mantissas: Uint8Array.of(1), exponent: 0 };
    assert.throws(() => packWide([row], 1, 2, w2Codec), /2 is no W2 code/);
    assert.throws(() => packW4([{ ...row, codes: new Int8Array(32).fill(8) }], 1, 2), /8 is no W4 code/);
  });
});

describe("cache formats", () => {
  it("keys written nibble by nibble read as one matrix with inline scales", () => {
    const random = new Random(5);
    for (const rows of ROWS)
      for (const groups of [1, 2, 4]) {
        const slots = 96;
        const beat = beatBytes(rows);
        const bytes = new Uint8Array(keyBeats(slots, groups, rows) * beat);
        const codes = Int8Array.from({ length: slots * groups * GROUP }, () => random.integer(-7, 7));
        const scales = Uint8Array.from({ length: 2 * slots }, () => random.integer(0, 255));
        for (let slot = 0; slot < slots; slot++) {
          const scale = keyScale(slot, groups, rows);
          bytes[scale.beat * beat + scale.index] = scales[2 * slot]!;
          bytes[scale.beat * beat + scale.index + 1] = scales[2 * slot + 1]!;
          for (let d = 0; d < groups * GROUP; d++) {
            const place = keyNibble(slot, d, groups, rows);
            setNibble(bytes, place.beat * beat, place.index, codes[slot * groups * GROUP + d]! + 8);
          }
        }
        for (const live of [1, 5, 33, 96]) {
          const reader = new StepReader(bytes.subarray(0, keyBeatsRead(live, groups, rows) * beat), rows);
          const half = rows / 2;
          for (let block = 0; block * half < live; block++) {
            reader.need(1);
            const step = reader.step();
            for (let g = 0; g < groups; g++) {
              const at = reader.weightBeat();
              for (let j = 0; j < half; j++)
                for (let c = 0; c < GROUP; c++)
                  assert.equal(
                    getNibble(bytes, at, GROUP * j + c) - 8,
                    codes[((block * half + j) * groups + g) * GROUP + c],
                  );
            }
            for (let j = 0; j < half; j++) {
              assert.equal(bytes[step + 2 * j], scales[2 * (block * half + j)]);
              assert.equal(bytes[step + 2 * j + 1], scales[2 * (block * half + j) + 1]);
            }
          }
          assert.equal(reader.position, keyBeatsRead(live, groups, rows) * beat);
        }
      }
  });

  it("values have every nibble of their beats once", () => {
    for (const rows of ROWS) {
      const [slots, headDim] = [64, 32];
      const seen = new Set<string>();
      for (let d = 0; d < headDim; d++)
        for (let slot = 0; slot < slots; slot++) {
          const { beat, index } = valueNibble(d, slot, valueStride(slots), rows);
          assert.ok(beat < valueBeats(slots, headDim, rows) && index < rows * 16);
          seen.add(`${beat} ${index}`);
        }
      assert.equal(seen.size, slots * headDim);
    }
    // 40 slots take whole groups
    assert.equal(valueStride(40), 2);
    assert.deepEqual(valueNibble(3, 37, 2, 4), { beat: 1 * 2 + 1, index: 32 + 5 });
  });
});

describe("constants", () => {
  it("are packed from the least significant bits, negative ones too", () => {
    assert.deepEqual(
      [...packGain(Int16Array.of(1, -2, 0x1234), 2)].slice(0, 6),
      [1, 0, 0xfe, 0xff, 0x34, 0x12],
    );
    assert.deepEqual(
      [...packWords32(Int32Array.of(-1, 0x01020304), 2)].slice(0, 8),
      [255, 255, 255, 255, 4, 3, 2, 1],
    );
    assert.equal(constantBeats(64, 2, 2), 8);
    assert.equal(packGain(new Int16Array(65), 2).length, 9 * 16);
  });
});
