"""Dropout and penalties hold a network back so that it does not learn by heart. Too much, and it does not learn at all.

The same short training is made with them and without. What counts is the loss with nothing dropped and no penalty.
"""

from __future__ import annotations

import numpy as np

from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import dropped, drops, rebuilt, unpenalised, unrestrained
from pellucid.inspection.ladder.course import at_rate, course
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.penalties import L2

STEPS = 200
HELD = 0.7  # with less than this share of what it gains when free, the network is held back


def examine(case: Case) -> Seen:
    """Whether the network learns with its dropout and penalties about as it does without."""
    shares, penalised = drops(case.model), bool(case.model.penalties)
    if not any(shares) and not penalised:
        return Seen("neither dropout nor penalties")
    paced = at_rate(case, 1.0, STEPS)
    free = _gain(paced.but(model=unrestrained(case.model)))
    held = _gain(paced)
    said = f"with them {STEPS} steps gain {held:.3g}, without {free:.3g}"
    if free <= 0.15 * case.chance or held >= HELD * free:
        return Seen(said)
    alone = _gain(paced.but(model=dropped(case.model, 0.0))) if any(shares) else held
    if any(shares) and alone >= HELD * free:
        worst, mild = max(shares), 0.2
        finding = Finding(
            "dropout too strong",
            f"With dropout of {worst:g} the loss falls by {held:.3g} in {STEPS} steps; without it by {alone:.3g}.",
            (f"{100 * (1 - worst):.0f} % of the units are left in a step; 50 to 90 % are usual",),
            f"Drop less: {mild:g}.",
            case.code(f"pl.Dropout({mild:g})", f"--dropout {mild:g}"),
        )
        return Seen(said, Found(finding, case.but(model=dropped(case.model, mild))))
    cost = sum(p.value(case.model.theta[at]) for at, p in case.model.penalties)
    finding = Finding(
        "penalty too strong",
        f"With the penalty the loss falls by {held:.3g} in {STEPS} steps; without it by {free:.3g}.",
        (
            f"at the start it costs {cost:.3g}, and the loss itself is {case.loss_of(case.model, case.probe):.3g}",
            "1e-5 to 1e-3 are usual strengths",
        ),
        "Make the penalty weaker, by a factor of a hundred or more.",
        case.code("penalty=pl.L2(1e-4)", "--l2 1e-4"),
    )
    return Seen(said, Found(finding, case.but(model=rebuilt(case.model, unpenalised(case.model), penalty=L2(1e-4)))))


def _gain(case: Case) -> float:
    """By how much a short training lowers the loss on the probe."""
    done = course(case, STEPS)
    if done.diverged:
        return 0.0
    gain = case.loss_of(case.model, case.probe) - case.loss_of(done.model, case.probe)
    return gain if np.isfinite(gain) else 0.0
