/** For tests: random jobs of every kind for the stream side, their memory beats, and what must come out (golden arithmetic). */
import { mul, norm16, normScale, reciprocal, scaleOut, Sticky } from "../../golden/model/ops.js";
import { beatBytes, GROUP, getNibble, type MatrixRow, setNibble } from "../engines/formats/beats.js";
import { keyBeatsRead } from "../engines/formats/cache.js";
import { StepWriter } from "../engines/formats/steps.js";
import { w2Codec } from "../engines/formats/codecs.js";
import { packWide } from "../engines/formats/wide.js";
import { packW4, w4UnitRowBlocks } from "../engines/formats/w4.js";
import { FORMATS, SCALINGS, type Scaling } from "../isa/instruction.js";
import { between, type Random } from "../library/testing.js";
import type { AcceleratorConfig } from "../isa/config.js";
import type { Squares } from "./squares.testing.js";
import { STREAM_KINDS } from "./unpack.js";

export interface Scale {
  readonly m: number;
  readonly e: number;
}
export type JobKind = "load" | "emb" | (typeof FORMATS)[number];
export interface TestJob {
  readonly name: JobKind;
  readonly stream: Record<string, number>;
  /** Absent for load. */
  readonly result: {
    readonly rows: number;
    readonly tok: number;
    readonly scaling: number;
    readonly scaleM: number;
    readonly scaleE: number;
    readonly scaleSlot: number;
  } | null;
  readonly memory: readonly bigint[];
  /** Words to write before the job may start. */
  readonly writes: readonly { readonly word: number; readonly data: Int8Array }[];
  readonly words: readonly { readonly p: number[]; readonly mantissa: number }[];
  readonly token: number;
  readonly s: readonly Scale[];
  readonly squares: readonly Squares[];
  readonly sum: number;
  readonly emax: number;
  /** value, aux (-1: any), row, tok, lastRow, last. */
  readonly expected: readonly (readonly number[])[];
  readonly beats: number;
}

export const EPSILON = 77;
const ANY = -1;

const beatsOf = (bytes: Uint8Array, rows: number): bigint[] => {
  const size = beatBytes(rows);
  return Array.from({ length: bytes.length / size }, (_, i) => {
    let beat = 0n;
    for (let j = size - 1; j >= 0; j--) beat = (beat << 8n) | BigInt(bytes[i * size + j]!);
    return beat;
  });
};
const scaleOf = (random: Random): Scale => ({
  m: between(random, 32768, 65535),
  e: between(random, -15, 16),
});

