import assert from "node:assert/strict";
import { Random } from "../../../golden/model/random.js";
import { beatBytes, GROUP, type MatrixRow } from "./beats.js";
import { packN24, unpackN24 } from "./n24.js";
import { wideBeats, wideRowBlocks } from "./wide.js";
import { weightsOfRow } from "../kernel.testing.js";

const matrixOf = (random: Random, count: number, groups: number): MatrixRow[] =>
  Array.from({ length: count }, () => {
    const codes = new Int8Array(groups * GROUP);
    for (let quad = 0; quad < codes.length; quad += 4) {
      const first = random.integer(0, 3);
      const second = (first + random.integer(1, 3)) % 4;
      for (const i of [first, second]) codes[quad + i] = 2 * random.integer(-2, 1) + 1;
    }
    return {
      codes,
      mantissas: Uint8Array.from({ length: groups }, () => random.integer(0, 255)),
      exponent: random.integer(0, 31),
    };
  });

describe("weight format n24", () => {
  it("comes back from its beats, padding rows as mantissa 0", () => {
    const random = new Random(1);
    for (const rows of [2, 4, 8])
      for (const groups of [1, 3, 8, 9])
        for (const count of [rows, 3 * rows + 1]) {
          const matrix = matrixOf(random, count, groups);
          const bytes = packN24(matrix, groups, rows);
          const blocks = wideRowBlocks(count, rows);
          assert.equal(bytes.length, wideBeats(blocks, groups) * beatBytes(rows));
          const back = unpackN24(bytes, blocks, groups, rows);
          for (const [i, row] of matrix.entries()) {
            const from = i * groups * GROUP;
            assert.deepEqual(back.codes.slice(from, from + groups * GROUP), row.codes);
            assert.deepEqual(back.mantissas.slice(i * groups, (i + 1) * groups), row.mantissas);
            assert.equal(back.exponents[i], row.exponent);
          }
          assert.ok(back.mantissas.slice(count * groups).every((m) => m === 0));
        }
  });
  it("is what engines are told that a beat means", () => {
    const rows = 4;
    const matrix = matrixOf(new Random(2), rows, 1);
    const bytes = packN24(matrix, 1, rows);
    const beat = bytes.subarray(beatBytes(rows)).reduceRight((w, b) => (w << 8n) | BigInt(b), 0n);
    for (let r = 0; r < rows; r++)
      assert.deepEqual(weightsOfRow(rows, "n24", beat, r), [...matrix[r]!.codes]);
  });
  it("names row and column of what is not two of four, or does not ascend", () => {
    const matrix = matrixOf(new Random(3), 3, 2);
    matrix[2]!.codes.fill(0, 36, 40);
    assert.throws(() => packN24(matrix, 2, 2), /row 2, column 36: 0 of 4 columns are not 0, 2 must be/);
    const bytes = packN24(matrix.slice(0, 2), 2, 2);
    const second = 2 * beatBytes(2); // scale beat, group 0, group 1
    bytes[second + 3] = (bytes[second + 3]! & 0x33) | 0x48; // row 1, columns 38, 39: indices 2, 1
    assert.throws(() => unpackN24(bytes, 1, 2, 2), /n24: row 1, column 36: the indices 2, 1 do not ascend/);
  });
});
