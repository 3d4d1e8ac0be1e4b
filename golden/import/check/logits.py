"""Compares logits.json of each folder that logits.ts wrote with what transformers computes, to 1e-4. Development only.

pip install torch transformers accelerate; python golden/import/check/logits.py FOLDER
Packed BitNet layers round their inputs to int8, which golden/import does not; that rounding is taken out of transformers here, so
that packing, scale and order of rows are compared exactly.
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM
from transformers.integrations import bitnet


class Same:
    @staticmethod
    def apply(x):
        return x


bitnet.ActQuant = Same
bitnet.BitLinear.activation_quant = lambda self, x, num_bits=8: (x, torch.ones_like(x[..., :1]))

wrong = 0
for folder in sorted(p for p in pathlib.Path(sys.argv[1]).iterdir() if (p / "logits.json").exists()):
    expected = json.loads((folder / "logits.json").read_text())
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        with torch.no_grad():
            logits = model(torch.tensor([expected["tokens"]])).logits[0]
    except Exception as error:  # a missing backend, say
        print(f"{folder.name:24} transformers cannot: {type(error).__name__} {str(error)[:150]}")
        wrong += 1
        continue
    ours = torch.tensor(expected["logits"])
    error = (logits - ours).abs().max().item()
    wrong += error > 1e-4
    print(f"{folder.name:24} {type(model).__name__:20} largest difference {error:.2e} of {ours.abs().max():.2f}")
sys.exit(1 if wrong else 0)
