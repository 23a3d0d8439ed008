"""Dropout: a different thinner network at every step, so that no unit can rely on one other unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import UsageError
from pellucid.base.run import Run
from pellucid.layers.layer import Layer
from pellucid.layers.window import check_pictures


@dataclass
class Dropout(Layer):
    """Y = X * M      with M = 1[u >= drop] / (1 - drop), u uniform, drawn anew for every number (Srivastava 2014)

    dX = dY * M      the same mask: what was not let through has no influence, what was enlarged has more

    The division keeps the expected value, so that nothing needs to change when the network predicts: there, Y = X.

    Args:
        drop: the share that is dropped (_not_ the share that is kept), from 0 up to but not including 1.

    >>> y, _ = Dropout(0.5).forward(np.ones((1, 6)), Run(training=True, rng=np.random.default_rng(0)))
    >>> y
    array([[2., 0., 0., 0., 2., 2.]])
    """

    drop: float

    def output_shape(self, x: Shape) -> Shape:
        if not 0.0 <= self.drop < 1.0:
            raise UsageError(f"Dropout's drop is the share that is dropped: 0 <= drop < 1, not {self.drop!r}.")
        return x

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        if not run.training or self.drop == 0.0:
            return x, {}
        mask = (run.uniform(like=x) >= self.drop).astype(x.dtype)
        mask *= 1.0 / (1.0 - self.drop)
        return np.asarray(x * mask), {"mask": mask}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.asarray(dy * cache["mask"]) if "mask" in cache else dy


@dataclass
class SpatialDropout2D(Layer):
    """Y = X * M      with M[n, c] = 1[u >= drop] / (1 - drop), one number for a whole channel of a picture

    dX = dY * M      the same mask: what was not let through has no influence, what was enlarged has more

    Neighbouring pixels say nearly the same, so a single dropped pixel is no loss; a dropped channel is (Tompson et al.
    2015). The division keeps the expected value, so that nothing needs to change when the network predicts.

    Args:
        drop: the share of the channels that is dropped (_not_ the share that is kept), from 0 up to but not including
            1.

    Raises:
        UsageError: when a model is built, if drop is no such share or the input is no batch of pictures.

    >>> run = Run(training=True, rng=np.random.default_rng(0))
    >>> SpatialDropout2D(0.5).forward(np.ones((1, 1, 2, 3)), run)[0]
    array([[[[2., 0., 0.],
             [2., 0., 0.]]]])
    """

    drop: float

    def output_shape(self, x: Shape) -> Shape:
        check_pictures("SpatialDropout2D", x)
        if not 0.0 <= self.drop < 1.0:
            raise UsageError(f"SpatialDropout2D's drop is the share that is dropped: 0 <= drop < 1, not {self.drop!r}.")
        return x

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        if not run.training or self.drop == 0.0:
            return x, {}
        mask = (run.uniform(like=x[:, :1, :1]) >= self.drop).astype(x.dtype)  # (N, 1, 1, C)
        mask *= 1.0 / (1.0 - self.drop)
        return np.asarray(x * mask), {"mask": mask}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.asarray(dy * cache["mask"]) if "mask" in cache else dy
