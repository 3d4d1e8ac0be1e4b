/**
 * Key and value of this position into the cache (contract section 5, README.md "The stream"): keys lose their mean, then for each KV head a scale byte
 * from the largest magnitude M and codes of 4 bits. With N = M·D - 1 and n = bitlen(N + 2^16): x = n - 21, byte = 16·x + (N >> (16 + x)) - 15,
 * which also holds where f becomes 16. M counts at least 27, the largest whose byte is 0.
 */
import { CACHE_CODE } from "../../../golden/contract/tables.js";
import type { Layout } from "../layout.js";
import { LANES } from "../machine.js";
import { TABLE_BASE } from "../tables.js";
import type { Context } from "./context.js";

const D = CACHE_CODE[4].scale;
const LEAST = 27;

/** Words of layout in use; attend.ts takes the same ones afterwards. */
const words = (layout: Layout) => ({
  /** Word address of the keys of this KV head; slot; slot >> 3: read one after the other. */
  head: layout.a0,
  slot: layout.a1,
  block: layout.a2,
  /** Scale bytes less 256. */
  keyScale: layout.a3,
  valueScale: layout.a4,
  /** Nibble address of the eight dims that are next. */
  dims: layout.a5,
});

/**
 * `cache`: k (behind RoPE) and v to the slot of the position, in this layer's `cache`; the stream stands at the K means. Overwrites k and a word before it, a0 to
 * a5, t0, p0 to p2, c0, c1, R, ACC, Q, MX, MY, M, SH, TD, VD, and leaves no stream (seek).
 */
export function cacheWriter(context: Context): void {
  const { a, shape, layout } = context;
  const { slot, block, head, keyScale } = words(layout);
  const { headDim, kvHeads } = shape;
  a.label("cache");
  a.op({ r: "position" });
  a.op({ mx: "r", my: 1 });
  a.op({ ac: "=", misc: ["p0", layout.k] });
  a.op({ q: "floor3" });
  a.op({ r: "wrap32", vw: slot });
  a.op({ vw: block });
  means(context);
  for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
    const key = layout.k + kvHead * headDim;
    const value = layout.v + kvHead * headDim;
    cacheHead(context, kvHead, [
      ["p0", key],
      ["p1", key],
      ["p2", keyScale],
    ]);
    a.op({ vw: head, seq: "call", target: "cache.scale" });
    a.op({ seq: "call", target: "cache.key" });
    a.op({ misc: ["p1", value], seq: "call", target: "cache.scale" });
    a.op({ misc: ["p0", value], seq: "call", target: "cache.value" });
  }
  a.op({ seq: "ret" });
  scaleByte(context);
  keyCodes(context);
  valueCodes(context);
}

type Pointer = readonly ["p0" | "p1" | "p2", number];

/** R <- address of the keys of a KV head in this layer; sets pointers, as many as can in the same instructions. */
export function cacheHead({ a, layout, image }: Context, kvHead: number, pointers: readonly Pointer[]): void {
  const rest = [...pointers];
  const misc = (): { misc?: Pointer } => {
    const pointer = rest.shift();
    return pointer ? { misc: pointer } : {};
  };
  a.op({ vr: layout.cache });
  if (kvHead === 0) a.op({ r: "vd", ...misc() });
  else {
    a.op({ mx: "vd", my: 1 });
    a.op({ ac: "=", mx: "one", my: image.cacheWords.head(kvHead) });
    a.op({ ac: "+", ...misc() });
    a.op({ r: "acc", ...misc() });
  }
  while (rest.length > 0) a.op(misc());
}

/** k (p0) <- k - mean for all heads, four clocks an element; each comes out with the next. */
function means({ a, shape, layout }: Context): void {
  a.op({ mx: "one", my: 0 });
  a.op({ ac: "=", vr: "p0+", misc: ["p1", layout.k - 1] });
  a.op({ misc: ["c0", shape.kvHeads * shape.headDim] });
  a.label("cache.mean");
  a.op({ mx: "vd", my: 1, ac: "+hi" });
  a.op({ mx: "one", my: "half", tk: "2", ac: "=", q: "floor0" });
  a.op({ my: "half", tk: "2", ac: "-", r: "sat24" });
  a.op({ my: 0x8000, ac: "-hi", vr: "p0+", vw: "p1+", seq: "loop0", target: "cache.mean" });
  a.op({ ac: "+hi" });
  a.op({ q: "floor0" });
  a.op({ r: "sat24" });
  a.op({ vw: "p1" });
}

