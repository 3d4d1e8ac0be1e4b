"""Development only: are our weights those of the Python package `gguf`, bit for bit?

    pip install gguf
    npx tsx golden/import/check/dump.ts FILE.gguf OUT.f32
    python golden/import/check/gguf_equal.py FILE.gguf OUT.f32
"""

import json
import sys
from collections import Counter

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

path, dump = sys.argv[1:3]
theirs = {tensor.name: tensor for tensor in GGUFReader(path).tensors}
ours = json.load(open(f"{dump}.json"))
assert [entry["name"] for entry in ours] == list(theirs), "the lists of tensors differ"
equal, different, skipped = Counter(), Counter(), Counter()
with open(dump, "rb") as file:
    for entry in ours:
        tensor = theirs[entry["name"]]
        assert tensor.tensor_type.name == entry["type"], entry
        assert list(reversed(tensor.shape.tolist())) == entry["shape"], entry
        if "unsupported" in entry:
            skipped[entry["type"]] += 1
            continue
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32).ravel()
        mine = np.frombuffer(file.read(4 * values.size), dtype=np.float32)
        same = np.array_equal(mine.view(np.uint32), values.view(np.uint32))
        (equal if same else different)[entry["type"]] += values.size
    assert not file.read(1), "the dump is longer than the file's tensors"
print("equal weights:", dict(equal))
print("different:", dict(different) or "none", " not read here:", dict(skipped) or "none")
sys.exit(1 if different else 0)
