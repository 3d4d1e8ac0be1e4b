/**
 * Attention of one head over its cache (contract section 6): codes of q, scores, exponentials, probabilities in blocks of 32 slots, values. A slot of
 * the cache is a row for its keys and a column for its values; what lies in slots that are not live is read but never used.
 */
import { GROUP } from "../../../golden/contract/tables.js";
import type { Layout } from "../layout.js";
import { ACT_BYTES, LANES } from "../machine.js";
import { TABLE_BASE } from "../tables.js";
import { cacheHead } from "./cachewriter.js";
import type { Context } from "./context.js";
import { lanesLabel, read } from "./matrix.js";
import { quantisePasses } from "./quantise.js";

const LANES_W4 = lanesLabel("w4");

/** Words of layout that these routines keep for themselves during one head. */
const words = (layout: Layout) => ({
  /** Slots in the last block of 8, then of 32. */
  last: layout.a0,
  /** What `powers` subtracts from: word 1, so that one `imm` is its address and a factor. */
  base: layout.t1,
  smax: layout.a2,
  /** Sum of exponentials; 256 of them stay below 2^25. */
  sum: layout.a3,
  /** Stream address of the keys of this KV head, then of the next eight dims of its values. */
  keys: layout.a4,
  values: layout.a5,
  /** Blocks of 32 slots. */
  blocks: layout.a6,
  emax: layout.a7,
});

/**
 * `attend.all`: every head from q, whose keys and values are in the cache, to o. Overwrites everything but x, y, layer, cache, live and c3.
 */
export function attend(context: Context): void {
  const { a, shape, layout } = context;
  const { heads, kvHeads, headDim } = shape;
  a.label("attend.all");
  for (let head = 0; head < heads; head++) {
    const q = layout.q + head * headDim;
    if (head % (heads / kvHeads) === 0) {
      cacheHead(context, Math.floor((head * kvHeads) / heads), [["p0", q]]);
      a.op({ vw: words(layout).keys });
    } else a.op({ misc: ["p0", q] });
    a.op({ misc: ["p1", q], seq: "call", target: "attend.head" });
    a.op({ misc: ["p3", layout.o + head * headDim], seq: "call", target: "attend.values" });
  }
  a.op({ seq: "ret" });
  attendHead(context);
  values(context);
  scoreRows(context);
  probabilityBlock(context);
  powers(context);
  signedMaximum(context);
}

/** One head up to its probabilities and T: q at p0 and p1. */
function attendHead(context: Context): void {
  const { a, shape } = context;
  a.label("attend.head");
  a.op({ misc: ["c0", quantisePasses(shape.headDim)] });
  a.op({ misc: ["c1", shape.headDim], seq: "call", target: "maximum" });
  scores(context);
  exponentials(context);
  probabilities(context);
  blockWeights(context);
  outputScale(context);
}

/**
 * c2 <- blocks of `size` slots that hold the live ones, `last` <- live slots in the last. Leaves the number of blocks in R as it writes nothing else.
 */
function blocksOf({ a, layout }: Context, size: 8 | 32): void {
  const { last, blocks } = words(layout);
  a.op({ vr: layout.live });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "=", mx: "one", my: size - 1 });
  a.op({ ac: "+", mx: "vd", my: 1 });
  a.op({ q: size === 8 ? "floor3" : "floor5", ac: "=" });
  a.op({ r: "wrap32", mx: "one", my: size });
  a.op({ misc: "c2=r", ac: "+", mx: "r" });
  a.op({ ac: "-", vw: blocks });
  a.op({ r: "acc" });
  a.op({ vw: last });
}

