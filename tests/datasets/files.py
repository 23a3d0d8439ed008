"""Files that the tests make, and where the published ones are looked for."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
FASHION = Path("/usr/share/datasets/fashion-mnist")
CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def published(*parts: str) -> Path:
    """A file of ../shared/data, or the test is skipped."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} in ../shared/data beside the repository, which is not there")
    return path


def idx(array: Any, kind: str = "u1") -> bytes:
    """An array as the bytes of an IDX file."""
    array = np.asarray(array)
    header = struct.pack(f">HBB{array.ndim}I", 0, CODES[kind], array.ndim, *array.shape)
    return header + array.astype(">" + kind).tobytes()


def write_pair(folder: Path, part: str, x: Any, t: Any, packed: bool = False, mark: str = "-") -> Path:
    """Images and labels as two IDX files named like MNIST's; the images' path."""
    paths = []
    for what, array in (("images", np.asarray(x)), ("labels", np.asarray(t))):
        axes = 3 if what == "images" else 1
        path = folder / f"{part}-{what}{mark}idx{axes}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
        paths.append(path)
    return paths[0]


def damaged(raw: bytes, seed: int) -> bytes:
    """The same bytes, cut short or with a few of them changed."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.3:
        return raw[: int(rng.integers(0, len(raw)))]
    out = bytearray(raw)
    for at in rng.integers(0, len(out), int(rng.integers(1, 5))):
        out[at] = int(rng.integers(0, 256))
    return bytes(out)
