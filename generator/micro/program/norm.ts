/**
 * From the residual stream to the activations of a matrix behind a norm (contract sections 2 to 4): R from the sum of squares, x times
 * gain, its codes, S·R. The sum of squares has a block exponent, and the shift that brings an element to 18 bits needs ACC: SS lies in VMEM.
 */
import { TABLE_BASE } from "../tables.js";
import type { Context } from "./context.js";
import { quantisePasses } from "./quantise.js";

/**
 * `norm`: x, the stream at gains. Leaves codes in ACT, S·R in S, the stream behind the gains. Overwrites y, t0..t2, p0, p1, c0
 * and what `quantise` overwrites.
 */
export function norm(context: Context): void {
  const { a } = context;
  a.label("norm");
  squares(context);
  inverseRoot(context);
  gain(context);
  product(context);
}

/** ACC <- SS; p1 <- word behind the shift s in the row of `epsilon` of that s. Jumps to `norm.sum`. */
function squares({ a, shape, layout }: Context): void {
  // SS in t0 (low) and t1 (from bit 16 on), s in SH
  a.op({ my: 0 });
  a.op({ ac: "=", misc: ["p0", layout.x] });
  a.op({ q: "floorSh", misc: ["p1", layout.epsilon] });
  a.op({ r: "wrap32", misc: ["c0", shape.dim] });
  a.op({ vw: layout.t0, sh: "r" });
  a.op({ vw: layout.t1 });
  a.label("norm.square");
  a.op({ vr: "p0" });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "=", vr: layout.t1 });
  a.op({ q: "floorSh", mx: "vd", vr: layout.t0 });
  a.op({ r: "sat18", ac: "=hi", mx: "one", my: "vdlo" });
  a.op({ ac: "+", mx: "r", my: "alo", seq: "overflow", target: "norm.shift" });
  a.op({ ac: "+abs", my: "ahi" });
  a.op({ ac: "+abshi", vr: "p0+" });
  a.op({ r: "acc", q: "floor16" });
  a.op({ vw: layout.t0, r: "wrap32" });
  a.op({ vw: layout.t1, seq: "loop0", target: "norm.square" });
  a.op({ vr: "p1+", seq: "jump", target: "norm.sum" });
  a.label("norm.shift"); // 7 more: SS >> 14, and this element again
  a.op({ q: "floor14", vr: "p1+" });
  a.op({ r: "wrap32", q: "floor30", vr: "p1+" });
  a.op({ vw: layout.t0, r: "wrap32", vr: "p1+" });
  a.op({ vw: layout.t1, vr: "p1+" });
  a.op({ vr: "p1" });
  a.op({ r: "vd" });
  a.op({ sh: "r", seq: "jump", target: "norm.square" });
}

/** t2, t1 <- mantissa of R, h (its exponent is -16 - h). */
function inverseRoot({ a, layout }: Context): void {
  a.label("norm.sum");
  a.op({ vr: "p1+" });
  a.op({ vr: "p1+", mx: "one", my: "vdlo" });
  a.op({ ac: "+", mx: "vd", my: 1 });
  a.op({ ac: "+hi" }); // v = SS + (E >> 2s), at least 2^15
  a.op({ q: "floor0", mx: "acch" });
  a.op({ r: "wrap32", ac: "=" }); // v >> 16, whose length is k
  a.op({ vw: layout.t0, r: "bitlen", ac: "=hi" });
  a.op({ vw: layout.t1, sh: "r" });
  a.op({ vr: layout.t0 });
  a.op({ mx: "one", my: "vdlo" });
  a.op({ ac: "+", vr: "p1" });
  a.op({ q: "floorSh", mx: "vd", my: 1 });
  a.op({ r: "wrap32", ac: "=", vr: layout.t1 });
  a.op({ vw: layout.t0, mx: "vd" });
  a.op({ ac: "+", mx: "one", my: 15 });
  a.op({ ac: "+", vr: layout.t0 });
  a.op({ q: "floor1" }); // of 15 + e
  a.op({ r: "wrap32", my: 2 });
  a.op({ vw: layout.t1, mx: "r" });
  a.op({ ac: "-", my: 0x8000 });
  a.op({ r: "acc" }); // odd
  a.op({ misc: "yr=r", mx: "r" });
  a.op({ ac: "=", mx: "vd", my: 1 });
  a.op({ ac: "+" });
  a.op({ q: "floor9", ac: "=", my: "yr" });
  a.op({ r: "wrap32", ac: "+" });
  a.op({ tb: ["plain", TABLE_BASE.rsqrt - 64] });
  a.op({ r: "acc", mx: "one", my: "td" });
  a.op({ vw: layout.t0, ac: "=" }); // w = m << odd
  a.op({ mx: "acc" }); // r0·r0
  a.op({ ac: "=", vr: layout.t0 });
  a.op({ q: "floor16" });
  a.op({ r: "wrap32" });
  a.op({ mx: "vd", my: "rlo" });
  a.op({ ac: "=", mx: "one", my: 3 });
  a.op({ q: "floor15", ac: "=hi" });
  a.op({ r: "wrap32", my: 1 });
  a.op({ mx: "r" });
  a.op({ ac: "-" });
  a.op({ mx: "acc", my: "td" });
  a.op({ ac: "=" });
  a.op({ q: "floor17" });
  a.op({ r: "wrap32" });
  a.op({ vw: layout.t2 });
}

/** y <- x times gain (which lies 2^15 too high in the stream), three clocks an element, three at once; ACT <- its codes. */
function gain({ a, shape, layout }: Context): void {
  a.op({ mx: "one", my: 0 });
  a.op({ ac: "=", misc: ["p0", layout.x] });
  a.op({ q: "floorSh", misc: ["p1", layout.y - 2] });
  a.op({ r: "wrap32", misc: ["c0", shape.dim], max: "clear" });
  a.label("gain.loop");
  a.op({ vr: "p0+", ac: "-", vw: "p1+", max: "abs" });
  a.op({ mx: "vd", my: "half", tk: "2", q: "round15" });
  a.op({ ac: "=", my: 0x8000, r: "sat32", seq: "loop0", target: "gain.loop" });
  a.op({ ac: "-", vw: "p1+", max: "abs" });
  a.op({ q: "round15" });
  a.op({ r: "sat32" });
  a.op({ vw: "p1+", max: "abs", misc: ["p0", layout.y] });
  a.op({ misc: ["c0", quantisePasses(shape.dim)], seq: "call", target: "quantise" });
}

/** S <- mul(S, R). */
function product({ a, layout }: Context): void {
  a.op({ vr: layout.t2 });
  a.op({ mx: "vd", vr: layout.sM });
  a.op({ my: "vdlo", vr: layout.sE });
  a.op({ ac: "=" });
  a.op({ r: "bitlen", ac: "=hi" });
  a.op({ sh: "r", mx: "r", my: 1 });
  a.op({ q: "floorSh", ac: "=", mx: "vd" });
  a.op({ r: "wrap32", ac: "+", vr: layout.t1 });
  a.op({ vw: layout.sM, mx: "vd" });
  a.op({ ac: "-", mx: "one", my: 32 });
  a.op({ ac: "-" });
  a.op({ r: "acc" });
  a.op({ vw: layout.sE, seq: "ret" });
}
