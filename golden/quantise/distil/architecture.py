"""What a model is: sizes, and the switches in which families differ. Same fields and JSON as golden/model/architecture.ts."""
from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Iterator

import torch

MATRICES = ("q", "k", "v", "o", "gate", "up", "down")


class InputError(Exception):
    """What is wrong with what the user gave, where, and what helps: one message, no stack trace."""


@dataclass(frozen=True)
class Shape:
    dim: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    context: int


@dataclass(frozen=True)
class Architecture:
    eps: float
    theta: float
    gate: str = "silu"
    qkv_bias: bool = False
    qk_norm: bool = False
    sub_norms: bool = False
    tied: bool = True
    sliding_window: int | None = None
    #: As in the metadata of saved models: {"type": "none" | "linear" | "llama3" | "factors", ...}.
    scaling: dict[str, Any] | None = None


@dataclass(frozen=True)
class Description:
    name: str
    family: str
    shape: Shape
    architecture: Architecture

    def with_layers(self, layers: int) -> Description:
        return replace(self, shape=replace(self.shape, layers=layers))


def slots(d: Description) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape of every tensor, in the order in which a token meets them (golden/import/architecture.ts, slotsOf)."""
    s, a = d.shape, d.architecture
    width, kv = s.heads * s.head_dim, s.kv_heads * s.head_dim
    yield "embedding", (s.vocab, s.dim)
    for i in range(s.layers):
        layer: dict[str, tuple[int, ...]] = {"attention_norm": (s.dim,), "q": (width, s.dim), "k": (kv, s.dim), "v": (kv, s.dim)}
        if a.qkv_bias:
            layer |= {"q_bias": (width,), "k_bias": (kv,), "v_bias": (kv,)}
        if a.qk_norm:
            layer |= {"q_norm": (s.head_dim,), "k_norm": (s.head_dim,)}
        if a.sub_norms:
            layer["attention_sub_norm"] = (width,)
        layer |= {"o": (s.dim, width), "ffn_norm": (s.dim,), "gate": (s.hidden, s.dim), "up": (s.hidden, s.dim)}
        if a.sub_norms:
            layer["ffn_sub_norm"] = (s.hidden,)
        layer["down"] = (s.dim, s.hidden)
        for role, shape in layer.items():
            yield f"layers.{i}.{role}", shape
    yield "final_norm", (s.dim,)
    if not a.tied:
        yield "head", (s.vocab, s.dim)


def is_matrix(name: str) -> bool:
    return name in ("embedding", "head") or name.rsplit(".", 1)[-1] in MATRICES


def rope_frequencies(a: Architecture, head_dim: int) -> torch.Tensor:
    """Angle per position of each pair, float64 (golden/model/architecture.ts, ropeFrequencies)."""
    scaling = a.scaling or {"type": "none"}
    out = []
    for j in range(head_dim // 2):
        frequency = math.exp(-2 * j * math.log(a.theta) / head_dim)
        match scaling["type"]:
            case "linear":
                frequency /= scaling["factor"]
            case "factors":
                frequency /= scaling["factors"][j]
            case "llama3":
                slow = frequency / scaling["factor"]
                waves = scaling["originalContext"] * frequency / (2 * math.pi)
                low, high = scaling["lowFactor"], scaling["highFactor"]
                smooth = min(max((waves - low) / (high - low), 0.0), 1.0)
                frequency = (1 - smooth) * slow + smooth * frequency
        out.append(frequency)
    return torch.tensor(out, dtype=torch.float64)


def shape_json(s: Shape) -> dict[str, int]:
    return {
        **{"dim": s.dim, "hidden": s.hidden, "layers": s.layers, "heads": s.heads, "kvHeads": s.kv_heads},
        **{"headDim": s.head_dim, "vocab": s.vocab, "context": s.context},
    }


def architecture_json(a: Architecture) -> dict[str, Any]:
    return {
        **{"eps": a.eps, "gate": a.gate, "qkvBias": a.qkv_bias, "qkNorm": a.qk_norm, "subNorms": a.sub_norms, "tied": a.tied},
        **{"rope": {"theta": a.theta, "scaling": a.scaling or {"type": "none"}}, "slidingWindow": a.sliding_window},
    }


def description_from_json(name: str, family: str, shape: dict[str, int], a: dict[str, Any]) -> Description:
    """From the metadata of a saved model."""
    s = Shape(
        shape["dim"], shape["hidden"], shape["layers"], shape["heads"], shape["kvHeads"], shape["headDim"], shape["vocab"], shape["context"]
    )
    rope = a["rope"]
    architecture = Architecture(
        a["eps"], rope["theta"], a["gate"], a["qkvBias"], a["qkNorm"], a["subNorms"], a["tied"], a["slidingWindow"], rope["scaling"]
    )
    return Description(name, family, s, architecture)
