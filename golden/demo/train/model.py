"""The demo model and its teacher in JAX: one forward pass, float or fake-quantised."""
from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import quantise as fq

Params = dict[str, Any]


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
    theta: float = 10000.0
    eps: float = 1e-5


DEMO = Shape(dim=64, hidden=256, layers=4, heads=2, kv_heads=1, head_dim=32, vocab=512, context=256)


def load_llama2c(path: str) -> tuple[Shape, Params]:
    """A llama2.c v0 checkpoint (float32, legacy header)."""
    raw = open(path, "rb").read()
    dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack("7i", raw[:28])
    data = np.frombuffer(raw, dtype="<f4", offset=28)
    at = 0

    def take(*dims: int) -> np.ndarray:
        nonlocal at
        n = int(np.prod(dims))
        part = data[at : at + n].reshape(dims)
        at += n
        return part

    vocab = abs(vocab)
    kv = dim * kv_heads // heads
    shape = Shape(dim, hidden, layers, heads, kv_heads, dim // heads, vocab, context)
    p: Params = {"embedding": take(vocab, dim), "attention_norm": take(layers, dim)}
    p |= {"q": take(layers, dim, dim), "k": take(layers, kv, dim), "v": take(layers, kv, dim), "o": take(layers, dim, dim)}
    p |= {"ffn_norm": take(layers, dim), "gate": take(layers, hidden, dim), "down": take(layers, dim, hidden)}
    p |= {"up": take(layers, hidden, dim), "final_norm": take(dim)}
    return shape, jax.tree.map(jnp.asarray, p)


def init(shape: Shape, seed: int, teacher: Params, teacher_shape: Shape) -> Params:
    """A start near the teacher: same width, so embedding, norms, FFN, V and O carry over; Q and K only roughly.

    A student head is four teacher heads of 8 side by side (its one KV head holds the teacher's four), pair 4j + g of a
    student head is pair j of the teacher's KV group g, whose RoPE frequency is nearest. Hidden rows beyond the teacher's
    are random and small.
    """
    rng = np.random.default_rng(seed)
    t, keep = teacher_shape, [0, 1, 3, 4]
    order = np.array([[2 * j + r for r in (0, 1)] for j in range(t.head_dim // 2)])  # teacher pairs

    def interleave(rows: np.ndarray) -> np.ndarray:
        """[4 groups, 8, dim] -> [32, dim], pair 4j + g."""
        pairs = rows[:, order.reshape(-1)].reshape(4, t.head_dim // 2, 2, -1)
        return pairs.transpose(1, 0, 2, 3).reshape(4 * t.head_dim, -1)

    def grown(m: np.ndarray, axis: int) -> np.ndarray:
        shape_ = list(m.shape)
        shape_[axis] = shape.hidden - m.shape[axis]
        return np.concatenate([m, (0.5 * m.std() * rng.standard_normal(shape_)).astype(m.dtype)], axis)

    w = {k: np.asarray(v) for k, v in teacher.items()}
    out: dict[str, list[np.ndarray]] = {k: [] for k in ("q", "k", "v", "o", "gate", "up", "down")}
    for i in keep:
        q = w["q"][i].reshape(4, 2, t.head_dim, t.dim)  # [kv group, head in group]
        out["q"].append(np.concatenate([interleave(q[:, h]) for h in range(2)]))
        out["k"].append(interleave(w["k"][i].reshape(4, t.head_dim, t.dim)))
        out["v"].append(w["v"][i])
        o = w["o"][i].reshape(t.dim, 4, 2, t.head_dim)
        out["o"].append(np.concatenate([o[:, :, h].reshape(t.dim, -1) for h in range(2)], 1))
        out["gate"].append(grown(w["gate"][i], 0))
        out["up"].append(grown(w["up"][i], 0))
        out["down"].append(grown(w["down"][i], 1))
    p: Params = {k: jnp.asarray(np.stack(v)) for k, v in out.items()}
    for k in ("attention_norm", "ffn_norm"):
        p[k] = jnp.asarray(w[k][np.array(keep)])
    return p | {"embedding": jnp.asarray(w["embedding"]), "final_norm": jnp.asarray(w["final_norm"])}


def rms(x: jax.Array, gain: jax.Array, eps: float) -> jax.Array:
    return x * gain * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + eps)


def rope_table(shape: Shape, length: int) -> tuple[jax.Array, jax.Array]:
    inv = shape.theta ** (-np.arange(0, shape.head_dim, 2) / shape.head_dim)
    angle = np.arange(length)[:, None] * inv[None, :]
    return jnp.asarray(np.cos(angle), jnp.float32), jnp.asarray(np.sin(angle), jnp.float32)


def rope(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    """Interleaved pairs (2j, 2j+1); x is [batch, time, heads, head_dim]."""
    a, b = x[..., 0::2], x[..., 1::2]
    c, s = cos[None, :, None, :], sin[None, :, None, :]
    return jnp.stack([a * c - b * s, a * s + b * c], -1).reshape(x.shape)


def forward(
    p: Params, tokens: jax.Array, shape: Shape, quantised: bool, k_mean: jax.Array | None = None,
    exact_weights: bool = False, ranges: dict[str, list[jax.Array]] | None = None,
    powers: dict[str, list[jax.Array]] | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Logits [batch, time, vocab] and the mean of K per channel [layers, kv_heads, head_dim]. Without `k_mean` the batch's own mean is subtracted.

    `exact_weights`: the weights are on the grid already. `ranges` collects largest magnitudes per layer, `powers` the mean
    squares of every matrix's inputs.
    """
    grid = quantised and not exact_weights
    w = fq.weight if grid else (lambda m: m)
    a = fq.activation if quantised else (lambda x: x)
    embedding = fq.embedding(p["embedding"]) if grid else p["embedding"]

    def note(name: str, x: jax.Array) -> None:
        if ranges is not None:
            ranges.setdefault(name, []).append(jnp.max(jnp.abs(x)))

    def power(name: str, x: jax.Array) -> jax.Array:
        if powers is not None:
            powers.setdefault(name, []).append(jnp.mean(x * x, (0, 1)))
        return x

    batch, time = tokens.shape
    cos, sin = rope_table(shape, time)
    mask = jnp.where(jnp.tril(jnp.ones((time, time), bool)), 0.0, -1e9)
    group = shape.heads // shape.kv_heads
    x = embedding[tokens]
    note("residual", x)
    means = []
    for i in range(shape.layers):
        y = power("attention", a(rms(x, p["attention_norm"][i], shape.eps)))
        q = (y @ w(p["q"][i]).T).reshape(batch, time, shape.heads, shape.head_dim)
        k = (y @ w(p["k"][i]).T).reshape(batch, time, shape.kv_heads, shape.head_dim)
        v = (y @ w(p["v"][i]).T).reshape(batch, time, shape.kv_heads, shape.head_dim)
        q, k = rope(q, cos, sin), rope(k, cos, sin)
        note("q", q)
        note("k", k)
        note("v", v)
        mean = jax.lax.stop_gradient(jnp.mean(k, (0, 1)))
        means.append(mean)
        if quantised:
            k = k - (mean if k_mean is None else k_mean[i])
            q, k, v = fq.activation(q), fq.cache(k), fq.cache(v)
        q = q.reshape(batch, time, shape.kv_heads, group, shape.head_dim)
        score = jnp.einsum("btkgd,bskd->bkgts", q, k) / np.sqrt(shape.head_dim) + mask
        out = jnp.einsum("bkgts,bskd->btkgd", jax.nn.softmax(score, -1), v).reshape(batch, time, -1)
        x = x + power("o", a(out)) @ w(p["o"][i]).T
        note("residual", x)
        y = power("ffn", a(rms(x, p["ffn_norm"][i], shape.eps)))
        gate, up = y @ w(p["gate"][i]).T, y @ w(p["up"][i]).T
        h = jax.nn.silu(gate) * up
        note("gate", gate)
        note("up", up)
        note("act", h)
        x = x + power("down", a(h)) @ w(p["down"][i]).T
        note("residual", x)
    return a(rms(x, p["final_norm"], shape.eps)) @ embedding.T, jnp.stack(means)


def measure(p: Params, texts: list[list[int]], shape: Shape, k_mean: jax.Array) -> dict[str, Any]:
    """Largest magnitudes over texts: per layer for q, k, v, gate, up, act; one number for the residual."""
    x = np.zeros((len(texts), shape.context), np.int32)
    for r, t in enumerate(texts):
        x[r, : len(t)] = t
    ranges: dict[str, list[jax.Array]] = {}
    forward(p, jnp.asarray(x), shape, True, k_mean, True, ranges)
    out: dict[str, Any] = {k: [float(v) for v in vs] for k, vs in ranges.items()}
    out["residual"] = max(out["residual"])
    return out
