/** Fetch, unpacker, engine, scaler and row scaler: from beats to results of 32 bits. */
import { mul, normScale, norm16, power2, reciprocal, scaleOut, matvec } from "../../../golden/model/ops.js";
import type { Scale, WeightFormat } from "../../../golden/model/types.js";
import { GROUP, getNibble, type UnpackedMatrix } from "../../../generator/engines/formats/beats.js";
import { type DigitBeats, keyBeatsRead, valueStride } from "../../../generator/engines/formats/cache.js";
import { StepReader } from "../../../generator/engines/formats/steps.js";
import { CODECS, DIGIT_CODECS, isDigits } from "../../../generator/engines/formats/codecs.js";
import { unpackWide } from "../../../generator/engines/formats/wide.js";
import { unpackW4 } from "../../../generator/engines/formats/w4.js";
import {
  CONSTANT_RAMS,
  FORMATS,
  isWide,
  type MatrixFormat,
  NORMS,
  SCALINGS,
} from "../../../generator/isa/instruction.js";
import type { Machine, Probabilities } from "./machine.js";
import type { Job } from "./sequence.js";

/** Results of one job, per token of it, with the rows of one row block. */
export interface Results {
  readonly values: readonly Int32Array[];
  readonly blockRows: number;
  /** keys: V scale bytes. */
  readonly aux: Uint8Array;
}

const GOLDEN_FORMAT: Readonly<Record<MatrixFormat, WeightFormat>> = {
  w2: "W2",
  w4: "W4",
  w8: "W8",
  ternary: "TERNARY",
  n24: "N24",
};

const NO_AUX = new Uint8Array(0);

/** What the memory fetcher brings for a job. */
export const fetch = (machine: Machine, job: Job): Uint8Array => {
  const { rows } = machine.config;
  const live = machine.live(job.position);
  if (job.op === "emb") {
    const token = machine.tokens[job.position];
    if (token === undefined) throw new Error(`the token of position ${job.position} is not known`);
    const unit = Math.floor(Math.floor(token / (rows / 2)) / job.field("rowBlocks"));
    return machine.read(job.memory + unit * job.field("beats"), job.field("beats"));
  }
  if (job.op === "load") return machine.read(job.memory, job.field("beats"));
  const format = FORMATS[job.field("format")]!;
  switch (format) {
    case "w2":
    case "ternary":
    case "n24":
    case "w4":
    case "w8":
      return machine.read(job.memory, job.field("beats"));
    case "keys":
    case "keys8":
      return machine.read(
        job.memory,
        keyBeatsRead(live, job.field("groups"), rows, format === "keys8" ? 2 : 1),
      );
    case "values":
    case "values8": {
      const digits = format === "values8" ? 2 : 1;
      const stride = valueStride(machine.host.sinks + machine.host.window, digits);
      const beats = Math.ceil(live / GROUP) * digits;
      const all = new Uint8Array(job.field("rowBlocks") * beats * machine.beat);
      for (let block = 0; block < job.field("rowBlocks"); block++)
        all.set(machine.read(job.memory + block * stride, beats), block * beats * machine.beat);
      return all;
    }
  }
};

/** LOAD: beats into a constant RAM, from its first entry. */
export const load = (machine: Machine, job: Job, bytes: Uint8Array): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fill = (
    ram: Int16Array | Int32Array | Uint32Array,
    width: number,
    get: (i: number) => number,
  ): void => {
    if (bytes.length / width > ram.length)
      throw new Error(`LOAD of ${bytes.length / width} entries, the RAM has ${ram.length}`);
    for (let i = 0; i < bytes.length / width; i++) ram[i] = get(i);
  };
  const ram = CONSTANT_RAMS[job.field("ram")];
  switch (ram) {
    case "gain":
      fill(machine.gain, 2, (i) => view.getInt16(2 * i, true));
      break;
    case "kmean":
      fill(machine.kmean, 4, (i) => view.getInt32(4 * i, true));
      break;
    case "rope":
      fill(machine.rope, 4, (i) => view.getUint32(4 * i, true));
      break;
    case "subgain":
      fill(machine.subGain, 2, (i) => view.getInt16(2 * i, true));
      break;
    case "bias":
      fill(machine.bias, 4, (i) => view.getInt32(4 * i, true));
      break;
    case "headgain":
      fill(machine.headGain, 4, (i) => view.getUint32(4 * i, true));
      break;
    case "norms":
      fill(machine.norms, 4, (i) => view.getUint32(4 * i, true));
      break;
    case undefined:
      throw new Error(`no constant RAM ${job.field("ram")}`);
  }
};

