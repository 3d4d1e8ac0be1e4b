"""Fake quantisation that mirrors the integer contract; gradients pass straight through the rounding."""
import jax
import jax.numpy as jnp
import numpy as np

GROUP = 32


def straight(x: jax.Array, quantised: jax.Array) -> jax.Array:
    return x + jax.lax.stop_gradient(quantised - x)


def scale_grid(s: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mantissas (0..255) and row exponents of scales [rows, groups]: the largest mantissa of a row is in 128..255."""
    e = jnp.floor(jnp.log2(255.0 / jnp.maximum(jnp.max(s, -1, keepdims=True), 1e-12)))
    # Rounding may reach 256: one exponent less then.
    e = jnp.where(jnp.round(jnp.max(s, -1, keepdims=True) * 2**e) > 255, e - 1, e)
    e = jnp.clip(e, 0, 31)
    return jnp.clip(jnp.round(s * 2**e), 1, 255), e


def weight_codes(w: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Codes -3,-1,1,3 [rows, cols], mantissas and exponents."""
    g = w.reshape(w.shape[0], -1, GROUP)
    m, e = scale_grid(0.625 * jnp.mean(jnp.abs(g), -1))
    s = (m * 2.0**-e)[..., None]
    c = jnp.clip(2 * jnp.floor(g / (2 * s)) + 1, -3, 3)
    return c.reshape(w.shape), m, e


def weight(w: jax.Array) -> jax.Array:
    c, m, e = weight_codes(jax.lax.stop_gradient(w))
    s = jnp.repeat(m * 2.0**-e, GROUP, axis=1)
    return straight(w, c * s)


def keep_two(score: jax.Array) -> jax.Array:
    """1 for the two largest of every aligned four along the last axis, 0 for the others (the lower index wins a tie)."""
    quads = score.reshape(*score.shape[:-1], -1, 4)
    rank = jnp.argsort(jnp.argsort(-quads, -1), -1)
    return (rank < 2).astype(score.dtype).reshape(score.shape)


def n24_codes(w: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Codes -3,-1,1,3 where the mask keeps, 0 elsewhere; mantissas and exponents. Any leading axes, rows before columns.

    KEPT is the scale over the mean magnitude that makes the smallest squared error when the two largest of four normal
    weights are kept; below the 0.625 of all weights, because the small ones are gone.
    """
    groups = (*w.shape[:-1], -1, GROUP)
    g, kept = w.reshape(groups), mask.reshape(groups)
    m, e = scale_grid(KEPT * 2 * jnp.mean(jnp.abs(g) * kept, -1))
    s = (m * 2.0**-e)[..., None]
    c = jnp.clip(2 * jnp.floor(g / (2 * s)) + 1, -3, 3) * kept
    return c.reshape(w.shape), m, e


KEPT = 0.5


def n24_weight(w: jax.Array, mask: jax.Array) -> jax.Array:
    c, m, e = n24_codes(jax.lax.stop_gradient(w), mask)
    return straight(w, c * jnp.repeat(m * 2.0**-e, GROUP, axis=-1))


def embedding_codes(w: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    g = w.reshape(w.shape[0], -1, GROUP)
    m, e = scale_grid(jnp.max(jnp.abs(g), -1) / 7.0)
    s = (m * 2.0**-e)[..., None]
    return jnp.clip(jnp.round(g / s), -7, 7).reshape(w.shape), m, e


def embedding(w: jax.Array) -> jax.Array:
    c, m, e = embedding_codes(jax.lax.stop_gradient(w))
    return straight(w, c * jnp.repeat(m * 2.0**-e, GROUP, axis=1))


def activation(x: jax.Array) -> jax.Array:
    """Per vector (last axis) symmetric int8."""
    s = jnp.maximum(jnp.max(jnp.abs(jax.lax.stop_gradient(x)), -1, keepdims=True), 1e-9) / 127
    return straight(x, jnp.round(x / s) * s)


def cache(x: jax.Array) -> jax.Array:
    """int4 in [-7, 7], scale per head and token, rounded up to (16+f)·2^n."""
    s = jnp.maximum(jnp.max(jnp.abs(jax.lax.stop_gradient(x)), -1, keepdims=True), 1e-6) / 7
    n = jnp.floor(jnp.log2(s)) - 4
    s = jnp.ceil(s * 2.0**-n * (1 - 1e-6)) * 2.0**n
    return straight(x, jnp.clip(jnp.round(x / s), -7, 7) * s)
