"""The teacher: a Hugging Face folder or a llama2.c checkpoint (version 0) as float32 tensors under slot names."""
from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, Callable

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from architecture import Architecture, Description, InputError, Shape, slots
from model import Tensors

#: transformers, models/llama/modeling_llama.py and its descendants.
NAMES = {
    **{"attention_norm": "input_layernorm.weight", "ffn_norm": "post_attention_layernorm.weight"},
    **{role: f"self_attn.{role}_proj.weight" for role in ("q", "k", "v", "o")},
    **{role: f"mlp.{role}_proj.weight" for role in ("gate", "up", "down")},
    **{f"{role}_bias": f"self_attn.{role}_proj.bias" for role in ("q", "k", "v")},
    **{"q_norm": "self_attn.q_norm.weight", "k_norm": "self_attn.k_norm.weight"},
}
WHOLE = {"embedding": "model.embed_tokens.weight", "final_norm": "model.norm.weight", "head": "lm_head.weight"}
FAMILIES = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3"}
#: Rows (or gains) of these are in halves in Hugging Face's files, and in pairs (2j, 2j+1) here.
ROTATED = ("q", "k", "q_bias", "k_bias", "q_norm", "k_norm")


def load_teacher(path: Path) -> tuple[Description, Tensors, dict[str, Any]]:
    """The model, and config.json where there is one."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder. Give a Hugging Face folder or a llama2.c checkpoint.")
    if path.is_dir():
        d, tensors, config = load_hugging_face(path)
    else:
        d, tensors = load_llama2c(path)
        config = {}
    for name, shape in slots(d):
        if tuple(tensors[name].shape) != shape:
            raise InputError(f"{path}, {name}: expected {list(shape)}, found {list(tensors[name].shape)}. Copy the model again.")
        if not torch.isfinite(tensors[name]).all():
            raise InputError(f"{path}, {name}: it holds NaN or infinite weights. Copy the model again.")
    return d, tensors, config


def load_llama2c(path: Path) -> tuple[Description, Tensors]:
    raw = path.read_bytes()
    if len(raw) < 28:
        raise InputError(f"{path}: {len(raw)} bytes are no checkpoint. Copy it again.")
    dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack("<7i", raw[:28])
    if min(dim, hidden, layers, heads, kv_heads, context) < 1 or dim % heads or heads % kv_heads or dim > 1 << 16:
        raise InputError(f"{path}: the header is none of llama2.c version 0. Export the model with version 0, or give its Hugging Face folder.")
    d = Description(
        path.stem, "llama2.c", Shape(dim, hidden, layers, heads, kv_heads, dim // heads, abs(vocab), context), Architecture(1e-5, 1e4, tied=vocab > 0)
    )
    data = torch.from_numpy(np.frombuffer(raw, "<f4", (len(raw) - 28) // 4, 28).copy())
    shapes = dict(slots(d))
    at = 0
    tensors: Tensors = {}

    def take(name: str) -> None:
        nonlocal at
        count = int(np.prod(shapes[name]))
        if at + count > len(data):
            raise InputError(f"{path}, {name}: the file ends at byte {len(raw)}, {28 + 4 * (at + count)} are needed. Copy it again.")
        tensors[name] = data[at : at + count].view(shapes[name]).clone()
        at += count

    take("embedding")
    for role in ("attention_norm", "q", "k", "v", "o", "ffn_norm", "gate", "down", "up"):
        for i in range(layers):
            take(f"layers.{i}.{role}")
    take("final_norm")
    if vocab < 0:
        at += context * d.shape.head_dim  # tables of cosines and sines
        take("head")
    return d, tensors


def interleaved(x: Tensor, head_dim: int) -> Tensor:
    """Rows (j, j + head_dim/2) of every head to (2j, 2j + 1)."""
    return x.view(-1, 2, head_dim // 2, *x.shape[1:]).transpose(1, 2).reshape(x.shape)


def read_json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except ValueError as error:
        raise InputError(f"{file}: {error}. Copy the file again.") from error


def load_hugging_face(folder: Path) -> tuple[Description, Tensors, dict[str, Any]]:
    file = folder / "config.json"
    if not file.exists():
        raise InputError(f"{folder}: there is no config.json. Give the folder that holds config.json and *.safetensors.")
    config = read_json(file)
    index = folder / "model.safetensors.index.json"
    shards = sorted(set(read_json(index).get("weight_map", {}).values())) if index.exists() else ["model.safetensors"]
    stored: dict[str, Tensor] = {}
    for shard in shards:
        if not (folder / shard).exists():
            raise InputError(f"{folder / shard}: the file is missing. Save the model as safetensors, all of its shards.")
        try:
            with safe_open(folder / shard, "pt") as opened:
                for name in opened.keys():
                    stored[name] = opened.get_tensor(name)
        except SafetensorError as error:
            raise InputError(f"{folder / shard}: {error}. Copy the file again.") from error
    one_table = WHOLE["head"] not in stored or WHOLE["embedding"] not in stored
    try:
        d = describe(config, folder, one_table)
    except KeyError as error:
        raise InputError(f"{file}: it lacks {error}. Copy the file again.") from error
    tensors: Tensors = {}
    for slot, _ in slots(d):
        parts = slot.split(".")
        name = WHOLE[slot] if len(parts) == 1 else f"model.layers.{parts[1]}.{NAMES[parts[2]]}"
        if slot == "embedding" and name not in stored:
            name = WHOLE["head"]  # tied, and saved under the head's name
        if name not in stored:
            raise InputError(f"{folder}: tensor {name} is missing. Copy the model again, all of its shards.")
        x = stored[name].float()
        tensors[slot] = interleaved(x, d.shape.head_dim) if parts[-1] in ROTATED else x
    return d, tensors, config


def describe(config: dict[str, Any], folder: Path, one_table: bool) -> Description:
    """golden/import/configFamilies.ts; what the integer arithmetic does not have is refused."""

    def refuse(what: str) -> InputError:
        return InputError(f"{folder / 'config.json'}: {what} is not supported. Take another model of {', '.join(FAMILIES)}.")

    kind = config.get("model_type")
    if kind not in FAMILIES:
        raise refuse(f'model_type "{kind}"')
    if config.get("quantization_config"):
        raise refuse("a teacher that is quantised already (quantization_config)")
    if config.get("hidden_act") not in ("silu", "swish", "relu2"):
        raise refuse(f'hidden_act "{config.get("hidden_act")}"')
    if config.get("attention_bias") and kind != "qwen2" or config.get("mlp_bias"):
        raise refuse("attention_bias or mlp_bias")
    parameters = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if (parameters.get("partial_rotary_factor") or config.get("partial_rotary_factor") or 1) != 1:
        raise refuse("partial_rotary_factor")
    if len(set(config.get("layer_types") or [])) > 1:
        raise refuse("a mixture of layer_types")
    window = config.get("sliding_window") if kind == "mistral" else None
    if kind in ("qwen2", "qwen3") and config.get("use_sliding_window"):
        raise refuse("use_sliding_window")
    heads, layers = config["num_attention_heads"], config["num_hidden_layers"]
    head_dim = config.get("head_dim") or (128 if kind == "qwen3" else config["hidden_size"] // heads)
    shape = Shape(
        dim=config["hidden_size"],
        hidden=config["intermediate_size"],
        layers=layers,
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=head_dim,
        vocab=config["vocab_size"],
        context=config["max_position_embeddings"],
    )
    architecture = Architecture(
        eps=config.get("rms_norm_eps", 1e-6),
        theta=parameters.get("rope_theta") or config.get("rope_theta") or 1e4,
        gate="relu2" if config["hidden_act"] == "relu2" else "silu",
        qkv_bias=kind == "qwen2",
        qk_norm=kind == "qwen3",
        tied=one_table or bool(config.get("tie_word_embeddings")),
        sliding_window=window,
        scaling=scaling_of(parameters, refuse),
    )
    return Description(folder.resolve().name, FAMILIES[kind], shape, architecture)


def scaling_of(parameters: dict[str, Any], refuse: Callable[[str], InputError]) -> dict[str, Any]:
    kind = parameters.get("rope_type") or parameters.get("type") or "default"
    match kind:
        case "default":
            return {"type": "none"}
        case "linear":
            return {"type": "linear", "factor": parameters["factor"]}
        case "llama3":
            return {
                **{"type": "llama3", "factor": parameters["factor"], "lowFactor": parameters["low_freq_factor"]},
                **{"highFactor": parameters["high_freq_factor"], "originalContext": parameters["original_max_position_embeddings"]},
            }
    raise refuse(f'RoPE scaling "{kind}"')
