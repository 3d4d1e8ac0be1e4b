"""The Llama forward pass, for the teacher and the student alike, with every number format left to `Arithmetic`."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Callable, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Params = dict[str, jax.Array]  # every layer tensor carries the layer as its first axis
LINEARS = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass(frozen=True)
class Shape:
    dim: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    vocab: int
    context: int
    theta: float = 10000.0
    eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


STUDENT = Shape(dim=64, hidden=256, layers=4, heads=2, kv_heads=1, vocab=512, context=256)


class Arithmetic(NamedTuple):
    """What happens to each kind of value on its way; the float model leaves them all as they are."""

    weight: Callable[[jax.Array], jax.Array]
    embedding: Callable[[jax.Array], jax.Array]
    activation: Callable[[jax.Array], jax.Array]
    key: Callable[[jax.Array, jax.Array], jax.Array]  # (key, static mean of its channels)
    value: Callable[[jax.Array], jax.Array]


FLOAT = Arithmetic(
    weight=lambda w: w,
    embedding=lambda e: e,
    activation=lambda x: x,
    key=lambda k, mean: k,
    value=lambda v: v,
)


class Cache(NamedTuple):
    keys: jax.Array  # [layers, batch, context, kv_heads, head_dim]
    values: jax.Array


class Output(NamedTuple):
    hidden: jax.Array  # the final normed vector, before the head
    logits: jax.Array
    key_mean: jax.Array  # [layers, kv_heads, head_dim], over batch and positions of this call
    ranges: dict[str, jax.Array]  # largest magnitudes, [layers] each
    cache: Cache | None


def empty_cache(shape: Shape, batch: int) -> Cache:
    room = jnp.zeros((shape.layers, batch, shape.context, shape.kv_heads, shape.head_dim), jnp.float32)
    return Cache(room, room)


def initial(shape: Shape, embedding: jax.Array, seed: int) -> Params:
    """Random layers around a given embedding."""
    rng = np.random.default_rng(seed)
    kv = shape.kv_heads * shape.head_dim
    sizes = {
        "q": (shape.dim, shape.dim),
        "k": (kv, shape.dim),
        "v": (kv, shape.dim),
        "o": (shape.dim, shape.dim),
        "gate": (shape.hidden, shape.dim),
        "up": (shape.hidden, shape.dim),
        "down": (shape.dim, shape.hidden),
    }
    params: Params = {}
    for name, (rows, columns) in sizes.items():
        spread = columns**-0.5
        if name in ("o", "down"):  # keeps the residual small at the start
            spread /= (2 * shape.layers) ** 0.5
        params[name] = jnp.asarray(rng.normal(0, spread, (shape.layers, rows, columns)), jnp.float32)
    params["attention_norm"] = jnp.ones((shape.layers, shape.dim))
    params["ffn_norm"] = jnp.ones((shape.layers, shape.dim))
    params["final_norm"] = jnp.ones((shape.dim,))
    params["embedding"] = embedding
    return params


def read_llama2c(content: bytes) -> tuple[Shape, Params]:
    """A llama2.c v0 checkpoint with a tied head."""
    dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack_from("<7i", content)
    shape = Shape(dim, hidden, layers, heads, kv_heads, vocab, context)
    kv = kv_heads * shape.head_dim
    flat = np.frombuffer(content, "<f4", offset=28)
    at = 0

    def take(*size: int) -> jax.Array:
        nonlocal at
        count = int(np.prod(size))
        at += count
        return jnp.asarray(flat[at - count : at].reshape(size))

    params: Params = {"embedding": take(vocab, dim), "attention_norm": take(layers, dim)}
    for name, rows in (("q", dim), ("k", kv), ("v", kv), ("o", dim)):
        params[name] = take(layers, rows, dim)
    params["ffn_norm"] = take(layers, dim)
    params["gate"] = take(layers, hidden, dim)
    params["down"] = take(layers, dim, hidden)
    params["up"] = take(layers, hidden, dim)
    params["final_norm"] = take(dim)
    return shape, params


def _norm(x: jax.Array, gain: jax.Array, eps: float) -> jax.Array:
    return x * gain * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + eps)


def _rope(x: jax.Array, positions: jax.Array, theta: float) -> jax.Array:
    """Rotates the pairs (2i, 2i+1) of x [batch, time, heads, head_dim]."""
    size = x.shape[-1]
    angles = positions[:, None] * theta ** (-jnp.arange(0, size, 2) / size)
    cos, sin = jnp.cos(angles)[:, None, :], jnp.sin(angles)[:, None, :]
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack((even * cos - odd * sin, even * sin + odd * cos), axis=-1).reshape(x.shape)


def forward(
    params: Params,
    shape: Shape,
    tokens: jax.Array,
    arithmetic: Arithmetic = FLOAT,
    key_mean: jax.Array | None = None,
    cache: Cache | None = None,
    start: jax.Array | int = 0,
) -> Output:
    """tokens [batch, time]; with a cache, time continues at `start` and the cache is filled."""
    batch, time = tokens.shape
    positions = start + jnp.arange(time)
    horizon = jnp.arange(time if cache is None else shape.context)
    visible = horizon[None, :] <= positions[:, None]
    share = shape.heads // shape.kv_heads
    if key_mean is None:
        key_mean = jnp.zeros((shape.layers, shape.kv_heads, shape.head_dim))

    def linear(x: jax.Array, weight: jax.Array) -> jax.Array:
        return x @ weight.T

    embedding = arithmetic.embedding(params["embedding"])
    x = embedding[tokens]
    means: list[jax.Array] = []
    ranges: dict[str, list[jax.Array]] = {name: [] for name in ("residual", "q", "k", "v", "gate", "up", "act")}
    new_keys: list[jax.Array] = []
    new_values: list[jax.Array] = []

    def note(name: str, value: jax.Array) -> jax.Array:
        ranges[name].append(jax.lax.stop_gradient(jnp.max(jnp.abs(value))))
        return value

    for i in range(shape.layers):
        layer = {name: arithmetic.weight(params[name][i]) for name in LINEARS}

        y = arithmetic.activation(_norm(x, params["attention_norm"][i], shape.eps))
        q = note("q", linear(y, layer["q"])).reshape(batch, time, shape.heads, shape.head_dim)
        k = note("k", linear(y, layer["k"])).reshape(batch, time, shape.kv_heads, shape.head_dim)
        v = note("v", linear(y, layer["v"])).reshape(batch, time, shape.kv_heads, shape.head_dim)
        q = arithmetic.activation(_rope(q, positions, shape.theta))
        k = _rope(k, positions, shape.theta)
        means.append(jax.lax.stop_gradient(jnp.mean(k, axis=(0, 1))))
        k = arithmetic.key(k, key_mean[i])
        v = arithmetic.value(v)
        if cache is not None:
            k = jax.lax.dynamic_update_slice(cache.keys[i], k, (0, start, 0, 0))
            v = jax.lax.dynamic_update_slice(cache.values[i], v, (0, start, 0, 0))
            new_keys.append(k)
            new_values.append(v)
        q = q.reshape(batch, time, shape.kv_heads, share, shape.head_dim)
        scores = jnp.einsum("btgsd,bugd->bgstu", q, k) * shape.head_dim**-0.5
        weights = jax.nn.softmax(jnp.where(visible, scores, -1e30), axis=-1)
        attended = jnp.einsum("bgstu,bugd->btgsd", weights, v).reshape(batch, time, shape.dim)
        x = note("residual", x + linear(arithmetic.activation(attended), layer["o"]))

        y = arithmetic.activation(_norm(x, params["ffn_norm"][i], shape.eps))
        gate = note("gate", linear(y, layer["gate"]))
        up = note("up", linear(y, layer["up"]))
        act = note("act", jax.nn.silu(gate) * up)
        x = note("residual", x + linear(arithmetic.activation(act), layer["down"]))

    hidden = _norm(x, params["final_norm"], shape.eps)
    logits = linear(arithmetic.activation(hidden), embedding)
    filled = None if cache is None else Cache(jnp.stack(new_keys), jnp.stack(new_values))
    return Output(hidden, logits, jnp.stack(means), {n: jnp.stack(v) for n, v in ranges.items()}, filled)


def count(params: dict[str, Any]) -> int:
    return sum(int(np.prod(p.shape)) for p in params.values())
