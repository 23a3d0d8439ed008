"""Dropout: a different thinner network at every step, so that no unit can rely on one other unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import UsageError
from pellucid.base.run import Run
from pellucid.layers.layer import Layer


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
