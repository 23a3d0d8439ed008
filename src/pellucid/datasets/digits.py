"""Handwritten digits that are always there: 5,000 images of MNIST travel with the package.

They are stored as MNIST itself is, in four IDX files, and divided once and for all, so that two results on them can be
compared. Where they come from and under which licence is in files/LICENSE-digits.md.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pellucid.base.arrays import Array
from pellucid.data.batches import Data
from pellucid.datasets.idx import load_idx_folder

FILES = Path(__file__).parent / "files"


def digits() -> tuple[Data, Data]:
    """The embedded digits: 4,000 to learn from and 1,000 to be judged on, bytes (N, 28, 28), white strokes on black.

    Every digit is there 400 times and 100 times. All images come from MNIST's training part.

    >>> train, test = digits()
    >>> train, len(test)
    (Data(4000 samples of (28, 28) uint8, 10 classes), 1000)
    """
    train, test = load_idx_folder(FILES)
    return (
        Data(train.x, train.t, train.classes, name="digits"),
        Data(test.x, test.t, test.classes, name="digits, test part"),
    )


def digest(*arrays: Array) -> str:
    """The SHA-256 of the arrays' types, shapes and numbers, one after the other."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    return sha.hexdigest()
