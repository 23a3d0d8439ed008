"""Changes that make one sample of two, so that the targets must change with the inputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import UsageError
from pellucid.data.augment import check_pictures, check_strength, like

Batch = tuple[Array, Array, Array | None]  # x, t, weights


class Mixing(ABC):
    """The parent of the changes that get a whole batch: inputs, targets and weights."""

    @abstractmethod
    def mix(self, batch: Batch, rng: np.random.Generator, answers: Shape) -> Batch:
        """The changed batch; `answers` is the shape of one answer of the network."""


@dataclass(frozen=True)
class Mixup(Mixing):
    """x = l x1 + (1 - l) x2      t = l t1 + (1 - l) t2      l from Beta(strength, strength), the larger part first

    Each picture is laid over another one of its batch, and the network is asked for both in proportion (Zhang et al.
    2018). Class ids become shares, which every loss of classes takes; numbers to predict are mixed as they are. With
    sample weights the targets are mixed by weight, so that the loss is that of both, and w = l w1 + (1 - l) w2. The
    accuracy of the training part then counts the larger of the two, and is lower than without.

    Args:
        strength: 0 mixes nothing, 0.2 mostly a little, 1 any share alike. Default 0.2.

    >>> batch = np.array([[[0.0, 8.0]], [[8.0, 0.0]]]), np.array([0, 2]), None
    >>> x, t, _ = Mixup(1.0).mix(batch, np.random.default_rng(3), (3,))
    >>> x[:, 0].round(1), t.round(2)
    (array([[1.1, 6.9],
           [4.2, 3.8]]), array([[0.86, 0.  , 0.14],
           [0.47, 0.  , 0.53]], dtype=float32))
    """

    strength: float = 0.2

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Refused: pictures alone cannot be mixed honestly."""
        raise UsageError("Mixup mixes targets as well as pictures: pl.train and model.fit give it both; or call mix.")

    def mix(self, batch: Batch, rng: np.random.Generator, answers: Shape) -> Batch:
        """Mixed copies of pictures x (N, H, W) or (N, H, W, C), their targets as shares, and their weights."""
        check_strength(self, "strength", 0.0)
        x, t, w = batch
        check_pictures("Mixup", x)
        if t.shape[1:] != answers:
            t = np.eye(answers[-1], dtype=np.float32)[t]  # class ids (N,) as shares (N, K)
        N = len(x)
        other = rng.permutation(N)
        share = rng.beta(self.strength, self.strength, N) if self.strength else np.ones(N)
        share = np.maximum(share, 1.0 - share).astype(np.float32)  # (N,), at least a half
        first, second = (share, 1.0 - share) if w is None else (share * w, (1.0 - share) * w[other])
        total = first + second  # 1, or the weight of the mixture
        first, second = (part / np.where(total > 0, total, 1.0) for part in (first, second))
        t = _along(first, t) * t + _along(second, t) * t[other]
        x = like(_along(share, x) * x + _along(1.0 - share, x) * x[other], x)
        return x, t, None if w is None else total


def _along(shares: Array, x: Array) -> Array:
    """One number a sample, so shaped that it multiplies x (N, ...)."""
    return shares.reshape(-1, *[1] * (x.ndim - 1))
