"""From a checkpoint on: the steps of a recorded training made once more, each held against what was recorded."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from pellucid.base.errors import DataError, FileError
from pellucid.checkpoint import resume
from pellucid.data.augment import Augment
from pellucid.data.batches import Data
from pellucid.describe import rebuild
from pellucid.events import EpochDone, StepDone
from pellucid.inspection.recordfile import Lines, digest, finite, state_digest
from pellucid.kernels import active
from pellucid.model import Metric
from pellucid.store import model_from, read
from pellucid.train import Best, Training

NOTHING = "Nothing was recorded to compare with."


class NotTheSame(DataError):
    """What was recomputed is not what was recorded; the message says at which step, and what may be the cause."""


@dataclass(frozen=True)
class Verified:
    """What came out when steps were recomputed.

    `steps` is how many losses were those recorded; `marks` are the places where the weights were, each as its step,
    what it is, and their digest. `trouble` says what was not the same, and is empty if nothing was.
    """

    steps: int
    marks: tuple[tuple[int, str, str], ...]
    trouble: str = ""

    @property
    def ok(self) -> bool:
        """Whether every loss and every digest came out as recorded."""
        return not self.trouble

    def __str__(self) -> str:
        if self.trouble:
            return self.trouble
        if not self.steps and not self.marks:
            return NOTHING
        return f"{self.steps:,} steps recomputed: every loss and all {len(self.marks)} digests are those recorded."


@dataclass(frozen=True)
class Parts:
    """What a training is made of besides its checkpoint. `arguments` are those of `checkpoint.arguments_of`."""

    data: Data
    validation: Data | None
    metrics: tuple[Metric, ...]
    augment: Augment | None
    extra: tuple[type, ...]
    arguments: dict[str, Any]
    epochs: int


def start(path: Path, parts: Parts) -> Training:
    """A training in the state of a checkpoint."""
    arrays, doc = read(path)
    if (then := doc["versions"]["kernels"]) != active().NAME:
        raise DataError(
            f"{path} was made with other kernels (checkpoint {then}, now {active().NAME}), so the same bits would not "
            f"come out. Set PELLUCID_KERNELS={then} and ask again."
        )
    training = Training(
        model_from(path, arrays, doc, parts.extra),
        parts.data,
        optimizer=rebuild(doc["optimizer"], parts.extra, f"{path}: optimizer"),
        epochs=parts.epochs,
        batch_size=parts.arguments["batch_size"],
        validation=parts.validation,
        metrics=parts.metrics,
        seed=parts.arguments["seed"],
        augment=parts.augment,
        clip=parts.arguments["clip"],
    )
    return resume(training, path, parts.arguments)


class Comparison:
    """Holds what is recomputed against the lines of a recording.

    Args:
        lines: the recording's.
        first: the step after which they begin.
        exact: raise `NotTheSame` at the first difference. Without, nothing is compared.
        apart: makes the message, from the step and what differs.
    """

    def __init__(self, lines: Lines, first: int, exact: bool, apart: Any) -> None:
        self.lines, self.first, self.exact, self.apart = lines, first, exact, apart
        self.by_epoch = {line["epoch"]: line for line in lines.epochs}
        self.steps = 0  # how many were the same
        self.marks: list[tuple[int, str, str]] = []  # where the weights were: the step, in words, the digest

    def advance(self, training: Training, step: int) -> None:
        """Go on to where the training is at rest after `step`, comparing on the way."""
        self.weights(training)
        while training.step < step or training.batch == training.steps_per_epoch:
            event = next(training, None)
            if event is None:
                raise NotTheSame(self.apart(training.step, "the training ended here"))
            if isinstance(event, StepDone):
                self.step(event)
            elif isinstance(event, EpochDone):
                self.epoch(event, training)
            if training.batch < training.steps_per_epoch:
                self.weights(training)

    def step(self, event: StepDone) -> None:
        """The step's loss and rate are those recorded."""
        at = event.step - self.first - 1
        if not self.exact or not 0 <= at < len(self.lines.steps):
            return
        for name, now in (("loss", finite(event.loss)), ("lr", finite(event.lr))):
            if self.lines.steps[at][name] != now:
                raise NotTheSame(self.apart(event.step, f"its {name} is {now!r}, not {self.lines.steps[at][name]!r}"))
        self.steps += 1

    def epoch(self, event: EpochDone, training: Training) -> None:
        """The weights at the epoch's end are those recorded; the best ones are kept where `keep_best` kept them."""
        line = self.by_epoch.get(event.epoch)
        if line is None:
            return
        value, when = line.get("best") or (None, None)
        if when == event.epoch:
            model, nan = training.model, float("nan")
            value = nan if value is None else value
            training.best = Best(value, when, model.theta.copy(), model.buffers.copy())
        self._same(training, f"the end of epoch {event.epoch}", line["digest"])

    def weights(self, training: Training) -> None:
        """Where a checkpoint was written, the weights and the rest of the state are those that it was made of."""
        line = self.lines.digests.get(training.step)
        if line is None:
            return
        self._same(training, "the checkpoint", line["digest"])
        then = line.get("state")  # which the first recordings do not have
        if self.exact and then is not None and (now := state_digest(training)) != then:
            said = f"the digest of its optimizer's state and random states is {now}, not {then}"
            raise NotTheSame(self.apart(training.step, said))

    def files(self, paths: Iterable[Path], parts: Parts) -> None:
        """What checkpoints hold is what was recorded of them; one that is cut is passed over."""
        for path in paths:
            with suppress(FileError):
                self.weights(start(path, parts))

    def _same(self, training: Training, where: str, recorded: str) -> None:
        if not self.exact:
            return
        if (now := digest(training.model)) != recorded:
            raise NotTheSame(self.apart(training.step, f"the digest of its weights is {now}, not {recorded}"))
        self.marks.append((training.step, where, now))


def at_rate(old: Any, lr: Any) -> Any:
    """A schedule at another rate: the number takes the place of its highest one.

    >>> from pellucid.schedules import exponential, warmup
    >>> at_rate(exponential(0.1, 0.9), 0.01), at_rate(0.1, 0.01), at_rate(warmup(5, 0.1), 0.01)
    (exponential(lr=0.01, factor=0.9), 0.01, warmup(steps=5, then=0.01))
    """
    if callable(lr) or not is_dataclass(old) or isinstance(old, type):
        return lr
    for name in ("lr", "peak"):
        if hasattr(old, name):
            return replace(old, **{name: lr})
    return replace(old, then=at_rate(old.then, lr)) if hasattr(old, "then") else lr
