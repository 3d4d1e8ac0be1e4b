/** The residual stream (contract section 2): a row of the embedding, additions. */
import { GROUP } from "../../../golden/contract/tables.js";
import { EMBEDDING_LEFT } from "../image.js";
import type { Context } from "./context.js";

/**
 * x <- row `token` of the embedding. The codes of one row are every fourth byte, from byte (token mod 8) / 2 of the row block on; its
 * mantissas and exponent follow behind all codes. Overwrites y, q, t0, t1, p0 to p2, c0, c1, R, ACC, Q, MX, MY, SH, TE, YR, VD.
 */
export function embedding({ a, shape, layout, image, residualFraction }: Context): void {
  const { dim } = shape;
  const groups = dim / GROUP;
  a.label("embedding");
  a.op({ r: "token" });
  a.op({ mx: "r", my: 1 });
  a.op({ ac: "=" });
  a.op({ q: "floor3" });
  a.op({ r: "wrap32" });
  a.op({ mx: "r", my: 8 });
  a.op({ ac: "-", my: image.embeddingBlock });
  a.op({ r: "acc", ac: "=", mx: "one", my: image.embedding }); // lane
  a.op({ vw: layout.t0, ac: "+" });
  a.op({ r: "acc", vr: layout.t0 });
  // from h = lane / 2 on; where the lane is odd, the byte's high half: 4·(lane - 2h) to shift
  a.op({ misc: "seek=r", mx: "vd", my: 1 });
  a.op({ ac: "=", my: 4 });
  a.op({ q: "floor1", ac: "=" });
  a.op({ r: "wrap32", my: 8 });
  a.op({ vw: layout.t1, mx: "r" });
  a.op({ ac: "-", my: 1 });
  a.op({ r: "acc", ac: "=", mx: "one" });
  a.op({ sh: "r", ac: "+" });
  a.op({ r: "acc" });
  a.op({ misc: "c0=r", seq: "call", target: "skip" });
  a.op({ misc: ["p1", layout.y] });
  a.op({ misc: ["c0", dim] });
  a.label("embedding.code");
  a.op({ mx: "one", my: "byte", tk: "1" });
  a.op({ ac: "=", tk: "1" });
  a.op({ q: "floorSh", tk: "1" });
  a.op({ r: "wrap32", tk: "1" });
  a.op({ vw: "p1+", seq: "loop0", target: "embedding.code" });
  // h bytes too far already; mantissas behind the codes, exponent to SH: (code << 28)·mantissa >> (28 + exponent - fraction)
  a.op({ vr: layout.t0 });
  a.op({ mx: "vd", my: groups + 1 });
  a.op({ ac: "=", vr: layout.t1, my: 1 });
  a.op({ mx: "vd" });
  a.op({ ac: "-", mx: "one" });
  a.op({ ac: "+", my: (residualFraction - EMBEDDING_LEFT) & 1023 });
  a.op({ r: "acc", ac: "=" });
  a.op({ r: "acc", misc: "c0=r", seq: "call", target: "skip" });
  a.op({ sh: "te", misc: ["c0", groups] });
  a.label("embedding.mantissa");
  a.op({ mx: "one", my: "byte", tk: "1" });
  a.op({ ac: "=" });
  a.op({ r: "acc" });
  a.op({ vw: "p1+", seq: "loop0", target: "embedding.mantissa" });
  a.op({ sh: "byte", misc: ["p0", layout.y] });
  a.op({ misc: ["p2", layout.y + dim] });
  a.op({ misc: ["p1", layout.x] });
  a.op({ misc: ["c1", groups] });
  a.label("embedding.group");
  a.op({ vr: "p2+" });
  a.op({ r: "vd", misc: ["c0", GROUP] });
  a.op({ misc: "yr=r" });
  a.label("embedding.element");
  a.op({ vr: "p0+" });
  a.op({ mx: "vd", my: 0x1000 });
  a.op({ ac: "=hi" });
  a.op({ mx: "acc", my: "yr" });
  a.op({ ac: "=" });
  a.op({ q: "roundSh" });
  a.op({ r: "sat32" });
  a.op({ vw: "p1+", seq: "loop0", target: "embedding.element" });
  a.op({ seq: "loop1", target: "embedding.group" });
  a.op({ seq: "ret" });
  skip(a);
}

/** The stream goes on by c0 - 1 bytes. */
function skip(a: Context["a"]): void {
  a.label("skip");
  a.op({ seq: "loop0", target: "skip.byte" });
  a.op({ seq: "ret" });
  a.label("skip.byte");
  a.op({ tk: "1", seq: "jump", target: "skip" });
}

/**
 * x <- x + y, two clocks an element, four at once. VD must be small, as it is behind a matrix: what the empty pipeline adds up must not
 * saturate. Overwrites p0 to p2, c0, R, ACC, Q, MX, MY, VD.
 */
export function addition({ a, shape, layout }: Context): void {
  a.label("addition");
  a.op({ my: 0 });
  a.op({ ac: "=", mx: "one", misc: ["p0", layout.y] });
  a.op({ q: "floorSh", misc: ["p1", layout.x] });
  a.op({ r: "wrap32", misc: ["p2", layout.x - 3] });
  a.op({ misc: ["c0", shape.dim + 2] }); // one more would saturate what lies behind x and y
  a.op({ my: 1 });
  a.label("addition.loop");
  a.op({ vr: "p0+", ac: "=", mx: "vd", q: "floor0", vw: "p2+" });
  a.op({ vr: "p1+", mx: "vd", ac: "+", r: "sat32", seq: "loop0", target: "addition.loop" });
  a.op({ vw: "p2", seq: "ret" });
}
