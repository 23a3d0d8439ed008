"""The spread of numbers that stay on a disk, in one pass over them, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from pellucid.base.arrays import Array, Rows

PIECE = 4 << 20  # bytes that are looked at at one time


@dataclass(frozen=True)
class Spread:
    """What one pass measures, column by column: arrays in the shape of one sample.

    Args:
        least, most: the least and the greatest number.
        mean, std: the mean and the deviation.
    """

    least: Array
    most: Array
    mean: Array
    std: Array


def pieces(x: Array | Rows) -> Iterator[Array]:
    """All of x, a few megabytes at a time."""
    rows = max(1, PIECE // max(1, prod(x.shape[1:]) * x.dtype.itemsize))
    return (x[i : i + rows] for i in range(0, len(x), rows))


def measured(x: Array | Rows) -> Spread:
    """Measure x (N, ...) in one pass.

    The pieces' means and sums of squares are joined as Chan, Golub and LeVeque (1979) do it: nothing is subtracted from
    a sum of squares that is larger by far, which would leave nothing of a small deviation around a large mean.

    >>> found = measured(np.array([[1e8 + 1.0], [1e8 + 2.0], [1e8 + 3.0]]))
    >>> float(found.mean[0]) - 1e8, round(float(found.std[0]), 6)
    (2.0, 0.816497)
    """
    shape = x.shape[1:]
    n, mean, square = 0, np.zeros(shape), np.zeros(shape)
    least, most = np.full(shape, np.inf), np.full(shape, -np.inf)
    for piece in pieces(x):
        few = piece.astype(np.float64)
        here = few.mean(axis=0)
        more, off = n + len(few), here - mean
        square += ((few - here) ** 2).sum(axis=0) + off**2 * (n * len(few) / more)
        mean += off * (len(few) / more)
        n = more
        least, most = np.minimum(least, few.min(axis=0)), np.maximum(most, few.max(axis=0))
    return Spread(least, most, mean, np.sqrt(square / max(n, 1)))


def reaches(x: Array | Rows, bound: float) -> bool:
    """Whether any number of x is beyond `bound` to either side; read only until one is."""
    return any(float(piece.max()) > bound or float(piece.min()) < -bound for piece in pieces(x))
