"""Sampling whole sequences from a model, many at once, over its KV cache."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from data import BOS
from model import FLOAT, Arithmetic, Params, Shape, empty_cache, forward


class Samples(NamedTuple):
    tokens: jax.Array  # [batch, length], the first is BOS
    hidden: jax.Array  # [batch, length, dim], the final vector at each of these tokens


@partial(jax.jit, static_argnames=("shape", "batch", "length", "temperature", "arithmetic"))
def sample(
    params: Params,
    shape: Shape,
    key: jax.Array,
    batch: int,
    length: int,
    temperature: float,
    arithmetic: Arithmetic = FLOAT,
    key_mean: jax.Array | None = None,
) -> Samples:
    """Temperature 0 takes the likeliest token."""

    def step(state, position):
        token, cache, key = state
        out = forward(params, shape, token[:, None], arithmetic, key_mean, cache, position)
        key, now = jax.random.split(key)
        logits = out.logits[:, 0]
        if temperature == 0:
            following = jnp.argmax(logits, axis=-1)
        else:
            following = jax.random.categorical(now, logits / temperature, axis=-1)
        return (following.astype(jnp.int32), out.cache, key), (token, out.hidden[:, 0])

    first = jnp.full((batch,), BOS, jnp.int32)
    _, (tokens, hidden) = jax.lax.scan(step, (first, empty_cache(shape, batch), key), jnp.arange(length))
    return Samples(tokens.T, hidden.transpose(1, 0, 2))
