"""A saved quantised folder (golden/quantise/README.md) as a start: the weights that its codes stand for, and their scales."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

import formats
from architecture import Description, InputError, description_from_json, is_matrix, slots
from model import Tensors
from packing import COLUMNS, unpack

FORMAT = "gateloom-quantised"
VERSION = "1"


@dataclass
class Saved:
    description: Description
    #: Matrices as what their codes stand for, vectors as they are.
    tensors: Tensors
    #: Ending of each matrix's codes, and its scales [rows, groups of 32].
    endings: dict[str, str]
    scales: dict[str, Tensor]
    #: Its weights are those of the model it was made from, but for rounding.
    rotated: bool
    k_mean: list[Tensor]


def load_saved(folder: Path) -> Saved:
    file = folder / "model.safetensors"
    if not file.exists():
        raise InputError(f"{file}: there is no such file. Give a folder that gateloom quantise wrote.")
    try:
        with safe_open(file, "np") as opened:
            about = opened.metadata() or {}
            stored = {name: opened.get_tensor(name) for name in opened.keys()}
    except SafetensorError as error:
        raise InputError(f"{file}: {error}. Quantise the model again.") from error
    if about.get("format") != FORMAT or about.get("version") != VERSION:
        raise InputError(f"{file}: this is no saved quantised model of version {VERSION}. Give a folder that gateloom quantise wrote.")
    d = description_from_json(about["name"], about["family"], json.loads(about["shape"]), json.loads(about["architecture"]))
    tensors: Tensors = {}
    endings: dict[str, str] = {}
    scales: dict[str, Tensor] = {}
    for name, shape in slots(d):
        if not is_matrix(name):
            tensors[name] = torch.from_numpy(stored[name])
            continue
        ending = next((e for e in COLUMNS if f"{name}.{e}" in stored), None)
        if ending is None:
            raise InputError(f"{file}, {name}: its codes are missing. Quantise the model again.")
        codes = torch.from_numpy(unpack(ending, stored[f"{name}.{ending}"], shape[1]).astype(np.float32))
        mantissas = torch.from_numpy(stored[f"{name}.mantissa"].astype(np.float32))
        s = mantissas * 2.0 ** -torch.from_numpy(stored[f"{name}.exponent"].astype(np.float32))[:, None]
        endings[name], scales[name] = ending, s
        tensors[name] = formats.ungrouped(formats.grouped(codes, formats.GROUP) * s[..., None], shape[1])
    k_mean = [torch.from_numpy(stored[f"layers.{i}.k_mean"]) for i in range(d.shape.layers)]
    return Saved(d, tensors, endings, scales, json.loads(about["recipe"])["rotate"], k_mean)
