/** Weight formats against golden's own decoders: round trips, every word, bytes, and streams that no encoder writes. */
import assert from "node:assert/strict";
import { Random } from "../../../golden/model/random.js";
import { unpackTernary5, unpackW2Rows } from "../../../golden/quantise/unpack/dense.js";
import { unpackShared } from "../../../golden/quantise/unpack/shared.js";
import {
  unpackN24Index,
  unpackN24Position,
  unpackTernary24,
} from "../../../golden/quantise/unpack/sparse24.js";
import { elaborate, emitVerilog } from "../../hdl/index.js";
import { simulate } from "../../simulate/index.js";
import { lint } from "../../tools/lint.js";
import { ternary5Decoder, w2Decoder } from "./decoders/dense.js";
import { sharedDecoder } from "./decoders/shared.js";
import { n24IndexDecoder, n24PositionDecoder, ternary24Decoder } from "./decoders/sparse24.js";
import { ternary5, w2Format } from "./dense.js";
import { bitsPerWeight, checkStream, encodeMatrix, matrixBytes, type WeightFormat } from "./format.js";
import { type SharedPattern, sharedFormat } from "./shared.js";
import { n24Index, n24Position, ternary24 } from "./sparse24.js";

type Golden = (bytes: Uint8Array, rows: number, columns: number) => Int8Array;
interface Case {
  readonly format: WeightFormat;
  readonly golden: Golden;
  readonly decoder: () => Parameters<typeof elaborate>[0];
  /** N of M columns hold one of `levels`. */
  readonly n: number;
  readonly levels: readonly number[];
  readonly bits: number;
}

const FOUR = [-3, -1, 1, 3];
const shared = (pattern: SharedPattern, bits: number): Case => ({
  format: sharedFormat(pattern),
  golden: (bytes, rows, columns) => unpackShared(bytes, rows, columns, pattern),
  decoder: () => sharedDecoder(pattern),
  n: pattern.n,
  levels: FOUR,
  bits,
});
const CASES: readonly Case[] = [
  { format: w2Format, golden: unpackW2Rows, decoder: w2Decoder, n: 4, levels: FOUR, bits: 2 },
  { format: ternary5, golden: unpackTernary5, decoder: ternary5Decoder, n: 5, levels: [-1, 0, 1], bits: 1.6 },
  { format: n24Index, golden: unpackN24Index, decoder: n24IndexDecoder, n: 2, levels: FOUR, bits: 2 },
  {
    format: n24Position,
    golden: unpackN24Position,
    decoder: n24PositionDecoder,
    n: 2,
    levels: FOUR,
    bits: 1.75,
  },
  {
    format: ternary24,
    golden: unpackTernary24,
    decoder: ternary24Decoder,
    n: 2,
    levels: [-1, 1],
    bits: 1.25,
  },
  shared({ n: 2, m: 4, v: 1 }, 2),
  shared({ n: 2, m: 4, v: 2 }, 1.5),
  shared({ n: 2, m: 4, v: 4 }, 1.25),
  shared({ n: 1, m: 4, v: 1 }, 1),
  shared({ n: 1, m: 8, v: 2 }, 0.4375),
  shared({ n: 4, m: 8, v: 4 }, 1.375),
  shared({ n: 8, m: 16, v: 8 }, 1.25),
];

/** N of every M columns, in all V rows the same ones. */
const matrixOf = (c: Case, random: Random, rows: number, columns: number): Int8Array => {
  const { format: f } = c;
  const codes = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row += f.rows)
    for (let column = 0; column < columns; column += f.columns) {
      const free = Array.from({ length: f.columns }, (_, i) => i).filter((i) => column + i < columns);
      while (free.length > c.n) free.splice(random.integer(0, free.length - 1), 1);
      for (let v = 0; v < f.rows; v++)
        for (const i of free)
          codes[(row + v) * columns + column + i] = c.levels[random.integer(0, c.levels.length - 1)]!;
    }
  return codes;
};

/** A matrix of one word, for golden. */
const bytesOf = (word: bigint, bits: number): Uint8Array =>
  Uint8Array.from({ length: Math.ceil(bits / 8) }, (_, i) => Number((word >> BigInt(8 * i)) & 255n));

/** The message of what is thrown, without the place of this file that elaboration puts in front. */
const said = (f: () => unknown): string => {
  try {
    f();
  } catch (e) {
    if (e instanceof Error) return e.message.replace(/^\S+\.ts:\d+:\d+: /, "");
  }
  return "no error";
};

const attempt = <T>(f: () => T): T | string => {
  try {
    return f();
  } catch (e) {
    return String(e);
  }
};

