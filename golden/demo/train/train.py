"""Distils stories260K into the demo model: float twin first, then quantisation-aware."""
import argparse
import math
import pickle
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import inputs
from evaluate import bits_per_character, held_out_split
from model import DEMO, forward, init, load_llama2c
from sample import sample
from text import Tokenizer, stories

BATCH = 16


def adam_update(p, g, m, v, t, lr):
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, v, g)
    a, b = 1 - 0.9**t, 1 - 0.99**t
    p = jax.tree.map(lambda p, m, v: p - lr * (m / a) / (jnp.sqrt(v / b) + 1e-8), p, m, v)
    return p, m, v


def main() -> None:
    arg = argparse.ArgumentParser(description=__doc__)
    arg.add_argument("--teacher", required=True)
    arg.add_argument("--tokenizer", required=True)
    arg.add_argument("--stories", required=True)
    arg.add_argument("--twin-steps", type=int, default=3000)
    arg.add_argument("--qat-steps", type=int, default=8000)
    arg.add_argument("--samples", type=int, default=6144)
    arg.add_argument("--seed", type=int, default=1)
    arg.add_argument("--resume", default="")
    arg.add_argument("--out", default="checkpoint.pkl")
    o = arg.parse_args()
    inputs.check(teacher=o.teacher, tokenizer=o.tokenizer, stories=o.stories)
    t_shape, teacher = load_llama2c(o.teacher)
    tok = Tokenizer(o.tokenizer, t_shape.vocab)
    train, held = held_out_split(stories(o.stories))
    shape = DEMO
    L = shape.context
    key = jax.random.PRNGKey(o.seed)

    began = time.time()
    generated = []
    for _ in range(o.samples // 512):
        key, sub = jax.random.split(key)
        generated.append(np.asarray(sample(teacher, sub, jnp.ones(512, jnp.int32), t_shape, L)))
    generated = np.concatenate(generated).astype(np.int32)
    print(f"sampled {generated.shape} in {time.time() - began:.0f} s: {tok.decode(generated[0][1:].tolist())[:160]!r}", flush=True)
    ids = [tok.encode(s) for s in train]
    flat = np.array([t for s in ids for t in s], np.int32)
    starts = np.cumsum([0] + [len(s) for s in ids])[:-1]
    starts = starts[starts + L <= len(flat)]
    print(f"{len(train)} real stories, {len(flat)} tokens; held out {len(held)}", flush=True)

    @jax.jit
    def teach(x):
        return jax.nn.log_softmax(forward(teacher, x, t_shape, False)[0], -1)

    @partial(jax.jit, static_argnames=("quantised",))
    def step(p, m, v, t, lr, x, quantised):
        target = teach(x)

        def loss(p):
            logits, mean = forward(p, x, shape, quantised)
            lp = jax.nn.log_softmax(logits, -1)
            return jnp.mean(jnp.sum(jnp.exp(target) * (target - lp), -1)), mean

        (value, mean), g = jax.value_and_grad(loss, has_aux=True)(p)
        norm = jnp.sqrt(sum(jnp.sum(x * x) for x in jax.tree.leaves(g)))
        g = jax.tree.map(lambda x: x * jnp.minimum(1.0, 1.0 / norm), g)
        p, m, v = adam_update(p, g, m, v, t, lr)
        return p, m, v, value, mean

    rng = np.random.default_rng(o.seed)

    def batch():
        g = generated[rng.integers(0, len(generated), BATCH * 3 // 4)]
        s = rng.choice(starts, BATCH // 4)
        return jnp.asarray(np.concatenate([g, np.stack([flat[i : i + L] for i in s])]))

    state = {"params": init(shape, o.seed, teacher, t_shape), "k_mean": None}
    phases = [("twin", o.twin_steps, False, 6e-3), ("qat", o.qat_steps, True, 5e-3)]
    if o.resume:
        state = pickle.load(open(o.resume, "rb"))
        phases = phases[1:]
    if not o.resume:
        print("teacher bpc", bits_per_character(teacher, t_shape, tok, held, False), flush=True)
    for name, steps, quantised, peak in phases:
        p = state["params"]
        m = jax.tree.map(jnp.zeros_like, p)
        v = jax.tree.map(jnp.zeros_like, p)
        k_mean = None
        began = time.time()
        running = 0.0
        for t in range(1, steps + 1):
            lr = peak * min(1, t / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * t / steps)))
            p, m, v, value, mean = step(p, m, v, t, lr, batch(), quantised)
            k_mean = mean if k_mean is None else 0.98 * k_mean + 0.02 * mean
            running = float(value) if t == 1 else 0.98 * running + 0.02 * float(value)
            if t % 100 == 0:
                print(f"{name} {t} kl {running:.4f} lr {lr:.5f} {time.time() - began:.0f} s", flush=True)
            if t % 1000 == 0 or t == steps:
                state = {"params": p, "k_mean": k_mean if quantised else None, "phase": name, "step": t}
                pickle.dump(jax.tree.map(np.asarray, state), open(o.out if quantised else o.out + ".twin", "wb"))
                print(f"{name} {t} bpc {bits_per_character(p, shape, tok, held, quantised, k_mean):.4f}", flush=True)


if __name__ == "__main__":
    main()
