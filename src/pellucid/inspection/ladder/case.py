"""What the doctor examines: a network, its data and how it is to be trained. Nothing in it is ever changed.

Every experiment works on copies, and a cure is another case. Whatever is drawn follows from the seed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, log
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.seeds import stream
from pellucid.data.augment import Augment
from pellucid.data.batches import Data
from pellucid.layers import Embedding
from pellucid.layers.compose import walk
from pellucid.losses import BinaryCrossEntropy, CategoricalCrossEntropy, ClassLoss, Scaled, SigmoidCrossEntropy
from pellucid.model import Model
from pellucid.optim import Optimizer
from pellucid.schedules import as_schedule

PROBE = 512  # samples on which a figure is measured


class OutOfTime(Exception):
    """The time that was given is over; the experiment under way is left out."""


@dataclass(frozen=True)
class Clock:
    """When the experiments must be over. It never changes what one of them finds, only whether it is made."""

    end: float = float("inf")

    @classmethod
    def of(cls, seconds: float | None) -> Clock:
        """A clock that ends so many seconds from now, or never."""
        return cls() if seconds is None else cls(time.monotonic() + seconds)

    def check(self) -> None:
        """Raise if the time is over."""
        if time.monotonic() > self.end:
            raise OutOfTime


@dataclass(frozen=True)
class Case:
    """A training that was not made yet.

    Args:
        model: the network, as it stands.
        data: what it is to learn, raw.
        validation: what it is only measured on.
        optimizer: how the parameters are to move; only its settings are looked at.
        epochs: how often every sample is to be seen.
        batch_size, clip, augment, seed: as for `pl.train`.
        clock: when the experiments must be over.
        typed: cures are written as options of the command line, instead of as Python.
    """

    model: Model
    data: Data
    validation: Data
    optimizer: Optimizer
    epochs: int = 10
    batch_size: int = 128
    clip: float | None = None
    augment: Augment | None = None
    seed: int = 0
    clock: Clock = Clock()
    typed: bool = False

    def but(self, **changes: Any) -> Case:
        """The same case with something else about it."""
        return replace(self, **changes)

    def code(self, python: str, options: str = "") -> str:
        """A cure as the reader writes it."""
        return options if self.typed and options else python

    # ---- the data -----------------------------------------------------------------------------------------------

    @cached_property
    def probe(self) -> Data:
        """Some of the training samples, always the same."""
        return some(self.data, PROBE, self.seed, "probe")

    @cached_property
    def held_out(self) -> Data:
        """Some of the validation samples, always the same."""
        return some(self.validation, PROBE, self.seed, "held out")

    def prepared(self, data: Data) -> tuple[Array, Array]:
        """Inputs and targets in the forms in which the layers and the loss take them."""
        x = self.model.check_input(np.asarray(self.model.prepared(data.x)))
        return x, self.model.loss.targets(data.t, (len(data), *self.model.output_shape))

    @property
    def takes_ids(self) -> bool:
        """Whether the inputs are ids, which have no size."""
        layers = [layer for _, layer, _ in walk(self.model.net, (1, *self.model.input_shape))]
        return any(isinstance(layer, Embedding) for layer in layers)

    # ---- what is to be learned ----------------------------------------------------------------------------------

    @property
    def yes_or_no(self) -> bool:
        """Whether every output is a yes or a no of its own."""
        return isinstance(self.model.loss, SigmoidCrossEntropy | BinaryCrossEntropy)

    @property
    def classes(self) -> int:
        """How many answers there are; 0 for measured values."""
        if isinstance(self.model.loss, ClassLoss):
            return int(self.model.output_shape[-1])
        return 2 if self.yes_or_no else 0

    def ids(self, data: Data) -> Array | None:
        """The class of each sample, (N,); None where a sample has no single class."""
        t = self.model.loss.targets(data.t, (len(data), *self.model.output_shape))
        if not self.classes:
            return None
        if len(self.model.output_shape) > 1:
            return None  # a class for every time step or place
        if t.ndim == 2 and t.shape[1] > 1:
            return None if self.yes_or_no and not (t.sum(axis=1) == 1).all() else np.asarray(t.argmax(axis=1))
        return np.asarray(t.reshape(len(t), -1)[:, 0], np.int64) if t.size == len(t) else None

    @cached_property
    def chance(self) -> float:
        """The loss of a network that knows nothing: ln C for C classes, the targets' variance for values."""
        loss, t = self.model.loss, self.prepared(self.probe)[1]
        if isinstance(loss, ClassLoss):
            return log(self.model.output_shape[-1])
        if self.yes_or_no:
            return log(2.0)
        inner = loss.loss if isinstance(loss, Scaled) else loss
        flat = np.asarray(t, np.float64)
        if isinstance(loss, Scaled):
            flat = (flat - np.asarray(loss.mean)) / np.asarray(loss.std)
        middle = np.broadcast_to(flat.mean(axis=0), flat.shape)
        return float(inner.forward(middle, flat)[0].mean)

    def loss_of(self, model: Model, data: Data) -> float:
        """The mean loss of a model on samples, without its penalties."""
        with np.errstate(all="ignore"):
            figure = model.evaluate(data.x, data.t, (), weights=data.weights, mask=data.mask)["loss"]
        return figure - sum(p.value(model.theta[at]) for at, p in model.penalties)

    # ---- how it is trained --------------------------------------------------------------------------------------

    @property
    def batch(self) -> int:
        """Samples in a step."""
        return min(self.batch_size, len(self.data))

    @property
    def planned(self) -> int:
        """Steps of the whole training."""
        return self.epochs * ceil(len(self.data) / self.batch_size)

    @cached_property
    def peak(self) -> float:
        """The highest learning rate of the whole training."""
        rate = as_schedule(self.optimizer.lr)
        every = max(1, self.planned // 200)
        return max(rate(step) for step in range(0, self.planned, every))

    @property
    def rated(self) -> str:
        """The optimizer in code, with the rate left to be filled in."""
        momentum = getattr(self.optimizer, "momentum", 0.0)
        return f"pl.{type(self.optimizer).__name__}({{:g}}" + (f", momentum={momentum:g})" if momentum else ")")


def some(data: Data, count: int, seed: int, name: str) -> Data:
    """At most so many of the samples, chosen by chance."""
    if len(data) <= count:
        return data
    return data[np.sort(stream(seed, name).permutation(len(data))[:count])]


def probabilities(model: Model) -> bool:
    """Whether the loss wants probabilities instead of scores."""
    return isinstance(model.loss, CategoricalCrossEntropy | BinaryCrossEntropy)
