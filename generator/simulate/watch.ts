/** What was recorded at watch points: made inside the engine, cycle by cycle, and read here as typed arrays. */
import type { FlatGraph, FlatId } from "./graph.js";
import { recordWords, type WatchPoint } from "./engine.js";

/** A watch point by names: in each cycle in which `valid` is 1 (null: always), the data are recorded. */
export interface Watch {
  readonly valid: string | null;
  readonly data: readonly string[];
}

/** Records in order of cycle, then of watch. */
export interface WatchRecords {
  readonly count: number;
  /** Per record: number of the cycle, as `Simulation.cycles` was before its edge. */
  readonly cycle: Float64Array;
  /** Per record: index of the watch. */
  readonly watch: Uint16Array;
  /** Per record: where its data begin in `words`. */
  readonly offset: Uint32Array;
  /** The data: each value in whole 32-bit words, least significant first. */
  readonly words: Uint32Array;
  /** One value of one record, without sign. */
  value(record: number, data: number): bigint;
  /** The same as a number; exact to 53 bits. */
  number(record: number, data: number): number;
}

/** Gathers what an engine records. */
export class RecordLog {
  private words = new Uint32Array(1024);
  private length = 0;

  append(words: Uint32Array): void {
    if (this.length + words.length > this.words.length) {
      const larger = new Uint32Array(Math.max(this.length + words.length, this.words.length * 2));
      larger.set(this.words.subarray(0, this.length));
      this.words = larger;
    }
    this.words.set(words, this.length);
    this.length += words.length;
  }

  /** `start` is the cycle before the run, which gives the upper bits that records leave out. */
  finish(graph: FlatGraph, watches: readonly WatchPoint[], start: number): WatchRecords {
    const layouts = watches.map((w) => recordLayout(graph, w));
    const { words, length } = this;
    let count = 0;
    for (let at = 0; at < length; at += 2 + layouts[words[at + 1]!]!.size) count++;
    const cycle = new Float64Array(count);
    const watch = new Uint16Array(count);
    const offset = new Uint32Array(count);
    for (let at = 0, i = 0; at < length; i++) {
      cycle[i] = start + ((words[at]! - start) >>> 0);
      watch[i] = words[at + 1]!;
      offset[i] = at + 2;
      at += 2 + layouts[watch[i]!]!.size;
    }
    const value = (record: number, data: number): bigint => {
      const { starts, size } = layouts[watch[record]!]!;
      const from = offset[record]! + starts[data]!;
      let sum = 0n;
      for (let w = offset[record]! + (starts[data + 1] ?? size) - 1; w >= from; w--)
        sum = (sum << 32n) | BigInt(words[w]!);
      return sum;
    };
    return {
      count,
      cycle,
      watch,
      offset,
      words: words.subarray(0, length),
      value,
      number: (record, data) => {
        const { starts, size } = layouts[watch[record]!]!;
        const from = offset[record]! + starts[data]!;
        const n = (starts[data + 1] ?? size) - starts[data]!;
        return n > 2
          ? Number(value(record, data))
          : words[from]! + (n === 2 ? words[from + 1]! * 0x100000000 : 0);
      },
    };
  }
}

/** Where each value of a record begins, in words, and how many words they take together. */
export function recordLayout(
  graph: FlatGraph,
  watch: { readonly data: readonly FlatId[] },
): { starts: number[]; size: number } {
  const starts: number[] = [];
  let size = 0;
  for (const id of watch.data) {
    starts.push(size);
    size += recordWords(graph.nodes[id]!.width);
  }
  return { starts, size };
}
