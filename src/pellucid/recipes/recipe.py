"""A recipe: everything that decides what a network learns of a set, in one record of plain numbers.

Two runs of one recipe with the same versions on one machine end at the same weights, so a result can be kept with the
recipe's fingerprint and need not be computed again while neither has changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pellucid.data.augment import Augment
from pellucid.optim import Adam, AdamW, Optimizer
from pellucid.recipes.divide import Divide, OwnTest
from pellucid.recipes.networks import Network
from pellucid.schedules import exponential, one_cycle

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Falling:
    """Adam whose rate is multiplied by `factor` after every epoch, in equal steps.

    >>> Falling(0.01, 0.25)(epochs=3, steps=2).rate, Falling(0.01, 0.25)(epochs=3, steps=2).lr(2)
    (0.01, 0.0025)
    """

    rate: float
    factor: float
    kind: type[Adam] | type[AdamW] = Adam

    def __call__(self, epochs: int, steps: int) -> Optimizer:
        """The optimizer for so many epochs of so many steps."""
        return self.kind(exponential(self.rate, self.factor ** (1 / steps)))


@dataclass(frozen=True)
class Cycle:
    """AdamW whose rate rises to `peak` and falls to almost nothing in the course of the whole training."""

    peak: float
    decay: float = 0.05

    def __call__(self, epochs: int, steps: int) -> Optimizer:
        """The optimizer for so many epochs of so many steps."""
        return AdamW(one_cycle(self.peak, epochs * steps), weight_decay=self.decay)


@dataclass(frozen=True)
class Quick:
    """What `--quick` leaves of a recipe: at most so many samples, epochs, judged samples, folds and networks."""

    samples: int | None = None
    epochs: int = 5
    judged: int | None = 2_000
    folds: int = 5
    networks: int = 1


@dataclass(frozen=True)
class Before:
    """What somebody reached on this set before: a figure as it was published, and whose."""

    figure: str
    who: str


@dataclass(frozen=True)
class Recipe:
    """How one network learns one set.

    Args:
        name: what it is called, such as mnist-cnn.
        data: the set's name in the catalogue.
        network: builds the network around the part that is learned: `network(data, seed)`.
        divide: what is learned and what is judged.
        optimizer: the optimizer for so many epochs of so many steps.
        epochs, batch_size, augment: as for `pl.train`.
        smoothing: the share of every target that is divided among all classes. Default 0: targets are certain.
        networks: how many learn the same; the mean of what they say counts. Default 1.
        unit: of the values that are learned, for people. Default none.
        aim: the accuracy or R^2 that is to be reached; None if nobody set one.
        before: what others reached, the best last.
        quick: what `--quick` leaves of it.
    """

    name: str
    data: str
    network: Network
    optimizer: Callable[[int, int], Optimizer]
    epochs: int
    batch_size: int
    divide: Divide = OwnTest()
    augment: Augment | None = None
    smoothing: float = 0.0
    networks: int = 1
    unit: str = field(default="", repr=False)
    aim: float | None = field(default=None, repr=False)
    before: tuple[Before, ...] = field(default=(), repr=False)
    quick: Quick = field(default=Quick(), repr=False)

    def fingerprint(self, quick: bool = False) -> str:
        """16 letters that change with whatever changes what is learned or judged, and with nothing else."""
        text = ADDRESS.sub("", f"{self!r} {self.quick if quick else ''}")
        return hashlib.sha256(text.encode()).hexdigest()[:16]
