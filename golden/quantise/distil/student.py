"""The student: weights that are learnt, their scales, and what they become on the hardware."""
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

import formats
from architecture import Description, InputError, is_matrix
from formats import FORMATS, WeightFormat
from model import Fake, Tensors, forward
from saved import Saved


@dataclass(frozen=True)
class Recipe:
    weights: str
    embedding: str
    #: Inputs that share a scale, in linear matrices.
    group: int
    cache: int

    def of(self, name: str) -> tuple[WeightFormat, int]:
        if name in ("embedding", "head"):
            return FORMATS[self.embedding], formats.GROUP
        return FORMATS[self.weights], self.group


@dataclass
class Student:
    description: Description
    recipe: Recipe
    #: By slot name; matrices as the floats behind their codes.
    tensors: Tensors
    #: Logarithms of the scales of matrices.
    log_scales: Tensors
    #: 2:4 weights: 1 where a weight is kept.
    masks: Tensors
    #: Root mean square of the inputs of 2:4 matrices.
    input_rms: Tensors
    #: Mean of K behind RoPE by layer: an average over the latest steps.
    k_mean: list[Tensor]

    def trained(self) -> list[Tensor]:
        return [*self.tensors.values(), *self.log_scales.values()]

    def fake(self) -> Fake:
        return Fake(self.recipe.cache, self.recipe.cache, self.k_mean)

    def weights(self) -> Tensors:
        """What to multiply with; gradients reach weights and scales."""
        out = dict(self.tensors)
        for name, log_scale in self.log_scales.items():
            f, group = self.recipe.of(name)
            out[name] = formats.fake_weight(self.tensors[name], log_scale, f, group, self.masks.get(name))
        return out

    def choose_masks(self) -> None:
        """Keeps the two of every four whose magnitude times input is largest (Wanda, arXiv 2306.11695)."""
        for name in self.masks:
            self.masks[name] = formats.keep_two(self.tensors[name].detach().abs() * self.input_rms[name])


#: The input of each matrix, as the forward pass calls it.
INPUTS = {"q": "q", "k": "q", "v": "q", "o": "o", "gate": "gate", "up": "gate", "down": "down"}


def start(d: Description, recipe: Recipe, tensors: Tensors, saved: Saved | None, tokens: Tensor) -> Student:
    """
    A student from float tensors of its shape, or one that begins with the codes of a saved model, `tensors` being what those
    were made from, where it is known. `tokens` are looked at for means and magnitudes.
    """
    device = tokens.device
    begin = {name: x.to(device).clone() for name, x in (tensors if saved is None else saved.tensors).items()}
    k_mean, power = look(d, begin, tokens)
    if saved is not None:
        k_mean = [mean.to(device) for mean in saved.k_mean]
    student = Student(d, recipe, begin, {}, {}, {}, k_mean)
    matrices = [name for name in begin if is_matrix(name)]
    for name in matrices:
        if recipe.of(name)[0].sparse:
            if begin[name].shape[1] % 4:
                raise InputError(f"--weights n24: {name} has {begin[name].shape[1]} columns, no whole fours. Take w2.")
            layer, role = name.split(".")[1:]
            student.input_rms[name] = power[f"{layer} {INPUTS[role]}"].sqrt()
            student.masks[name] = torch.ones_like(begin[name])
    student.choose_masks()
    for name in matrices:
        f, group = recipe.of(name)
        if saved is None or saved.endings[name] != f.ending:
            student.log_scales[name] = formats.fit_scales(begin[name], f, group, student.masks.get(name))
            continue
        # Groups of 64 and 128 are saved as repeated mantissas.
        s = saved.scales[name].to(device)[:, :: group // formats.GROUP].clamp_min(1e-8)
        student.log_scales[name] = s.log()
        if name in tensors and not f.sparse:
            # Weights in the middle of their codes have forgotten which way they lean, and learn much more slowly.
            code = formats.ungrouped(formats.nearest(formats.grouped(begin[name], group) / s[..., None], f), begin[name].shape[1])
            begin[name] = formats.within_cells(tensors[name].to(device), code, s, f, group)
    for x in student.trained():
        x.requires_grad_()
    return student


@torch.no_grad()
def look(d: Description, w: Tensors, tokens: Tensor) -> tuple[list[Tensor], Tensors]:
    """Means of K by layer, and mean squares of the inputs of matrices ("3 down"), of the float model."""
    means: list[Tensor] = []
    power: Tensors = {}

    def observe(what: str, layer: int, x: Tensor) -> None:
        if what == "k":
            means.append(x.mean((0, 2)).reshape(-1))
        if what.startswith("input "):
            power[f"{layer} {what[6:]}"] = x.square().mean((0, 1))

    forward(w, tokens, d, observe=observe)
    return means, power


def kept_layers(of: int, count: int) -> list[int]:
    """Layers of the teacher that a shallower student begins with: the first, the last, and evenly between."""
    return [round(i * (of - 1) / max(1, count - 1)) for i in range(count)]


def shallower(d: Description, tensors: Tensors, count: int) -> tuple[Description, Tensors]:
    if not 1 <= count <= d.shape.layers:
        raise InputError(f"--student-layers: {count} is not in 1..{d.shape.layers}, the teacher's layers.")
    taken = kept_layers(d.shape.layers, count)
    out = {name: x for name, x in tensors.items() if not name.startswith("layers.")}
    for to, layer in enumerate(taken):
        prefix = f"layers.{layer}."
        out |= {f"layers.{to}.{name[len(prefix):]}": x for name, x in tensors.items() if name.startswith(prefix)}
    return d.with_layers(count), out


def rate_at(step: int, steps: int, peak: float, warm: int) -> float:
    """Linear at first, then a cosine down to 2 %."""
    return peak * min(1.0, step / max(1, warm)) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
