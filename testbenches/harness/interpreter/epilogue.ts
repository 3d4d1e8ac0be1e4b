/** Where results go: residual, vector memory, scores, cache, sampler. Contract sections 2, 5, 7 and 8. */
import {
  addBias,
  addResidual,
  argmax,
  cacheCode,
  cacheScale,
  gather,
  normHeads,
  OUTPUT_NORM,
  relu2Gate,
  RESIDUAL_NORM,
  rope,
  rotation,
  sat,
  scaleHeads,
  siluGate,
  subtractMean,
  sumSquares,
} from "../../../golden/model/ops.js";
import { GROUP, setNibble } from "../../../generator/engines/formats/beats.js";
import {
  keyNibble,
  keyScale,
  type Place,
  valueNibble,
  valueStride,
} from "../../../generator/engines/formats/cache.js";
import { w4Codec, w8Codec } from "../../../generator/engines/formats/w4.js";
import { CACHE_STRIDE_BEATS, CACHE_WIDTHS, EPILOGUES } from "../../../generator/isa/instruction.js";
import { type Machine, NO_SQUARES } from "./machine.js";
import { inResultOrder } from "./order.js";
import type { Job } from "./sequence.js";
import type { Results } from "./stream.js";

/** Writes that reach the memory later, in the order of the jobs. */
export type CacheWrite = () => void;

/** Takes the results of a job; what the cache writer still has to write comes back. */
export const finish = (machine: Machine, job: Job, results: Results): CacheWrite | undefined => {
  const kind = job.field("epilogue");
  const name = EPILOGUES[kind];
  if (name === undefined) throw new Error(`instruction ${job.pc}: no epilogue ${kind}`);
  const rows = results.values[0]!.length;
  const order = (visit: (tok: number, row: number) => void): void =>
    inResultOrder(rows, results.blockRows, job.toks, visit);
  /** Every token's results as 24 bits. */
  const narrow = (): Int32Array[] =>
    results.values.map((v) => v.map((x) => sat(x, 24, machine.sticky, "matrix")));
  const toVector = (values: readonly Int32Array[], row: (resultRow: number) => number[]): void => {
    values.forEach((v, i) => {
      const written = job.field("subNorm") ? subNormed(machine, job, job.tok + i, v, name === "attend") : v;
      machine.elements(job.dst + i * job.field("dstStride"), v.length).set(written);
      maximum(machine, job, job.tok + i, written);
    });
    order((i, result) => {
      for (const r of row(result)) machine.trace("vector", [values[i]![r]!, kind, job.tok + i, r]);
    });
  };
  const pairs = (row: number): number[] => (row & 1 ? [row - 1, row] : []);

  switch (name) {
    case "embed":
    case "residual":
      residual(machine, job, results, name === "embed", order);
      return undefined;
    case "query": {
      const values = narrow();
      values.forEach((v, i) => {
        addBiases(machine, job, v, job.constant);
        if (job.field("headNorm")) {
          const squares = [NO_SQUARES];
          normHeads(v, machine.headGains("query", rows), squares, machine.sticky);
          machine.headSquares[machine.statistic(job.slot, job.tok + i)] = squares[0]!;
        }
        rotate(machine, v, rows, job.position + i);
      });
      toVector(values, pairs);
      return undefined;
    }
    case "gateup": {
      const h = narrow().map((v) => {
        const half = v.length / 2;
        const out = new Int32Array(half);
        (job.field("relu2") ? relu2Gate : siluGate)(
          v.filter((_, i) => i % 2 === 0),
          v.filter((_, i) => i % 2 === 1),
          out,
          machine.sticky,
        );
        return out;
      });
      toVector(h, (row) => (row & 1 ? [row >> 1] : []));
      return undefined;
    }
    case "attend":
      toVector(narrow(), (row) => [row]);
      return undefined;
    case "score": {
      const [values] = narrow();
      order((_, row) => machine.trace("score", [values![row]!]));
      machine.scores.push({ values: values!, valueScales: results.aux });
      return undefined;
    }
    case "key": {
      const values = narrow();
      const headDim = job.field("headGroups") * GROUP;
      values.forEach((v, i) => {
        addBiases(machine, job, v, 0);
        const squares = Array.from({ length: rows / headDim }, () => NO_SQUARES);
        const normed = job.field("headNorm") === 1;
        if (normed) normHeads(v, machine.headGains("key", headDim), squares, machine.sticky);
        rotate(machine, v, headDim, job.position + i);
        if (normed) scaleHeads(v, squares, machine.epsilon("key"), machine.keyScale(), machine.sticky);
        subtractMean(v, machine.kmean.subarray(0, rows), machine.sticky);
      });
      traceCached(machine, job, values, kind, order, pairs);
      machine.keyAddress = job.cache;
      return toCache(machine, job, values, kind, order, true);
    }
    case "value": {
      const values = narrow();
      for (const v of values) addBiases(machine, job, v, rows); // behind those of keys
      traceCached(machine, job, values, kind, order, (row) => [row]);
      return toCache(machine, job, values, kind, order, false);
    }
    case "logits": {
      const logits = results.values[0]!;
      order((_, row) => machine.trace("logit", [logits[row]!]));
      const token = argmax(logits);
      if (machine.tokens.length !== job.position + 1)
        throw new Error(`a token for position ${job.position + 1} comes out of order`);
      machine.tokens.push(token);
      machine.chosen.push(token);
      machine.trace("token", [token]);
      return undefined;
    }
  }
};

