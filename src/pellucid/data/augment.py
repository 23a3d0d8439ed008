"""More pictures out of few: each is changed a little, differently in every epoch, and means the same.

Augmentation happens on the fly and only to the training part, after the split: a shifted copy of a training picture
in the test set would make the test a lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError, UsageError

Augment = Callable[[Array, np.random.Generator], Array]


@dataclass(frozen=True)
class Shift:
    """Each picture moved by up to `pixels` up or down and left or right, every distance as likely.

    This is also the "random crop": to pad a picture with `pixels` zeros all around and cut its old size out of that at
    a random place is the same thing.

    Args:
        pixels: the farthest move.
        fill: what moves in: a number, or None for the nearest pixel of the picture. Default 0.

    >>> x = np.eye(3)[None]
    >>> Shift(1)(x, np.random.default_rng(0))[0]
    array([[0., 1., 0.],
           [0., 0., 1.],
           [0., 0., 0.]])
    """

    pixels: int = 1
    fill: float | None = 0.0

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Shifted copies of pictures x (N, H, W) or (N, H, W, C)."""
        if self.pixels < 0:
            raise UsageError(f"A shift goes up to a number of pixels, 0 or more, not {self.pixels!r}.")
        check_pictures("Shift", x)
        N, H, W = x.shape[:3]
        p = self.pixels
        moves = rng.integers(0, 2 * p + 1, (2, N))
        wide = framed(x, p, p, self.fill)
        windows = np.lib.stride_tricks.sliding_window_view(wide, (H, W), axis=(1, 2))
        picked = windows[np.arange(N), moves[0], moves[1]]  # (N, ..., H, W)
        return np.moveaxis(picked, (-2, -1), (1, 2)) if x.ndim > 3 else picked


@dataclass(frozen=True)
class Flip:
    """Each picture mirrored left to right, or not: a coin decides.

    For what has no left and right, such as animals and cars; a mirrored digit is none. Cells under a microscope have no
    up and down either: with `vertical`, a second coin decides about that.

    Args:
        vertical: whether pictures are also mirrored upside down. Default false.

    >>> x = np.array([[[1, 2], [3, 4]]])
    >>> Flip()(x, np.random.default_rng(0))[0]
    array([[2, 1],
           [4, 3]])
    """

    vertical: bool = False

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Copies of pictures x (N, H, W) or (N, H, W, C), about half of them mirrored."""
        check_pictures("Flip", x)
        coins = rng.integers(0, 2, (2 if self.vertical else 1, len(x)))
        y = x.copy()
        sideways = np.flatnonzero(coins[0])
        y[sideways] = x[sideways, :, ::-1]
        if self.vertical:
            over = np.flatnonzero(coins[1])
            y[over] = y[over, ::-1]
        return y


def check_pictures(name: str, x: Array) -> None:
    """Refuse what has no height and width."""
    if x.ndim < 3:
        raise ShapeError(f"{name} changes pictures (N, H, W), and cannot change an array of shape {x.shape}.")


def check_strength(thing: Any, name: str, low: float, high: float | None = None) -> None:
    """Refuse a change whose argument of this name is no number from `low` to `high`."""
    value = getattr(thing, name)
    if isinstance(value, bool) or not low <= value <= (float("inf") if high is None else high) or not isfinite(value):
        to = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        raise UsageError(f"{type(thing).__name__}'s {name} is a number {to}, not {value!r}.")


def framed(x: Array, before: int, after: int, fill: float | None, dtype: Any = None) -> Array:
    """Pictures with a frame of a number, or of their nearest pixels if `fill` is None.

    >>> framed(np.array([[[1, 2], [3, 4]]]), 0, 1, None)[0]
    array([[1, 2, 2],
           [3, 4, 4],
           [3, 4, 4]])
    """
    N, H, W, *C = x.shape
    wide = np.full((N, H + before + after, W + before + after, *C), fill or 0, x.dtype if dtype is None else dtype)
    inside = slice(before, before + H), slice(before, before + W)
    wide[:, *inside] = x
    if fill is None:
        wide[:, :before, inside[1]], wide[:, before + H :, inside[1]] = x[:, :1], x[:, -1:]
        left, right = wide[:, :, before : before + 1], wide[:, :, before + W - 1 : before + W]
        wide[:, :, :before], wide[:, :, before + W :] = left, right
    return wide


def like(y: Array, x: Array) -> Array:
    """Computed pictures y in the type of x: whole numbers are rounded."""
    return np.asarray((np.rint(y) if x.dtype.kind in "biu" else y).astype(x.dtype, copy=False))
