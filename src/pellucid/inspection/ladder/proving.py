"""Trying a cure: a short training without it and one with it, measured on the same validation samples."""

from __future__ import annotations

from math import isfinite

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import PellucidError
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import rebuilt
from pellucid.inspection.ladder.course import Measure, course
from pellucid.inspection.ladder.rung import Found
from pellucid.inspection.proof import Proof
from pellucid.metrics import class_ids
from pellucid.model import Model

STEPS = 200
POINTS = 40
GAIN = 0.05  # a share by which the figure must be better before it counts as help


def prove(case: Case, found: Found, alone: bool = True) -> Proof:
    """Both curves, and what they say. Measured is what both trainings have in common.

    Args:
        case: without the cure.
        found: what was found, with the cured case.
        alone: whether nothing else was found after it that may hide what the cure does. Default true.
    """
    cured = found.cured
    assert cured is not None
    if case.model.history and cured.model.theta.size != case.model.theta.size:
        case = case.but(model=rebuilt(case.model, fresh=True))  # both begin at the beginning
    name, before, after, more_is_better = _measure(case, cured, found.other_samples)
    steps = max(20, min(STEPS, case.planned, cured.planned))
    every = max(1, steps // POINTS)
    a, b = _run(case, steps, before, every), _run(cured, steps, after, every)
    at = max(a[0], b[0], key=len)
    end, better = _end(a[1]), _end(b[1])
    sign = 1.0 if more_is_better else -1.0
    helped = isfinite(better) and (not isfinite(end) or sign * (better - end) > GAIN * max(abs(end), abs(better)))
    says = f"After {steps} steps the {name} is {end:.3g} without the cure and {better:.3g} with it"
    if found.other_samples:
        helped = True
        says = f"After {steps} steps the {name} seems to be {end:.3g}; on samples that are new it is {better:.3g}"
    elif not isfinite(end):
        fate = "the training is refused" if len(a[1]) == 1 else f"the {name} is no longer finite"
        says = f"Without the cure {fate}; with it the {name} is {better:.3g} after {steps} steps"
    says += "." if helped else ": no difference so soon." if alone else "; the findings below are not cured here."
    return Proof(name, tuple(at), tuple(a[1]), tuple(b[1]), helped, says)


def _run(case: Case, steps: int, measure: Measure, every: int) -> tuple[list[int], list[float]]:
    """After which steps it was measured, and the figures; a training that is refused has none."""
    try:
        done = course(case, steps, {"figure": measure}, every)
    except PellucidError:
        return [0], [float("nan")]
    return done.at, done.measured["figure"]


def _end(curve: list[float]) -> float:
    """Where a curve ends; the middle of its last points, as single ones jump."""
    return curve[-1] if not isfinite(curve[-1]) else float(np.median(curve[-3:]))


def _measure(case: Case, cured: Case, other_samples: bool) -> tuple[str, Measure, Measure, bool]:
    """The loss where both have the same and the same samples; else how often they are right, or how far off."""
    same = type(case.model.loss) is type(cured.model.loss) and case.validation is cured.validation
    if (same or other_samples) and case.model.loss == cured.model.loss and (other_samples or case.data is cured.data):
        mine, theirs = case.held_out, cured.held_out
        return "validation loss", lambda m: case.loss_of(m, mine), lambda m: cured.loss_of(m, theirs), False
    new = cured.held_out
    ids = cured.ids(new)
    if ids is not None:
        return "validation accuracy", _right(case, new.x, ids), _right(cured, new.x, ids), True
    t = cured.model.loss.targets(new.t, (len(new), *cured.model.output_shape))

    def off(model: Model) -> float:
        return float(np.abs(np.asarray(model.predict(new.x), np.float64) - t).mean())

    return "mean error on validation", off, off, False


def _right(case: Case, x: Array, ids: Array) -> Measure:
    def right(model: Model) -> float:
        y = model.predict(x)
        if case.classes == 0 and y.shape[-1] == 1 and np.max(ids) > 1:
            return float((np.rint(y[:, 0]) == ids).mean())
        return float((class_ids(y) == ids).mean())

    return right
