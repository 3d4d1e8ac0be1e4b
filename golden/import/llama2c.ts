/** llama2.c checkpoints, version 0 (karpathy/llama2.c export.py, legacy_export): seven int32, then float32 tensors. */
import { llama } from "../model/architecture.js";
import type { FloatLayer, FloatModel } from "../model/float.js";
import { InputError } from "./error.js";

const HEADER = 28;
const MAGIC = 0x616b3432; // versions 1 and 2 begin with "24ka"

/** Reads a whole checkpoint; `file` is its name for error messages. RMSNorm eps 1e-5 and RoPE base 10000 as in run.c. */
export function readLlama2c(bytes: Uint8Array, file: string): FloatModel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER)
    throw new InputError(
      `the file has ${bytes.length} bytes, a header takes ${HEADER}`,
      { file, offset: 0 },
      "Copy it again",
    );
  if (view.getUint32(0, true) === MAGIC)
    throw new InputError(
      "this is a version 1 or 2 checkpoint",
      { file, offset: 0 },
      "Export it with --version 0",
    );
  const [dim, hidden, layers, heads, kvHeads, vocab, context] = Array.from({ length: 7 }, (_, i) =>
    view.getInt32(4 * i, true),
  ) as [number, number, number, number, number, number, number];
  const sizes = { dim, hidden, layers, heads, kvHeads, vocab, context };
  for (const [index, [name, size]] of Object.entries(sizes).entries()) {
    const offset = 4 * index;
    if (name === "vocab" && size < 0)
      throw new InputError(
        "the head is not tied to the embedding",
        { file, offset },
        "Only checkpoints with a tied head are read",
      );
    if (size < 1 || size > 1 << 24)
      throw new InputError(
        `${name} = ${size} makes no sense`,
        { file, offset },
        "Check that this is a llama2.c checkpoint",
      );
  }
  if (dim % heads !== 0 || heads % kvHeads !== 0 || (dim / heads) % 2 !== 0)
    throw new InputError(
      `dim ${dim}, heads ${heads}, kvHeads ${kvHeads} do not divide into heads of even width`,
      { file, offset: 0 },
      "Check that this is a llama2.c checkpoint",
    );
  const headDim = dim / heads;
  const kv = kvHeads * headDim;
  const perLayer = dim + dim * dim + 2 * kv * dim + dim * dim + dim + 3 * hidden * dim;
  const floats = vocab * dim + layers * perLayer + dim + context * headDim; // the last: unused RoPE tables
  if (bytes.length !== HEADER + 4 * floats)
    throw new InputError(
      `these sizes take ${HEADER + 4 * floats} bytes but the file has ${bytes.length}`,
      { file, offset: Math.min(bytes.length, HEADER + 4 * floats) },
      "The file is cut off or of another kind; copy or export it again",
    );

  let at = HEADER;
  const take = (count: number): Float32Array => {
    const start = at;
    at += 4 * count;
    return Float32Array.from({ length: count }, (_, i) => view.getFloat32(start + 4 * i, true));
  };
  // every kind of tensor for all layers before the next kind
  const takeAll = (count: number): Float32Array[] => Array.from({ length: layers }, () => take(count));
  const embedding = take(vocab * dim);
  const attentionGain = takeAll(dim);
  const q = takeAll(dim * dim);
  const k = takeAll(kv * dim);
  const v = takeAll(kv * dim);
  const o = takeAll(dim * dim);
  const ffnGain = takeAll(dim);
  const gate = takeAll(hidden * dim);
  const down = takeAll(dim * hidden);
  const up = takeAll(hidden * dim);
  const finalGain = take(dim);
  return {
    name: nameOf(file),
    shape: { dim, hidden, layers, heads, kvHeads, headDim, vocab, context },
    architecture: llama(1e-5, 10000),
    embedding,
    finalGain,
    layers: Array.from(
      { length: layers },
      (_, l): FloatLayer => ({
        attentionGain: attentionGain[l]!,
        ffnGain: ffnGain[l]!,
        q: q[l]!,
        k: k[l]!,
        v: v[l]!,
        o: o[l]!,
        gate: gate[l]!,
        up: up[l]!,
        down: down[l]!,
        kMean: new Float32Array(kv),
      }),
    ),
  };
}

/** The file's name without folders and ending. */
function nameOf(file: string): string {
  return file.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
}
