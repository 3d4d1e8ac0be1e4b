#!/usr/bin/env python3
"""Distils a float model into a quantised one of the same shape, trained with the arithmetic of the hardware. See README.md."""
from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Callable

import torch

from architecture import Description, InputError
from data import Batches, Held, held_out, samples, text_rows
from export import write_folder
from model import Tensors
from saved import Saved, load_saved
from student import Recipe, Student, shallower, start
from teacher import load_teacher
from tokenizer import Tokenizer, open_tokenizer
from train import Schedule, bits, train

#: Rows that are looked at for key means, magnitudes of inputs and binary points.
CALIBRATION = 32


def options() -> argparse.Namespace:
    arg = argparse.ArgumentParser(prog="distil.py", description=__doc__)
    path: dict[str, Any] = {"type": Path}
    number: dict[str, Any] = {"type": int}
    arg.add_argument("--teacher", **path, required=True, help="Hugging Face folder, or a llama2.c checkpoint")
    arg.add_argument("--tokenizer", **path, help="where it does not lie with the teacher: tokenizer.bin, or a folder's tokenizer.json")
    arg.add_argument("--out", **path, required=True, help="folder to make: model.safetensors, tokenizer.json")
    arg.add_argument("--work", **path, help="folder for what a stopped run goes on from (OUT.work)")
    arg.add_argument("--samples", **number, default=0, help="texts that the teacher writes to learn from")
    arg.add_argument("--text", **path, help="texts to learn from, parted by lines <|endoftext|>")
    arg.add_argument("--text-share", type=float, default=0.25, help="rows from --text where there are samples too")
    arg.add_argument("--held-out", **path, help="texts to judge by before and after, parted likewise")
    arg.add_argument("--weights", choices=("w2", "ternary", "n24", "w4"), default="w2", help="of linear matrices")
    arg.add_argument("--group", **number, choices=(32, 64, 128), default=32, help="inputs that share a scale")
    arg.add_argument("--embedding", choices=("w4", "w8"), default="w4", help="of embedding and head")
    arg.add_argument("--cache", **number, choices=(3, 4, 8), default=4, help="bits of keys and values")
    arg.add_argument("--start", **path, help="folder that gateloom quantise saved, to begin with its codes")
    arg.add_argument("--student-layers", **number, help="fewer layers than the teacher has")
    arg.add_argument("--steps", **number, default=4000)
    arg.add_argument("--batch", **number, default=16, help="rows of a step")
    arg.add_argument("--at-once", **number, help="rows in memory at once; all of a step's unless told")
    arg.add_argument("--length", **number, help="tokens of a row; the context, but at most 512, unless told")
    arg.add_argument("--rate", type=float, default=3e-3, help="largest learning rate")
    arg.add_argument("--seed", **number, default=1)
    arg.add_argument("--save-every", **number, default=250, help="steps")
    arg.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arg.add_argument("--threads", **number, help="of the CPU")
    return arg.parse_args()


def check(o: argparse.Namespace) -> None:
    if o.out.exists():
        raise InputError(f"--out {o.out}: it exists already. Remove it, or give another name.")
    if o.samples == 0 and o.text is None:
        raise InputError("there is nothing to learn from. Give --samples, --text, or both.")
    if o.start is not None and o.student_layers is not None:
        raise InputError("--start and --student-layers exclude each other: a saved model has its layers.")
    for name in ("steps", "batch", "save_every"):
        if getattr(o, name) < 1:
            raise InputError(f"--{name.replace('_', '-')}: at least 1.")
    if not 0 <= o.text_share <= 1:
        raise InputError("--text-share: it lies between 0 and 1.")


def first_token(tokenizer: Tokenizer | None, config: dict[str, Any], teacher: Path) -> int:
    """What a text begins with: BOS, or what ends documents where there is none."""
    ends = config.get("eos_token_id")
    choices = [tokenizer.bos if tokenizer else None, config.get("bos_token_id"), ends[0] if isinstance(ends, list) else ends]
    if not config:
        choices.append(1)
    for one in choices:
        if isinstance(one, int):
            return one
    raise InputError(f"{teacher}: neither tokenizer nor config.json say what a text begins with. Add bos_token_id to config.json.")