/** Scores and c of the live slots, and the largest score. Pipeline of a row: see `attend.rows`. */
function scores(context: Context): void {
  const { a, shape, layout, image } = context;
  const { last, keys, smax, base } = words(layout);
  const groups = shape.headDim / GROUP;
  a.op({ mx: "one", my: image.score, seq: "call", target: "seekLayer" });
  a.op({ seq: "call", target: "setScale" });
  blocksOf(context, 8);
  a.op({ vr: keys });
  a.op({ r: "vd", misc: ["p0", layout.scores] });
  a.op({ misc: "seek=r", max: "clear" });
  a.op({ misc: ["p1", layout.c - 1], seq: "jump", target: "attend.blocks" });
  a.label("attend.full");
  a.op({ misc: ["c1", groups], seq: "call", target: LANES_W4 });
  a.op({ misc: ["c1", LANES], gr: read(0, groups), seq: "call", target: "attend.rows" });
  a.label("attend.blocks");
  a.op({ seq: "loop2", target: "attend.full" });
  a.op({ misc: ["c1", groups], seq: "call", target: LANES_W4 });
  a.op({ vr: last });
  a.op({ r: "vd" });
  a.op({ misc: "c1=r", gr: read(0, groups), seq: "call", target: "attend.rows" });
  a.op({ r: "acc" });
  a.op({ vw: "p1+", seq: "call", target: "signed.value" });
  a.op({ r: "acc" });
  a.op({ vw: smax });
  a.op({ vw: base });
}

/**
 * c1 slots of a block: GS holds their sums, GD the first, the stream stands at their scale bytes. score = (16 + f)·sum·T to p0,
 * c - 1024 = score + 64·(16x - 16) + LOG16 to p1, which lags by a slot: the last c is still in ACC at the end, and the first write goes to the word before.
 */
function scoreRows({ a, shape }: Context): void {
  const groups = shape.headDim / GROUP;
  a.label("attend.rows");
  for (let g = 0; g < groups; g++)
    a.op({
      ...{ mx: "gs", my: "factor", gr: read((g + 1) % groups, groups) },
      ...(g === 0 ? { q: "floor0" } : { ac: g === 1 ? "=" : "+" }),
      ...(g === 1 ? { r: "wrap32" } : {}),
      ...(g === groups - 1 ? { sh: "scale", tk: "1" } : {}),
    });
  a.op({ ac: groups === 1 ? "=" : "+", ...(groups === 1 ? { r: "wrap32" } : { vw: "p1+" }) });
  a.op({ mx: "acc", my: "yr", ...(groups === 1 ? { vw: "p1+" } : {}) });
  a.op({ ac: "=", mx: "one", my: "byte" });
  a.op({ q: "roundSh", ac: "=", my: "factor", tb: ["factor", TABLE_BASE.log16], tk: "1" });
  a.op({ r: "sat24", ac: "-" });
  a.op({ vw: "p0+", max: "signed", mx: "r", my: 1 });
  a.op({ ac: "=", mx: "acc", my: 64 });
  a.op({ ac: "+", mx: "one", my: "td" });
  a.op({ ac: "+", seq: "loop1", target: "attend.rows" });
  a.op({ seq: "ret" });
}

/** sum <- the exponentials of smax - score over the live slots, which take the scores' place. */
function exponentials({ a, layout }: Context): void {
  const { sum } = words(layout);
  a.op({ vr: layout.live });
  a.op({ r: "vd", misc: ["p1", layout.scores + 1] });
  a.op({ misc: "c0=r" });
  a.op({ misc: "c1=r" });
  a.op({ misc: ["p3", layout.scores], seq: "call", target: "powers" });
  a.op({ misc: ["p1", layout.scores] });
  a.op({ vr: "p1+", my: 0 });
  a.op({ vr: "p1+", mx: "vd", my: 1, ac: "=" });
  a.label("attend.exponential");
  a.op({ vr: "p1+", mx: "vd", ac: "+", seq: "loop0", target: "attend.exponential" });
  a.op({ r: "acc" });
  a.op({ vw: sum });
}

