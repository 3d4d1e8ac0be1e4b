"""Reads a model that `gateloom quantise` saved (golden/quantise/README.md), with numpy and safetensors alone.

    python golden/import/check/quantised.py FOLDER/model.safetensors

prints name, shape and sha256 of every tensor, as quantised.ts beside this file does.
"""
import hashlib, json, sys
import numpy as np
from safetensors import safe_open


def sparse(b):  # two of every four columns
    out = np.zeros((*b.shape, 4), np.int8)
    for code, column in ((b & 3, b >> 4 & 3), (b >> 2 & 3, b >> 6)):
        np.put_along_axis(out, column[..., None].astype(int), (2 * code.astype(np.int8) - 3)[..., None], -1)
    return out


UNPACK = {  # bytes [rows, n] to codes [rows, n, columns in a byte]
    "w2": lambda b: 2 * (np.stack([b, b >> 2, b >> 4, b >> 6], -1) & 3).astype(np.int8) - 3,
    "w4": lambda b: ((np.stack([b, b >> 4], -1) & 15).astype(np.int8) ^ 8) - 8,
    "w8": lambda b: b.view(np.int8),
    "ternary5": lambda b: np.stack([b // 3**i % 3 for i in range(5)], -1).astype(np.int8) - 1,
    "n24": sparse,
}


def load(path):
    """Metadata, and tensors by name: vectors, and the matrices [rows, cols] that the codes stand for, as float32."""
    with safe_open(path, "np") as file:
        about = file.metadata()
        raw = {name: file.get_tensor(name) for name in file.keys()}
    shape, tensors = json.loads(about["shape"]), {}
    for name, values in raw.items():
        base, _, ending = name.rpartition(".")
        if ending in UNPACK:
            cols = {"o": shape["heads"] * shape["headDim"], "down": shape["hidden"]}.get(base.split(".")[-1], shape["dim"])
            codes = UNPACK[ending](values).reshape(len(values), -1)[:, :cols]
            unit = raw[base + ".mantissa"] * 2.0 ** -raw[base + ".exponent"].astype(int)[:, None]
            tensors[base] = (codes * np.repeat(unit, 32, 1)[:, :cols]).astype(np.float32)
        elif ending not in ("mantissa", "exponent"):
            tensors[name] = values
    return about, tensors


if __name__ == "__main__":
    for name, values in sorted(load(sys.argv[1])[1].items()):
        print(name, list(values.shape), hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()[:16])
