/** A float model as a GGUF file, as convert_hf_to_gguf.py and llama-quantize would write it: for fixtures. */
import type { FloatModel } from "../../model/float.js";
import { ggufLayout, nameIn } from "../architectureLayout.js";
import { blockByType } from "../blocks/index.js";
import { type GgufEntry, type GgufTensor, ggufTensor, writeGguf } from "./gguf.js";
import { tensorsOf } from "./tensors.js";

/** Which architecture of llama.cpp has these features. */
function architectureOf({ architecture }: FloatModel): string {
  if (architecture.subNorms) return "bitnet";
  if (architecture.qkNorm) return "qwen3";
  return architecture.qkvBias ? "qwen2" : "llama";
}

export function ggufModelMetadata(model: FloatModel): Map<string, GgufEntry> {
  const { shape, architecture } = model;
  const name = architectureOf(model);
  const u32 = (value: number): GgufEntry => ({ type: "u32", value });
  const { scaling } = architecture.rope;
  if (scaling.type === "llama3") throw new RangeError("this writer does not know llama3's scaling");
  return new Map<string, GgufEntry>([
    ["general.architecture", { type: "string", value: name }],
    ["general.name", { type: "string", value: model.name }],
    [`${name}.context_length`, u32(shape.context)],
    [`${name}.embedding_length`, u32(shape.dim)],
    [`${name}.block_count`, u32(shape.layers)],
    [`${name}.feed_forward_length`, u32(shape.hidden)],
    [`${name}.attention.head_count`, u32(shape.heads)],
    [`${name}.attention.head_count_kv`, u32(shape.kvHeads)],
    [`${name}.attention.key_length`, u32(shape.headDim)],
    [`${name}.attention.value_length`, u32(shape.headDim)],
    [`${name}.rope.dimension_count`, u32(shape.headDim)],
    [`${name}.rope.freq_base`, { type: "f32", value: architecture.rope.theta }],
    [`${name}.attention.layer_norm_rms_epsilon`, { type: "f32", value: architecture.eps }],
    [`${name}.vocab_size`, u32(shape.vocab)],
    ...(scaling.type === "linear"
      ? ([
          [`${name}.rope.scaling.type`, { type: "string", value: "linear" }],
          [`${name}.rope.scaling.factor`, { type: "f32", value: scaling.factor }],
        ] as const)
      : []),
    ...(architecture.slidingWindow === null
      ? []
      : ([[`${name}.attention.sliding_window`, u32(architecture.slidingWindow)]] as const)),
  ]);
}

/** Rows (2j, 2j + 1) of every head to (j, j + headDim/2). */
function splitRows(values: Float32Array, rows: number, headDim: number): Float32Array {
  const cols = values.length / rows;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const to = row - within + (within >> 1) + (within & 1) * (headDim / 2);
    out.set(values.subarray(row * cols, (row + 1) * cols), to * cols);
  }
  return out;
}

/** The file. Matrices are of the first of `types` whose blocks fill their rows, vectors F32. */
export function writeGgufModel(
  model: FloatModel,
  types: readonly string[],
  more: ReadonlyMap<string, GgufEntry> = new Map(),
): Uint8Array {
  const rope = architectureOf(model) === "llama" ? "interleaved" : "split";
  const layout = ggufLayout(rope);
  const tensors = new Map<string, GgufTensor>();
  for (const { slot, values } of tensorsOf(model)) {
    const { role, shape } = slot;
    const cols = shape.at(-1)!;
    const candidates = shape.length === 1 ? ["F32"] : types;
    const type = candidates.find((one) => cols % (blockByType(one)?.elements ?? Infinity) === 0);
    if (type === undefined)
      throw new RangeError(`rows of ${cols} are whole blocks of none of ${types.join(", ")}`);
    const permuted = rope === "split" && /^[qk](_|$)/.test(role);
    const written = permuted ? splitRows(values, shape[0]!, model.shape.headDim) : values;
    tensors.set(nameIn(layout, slot), ggufTensor(type, shape, written));
  }
  return writeGguf(new Map([...ggufModelMetadata(model), ...more]), tensors);
}