/** ACT <- p of all blocks, 0 behind the live slots; E_b to blockExponents. */
function probabilities(context: Context): void {
  const { a, layout } = context;
  const { last } = words(layout);
  blocksOf(context, 32);
  a.op({ misc: ["p0", layout.c] });
  a.op({ misc: ["p1", layout.c + 1] });
  a.op({ misc: ["p2", layout.blockExponents] });
  a.op({ misc: ["p3", layout.c], seq: "jump", target: "attend.chunks" });
  a.label("attend.chunk");
  a.op({ misc: ["c0", 32] });
  a.op({ misc: ["c1", 32], seq: "call", target: "attend.chunk.rows" });
  a.label("attend.chunks");
  a.op({ seq: "loop2", target: "attend.chunk" });
  a.op({ vr: last });
  a.op({ r: "vd" });
  a.op({ misc: "c0=r" });
  a.op({ misc: "c1=r", seq: "call", target: "attend.chunk.rows" });
  // a clock each: five slots at once, so that five other bytes come first
  a.op({ vr: layout.live });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "=", mx: "one", my: 5 });
  a.op({ ac: "+", misc: ["p1", layout.c] });
  a.op({ r: "acc", misc: ["ar", 256] }); // out of the way of AW
  a.op({ misc: "c0=r", my: 127 });
  a.op({ misc: ["aw", ACT_BYTES - 5] });
  a.label("attend.probability");
  a.op({
    ...{ vr: "p1+", mx: "vd", ac: "=", q: "round16", r: "wrap32", aw: "write" },
    ...{ seq: "loop0", target: "attend.probability" },
  });
  a.op({ vr: last });
  a.op({ mx: "one", my: 32 });
  a.op({ ac: "=", mx: "vd", my: 1 });
  a.op({ ac: "-", my: 0 });
  a.op({ r: "acc", ac: "=" });
  a.op({ misc: "c0=r", r: "acc", seq: "zero", target: "attend.filled" });
  a.label("attend.fill");
  a.op({ aw: "write", seq: "loop0", target: "attend.fill" });
  a.label("attend.filled");
}

/** One block: c0 and c1 slots, c at p0 and p3 (p1: the second) <- exp2(1024·E_b - (c - smax)); E_b to p2. */
function probabilityBlock({ a, layout }: Context): void {
  const { smax, base } = words(layout);
  a.label("attend.chunk.rows");
  a.op({ seq: "call", target: "signed" });
  // E_b = (cmax - smax + 1023) >> 10; c lies 1024 too low
  a.op({ mx: "one", my: 2047 });
  a.op({ ac: "+", vr: smax });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "-" });
  a.op({ q: "floor10" });
  a.op({ r: "wrap32" });
  // base: 1024·E_b + smax - 1024
  a.op({ vw: "p2+", mx: "r", my: 1024 });
  a.op({ ac: "=", mx: "vd", my: 1 });
  a.op({ ac: "+", mx: "one", my: 1024 });
  a.op({ ac: "-" });
  a.op({ r: "acc" });
  a.op({ vw: base, seq: "call", target: "powers" });
  a.op({ seq: "ret" });
}

/** blockExponents <- 2^(14 - (Emax - E_b)), 0 where that is no integer; emax. */
function blockWeights({ a, layout }: Context): void {
  const { blocks, emax } = words(layout);
  a.op({ vr: blocks });
  a.op({ r: "vd" });
  a.op({ misc: "c0=r" });
  a.op({ misc: "c1=r" });
  a.op({ misc: ["p0", layout.blockExponents], seq: "call", target: "signed" });
  a.op({ r: "acc", misc: ["p0", layout.blockExponents] });
  a.op({ vw: emax });
  a.label("attend.weight");
  a.op({ vr: emax });
  a.op({ mx: "vd", my: 1, vr: "p0" });
  a.op({ ac: "=", mx: "vd" });
  a.op({ ac: "-", mx: "one", my: 0x4000 });
  a.op({ r: "acc", ac: "=" });
  a.op({ sh: "r" });
  a.op({ q: "floorSh" });
  a.op({ r: "wrap32" });
  a.op({ vw: "p0+", seq: "loop1", target: "attend.weight" });
}

/** YR, SH <- T of the output: mul((recip(m), -31 - k + Emax), K) with (m, k) = norm16(sum); k = bitlen - 16. */
function outputScale({ a, layout, image }: Context): void {
  const { sum, emax } = words(layout);
  a.op({ vr: sum });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "=" });
  a.op({ r: "bitlen", ac: "=hi", vr: emax });
  a.op({ sh: "r", mx: "vd" });
  a.op({ q: "floorSh", ac: "=", mx: "r" });
  a.op({ r: "wrap32", ac: "-", mx: "one", my: 15 });
  a.op({ vw: layout.sM, ac: "-" });
  a.op({ r: "acc", vr: layout.sM });
  a.op({ vw: layout.sE, r: "vd", seq: "call", target: "recip" });
  a.op({ vw: layout.sM });
  a.op({ mx: "one", my: image.attend, seq: "call", target: "seekLayer" });
  a.op({ seq: "call", target: "setScale" }); // its exponent stays in R
  a.op({ my: 0 });
  a.op({ ac: "=", mx: "r", my: 1 });
  a.op({ ac: "-" });
  a.op({ r: "acc" });
  a.op({ sh: "r", seq: "ret" });
}

