/**
 * RoPE (contract section 5): tables of the position once a token, then q and k of each layer turned in place. Sine and cosine have a sign, the factor of
 * a product has none: they lie OFFSET higher, and each product with one of them is followed by one with OFFSET. For |sin|: with d = 2·phase + 1 (mod 2^32,
 * signed) the place in the quadrant is |d| >> 15, from the quadrant's end where it is odd.
 */
import type { Layout } from "../layout.js";
import { TABLE_BASE } from "../tables.js";
import type { Context } from "./context.js";

/** At least 2^14; its six low bits are the 14 of a shift in the same instruction. */
export const OFFSET = 0x4000 + 14;

/** Cosines, the first once more behind the last (the turn of a head ends by reading that of the next), then sines. */
export const ropeTables = ({ shape, rope }: Layout) => ({
  cosines: rope,
  sines: rope + shape.headDim / 2 + 1,
});

/** `rope.angles`, `rope` and what they call. */
export function rope(context: Context): void {
  angles(context);
  sine(context);
  turn(context);
}

/** `rope.angles`: once a token, the tables of its position. Overwrites t0, t1, p0 to p2, c0, R, ACC, Q, MX, MY, YR, TD, VD. */
function angles({ a, shape, layout }: Context): void {
  const { cosines, sines } = ropeTables(layout);
  a.label("rope.angles");
  a.op({ r: "position", misc: ["p0", layout.increments] });
  a.op({ misc: "yr=r" });
  a.op({ misc: ["p1", cosines] });
  a.op({ misc: ["p2", sines] });
  a.op({ misc: ["c0", shape.headDim / 2] });
  a.label("rope.angle");
  a.op({ vr: "p0+" });
  a.op({ mx: "vd", my: "yr" });
  a.op({ ac: "=" });
  a.op({ r: "acc" });
  a.op({ vw: layout.t1, seq: "call", target: "rope.sine" });
  a.op({ vw: "p2+", vr: layout.t1 });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "=", mx: "one", my: 0x4000 });
  a.op({ ac: "+hi" }); // a quarter turn
  a.op({ r: "acc", seq: "call", target: "rope.sine" });
  a.op({ vw: "p1+", seq: "loop0", target: "rope.angle" });
  a.op({ vr: cosines });
  a.op({ r: "vd" });
  a.op({ vw: "p1", seq: "ret" });
}

/** R <- sin(R) + OFFSET. Overwrites t0, ACC, Q, MX, MY, TD, VD. */
function sine({ a, layout }: Context): void {
  a.label("rope.sine");
  a.op({ mx: "r", my: 2 });
  a.op({ ac: "=", mx: "one", my: 1 });
  a.op({ ac: "+", my: 0, vw: layout.t0 });
  a.op({ ac: "=", r: "acc" });
  a.op({ mx: "r", my: 1 });
  a.op({ ac: "+abs" });
  a.op({ q: "floor15" });
  a.op({ r: "wrap32" });
  a.op({ tb: ["byte8", TABLE_BASE.sine + 1] });
  a.op({ tb: ["byte8", TABLE_BASE.sine], mx: "one", my: "td" });
  a.op({ ac: "=", my: "td" });
  a.op({ ac: "-", vr: layout.t0 });
  a.op({ mx: "acc", my: "r255" });
  a.op({ ac: "=", mx: "one", my: "td" });
  a.op({ q: "round8", ac: "=" });
  a.op({ r: "wrap32", my: 1 });
  a.op({ mx: "r" });
  a.op({ ac: "+", mx: "one", my: OFFSET, r: "vd" });
  a.op({ mx: "acc", my: 1, ac: "=", seq: "negative", target: "rope.negative" });
  a.op({ ac: "+" });
  a.op({ r: "acc", seq: "ret" });
  a.label("rope.negative");
  a.op({ ac: "-" });
  a.op({ r: "acc", seq: "ret" });
}

/**
 * `rope`: k and q, which lie behind each other, by the tables. Eight clocks a pair (as many products); the second result of a pair comes out with the
 * next, that of the last behind the loop, and the first write goes to the word before k. Overwrites p0 to p3, c0, c1, R, ACC, Q, MX, MY, YR, VD.
 */
function turn({ a, shape, layout }: Context): void {
  const { heads, kvHeads, headDim } = shape;
  const { cosines, sines } = ropeTables(layout);
  a.label("rope");
  a.op({ misc: ["p0", layout.k] });
  a.op({ misc: ["p1", layout.k - 1] });
  a.op({ misc: ["c1", kvHeads + heads] });
  a.op({ mx: "one", my: 0 });
  a.op({ ac: "=", misc: ["p3", cosines] });
  a.op({ vr: "p3+" });
  a.op({ r: "vd", vr: "p0+" });
  a.op({ misc: "yr=r" });
  a.label("rope.head");
  a.op({ misc: ["p3", cosines + 1] });
  a.op({ misc: ["p2", sines] });
  a.op({ misc: ["c0", headDim / 2] });
  // x·cos - y·sin, then y·cos + x·sin; C, S: words of the tables
  a.label("rope.pair");
  a.op({ ac: "+", mx: "vd", my: "yr" }); // + x·S of the pair before
  a.op({ ac: "=", my: OFFSET, vr: "p0+", q: "round14" }); // x·C
  a.op({ ac: "-", mx: "vd", vr: "p2", r: "sat24" });
  a.op({ ac: "+", my: "vdlo", vr: "p3+", vw: "p1+" });
  a.op({ ac: "-", my: "yr", r: "vd" }); // - y·S
  a.op({ ac: "=", my: OFFSET, vr: "p1", q: "round14", misc: "yr=r" }); // y·C
  a.op({ ac: "-", mx: "vd", vr: "p2+", r: "sat24" });
  a.op({ ac: "-", my: "vdlo", vr: "p0+", vw: "p1+", seq: "loop0", target: "rope.pair" });
  a.op({ seq: "loop1", target: "rope.head" });
  a.op({ ac: "+" });
  a.op({ q: "round14" });
  a.op({ r: "sat24" });
  a.op({ vw: "p1+", seq: "ret" });
}
