"""Changes of what a picture's pixels hold, where they are: grain, the width of strokes, a hole."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.augment import check_pictures, check_strength, like

PIECE = 30_000  # numbers that are worked on at a time, so that they stay in the processor's cache


@dataclass(frozen=True)
class Noise:
    """Every pixel a little lighter or darker, by normal noise; nothing below 0 or above a full pixel.

    Args:
        share: the noise's deviation, as a share of a full pixel. Default 0.05.
        full: the value of a full pixel. Default None: 255 for whole numbers, 1 for fractions.

    >>> Noise(0.1)(np.full((1, 2, 3), 128, np.uint8), np.random.default_rng(0))[0]
    array([[156,  93, 117],
           [108, 143, 126]], dtype=uint8)
    """

    share: float = 0.05
    full: float | None = None

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Noisy copies of pictures x (N, H, W) or (N, H, W, C)."""
        check_strength(self, "share", 0.0, 1.0)
        check_pictures("Noise", x)
        full = (1.0 if x.dtype.kind == "f" else 255.0) if self.full is None else float(self.full)
        low, high = min(0.0, float(x.min(initial=0))), max(full, float(x.max(initial=0)))
        y = np.empty_like(x, order="C")
        step = max(1, PIECE // max(1, x[:1].size))
        for i in range(0, len(x), step):
            grain = rng.standard_normal(x[i : i + step].shape, np.float32)
            grain *= self.share * full
            part = x[i : i + step] + grain
            y[i : i + step] = like(np.clip(part, low, high, out=part), x)
        return y


@dataclass(frozen=True)
class Stroke:
    """Strokes thicker or thinner by up to so many pixels on each side, as another pen would make them.

    What is light grows, or what is dark: each pixel goes towards the largest, or the least, of itself and its four
    neighbours (grey dilation and erosion). A chance decides which and by how much, so it does not matter whether the
    strokes are light or dark.

    Args:
        pixels: the most that a side of a stroke moves. Default 0.5; more than 1 makes thin strokes vanish.

    >>> x = np.zeros((1, 3, 5)); x[0, 1, 1:4] = 8.0
    >>> Stroke(1)(x, np.random.default_rng(0))[0].round(1)
    array([[0. , 2.2, 2.2, 2.2, 0. ],
           [2.2, 8. , 8. , 8. , 2.2],
           [0. , 2.2, 2.2, 2.2, 0. ]])
    """

    pixels: float = 0.5

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Copies of pictures x (N, H, W) or (N, H, W, C) with strokes of other widths."""
        check_strength(self, "pixels", 0.0)
        check_pictures("Stroke", x)
        width = rng.uniform(-self.pixels, self.pixels, len(x))
        y = x.copy()
        for grow, at in ((np.maximum, np.flatnonzero(width > 0)), (np.minimum, np.flatnonzero(width < 0))):
            for done in range(ceil(self.pixels)):
                share = np.clip(np.abs(width[at]) - done, 0.0, 1.0).astype(np.float32)
                part = y[at]
                wide = part.copy()
                for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[:, :, 1:], np.s_[:, :, :-1])):
                    grow(wide[a], part[b], out=wide[a])
                    grow(wide[b], part[a], out=wide[b])
                share = share.reshape(-1, *[1] * (x.ndim - 1))
                y[at] = like(part + share * (wide - part.astype(np.float32)), x)
        return y


@dataclass(frozen=True)
class Cutout:
    """A square hole in each picture, anywhere, so that no single part of it can be relied on (DeVries and Taylor 2017).

    The hole's middle is inside of the picture; at an edge a part of the hole lies outside.

    Args:
        pixels: the hole's side. A quarter to half of the picture's is common. Default 8.
        fill: what is in the hole. Default 0.

    >>> Cutout(2, fill=7)(np.zeros((1, 3, 4), np.uint8), np.random.default_rng(2))[0]
    array([[0, 0, 0, 0],
           [7, 7, 0, 0],
           [7, 7, 0, 0]], dtype=uint8)
    """

    pixels: int = 8
    fill: float = 0.0

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Copies of pictures x (N, H, W) or (N, H, W, C), each with a hole."""
        check_strength(self, "pixels", 0)
        check_pictures("Cutout", x)
        y = x.copy()
        inside = []
        for size in x.shape[1:3]:
            first = rng.integers(0, size, (len(x), 1)) - self.pixels // 2
            inside.append((np.arange(size) >= first) & (np.arange(size) < first + self.pixels))
        y[inside[0][:, :, None] & inside[1][:, None, :]] = self.fill
        return y