/** What the RTL decoder makes of words: dense codes [V·M], or null where it says `error`. */
const rtl = (c: Case, checks: boolean): ((word: bigint) => Int8Array | null) => {
  const { format: f } = c;
  const design = elaborate(c.decoder());
  const sim = simulate(design, { checks });
  const ports = new Set(design.modules.get(design.top)!.outputs.map((p) => p.name));
  const values = [...ports].filter((p) => p.startsWith("value_"));
  const perRow = values.length / f.rows;
  if (design.modules.get(design.top)!.inputs.some((p) => p.name === "valid")) sim.poke("valid", 1);
  return (word) => {
    sim.poke("word", word);
    const error = sim.peek("error") === 1n;
    if (checks) sim.step();
    if (error) return null;
    const codes = new Int8Array(f.rows * f.columns);
    for (const [i, port] of values.entries()) {
      const [v, k] = [Math.floor(i / perRow), i % perRow];
      const at = ports.has("index_0") ? Number(sim.peek(`index_${k}`)) : k;
      codes[v * f.columns + at] = Number(sim.peek(port));
    }
    return codes;
  };
};

describe("weight formats: words", () => {
  for (const c of CASES) {
    const { format: f } = c;
    const every = f.bits <= 12;

    it(`${f.name}: ${c.bits} bits per weight, in bytes of whole rows`, () => {
      assert.equal(bitsPerWeight(f), c.bits);
      const columns = f.columns * 32;
      assert.equal(matrixBytes(f, 16, columns), (16 * columns * c.bits) / 8);
    });

    it(`${f.name}: golden reads back what the encoder wrote`, () => {
      const random = new Random(1);
      for (const words of [1, 2, 3, 8, 16, 33])
        for (const rows of [f.rows, 3 * f.rows]) {
          const columns = f.columns * words - (f.filling === null ? 0 : words % f.columns);
          const codes = matrixOf(c, random, rows, columns);
          const bytes = encodeMatrix(f, codes, rows, columns);
          checkStream(f, bytes, rows, columns);
          assert.deepEqual(c.golden(bytes, rows, columns), codes);
        }
    });

    it(`${f.name}: ${every ? "every word" : "6,000 words"}: RTL, golden and checker agree, legal words are re-encoded`, () => {
      const decode = rtl(c, false);
      const random = new Random(2);
      let legal = 0;
      for (let i = 0; i < (every ? 2 ** f.bits : 6_000); i++) {
        let word = BigInt(i);
        if (!every) {
          // half legal, half any bits at all
          if (i % 2 === 0) {
            const codes = matrixOf(c, random, f.rows, f.columns);
            word = encodeMatrix(f, codes, f.rows, f.columns).reduceRight((w, b) => (w << 8n) | BigInt(b), 0n);
          } else
            for (word = 0n; word >> BigInt(f.bits - 1) === 0n; )
              word = (word << 1n) | BigInt(random.integer(0, 1)) | (random.integer(0, 40) === 0 ? 1n : 0n);
        }
        const bytes = bytesOf(word, f.bits);
        const golden = attempt(() => c.golden(bytes, f.rows, f.columns));
        const got = decode(word);
        const checked = attempt(() => checkStream(f, bytes, f.rows, f.columns));
        if (typeof golden === "string") {
          assert.equal(got, null, `word ${word}: golden says ${golden}, RTL decodes it`);
          assert.equal(typeof checked, "string", `word ${word}: golden says ${golden}, the checker nothing`);
        } else {
          legal++;
          assert.deepEqual(got, golden, `word ${word}`);
          assert.equal(checked, undefined);
          assert.deepEqual(encodeMatrix(f, golden, f.rows, f.columns), bytes);
        }
      }
      if (every) assert.equal(legal, legalWords(c));
      else assert.ok(legal >= 3_000);
    });

    it(`${f.name}: a corrupt word stops simulation`, () => {
      const corrupt = corruptWord(f);
      if (corrupt === null) return;
      assert.throws(() => rtl(c, true)(corrupt), /word_is_legal/);
    });
  }
});

describe("weight formats: Verilog of the decoders", () => {
  it("is clean in Verilator, Icarus and Yosys", async () => {
    for (const c of CASES) {
      const design = elaborate(c.decoder());
      for (const r of await lint(emitVerilog(design), design.top))
        assert.ok(r.clean, `${r.tool}, ${design.top}:\n${r.output}`);
    }
  });
});

