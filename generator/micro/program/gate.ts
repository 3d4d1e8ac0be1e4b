/**
 * SiLU and gate (contract section 7) in three software-pipelined loops of 3, 10 and 3 clocks an element. sigmoid = 2^15 + N with N of the
 * other sign for a negative gate, so that gate·sigmoid = gate·2^15 + |gate|·N; |gate| from 16.0 on is cut to 2^16 - 1, where the table
 * gives exactly N = 2^15. Comments name the element of each step: i is the one that is read in this pass.
 */
import { TABLE_BASE } from "../tables.js";
import type { Context } from "./context.js";

/**
 * `silu`, behind the matrix gate: gate <- silu(gate) + 2^23, so that its halves are unsigned. Takes up as work space, leaves ACT, S and
 * the stream. Overwrites p0, p1, p3, c0, R, ACC, Q, MX, MY, TD, VD.
 */
export function silu({ a, shape, layout }: Context): void {
  a.label("silu");
  a.op({ misc: ["p0", layout.gate] });
  a.op({ misc: ["p1", layout.up - 3] });
  a.op({ misc: ["c0", shape.hidden + 3] });
  // up <- min(|gate|, 2^16 - 1): 2·|gate| saturated at 18 bits, halved
  a.label("silu.magnitude");
  a.op({ vr: "p0+", ac: "+abs", mx: "r", my: 2, r: "wrap32" }); // i | i - 1 | i - 2 | i - 3
  a.op({ mx: "vd", my: 0, q: "floor0", ac: "=", vw: "p1+" }); // i | i - 1 | i - 2 | i - 3
  a.op({ ac: "=", my: 2, r: "sat18", q: "floor2", seq: "loop0", target: "silu.magnitude" }); // i | i - 1 | i - 2
  a.op({ misc: ["p0", layout.up] });
  a.op({ misc: ["p1", layout.gate] });
  a.op({ misc: ["p3", layout.gate - 1] });
  a.op({ misc: ["c0", shape.hidden + 1] });
  const table = TABLE_BASE.sigmoid;
  a.label("silu.element");
  a.op({ vr: "p0+", ac: "+abs", r: "wrap32" }); // |gate|·table, difference·fraction of i - 1
  a.op({ r: "vd", my: "rlo", vr: layout.two24 });
  a.op({ ac: "+abs", mx: "vd", my: 0x8000 }); // i - 1: 2^39
  a.op({ tb: ["byte8", table + 1], ac: "+" });
  a.op({ tb: ["byte8", table], mx: "one", my: "td" });
  a.op({ ac: "=", my: "td", q: "round16" }); // round: i - 1
  a.op({ ac: "-" });
  a.op({ mx: "acc", my: "r255", vr: "p1+", r: "wrap32" });
  a.op({ ac: "=", mx: "vd", my: 0x8000, vw: "p3+" }); // write: i - 1
  a.op({ ac: "=", my: "td", q: "round8", seq: "loop0", target: "silu.element" });
  a.op({ seq: "ret" });
}

/**
 * `gate`, behind the matrix up: gate <- h = silu(gate)·up, M <- max |h|. Overwrites p0 to p2, c0, R, ACC, Q, MX, MY, VD.
 */
export function gateTimesUp({ a, shape, layout }: Context): void {
  a.label("gate");
  a.op({ mx: "one", my: 0 });
  a.op({ ac: "=", misc: ["p0", layout.gate] });
  a.op({ q: "floorSh", misc: ["p1", layout.up] });
  a.op({ r: "wrap32", misc: ["p2", layout.gate - 3], max: "clear" });
  a.op({ mx: "r", misc: ["c0", shape.hidden + 3] });
  a.label("gate.element");
  a.op({ vr: "p0+", ac: "=", my: "rhi", q: "round8", r: "sat32" }); // i | i - 1 | i - 1 | i - 2 | i - 3
  a.op({ r: "vd", vr: "p1+", ac: "+hi", my: 0x80, vw: "p2+", max: "abs" }); // i | i | i - 1 | i - 1 | i - 3
  a.op({ mx: "vd", my: "rlo", ac: "-hi", seq: "loop0", target: "gate.element" }); // i | i | i - 1
  a.op({ seq: "ret" });
}
