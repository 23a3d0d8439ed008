"""A sum and how many it sums: means of batches of different length add up rightly only in this form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """`total / n`, where batches are added before anything is divided.

    >>> (Tally(6.0, 3) + Tally(4.0, 1)).mean        # not (2 + 4) / 2
    2.5
    """

    total: float = 0.0
    n: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.total + other.total, self.n + other.n)

    @property
    def mean(self) -> float:
        """The mean; of nothing it is nan."""
        return self.total / self.n if self.n else float("nan")
