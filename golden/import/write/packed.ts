/** Packs matrices as GPTQ, AWQ and BitNet do (formats: gptq.ts, awq.ts, bitnet.ts one folder up). For fixtures: nearest codes. */
import { type Pack, type Written, written } from "./huggingface.js";
import { halfBits, readHalf } from "../blocks/half.js";

function words(shape: readonly number[], values: Int32Array): Written {
  return { dtype: "I32", shape, bytes: new Uint8Array(values.slice().buffer) };
}

interface Grouped {
  /** [rows·cols] */
  readonly codes: Uint8Array;
  /** [groups·rows], as the files have them. */
  readonly scales: Float32Array;
  readonly zeros: Uint8Array;
}

/** Codes of `bits` bits; zeros where the group's range wants them, or 2^(bits-1). */
function quantise(
  values: Float32Array,
  rows: number,
  cols: number,
  {
    bits,
    groupOf,
    groups,
    symmetric,
  }: { bits: number; groupOf: readonly number[]; groups: number; symmetric: boolean },
): Grouped {
  const top = 2 ** bits - 1;
  const codes = new Uint8Array(rows * cols);
  const scales = new Float32Array(groups * rows);
  const zeros = new Uint8Array(groups * rows);
  for (let row = 0; row < rows; row++)
    for (let g = 0; g < groups; g++) {
      const inputs = groupOf.flatMap((group, i) => (group === g ? [i] : []));
      const of = inputs.map((i) => values[row * cols + i]!);
      const [least, most] = [Math.min(0, ...of), Math.max(0, ...of)];
      const scale = half(symmetric ? (2 * Math.max(-least, most)) / top : (most - least) / top);
      // v1 files cannot hold a zero of 0
      const zero = symmetric ? (top + 1) / 2 : Math.min(top, Math.max(1, Math.round(-least / scale)));
      scales[g * rows + row] = scale;
      zeros[g * rows + row] = zero;
      inputs.forEach((i, n) => {
        codes[row * cols + i] = Math.min(top, Math.max(0, Math.round(of[n]! / scale) + zero));
      });
    }
  return { codes, scales, zeros };
}

/** The nearest half. */
function half(value: number): number {
  const bits = halfBits(value);
  return readHalf(Uint8Array.of(bits & 255, bits >> 8), 0);
}

/** `count` values in a stream of bits that goes through words `step` apart. */
function pack(
  out: Int32Array,
  at: number,
  step: number,
  bits: number,
  count: number,
  value: (i: number) => number,
): void {
  for (let i = 0; i < count * bits; i++) {
    const bit = (value(Math.floor(i / bits)) >> (i % bits)) & 1;
    const word = at + (i >> 5) * step;
    out[word] = out[word]! | (bit << (i & 31));
  }
}

export interface GptqOptions {
  readonly bits: number;
  readonly group: number;
  readonly format?: "gptq" | "gptq_v2";
  readonly symmetric?: boolean;
  /** Input i belongs to group (i·5) mod groups, as act-order would mix them. */
  readonly mixed?: boolean;
}

export function gptq({ bits, group, format = "gptq", symmetric = false, mixed = false }: GptqOptions): Pack {
  return (values, rows, cols) => {
    const groups = Math.ceil(cols / group);
    const groupOf = Array.from({ length: cols }, (_, i) =>
      mixed ? (i * 5) % groups : Math.floor(i / group),
    );
    const { codes, scales, zeros } = quantise(values, rows, cols, { bits, groupOf, groups, symmetric });
    const qweight = new Int32Array((cols * bits * rows) / 32);
    for (let row = 0; row < rows; row++) pack(qweight, row, rows, bits, cols, (i) => codes[row * cols + i]!);
    const qzeros = new Int32Array((groups * rows * bits) / 32);
    const less = format === "gptq" ? 1 : 0;
    for (let g = 0; g < groups; g++)
      pack(qzeros, (g * rows * bits) / 32, 1, bits, rows, (i) => zeros[g * rows + i]! - less);
    return new Map([
      ["qweight", words([(cols * bits) / 32, rows], qweight)],
      ["qzeros", words([groups, (rows * bits) / 32], qzeros)],
      ["scales", written("F16", [groups, rows], scales)],
      ["g_idx", words([cols], Int32Array.from(groupOf))],
      ["bias", written("F16", [rows], new Float32Array(rows))], // as AutoGPTQ does
    ]);
  };
}

export function awq(group: number): Pack {
  const order = [0, 2, 4, 6, 1, 3, 5, 7];
  return (values, rows, cols) => {
    const groups = cols / group;
    const groupOf = Array.from({ length: cols }, (_, i) => Math.floor(i / group));
    const all = { bits: 4, groupOf, groups, symmetric: false };
    const { codes, scales, zeros } = quantise(values, rows, cols, all);
    const packed = (lines: number, value: (line: number, row: number) => number): Written => {
      const out = new Int32Array((lines * rows) / 8);
      for (let line = 0; line < lines; line++)
        pack(out, (line * rows) / 8, 1, 4, rows, (i) => value(line, i - (i % 8) + order[i % 8]!));
      return words([lines, rows / 8], out);
    };
    return new Map([
      ["qweight", packed(cols, (input, row) => codes[row * cols + input]!)],
      ["qzeros", packed(groups, (g, row) => zeros[g * rows + row]!)],
      ["scales", written("F16", [groups, rows], scales)],
    ]);
  };
}

/** Ternary by the mean magnitude; the scale multiplies ("autobitlinear") or divides ("bitlinear"). */
export function bitnet(kind: "autobitlinear" | "bitlinear"): Pack {
  return (values, rows, cols) => {
    const mean = values.reduce((sum, v) => sum + Math.abs(v), 0) / values.length;
    const quarter = rows / 4;
    const bytes = new Uint8Array(quarter * cols);
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < cols; i++) {
        const code = Math.max(-1, Math.min(1, Math.round(values[row * cols + i]! / mean)));
        const at = (row % quarter) * cols + i;
        bytes[at] = bytes[at]! | ((code + 1) << (2 * Math.floor(row / quarter)));
      }
    const scale = kind === "autobitlinear" ? mean : 1 / mean;
    return new Map<string, Written>([
      ["weight", { dtype: "U8", shape: [quarter, cols], bytes }],
      ["weight_scale", written("F32", [1], Float32Array.of(scale))],
    ]);
  };
}
