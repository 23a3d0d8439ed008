"""The steps that the page can be scrubbed to: at each, what was recorded, and what the network was like after it.

The training is walked along once: from each chosen step on to the next, or from a checkpoint between them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from pellucid.base.errors import PellucidError
from pellucid.data.batches import Data
from pellucid.events import StepDone
from pellucid.inspection.report.html import clean
from pellucid.inspection.report.looks import Look, look_at
from pellucid.inspection.report.subject import Subject, Told, some
from pellucid.model import Model
from pellucid.train import Training

MEASURED = 500  # samples on which each step is measured
LEAN = 1.5  # early steps lie closer together than late ones: much happens early


@dataclass
class Moment:
    """One step.

    `loss` is that of the step's batch, before its update, and `rate` its learning rate; None for the beginning.
    `measured` are the loss and the metrics on samples that stand aside, `ratios` the length of the update against that
    of the weights, by array; `look` is what can be seen. These need the data, and are empty without.
    """

    step: int
    epoch: int
    loss: float | None = None
    rate: float | None = None
    measured: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    look: Look | None = None


def chosen(steps: range, most: int) -> list[int]:
    """At most so many steps, the first and the last among them, the early ones closer together.

    >>> chosen(range(0, 101), 5), chosen(range(0, 3), 40)
    ([0, 12, 35, 64, 100], [0, 1, 2])
    """
    if len(steps) <= most or most < 2:
        return list(steps)[: max(most, 0)] if len(steps) > most else list(steps)
    span = steps[-1] - steps[0]
    return sorted({steps[0] + int((i / (most - 1)) ** LEAN * span) for i in range(most)})


def moments(subject: Subject, most: int, told: Told) -> list[Moment]:
    """The chosen steps of a recording, in order."""
    recording = subject.recording
    if recording is None:
        return []
    per_epoch = recording.run["training"]["steps_per_epoch"]
    found = []
    for step in chosen(recording.steps, most):
        at = step - recording.first - 1
        lines = recording.lines.steps
        line: dict[str, Any] = lines[at] if 0 <= at < len(lines) else {}
        epoch = line.get("epoch", (max(step, 1) - 1) // max(per_epoch, 1) + 1)
        found.append(Moment(step, epoch, line.get("loss"), line.get("lr")))
    if subject.can_recompute and subject.data is not None:
        _recompute(subject, found, told)
    return found


def _recompute(subject: Subject, found: list[Moment], told: Told) -> None:
    assert subject.data is not None
    aside = some(subject.data, MEASURED)
    walker = _Walker(subject)
    for moment in found:
        told(f"step {moment.step}")
        try:
            moment.ratios = walker.to(moment.step)
        except PellucidError as error:
            subject.notes.append(f"From step {moment.step} on nothing could be recomputed. {clean(error, 400)}")
            return
        moment.measured = measure(walker.model, aside)
        moment.look = look_at(walker.model, subject.data)


class _Walker:
    """A training that is taken from one step to a later one."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.training: Training | None = None

    @property
    def model(self) -> Model:
        assert self.training is not None
        return self.training.model

    def to(self, step: int) -> dict[str, float]:
        """Go to a step; the length of its update against that of the weights, by array."""
        recording = self.subject.recording
        assert recording is not None
        if step == recording.first:
            self.training = self.subject.at(step)
            return {}
        self._before(step)
        before = self.model.theta.copy()
        self._advance(step)
        return ratios(self.model, before)

    def _before(self, step: int) -> None:
        """To where the training stands before a step."""
        recording, goal = self.subject.recording, step - 1
        assert recording is not None
        here = None if self.training is None else self.training.step
        if here is None or any(here < known <= goal for known in recording.checkpoints):
            self.training = self.subject.at(goal)
        self._advance(goal)

    def _advance(self, step: int) -> None:
        training = self.training
        assert training is not None
        while training.step < step and (event := next(training, None)) is not None:
            if isinstance(event, StepDone):
                self.subject.compare(event)


def ratios(model: Model, before: Any) -> dict[str, float]:
    """|update| / |weights| for each array of weights; biases begin at 0 and have none."""
    found = {}
    for path, slot in model.slots.items():
        length = float(np.linalg.norm(before[slot.at]))
        if slot.decay and length:
            found[path] = float(np.linalg.norm(model.theta[slot.at] - before[slot.at])) / length
    return found


def measure(model: Model, aside: Data) -> dict[str, float]:
    """The loss and the usual metrics on samples that stand aside."""
    with np.errstate(all="ignore"):
        found = model.evaluate(aside.x, aside.t, weights=aside.weights, mask=aside.mask)
    return {name: value for name, value in found.items() if isfinite(value) or name == "loss"}
