/**
 * RoPE (contract section 5): cosine and sine of every pair once a token, then q and k of each layer turned in place. Both lie 2^14 too high, to be
 * unsigned: what that adds to a product is taken away again.
 */
import { TABLE_BASE } from "../tables.js";
import type { Context } from "./context.js";

/** 1 of a sine, Q1.14. */
const ONE = 0x4000;

/** `rope.angles`, `rope` and what they call. */
export function rope(context: Context): void {
  angles(context);
  sine(context);
  turn(context);
}

/** Once a token: cosine and sine by pair to `rope`, from its position. Overwrites t0, p0, p1, c0, R, ACC, Q, MX, MY, YR, TD, VD. */
function angles({ a, shape, layout }: Context): void {
  a.label("rope.angles");
  a.op({ r: "position" });
  a.op({ misc: "yr=r" });
  a.op({ misc: ["p0", layout.increments] });
  a.op({ misc: ["p1", layout.rope] });
  a.op({ misc: ["c0", shape.headDim / 2] });
  a.label("rope.angle");
  a.op({ vr: "p0" });
  a.op({ mx: "vd", my: "yr" });
  a.op({ ac: "=", mx: "one", my: ONE });
  a.op({ ac: "+hi" });
  a.op({ q: "floor0" });
  a.op({ r: "wrap32" }); // phase + 2^30: a quarter turn on
  a.op({ vw: layout.t0, seq: "call", target: "rope.sine" });
  a.op({ vr: "p0+" });
  a.op({ mx: "vd", my: "yr" });
  a.op({ ac: "=" });
  a.op({ q: "floor0" });
  a.op({ r: "wrap32" });
  a.op({ vw: layout.t0, seq: "call", target: "rope.sine" });
  a.op({ seq: "loop0", target: "rope.angle" });
  a.op({ seq: "ret" });
}

/** The word at p1, which steps, <- sine of the phase in R and t0, and 2^14. Odd quadrants run backwards: ~phase; the upper two are negative. */
function sine({ a, layout }: Context): void {
  a.label("rope.sine");
  a.op({ mx: "r", my: 2 });
  a.op({ ac: "=", my: 1 });
  a.op({ q: "floor0", ac: "=" });
  a.op({ r: "wrap32", q: "floor14" });
  a.op({ r: "wrap32", seq: "negative", target: "rope.odd" });
  a.op({ seq: "jump", target: "rope.line" });
  a.label("rope.odd");
  a.op({ mx: "r", my: 1 });
  a.op({ ac: "=", my: 2 });
  a.op({ ac: "-", mx: "one", my: 1 });
  a.op({ ac: "-" });
  a.op({ q: "floor0" });
  a.op({ r: "wrap32" });
  a.label("rope.line");
  a.op({ tb: ["byte8", TABLE_BASE.sine + 1] });
  a.op({ mx: "one", my: "td", tb: ["byte8", TABLE_BASE.sine] });
  a.op({ ac: "=", my: "td" });
  a.op({ ac: "-" });
  a.op({ mx: "acc", my: "r255" });
  a.op({ ac: "=", mx: "one", my: "td" });
  a.op({ q: "round8", ac: "=" });
  a.op({ r: "wrap32" });
  a.op({ mx: "r", my: 1 });
  a.op({ ac: "+" });
  a.op({ q: "floor0", vr: layout.t0 });
  a.op({ r: "wrap32", mx: "one", my: ONE });
  a.op({ ac: "=", mx: "r", my: 1, r: "vd" });
  a.op({ seq: "negative", target: "rope.negative" });
  a.op({ ac: "+", seq: "jump", target: "rope.signed" });
  a.label("rope.negative");
  a.op({ ac: "-" });
  a.label("rope.signed");
  a.op({ q: "floor0" });
  a.op({ r: "wrap32" });
  a.op({ vw: "p1+", seq: "ret" });
}

/** `rope`: q and k turned by `rope.angles`. Overwrites p0 to p2, c0, c1, R, ACC, Q, MX, MY, YR, VD. */
function turn({ a, shape, layout }: Context): void {
  const { heads, kvHeads, headDim } = shape;
  a.label("rope");
  a.op({ misc: ["p0", layout.q] });
  a.op({ misc: ["p1", layout.q] });
  a.op({ misc: ["c1", heads], seq: "call", target: "rope.head" });
  a.op({ misc: ["p0", layout.k] });
  a.op({ misc: ["p1", layout.k] });
  a.op({ misc: ["c1", kvHeads] });
  a.label("rope.head");
  a.op({ misc: ["p2", layout.rope] });
  a.op({ misc: ["c0", headDim / 2] });
  a.label("rope.pair"); // x, y of a pair; c, s its cosine and sine
  a.op({ vr: "p2+" });
  a.op({ r: "vd", vr: "p0+" });
  a.op({ misc: "yr=r", mx: "vd" });
  a.op({ my: "yr", vr: "p0+" });
  a.op({ ac: "=", my: ONE }); // x·c
  a.op({ ac: "-", mx: "vd", vr: "p2" });
  a.op({ ac: "+", my: "vdlo" });
  a.op({ ac: "-", my: "yr" }); // - y·s
  a.op({ q: "round14", ac: "=", vr: "p1" }); // y·c
  a.op({ r: "sat24", my: ONE });
  a.op({ vw: "p1+", ac: "-", mx: "vd" });
  a.op({ ac: "-", vr: "p2+" });
  a.op({ my: "vdlo" });
  a.op({ ac: "+" }); // + x·s
  a.op({ q: "round14" });
  a.op({ r: "sat24" });
  a.op({ vw: "p1+", seq: "loop0", target: "rope.pair" });
  a.op({ seq: "loop1", target: "rope.head" });
  a.op({ seq: "ret" });
}
