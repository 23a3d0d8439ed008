"""A short training on a copy, and what was measured along it. Every experiment that trains is one of these."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

import numpy as np

from pellucid.base.errors import Diverged
from pellucid.events import StepDone
from pellucid.inspection.ladder.case import Case
from pellucid.model import Model
from pellucid.optim import Optimizer
from pellucid.schedules import as_schedule
from pellucid.train import Training

Measure = Callable[[Model], float]


@dataclass
class Course:
    """What a short training did.

    Args:
        model: the copy that was trained, as it is at the end.
        losses: each batch's loss.
        at: after which steps the measures were taken, 0 for the start.
        measured: a curve for each measure.
        moved: by which share of their length the weights moved in a step: the mean of the first twenty.
        diverged: the step whose loss was not finite; 0 if there was none.
    """

    model: Model
    losses: list[float] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    measured: dict[str, list[float]] = field(default_factory=dict)
    moved: float = 0.0
    diverged: int = 0


def course(
    case: Case,
    steps: int,
    measures: dict[str, Measure] | None = None,
    every: int = 0,
    enough: Callable[[float], bool] | None = None,
) -> Course:
    """Train a copy of the case's model for so many steps.

    Args:
        case: what is trained, and how.
        steps: how many steps; fewer if the loss is no longer finite.
        measures: figures of the model, taken at the start, every so many steps, and at the end.
        every: how often they are taken. Default only at the start and at the end.
        enough: told each batch's loss, says when to stop. Default never.
    """
    model = case.model.copy()
    done = Course(model)
    measures = measures or {}

    def take(step: int) -> None:
        done.at.append(step)
        with np.errstate(all="ignore"):
            for name, measure in measures.items():
                done.measured.setdefault(name, []).append(measure(model))

    take(0)
    training = Training(
        model, case.data, optimizer=copy.deepcopy(case.optimizer), epochs=steps, batch_size=case.batch,
        seed=case.seed, clip=case.clip, augment=case.augment,
    )  # fmt: skip
    before, lengths = model.theta.copy(), list[float]()
    try:
        with np.errstate(all="ignore"):
            for event in training:
                if not isinstance(event, StepDone):
                    continue
                case.clock.check()
                done.losses.append(event.loss)
                if event.step <= 20:
                    lengths.append(share(model, before))
                    before[:] = model.theta
                if every and event.step % every == 0 and event.step < steps:
                    take(event.step)
                if event.step >= steps or (enough is not None and enough(event.loss)):
                    break
    except Diverged:
        done.diverged = training.step + 1
    if not done.diverged and not np.isfinite(model.theta).all():
        done.diverged = training.step
    take(training.step)
    if done.diverged:
        for curve in done.measured.values():
            curve[-1] = float("nan")
    done.moved = float(np.mean(lengths)) if lengths else 0.0
    return done


def share(model: Model, before: Any) -> float:
    """By which share of their length the weights moved; biases, which begin at 0, are left out."""
    moved = length = 0.0
    for slot in model.slots.values():
        if slot.decay:
            w, d = before[slot.at], model.theta[slot.at] - before[slot.at]
            moved, length = moved + float(d @ d), length + float(w @ w)
    return float(np.sqrt(moved / length)) if length > 0 and isfinite(moved) else float("inf")


def at_rate(case: Case, factor: float, steps: int) -> Case:
    """The case with its rate multiplied, and its whole schedule gone through in so many steps."""
    rate, planned = as_schedule(case.optimizer.lr), max(case.planned, 1)

    def hurried(step: int) -> float:
        return factor * rate(step * planned // steps if planned > steps else step)

    return case.but(optimizer=paced(case.optimizer, hurried))


def paced(optimizer: Optimizer, lr: Any) -> Optimizer:
    """The same optimizer with another rate."""
    made: Optimizer = replace(copy.deepcopy(optimizer), lr=lr)
    return made
