"""Batch sampler with a KV cache: text of the teacher for distillation."""
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from model import Params, Shape, rms, rope_table


@partial(jax.jit, static_argnames=("shape", "length"))
def sample(p: Params, key: jax.Array, tokens: jax.Array, shape: Shape, length: int) -> jax.Array:
    """Continues `tokens` [batch] (the first token) to `length` tokens at temperature 1."""
    batch = tokens.shape[0]
    group = shape.heads // shape.kv_heads
    cos, sin = rope_table(shape, length)
    kc = jnp.zeros((shape.layers, batch, length, shape.kv_heads, shape.head_dim))

    def turn(x: jax.Array, t: jax.Array) -> jax.Array:
        a, b = x[..., 0::2], x[..., 1::2]
        return jnp.stack([a * cos[t] - b * sin[t], a * sin[t] + b * cos[t]], -1).reshape(x.shape)

    def step(state, t):
        token, kc, vc, key = state
        x = p["embedding"][token]
        for i in range(shape.layers):
            y = rms(x, p["attention_norm"][i], shape.eps)
            q = turn((y @ p["q"][i].T).reshape(batch, shape.heads, shape.head_dim), t)
            k = turn((y @ p["k"][i].T).reshape(batch, shape.kv_heads, shape.head_dim), t)
            v = (y @ p["v"][i].T).reshape(batch, shape.kv_heads, shape.head_dim)
            kc = kc.at[i, :, t].set(k)
            vc = vc.at[i, :, t].set(v)
            score = jnp.einsum("bkgd,bskd->bkgs", q.reshape(batch, shape.kv_heads, group, -1), kc[i]) / np.sqrt(shape.head_dim)
            score = jnp.where(jnp.arange(length) <= t, score, -1e9)
            out = jnp.einsum("bkgs,bskd->bkgd", jax.nn.softmax(score, -1), vc[i]).reshape(batch, -1)
            x = x + out @ p["o"][i].T
            y = rms(x, p["ffn_norm"][i], shape.eps)
            x = x + (jax.nn.silu(y @ p["gate"][i].T) * (y @ p["up"][i].T)) @ p["down"][i].T
        logits = rms(x, p["final_norm"], shape.eps) @ p["embedding"].T
        key, sub = jax.random.split(key)
        nxt = jax.random.categorical(sub, logits)
        return (nxt, kc, vc, key), token

    _, out = jax.lax.scan(step, (tokens, kc, kc, key), jnp.arange(length))
    return out.T
