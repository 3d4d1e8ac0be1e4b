/** RoPE, the KV quantiser and the cache itself: contract section 5. */
import { CACHE_CODE, INV16, SINE, V8_SLOTS } from "../contract/tables.js";
import { bitlen, rshr, type Sticky, sat } from "./scale.js";
import type { CacheBits, ModelShape, QuantisedLayer } from "./types.js";

/** Q1.14 sine of a phase in turns/2^32 (uint32). */
export function sine(phase: number): number {
  const quadrant = phase >>> 30;
  const low = (phase >>> 14) & 65535;
  const p = quadrant & 1 ? 65535 - low : low;
  const i = p >> 8;
  const s = SINE[i]! + (((SINE[i + 1]! - SINE[i]!) * (p & 255) + 128) >> 8);
  return quadrant & 2 ? -s : s;
}

/** cos and sin (Q1.14, [headDim/2] each) of all pairs at a position. */
export function rotation(increments: Uint32Array, position: number, cos: Int32Array, sin: Int32Array): void {
  for (let j = 0; j < increments.length; j++) {
    const phase = Math.imul(position, increments[j]!) >>> 0;
    sin[j] = sine(phase);
    cos[j] = sine((phase + 0x40000000) >>> 0);
  }
}

/** Rotates the pairs (2j, 2j+1) of every head of v (int24 [heads·headDim]) in place. */
export function rope(v: Int32Array, cos: Int32Array, sin: Int32Array, sticky: Sticky): void {
  const pairs = cos.length;
  for (let i = 0; i < v.length; i += 2) {
    const j = (i >> 1) % pairs;
    const a = v[i]!;
    const b = v[i + 1]!;
    v[i] = sat(rshr(a * cos[j]! - b * sin[j]!, 14), 24, sticky, "rope");
    v[i + 1] = sat(rshr(a * sin[j]! + b * cos[j]!, 14), 24, sticky, "rope");
  }
}

/** k -= mean, saturating at 24 bits ([kvHeads·headDim]). */
export function subtractMean(k: Int32Array, mean: Int32Array, sticky: Sticky): void {
  for (let i = 0; i < k.length; i++) k[i] = sat(k[i]! - mean[i]!, 24, sticky, "rope");
}

/**
 * The scale byte 16·x + f, meaning (16 + f)·2^(x-2), of the smallest such scale that is at least maximum/L, L the largest
 * code of so many bits.
 */
export function cacheScale(maximum: number, sticky: Sticky, bits: CacheBits = 4): number {
  const t = Math.floor((maximum * CACHE_CODE[bits].scale + 65535) / 65536);
  let x = Math.max(0, bitlen(t) - 5);
  let f = Math.max(0, ((t + (1 << x) - 1) >> x) - 16);
  if (f === 16) {
    f = 0;
    x++;
  }
  if (x > 15) {
    sticky.cache++;
    return 255;
  }
  return 16 * x + f;
}

/** Code -L..L of a value (int24) under a scale byte. */
export function cacheCode(value: number, scale: number, bits: CacheBits = 4): number {
  const { largest } = CACHE_CODE[bits];
  const code = rshr(value * INV16[scale & 15]!, 14 + (scale >> 4));
  return Math.min(Math.max(code, -largest), largest);
}

/** Bits of a layer's keys and values. */
export type CacheWidths = QuantisedLayer["cache"];

/** Widths by layer: told for every layer at once or for each; 4 bits unless told. */
export function cacheWidths(
  told: CacheWidths | readonly CacheWidths[] | undefined,
  layers: number,
): readonly CacheWidths[] {
  if (!isList(told)) return Array<CacheWidths>(layers).fill(told ?? { keys: 4, values: 4 });
  if (told.length !== layers)
    throw new RangeError(`cache widths of ${told.length} layers for a model of ${layers}`);
  return told;
}

function isList(told: CacheWidths | readonly CacheWidths[] | undefined): told is readonly CacheWidths[] {
  return Array.isArray(told);
}

/** Section 6: sums over values of 8 bits stay within 40 bits up to so many slots. Throws a RangeError beyond. */
export function checkSlots(slots: number, widths: readonly CacheWidths[]): void {
  const wide = widths.findIndex(({ values }) => values === 8);
  if (wide >= 0 && slots > V8_SLOTS)
    throw new RangeError(
      `layer ${wide} has values of 8 bits, which allow ${V8_SLOTS} attention slots, not ${slots}: take 4 bits or a window`,
    );
}

/** Codes and scale bytes of keys and values, by layer, KV head and slot. */
export class KvCache {
  /** Allocated slots: sinks + window. */
  readonly slots: number;
  /** [layers][kvHeads][slots][headDim], -L..L. */
  readonly keyCodes: Int8Array;
  readonly valueCodes: Int8Array;
  /** [layers][kvHeads][slots]. */
  readonly keyScales: Uint8Array;
  readonly valueScales: Uint8Array;

  constructor(
    readonly shape: ModelShape,
    readonly sinks: number,
    readonly window: number,
    /** By layer. */
    readonly widths: readonly CacheWidths[],
  ) {
    this.slots = sinks + window;
    checkSlots(this.slots, widths);
    const vectors = shape.layers * shape.kvHeads * this.slots;
    this.keyCodes = new Int8Array(vectors * shape.headDim);
    this.valueCodes = new Int8Array(vectors * shape.headDim);
    this.keyScales = new Uint8Array(vectors);
    this.valueScales = new Uint8Array(vectors);
  }

  /** The slot of position t: the sinks stay, the window is a ring. */
  slot(t: number): number {
    return t < this.sinks ? t : this.sinks + ((t - this.sinks) % this.window);
  }

  /** Live slots while position t is computed; they are 0..live-1. */
  live(t: number): number {
    return Math.min(t + 1, this.slots);
  }

  /** Index of the vector of a layer, KV head and slot in the scales; times headDim in the codes. */
  vector(layer: number, kvHead: number, slot: number): number {
    return (layer * this.shape.kvHeads + kvHead) * this.slots + slot;
  }

  /** Quantises k (after RoPE and mean) and v, int24 [kvHeads·headDim], into the slot of position t. */
  write(layer: number, t: number, k: Int32Array, v: Int32Array, sticky: Sticky): void {
    const { keys, values } = this.widths[layer]!;
    for (let head = 0; head < this.shape.kvHeads; head++) {
      const to = this.vector(layer, head, this.slot(t));
      this.writeVector(k, head, keys, this.keyCodes, this.keyScales, to, sticky);
      this.writeVector(v, head, values, this.valueCodes, this.valueScales, to, sticky);
    }
  }

  private writeVector(
    source: Int32Array,
    head: number,
    bits: CacheBits,
    codes: Int8Array,
    scales: Uint8Array,
    to: number,
    sticky: Sticky,
  ): void {
    const { headDim } = this.shape;
    let maximum = 0;
    for (let i = 0; i < headDim; i++) maximum = Math.max(maximum, Math.abs(source[head * headDim + i]!));
    const scale = cacheScale(maximum, sticky, bits);
    scales[to] = scale;
    for (let i = 0; i < headDim; i++)
      codes[to * headDim + i] = cacheCode(source[head * headDim + i]!, scale, bits);
  }
}
