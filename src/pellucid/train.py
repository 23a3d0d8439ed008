"""Training is a generator of events. To pause is to stop asking; to stop is to leave the loop.

    for event in pl.train(model, (x, t), optimizer=pl.Adam(1e-3), epochs=10):
        ...                                    # your loop, your words

One step is: take a batch, forward, loss, backward, update. `Training._step` is that sentence in code. Between two
events a training is at rest: it may be saved then, and another process may go on from there to the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.run import PREDICT, Run
from pellucid.base.seeds import stream
from pellucid.base.tally import Tally
from pellucid.data.augment import Augment
from pellucid.data.batches import as_data, check_finite
from pellucid.data.chain import changed
from pellucid.diverged import diverged, notes
from pellucid.events import EpochDone, Event, History, Noted, StepDone
from pellucid.layers.compose import masked
from pellucid.metrics import metric_name
from pellucid.model import Metric, Model
from pellucid.optim import Adam, Optimizer, clip_norm


@dataclass(slots=True)
class Best:
    """The best weights so far, by one figure of the history."""

    value: float
    epoch: int
    theta: Array
    buffers: Array


class Training(Iterator[Event]):
    """A training under way: iterate it for its events; between two events everything about it can be read.

    Args:
        model: what is trained, in place.
        data: a pair (x, t), a triple (x, t, weights), or a `pl.Data`. Raw: the model's preparation is applied.
        optimizer: how the parameters move. Default `Adam(1e-3)`.
        epochs: how often every sample is seen.
        batch_size: how many samples make a step; the last batch of an epoch may be shorter. Default 128.
        validation: samples that are only measured, in the forms of `data`. Default none.
        metrics: functions of (predictions, targets), reported beside the loss. Default none.
        seed: the order of the samples, dropout and augmentation follow from it. Default 0.
        augment: changes each raw training batch: `augment(x, rng)`, such as `pl.Shift(1)`, or a `pl.Chain` of several;
            `pl.Mixup` changes the targets too. Default none.
        clip: the greatest length of the gradient; a longer one is shortened. Default no limit.

    Raises:
        Diverged: when a number is no longer finite; the message names the first array, its layer and the step.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(1), input_shape=(1,))
    >>> training = pl.Training(model, ([[0.0], [1.0]], [0.0, 1.0]), epochs=1, batch_size=1)
    >>> [type(event).__name__ for event in training]
    ['Noted', 'StepDone', 'StepDone', 'EpochDone']
    >>> training.step, training.epoch, list(training.history[0])
    (2, 1, ['epoch', 'loss', 'lr'])
    """

    def __init__(
        self,
        model: Model,
        data: Any,
        *,
        optimizer: Optimizer | None = None,
        epochs: int,
        batch_size: int = 128,
        validation: Any = None,
        metrics: Sequence[Metric] = (),
        seed: int = 0,
        augment: Augment | None = None,
        clip: float | None = None,
    ) -> None:
        check_count("batch_size", batch_size, "32 to 512 are common")
        check_count("epochs", epochs, "it is how often every sample is seen")
        if clip is not None and not clip > 0:
            raise UsageError(f"clip is the gradient's greatest length and must be above 0, not {clip!r}.")
        self.model, self.data = model, as_data(data)
        self.validation = None if validation is None else as_data(validation, name="validation")
        self.optimizer = optimizer if optimizer is not None else Adam(1e-3)
        self.epochs, self.batch_size, self.metrics = epochs, batch_size, tuple(metrics)
        self.seed, self.augment, self.clip = seed, augment, clip
        for part in (self.data, self.validation):
            if part is not None:
                check_finite(part)
                masked(model.net, PREDICT, part.mask)
        if self.validation is not None:  # say now, not after the first epoch, that it does not fit
            v = self.validation
            model.check_input(np.asarray(model.prepared(v.x[:1])))
            model.loss.targets(v.t, (len(v), *model.output_shape))
        self.t = model.loss.targets(self.data.t, (len(self.data), *model.output_shape))
        self.optimizer.start(model.theta, model.decays(), seed)
        self.noise, self.augmentation = stream(seed, "noise"), stream(seed, "augment")
        self.epoch = 0  # whole epochs done
        self.batch = 0  # batches done in the present epoch
        self.step = 0  # batches done in all
        self.sums: dict[str, Tally] = {}  # the present epoch's figures so far
        self.history = History()
        self.best: Best | None = None
        self._events = self._run()

    def __next__(self) -> Event:
        return next(self._events)

    @property
    def steps_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return ceil(len(self.data) / self.batch_size)

    def _run(self) -> Iterator[Event]:
        self.model.history = self.history
        if self.step == 0:
            for text in notes(self.model, self.data):
                yield Noted(text)
        while self.epoch < self.epochs:
            start = time.perf_counter()
            samples = self.data.order(self.seed, self.epoch)
            while self.batch < self.steps_per_epoch:
                first = self.batch * self.batch_size
                yield self._step(samples[first : first + self.batch_size])
            yield self._end_of_epoch(start)

    def _step(self, at: Array) -> StepDone:
        """Take a batch, forward, loss, backward, update."""
        model, weights, mask = self.model, self.data.weights, self.data.mask
        x, t, w = self.data.x[at], self.t[at], None if weights is None else weights[at]
        m = None if mask is None else mask[at]
        if self.augment is not None:
            x, t, w = changed(self.augment, (x, t, w), self.augmentation, model.output_shape)
        x = model.check_input(model.prepared(x))
        with np.errstate(all="ignore"):  # an overflow is caught below, by name, instead of warned about
            tally, _, cache = model.forward_backward(x, t, masked(model.net, Run(training=True, rng=self.noise), m), w)
            if not isfinite(tally.total):
                raise diverged(model, x, t, w, self.step + 1, self.optimizer.rate, m)
            if self.clip is not None:
                clip_norm(model.grad, self.clip)
            rate = self.optimizer.rate
            self.optimizer.step(model.theta, model.grad, loss=lambda: self._loss(x, t, w, m))
        self.batch, self.step = self.batch + 1, self.step + 1
        self._add("loss", tally)
        for f in self.metrics:
            self._add(metric_name(f), Tally(f(cache["y"], t) * len(t), len(t)))
        return StepDone(self.step, self.epoch + 1, tally.mean, rate)

    def _loss(self, x: Array, t: Array, w: Array | None, m: Array | None) -> float:
        """The loss of a batch at the parameters as they stand, with nothing dropped."""
        z, _ = self.model.net.forward(x, masked(self.model.net, PREDICT, m))
        tally = self.model.loss.forward(z, t, w)[0]
        return tally.mean + sum(p.value(self.model.theta[at]) for at, p in self.model.penalties)

    def _add(self, name: str, tally: Tally) -> None:
        self.sums[name] = self.sums.get(name, Tally()) + tally

    def _end_of_epoch(self, start: float) -> EpochDone:
        model, done = self.model, self.epoch + 1
        if not np.isfinite(model.theta).all():
            raise diverged(model, None, None, None, self.step, self.optimizer.rate)
        means = {name: tally.mean for name, tally in self.sums.items()}
        event = EpochDone(done, self.step, means.pop("loss"), means, lr=self.optimizer.rate)
        if self.validation is not None:
            v = self.validation
            figures = model.evaluate(v.x, v.t, self.metrics, weights=v.weights, mask=v.mask)
            event.val_loss, event.val_metrics = figures.pop("loss"), figures
        event.seconds = time.perf_counter() - start
        self.epoch, self.batch, self.sums = done, 0, {}
        self.history.append(event.row())
        return event


def train(model: Model, data: Any, *, optimizer: Optimizer | None = None, epochs: int, **options: Any) -> Training:
    """Train a model, one event at a time: `StepDone` after every batch, `EpochDone` after every epoch.

    The arguments are those of `pl.Training`; what is returned is one, to be iterated.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(1), input_shape=(1,))
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> for event in pl.train(model, (x, 3 * x), optimizer=pl.Adam(0.1), epochs=200):
    ...     if isinstance(event, pl.EpochDone) and event.loss < 1e-3:
    ...         break
    >>> event.epoch < 200
    True
    """
    return Training(model, data, optimizer=optimizer, epochs=epochs, **options)


def check_count(name: str, value: Any, hint: str) -> None:
    """Refuse what is not a whole number of at least 1, with a hint at what is common."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise UsageError(f"{name} is a whole number, 1 or more, not {value!r}; {hint}.")
