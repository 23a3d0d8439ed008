"""A loss for targets of any size: the network learns them in deviations from their mean, and answers in their unit.

House prices of 200,000 are far from what a fresh network says, about 0, and Adam moves a weight by about its rate a
step. So the targets are brought to about 1 on the way into the loss, and its link takes the answers back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Cache
from pellucid.base.errors import DataError, UsageError
from pellucid.base.tally import Tally
from pellucid.losses.numbers import ElementwiseLoss, MeanSquaredError


@dataclass(frozen=True)
class Scaled(ElementwiseLoss):
    """L = loss(Z, (T - mean) / std)      link(Z) = mean + std Z

    dZ is the inner loss's gradient at those targets. `predict` and every metric count in the targets' own unit; the
    loss itself counts in deviations: a mean squared error of 0.2 is a fifth of the targets' variance.

    Args:
        loss: a loss of numbers. Default `MeanSquaredError()`.
        mean, std: of the training targets, one number or one for each output. `Scaled.fit(t)` measures them.

    >>> t = np.array([100_000.0, 300_000.0])
    >>> loss = Scaled.fit(t)
    >>> loss.mean, loss.std, loss.link(np.array([[0.5]]))
    (200000.0, 100000.0, array([[250000.]]))
    >>> loss.forward(np.array([[0.0], [0.0]]), t)[0].mean
    1.0
    """

    loss: ElementwiseLoss = MeanSquaredError()
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 1.0

    @classmethod
    def fit(cls, t: Any, loss: ElementwiseLoss | None = None) -> Scaled:
        """Measure targets (N,) or (N, K). Give the training part only: the rest must not be looked at."""
        t = np.asarray(t, np.float64)
        if not t.size or not np.isfinite(t).all():
            raise DataError("Scaled.fit measures targets, so there must be some, and every one a finite number.")
        mean, std = t.mean(axis=0), t.std(axis=0)
        std = np.where(std > 0, std, 1.0)  # targets that are all the same have no deviation
        means, stds = mean.tolist(), std.tolist()
        if t.ndim > 1:
            means, stds = tuple(means), tuple(stds)
        return cls(loss if loss is not None else MeanSquaredError(), means, stds)

    def parts(self, z: Array, t: Array) -> tuple[Array, Array]:
        return self.loss.parts(z, t)

    def forward(self, z: Array, t: Array, weights: Array | None = None) -> tuple[Tally, Cache]:
        std = np.asarray(self.std, np.float64)
        if not (std > 0).all():
            raise UsageError(f"Scaled's std is above 0, not {self.std!r}.")
        inner = (self.targets(t, z.shape) - np.asarray(self.mean, np.float64)) / std  # (N, K), before any rounding
        return super().forward(z, inner, weights)

    def link(self, z: Array) -> Array:
        y = self.loss.link(z)
        return np.asarray(y * np.asarray(self.std, y.dtype) + np.asarray(self.mean, y.dtype))