/** y of an attention output or of h; the sum of squares goes on with each head. Contract section 6a. */
const subNormed = (machine: Machine, job: Job, tok: number, v: Int32Array, isOutput: boolean): Int32Array => {
  const y = new Int32Array(v.length);
  const gain = machine.subGain.subarray(job.constant, job.constant + v.length);
  if (gain.length < v.length) throw new Error(`instruction ${job.pc}: sub-norm gains beyond their RAM`);
  gather(v, gain, y, machine.sticky, isOutput ? OUTPUT_NORM : RESIDUAL_NORM);
  const seen = job.field("slotInit") ? [...v] : [...machine.subElements[tok]!, ...v];
  machine.subElements[tok] = Int32Array.from(seen);
  machine.subSquares[tok] = sumSquares(machine.subElements[tok]);
  return y;
};

const maximum = (machine: Machine, job: Job, tok: number, values: Int32Array): void => {
  const at = machine.statistic(job.slot, tok);
  let most = job.field("slotInit") ? 0 : machine.maximum[at]!;
  for (const v of values) most = Math.max(most, Math.abs(v));
  machine.maximum[at] = most;
};

const rotate = (machine: Machine, v: Int32Array, headDim: number, position: number): void => {
  const pairs = headDim / 2;
  const cos = new Int32Array(pairs);
  const sin = new Int32Array(pairs);
  rotation(machine.rope.subarray(0, pairs), position, cos, sin);
  rope(v, cos, sin, machine.sticky);
};

const residual = (
  machine: Machine,
  job: Job,
  results: Results,
  fresh: boolean,
  order: (visit: (tok: number, row: number) => void) => void,
): void => {
  const xs = results.values.map((v, i) => {
    const tok = job.tok + i;
    const memory = machine.residual[tok]!;
    if (v.length > memory.length)
      throw new Error(`${v.length} residual elements, the memory has ${memory.length} per token`);
    const x = memory.subarray(0, v.length);
    if (fresh) x.set(v);
    else addResidual(x, v, machine.sticky);
    const y = machine.elements(job.dst + i * job.field("dstStride"), v.length);
    const { squares } = gather(x, machine.gain.subarray(0, v.length), y, machine.sticky);
    maximum(machine, job, tok, y);
    machine.squares[tok] = squares;
    return x;
  });
  order((i, row) => machine.trace("residual", [xs[i]![row]!, job.tok + i, row]));
};

const addBiases = (machine: Machine, job: Job, v: Int32Array, first: number): void => {
  if (!job.field("bias")) return;
  const bias = machine.bias.subarray(first, first + v.length);
  if (bias.length < v.length) throw new Error(`instruction ${job.pc}: biases beyond their RAM`);
  addBias(v, bias, machine.sticky);
};

/** Keys and values as they go to the cache: in the order of the results, or head by head from where keys may have a norm. */
const traceCached = (
  machine: Machine,
  job: Job,
  values: readonly Int32Array[],
  kind: number,
  order: (visit: (tok: number, row: number) => void) => void,
  rowsWith: (row: number) => number[],
): void => {
  const headDim = job.field("headGroups") * GROUP;
  const put = (i: number, row: number): void =>
    machine.trace("cache", [values[i]![row]!, kind, job.tok + i, row]);
  order((i, row) => {
    if (!machine.config.features.qkNorm) for (const r of rowsWith(row)) put(i, r);
    else if ((row + 1) % headDim === 0) for (let r = row + 1 - headDim; r <= row; r++) put(i, r);
  });
};

/** Quantises each head and token as its last element comes; the writes themselves are for later. */
const toCache = (
  machine: Machine,
  job: Job,
  values: readonly Int32Array[],
  kind: number,
  order: (visit: (tok: number, row: number) => void) => void,
  isKey: boolean,
): CacheWrite => {
  const { rows } = machine.config;
  const groups = job.field("headGroups");
  const headDim = groups * GROUP;
  const bits = CACHE_WIDTHS[job.field("cacheWidth")];
  if (bits === undefined) throw new Error(`instruction ${job.pc}: no cache width ${job.field("cacheWidth")}`);
  const digits = bits === 8 ? 2 : 1;
  const keyDigits = job.field("cacheKeys8") === 1 ? 2 : 1;
  const stride = valueStride(machine.host.sinks + machine.host.window, digits);
  const { keyAddress } = machine;
  const writes: (() => void)[] = [];
  order((i, row) => {
    if ((row + 1) % headDim !== 0) return;
    const head = (row + 1) / headDim - 1;
    const vector = values[i]!.subarray(head * headDim, row + 1);
    const slot = machine.slot(job.position + i);
    const offset = head * job.field("cacheHeadStride") * CACHE_STRIDE_BEATS;
    const byteAt = ({ beat }: Place, base: number): number => (base + offset + beat) * machine.beat;
    let most = 0;
    for (const v of vector) most = Math.max(most, Math.abs(v));
    const scale = cacheScale(most, machine.sticky, bits);
    machine.trace("cachescale", [scale, kind]);
    const scalePlace = keyScale(slot, groups, rows, keyDigits);
    const scaleByte = byteAt(scalePlace, keyAddress) + scalePlace.index + (isKey ? 0 : 1);
    writes.push(() => {
      machine.memory[scaleByte] = scale;
    });
    vector.forEach((v, d) => {
      const code = cacheCode(v, scale, bits);
      machine.trace("code", [code, kind]);
      const place = isKey
        ? keyNibble(slot, d, groups, rows, digits)
        : valueNibble(d, slot, stride, rows, digits);
      const nibbles = (digits === 1 ? w4Codec : w8Codec).nibbles(code);
      nibbles.forEach((nibble, i) => {
        const at = byteAt(place, job.cache) + i * machine.beat;
        writes.push(() => setNibble(machine.memory, at, place.index, nibble));
      });
    });
  });
  return () => {
    for (const write of writes) write();
  };
};