/** C(M, N) choices of columns, and `levels` codes for each kept one of each row. */
const legalWords = ({ format: f, n, levels }: Case): number => {
  let choices = 1;
  for (let i = 0; i < n; i++) choices = (choices * (f.columns - i)) / (i + 1);
  return choices * levels.length ** (n * f.rows);
};

const corruptWord = (f: WeightFormat): bigint | null => {
  for (let word = 0n; word < 1n << BigInt(Math.min(f.bits, 8)); word++)
    if (f.corrupt(word, f.columns) !== null) return word;
  return null;
};

describe("weight formats: what has no word", () => {
  const encode = (f: WeightFormat, ...rows: number[][]) =>
    said(() => encodeMatrix(f, Int8Array.from(rows.flat()), rows.length, rows[0]!.length));

  it("names row and column of the code that does not fit", () => {
    assert.equal(
      encode(w2Format, [1, 1, 1, 1], [1, 3, 0, 1]),
      "w2: row 1, column 2: 0 is none of -3, -1, 1, 3",
    );
    assert.equal(encode(ternary5, [1, 0, 1, 0, 1, 0, 2]), "ternary5: row 0, column 6: 2 is none of -1, 0, 1");
    assert.equal(
      encode(n24Index, [1, 0, 1, 0, 1, 1, 1, 0]),
      "n24-index: row 0, column 4: 3 of 4 columns are not 0, 2 must be",
    );
    assert.equal(
      encode(n24Position, [1, 0, 1, 0], [0, 0, 0, 3]),
      "n24-position: row 1, column 0: 1 of 4 columns are not 0, 2 must be",
    );
    assert.equal(
      encode(n24Position, [0, 2, 1, 0]),
      "n24-position: row 0, column 1: 2 is none of -3, -1, 1, 3",
    );
    assert.equal(encode(ternary24, [0, 1, 0, 3]), "ternary24: row 0, column 3: 3 is none of -1, 1");
    assert.equal(
      encode(sharedFormat({ n: 2, m: 4, v: 2 }), [1, 0, 3, 0], [1, 3, 0, 0]),
      "shared 2:4 x2: row 1, column 0: other columns are kept than in row 0, whose index it shares",
    );
  });
  it("refuses sizes and patterns with what would work", () => {
    assert.equal(encode(w2Format, [1, 1, 1]), "w2: 3 columns; pad to a multiple of 4");
    assert.equal(
      encode(sharedFormat({ n: 2, m: 4, v: 2 }), [1, 0, 3, 0]),
      "shared 2:4 x2: 1 rows; an index is shared by 2, so pad to a multiple",
    );
    for (const [pattern, message] of [
      [{ n: 2, m: 6, v: 1 }, "M is 4, 8 or 16; this one is 6"],
      [{ n: 3, m: 8, v: 1 }, "N of 3:8 is a power of two below 8; this one is 3"],
      [{ n: 4, m: 4, v: 1 }, "N of 4:4 is a power of two below 4; this one is 4"],
      [{ n: 2, m: 4, v: 3 }, "V is 1, 2, 4, 8 or 16; this one is 3"],
    ] as const) {
      assert.equal(
        said(() => sharedFormat(pattern)),
        message,
      );
      assert.equal(
        said(() => sharedDecoder(pattern)),
        message,
      );
    }
  });
  it("names row and column of a corrupt word", () => {
    const check = (f: WeightFormat, ...bytes: number[]) =>
      said(() => checkStream(f, Uint8Array.from(bytes), 2, 4));
    assert.equal(check(n24Index, 0x40, 0xa0), "n24-index: row 1, column 0: both indices are 2");
    assert.equal(check(n24Index, 0x40, 0x60), "n24-index: row 1, column 0: the indices 2, 1 do not ascend");
    assert.equal(
      check(n24Position, 0x00, 0x60),
      "n24-position: row 1, column 0: position 6 is no pair of columns, 0 to 5 are",
    );
    assert.equal(check(n24Position, 0x00, 0x80), "n24-position: row 1: bits behind the last word are not 0");
    assert.equal(check(ternary24, 0, 24), "ternary24: row 1, column 0: 24 is no joint code, 0 to 23 are");
    assert.equal(check(ternary5, 0, 121), "ternary5: row 0, column 0: the filling behind the row is not 0");
    assert.equal(check(ternary24, 0), "ternary24: 1 bytes; 2 rows of 4 columns are 2");
    assert.equal(
      said(() => checkStream(sharedFormat({ n: 2, m: 4, v: 2 }), Uint8Array.of(5, 0), 2, 4)),
      "shared 2:4 x2: row 0, column 0: indices 0 and 1 are both 1",
    );
  });
});
