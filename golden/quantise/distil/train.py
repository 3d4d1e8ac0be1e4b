"""Distillation: the student, fake-quantised as the hardware computes, learns the teacher's predictions."""
from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import torch
from torch import Tensor

from architecture import Description, InputError
from data import Batches, Held
from model import Fake, Tensors, forward
from student import Student, rate_at

#: Of the latest key means in the average.
MEAN_SHARE = 0.02
#: The first share of the steps, in which 2:4 masks may change, and how pruned weights shrink meanwhile (SR-STE, arXiv 2102.04010).
FREE = 0.15
DECAY = 1e-2
#: The rate of the logarithms of scales over that of weights.
SCALE_RATE = 2.0


@dataclass(frozen=True)
class Schedule:
    steps: int
    rate: float
    #: Rows that go through at once; those of a step are split into so many.
    at_once: int
    save_every: int


@torch.no_grad()
def bits(w: Tensors, d: Description, held: Held, device: torch.device, fake: Fake | None = None) -> tuple[float, float]:
    """Bits per character and perplexity per token."""
    nats, count = 0.0, 0
    windows = sorted(held.windows, key=len)
    for i in range(0, len(windows), 8):
        part = windows[i : i + 8]
        x = torch.zeros(len(part), max(map(len, part)), dtype=torch.int64)
        for row, tokens in enumerate(part):
            x[row, : len(tokens)] = torch.tensor(tokens)
        x = x.to(device)
        logs = forward(w, x, d, fake).log_softmax(-1)
        told = logs[:, :-1].gather(-1, x[:, 1:, None])[..., 0].double()
        for row, tokens in enumerate(part):
            nats -= float(told[row, : len(tokens) - 1].sum())
            count += len(tokens) - 1
    return nats / 0.6931471805599453 / held.characters, float(torch.exp(torch.tensor(nats / count)))


def adam(student: Student) -> torch.optim.Adam:
    groups = [{"params": list(student.tensors.values())}, {"params": list(student.log_scales.values())}]
    return torch.optim.Adam(groups, betas=(0.9, 0.99))


def distance(teacher: Tensor, student: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence over positions, nats."""
    said = teacher.log_softmax(-1)
    return (said.exp() * (said - student.log_softmax(-1))).sum(-1).mean()


def one_step(student: Student, teacher: Tensors, of: Description, x: Tensor, schedule: Schedule) -> float:
    """Gradients of a step, and the key means that it saw."""
    parts = x.split(schedule.at_once)
    value = 0.0
    seen = [torch.zeros_like(mean) for mean in student.k_mean]
    for part in parts:
        share = len(part) / len(x)

        def observe(what: str, layer: int, k: Tensor) -> None:
            if what == "k":
                seen[layer] += share * k.detach().mean((0, 2)).reshape(-1)

        with torch.no_grad():
            said = forward(teacher, part, of)
        loss = share * distance(said, forward(student.weights(), part, student.description, student.fake(), observe))
        loss.backward()
        value += float(loss.detach())
    student.k_mean = [mean + MEAN_SHARE * (new - mean) for mean, new in zip(student.k_mean, seen)]
    return value


def train(
    student: Student,
    teacher: Tensors,
    of: Description,
    batches: Batches,
    schedule: Schedule,
    checkpoint: Path,
    settings: str,
    device: torch.device,
    say: Callable[[str], None],
) -> None:
    """Trains in place, from the checkpoint on where there is one."""
    optimiser = adam(student)
    done = restore(student, optimiser, checkpoint, settings, device)
    free = round(FREE * schedule.steps)
    began, running = time.time(), None
    for step in range(done + 1, schedule.steps + 1):
        if student.masks and step <= free:
            student.choose_masks()
        value = one_step(student, teacher, of, batches.at(step).to(device), schedule)
        if not value < float("inf"):
            raise InputError(f"step {step}: the divergence is {value}. Start again with a smaller --rate.")
        for name, mask in student.masks.items():
            gradient = student.tensors[name].grad
            if step > free and gradient is not None:
                gradient.mul_(mask)
        torch.nn.utils.clip_grad_norm_(student.trained(), 1.0)
        rate = rate_at(step, schedule.steps, schedule.rate, min(200, schedule.steps // 10))
        for group, factor in zip(optimiser.param_groups, (1.0, SCALE_RATE)):
            group["lr"] = rate * factor
        optimiser.step()
        optimiser.zero_grad()
        with torch.no_grad():
            for name, mask in student.masks.items():
                shrink = rate * DECAY if step <= free else 1.0
                student.tensors[name].mul_(1 - shrink * (1 - mask))
        running = value if running is None else 0.98 * running + 0.02 * value
        if step % 50 == 0 or step == schedule.steps:
            left = (time.time() - began) / (step - done) * (schedule.steps - step)
            say(f"step {step} of {schedule.steps}: divergence {running:.4f} nats, {left / 60:.1f} minutes left")
        if step % schedule.save_every == 0 or step == schedule.steps:
            keep(student, optimiser, step, checkpoint, settings)


def keep(student: Student, optimiser: torch.optim.Adam, step: int, file: Path, settings: str) -> None:
    """All of it or nothing."""
    state = {
        **{"settings": settings, "step": step, "tensors": student.tensors, "log_scales": student.log_scales, "masks": student.masks},
        **{"k_mean": student.k_mean, "optimiser": optimiser.state_dict()},
    }
    partial = file.with_suffix(".partial")
    torch.save(state, partial)
    partial.rename(file)


def restore(student: Student, optimiser: torch.optim.Adam, file: Path, settings: str, device: torch.device) -> int:
    """Steps that were done."""
    if not file.exists():
        return 0
    state = torch.load(file, map_location=device, weights_only=True)
    if state["settings"] != settings:
        raise InputError(f"{file}: it is of a run with other options. Give those again, another --work, or remove it.")
    with torch.no_grad():
        for name, x in student.tensors.items():
            x.copy_(state["tensors"][name])
        for name, x in student.log_scales.items():
            x.copy_(state["log_scales"][name])
    student.masks, student.k_mean = state["masks"], state["k_mean"]
    optimiser.load_state_dict(state["optimiser"])
    return state["step"]
