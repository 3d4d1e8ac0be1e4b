/**
 * SiLU times up (contract section 7), in gate's place; leaves M = max |h|. sigma = 2^15 + N with N of the other sign for a negative gate:
 * gate·sigma = gate·2^15 + |gate|·N. From 16.0 on (|gate| cut to 2^16 - 1) the table gives exactly N = 2^15. s lies 2^23 higher, to be unsigned.
 */
import { TABLE_BASE } from "../tables.js";
import type { Context } from "./context.js";

/** Overwrites t0, p0, p1, c0, R, ACC, Q, MX, MY, TD, VD. */
export function gateTimesUp({ a, shape, layout }: Context): void {
  a.label("gate");
  a.op({ mx: "one", my: 0x100 });
  a.op({ ac: "=hi", misc: ["p0", layout.gate] });
  a.op({ q: "floor0" });
  a.op({ r: "wrap32" });
  a.op({ vw: layout.t0, max: "clear" }); // 2^24
  a.op({ misc: ["p1", layout.up] });
  a.op({ misc: ["c0", shape.hidden] });
  a.label("gate.element");
  a.op({ vr: "p0" });
  a.op({ mx: "vd", my: 0 });
  a.op({ ac: "=", my: 2 });
  a.op({ ac: "+abs" });
  a.op({ q: "floor0" });
  a.op({ r: "sat18" });
  a.op({ mx: "r", my: 1 });
  a.op({ ac: "=" });
  a.op({ q: "floor1" });
  a.op({ r: "wrap32" });
  a.op({ tb: ["byte8", TABLE_BASE.sigmoid + 1] });
  a.op({ tb: ["byte8", TABLE_BASE.sigmoid], mx: "one", my: "td" });
  a.op({ ac: "=", my: "td" });
  a.op({ ac: "-" });
  a.op({ mx: "acc", my: "r255" });
  a.op({ ac: "=", mx: "vd", my: 0x8000 });
  a.op({ q: "round8", ac: "=" });
  a.op({ r: "wrap32", my: "td" });
  a.op({ ac: "+abs", my: "rlo", vr: layout.t0 });
  a.op({ ac: "+abs", mx: "vd", my: 0x8000 });
  a.op({ ac: "+", vr: "p1+" });
  a.op({ q: "round16", mx: "vd" });
  a.op({ r: "wrap32" });
  a.op({ my: "rlo" });
  a.op({ ac: "=", my: "rhi" });
  a.op({ ac: "+hi", my: 0x80 });
  a.op({ ac: "-hi" });
  a.op({ q: "round8" });
  a.op({ r: "sat32" });
  a.op({ vw: "p0+", max: "abs", seq: "loop0", target: "gate.element" });
  a.op({ seq: "ret" });
}
