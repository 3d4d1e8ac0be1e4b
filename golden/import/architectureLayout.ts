/** What containers call the tensors of a model, and how they order the rows of q and k. */
import type { Role, Slot } from "./architecture.js";

export interface Layout {
  /** Name of each role in the container; `{}` is the layer. */
  readonly names: Readonly<Record<Role, string>>;
  /** RoPE pairs: (2j, 2j + 1), or (j, j + headDim/2) as in Hugging Face's models. */
  readonly rope: "interleaved" | "split";
  /** Tensors that are not needed, and why. */
  readonly ignored: readonly {
    readonly name: { test(name: string): boolean };
    readonly why: string;
  }[];
}

export function nameIn(layout: Layout, slot: Slot): string {
  return layout.names[slot.role].replace("{}", String(slot.layer));
}

/** transformers, models/llama/modeling_llama.py and its descendants; the sub-norms are BitNet's. */
export const HUGGING_FACE: Layout = {
  names: {
    embedding: "model.embed_tokens.weight",
    final_norm: "model.norm.weight",
    head: "lm_head.weight",
    attention_norm: "model.layers.{}.input_layernorm.weight",
    ffn_norm: "model.layers.{}.post_attention_layernorm.weight",
    q: "model.layers.{}.self_attn.q_proj.weight",
    k: "model.layers.{}.self_attn.k_proj.weight",
    v: "model.layers.{}.self_attn.v_proj.weight",
    o: "model.layers.{}.self_attn.o_proj.weight",
    gate: "model.layers.{}.mlp.gate_proj.weight",
    up: "model.layers.{}.mlp.up_proj.weight",
    down: "model.layers.{}.mlp.down_proj.weight",
    q_bias: "model.layers.{}.self_attn.q_proj.bias",
    k_bias: "model.layers.{}.self_attn.k_proj.bias",
    v_bias: "model.layers.{}.self_attn.v_proj.bias",
    q_norm: "model.layers.{}.self_attn.q_norm.weight",
    k_norm: "model.layers.{}.self_attn.k_norm.weight",
    attention_sub_norm: "model.layers.{}.self_attn.attn_sub_norm.weight",
    ffn_sub_norm: "model.layers.{}.mlp.ffn_sub_norm.weight",
  },
  rope: "split",
  ignored: [{ name: /\.rotary_emb\.inv_freq$/, why: "RoPE's frequencies follow from config.json" }],
};

/** ggml-org/llama.cpp, gguf-py/gguf/constants.py, TENSOR_NAMES. */
export function ggufLayout(rope: Layout["rope"]): Layout {
  return {
    names: {
      embedding: "token_embd.weight",
      final_norm: "output_norm.weight",
      head: "output.weight",
      attention_norm: "blk.{}.attn_norm.weight",
      ffn_norm: "blk.{}.ffn_norm.weight",
      q: "blk.{}.attn_q.weight",
      k: "blk.{}.attn_k.weight",
      v: "blk.{}.attn_v.weight",
      o: "blk.{}.attn_output.weight",
      gate: "blk.{}.ffn_gate.weight",
      up: "blk.{}.ffn_up.weight",
      down: "blk.{}.ffn_down.weight",
      q_bias: "blk.{}.attn_q.bias",
      k_bias: "blk.{}.attn_k.bias",
      v_bias: "blk.{}.attn_v.bias",
      q_norm: "blk.{}.attn_q_norm.weight",
      k_norm: "blk.{}.attn_k_norm.weight",
      attention_sub_norm: "blk.{}.attn_sub_norm.weight",
      ffn_sub_norm: "blk.{}.ffn_sub_norm.weight",
    },
    rope,
    ignored: [
      { name: /^rope_freqs\.weight$/, why: "RoPE's factors are read with the metadata" },
      { name: /^blk\.\d+\.attn_rot_embd$/, why: "RoPE's frequencies follow from the metadata" },
    ],
  };
}

/** karpathy/llama2.c, model.py: the names behind the file's order. */
export const LLAMA2C: Layout = {
  names: {
    embedding: "tok_embeddings.weight",
    final_norm: "norm.weight",
    head: "output.weight",
    attention_norm: "layers.{}.attention_norm.weight",
    ffn_norm: "layers.{}.ffn_norm.weight",
    q: "layers.{}.attention.wq.weight",
    k: "layers.{}.attention.wk.weight",
    v: "layers.{}.attention.wv.weight",
    o: "layers.{}.attention.wo.weight",
    gate: "layers.{}.feed_forward.w1.weight",
    up: "layers.{}.feed_forward.w3.weight",
    down: "layers.{}.feed_forward.w2.weight",
    // llama2.c has none of these
    q_bias: "",
    k_bias: "",
    v_bias: "",
    q_norm: "",
    k_norm: "",
    attention_sub_norm: "",
    ffn_sub_norm: "",
  },
  rope: "interleaved",
  ignored: [{ name: /^freqs_(cos|sin)$/, why: "RoPE's tables follow from the sizes" }],
};
