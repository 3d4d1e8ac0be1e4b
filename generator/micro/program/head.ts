/** Head and greedy choice (contract section 8): BEST <- the lowest index among the largest logits. */
import { GROUP } from "../../../golden/contract/tables.js";
import { LANES } from "../machine.js";
import type { Context } from "./context.js";
import { lanesLabel, read, rowSum } from "./matrix.js";

/**
 * The stream at the head scale, S, codes in ACT. As `matrix`, but the first row has a code of its own, since the choice must not see what
 * comes out of an empty pipeline. Logits pass through R at `head.logit`.
 */
export function head({ a, shape, image }: Context): void {
  const groups = shape.dim / GROUP;
  const logit = { max: "argmax" } as const;
  a.label("head");
  a.op({ seq: "call", target: "setScale" });
  a.op({ misc: ["seek", image.embedding] });
  a.op({ misc: ["c2", shape.vocab / LANES], max: "clear" });
  a.op({ misc: ["c1", groups], seq: "call", target: lanesLabel("w4") });
  a.op({ gr: read(0, groups) });
  rowSum(a, groups, "head.first");
  a.op({
    gr: read(0, groups),
    mx: "acc",
    my: "yr",
    misc: ["c1", LANES - 1],
    seq: "jump",
    target: "head.row",
  });
  a.label("head.block");
  a.op({ misc: ["c1", groups], seq: "call", target: lanesLabel("w4") });
  a.op({ misc: ["c1", LANES], gr: read(0, groups) });
  a.label("head.row");
  rowSum(a, groups, "head", [{ ac: "=" }, { q: "roundSh" }, { r: "sat32" }]);
  a.label("head.logit");
  a.op({ gr: read(0, groups), mx: "acc", my: "yr", ...logit, seq: "loop1", target: "head.row" });
  a.op({ seq: "loop2", target: "head.block" });
  a.op({ ac: "=" });
  a.op({ q: "roundSh" });
  a.op({ r: "sat32" });
  a.label("head.last");
  a.op({ ...logit, seq: "ret" });
}
