"""More pictures out of few: each is changed a little, differently in every epoch, and means the same.

Augmentation happens on the fly and only to the training part, after the split: a shifted copy of a training picture
in the test set would make the test a lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError, UsageError


@dataclass(frozen=True)
class Shift:
    """Each picture moved by up to `pixels` up or down and left or right, every distance as likely; 0 moves in.

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
        if x.ndim < 3:
            raise ShapeError(f"Shift moves pictures (N, H, W), and cannot in an array of shape {x.shape}.")
        N, H, W = x.shape[:3]
        p = self.pixels
        moves = rng.integers(0, 2 * p + 1, (2, N))
        wide = np.zeros((N, H + 2 * p, W + 2 * p, *x.shape[3:]), x.dtype)
        wide[:, p : p + H, p : p + W] = x
        windows = np.lib.stride_tricks.sliding_window_view(wide, (H, W), axis=(1, 2))
        picked = windows[np.arange(N), moves[0], moves[1]]  # (N, ..., H, W)
        return np.moveaxis(picked, (-2, -1), (1, 2)) if x.ndim > 3 else picked