/** p3 <- values times p, eight dims after the other: sums of 32 slots, each times its block's weight, then times T. */
function values({ a, shape, layout, image }: Context): void {
  const own = words(layout);
  a.label("attend.values");
  a.op({ vr: own.keys });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "=", mx: "one", my: image.cacheWords.keys });
  a.op({ ac: "+", misc: ["c2", shape.headDim / LANES] });
  a.label("attend.dims");
  a.op({ r: "acc", vr: own.blocks });
  a.op({ vw: own.values, misc: "seek=r", r: "vd" });
  a.op({ misc: "c1=r", seq: "call", target: LANES_W4 });
  a.op({ misc: ["c1", LANES] });
  a.label("attend.dim");
  a.op({ vr: own.blocks });
  a.op({ r: "vd", misc: ["p0", layout.blockExponents] });
  a.op({ misc: "c0=r", my: 0 });
  a.op({ ac: "=", gr: "group", vr: "p0+" });
  a.label("attend.block");
  a.op({ ac: "+", mx: "gs", my: "vdlo", gr: "group", vr: "p0+", seq: "loop0", target: "attend.block" });
  a.op({ ac: "+", gr: "row" });
  a.op({ mx: "accl", my: "yr" });
  a.op({ mx: "acch", ac: "=" });
  a.op({ ac: "+hi" });
  a.op({ q: "roundSh" });
  a.op({ r: "sat24" });
  a.op({ vw: "p3+", seq: "loop1", target: "attend.dim" });
  a.op({ vr: own.values });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "=", mx: "one", my: image.cacheWords.valueBlock });
  a.op({ ac: "+", seq: "loop2", target: "attend.dims" });
  a.op({ seq: "ret" });
}

/**
 * `powers`: c1 words d' at p3 (p1: the second) <- exp2(base - d') of the contract, 13 clocks each: the next begins while this one ends. EXP2 lies 2^15 too
 * low in the table. Overwrites R, ACC, Q, MX, MY, SH, TD, VD.
 */
function powers({ a, layout }: Context): void {
  const { base } = words(layout);
  a.label("powers");
  a.op({ vr: base });
  a.op({ mx: "vd", my: 1, vr: "p3" });
  a.op({ ac: "=", mx: "vd" });
  a.op({ ac: "-" });
  a.op({ r: "acc", q: "floor10" });
  a.label("powers.word");
  a.op({ tb: ["exp", TABLE_BASE.exp2] });
  a.op({ mx: "one", my: "td", tb: ["exp", TABLE_BASE.exp2 + 1] });
  a.op({ ac: "=", my: "td" });
  a.op({ ac: "-", tb: ["exp", TABLE_BASE.exp2] });
  a.op({ mx: "acc", my: "r15", r: "wrap32" });
  a.op({ ac: "=", sh: "r", mx: "one", my: "td" });
  a.op({ q: "round4", ac: "=" });
  a.op({ r: "wrap32", my: 0x8000 });
  a.op({ ac: "+", mx: "r", my: 1, vr: base });
  a.op({ ac: "-", mx: "vd", vr: "p1+" });
  a.op({ q: "roundSh", ac: "=", mx: "vd" });
  a.op({ r: "wrap32", ac: "-" });
  a.op({ vw: "p3+", r: "acc", q: "floor10", seq: "loop1", target: "powers.word" });
  a.op({ seq: "ret" });
}

/** `signed`: ACC <- the largest of c0 signed words at p0, which steps. `signed.value`: ACC <- M of a signed maximum. Overwrites R, MX, MY, VD. */
function signedMaximum({ a }: Context): void {
  a.label("signed");
  a.op({ vr: "p0" });
  a.op({ r: "vd", max: "clear" });
  a.label("signed.word");
  a.op({ vr: "p0+", max: "signed" });
  a.op({ r: "vd", seq: "loop0", target: "signed.word" });
  a.op({ max: "signed" });
  a.label("signed.value");
  a.op({ mx: "one", my: "mlo" });
  a.op({ ac: "=", my: "mhi" });
  a.op({ ac: "+hi", my: 0x8000 });
  a.op({ ac: "-hi", seq: "ret" });
}
