"""The forward pass of golden/model/float.ts in PyTorch: float, or with activations and cache fake-quantised."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

import formats
from architecture import Description, rope_frequencies

Tensors = dict[str, Tensor]
#: Told the tensors that calibration looks at, named as in golden/model/float.ts; inputs of matrices as "input q" and so on.
Observer = Callable[[str, int, Tensor], None]


@dataclass
class Fake:
    """Fake quantisation on the way: A8 and the cache, keys minus their mean."""

    keys: int
    values: int
    #: [kv_heads·head_dim] by layer.
    k_mean: list[Tensor]


@dataclass
class Cache:
    """Keys and values [rows, kv_heads, length, head_dim] by layer, of a float model that writes text."""

    keys: list[Tensor]
    values: list[Tensor]
    used: int = 0


def new_cache(d: Description, rows: int, length: int, device: torch.device) -> Cache:
    s = d.shape

    def empty() -> list[Tensor]:
        return [torch.zeros(rows, s.kv_heads, length, s.head_dim, device=device) for _ in range(s.layers)]

    return Cache(empty(), empty())


def rms(x: Tensor, gain: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * gain


def rope_table(d: Description, start: int, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
    angle = torch.arange(start, start + length, dtype=torch.float64)[:, None] * rope_frequencies(d.architecture, d.shape.head_dim)
    return angle.cos().to(like), angle.sin().to(like)


def rope(x: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Pairs (2j, 2j+1); x is [rows, heads, time, head_dim]."""
    cos, sin = table
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


def seen(d: Description, start: int, length: int, device: torch.device) -> Tensor:
    """Which positions each query sees, [length, start + length]."""
    query = torch.arange(start, start + length, device=device)[:, None]
    key = torch.arange(start + length, device=device)[None, :]
    window = d.architecture.sliding_window
    return (key <= query) if window is None else (key <= query) & (key > query - window)


def forward(
    w: Tensors, tokens: Tensor, d: Description, fake: Fake | None = None, observe: Observer | None = None, past: Cache | None = None
) -> Tensor:
    """Logits [rows, time, vocab]. `w` has slot names; its matrices are those to multiply with, quantised or not."""
    s, a = d.shape, d.architecture
    rows, time = tokens.shape
    start = 0 if past is None else past.used
    table = rope_table(d, start, time, w["embedding"])
    mask = seen(d, start, time, tokens.device)

    def a8(x: Tensor) -> Tensor:
        return formats.activation(x) if fake else x

    def note(what: str, layer: int, x: Tensor) -> None:
        if observe:
            observe(what, layer, x)

    def of(role: str) -> Tensor:
        return w[f"layers.{i}.{role}"]

    def bias(role: str) -> Tensor | None:
        return of(role) if a.qkv_bias else None

    def heads(x: Tensor, count: int) -> Tensor:
        return x.view(rows, time, count, s.head_dim).transpose(1, 2)

    x = F.embedding(tokens, w["embedding"])
    note("x", -1, x)
    for i in range(s.layers):
        y = a8(rms(x, of("attention_norm"), a.eps))
        note("input q", i, y)
        q = heads(F.linear(y, of("q"), bias("q_bias")), s.heads)
        k = heads(F.linear(y, of("k"), bias("k_bias")), s.kv_heads)
        v = heads(F.linear(y, of("v"), bias("v_bias")), s.kv_heads)
        note("v", i, v)
        if a.qk_norm:
            note("q_matrix", i, q)
            note("k_matrix", i, k)
            q, k = rms(q, of("q_norm"), a.eps), rms(k, of("k_norm"), a.eps)
        q, k = rope(q, table), rope(k, table)
        note("q", i, q)
        note("k", i, k)
        if fake:
            k = k - fake.k_mean[i].view(s.kv_heads, 1, s.head_dim)
            q, k, v = formats.activation(q), formats.cache(k, fake.keys), formats.cache(v, fake.values)
        if past is not None:
            past.keys[i][:, :, start : start + time] = k
            past.values[i][:, :, start : start + time] = v
            k, v = past.keys[i][:, :, : start + time], past.values[i][:, :, : start + time]
        group = s.heads // s.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(rows, time, -1)
        note("attn_out", i, out)
        if a.sub_norms:
            out = rms(out, of("attention_sub_norm"), a.eps)
        out = a8(out)
        note("input o", i, out)
        x = x + F.linear(out, of("o"))
        note("x", i, x)
        y = a8(rms(x, of("ffn_norm"), a.eps))
        note("input gate", i, y)
        gate, up = F.linear(y, of("gate")), F.linear(y, of("up"))
        note("gate", i, gate)
        note("up", i, up)
        h = (F.silu(gate) if a.gate == "silu" else gate.relu().square()) * up
        note("h", i, h)
        if a.sub_norms:
            h = rms(h, of("ffn_sub_norm"), a.eps)
        h = a8(h)
        note("input down", i, h)
        x = x + F.linear(h, of("down"))
        note("x", i, x)
    if past is not None:
        past.used += time
    return F.linear(a8(rms(x, w["final_norm"], a.eps)), w["embedding" if a.tied else "head"])
