"""Several changes of a batch, one after the other; and the one door through which training gives a batch to any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.data.augment import Augment
from pellucid.data.mixing import Batch, Mixing
from pellucid.data.resample import Warp, warped


@dataclass(frozen=True, init=False)
class Chain(Mixing):
    """Several changes, one after the other; each draws its own random numbers.

    Neighbours that move points (`pl.Rotate`, `pl.Scale`, `pl.Shear`, `pl.Crop`, `pl.Elastic`) and have the same `fill`
    are joined: their maps are multiplied and each picture is looked up once, so it is blurred once and costs one.

    Args:
        steps: functions `(x, rng) -> x`, in their order.

    >>> from pellucid.data import Flip, Shift
    >>> Chain(Flip(), Shift(4))
    Chain(steps=(Flip(vertical=False), Shift(pixels=4, fill=0.0)))
    >>> Chain(Flip(), Shift(1))(np.array([[[1, 2], [3, 4]]]), np.random.default_rng(4))[0]
    array([[3, 0],
           [0, 0]])
    """

    steps: tuple[Augment, ...]

    def __init__(self, *steps: Augment) -> None:
        object.__setattr__(self, "steps", steps)

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """The pictures after every step."""
        for run in joined(self.steps):
            x = warped(run, x, rng) if len(run) > 1 else run[0](x, rng)
        return x

    def mix(self, batch: Batch, rng: np.random.Generator, answers: Shape) -> Batch:
        """The batch after every step; those that mix targets change them too."""
        for run in joined(self.steps):
            if len(run) > 1:
                batch = (warped(run, batch[0], rng), *batch[1:])
            else:
                batch = changed(run[0], batch, rng, answers)
        return batch


def joined(steps: Iterable[Any]) -> Iterator[list[Any]]:
    """The steps in their order, those together that can be looked up at once.

    >>> from pellucid.data import Flip, Rotate, Shear
    >>> [len(run) for run in joined((Flip(), Rotate(5), Shear(0.1), Flip(), Flip()))]
    [1, 2, 1, 1]
    """
    run: list[Any] = []
    for step in steps:
        if run and not (isinstance(step, Warp) and isinstance(run[-1], Warp) and step.fill == run[-1].fill):
            yield run
            run = []
        run = [*run, step]
    if run:
        yield run


def changed(augment: Augment, batch: Batch, rng: np.random.Generator, answers: Shape) -> Batch:
    """A batch (x, t, weights) after its augmentation. Most change x alone; those that mix samples change all three.

    Args:
        augment: what changes it.
        batch: raw inputs, targets, and weights or None.
        rng: what the changes are drawn from.
        answers: the shape of one answer of the network, so that class ids can become shares of that many classes.
    """
    thing: Any = augment
    if isinstance(thing, Mixing):
        return thing.mix(batch, rng, answers)
    return (augment(batch[0], rng), *batch[1:])
