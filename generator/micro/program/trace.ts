/**
 * Where the microprogram holds the tensors of golden/model/types.ts: at a label (before its instruction), in a memory. Tensors of a layer
 * appear once a layer, in order; those of attention's heads are attend.test.ts's subject.
 */
import type { ModelShape, TensorName } from "../../../golden/model/types.js";
import type { Layout } from "../layout.js";

export interface TracePoint {
  readonly label: string;
  readonly tensor: TensorName;
  /** VMEM from an address on, or ACT from 0. */
  readonly at: number | "act";
  readonly count: number;
}

export function tracePoints(
  { dim, hidden, heads, kvHeads, headDim }: ModelShape,
  layout: Layout,
): readonly TracePoint[] {
  const point = (label: string, tensor: TensorName, at: number | "act", count: number): TracePoint => {
    return { label, tensor, at, count };
  };
  return [
    point("token.embedded", "embedding", layout.x, dim),
    point("layer.q", "attn_in", "act", dim),
    point("attend.all", "q", layout.q, heads * headDim),
    point("attend.all", "k", layout.k, kvHeads * headDim),
    point("attend.all", "v", layout.v, kvHeads * headDim),
    point("layer.attended", "attn_out", layout.o, heads * headDim),
    point("layer.o", "o_in", "act", heads * headDim),
    point("layer.ffn", "x_attn", layout.x, dim),
    point("layer.gate", "ffn_in", "act", dim),
    point("layer.h", "h", layout.gate, hidden),
    point("layer.down", "down_in", "act", hidden),
    point("layer.end", "x_ffn", layout.x, dim),
    point("token.head", "head_in", "act", dim),
  ];
}
