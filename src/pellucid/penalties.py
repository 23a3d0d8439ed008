"""What large weights cost, added to the loss. Sorted by increasing complexity.

A penalty belongs to a whole model (`pl.Model(..., penalty=pl.L2(1e-4))`: all weights, no biases) or to one layer
(`pl.Dense(64, penalty=pl.L1(1e-5))`). There is no factor 1/2 and no division by the number of samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.params import Penalty


def _check(strength: float) -> float:
    if not strength >= 0:
        raise UsageError(f"A penalty's strength is 0 or more, not {strength!r}: a negative one would reward size.")
    return strength


class Summable(Penalty):
    """A penalty that can be added to another: `L1(a) + L2(b)`."""

    def __add__(self, other: Penalty) -> Both:
        return Both(self, other)


@dataclass(frozen=True)
class L2(Summable):
    """strength * sum w^2      dw += 2 strength w

    Pulls every weight towards 0 in proportion to its size: large ones most, none exactly to 0.

    >>> L2(0.5).value(np.array([3.0, -4.0])), L2(0.5).gradient(np.array([3.0, -4.0]))
    (12.5, array([ 3., -4.]))
    """

    strength: float

    def value(self, w: Array) -> float:
        flat = w.ravel()
        return _check(self.strength) * float(flat @ flat)

    def gradient(self, w: Array) -> Array:
        return np.asarray((2.0 * self.strength) * w)


@dataclass(frozen=True)
class L1(Summable):
    """strength * sum |w|      dw += strength sign(w)

    Pulls every weight towards 0 with the same force, so small ones arrive there. At exactly 0 there is no pull.

    >>> L1(0.5).value(np.array([3.0, -4.0])), L1(0.5).gradient(np.array([3.0, 0.0, -4.0]))
    (3.5, array([ 0.5,  0. , -0.5]))
    """

    strength: float

    def value(self, w: Array) -> float:
        return _check(self.strength) * float(np.sum(np.abs(w)))

    def gradient(self, w: Array) -> Array:
        return np.asarray(self.strength * np.sign(w))


@dataclass(frozen=True)
class Both(Summable):
    """The sum of two penalties; `L1(a) + L2(b)` makes one (the elastic net).

    >>> (L1(1.0) + L2(1.0)).value(np.array([2.0]))
    6.0
    """

    first: Penalty
    second: Penalty

    def value(self, w: Array) -> float:
        return self.first.value(w) + self.second.value(w)

    def gradient(self, w: Array) -> Array:
        return np.asarray(self.first.gradient(w) + self.second.gradient(w))