def student_start(o: argparse.Namespace, d: Description, tensors: Tensors) -> tuple[Description, Tensors, Saved | None]:
    if o.start is not None:
        saved = load_saved(o.start)
        if saved.description.shape.vocab != d.shape.vocab:
            raise InputError(f"--start {o.start}: its vocabulary has {saved.description.shape.vocab} tokens, the teacher's {d.shape.vocab}.")
        same = saved.description.shape == d.shape and not saved.rotated
        return saved.description, tensors if same else {}, saved
    if o.student_layers is not None:
        return *shallower(d, tensors, o.student_layers), None
    return d, tensors, None


def run(o: argparse.Namespace) -> None:
    check(o)
    began = time.time()

    def say(text: str) -> None:
        print(f"[{time.time() - began:6.0f} s] {text}", flush=True)

    if o.threads:
        torch.set_num_threads(o.threads)
    torch.set_float32_matmul_precision("high")
    device = torch.device(o.device)
    d, tensors, config = load_teacher(o.teacher)
    teacher = {name: x.to(device) for name, x in tensors.items()}
    tokenizer = open_tokenizer(o.teacher, o.tokenizer, d.shape.vocab)
    if tokenizer is None and (o.text is not None or o.held_out is not None):
        raise InputError(f"{o.teacher}: there is no tokenizer with it. Give --tokenizer.")
    length = min(o.length or 512, d.shape.context)
    first = first_token(tokenizer, config, o.teacher)
    s = d.shape
    say(f"teacher {d.name}: {d.family}, {s.layers} layers of {s.dim}, {sum(x.numel() for x in tensors.values()):,} weights, on {device}")

    work = o.work or o.out.with_name(o.out.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    real = text_rows(o.text, tokenizer, first, length) if o.text is not None and tokenizer is not None else None
    written = None
    if o.samples:
        file = work / f"samples-{o.samples}x{length}-{o.seed}.npy"
        written = samples(file, teacher, d, first, o.samples, length, o.seed)
        if tokenizer is not None:
            say(f"{o.samples} texts of the teacher; the first: {tokenizer.decode(written[0][1:].tolist())[:120]!r}")
    if real is not None:
        say(f"{len(real)} rows of {length} tokens from {o.text.name}")
    batches = Batches(written, real, o.text_share, o.batch, o.seed)

    recipe = Recipe(o.weights, o.embedding, o.group, o.cache)
    sd, begin, saved = student_start(o, d, tensors)
    calibration = Batches(written, real, o.text_share, CALIBRATION, o.seed).at(0).to(device)
    student = start(sd, recipe, begin, saved, calibration)
    held = held_out(o.held_out, tokenizer, length, 1 << 40) if o.held_out is not None and tokenizer is not None else None
    if held is not None:
        report(say, "teacher, float", bits(teacher, d, held, device))
        report(say, "student at the start", quality(student, held, device))

    kept = ("weights", "embedding", "group", "cache", "steps", "batch", "samples", "text_share", "rate", "seed", "student_layers")
    also = {"length": length, "teacher": d.name, "start": str(o.start), "text": str(o.text)}
    settings = json.dumps({name: getattr(o, name) for name in kept} | also)
    schedule = Schedule(o.steps, o.rate, o.at_once or o.batch, o.save_every)
    train(student, teacher, d, batches, schedule, work / "checkpoint.pt", settings, device, say)
    if held is not None:
        report(say, "student, trained", quality(student, held, device))
    write_folder(o.out, student, f"distilled from {d.name} in {o.steps} steps", calibration, tokenizer.files() if tokenizer else {})
    say(f"{o.out} is written; {work} can be removed")


def quality(student: Student, held: Held, device: torch.device) -> tuple[float, float]:
    with torch.no_grad():
        weights = student.weights()
    return bits(weights, student.description, held, device, student.fake())


def report(say: Callable[[str], None], what: str, figures: tuple[float, float]) -> None:
    say(f"{what}: {figures[0]:.4f} bits per character, perplexity {figures[1]:.4f}")


def main() -> int:
    try:
        run(options())
    except InputError as error:
        print(f"distil: {error}", file=sys.stderr)
        return 2
    except torch.OutOfMemoryError:
        print("distil: the device has too little memory. Give --at-once 1, or a shorter --length.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("distil: stopped. The same command goes on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
