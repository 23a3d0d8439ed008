"""The one place where the book's programs share something: a random stream, a number type, and two switches.

The book's `nnfs.init()` seeds NumPy and then replaces np.dot, np.zeros and np.random.randn in the whole process. Here
nothing of NumPy is replaced. What remains of it is kept in this file.

The classes draw from np.random itself, the old global stream, although the rest of Pellucid never does. The printed
digits of the book are the order in which one stream is used up: init seeds it, spiral_data draws, each Layer_Dense
draws, and in between the reader's own lines draw as well (chapter 6 adds 0.05 * np.random.randn(2, 3) to the weights).
A stream of our own would leave those lines out, and a reader's np.random.seed(7) would mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError


@dataclass
class World:
    """What the book's classes look at besides their arguments."""

    dtype: Any = np.dtype(np.float64)  # NumPy's own, until init() is called
    book_rounding: bool = False  # Pellucid's own order of operations, until init() is called
    slips: bool = False


WORLD = World()


def init(dot_precision_workaround: bool = True, default_dtype: Any = "float32", random_seed: int | None = 0) -> None:
    """What every program of the book begins with: seed np.random, and compute in float32 from here on.

    Args:
        dot_precision_workaround: compute in the book's order of rounding, which its printed digits need (the reason
            stands in rounding.py). Default true; false is faster. np.dot stays NumPy's either way.
        default_dtype: the type of weights and of the data functions' points. Default float32.
        random_seed: the seed, or None to leave np.random as it is. Default 0, which gives the book's numbers.

    >>> init()
    >>> from pellucid.book.datasets import spiral_data
    >>> X, y = spiral_data(samples=100, classes=3)
    >>> X[1], X.dtype
    (array([0.00299556, 0.00964661], dtype=float32), dtype('float32'))
    """
    dtype = np.dtype(default_dtype)
    if dtype not in (np.float32, np.float64):
        raise UsageError(f"init's default_dtype is float32 or float64, not {default_dtype!r}.")
    WORLD.dtype, WORLD.book_rounding = dtype, bool(dot_precision_workaround)
    if random_seed is not None:
        np.random.seed(random_seed)  # noqa: NPY002, TID251 - the book's stream; the reason stands at the top


def slips(on: bool | None = None) -> bool:
    """Whether the book's known slips are reproduced; with an argument, switch that on or off. Default off.

    The slips are listed in docs/book.md. Off, every gradient is that of the value that is reported.

    >>> slips(True), slips(False)
    (True, False)
    """
    if on is not None:
        WORLD.slips = bool(on)
    return WORLD.slips


def randn(*shape: int) -> Array:
    """Normal numbers from np.random, in the type that init() chose."""
    drawn = np.random.randn(*shape)  # noqa: NPY002 - the book's stream; the reason stands at the top
    return np.asarray(drawn, WORLD.dtype)


def binomial(keep: float, shape: tuple[int, ...]) -> Array:
    """1 with probability `keep`, else 0, from np.random."""
    return np.asarray(np.random.binomial(1, keep, size=shape))  # noqa: NPY002 - as above


def real(x: Any) -> Array:
    """Lists and whole numbers as an array of floats; arrays of floats as they are."""
    array: Array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(WORLD.dtype)
