/** The memories of the accelerator, as the interpreter keeps them. */
import { type Squares, Sticky, ZERO_SCALE } from "../../../golden/model/ops.js";
import type { Scale } from "../../../golden/model/types.js";
import { beatBytes, GROUP, type UnpackedMatrix } from "../../../generator/engines/formats/beats.js";
import { type Norm, NORM_WORDS } from "../../../generator/isa/instruction.js";
import type { TracePoint } from "../../../generator/isa/trace.js";
import type { AcceleratorConfig } from "../../../generator/isa/config.js";
import type { Host } from "./sequence.js";

export type Trace = (point: TracePoint, fields: readonly number[]) => void;

/** Scores of one head with the scale bytes of V. */
export interface Scores {
  readonly values: Int32Array;
  readonly valueScales: Uint8Array;
}

/** Probabilities of one head: p per slot, E per block of 32. */
export interface Probabilities {
  readonly live: number;
  readonly p: Int32Array;
  readonly exponents: Int32Array;
  readonly sum: number;
}

/** Words of the constant RAM `norms`: whole beats of any width. */
const NORM_CAPACITY = 256;
export const NO_SQUARES: Squares = { sum: 0, shift: 0 };

export class Machine {
  readonly sticky = new Sticky();
  readonly memory: Uint8Array;
  readonly beat: number;
  readonly act: Int8Array;
  readonly vector: Int32Array;
  /** Per token. */
  readonly residual: readonly Int32Array[];
  readonly squares: Squares[];
  /** [slot·tokens + tok] */
  readonly maximum: Float64Array;
  readonly scale: Scale[];
  readonly gain: Int16Array;
  readonly kmean: Int32Array;
  readonly rope: Uint32Array;
  readonly subGain: Int16Array;
  readonly norms = new Uint32Array(NORM_CAPACITY);
  readonly bias: Int32Array;
  /** Gains of q and k side by side. */
  readonly headGain: Uint32Array;
  /** [slot·tokens + tok], of query heads. */
  readonly headSquares: Squares[];
  /** Per token, what the norm before o or down has seen so far, in order, and its sum of squares. */
  readonly subElements: Int32Array[];
  readonly subSquares: Squares[];
  /** Known tokens: the prompt, then what the sampler chose. */
  readonly tokens: number[];
  readonly chosen: number[] = [];
  readonly scores: Scores[] = [];
  readonly probabilities: Probabilities[] = [];
  /** Address of the last key job: the scale bytes of values lie there too. */
  keyAddress = 0;
  /** Weights never change: matrices once unpacked are kept by address. */
  readonly matrices = new Map<string, UnpackedMatrix>();

  constructor(
    readonly config: AcceleratorConfig,
    readonly host: Host,
    image: Uint8Array,
    memoryBeats: number,
    prompt: ArrayLike<number>,
    readonly trace: Trace,
  ) {
    this.beat = beatBytes(config.rows);
    this.memory = new Uint8Array(memoryBeats * this.beat);
    this.memory.set(image);
    this.act = new Int8Array(config.actWords * GROUP);
    this.vector = new Int32Array(config.vectorElements);
    this.residual = Array.from(
      { length: config.tokens },
      () => new Int32Array(Math.floor(config.residualElements / config.tokens)),
    );
    this.squares = new Array<Squares>(config.tokens).fill(NO_SQUARES);
    this.maximum = new Float64Array(config.slots * config.tokens);
    this.scale = new Array<Scale>(config.slots * config.tokens).fill(ZERO_SCALE);
    this.gain = new Int16Array(config.gainEntries);
    this.kmean = new Int32Array(config.kmeanEntries);
    this.rope = new Uint32Array(config.ropeEntries);
    this.subGain = new Int16Array(config.subGainEntries);
    this.bias = new Int32Array(config.biasEntries);
    this.headGain = new Uint32Array(Math.max(config.headDim, this.beat / 4));
    this.headSquares = new Array<Squares>(config.slots * config.tokens).fill(NO_SQUARES);
    this.subElements = new Array<Int32Array>(config.tokens).fill(new Int32Array(0));
    this.subSquares = new Array<Squares>(config.tokens).fill(NO_SQUARES);
    this.tokens = Array.from(prompt);
  }

  /** Slots of the ring, contract section 5. */
  slot(position: number): number {
    const { sinks, window } = this.host;
    return position < sinks ? position : sinks + ((position - sinks) % window);
  }

  live(position: number): number {
    return Math.min(position + 1, this.host.sinks + this.host.window);
  }

  /** A copy of `beats` beats. */
  read(address: number, beats: number): Uint8Array {
    const to = (address + beats) * this.beat;
    if (to > this.memory.length)
      throw new Error(`beats ${address} to ${address + beats - 1} lie beyond the memory`);
    return this.memory.slice(address * this.beat, to);
  }

  /** Index of a statistics slot of a token. */
  statistic(slot: number, tok: number): number {
    if (slot >= this.config.slots) throw new Error(`statistics slot ${slot} of ${this.config.slots}`);
    return slot * this.config.tokens + tok;
  }

  /** Activations of `words` words, as they are now. */
  activations(word: number, words: number): Int8Array {
    if (word + words > this.config.actWords)
      throw new Error(`activation words ${word} to ${word + words - 1} of ${this.config.actWords}`);
    return this.act.slice(word * GROUP, (word + words) * GROUP);
  }

  /** E of a norm. */
  epsilon(norm: Norm | "key"): number {
    if (norm === "residual") return this.host.epsilonSum;
    const word = NORM_WORDS[norm];
    return this.norms[word]! + this.norms[word + 1]! * 2 ** 32;
  }

  /** K_knorm. */
  keyScale(): Scale {
    return { m: this.norms[NORM_WORDS.keyScale]!, e: this.norms[NORM_WORDS.keyScale + 1]! | 0 };
  }

  /** Gains of the norm of q or k. */
  headGains(of: "query" | "key", headDim: number): Int16Array {
    return Int16Array.from(this.headGain.subarray(0, headDim), (word) =>
      of === "query" ? word & 0xffff : word >>> 16,
    );
  }

  /** A window of the vector memory. */
  elements(from: number, count: number): Int32Array {
    if (from + count > this.config.vectorElements)
      throw new Error(`vector elements ${from} to ${from + count - 1} of ${this.config.vectorElements}`);
    return this.vector.subarray(from, from + count);
  }
}
