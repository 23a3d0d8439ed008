"""What a training looks like from inside, step by step: how large activations, gradients and updates are in each layer.

    watch = pl.plot.watched(training, every=20)
    for event in watch: ...                     # the training's own events, to the same bits
    pl.plot.histograms(watch); pl.plot.ratios(watch)

Every so manieth step is traced; of its arrays only counts are kept. Between two events nothing is left in the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.events import Event, StepDone
from pellucid.inspection.trace import Trace
from pellucid.inspection.tracing import tracing
from pellucid.layers.compose import walk
from pellucid.model import Model
from pellucid.train import Training, check_count

SIDE = 128  # bins on each side of 0
FINE = 4  # bins of sizes to each doubling
SMALLEST, LARGEST = -64, 32  # sizes from 2^-64 to 2^32 have bins of their own; what is beyond is in the outermost


@dataclass(frozen=True)
class Values:
    """Counts of numbers in 2 SIDE equal bins from -2^reach to 2^reach; exactly zero and not finite are counted apart.

    The reach is the smallest whole power that holds all of them, so that counts of two steps can be brought to one
    reach by adding neighbouring bins: no number is ever moved to a wrong bin.

    >>> found = Values.of(np.array([0.0, 0.5, 0.6, -0.9, np.nan]))
    >>> found.reach, found.zeros, found.broken, int(found.counts.sum()), round(found.mean, 6)
    (0, 1, 1, 3, 0.05)
    >>> found.widened(2).counts.nonzero()[0] - SIDE
    array([-29,  16,  19])
    """

    counts: Array
    reach: int
    zeros: int
    broken: int
    mean: float
    std: float

    @classmethod
    def of(cls, x: Array) -> Values:
        """Count an array."""
        flat = np.asarray(x, float).ravel()
        finite = flat[np.isfinite(flat)]
        some = finite[finite != 0.0]
        top = float(np.abs(some).max(initial=0.0))
        reach = int(np.frexp(top)[1]) if top else 0  # the smallest power of 2 above it
        places = np.floor(np.ldexp(some, -reach) * SIDE).astype(int) + SIDE
        counts = np.bincount(np.clip(places, 0, 2 * SIDE - 1), minlength=2 * SIDE)
        mean, std = (float(finite.mean()), float(finite.std())) if len(finite) else (float("nan"), float("nan"))
        return cls(counts, reach, len(finite) - len(some), len(flat) - len(finite), mean, std)

    @property
    def total(self) -> int:
        """How many numbers there were."""
        return int(self.counts.sum()) + self.zeros + self.broken

    def widened(self, reach: int) -> Values:
        """The same counts in bins that reach further."""
        counts = self.counts
        for _ in range(reach - self.reach):
            counts = np.pad(counts.reshape(-1, 2).sum(axis=1), SIDE // 2)
        return Values(counts, max(reach, self.reach), self.zeros, self.broken, self.mean, self.std)


@dataclass(frozen=True)
class Sizes:
    """Counts of |numbers| on a fixed scale of powers of 2, FINE bins to a doubling; zeros and not finite apart.

    >>> found = Sizes.of(np.array([0.0, 1.0, -1.0, 2.0, np.inf]))
    >>> found.counts.nonzero()[0] / FINE + SMALLEST, found.zeros, found.broken
    (array([0., 1.]), 1, 1)
    """

    counts: Array
    zeros: int
    broken: int
    typical: float  # the root of the mean square

    @classmethod
    def of(cls, x: Array) -> Sizes:
        """Count an array."""
        flat = np.abs(np.asarray(x, float).ravel())
        finite = flat[np.isfinite(flat)]
        some = finite[finite > 0.0]
        places = np.floor((np.log2(some) - SMALLEST) * FINE).astype(int)
        size = (LARGEST - SMALLEST) * FINE
        counts = np.bincount(np.clip(places, 0, size - 1), minlength=size)
        typical = float(np.sqrt(np.mean(finite * finite))) if len(finite) else float("nan")
        return cls(counts, len(finite) - len(some), len(flat) - len(finite), typical)

    @property
    def total(self) -> int:
        """How many numbers there were."""
        return int(self.counts.sum()) + self.zeros + self.broken


@dataclass(frozen=True)
class Moment:
    """One step: each layer's outputs y, its incoming gradients dL/dy, each array's gradient, and the update's share."""

    step: int
    y: dict[str, Values]
    dy: dict[str, Sizes]
    grad: dict[str, Sizes]
    ratio: dict[str, float]  # |update| / |weights|, by array; nothing where the optimizer is not known


def moment(trace: Trace, step: int, model: Model | None = None) -> Moment:
    """The counts of a traced step. `model` saves the trace from copying its own, of which only the form is asked."""
    model = model or trace.model
    inside = walk(model.net, (1, *model.input_shape))
    leaves = {path: trace.nodes[path] for path, layer, _ in inside if not layer.children()}
    grads, ratios = dict[str, Sizes](), dict[str, float]()
    for path, slot in model.slots.items():
        grads[path] = Sizes.of(trace.grad[slot.at])
        length = float(np.linalg.norm(trace.theta[slot.at]))
        if trace.update is not None and slot.decay and length:  # biases begin at 0: they have no share yet
            ratios[path] = float(np.linalg.norm(trace.update.step[slot.at])) / length
    y = {path: Values.of(node.y) for path, node in leaves.items()}
    dy = {path: Sizes.of(node.dy) for path, node in leaves.items()}
    return Moment(step, y, dy, grads, ratios)


class Watch(Iterator[Event]):
    """A training's events, given on as they come; every so manieth step is looked into. `pl.plot.watched` makes one."""

    def __init__(self, training: Training, every: int) -> None:
        self.training, self.every = training, every
        self.moments: list[Moment] = []

    def __next__(self) -> Event:
        if self.training.step % self.every:
            return next(self.training)
        with tracing(self.training, most=1) as traces:  # for this one step alone
            event = next(self.training)
        if traces and isinstance(event, StepDone):
            self.moments.append(moment(traces[-1], event.step, self.training.model))
        return event


def watched(training: Training, every: int = 10) -> Watch:
    """The same training, with every so manieth step looked into: iterate it instead.

    Args:
        training: what `pl.train` returned.
        every: the first step is looked into, and then every so manieth. Default 10.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(1), input_shape=(1,))
    >>> watch = watched(pl.train(model, (np.ones((8, 1)), np.ones(8)), epochs=4, batch_size=4), every=3)
    >>> events = list(watch)
    >>> [moment.step for moment in watch.moments], list(watch.moments[0].ratio)
    ([1, 4, 7], ['0.dense.W'])
    """
    check_count("every", every, "10 looks into every tenth step")
    return Watch(training, every)


def moments_of(source: Watch | Trace | Sequence[Trace]) -> list[Moment]:
    """The moments of a watched training, of traces, or of one trace."""
    if isinstance(source, Watch):
        found = source.moments
    elif isinstance(source, Trace):
        found = [moment(source, source.step)]
    else:
        found = [moment(trace, trace.step) for trace in source]
    if not found:
        raise UsageError(
            "No step was looked into yet. Iterate the watch: for event in pl.plot.watched(training, every=10): ..."
        )
    return found
