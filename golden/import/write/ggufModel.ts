/** A float model of the Llama architecture as a GGUF file, as convert_hf_to_gguf.py and llama-quantize would write it. */
import { features } from "../../model/architecture.js";
import type { FloatModel } from "../../model/float.js";
import { blockByType } from "../blocks/index.js";
import { type GgufEntry, type GgufTensor, ggufTensor, writeGguf } from "./gguf.js";

/** Metadata of the architecture "llama". */
export function ggufModelMetadata({ name, shape, architecture }: FloatModel): Map<string, GgufEntry> {
  const u32 = (value: number): GgufEntry => ({ type: "u32", value });
  return new Map<string, GgufEntry>([
    ["general.architecture", { type: "string", value: "llama" }],
    ["general.name", { type: "string", value: name }],
    ["llama.context_length", u32(shape.context)],
    ["llama.embedding_length", u32(shape.dim)],
    ["llama.block_count", u32(shape.layers)],
    ["llama.feed_forward_length", u32(shape.hidden)],
    ["llama.attention.head_count", u32(shape.heads)],
    ["llama.attention.head_count_kv", u32(shape.kvHeads)],
    ["llama.rope.dimension_count", u32(shape.headDim)],
    ["llama.rope.freq_base", { type: "f32", value: architecture.rope.theta }],
    ["llama.attention.layer_norm_rms_epsilon", { type: "f32", value: architecture.eps }],
    ["llama.vocab_size", u32(shape.vocab)],
  ]);
}

/**
 * The file. Matrices are of the first of `types` whose blocks fill their rows, vectors F32. Rows of q and k stay as they are: pairs, which
 * is what this architecture has in GGUF.
 */
export function writeGgufModel(
  model: FloatModel,
  types: readonly string[],
  more: ReadonlyMap<string, GgufEntry> = new Map(),
): Uint8Array {
  const other = features(model.architecture).filter((feature) => feature !== "a head of its own");
  if (other.length > 0) throw new RangeError(`this writer does not know ${other.join(", ")}`);
  const { dim, hidden, vocab, heads, kvHeads, headDim } = model.shape;
  const tensors = new Map<string, GgufTensor>();
  const matrix = (name: string, rows: number, cols: number, values: Float32Array): void => {
    const type = types.find((one) => cols % (blockByType(one)?.elements ?? Infinity) === 0);
    if (type === undefined)
      throw new RangeError(`rows of ${cols} are whole blocks of none of ${types.join(", ")}`);
    tensors.set(name, ggufTensor(type, [rows, cols], values));
  };
  const vector = (name: string, values: Float32Array): void => {
    tensors.set(name, ggufTensor("F32", [values.length], values));
  };
  matrix("token_embd.weight", vocab, dim, model.embedding);
  vector("output_norm.weight", model.finalGain);
  if (model.head !== undefined) matrix("output.weight", vocab, dim, model.head);
  for (const [l, layer] of model.layers.entries()) {
    vector(`blk.${l}.attn_norm.weight`, layer.attentionGain);
    vector(`blk.${l}.ffn_norm.weight`, layer.ffnGain);
    matrix(`blk.${l}.attn_q.weight`, heads * headDim, dim, layer.q);
    matrix(`blk.${l}.attn_k.weight`, kvHeads * headDim, dim, layer.k);
    matrix(`blk.${l}.attn_v.weight`, kvHeads * headDim, dim, layer.v);
    matrix(`blk.${l}.attn_output.weight`, dim, heads * headDim, layer.o);
    matrix(`blk.${l}.ffn_gate.weight`, hidden, dim, layer.gate);
    matrix(`blk.${l}.ffn_up.weight`, hidden, dim, layer.up);
    matrix(`blk.${l}.ffn_down.weight`, dim, hidden, layer.down);
  }
  return writeGguf(new Map([...ggufModelMetadata(model), ...more]), tensors);
}
