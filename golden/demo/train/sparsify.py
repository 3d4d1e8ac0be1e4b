"""The 2:4 version of the demo model: two weights of every four, four levels each, distilled like the dense one.

Start: the dense model's quantisation-aware checkpoint (or the float twin). Mask: magnitude times the root mean square of
the input (Wanda: Sun et al. 2023, equation 1), two of every four inputs. For the first `--free` steps it is drawn anew in
every step, gradients reach pruned weights too and these decay a little (SR-STE: Zhou et al. 2021), so that a quad may change
its mind; then it stays as it is. Everything else is `train.py`'s phase 2.
"""
import argparse
import math
import pickle
import time

import jax
import jax.numpy as jnp
import numpy as np

import inputs
import quantise as fq
from evaluate import bits_per_character, held_out_split
from model import DEMO, Params, forward, load_llama2c
from sample import sample
from text import Tokenizer, stories
from train import BATCH, adam_update

KINDS = {"q": "attention", "k": "attention", "v": "attention", "o": "o", "gate": "ffn", "up": "ffn", "down": "down"}
DECAY = 1e-2  # of pruned weights per unit of learning rate while the mask is free


def input_rms(p: Params, tokens: jax.Array, k_mean: jax.Array | None, quantised: bool) -> Params:
    """Root mean square of every matrix's inputs, [layers, 1, cols]; the weights are taken as they are."""
    powers: dict[str, list[jax.Array]] = {}
    forward(p, tokens, DEMO, quantised, k_mean, True, powers=powers)
    return {kind: jnp.sqrt(jnp.stack(powers[name]))[:, None, :] for kind, name in KINDS.items()}


def masks(p: Params, scale: Params) -> Params:
    return {kind: fq.keep_two(jnp.abs(p[kind]) * scale[kind]) for kind in KINDS}


def quantised_params(p: Params, mask: Params) -> Params:
    """What the codes mean, with gradients straight through to kept and to pruned weights."""
    return p | {kind: fq.n24_weight(p[kind], mask[kind]) for kind in KINDS} | {"embedding": fq.embedding(p["embedding"])}


