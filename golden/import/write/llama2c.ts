/** Writes llama2.c checkpoints of versions 0, 1 and 2 (karpathy/llama2.c, export.py): for fixtures. */
import type { FloatModel } from "../../model/float.js";
import { tensorsOf } from "./tensors.js";

function floats(values: Float32Array): Uint8Array {
  return new Uint8Array(values.slice().buffer);
}

/** export.py, quantize_q80: one scale a group of the flattened tensor, 127 its largest magnitude. */
function int8(values: Float32Array, group: number): Uint8Array {
  const scales = new Float32Array(values.length / group);
  const codes = new Int8Array(values.length);
  for (let g = 0; g < scales.length; g++) {
    const part = values.subarray(g * group, (g + 1) * group);
    scales[g] = part.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127;
    codes.set(
      part.map((v) => Math.round(v / scales[g]!)),
      g * group,
    );
  }
  return concat([new Uint8Array(codes.buffer), floats(scales)]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const MATRICES = ["embedding", "q", "k", "v", "o", "gate", "down", "up", "head"];

/** `group` is of version 2. */
export function writeLlama2c(model: FloatModel, version: 0 | 1 | 2 = 0, group = 32): Uint8Array {
  const { dim, hidden, layers, heads, kvHeads, headDim, vocab, context } = model.shape;
  const { tied } = model.architecture;
  const all = tensorsOf(model);
  const parts = (role: string): Uint8Array[] =>
    all
      .filter(({ slot }) => slot.role === role)
      .map(({ values }) => (version === 2 && MATRICES.includes(role) ? int8(values, group) : floats(values)));
  const header = new Uint8Array(version === 0 ? 28 : 256);
  const view = new DataView(header.buffer);
  const sizes = [dim, hidden, layers, heads, kvHeads, version === 0 && !tied ? -vocab : vocab, context];
  sizes.forEach((size, i) => {
    view.setInt32((version === 0 ? 0 : 8) + 4 * i, size, true);
  });
  if (version === 0) {
    const front = ["embedding", "attention_norm", "q", "k", "v", "o", "ffn_norm", "gate", "down", "up"];
    const tables = new Uint8Array(4 * context * headDim);
    return concat([header, ...[...front, "final_norm"].flatMap(parts), tables, ...parts("head")]);
  }
  view.setUint32(0, 0x616b3432, true);
  view.setInt32(4, version, true);
  view.setUint8(36, tied ? 1 : 0);
  if (version === 2) view.setInt32(37, group, true);
  return concat([header, ...["attention_norm", "ffn_norm", "final_norm", ...MATRICES].flatMap(parts)]);
}
