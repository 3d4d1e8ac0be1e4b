"""What the student is trained on: texts that the teacher writes, and texts of the user; and windows for judging."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from architecture import Description, InputError
from model import Tensors, forward, new_cache
from tokenizer import Tokenizer, documents

Rows = NDArray[np.int32]
#: Texts that are written at once.
AT_ONCE = 256


@torch.no_grad()
def write_samples(w: Tensors, d: Description, first: int, count: int, length: int, seed: int) -> Rows:
    """Texts that the float model writes at temperature 1, [count, length], each beginning with `first`."""
    device = w["embedding"].device
    random = torch.Generator(device=device).manual_seed(seed)
    out = []
    for begin in range(0, count, AT_ONCE):
        rows = min(AT_ONCE, count - begin)
        tokens = torch.full((rows, 1), first, device=device)
        past = new_cache(d, rows, length, device)
        while tokens.shape[1] < length:
            logits = forward(w, tokens[:, -1:], d, past=past)[:, -1]
            tokens = torch.cat((tokens, torch.multinomial(logits.softmax(-1), 1, generator=random)), 1)
        out.append(tokens.to(torch.int32).cpu().numpy())
    return np.concatenate(out)


def samples(file: Path, w: Tensors, d: Description, first: int, count: int, length: int, seed: int) -> Rows:
    """The same, kept in a file: writing takes long."""
    if file.exists():
        return np.load(file)
    rows = write_samples(w, d, first, count, length, seed)
    partial = file.with_suffix(".partial")
    with open(partial, "wb") as out:
        np.save(out, rows)
    partial.rename(file)
    return rows


def text_rows(path: Path, tokenizer: Tokenizer, first: int, length: int) -> Rows:
    """Documents one after another, `first` in front of each; a row begins with each document, and wherever the row before ends."""
    stream: list[int] = []
    starts: list[int] = []
    for document in documents(path):
        begin = len(stream)
        stream += [first, *tokenizer.encode(document)]
        starts += range(begin, len(stream), length)
    starts = [start for start in starts if start + length <= len(stream)]
    if not starts:
        raise InputError(f"{path}: its {len(stream)} tokens make no row of {length}. Give more text, or a shorter --length.")
    flat = np.array(stream, np.int32)
    return np.stack([flat[start : start + length] for start in starts])


@dataclass
class Batches:
    """Rows of a step, the same for the same seed and step: a run that goes on after a stop sees what it would have seen."""

    written: Rows | None
    real: Rows | None
    #: Of the rows, where there are both.
    real_share: float
    rows: int
    seed: int

    def at(self, step: int) -> Tensor:
        random = np.random.default_rng([self.seed, step])
        count = self.rows if self.written is None else 0 if self.real is None else round(self.rows * self.real_share)
        parts = []
        if self.written is not None and count < self.rows:
            parts.append(self.written[random.integers(0, len(self.written), self.rows - count)])
        if self.real is not None and count > 0:
            parts.append(self.real[random.integers(0, len(self.real), count)])
        return torch.from_numpy(np.concatenate(parts).astype(np.int64))


@dataclass
class Held:
    """Windows as gateloom eval makes them (golden/quantise/evaluate.ts, textWindows), and the characters of all predicted tokens."""

    windows: list[list[int]]
    characters: int


def begun(tokenizer: Tokenizer, tokens: list[int]) -> int:
    """Characters that begin in tokens of a document, the first among them: a character may be spread over several."""
    text = tokenizer.decode(tokens)
    whole = text.rstrip("\ufffd")
    return len(whole) + (1 if len(whole) < len(text) else 0)


def held_out(path: Path, tokenizer: Tokenizer, context: int, most: int) -> Held:
    windows: list[list[int]] = []
    characters = 0
    for document in documents(path):
        tokens = tokenizer.encode(document)
        first = 1 if tokenizer.bos is None else 0
        behind = begun(tokenizer, tokens[:first])
        for begin in range(first, len(tokens), context - 1):
            end = min(begin + context - 1, begin + most, len(tokens))
            if end == begin:
                break
            windows.append([tokens[begin - 1] if tokenizer.bos is None else tokenizer.bos, *tokens[begin:end]])
            before, behind = behind, begun(tokenizer, tokens[:end])
            characters += behind - before
            most -= end - begin
    return Held(windows, characters)
