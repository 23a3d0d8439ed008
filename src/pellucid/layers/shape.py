"""Layers that only look at the same numbers in another shape."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import ShapeError, draw_shapes
from pellucid.base.run import Run
from pellucid.layers.layer import Layer


@dataclass
class Flatten(Layer):
    """Y[n] = all numbers of X[n] in one row, the last axis running fastest

    dX = dY in X's shape      nothing was computed, so nothing is to be derived

    >>> import numpy as np
    >>> Flatten().forward(np.zeros((2, 28, 28)), Run())[0].shape
    (2, 784)
    """

    def output_shape(self, x: Shape) -> Shape:
        return (x[0], prod(x[1:]))

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        return x.reshape(len(x), prod(x.shape[1:])), {"shape": x.shape}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return dy.reshape(cache["shape"])


@dataclass
class Reshape(Layer):
    """Y[n] = the numbers of X[n] in the shape `shape`, the last axis running fastest

    dX = dY in X's shape

    Args:
        shape: the shape of one sample, without the batch.

    >>> import numpy as np
    >>> Reshape((28, 28, 1)).forward(np.zeros((2, 784)), Run())[0].shape
    (2, 28, 28, 1)
    """

    shape: tuple[int, ...]

    def output_shape(self, x: Shape) -> Shape:
        if prod(self.shape) != prod(x[1:]):
            raise ShapeError(
                f"Reshape cannot make {prod(self.shape)} numbers a sample out of {prod(x[1:])}.\n"
                + draw_shapes((None, *x[1:]), (None, *self.shape), "input", "shape=")
            )
        return (x[0], *self.shape)

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        return x.reshape(len(x), *self.shape), {"shape": x.shape}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return dy.reshape(cache["shape"])