/** T of one token, contract sections 4 and 6. */
const matrixScale = (
  machine: Machine,
  job: Job,
  tok: number,
  probabilities: Probabilities | undefined,
): Scale => {
  const k = { m: job.field("scaleM"), e: job.field("scaleE") };
  const s = (): Scale => machine.scale[machine.statistic(job.scaleSlot, tok)]!;
  const scaling = SCALINGS[job.field("scaling")]!;
  switch (scaling) {
    case "constant":
      return k;
    case "activation":
      return mul(s(), k);
    case "norm":
      return normOf(machine, job, tok, s(), k);
    case "softmax": {
      if (probabilities === undefined)
        throw new Error(`instruction ${job.pc}: softmax scaling without values`);
      const { m, e } = mul(reciprocal(norm16(probabilities.sum)), k);
      return { m, e: e + Math.max(...probabilities.exponents) };
    }
  }
};

const normOf = (machine: Machine, job: Job, tok: number, s: Scale, k: Scale): Scale => {
  const norm = NORMS[job.field("norm")];
  switch (norm) {
    case "residual":
      return normScale(s, machine.squares[tok]!, machine.epsilon(norm), k);
    case "attention":
    case "ffn":
      return normScale(s, machine.subSquares[tok]!, machine.epsilon(norm), k);
    case "query":
      return normScale(
        s,
        machine.headSquares[machine.statistic(job.scaleSlot, tok)]!,
        machine.epsilon(norm),
        k,
      );
    default:
      throw new Error(`instruction ${job.pc}: no norm ${job.field("norm")}`);
  }
};

/** Runs the engine over a job's beats. */
export const stream = (machine: Machine, job: Job, bytes: Uint8Array): Results => {
  const { sticky, config } = machine;
  const rows = job.field("rows");
  if (job.op === "emb") return embedding(machine, job, bytes);
  const format = FORMATS[job.field("format")]!;
  switch (format) {
    case "w2":
    case "ternary":
    case "n24":
    case "w4":
    case "w8": {
      const groups = job.field("groups");
      const matrix = unpack(machine, job, bytes, format);
      if (matrix.rows < rows)
        throw new Error(`instruction ${job.pc}: ${rows} rows of a matrix of ${matrix.rows}`);
      const source = {
        ...matrix,
        rows,
        cols: GROUP * groups,
        format: GOLDEN_FORMAT[format],
      };
      const values = Array.from({ length: job.toks }, (_, i) => {
        const out = new Int32Array(rows);
        const input = machine.activations(job.act + i * job.field("actStride"), groups);
        matvec(source, input, matrixScale(machine, job, job.tok + i, undefined), 32, out, sticky);
        return out;
      });
      return { values, blockRows: isWide(format) ? config.rows : config.rows / 2, aux: NO_AUX };
    }
    case "keys":
    case "keys8":
      return keys(machine, job, bytes, format === "keys8" ? 2 : 1);
    case "values":
    case "values8":
      return values(machine, job, bytes, format === "values8" ? 2 : 1);
  }
};

const unpack = (machine: Machine, job: Job, bytes: Uint8Array, format: MatrixFormat): UnpackedMatrix => {
  const [rowBlocks, groups] = [job.field("rowBlocks"), job.field("groups")];
  const key = `${format} ${job.memory} ${rowBlocks} ${groups}`;
  let matrix = machine.matrices.get(key);
  if (matrix === undefined) {
    matrix = isDigits(format)
      ? unpackW4(bytes, rowBlocks, groups, machine.config.rows, DIGIT_CODECS[format])
      : unpackWide(bytes, rowBlocks, groups, machine.config.rows, CODECS[format]);
    machine.matrices.set(key, matrix);
  }
  return matrix;
};

