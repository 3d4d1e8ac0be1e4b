"""Codes to the bytes of a saved model and back: golden/import/quantisedCodes.ts, golden/contract/formats.md."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int8]
Bytes = NDArray[np.uint8]
#: Columns in a byte, and what fills the last byte of a row.
COLUMNS = {"w2": 4, "ternary5": 5, "n24": 4, "w4": 2, "w8": 1}
FILLING = {"w2": -3, "ternary5": 0, "n24": 0, "w4": 0, "w8": 0}


def pack(ending: str, codes: Codes) -> Bytes:
    rows, cols = codes.shape
    columns = COLUMNS[ending]
    if ending == "n24" and cols % 4:
        raise ValueError(f"2:4 weights need columns in fours, not {cols}")
    c = np.pad(codes.astype(np.int32), ((0, 0), (0, -cols % columns)), constant_values=FILLING[ending]).reshape(rows, -1, columns)
    match ending:
        case "w2":
            out = ((c + 3) // 2 << np.arange(0, 8, 2)).sum(-1)
        case "ternary5":
            out = ((c + 1) * 3 ** np.arange(5)).sum(-1)
        case "n24":
            if not ((c != 0).sum(-1) == 2).all():
                raise ValueError("2:4 weights keep exactly two of every four columns")
            kept = np.nonzero(c)[2].reshape(*c.shape[:2], 2)
            field = (np.take_along_axis(c, kept, -1) + 3) // 2
            out = field[..., 0] + 4 * field[..., 1] + 16 * kept[..., 0] + 64 * kept[..., 1]
        case "w4":
            out = (c[..., 0] & 15) + ((c[..., 1] & 15) << 4)
        case _:
            out = c[..., 0] & 255
    return out.astype(np.uint8)


def unpack(ending: str, data: Bytes, cols: int) -> Codes:
    x = data.astype(np.int32)[..., None]
    match ending:
        case "w2":
            c = 2 * ((x >> np.arange(0, 8, 2)) & 3) - 3
        case "ternary5":
            c = x // 3 ** np.arange(5) % 3 - 1
        case "n24":
            at = np.arange(4)
            first = np.where(at == ((x >> 4) & 3), 2 * (x & 3) - 3, 0)
            c = first + np.where(at == x >> 6, 2 * ((x >> 2) & 3) - 3, 0)
        case "w4":
            c = (((x >> np.array([0, 4])) & 15) ^ 8) - 8
        case _:
            c = (x ^ 128) - 128
    return c.reshape(len(data), -1)[:, :cols].astype(np.int8)
