"""Development only: the hashes in ../blocks/blocks.test.ts, computed by the Python package `gguf` alone.

    npx tsx golden/import/check/fixtures.ts FOLDER
    python golden/import/check/hashes.py FOLDER
"""

import hashlib
import sys

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize, quantize

folder = sys.argv[1]
random = {tensor.name: tensor for tensor in GGUFReader(f"{folder}/random.gguf").tensors}
encoded = {tensor.name: tensor for tensor in GGUFReader(f"{folder}/encoded.gguf").tensors}
weights = np.array(encoded["F32"].data, dtype=np.float32).reshape(24, 768)


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


for name, tensor in random.items():
    decoded = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
    try:
        blocks = f'"{digest(quantize(weights, tensor.tensor_type))}"'
    except NotImplementedError:
        blocks = "null"  # the package only reads this type
    print(f'["{name}", "{digest(decoded)}", {blocks}],')