/** The row of one token out of its unit: c·m·2^8 through the row scaler. */
const embedding = (machine: Machine, job: Job, bytes: Uint8Array): Results => {
  const half = machine.config.rows / 2;
  const [rowBlocks, groups] = [job.field("rowBlocks"), job.field("groups")];
  const format = FORMATS[job.field("format")];
  if (format !== "w4" && format !== "w8") throw new Error(`instruction ${job.pc}: an embedding of ${format}`);
  const unit = unpackW4(bytes, rowBlocks, groups, machine.config.rows, DIGIT_CODECS[format]);
  const token = machine.tokens[job.position]!;
  const row = token % (rowBlocks * half);
  const t = matrixScale(machine, job, job.tok, undefined);
  const out = Int32Array.from({ length: job.field("rows") }, (_, i) => {
    const sum =
      unit.codes[row * groups * GROUP + i]! * unit.mantissas[row * groups + Math.floor(i / GROUP)]! * 256;
    return scaleOut(sum, t, unit.exponents[row]!, 32, machine.sticky);
  });
  return { values: [out], blockRows: out.length, aux: NO_AUX };
};

/** A cache code from its beat and, where it has two digits, the next. */
const cacheCodeAt = (
  machine: Machine,
  bytes: Uint8Array,
  beat: number,
  index: number,
  digits: DigitBeats,
) => {
  const digit = (d: number): number => getNibble(bytes, beat + d * machine.beat, index) - 8;
  return digits === 1 ? digit(0) : 16 * digit(0) + digit(1);
};

const keys = (machine: Machine, job: Job, bytes: Uint8Array, digits: DigitBeats): Results => {
  const { rows } = machine.config;
  const half = rows / 2;
  const groups = job.field("groups");
  const live = machine.live(job.position);
  const q = machine.activations(job.act, groups);
  const t = matrixScale(machine, job, job.tok, undefined);
  const out = new Int32Array(live);
  const aux = new Uint8Array(live);
  const reader = new StepReader(bytes, rows);
  for (let block = 0; block * half < live; block++) {
    reader.need(1);
    const step = reader.step();
    const beats = Array.from({ length: groups * digits }, () => reader.weightBeat());
    for (let j = 0; j < half && block * half + j < live; j++) {
      let dot = 0;
      for (let i = 0; i < groups * GROUP; i++)
        dot +=
          cacheCodeAt(
            machine,
            bytes,
            beats[digits * Math.floor(i / GROUP)]!,
            GROUP * j + (i % GROUP),
            digits,
          ) * q[i]!;
      const scale = bytes[step + 2 * j]!;
      const slot = block * half + j;
      out[slot] = scaleOut((16 + (scale & 15)) * dot, t, 15 - (scale >> 4), 32, machine.sticky);
      aux[slot] = bytes[step + 2 * j + 1]!;
    }
  }
  return { values: [out], blockRows: half, aux };
};

const values = (machine: Machine, job: Job, bytes: Uint8Array, digits: DigitBeats): Results => {
  const half = machine.config.rows / 2;
  const probabilities = machine.probabilities.shift();
  if (probabilities === undefined) throw new Error(`instruction ${job.pc}: no probabilities`);
  const { p, exponents, live } = probabilities;
  if (live !== machine.live(job.position))
    throw new Error(`instruction ${job.pc}: probabilities of ${live} slots`);
  const emax = Math.max(...exponents);
  const t = matrixScale(machine, job, job.tok, probabilities);
  const blocks = Math.ceil(live / GROUP);
  const out = new Int32Array(job.field("rows"));
  for (let row = 0; row < out.length; row++) {
    let sum = 0;
    for (let b = 0; b < blocks; b++) {
      const at = (Math.floor(row / half) * blocks + b) * digits * machine.beat;
      let dot = 0;
      for (let c = 0; c < GROUP; c++)
        dot += cacheCodeAt(machine, bytes, at, GROUP * (row % half) + c, digits) * p[b * GROUP + c]!;
      const down = emax - exponents[b]!;
      if (down <= 14) sum += dot * power2(14 - down);
    }
    out[row] = scaleOut(sum, t, 0, 32, machine.sticky);
  }
  return { values: [out], blockRows: half, aux: NO_AUX };
};
