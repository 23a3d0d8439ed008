"""Trying a cure: a short training without it and one with it, measured on the same validation samples."""

from __future__ import annotations

from math import isfinite

import numpy as np

from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import rebuilt
from pellucid.inspection.ladder.course import Course, Measure, course
from pellucid.inspection.ladder.rung import Found
from pellucid.inspection.proof import Proof
from pellucid.metrics import class_ids
from pellucid.model import Model

STEPS = 200
POINTS = 40
GAIN = 0.05  # a share by which the figure must be better before it counts as help


def prove(case: Case, found: Found) -> Proof:
    """Both curves, and what they say. Measured is what both trainings have in common."""
    cured = found.cured
    assert cured is not None
    if case.model.history and cured.model.theta.size != case.model.theta.size:
        case = case.but(model=rebuilt(case.model, fresh=True))  # both begin at the beginning
    name, before, after, more_is_better = _measure(case, cured)
    steps = max(20, min(STEPS, case.planned, cured.planned))
    every = max(1, steps // POINTS)
    first, second = _run(case, steps, before, every), _run(cured, steps, after, every)
    a, b = first.measured["figure"], second.measured["figure"]
    end, better = _end(a), _end(b)
    sign = 1.0 if more_is_better else -1.0
    helped = isfinite(better) and (not isfinite(end) or sign * (better - end) > GAIN * max(abs(end), abs(better)))
    said = "is no longer finite" if not isfinite(end) else f"is {end:.3g}"
    says = f"After {steps} steps the {name} {said} without the cure and {better:.3g} with it" + (
        "." if helped else ": no difference so soon."
    )
    longest = max(first.at, second.at, key=len)
    return Proof(name, tuple(longest), tuple(a), tuple(b), helped, says)


def _run(case: Case, steps: int, measure: Measure, every: int) -> Course:
    return course(case, steps, {"figure": measure}, every)


def _end(curve: list[float]) -> float:
    """Where a curve ends; the middle of its last points, as single ones jump."""
    return curve[-1] if not isfinite(curve[-1]) else float(np.median(curve[-3:]))


def _measure(case: Case, cured: Case) -> tuple[str, Measure, Measure, bool]:
    """The loss where both have the same and the same samples; else how often they are right, or how far off."""
    same = type(case.model.loss) is type(cured.model.loss) and case.validation is cured.validation
    if same and case.model.loss == cured.model.loss:
        data = case.held_out
        return "validation loss", lambda m: case.loss_of(m, data), lambda m: cured.loss_of(m, data), False
    new = cured.held_out
    ids = cured.ids(new)
    if ids is not None:
        return "validation accuracy", _right(case, new.x, ids), _right(cured, new.x, ids), True
    t = cured.model.loss.targets(new.t, (len(new), *cured.model.output_shape))

    def off(model: Model) -> float:
        return float(np.abs(np.asarray(model.predict(new.x), np.float64) - t).mean())

    return "mean error on validation", off, off, False


def _right(case: Case, x: object, ids: object) -> Measure:
    def right(model: Model) -> float:
        y = model.predict(x)
        if case.classes == 0 and y.shape[-1] == 1 and np.max(ids) > 1:
            return float((np.rint(y[:, 0]) == ids).mean())
        return float((class_ids(y) == ids).mean())

    return right
