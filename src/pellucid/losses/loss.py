"""How wrong an answer is, as one number, and its derivative.

A loss knows four things: its value, its gradient with respect to the scores, which targets it takes, and its *link*:
the function that makes of the scores what a person reads (probabilities, or just the values).

The value and the gradient are one function. Both divide by the same number of samples, here and nowhere else: that is
why no layer divides. With weights the mean is the weighted mean, `sum_n w_n l_n / sum_n w_n`: a sample of weight 2
counts exactly as if it stood there twice.

Read this file first, then numbers.py (regression, and yes-or-no answers) and classes.py (one answer out of K).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.tally import Tally


class Loss(ABC):
    """`tally, cache = forward(z, t, weights)` and `dz = backward(cache)`.

    z are the network's outputs (scores), t the targets, weights one number a sample or None. `tally.mean` is the
    reported loss and dz its derivative with respect to z. `cache["y"]` is link(z), what a person reads.
    """

    @abstractmethod
    def forward(self, z: Array, t: Array, weights: Array | None = None) -> tuple[Tally, Cache]:
        """The loss's sum and count, and what backward needs."""

    @abstractmethod
    def backward(self, cache: Cache) -> Array:
        """dL/dz, in z's shape."""

    @abstractmethod
    def targets(self, t: Array, z: Shape) -> Array:
        """The targets in the form forward wants, for scores of shape z; an error says what does not fit."""

    def link(self, z: Array) -> Array:
        """What a person reads: here the scores themselves."""
        return z


def share(n: float) -> float:
    """1 / n; a batch whose weights are all 0 has no share, and teaches nothing.

    >>> share(4.0), share(0.0)
    (0.25, 0.0)
    """
    return 1.0 / n if n else 0.0
