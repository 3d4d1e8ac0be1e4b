"""Checkpoint to the files of golden/demo: the integer model, its tokenizer, the held-out excerpt, the table of figures.

A checkpoint of sparsify.py, which has a mask, becomes stories-n24.safetensors with figures of its own.
"""
import argparse
import hashlib
import json
import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save_file

import inputs
import quantise as fq
from evaluate import bits_per_character, held_out_split, repetition
from model import DEMO, Params, load_llama2c, measure
from sparsify import quantised_params
from text import SEPARATOR, Tokenizer, stories

LAYERS = ("q", "k", "v", "o", "gate", "up", "down")


def quads(codes: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A byte per four columns: two codes, then their columns, ascending (`n24-index` of golden/contract/formats.md)."""
    rows, cols = codes.shape
    kept = np.nonzero(mask.reshape(-1, 4))[1].reshape(rows, cols // 4, 2)
    field = (np.take_along_axis(codes.reshape(rows, -1, 4), kept, -1) + 3) // 2
    return (field[..., 0] + 4 * field[..., 1] + 16 * kept[..., 0] + 64 * kept[..., 1]).astype(np.uint8)


def integers(p: Params, k_mean: np.ndarray, mask: Params | None) -> tuple[dict[str, np.ndarray], Params]:
    """Tensors of the file, and the float model that they mean exactly."""
    out: dict[str, np.ndarray] = {}
    exact = {k: np.array(v) for k, v in p.items()}

    def put(name: str, codes: jax.Array, m: jax.Array, e: jax.Array, stored: np.ndarray, kind: str = "code") -> np.ndarray:
        out[f"{name}.{kind}"], out[f"{name}.mantissa"] = stored, np.asarray(m, np.uint8)
        out[f"{name}.exponent"] = np.asarray(e[:, 0], np.uint8)
        return np.asarray(codes) * np.repeat(np.asarray(m) * 2.0 ** -np.asarray(e), fq.GROUP, axis=1)

    for i in range(DEMO.layers):
        for kind in LAYERS:
            name, w = f"layers.{i}.{kind}", jnp.asarray(p[kind][i])
            if mask is None:
                c, m, e = fq.weight_codes(w)
                exact[kind][i] = put(name, c, m, e, ((np.asarray(c) + 3) / 2).astype(np.uint8))
            else:
                c, m, e = fq.n24_codes(w, jnp.asarray(mask[kind][i]))
                exact[kind][i] = put(name, c, m, e, quads(np.asarray(c, np.int32), mask[kind][i]), "quad")
        out[f"layers.{i}.attention_norm"] = np.asarray(p["attention_norm"][i], np.float32)
        out[f"layers.{i}.ffn_norm"] = np.asarray(p["ffn_norm"][i], np.float32)
        out[f"layers.{i}.k_mean"] = np.asarray(k_mean[i], np.float32).reshape(-1)
    c, m, e = fq.embedding_codes(jnp.asarray(p["embedding"]))
    exact["embedding"] = put("embedding", c, m, e, np.asarray(c, np.int8))
    out["final_norm"] = np.asarray(p["final_norm"], np.float32)
    return out, {k: jnp.asarray(v) for k, v in exact.items()}


def main() -> None:
    arg = argparse.ArgumentParser(description=__doc__)
    for name in ("teacher", "tokenizer", "stories", "checkpoint"):
        arg.add_argument(f"--{name}", required=True)
    arg.add_argument("--twin", default="", help="checkpoint of the float twin, for the table")
    arg.add_argument("--seeds", type=int, default=20)
    arg.add_argument("--out", default=str(Path(__file__).parent.parent))
    o = arg.parse_args()
    inputs.check(teacher=o.teacher, tokenizer=o.tokenizer, stories=o.stories)
    out = Path(o.out)
    t_shape, teacher = load_llama2c(o.teacher)
    tok = Tokenizer(o.tokenizer, t_shape.vocab)
    train, held = held_out_split(stories(o.stories))
    state = pickle.load(open(o.checkpoint, "rb"))
    k_mean = jnp.asarray(state["k_mean"])
    mask = state.get("mask")
    name, label = ("stories", "W2A8KV4") if mask is None else ("stories-n24", "2:4 A8KV4")
    tensors, exact = integers(state["params"], np.asarray(k_mean), mask)

    # Largest magnitudes on training text, for the binary points; the exact weights, fake-quantised activations.
    ranges = measure(exact, [tok.encode(s)[: DEMO.context] for s in train[:64]], DEMO, k_mean)
    meta = {
        "format": "gateloom-1", "name": "stories-w2" if mask is None else name, "group": str(fq.GROUP),
        **{k: str(getattr(DEMO, k)) for k in ("dim", "hidden", "layers", "heads", "kv_heads", "head_dim", "vocab", "context")},
        "theta": "10000", "eps": "1e-5", "residual_max": str(ranges.pop("residual")), "ranges": json.dumps(ranges),
        "source": "distilled from stories260K (karpathy/tinyllamas, MIT) and TinyStories (CDLA-Sharing-1.0); see NOTICE",
    }
    if mask is not None:
        meta["weight_format"] = "N24"
    save_file(tensors, str(out / f"{name}.safetensors"), metadata=meta)
    (out / "tokenizer.json").write_text(json.dumps({
        "type": "llama2c-bpe", "source": "pieces and scores of tok512 (karpathy/tinyllamas, MIT)", "bos": 1, "eos": 2, "unk": 0,
        "pieces": tok.pieces, "scores": tok.scores,
    }, ensure_ascii=False, indent=0) + "\n")
    (out / "heldout.txt").write_text(f"\n{SEPARATOR}\n".join(held) + "\n")

    rows = {"teacher (float, stories260K)": bits_per_character(teacher, t_shape, tok, held, False)}
    if o.twin:
        twin = pickle.load(open(o.twin, "rb"))["params"]
        rows["float twin"] = bits_per_character(twin, DEMO, tok, held, False)
    trained = state["params"] if mask is None else quantised_params(state["params"], jax.tree.map(jnp.asarray, mask))
    rows[f"fake-quantised {label}, as trained"] = bits_per_character(trained, DEMO, tok, held, True, k_mean, exact_weights=mask is not None)
    rows[f"fake-quantised {label}, from the exported integers"] = bits_per_character(exact, DEMO, tok, held, True, k_mean, exact_weights=True)
    result = {
        "bits_per_character": rows,
        "nats_per_character": {k: v * float(np.log(2)) for k, v in rows.items()},
        "repeated_4grams": {
            "seeds": o.seeds, "temperature": 0.8, "tokens": 200,
            "teacher": repetition(teacher, t_shape, o.seeds, False),
            "demo": repetition(exact, DEMO, o.seeds, True, k_mean),
        },
        "phase": str(state["phase"]), "step": int(state["step"]),
        "sha256": {Path(f).name: hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in (o.teacher, o.tokenizer, o.stories)},
    }
    (out / "train" / ("results.json" if mask is None else "results-n24.json")).write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
