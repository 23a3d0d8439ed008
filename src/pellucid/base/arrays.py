"""The words for what travels between layers, and the sums that a network does all day.

NumPy sums a short axis slowly; a product with a vector of ones is the same sum at the speed of a matrix product.
All helpers keep the array's own type: float32 stays float32.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
Cache = dict[str, Any]

PAGE, LANES = 4096, 8  # bytes; and the places in a page at which flat vectors begin
KEEP = 31 << 20  # bytes; glibc learns from blocks below 32 million bytes only
SHORT = 64  # an axis up to this length is reduced faster along the other way


def sum_rows(x: Array) -> Array:
    """`sum_n x[n, k]`: over every axis but the last.

    >>> sum_rows(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    x = x.reshape(-1, x.shape[-1])  # (N, K)
    return np.asarray(np.ones(len(x), x.dtype) @ x)  # (K,)


def sum_last(x: Array) -> Array:
    """`sum_k x[n, k]`: over the last axis, which stays with length 1.

    >>> sum_last(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[3.],
           [7.]])
    """
    if x.size <= SHORT:
        return np.asarray(np.add.reduce(x, axis=-1, keepdims=True))  # so few that setting up a product costs more
    return np.asarray(x @ np.ones((x.shape[-1], 1), x.dtype))  # (..., 1)


def max_last(x: Array) -> Array:
    """`max_k x[n, k]`: over the last axis, which stays with length 1.

    >>> max_last(np.array([[1.0, 2.0], [4.0, 3.0]]))
    array([[2.],
           [4.]])
    """
    if x.ndim == 2 and x.shape[0] > 1 and x.shape[1] <= SHORT:
        # A copy with long rows, then the maximum of whole rows: 6 times faster at (512, 10), and the same bits.
        return np.asarray(np.maximum.reduce(x.T.copy(), axis=0)[:, None])
    return np.asarray(np.maximum.reduce(x, axis=-1, keepdims=True))


def vector(size: int, dtype: Any, lane: int = 0) -> Array:
    """A flat vector of zeros whose place in memory suits a loop over several of them.

    A processor reads whole lines of 64 bytes, and it takes two addresses that are equal in their last 12 bits for the
    same one until it has looked closer. So vectors that are walked side by side begin on a line, each in a lane of its
    own: a compiled Adam is 2 to 8 times faster than where chance puts them.

    >>> theta, grad = vector(3, np.float32, lane=0), vector(3, np.float32, lane=1)
    >>> theta, (grad.ctypes.data - theta.ctypes.data) % 4096
    (array([0., 0., 0.], dtype=float32), 512)
    """
    bytes_ = size * np.dtype(dtype).itemsize
    memory = np.zeros(bytes_ + 2 * PAGE, np.uint8)
    start = -memory.ctypes.data % PAGE + lane % LANES * (PAGE // LANES)
    return memory[start : start + bytes_].view(dtype)


@cache
def keep_freed_memory() -> None:
    """Let the process keep tens of megabytes that it freed, instead of asking the system for them at every step.

    The arrays of a convolution are so large that the C library would give them back to the system when they are freed;
    getting them again costs one interrupt for each 4096 bytes, a fifth of a training step. glibc keeps blocks up to
    the largest size that it has seen freed: so one block is asked for and freed. It is never touched, so it costs
    nothing. Other C libraries have rules of their own, which this does not change.
    """
    np.empty(KEEP, np.uint8)


class Rows(ABC):
    """Samples (N, ...) that stay on a disk. `x[at]`, a slice or indices, reads some of them; the rest is known before.

    Training, `evaluate` and `predict` take it in the place of x. `pl.datasets.stream` makes one of a file.
    """

    shape: Shape
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @abstractmethod
    def __getitem__(self, at: Any) -> Array:
        """Some of the samples, as an array."""

    @abstractmethod
    def divide(self, share: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """The indices of the rest and of a share set aside, each in order, such that both can be read fast."""

    @abstractmethod
    def mark(self) -> bytes:
        """A few bytes that tell these samples from others without reading all of them."""


def as_rows(x: Any) -> Any:
    """x as an array, unless it stays on a disk."""
    return x if isinstance(x, Rows) else np.asarray(x)
