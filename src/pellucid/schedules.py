"""The learning rate as a function of the step: `schedule(step) -> rate`, steps counted from 0.

Any function from a step to a rate is a schedule; these are the usual ones, as small frozen objects so that a
checkpoint can write them down. Sorted by increasing complexity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi

from pellucid.base.errors import UsageError

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class constant:
    """lr at every step, whatever the step.

    >>> constant(0.1)(1000)
    0.1
    """

    lr: float

    def __call__(self, step: int) -> float:
        return self.lr


@dataclass(frozen=True)
class inverse_decay:
    """lr / (1 + decay * step)      the book's decay

    >>> inverse_decay(1.0, 0.1)(10)
    0.5
    """

    lr: float
    decay: float

    def __call__(self, step: int) -> float:
        return self.lr / (1.0 + self.decay * step)


@dataclass(frozen=True)
class step_decay:
    """lr * factor^(step // every)      stairs

    >>> step_decay(1.0, every=100, factor=0.5)(250)
    0.25
    """

    lr: float
    every: int
    factor: float = 0.1

    def __call__(self, step: int) -> float:
        return float(self.lr * self.factor ** (step // _positive("every", self.every)))


@dataclass(frozen=True)
class exponential:
    """lr * factor^step      a little less at every step

    >>> exponential(1.0, 0.5)(3)
    0.125
    """

    lr: float
    factor: float

    def __call__(self, step: int) -> float:
        return float(self.lr * self.factor**step)


@dataclass(frozen=True)
class cosine:
    """final + (lr - final) (1 + cos(pi step / steps)) / 2, then final      (Loshchilov and Hutter 2017)

    >>> [cosine(1.0, 100)(step) for step in (0, 50, 100, 200)]
    [1.0, 0.5, 0.0, 0.0]
    """

    lr: float
    steps: int
    final: float = 0.0

    def __call__(self, step: int) -> float:
        share = min(step / _positive("steps", self.steps), 1.0)
        return self.final + (self.lr - self.final) * 0.5 * (1.0 + cos(pi * share))


@dataclass(frozen=True)
class warmup:
    """then(0) * (step + 1) / steps for the first `steps` steps, after that `then`, counted from its own 0

    Args:
        steps: how long to warm up.
        then: the schedule (or the rate) that follows.

    >>> [warmup(4, 0.8)(step) for step in (0, 1, 3, 4)]
    [0.2, 0.4, 0.8, 0.8]
    """

    steps: int
    then: Schedule | float

    def __call__(self, step: int) -> float:
        then = as_schedule(self.then)
        if step < self.steps:
            return then(0) * (step + 1) / self.steps
        return then(step - self.steps)


@dataclass(frozen=True)
class one_cycle:
    """From peak / 25 up to peak in the first `rise` of the steps, then down to peak / 10000, both along a cosine.

    Args:
        peak: the highest rate (Smith 2018); may be several times what a constant rate would bear.
        steps: how many steps the cycle has.
        rise: the share of the steps that goes up. Default 0.3.

    >>> [round(one_cycle(1.0, 100)(step), 4) for step in (0, 30, 100)]
    [0.04, 1.0, 0.0001]
    """

    peak: float
    steps: int
    rise: float = 0.3

    def __call__(self, step: int) -> float:
        top = self.rise * _positive("steps", self.steps)
        if step < top:
            return self._between(self.peak / 25.0, self.peak, step / top)
        return self._between(self.peak, self.peak / 1e4, min((step - top) / max(self.steps - top, 1.0), 1.0))

    @staticmethod
    def _between(a: float, b: float, share: float) -> float:
        return b + (a - b) * 0.5 * (1.0 + cos(pi * share))


def _positive(name: str, count: int) -> int:
    if count < 1:
        raise UsageError(f"A schedule's {name} is a number of steps, 1 or more, not {count!r}.")
    return count


def as_schedule(lr: float | Schedule) -> Schedule:
    """A rate as a schedule; a schedule as it is.

    >>> as_schedule(0.1)(7)
    0.1
    """
    return lr if callable(lr) else constant(float(lr))