def main() -> None:
    arg = argparse.ArgumentParser(description=__doc__)
    for name in ("teacher", "tokenizer", "stories", "start"):
        arg.add_argument(f"--{name}", required=True)
    arg.add_argument("--steps", type=int, default=4500)
    arg.add_argument("--free", type=int, default=600, help="steps during which the mask may change")
    arg.add_argument("--peak", type=float, default=3e-3)
    arg.add_argument("--stop", type=int, default=0, help="end early, for trials")
    arg.add_argument("--samples", type=int, default=6144)
    arg.add_argument("--seed", type=int, default=2)
    arg.add_argument("--cache", default="", help="file that keeps the teacher's samples between runs")
    arg.add_argument("--out", default="n24.pkl")
    o = arg.parse_args()
    inputs.check(teacher=o.teacher, tokenizer=o.tokenizer, stories=o.stories)
    t_shape, teacher = load_llama2c(o.teacher)
    tok = Tokenizer(o.tokenizer, t_shape.vocab)
    train, held = held_out_split(stories(o.stories))
    L = DEMO.context

    began = time.time()
    try:
        generated = np.load(o.cache)
    except OSError:
        key = jax.random.PRNGKey(o.seed)
        parts = []
        for _ in range(o.samples // 512):
            key, sub = jax.random.split(key)
            parts.append(np.asarray(sample(teacher, sub, jnp.ones(512, jnp.int32), t_shape, L)))
        generated = np.concatenate(parts).astype(np.int32)
        if o.cache:
            with open(o.cache, "wb") as f:
                np.save(f, generated)
    print(f"sampled {generated.shape} in {time.time() - began:.0f} s", flush=True)
    flat = np.array([t for s in train for t in tok.encode(s)], np.int32)
    starts = np.cumsum([0] + [len(tok.encode(s)) for s in train])[:-1]
    starts = starts[starts + L <= len(flat)]

    state = pickle.load(open(o.start, "rb"))
    p: Params = jax.tree.map(jnp.asarray, state["params"])
    k_mean = None if state["k_mean"] is None else jnp.asarray(state["k_mean"])
    dense = p if k_mean is None else p | {k: jnp.stack([fq.weight(m) for m in p[k]]) for k in KINDS}
    scale = input_rms(dense, jnp.asarray(generated[:64]), k_mean, k_mean is not None)
    ones = {kind: jnp.ones_like(scale[kind]) for kind in KINDS}
    for name, by in (("magnitude", ones), ("wanda", scale)):
        bits = bits_per_character(quantised_params(p, masks(p, by)), DEMO, tok, held, True, k_mean, exact_weights=True)
        print(f"start {state['phase']} {state['step']}, mask by {name}, before training: bpc {bits:.4f}", flush=True)

    # What the teacher says of every row, once: 2 GB, a quarter of the time.
    rows = np.concatenate([generated, np.stack([flat[i : i + L] for i in starts])])
    teach = jax.jit(lambda x: jax.nn.log_softmax(forward(teacher, x, t_shape, False)[0], -1).astype(jnp.float16))
    began = time.time()
    targets = np.empty((*rows.shape, t_shape.vocab), np.float16)
    for i in range(0, len(rows), 32):
        targets[i : i + 32] = teach(jnp.asarray(rows[i : i + 32]))
    print(f"{len(generated)} samples, {len(starts)} real stories read by the teacher in {time.time() - began:.0f} s", flush=True)

    @jax.jit
    def step(p, m, v, t, lr, x, target, mask, free):
        mask = jax.lax.cond(free, lambda: masks(p, scale), lambda: mask)

        def loss(p):
            logits, mean = forward(quantised_params(p, mask), x, DEMO, True, None, True)
            lp = jax.nn.log_softmax(logits, -1)
            said = target.astype(jnp.float32)
            return jnp.mean(jnp.sum(jnp.exp(said) * (said - lp), -1)), mean

        (value, mean), g = jax.value_and_grad(loss, has_aux=True)(p)
        norm = jnp.sqrt(sum(jnp.sum(x * x) for x in jax.tree.leaves(g)))
        g = jax.tree.map(lambda x: x * jnp.minimum(1.0, 1.0 / norm), g)
        for kind in KINDS:  # pruned weights follow only while they may come back
            g[kind] = jnp.where(free, g[kind], g[kind] * mask[kind])
        p, m, v = adam_update(p, g, m, v, t, lr)
        for kind in KINDS:
            p[kind] = p[kind] * (1 - jnp.where(free, lr * DECAY, 1.0) * (1 - mask[kind]))
        return p, m, v, value, mean, mask

    @jax.jit
    def changed(a, b):
        return sum(jnp.sum(a[k] != b[k]) for k in KINDS) / sum(a[k].size for k in KINDS)

    rng = np.random.default_rng(o.seed)

    def batch():
        g = rng.integers(0, len(generated), BATCH * 3 // 4)
        at = np.concatenate([g, rng.integers(len(generated), len(rows), BATCH // 4)])
        return jnp.asarray(rows[at]), jnp.asarray(targets[at])

    m, v = jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p)
    mask = first = masks(p, scale)
    k_mean, running, began = None, 0.0, time.time()
    for t in range(1, (o.stop or o.steps) + 1):
        lr = o.peak * min(1, t / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * t / o.steps)))
        p, m, v, value, mean, mask = step(p, m, v, t, lr, *batch(), mask, t <= o.free)
        k_mean = mean if k_mean is None else 0.98 * k_mean + 0.02 * mean
        running = float(value) if t == 1 else 0.98 * running + 0.02 * float(value)
        if t % 100 == 0:
            print(f"n24 {t} kl {running:.4f} lr {lr:.5f} mask moved {changed(mask, first):.3f} {time.time() - began:.0f} s", flush=True)
        if t % 500 == 0 or t == o.steps:
            state = {"params": p, "mask": mask, "k_mean": k_mean, "phase": "n24", "step": t}
            pickle.dump(jax.tree.map(lambda a: a if isinstance(a, (str, int)) else np.asarray(a), state), open(o.out, "wb"))
            bits = bits_per_character(quantised_params(p, mask), DEMO, tok, held, True, k_mean, exact_weights=True)
            print(f"n24 {t} bpc {bits:.4f}", flush=True)


if __name__ == "__main__":
    main()
