"""Layers that make a picture larger without learning anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.run import Run
from pellucid.layers.layer import Layer
from pellucid.layers.window import Pair, both, check_pictures


@dataclass
class UpSample2D(Layer):
    """Y[n, h s + i, w s + j, c] = X[n, h, w, c]      for every i, j below s: the nearest neighbour

    X (N, H, W, C)   Y (N, H s, W s, C)

    dX[n, h, w, c] = sum_ij dY[n, h s + i, w s + j, c]      each pixel stands in a block of s by s: all of it adds up

    With a convolution after it, it does what a transposed convolution does, without chequered pictures (Odena et al.
    2016).

    Args:
        size: s, how many times larger: a number, or (height, width). Default 2.

    Raises:
        ShapeError: when a model is built, if the input is no batch of pictures.

    >>> UpSample2D((1, 2)).forward(np.array([1.0, 3.0]).reshape(1, 1, 2, 1), Run())[0].ravel()
    array([1., 1., 3., 3.])
    """

    size: int | Pair = 2

    def output_shape(self, x: Shape) -> Shape:
        check_pictures("UpSample2D", x)
        a, b = both("UpSample2D", "size", self.size)
        return (x[0], x[1] * a, x[2] * b, x[3])

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        a, b = size = both("UpSample2D", "size", self.size)
        return np.repeat(np.repeat(x, b, axis=2), a, axis=1), {"size": size}

    def backward(self, dy: Array, cache: Cache) -> Array:
        a, b = cache["size"]
        dx = dy[:, ::a, ::b].copy()
        for i, j in list(np.ndindex(a, b))[1:]:
            dx += dy[:, i::a, j::b]
        return np.asarray(dx)
