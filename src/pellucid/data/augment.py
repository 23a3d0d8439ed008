"""More pictures out of few: each is changed a little, differently in every epoch, and means the same.

Augmentation happens on the fly and only to the training part, after the split: a shifted copy of a training picture
in the test set would make the test a lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError, UsageError

Augment = Callable[[Array, np.random.Generator], Array]


@dataclass(frozen=True)
class Shift:
    """Each picture moved by up to `pixels` up or down and left or right, every distance as likely; 0 moves in.

    This is also the "random crop": to pad a picture with `pixels` zeros all around and cut its old size out of that at
    a random place is the same thing.

    Args:
        pixels: the farthest move.

    >>> x = np.eye(3)[None]
    >>> Shift(1)(x, np.random.default_rng(0))[0]
    array([[0., 1., 0.],
           [0., 0., 1.],
           [0., 0., 0.]])
    """

    pixels: int = 1

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Shifted copies of pictures x (N, H, W) or (N, H, W, C)."""
        if self.pixels < 0:
            raise UsageError(f"A shift goes up to a number of pixels, 0 or more, not {self.pixels!r}.")
        check_pictures("Shift", x)
        N, H, W = x.shape[:3]
        p = self.pixels
        moves = rng.integers(0, 2 * p + 1, (2, N))
        wide = np.zeros((N, H + 2 * p, W + 2 * p, *x.shape[3:]), x.dtype)
        wide[:, p : p + H, p : p + W] = x
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


@dataclass(frozen=True, init=False)
class Chain:
    """Several changes, one after the other; each draws its own random numbers.

    Args:
        steps: functions `(x, rng) -> x`, in their order.

    >>> Chain(Flip(), Shift(4))
    Chain(steps=(Flip(vertical=False), Shift(pixels=4)))
    >>> Chain(Flip(), Shift(1))(np.array([[[1, 2], [3, 4]]]), np.random.default_rng(4))[0]
    array([[3, 0],
           [0, 0]])
    """

    steps: tuple[Augment, ...]

    def __init__(self, *steps: Augment) -> None:
        object.__setattr__(self, "steps", steps)

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """The pictures after every step."""
        for step in self.steps:
            x = step(x, rng)
        return x


def check_pictures(name: str, x: Array) -> None:
    """Refuse what has no height and width."""
    if x.ndim < 3:
        raise ShapeError(f"{name} changes pictures (N, H, W), and cannot change an array of shape {x.shape}.")
