"""Losses of one answer out of K: the outputs of a row compete. Sorted by increasing complexity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import DataError, ShapeError, draw_shapes
from pellucid.base.tally import Tally
from pellucid.losses.loss import Loss, share


@dataclass(frozen=True)
class ClassLoss(Loss):
    """The parent of the losses for one answer out of K, for class ids (N,) or one row of shares each (N, K).

    Args:
        class_weights: how much a sample counts by its class, or None for all alike. A sample's own weight multiplies.
    """

    class_weights: Sequence[float] | None = None

    def targets(self, t: Array, z: Shape) -> Array:
        K = z[-1]
        name = type(self).__name__
        if t.shape == z:
            return t  # one-hot, or shares that sum to 1
        if t.shape == (*z[:-1], 1):
            t = t.reshape(z[:-1])
        if t.shape != z[:-1]:
            raise ShapeError(
                f"{name} takes class ids, one a sample, or one-hot rows in the shape of the scores.\n"
                + draw_shapes(t.shape, z if t.ndim == len(z) else z[:-1], "targets", "expected")
            )
        if t.dtype.kind in "USO":
            hint = "ids, names = pl.datasets.as_classes(t) makes them, and Model(classes=names) keeps the names."
            raise DataError(f"{name} takes class ids, but the targets are words such as {t.ravel()[0]!r}. {hint}")
        if t.dtype.kind not in "iu":
            if t.dtype.kind != "b" and not np.array_equal(t, np.floor(t)):
                raise DataError(
                    f"{name} needs whole class ids, but the targets are {t.dtype} and hold {_first_fraction(t)}. "
                    "If they are measurements, this is a regression: use MeanSquaredError."
                )
            t = t.astype(np.int64)
        if t.size and (t.min() < 0 or t.max() >= K):
            bad = int(np.flatnonzero((t.ravel() < 0) | (t.ravel() >= K))[0])
            raise DataError(
                f"The label of sample {bad} is {t.ravel()[bad]}, but the network has {K} outputs, so class ids run "
                f"from 0 to {K - 1}. Renumber the labels, or give the last layer {int(t.max()) + 1} units."
            )
        return t

    def row_weights(self, t: Array, rows: Shape, weights: Array | None) -> Array | None:
        """One weight a row of scores, from the sample's and its class's, or None. A sequence is many rows a sample."""
        if weights is not None and weights.shape != rows:
            weights = np.repeat(weights, prod(rows[1:])).reshape(rows)
        if self.class_weights is None:
            return weights
        by_class = np.asarray(self.class_weights)
        w = by_class[t] if t.dtype.kind in "iu" else t @ by_class
        return np.asarray(w if weights is None else w * weights)

    def ids_or_shares(self, t: Array, z: Array) -> Array:
        """The targets as whole class ids, or as shares in the scores' own type, whatever type the one-hot rows had."""
        t = self.targets(t, z.shape)
        return t.astype(z.dtype, copy=False) if t.shape == z.shape else t


def _first_fraction(t: Array) -> str:
    bad = int(np.flatnonzero(t.ravel() != np.floor(t.ravel()))[0])
    return f"{t.ravel()[bad]!s} at sample {bad}"


@dataclass(frozen=True)
class CategoricalCrossEntropy(ClassLoss):
    """L = -1/N sum_n sum_k T[n, k] log Q[n, k]      Q = clip(Y, eps, 1 - eps), Y probabilities (after a Softmax layer)

    dY = -T / Q / N where eps < Y < 1 - eps, else 0

    The book's form. Outside the clip the value does not change with Y, so its derivative there is 0, as reported: a
    sample whose true class got probability 0 learns nothing. `pl.SoftmaxCrossEntropy`, on scores, has no such corner.

    Args:
        eps: how near to 0 and 1 a probability may come. Default 1e-7.

    >>> round(CategoricalCrossEntropy().forward(np.array([[0.5, 0.5]]), np.array([1]))[0].mean, 6)
    0.693147
    """

    eps: float = 1e-7

    def forward(self, z: Array, t: Array, weights: Array | None = None) -> tuple[Tally, Cache]:
        t = self.ids_or_shares(t, z)
        K = z.shape[-1]
        w = self.row_weights(t, z.shape[:-1], weights)
        T = t if t.shape == z.shape else np.eye(K, dtype=z.dtype)[t]  # (N, K)
        q = np.clip(z, self.eps, 1.0 - self.eps)
        rows = -(T * np.log(q)).sum(axis=-1)  # (N,)
        n = float(rows.size if w is None else w.sum())
        slope = np.where(q == z, -T / q, 0.0).astype(z.dtype)
        total = float(rows.sum() if w is None else (rows * w).sum())
        return Tally(total, n), {"slope": slope, "weights": w, "n": n, "rows": rows, "y": z}

    def backward(self, cache: Cache) -> Array:
        slope, w = cache["slope"], cache["weights"]
        dz = slope * share(cache["n"])
        if w is not None:
            dz *= w[..., None]
        return np.asarray(dz)


@dataclass(frozen=True)
class SoftmaxCrossEntropy(ClassLoss):
    """L = -1/N sum_n log P[n, t_n]      P = softmax(Z)

    dZ = (P - onehot(t)) / N      push the right score up and every other down, each by how much it was believed

    The softmax and the logarithm are one function here: `log P[n, t] = Z[n, t] - log sum_k e^Z[n, k]`, which is finite
    for every finite score. Targets that are shares give L = -1/N sum T log P and dZ = (P sum_k T - T) / N.

    >>> SoftmaxCrossEntropy().forward(np.array([[1e4, 0.0]]), np.array([1]))[0].mean
    10000.0
    """

    def forward(self, z: Array, t: Array, weights: Array | None = None) -> tuple[Tally, Cache]:
        t = self.ids_or_shares(t, z)
        rows, p = kernels.active().softmax_cross_entropy(z.reshape(-1, z.shape[-1]), t)
        w = self.row_weights(t, z.shape[:-1], weights)
        n = float(rows.size if w is None else w.sum())
        total = float(rows.sum() if w is None else rows @ w.ravel())
        return Tally(total, n), {"p": p, "t": t, "weights": w, "n": n, "y": p.reshape(z.shape)}

    def backward(self, cache: Cache) -> Array:
        p, t, w = cache["p"], cache["t"], cache["weights"]
        one = share(cache["n"])
        if t.dtype.kind in "iu":
            dz = p * one
            dz[np.arange(len(p)), t.ravel()] -= one
        else:
            T = t.reshape(p.shape)
            dz = (p * T.sum(axis=1, keepdims=True) - T) * one
        if w is not None:
            dz *= w.reshape(-1, 1)
        return np.asarray(dz.reshape(cache["y"].shape), dtype=p.dtype)

    def link(self, z: Array) -> Array:
        return np.asarray(kernels.active().softmax(z))
