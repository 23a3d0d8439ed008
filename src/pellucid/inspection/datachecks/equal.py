"""Samples that are equal to the last bit, found by a number made of their bytes."""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array

BLOCK = 4096  # samples that are converted at one time


def equal_samples(a: Array, b: Array) -> Array:
    """For each sample of b the first equal one of a (M,), -1 where there is none.

    >>> equal_samples(np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([[-0.0, 3.0], [9.0, 9.0]]))
    array([ 1, -1])
    """
    if a.dtype.names != b.dtype.names or a.shape[1:] != b.shape[1:] or not a[:1].size:
        return np.full(len(b), -1)
    kind = np.result_type(a, b) if a.dtype.names is None else np.promote_types(a.dtype, b.dtype)
    first: dict[int, int] = {}
    for i, number in enumerate(_numbers(a, kind)):
        first.setdefault(number, i)
    return np.array([first.get(number, -1) for number in _numbers(b, kind)])


def _numbers(x: Array, kind: np.dtype) -> list[int]:
    """A number for each sample: the same for equal ones, and for others as good as never."""
    found: list[int] = []
    for i in range(0, len(x), BLOCK):
        block = x[i : i + BLOCK].astype(kind, copy=False)
        if kind.kind == "f":
            block = block + 0.0  # -0 becomes 0
        block = np.ascontiguousarray(block).reshape(len(block), -1)
        found += map(hash, block.view(np.dtype((np.void, block.itemsize * block.shape[1])))[:, 0].tolist())
    return found
