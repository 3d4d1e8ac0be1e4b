"""Number formats of golden/contract/README.md, sections 2 to 5, as fake quantisation: gradients go straight through the rounding."""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: What the hardware calls a group; checkpoints with larger groups repeat mantissas.
GROUP = 32
#: Largest code of the cache by its bits.
CACHE_CODES = {3: 3, 4: 7, 8: 119}


@dataclass(frozen=True)
class WeightFormat:
    #: Of the tensor in the file, and of the recipe: golden/import/quantisedCodes.ts, golden/quantise/recipe.ts.
    ending: str
    levels: str
    low: int
    high: int
    #: Distance of neighbouring codes.
    step: int
    #: Two of every aligned four inputs are kept.
    sparse: bool = False


FORMATS = {
    "w2": WeightFormat("w2", "W2", -3, 3, 2),
    "ternary": WeightFormat("ternary5", "TERNARY", -1, 1, 1),
    "n24": WeightFormat("n24", "W2", -3, 3, 2, sparse=True),
    "w4": WeightFormat("w4", "W4", -8, 7, 1),
    "w8": WeightFormat("w8", "W8", -119, 119, 1),
}


def straight(x: Tensor, quantised: Tensor) -> Tensor:
    """The value of `quantised`, the gradient of x."""
    return quantised.detach() + (x - x.detach())  # x + (quantised - x) would not be quite that value


def half_up(x: Tensor) -> Tensor:
    """The contract rounds halves up; torch.round goes to even."""
    return torch.floor(x + 0.5)


def grouped(w: Tensor, group: int) -> Tensor:
    """[rows, cols] to [rows, groups, group], the last group of a row filled up with zeros."""
    rows, cols = w.shape
    return torch.nn.functional.pad(w, (0, -cols % group)).view(rows, -1, group)


def ungrouped(g: Tensor, cols: int) -> Tensor:
    return g.reshape(g.shape[0], -1)[:, :cols]


def scale_grid(s: Tensor) -> tuple[Tensor, Tensor]:
    """Mantissas 1..255 and row exponents 0..31 of scales [rows, groups]; the largest mantissa of a row is 128..255 where it can be."""
    largest = s.amax(-1, keepdim=True).clamp_min(1e-12)
    e = torch.floor(torch.log2(255.0 / largest)).clamp(0, 31)
    e = torch.where((half_up(largest * 2**e) > 255) & (e > 0), e - 1, e)
    return half_up(s * 2**e).clamp(1, 255), e


def nearest(v: Tensor, f: WeightFormat) -> Tensor:
    """The nearest code of weights in units of their scale."""
    return (half_up((v - f.low) / f.step) * f.step + f.low).clamp(f.low, f.high)


def within_cells(w: Tensor, code: Tensor, s: Tensor, f: WeightFormat, group: int) -> Tensor:
    """The weights, moved as little as it takes for `code` to be nearest under scales s [rows, groups]."""
    half = f.step / 2 * (1 - 1e-3)
    c = grouped(code, group)
    low = torch.where(c == f.low, -torch.inf, c - half)
    high = torch.where(c == f.high, torch.inf, c + half)
    v = torch.minimum(torch.maximum(grouped(w, group) / s[..., None], low), high)
    return ungrouped(v * s[..., None], w.shape[1])


def keep_two(score: Tensor) -> Tensor:
    """1 for the two largest of every aligned four columns, 0 for the others; the lower column wins a tie."""
    rows, cols = score.shape
    rank = score.view(rows, -1, 4).sort(dim=-1, descending=True, stable=True).indices.argsort(-1)
    return (rank < 2).to(score.dtype).view(rows, cols)


def codes(w: Tensor, log_scale: Tensor, f: WeightFormat, group: int, mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Codes [rows, cols], mantissas and exponents: what is exported is what was trained with."""
    m, e = scale_grid(log_scale.exp())
    c = ungrouped(nearest(grouped(w, group) / (m * 2.0**-e)[..., None], f), w.shape[1])
    return c if mask is None else c * mask, m, e


def fake_weight(w: Tensor, log_scale: Tensor, f: WeightFormat, group: int, mask: Tensor | None = None) -> Tensor:
    """
    Codes times scales. Weights are learnt straight through; scales as in LSQ (Esser et al., arXiv 1902.08153):
    the derivative by a scale is code - weight/scale, clipped, summed over its group.
    """
    c, m, e = codes(w.detach(), log_scale.detach(), f, group, mask)
    s = straight(log_scale.exp(), m * 2.0**-e)[..., None]
    v = (grouped(w.detach(), group) / s.detach()).clamp(f.low, f.high)
    by_scale = grouped(c, group) - (v if mask is None else v * grouped(mask, group))
    value = straight(w, ungrouped(grouped(c, group) * s.detach(), w.shape[1]))
    scaled = ungrouped(s * by_scale, w.shape[1])
    return value + (scaled - scaled.detach())


#: Scales that are tried, relative to the one that makes the largest weight the largest code.
TRIED = tuple(1.1 - i / 80 for i in range(81))


def fit_scales(w: Tensor, f: WeightFormat, group: int, mask: Tensor | None = None) -> Tensor:
    """Logarithms of scales with about the least squared error, [rows, groups]."""
    g = grouped(w if mask is None else w * mask, group)
    kept = torch.ones_like(w) if mask is None else mask
    present = grouped(kept, group)
    largest = g.abs().amax(-1).clamp_min(1e-6) / f.high
    best, error = largest, torch.full_like(largest, torch.inf)
    for ratio in TRIED:
        s = largest * ratio
        c = nearest(g / s[..., None], f) * present
        e = (c * s[..., None] - g).square().sum(-1)
        best, error = torch.where(e < error, s, best), torch.minimum(e, error)
    return best.log()


def activation(x: Tensor) -> Tensor:
    """A8: every vector (last axis) to int8 relative to its largest magnitude."""
    s = x.detach().abs().amax(-1, keepdim=True).clamp_min(1e-30) / 127
    return straight(x, half_up(x / s) * s)


def cache(x: Tensor, bits: int) -> Tensor:
    """Every vector to -L..L times the smallest (16 + f)·2^n, f < 16, that reaches its largest magnitude."""
    s = x.detach().abs().amax(-1, keepdim=True).clamp_min(1e-30) / CACHE_CODES[bits]
    unit = 2.0 ** (torch.floor(torch.log2(s)) - 4)
    s = torch.ceil(s / unit) * unit
    return straight(x, half_up(x / s) * s)
