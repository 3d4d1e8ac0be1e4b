"""Development only: does the Python package `safetensors` read what we write, and we what it writes?

    pip install safetensors numpy
    npx tsx golden/import/check/fixtures.ts FOLDER
    python golden/import/check/safetensors_equal.py write FOLDER
    npx tsx golden/import/check/dump.ts FOLDER/theirs.safetensors FOLDER/theirs.f32
    python golden/import/check/safetensors_equal.py read FOLDER
"""

import json
import struct
import sys

import numpy as np
from safetensors import TensorSpec, deserialize, serialize

verb, folder = sys.argv[1:3]
random = np.random.default_rng(1)
bits = random.integers(0, 1 << 16, (33, 65), dtype=np.uint16)
half = np.where((bits >> 10) & 31 == 31, bits & 0x83FF, bits)  # finite
brain = np.where((bits >> 7) & 255 == 255, bits & 0x807F, bits)
full = random.standard_normal((7, 11)).astype(np.float32)
theirs = {
    "half": ("float16", half, half.view(np.float16).astype(np.float32)),
    "brain": ("bfloat16", brain, (brain.astype(np.uint32) << 16).view(np.float32)),
    "full": ("float32", full, full),
}
if verb == "write":
    tensors = {
        name: TensorSpec(dtype=dtype, shape=data.shape, data_ptr=data.ctypes.data, data_len=data.nbytes)
        for name, (dtype, data, _) in theirs.items()
    }
    open(f"{folder}/theirs.safetensors", "wb").write(serialize(tensors, {"made": "by python"}))
    sys.exit(0)

raw = open(f"{folder}/ours.safetensors", "rb").read()
weights = raw[8 + struct.unpack("<Q", raw[:8])[0] :]  # the same bytes under every type
read = dict(deserialize(raw))
assert sorted(read) == ["F32", "I16", "I32", "I8", "U8"], sorted(read)
size = len(weights) // 5
for dtype, entry in read.items():
    assert entry["dtype"] == dtype and bytes(entry["data"]) == weights[:size], dtype
print("our file: read equally,", {dtype: entry["shape"] for dtype, entry in read.items()})

with open(f"{folder}/theirs.f32", "rb") as file:
    for entry in json.load(open(f"{folder}/theirs.f32.json")):
        values = theirs[entry["name"]][2]
        assert entry["shape"] == list(values.shape), entry
        ours = np.frombuffer(file.read(4 * values.size), dtype=np.float32)
        assert np.array_equal(ours.view(np.uint32), values.ravel().view(np.uint32)), entry
        print("their file:", entry["type"], values.size, "weights equal")
    assert not file.read(1)
