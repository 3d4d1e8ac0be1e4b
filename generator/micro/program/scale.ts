/**
 * Scales (contract sections 0 and 1). norm16(v) is two shifts at once: (v << 16) >> bitlen(v), exponent bitlen(v) - 16. The clamps of
 * recip and rsqrt never act: scale.test.ts goes through all mantissas.
 */
import { TABLE_BASE } from "../tables.js";
import type { Context } from "./context.js";

/** R <- recip(R). Overwrites ACC, Q, MX, MY, TD. */
export function recip({ a }: Context): void {
  a.label("recip");
  a.op({ mx: "one", my: 0x8000 });
  a.op({ ac: "=hi", tb: ["byte8", TABLE_BASE.recip - 128] }); // 2^31, twice
  a.op({ ac: "+hi", mx: "r", my: "td" });
  a.op({ ac: "-" }); // d = 2^32 - m·r0
  a.op({ q: "floor15" });
  a.op({ r: "wrap32" });
  a.op({ mx: "r", my: "td" });
  a.op({ ac: "=" });
  a.op({ q: "floor16" });
  a.op({ r: "wrap32", seq: "ret" });
}

/**
 * YR, TE <- mul(S, K), K the scale at this place of the stream. Leaves the exponent in R, PROD = 0, VD small. Overwrites ACC, Q, MX, MY, SH.
 */
export function setScale({ a, layout }: Context): void {
  a.label("setScale");
  a.op({ vr: layout.sM });
  a.op({ mx: "vd", my: "half", tk: "2" });
  a.op({ ac: "=", vr: layout.sE });
  a.op({ r: "bitlen", ac: "=hi" });
  a.op({ sh: "r", mx: "r", my: 1 });
  a.op({ q: "floorSh", ac: "=", mx: "vd" });
  a.op({ r: "wrap32", ac: "+", mx: "one", my: "half", tk: "2" });
  a.op({ misc: "yr=r", ac: "+", my: 512 + 16, seq: "zero", target: "setScale.zero" });
  a.op({ ac: "-" });
  a.op({ r: "acc" });
  a.label("setScale.zero"); // (0, 0): R is 0
  a.op({ sh: "te", mx: "one", my: 0, seq: "ret" });
}

/** Stream <- this layer + PROD; the address stays in R. Overwrites ACC, Q, MX, MY, VD. */
export function seekLayer({ a, layout }: Context): void {
  a.label("seekLayer");
  a.op({ ac: "=", vr: layout.layer });
  a.op({ mx: "vd", my: 1 });
  a.op({ ac: "+" });
  a.op({ r: "acc" });
  a.op({ misc: "seek=r", seq: "ret" });
}
