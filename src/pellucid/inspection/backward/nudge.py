"""The truth: how every output moves when one number of an array is moved a little.

The result is a Jacobian, not a gradient. One set of nudges then gives the gradient for any dy, the part of any one
sample, and what backward would have said with another dy, without computing forward again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from time import perf_counter

import numpy as np

from pellucid.base.arrays import Array

FINE, COARSE = 1e-5, 1e-2  # how far a number is moved if forward computes in float64, or in float32
FEW = 400  # an array of up to so many numbers is nudged whole
QUICK = 0.003  # seconds; of a forward that is slower, fewer numbers are nudged


@dataclass(frozen=True)
class Jacobian:
    """d output / d (chosen numbers of one array).

    Args:
        entries: the flat indices of the numbers that were nudged.
        shape: the array's shape.
        rows: one row for each of them, in the shape of the output; NaN where there is a kink.
    """

    entries: Array
    shape: tuple[int, ...]
    rows: Array

    def pull(self, dy: Array) -> Array:
        """sum_o dy[o] d output[o] / d a, in the array's shape; NaN where it is not known, or on a kink."""
        return self._spread(np.tensordot(self.rows, dy, dy.ndim))

    def pull_samples(self, dy: Array) -> Array:
        """The same before the sum over the samples: (N, *shape)."""
        N = len(dy)
        parts = (self.rows * dy).reshape(len(self.entries), N, -1).sum(axis=2)  # (entries, N)
        return np.stack([self._spread(parts[:, n]) for n in range(N)])

    def _spread(self, values: Array) -> Array:
        whole = np.full(prod(self.shape), np.nan)
        whole[self.entries] = values
        return whole.reshape(self.shape)


def jacobian(
    forward: Callable[[Array], Array], a: Array, y: Array, coarse: bool, rng: np.random.Generator, shares: bool = False
) -> Jacobian:
    """Nudge the numbers of `a` one by one.

    Args:
        forward: the output for another value of the array.
        a: the array.
        y: the output as it is.
        coarse: forward computes in float32, so small nudges would drown in rounding.
        rng: chooses which numbers, if there are too many.
        shares: the numbers lie between 0 and 1, so that near 1 too a nudge must be small.

    >>> rng = np.random.default_rng(0)
    >>> j = jacobian(lambda a: a[:, None] ** 2, np.array([1.0, 3.0]), np.array([[1.0], [9.0]]), False, rng)
    >>> j.pull(np.ones((2, 1))).round(6)
    array([2., 6.])
    """
    started = perf_counter()
    forward(a)
    slow = perf_counter() - started
    entries = chosen(a.shape, rng, FEW if slow < QUICK else FEW // 4)
    rows = (
        np.stack([_slope(forward, a, int(i), y, coarse, shares) for i in entries])
        if len(entries)
        else np.zeros((0, *y.shape))
    )
    return Jacobian(entries, a.shape, rows)


def chosen(shape: tuple[int, ...], rng: np.random.Generator, few: int = FEW) -> Array:
    """Flat indices: all, or a block that has the same rows and columns where an array is square."""
    size = prod(shape)
    if size <= few:
        return np.arange(size)
    each = max(2, int((0.4 * few) ** (1.0 / sum(n > 1 for n in shape))))
    picks: dict[int, Array] = {}
    for n in shape:
        if n not in picks:
            picks[n] = np.sort(rng.choice(n, min(n, each), replace=False))
    return np.ravel_multi_index(np.ix_(*[picks[n] for n in shape]), shape).ravel()


def _slope(forward: Callable[[Array], Array], a: Array, i: int, y: Array, coarse: bool, shares: bool) -> Array:
    """d output / d a[i], NaN where the slopes to the two sides differ."""
    size = abs(float(a.flat[i]))
    room = min(size, 1.0 - size) if shares and size < 1.0 else size
    fine = min(FINE * max(1.0, size), max(1e-3 * room, 1e-8)) if room else FINE
    step = COARSE * max(1.0, size) if coarse else fine
    slope, jump = _two_sides(forward, a, i, y, step)
    noise = (4e-7 if coarse else 1e-15) * (1.0 + np.abs(y)) / step
    bent = jump > 1e-3 * np.abs(slope) + 4.0 * noise
    if coarse:  # a nudge that is large bends every curve: only a jump of the slope's own size is a kink
        return np.where(jump > 0.5 * np.abs(slope) + 20.0 * noise, np.nan, slope)
    if bent.any():
        closer, closer_jump = _two_sides(forward, a, i, y, 0.1 * step)
        kinked = bent & (closer_jump > 0.3 * jump) & (closer_jump > 40.0 * noise)
        slope = np.where(bent, closer, slope)
        slope = np.where(kinked, np.nan, slope)
    return slope


def _two_sides(forward: Callable[[Array], Array], a: Array, i: int, y: Array, step: float) -> tuple[Array, Array]:
    moved = a.copy()
    moved.flat[i] = a.flat[i] + step
    right, up = forward(moved), float(moved.flat[i] - a.flat[i])
    moved.flat[i] = a.flat[i] - step
    left, down = forward(moved), float(a.flat[i] - moved.flat[i])
    return np.asarray((right - left) / (up + down)), np.abs((right - y) / up - (y - left) / down)


def is_coarse(
    forward: Callable[[Array], Array], a: Array, y: Array, rng: np.random.Generator, shares: bool = False
) -> bool:
    """Whether forward rounds to float32 somewhere: then its output does not move smoothly under a tiny nudge.

    >>> rng, a = np.random.default_rng(0), np.ones((2, 3))
    >>> is_coarse(np.sin, a, np.sin(a), rng), is_coarse(lambda a: np.sin(a.astype(np.float32)), a, np.sin(a), rng)
    (False, True)
    """
    if y.dtype.itemsize < 8 and y.dtype.kind == "f":
        return True
    d = rng.standard_normal(a.shape) * (np.minimum(a, 1.0 - a) if shares else 1.0)
    tiny, small = (forward(a + 1e-9 * d) - y) / 1e-9, (forward(a + 1e-5 * d) - y) / 1e-5
    apart, scale = float(np.quantile(np.abs(tiny - small), 0.9)), float(np.quantile(np.abs(small), 0.9))
    return apart > 0.02 * scale + 1e-5 * float(np.abs(y).max(initial=0.0)) + 1e-12
