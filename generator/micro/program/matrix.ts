/**
 * Matrix times vector (contract section 4), row block after row block: 32 clocks a group for eight rows at once, 8 to take the sums out of
 * the lanes; then G + 2 clocks a row, two rows at once. The rows' pipeline stands still while the lanes run: the last row of a block
 * comes out with the first of the next, and the first word that a matrix writes is a 0 before its destination.
 */
import { GROUP } from "../../../golden/contract/tables.js";
import type { Assembler, Written } from "../assemble.js";
import { MATRICES, type MatrixName, type StreamFormat } from "../image.js";
import { LANES } from "../machine.js";
import type { Context } from "./context.js";

/** What distinguishes one matrix routine from another. */
export interface MatrixKind {
  readonly format: StreamFormat;
  readonly groups: number;
  readonly width: 24 | 32;
}

/** Contract section 4: residual and logits have 32 bits. */
export function kindOf({ shape, image }: Context, name: MatrixName): MatrixKind {
  const { dim, heads, headDim, hidden } = shape;
  const format = image.formats[name];
  switch (name) {
    case "o":
      return { format, groups: (heads * headDim) / GROUP, width: 32 };
    case "down":
      return { format, groups: hidden / GROUP, width: 32 };
    default:
      return { format, groups: dim / GROUP, width: 24 };
  }
}

export const matrixLabel = ({ format, groups, width }: MatrixKind): string =>
  `matrix.${format}.${groups}.${width}`;

/** A routine for each kind that the model has, and the lanes' loop for each format. */
export function matrices(context: Context): void {
  const kinds = new Map(
    MATRICES.map((name) => kindOf(context, name)).map((kind) => [matrixLabel(kind), kind]),
  );
  for (const kind of kinds.values()) matrix(context, kind);
  for (const format of new Set<StreamFormat>(["w4", ...Object.values(context.image.formats)]))
    lanes(context, format);
}

/**
 * The stream at the scale of the matrix, S, its input in ACT; c2 row blocks to p1 + 1 (p1: the word before the destination). Leaves the stream
 * behind the matrix and p1 behind the destination. Overwrites c0, c1, R, ACC, Q, MX, MY, SH, TE, YR, VD, AR, lanes and GS.
 */
function matrix({ a }: Context, kind: MatrixKind): void {
  const { groups, format } = kind;
  const label = matrixLabel(kind);
  const saturate = kind.width === 24 ? "sat24" : "sat32";
  a.label(label);
  a.op({ seq: "call", target: "setScale" }); // leaves PROD = 0: the row before the first
  a.label(`${label}.block`);
  a.op({ misc: ["c1", groups], seq: "call", target: lanesLabel(format) });
  a.op({ misc: ["c1", LANES], gr: read(0, groups) });
  a.label(`${label}.row`);
  rowSum(a, groups, label, [{ ac: "=" }, { q: "roundSh" }, { r: saturate }]);
  a.op({ gr: read(0, groups), mx: "acc", my: "yr", vw: "p1+", seq: "loop1", target: `${label}.row` });
  a.op({ seq: "loop2", target: `${label}.block` });
  a.op({ ac: "=" });
  a.op({ q: "roundSh" });
  a.op({ r: saturate });
  a.op({ vw: "p1+", seq: "ret" });
}

/** GS is read group after group, then the next row's. */
export const read = (group: number, groups: number): "group" | "row" =>
  group === groups - 1 ? "row" : "group";

/**
 * ACC <- sum of a row's groups times their mantissas, SH <- its shift. GD holds group 0 at its begin. Meanwhile `before`, the last
 * three steps of the row before: a clock each.
 */
export function rowSum(a: Assembler, groups: number, label: string, before: readonly Written[] = []): void {
  const own: Written[] = [];
  for (let g = 0; g < groups; g++)
    own.push({
      ...{ mx: "gs", my: "byte", tk: "1" },
      ...(g + 1 < groups ? { gr: read(g + 1, groups) } : {}),
      ...(g === 0 ? {} : { ac: g === 1 ? "=" : "+" }),
    });
  own.push({ ac: groups === 1 ? "=" : "+", sh: "byte", tk: "1" });
  while (own.length < 3) own.push({});
  // from the fourth to the last but one read of GS all are the same
  const same = groups - 5;
  own.forEach((step, at) => {
    const written = { ...step, ...before[at] };
    if (same < 2) a.op(written);
    else if (at === 2) a.op({ ...written, misc: ["c0", same] });
    else if (at === 3) {
      a.label(`${label}.groups`);
      a.op({ ...written, seq: "loop0", target: `${label}.groups` });
    } else if (at < 3 || at >= 3 + same) a.op(written);
  });
}

export const lanesLabel = (format: StreamFormat): string => `lanes.${format}`;

/** c1 groups of a row block: codes of the stream times ACT from 0 on, to GS. Overwrites c0, c1, AR. */
function lanes({ a }: Context, format: StreamFormat): void {
  const label = lanesLabel(format);
  a.label(label);
  a.op({ misc: "gs=0", lane: "clear" });
  a.op({ misc: ["ar", 0] });
  a.op({ misc: ["c0", GROUP] });
  a.label(`${label}.column`);
  a.op({ lane: format, tk: format === "w2" ? "2" : "4", seq: "loop0", target: `${label}.column` });
  a.op({ misc: ["c0", LANES] });
  a.label(`${label}.dump`);
  a.op({ gw: "dump", seq: "loop0", target: `${label}.dump` });
  a.op({ lane: "clear", misc: ["c0", GROUP], seq: "loop1", target: `${label}.column` });
  a.op({ seq: "ret" });
}