export const randomJob = (
  c: AcceleratorConfig,
  random: Random,
  index: number,
  name: JobKind,
  shape?: { groups: number; rowBlocks: number; toks: number },
): TestJob => {
  const half = c.rows / 2;
  const kind = name === "load" ? STREAM_KINDS.load : name === "emb" ? STREAM_KINDS.emb : STREAM_KINDS.mv;
  const isCache = name === "keys" || name === "values";
  const toks = shape?.toks ?? (name === "w2" || name === "w4" ? between(random, 1, c.tokens) : 1);
  const tok = between(random, 0, c.tokens - toks);
  const live = between(random, 1, 70);
  const groups =
    shape?.groups ??
    (name === "keys"
      ? between(random, 1, c.headDim / GROUP)
      : name === "values"
        ? Math.ceil(live / GROUP)
        : between(random, 1, 3));
  const unit = w4UnitRowBlocks(groups);
  const rowBlocks =
    name === "emb"
      ? unit
      : name === "keys"
        ? Math.ceil(live / half)
        : (shape?.rowBlocks ?? between(random, 1, 9));
  const per = name === "w2" ? c.rows : half;
  const rows =
    name === "emb"
      ? between(random, (groups - 1) * GROUP + 1, groups * GROUP)
      : name === "keys"
        ? live
        : shape !== undefined
          ? rowBlocks * per
          : Math.max(1, rowBlocks * per - between(random, 0, 3 * per));

  const scaling: Scaling =
    name === "emb"
      ? "constant"
      : name === "keys"
        ? "activation"
        : name === "values"
          ? "softmax"
          : (["constant", "activation", "norm"] as const)[between(random, 0, 2)]!;
  let k: Scale = { m: between(random, 32768, 65535), e: 0 };
  const s = Array.from({ length: c.tokens }, () => scaleOf(random));
  const squares = Array.from({ length: c.tokens }, () => ({
    sum: Math.floor(random() * 2 ** between(random, 1, 46)),
    shift: 7 * between(random, 0, 2),
  }));
  const sum = 1 + Math.floor(random() * 2 ** between(random, 16, 34));
  const emax = between(random, 4, 20);
  const t = (at: number): Scale => {
    switch (scaling) {
      case "constant":
        return k;
      case "activation":
        return mul(s[at]!, k);
      case "norm":
        return normScale(s[at]!, squares[at]!, EPSILON, k);
      case "softmax": {
        const scale = mul(reciprocal(norm16(sum)), k);
        return { m: scale.m, e: scale.e + emax };
      }
    }
  };

  // activations in the half of the memory that the job before does not use
  const words = c.actWords / 2;
  const act = (index % 2) * words + between(random, 0, Math.max(0, words - toks * groups));
  const actStride = between(random, groups, Math.max(groups, Math.floor((words - (act % words)) / toks)));
  const inputs = Array.from({ length: toks }, () =>
    Int8Array.from({ length: groups * GROUP }, () => between(random, -127, 127)),
  );
  const writes =
    name === "load" || name === "emb" || name === "values"
      ? []
      : inputs.flatMap((input, i) =>
          Array.from({ length: groups }, (_, g) => ({
            word: act + i * actStride + g,
            data: input.slice(g * GROUP, (g + 1) * GROUP),
          })),
        );
  const probabilities =
    name !== "values"
      ? []
      : Array.from({ length: groups }, (_, g) => ({
          p: Array.from({ length: GROUP }, (_, i) => (g * GROUP + i < live ? between(random, 0, 127) : 0)),
          mantissa: random() < 0.1 ? 0 : 2 ** between(random, 0, 14),
        }));

  // codes and their scales, row by row
  const lowest = between(random, 0, 24);
  const row = (codes: () => number, mantissas: number): MatrixRow => ({
    codes: Int8Array.from({ length: groups * GROUP }, codes),
    mantissas: Uint8Array.from({ length: groups }, () => between(random, 0, mantissas)),
    exponent: lowest + between(random, 0, 7),
  });
  const w4Code = (): number => between(random, -8, 7);
  const matrix = Array.from({ length: rowBlocks * per }, () =>
    row(name === "w2" ? () => 2 * between(random, -2, 1) + 1 : w4Code, 255),
  );
  const aux = matrix.map(() => between(random, 0, 255));
  const keyScales = matrix.map(() => between(random, 0, 255));

  const raw: { value: number; exponent: number; r: number; i: number; other: number }[] = [];
  const emit = (value: number, exponent: number, r: number, i: number, other = ANY): void => {
    if (r < rows) raw.push({ value, exponent, r, i, other });
  };
  const rowSum = (r: number, weight: (g: number) => number, input: (column: number) => number): number => {
    let total = 0;
    for (let g = 0; g < groups; g++) {
      let dot = 0;
      for (let i = 0; i < GROUP; i++) dot += matrix[r]!.codes[g * GROUP + i]! * input(g * GROUP + i);
      total += dot * weight(g);
    }
    return total;
  };
  const token = name === "emb" ? between(random, 0, 4095) : 0;
  let memory: bigint[] = [];
  if (name === "load")
    memory = Array.from({ length: between(random, 1, 12) }, () => BigInt(Math.floor(random() * 2 ** 50)));
  else if (name === "w2") memory = beatsOf(packWide(matrix, groups, c.rows, w2Codec), c.rows);
  else if (name === "w4" || name === "emb")
    memory = beatsOf(packW4(matrix, groups, c.rows, rowBlocks), c.rows);
  else {
    const writer = new StepWriter(
      c.rows,
      name === "keys" ? keyBeatsRead(live, groups, c.rows) : rowBlocks * groups,
    );
    for (let block = 0; block < rowBlocks; block++) {
      if (name === "keys") {
        writer.need(1);
        writer.put(
          Array.from({ length: c.rows }, (_, b) => (b % 2 === 0 ? keyScales : aux)[block * half + (b >> 1)]!),
        );
      }
      for (let g = 0; g < groups; g++) {
        const at = writer.weightBeat();
        for (let j = 0; j < half; j++) {
          for (let i = 0; i < GROUP; i++)
            setNibble(writer.data, at, GROUP * j + i, matrix[block * half + j]!.codes[g * GROUP + i]! + 8);
        }
        if (getNibble(writer.data, at, 0) !== matrix[block * half]!.codes[g * GROUP]! + 8)
          throw new Error("nibble order");
      }
    }
    memory = beatsOf(writer.finish(), c.rows);
  }

  if (name === "emb") {
    const r = token % (rowBlocks * half);
    const { codes, mantissas, exponent } = matrix[r]!;
    for (let i = 0; i < rows; i++) emit(codes[i]! * mantissas[Math.floor(i / GROUP)]! * 256, exponent, i, 0);
  } else if (name !== "load") {
    for (let block = 0; block < rowBlocks; block++) {
      for (let i = 0; i < toks; i++) {
        for (let r = block * per; r < (block + 1) * per; r++) {
          const input = (column: number): number => inputs[i]![column]!;
          const { mantissas, exponent } = matrix[r]!;
          if (name === "keys")
            emit(
              rowSum(r, () => 16 + (keyScales[r]! & 15), input),
              15 - (keyScales[r]! >> 4),
              r,
              0,
              aux[r]!,
            );
          else if (name === "values")
            emit(
              rowSum(
                r,
                (g) => probabilities[g]!.mantissa,
                (column) => probabilities[column >> 5]!.p[column & 31]!,
              ),
              0,
              r,
              0,
            );
          else
            emit(
              rowSum(r, (g) => mantissas[g]!, input),
              exponent,
              r,
              i,
            );
        }
      }
    }
  }

  // K such that the largest result has a few to 33 bits: neither all zeros nor all saturated
  const bits = (v: number): number => Math.floor(Math.log2(Math.abs(v) + 1));
  const most = raw.reduce(
    (a, b) => (bits(b.value) - b.exponent > bits(a.value) - a.exponent ? b : a),
    raw[0] ?? { value: 1, exponent: 0, r: 0, i: 0, other: 0 },
  );
  k = {
    m: k.m,
    e: Math.max(
      -500,
      Math.min(500, between(random, 8, 33) - bits(most.value) - 16 + most.exponent - t(tok + most.i).e),
    ),
  };
  const sticky = new Sticky();
  const expected = raw.map(({ value, exponent, r, i, other }) => {
    const last = r === rows - 1;
    return [
      scaleOut(value, t(tok + i), exponent, 32, sticky) | 0,
      other,
      r,
      tok + i,
      last ? 1 : 0,
      last && i === toks - 1 ? 1 : 0,
    ];
  });

  return {
    name,
    memory,
    writes,
    words: probabilities,
    token,
    s,
    squares,
    sum,
    emax,
    expected,
    beats: name === "emb" ? groups * GROUP : rowBlocks * groups * toks,
    stream: {
      kind,
      format:
        kind === STREAM_KINDS.mv ? FORMATS.indexOf(name as (typeof FORMATS)[number]) : between(random, 0, 3),
      ram: between(random, 0, 2),
      beats: memory.length,
      rowBlocks,
      groups,
      toks: name === "load" ? between(random, 0, c.tokens) : toks,
      act: isCache && name === "values" ? 0 : act,
      actStride: Math.min(actStride, c.actWords - 1),
      position: index,
      wait: (1 << (index % 12)) | (1 << 11),
    },
    result:
      name === "load"
        ? null
        : {
            rows,
            tok,
            scaling: SCALINGS.indexOf(scaling),
            scaleM: k.m,
            scaleE: k.e,
            scaleSlot: index % c.slots,
          },
  };
};
