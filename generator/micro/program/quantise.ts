/** A8 quantisation of a vector (contract section 3): three clocks an element, four elements at once. */
import type { Context } from "./context.js";

/** What c0 must be for a vector of `count`: the pipeline's last elements come out three passes behind. */
export const quantisePasses = (count: number): number => count + 3;

/**
 * `maximum`: M <- max |v| of c1 elements at p1, then as `quantise`. `quantise`: the elements at p0 (c0: quantisePasses), maximum in M,
 * to ACT from 0 on; S <- their scale (0·2^-16 where all are 0). Overwrites R, ACC, Q, MX, MY, SH, YR, TD, VD, AR, the three last bytes of ACT.
 */
export function quantise({ a, layout }: Context): void {
  a.label("maximum");
  a.op({ vr: "p1+", max: "clear" });
  a.op({ vr: "p1+", r: "vd" });
  a.label("maximum.loop");
  a.op({ vr: "p1+", r: "vd", max: "abs", seq: "loop1", target: "maximum.loop" });
  a.label("quantise");
  a.op({ mx: "one", my: "mlo" });
  a.op({ ac: "=", my: "mhi" });
  a.op({ ac: "+hi", misc: ["ar", 508] }); // out of the way of AW
  a.op({ r: "bitlen", mx: "acc", my: 0 }); // 2^31 is negative in MX: hence +abs
  a.op({ ac: "=", my: 1, sh: "r" });
  a.op({ ac: "+abshi", mx: "r" });
  a.op({ q: "floorSh", ac: "=", mx: "one", my: 16 });
  a.op({ r: "wrap32", ac: "-" });
  a.op({ vw: layout.sM, r: "acc" });
  a.op({ vr: layout.sM });
  a.op({ vw: layout.sE, r: "vd" });
  a.op({ misc: ["aw", 509], seq: "call", target: "recip" });
  a.op({ mx: "r", my: 127 });
  a.op({ ac: "=" });
  a.op({ q: "floor7" });
  a.op({ r: "wrap32" });
  a.op({ misc: "yr=r" });
  // n = (v << 16) >> SH; code = clamp(round(n·YR >> 24))
  a.label("quantise.loop");
  a.op({ vr: "p0+", q: "floorSh", ac: "=", r: "clamp127" });
  a.op({ mx: "vd", my: 1, r: "wrap32", aw: "write" });
  a.op({ ac: "=hi", mx: "r", my: "yr", q: "round24", seq: "loop0", target: "quantise.loop" });
  a.op({ seq: "ret" });
}
