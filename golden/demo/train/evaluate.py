"""Bits per character: each story from BOS, cut at the context; bits of all predicted tokens / characters they spell."""
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from model import Params, Shape, forward
from text import SEPARATOR, Tokenizer

HELD_OUT = 150
EXCERPT_BYTES = 64_000


def held_out_split(all_stories: list[str]) -> tuple[list[str], list[str]]:
    """The last 150 stories are never trained on; the excerpt is those of them that fit 64 kB, in order."""
    train, rest = all_stories[:-HELD_OUT], all_stories[-HELD_OUT:]
    kept, size = [], 0
    for s in rest:
        n = len(s.encode()) + len(SEPARATOR) + 2
        if size + n > EXCERPT_BYTES:
            break
        kept.append(s)
        size += n
    return train, kept


@partial(jax.jit, static_argnames=("shape", "quantised", "exact_weights"))
def _bits(p: Params, x: jax.Array, shape: Shape, quantised: bool, k_mean: jax.Array | None, exact_weights: bool) -> jax.Array:
    lp = jax.nn.log_softmax(forward(p, x, shape, quantised, k_mean, exact_weights)[0], -1)
    return -jnp.take_along_axis(lp[:, :-1], x[:, 1:, None], -1)[..., 0] / jnp.log(2.0)


def bits_per_character(p: Params, shape: Shape, tok: Tokenizer, held: list[str], quantised: bool, k_mean: jax.Array | None = None, exact_weights: bool = False) -> float:
    cut = 256
    bits, chars = 0.0, 0
    ids = [tok.encode(s)[:cut] for s in held]
    for i in range(0, len(ids), 16):
        part = ids[i : i + 16]
        x = np.zeros((len(part), cut), np.int32)
        for r, s in enumerate(part):
            x[r, : len(s)] = s
        b = np.asarray(_bits(p, jnp.asarray(x), shape, quantised, k_mean, exact_weights))
        for r, s in enumerate(part):
            bits += float(b[r, : len(s) - 1].sum())
            # The dummy space in front of the text is spelled by the first token but is no character of the story.
            chars += len(tok.decode(s[1:])) - 1
    return bits / chars


@partial(jax.jit, static_argnames=("shape", "quantised"))
def _next(p: Params, x: jax.Array, at: jax.Array, key: jax.Array, shape: Shape, quantised: bool, k_mean: jax.Array | None) -> jax.Array:
    logits = forward(p, x, shape, quantised, k_mean, quantised)[0][:, at]
    return jax.random.categorical(key, logits / 0.8)


def repetition(p: Params, shape: Shape, seeds: int, quantised: bool, k_mean: jax.Array | None = None, length: int = 200) -> float:
    """Share of 4-grams of token ids that occurred before in the same sample; mean over seeds, temperature 0.8, one text per seed."""
    x = np.zeros((seeds, 256), np.int32)
    x[:, 0] = 1
    key = jax.random.PRNGKey(20)
    for t in range(length):
        key, sub = jax.random.split(key)
        x[:, t + 1] = np.asarray(_next(p, jnp.asarray(x), jnp.asarray(t), sub, shape, quantised, k_mean))
    shares = []
    for row in x[:, : length + 1]:
        seen: set[tuple[int, ...]] = set()
        repeated = 0
        for i in range(1, length - 2):
            gram = tuple(int(v) for v in row[i : i + 4])
            repeated += gram in seen
            seen.add(gram)
        shares.append(repeated / (length - 3))
    return float(np.mean(shares))
