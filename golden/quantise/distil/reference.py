"""For distil.test.ts: codes as they were trained, from the checkpoint, and logits; as JSON."""
import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from formats import codes
from model import Fake, Tensors, forward
from student import Recipe, Student
from teacher import load_teacher


def numbers(x: Tensor) -> list[int]:
    return x.int().flatten().tolist()


def double(tensors: Tensors) -> Tensors:
    return {name: x.double() for name, x in tensors.items()}


def main() -> None:
    arg = argparse.ArgumentParser(description=__doc__)
    for name in ("teacher", "work"):
        arg.add_argument(f"--{name}", type=Path, required=True)
    arg.add_argument("--tokens", type=int, nargs="+", required=True)
    o = arg.parse_args()
    d, teacher, _ = load_teacher(o.teacher)
    state = torch.load(o.work / "checkpoint.pt", weights_only=True)
    settings = json.loads(state["settings"])
    recipe = Recipe(settings["weights"], settings["embedding"], settings["group"], settings["cache"])
    student = Student(d, recipe, state["tensors"], state["log_scales"], state["masks"], {}, state["k_mean"])
    matrices = {}
    for name, log_scale in student.log_scales.items():
        f, group = recipe.of(name)
        c, m, e = codes(student.tensors[name], log_scale, f, group, student.masks.get(name))
        matrices[name] = {"codes": numbers(c), "mantissas": numbers(m.repeat_interleave(group // 32, 1)), "exponents": numbers(e)}
    tokens = torch.tensor([o.tokens])
    with torch.no_grad():
        # In double, as golden/model computes: a value between two codes goes to the same one.
        fake = Fake(recipe.cache, recipe.cache, [mean.double() for mean in student.k_mean])
        logits = {"teacher": forward(double(teacher), tokens, d), "student": forward(double(student.weights()), tokens, d, fake)}
    print(json.dumps({"matrices": matrices, **{name: x[0].tolist() for name, x in logits.items()}}))


if __name__ == "__main__":
    main()
