"""How a recipe divides its set into what is learned and what is judged. Nothing is chosen by what is judged.

Each is a small record that gives pairs (to learn from, to be judged on), one or several, and says in words which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid.data.batches import Data
from pellucid.data.split import folds, group_folds, split
from pellucid.datasets.images import malaria
from pellucid.datasets.load import load

Pairs = Iterator[tuple[Data, Data]]


class Divide(ABC):
    """The parent of all. `count` is how many pairs there are."""

    count: int = 1

    @abstractmethod
    def __call__(self, name: str, most: int | None = None, judged: int | None = None) -> Pairs:
        """The pairs of the set of this name; at most `most` samples to learn from and `judged` to be judged on."""

    def words(self, judge: Data) -> str:
        """What was judged, in words; `judge` is the last part that was."""
        return str(self)


@dataclass(frozen=True)
class OwnTest(Divide):
    """The test part that the set is published with."""

    def __call__(self, name: str, most: int | None = None, judged: int | None = None) -> Pairs:
        train, test = load(name)
        assert test is not None, f"{name} has no test part of its own"
        yield some(train, most), some(test, judged)

    def words(self, judge: Data) -> str:
        """The part's own name: what is not the whole test part must not pass for it."""
        return Path(judge.name).name

    def __str__(self) -> str:
        return "its own test part"


@dataclass(frozen=True)
class HeldOut(Divide):
    """A share of the samples, chosen by chance, every class in proportion."""

    share: float = 0.1
    seed: int = 1

    def __call__(self, name: str, most: int | None = None, judged: int | None = None) -> Pairs:
        learn, judge = split(load(name)[0], self.share, self.seed)
        yield some(learn, most), some(judge, judged)

    def __str__(self) -> str:
        return f"{100 * self.share:g} % held out"


@dataclass(frozen=True)
class Folds(Divide):
    """Cross-validation: every sample is judged once, by a network that did not see it."""

    count: int = 5

    def __call__(self, name: str, most: int | None = None, judged: int | None = None) -> Pairs:
        data = some(load(name)[0], most)
        for learn, judge in folds(data.t, self.count):
            yield data[learn], data[judge]

    def __str__(self) -> str:
        return f"{self.count} folds"


@dataclass(frozen=True)
class PatientFolds(Divide):
    """Cross-validation of the malaria cells: all cells of a patient are in one fold."""

    count: int = 5

    def __call__(self, name: str, most: int | None = None, judged: int | None = None) -> Pairs:
        data, patients = malaria()
        for learn, judge in group_folds(patients, self.count):
            yield some(data[learn], most), some(data[judge], judged)

    def __str__(self) -> str:
        return f"{self.count} folds by patient"


def some(data: Data, most: int | None) -> Data:
    """At most so many of the samples, chosen by chance, always the same.

    >>> len(some(Data(np.zeros((9, 1)), np.zeros(9)), 4))
    4
    """
    if most is None or len(data) <= most:
        return data
    return data[np.random.default_rng(0).permutation(len(data))[:most]]
