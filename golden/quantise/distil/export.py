"""The saved folder: codes, mantissas and exponents as they were trained, in the format of golden/quantise/README.md."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import formats
from architecture import Architecture, architecture_json, is_matrix, shape_json
from model import forward
from packing import pack
from saved import FORMAT, VERSION
from student import Student

Arrays = dict[str, np.ndarray]


def integers(student: Student) -> tuple[Arrays, dict[str, float]]:
    """Tensors of the file, and the squared error of each matrix against the floats behind it, over their squares."""
    out: Arrays = {}
    losses: dict[str, float] = {}
    for name, x in student.tensors.items():
        if not is_matrix(name):
            out[name] = x.detach().cpu().numpy().astype(np.float32)
            continue
        f, group = student.recipe.of(name)
        with torch.no_grad():
            c, m, e = formats.codes(x, student.log_scales[name], f, group, student.masks.get(name))
            means = formats.ungrouped(formats.grouped(c, group) * (m * 2.0**-e)[..., None], x.shape[1])
            losses[name] = float((means - x).square().sum() / x.square().sum())
        groups = -(-x.shape[1] // formats.GROUP)
        repeated = m.repeat_interleave(group // formats.GROUP, 1)[:, :groups]
        out[f"{name}.{f.ending}"] = pack(f.ending, c.cpu().numpy().astype(np.int8))
        out[f"{name}.mantissa"] = repeated.cpu().numpy().astype(np.uint8)
        out[f"{name}.exponent"] = e[:, 0].cpu().numpy().astype(np.uint8)
    for i, mean in enumerate(student.k_mean):
        out[f"layers.{i}.k_mean"] = mean.cpu().numpy().astype(np.float32)
    return out, losses


def range_name(tensor: str, a: Architecture) -> str | None:
    """golden/quantise/calibrate.ts, rangeOf."""
    match tensor:
        case "q_matrix":
            return "q"
        case "k_matrix":
            return "k"
        case "q":
            return None if a.qk_norm else "q"
        case "k":
            return "key" if a.qk_norm else "k"
        case "v" | "up" | "h":
            return tensor
        case "attn_out":
            return "o"
        case "gate":
            return "gate" if a.gate == "relu2" else None
    return None


@torch.no_grad()
def ranges(student: Student, tokens: Tensor) -> dict[str, object]:
    """Largest magnitudes, from which binary points follow; some rows at a time."""
    d = student.description
    weights, residual = student.weights(), 0.0
    layers: list[dict[str, float]] = [{} for _ in range(d.shape.layers)]

    def observe(tensor: str, layer: int, x: Tensor) -> None:
        nonlocal residual
        name = range_name(tensor, d.architecture)
        largest = float(x.abs().max()) if tensor == "x" or name else 0.0
        if tensor == "x":
            residual = max(residual, largest)
        if name:
            layers[layer][name] = max(layers[layer].get(name, 0.0), largest)

    for part in tokens.split(4):
        forward(weights, part, d, student.fake(), observe)
    return {"residual": residual, "layers": layers}


def metadata(student: Student, source: str, seen: dict[str, object], losses: dict[str, float]) -> dict[str, str]:
    """golden/import/quantisedAbout.ts, writeAbout."""
    d, recipe = student.description, student.recipe
    f, group = recipe.of("layers.0.q")
    linear = {"levels": f.levels, "group": group, "rounding": "nearest", "pruning": "wanda" if f.sparse else None}
    tables = {"embedding": recipe.embedding.upper(), "head": recipe.embedding.upper()}
    cache = {"keys": recipe.cache, "values": recipe.cache}
    return {
        **{"format": FORMAT, "version": VERSION, "name": d.name, "family": d.family, "source": source},
        "shape": json.dumps(shape_json(d.shape)),
        "architecture": json.dumps(architecture_json(d.architecture)),
        "recipe": json.dumps({"linear": linear, "overrides": {}, **tables, "cache": cache, "rotate": False}),
        "ranges": json.dumps(seen),
        "losses": json.dumps({name: {"error": error, "kept": False} for name, error in losses.items()}),
    }


def write_safetensors(file: Path, tensors: Arrays, about: dict[str, str]) -> None:
    """The library writes metadata in an order that changes from run to run; equal runs make equal bytes here. Wide numbers first."""
    header: dict[str, object] = {"__metadata__": about}
    ordered = sorted(tensors.items(), key=lambda item: -item[1].itemsize)
    at = 0
    for name, x in ordered:
        dtype = {"float32": "F32", "uint8": "U8"}[str(x.dtype)]
        header[name] = {"dtype": dtype, "shape": x.shape, "data_offsets": [at, at + x.nbytes]}
        at += x.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for _, x in ordered:
            out.write(np.ascontiguousarray(x).tobytes())


def write_folder(out: Path, student: Student, source: str, calibration: Tensor, beside: dict[str, bytes]) -> None:
    """All of it or nothing."""
    tensors, losses = integers(student)
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write_safetensors(partial / "model.safetensors", tensors, metadata(student, source, ranges(student, calibration), losses))
    for name, data in beside.items():
        (partial / name).write_bytes(data)
    partial.rename(out)
