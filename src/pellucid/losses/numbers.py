"""Losses that compare every output with a number of its own. Sorted by increasing complexity."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import ShapeError, UsageError, draw_shapes
from pellucid.base.stable import sigmoid, softplus
from pellucid.base.tally import Tally
from pellucid.losses.loss import Loss, share


class ElementwiseLoss(Loss):
    """L = 1/N sum_n l_n      l_n = 1/K sum_k l(z[n, k], t[n, k])

    The parent of the losses that compare each number with its target. A child gives l and its derivative.
    """

    @abstractmethod
    def parts(self, z: Array, t: Array) -> tuple[Array, Array]:
        """l and dl/dz for every number, in z's shape."""

    def targets(self, t: Array, z: Shape) -> Array:
        if t.shape == z:
            return t
        if t.shape == z[:-1] and z[-1] == 1:
            return t.reshape(z)  # one output: (N,) is as good as (N, 1), and must not be broadcast to (N, N)
        raise ShapeError(
            f"{type(self).__name__} compares number with number, so targets and outputs need one shape.\n"
            + draw_shapes(t.shape, z, "targets", "outputs")
        )

    def forward(self, z: Array, t: Array, weights: Array | None = None) -> tuple[Tally, Cache]:
        value, slope = self.parts(z, self.targets(t, z.shape).astype(z.dtype, copy=False))
        N = len(z)
        K = z.size // max(N, 1)
        rows = value.reshape(N, K).sum(axis=1) / K  # l_n
        w, n = (None, float(N)) if weights is None else (weights, float(weights.sum()))
        total = float(rows.sum() if w is None else rows @ w)
        return Tally(total, n), {"slope": slope, "weights": w, "n": n, "K": K, "rows": rows, "y": self.link(z)}

    def backward(self, cache: Cache) -> Array:
        slope, w = cache["slope"], cache["weights"]
        dz = slope * (share(cache["n"]) / cache["K"])
        if w is not None:
            dz *= w.reshape(-1, *[1] * (dz.ndim - 1))
        return np.asarray(dz)


@dataclass(frozen=True)
class MeanSquaredError(ElementwiseLoss):
    """L = 1/(N K) sum (Y - T)^2

    dY = 2 (Y - T) / (N K)      the mean is over all elements, so both N and K divide

    >>> MeanSquaredError().forward(np.array([[1.0, 5.0]]), np.array([[1.0, 2.0]]))[0].mean
    4.5
    """

    def parts(self, z: Array, t: Array) -> tuple[Array, Array]:
        d = z - t
        return d * d, 2.0 * d


@dataclass(frozen=True)
class MeanAbsoluteError(ElementwiseLoss):
    """L = 1/(N K) sum |Y - T|

    dY = sign(Y - T) / (N K)      0 where Y is exactly T, at the kink

    >>> MeanAbsoluteError().forward(np.array([[1.0, 5.0]]), np.array([[1.0, 2.0]]))[0].mean
    1.5
    """

    def parts(self, z: Array, t: Array) -> tuple[Array, Array]:
        d = z - t
        return np.abs(d), np.sign(d)


@dataclass(frozen=True)
class Huber(ElementwiseLoss):
    """L = 1/(N K) sum h(Y - T)      h(d) = d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2)

    dY = clip(Y - T, -delta, delta) / (N K)      a square near the target, a straight line far out (Huber 1964)

    Args:
        delta: where the square ends, in the targets' unit. Default 1.

    >>> Huber().forward(np.array([[1.0, 5.0]]), np.array([[0.5, 2.0]]))[0].mean
    1.3125
    """

    delta: float = 1.0

    def parts(self, z: Array, t: Array) -> tuple[Array, Array]:
        if not self.delta > 0:
            raise UsageError(f"Huber's delta is above 0, not {self.delta!r}.")
        d = z - t
        slope = np.clip(d, -self.delta, self.delta)
        return slope * (d - 0.5 * slope), slope


@dataclass(frozen=True)
class BinaryCrossEntropy(ElementwiseLoss):
    """L = -1/(N K) sum (T log Q + (1 - T) log(1 - Q))      Q = clip(Y, eps, 1 - eps), Y probabilities

    dY = (Q - T) / (Q (1 - Q)) / (N K) where eps < Y < 1 - eps, else 0

    Outside the clip the value does not change with Y, so its derivative there is 0, as reported. That also means that
    a sigmoid driven to exactly 0 or 1 learns nothing more: `pl.SigmoidCrossEntropy`, on scores, has no such corner.

    Args:
        eps: how near to 0 and 1 a probability may come. Default 1e-7.

    >>> round(BinaryCrossEntropy().forward(np.array([[0.5]]), np.array([[1.0]]))[0].mean, 6)
    0.693147
    """

    eps: float = 1e-7

    def parts(self, z: Array, t: Array) -> tuple[Array, Array]:
        q = np.clip(z, self.eps, 1.0 - self.eps)
        value = -(t * np.log(q) + (1.0 - t) * np.log1p(-q))
        return value, np.where(q == z, (q - t) / (q * (1.0 - q)), 0.0).astype(z.dtype)


@dataclass(frozen=True)
class SigmoidCrossEntropy(ElementwiseLoss):
    """L = 1/(N K) sum (softplus(Z) - T Z)      which is -(T log P + (1 - T) log(1 - P)) with P = sigmoid(Z)

    dZ = (P - T) / (N K)

    For one or several yes-or-no answers a sample. The network ends in scores, without a Sigmoid layer; the logarithm
    and the sigmoid are one function here, so that no score is too large.

    >>> SigmoidCrossEntropy().forward(np.array([[1e4, 1e4]]), np.array([[1.0, 0.0]]))[0].mean
    5000.0
    """

    def parts(self, z: Array, t: Array) -> tuple[Array, Array]:
        return softplus(z) - t * z, sigmoid(z) - t

    def link(self, z: Array) -> Array:
        return sigmoid(z)