/** `cache.scale`: the scale byte of the vector at p1, less 256, to p2, which steps; SH <- 14 + x, TD <- INV16[f]. */
function scaleByte({ a, shape, layout }: Context): void {
  a.label("cache.scale");
  a.op({ mx: "one", my: LEAST, max: "clear" });
  a.op({ ac: "=", vr: "p1+" });
  a.op({ r: "acc", misc: ["c0", shape.headDim + 1] });
  a.label("cache.maximum");
  a.op({ vr: "p1+", r: "vd", max: "abs", seq: "loop0", target: "cache.maximum" });
  a.op({ mx: "one", my: "mlo" });
  a.op({ ac: "=", my: "mhi" });
  a.op({ ac: "+hi" });
  a.op({ mx: "acc", my: D, r: "acc" });
  a.op({ ac: "=", mx: "one", my: 65535 });
  a.op({ ac: "+", vw: layout.t0 });
  a.op({ r: "bitlen" });
  a.op({ mx: "r", my: 1 });
  a.op({ ac: "=", mx: "one", my: 5 });
  a.op({ ac: "-" });
  a.op({ r: "acc", vr: layout.t0 }); // 16 + x
  a.op({ sh: "r", mx: "r", my: 16 });
  a.op({ ac: "=", mx: "vd", my: D });
  a.op({ r: "acc", ac: "=", mx: "one", my: 1 }); // 16·(16 + x)
  a.op({ ac: "-", mx: "r" });
  a.op({ q: "floorSh" });
  a.op({ r: "wrap32", ac: "=", mx: "one", my: 256 + 256 + 15 });
  a.op({ mx: "r", my: 1, ac: "-" });
  a.op({ ac: "+", mx: "one" });
  a.op({ r: "acc", ac: "=" });
  a.op({ seq: "negative", target: "cache.scaled" });
  a.op({ my: 2, misc: "flag" });
  a.op({ ac: "-" });
  a.op({ r: "acc" }); // 255
  a.label("cache.scaled");
  a.op({ vw: "p2+", mx: "one", my: "r15" });
  a.op({ ac: "=", mx: "r", my: 1 });
  a.op({ r: "acc", ac: "=", mx: "one", my: 14 + 16 });
  a.op({ q: "floor4" });
  a.op({ tb: ["plain", TABLE_BASE.inv16], r: "wrap32" });
  a.op({ ac: "=", mx: "r", my: 1 });
  a.op({ ac: "+" });
  a.op({ r: "acc" });
  a.op({ sh: "r", seq: "ret" });
}

/** R <- 16·head + slot·ofSlot + block·ofBlock + constant. */
function nibbleAddress(
  { a, layout }: Context,
  { ofSlot, ofBlock = 0, constant = 0 }: { ofSlot: number; ofBlock?: number; constant?: number },
): void {
  a.op({ misc: ["p1", words(layout).head] });
  a.op({ vr: "p1+" });
  a.op({ mx: "vd", my: 16, vr: "p1+" });
  a.op({ ac: "=", mx: "vd", my: ofSlot, vr: "p1+" });
  if (ofBlock > 0) a.op({ ac: "+", mx: "vd", my: ofBlock });
  if (constant > 0) a.op({ ac: "+", mx: "one", my: constant });
  a.op({ ac: "+" });
  a.op({ r: "acc" });
}

/** One code: read, product, shift, clamp, write. */
const CODE = { vr: "p0+", mx: "vd", ac: "=", q: "roundSh", r: "clamp7" } as const;
const { vr, mx, ac, q, r } = CODE;

/** `cache.key`: codes of the vector at p0 to the columns of this slot. */
function keyCodes(context: Context): void {
  const { a, shape, image } = context;
  a.label("cache.key");
  nibbleAddress(context, { ofSlot: 1, ofBlock: 16 * image.cacheWords.keyBlock - LANES });
  a.op({ vr, misc: "wp=r", my: "td" });
  a.op({ vr, mx });
  a.op({ vr, mx, ac });
  a.op({ vr, mx, ac, q });
  a.op({ vr, mx, ac, q, r, misc: ["c0", shape.headDim] });
  a.label("cache.key.code");
  a.op({ ...CODE, sw: "nibble8", seq: "loop0", target: "cache.key.code" });
  a.op({ seq: "ret" });
}

/** `cache.value`: codes of the vector at p0, eight dims after the other, then both scale bytes. */
function valueCodes(context: Context): void {
  const { a, shape, layout, image } = context;
  const { keyBlock, keys, valueBlock } = image.cacheWords;
  const { dims, keyScale, valueScale } = words(layout);
  const sw = "nibble1";
  a.label("cache.value");
  nibbleAddress(context, { ofSlot: LANES, constant: 16 * keys });
  a.op({ misc: ["c1", shape.headDim / LANES] });
  a.label("cache.value.dims");
  a.op({ vr, misc: "wp=r", vw: dims, my: "td" });
  a.op({ vr, mx });
  a.op({ vr, mx, ac });
  a.op({ vr, mx, ac, q });
  a.op({ vr, mx, ac, q, r, misc: ["c0", LANES - 5] });
  a.label("cache.value.code");
  a.op({ ...CODE, sw, seq: "loop0", target: "cache.value.code" });
  a.op({ mx, ac, q, r, sw });
  a.op({ ac, q, r, sw });
  a.op({ q, r, sw, vr: dims });
  a.op({ r, sw, mx: "vd", my: 1 });
  a.op({ sw, ac: "=", mx: "one", my: 16 * valueBlock });
  a.op({ ac: "+" });
  a.op({ r: "acc", seq: "loop1", target: "cache.value.dims" });
  const constant = LANES * shape.headDim;
  nibbleAddress(context, { ofSlot: 4, ofBlock: 16 * keyBlock - 4 * LANES, constant });
  a.op({ misc: "wp=r", vr: keyScale });
  a.op({ r: "vd", vr: valueScale });
  a.op({ mx: "one", my: "r255", r: "vd" });
  a.op({ ac: "=", mx: "r", my: 256 });
  a.op({ ac: "+" });
  a.op({ r: "acc" });
  a.op({ sw: "half", seq: "ret" });
}
