"""Overfitting: the training loss goes on falling while the validation loss, past its lowest point, climbs.

Seen in a training of the planned length, or of its first few hundred steps.
"""

from __future__ import annotations

import numpy as np

from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import rebuilt
from pellucid.inspection.ladder.course import Measure, course
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.model import Model
from pellucid.penalties import L2

STEPS = 400
POINTS = 20
WORSE = 1.3  # the validation loss at the end, beside its lowest


def examine(case: Case) -> Seen:
    """Whether what is learned towards the end is learned by heart."""
    steps = min(case.planned, STEPS)
    curves, at = curves_of(case, steps)
    if curves is None:
        return Seen("the training did not come to its end")
    train, held = curves["training loss"], curves["validation loss"]
    lowest = int(np.argmin(held))
    said = f"after {at[-1]:,} steps training {train[-1]:.3g}, validation {held[-1]:.3g}"
    said += f" (lowest {held[lowest]:.3g}, at {at[lowest]:,})"
    floor = 0.15 * max(case.chance, 1e-12)
    climbed = held[-1] > WORSE * held[lowest] + floor and train[-1] < 0.9 * train[lowest] and train[-1] < 0.5 * held[-1]
    if not climbed or lowest >= len(held) - 3:
        return Seen(said)
    cures = [
        (
            f"penalty=pl.L2({strength:g})",
            f"--l2 {strength:g}",
            case.but(model=rebuilt(case.model, penalty=L2(strength))),
        )
        for strength in (1e-3, 1e-2, 3e-2)
    ]
    ends = [curves_of(cured, steps)[0] for _, _, cured in cures]
    best = min(range(len(cures)), key=lambda i: float("inf") if ends[i] is None else ends[i]["validation loss"][-1])  # type: ignore[index]
    python, options, cured = cures[best]
    epoch = max(1, round(at[lowest] * case.batch / len(case.data)))
    finding = Finding(
        "overfitting",
        f"The validation loss is lowest after {at[lowest]} steps ({held[lowest]:.3g}) and {held[-1]:.3g} after "
        f"{at[-1]}, while the training loss falls to {train[-1]:.3g}.",
        (
            f"{len(case.data):,} samples and {case.model.theta.size:,} parameters",
            f"the lowest point is in epoch {epoch}",
        ),
        "Stop where it is lowest, and hold the network back with a penalty or dropout; more data help most.",
        case.code(f"model.fit(..., patience=5, best=True)   # and {python}", f"--patience 5 --keep-best {options}"),
        {name: tuple(curve) for name, curve in curves.items()},
    )
    return Seen(said, Found(finding, cured))


def curves_of(case: Case, steps: int) -> tuple[dict[str, list[float]] | None, list[int]]:
    """The losses on training and validation samples along a training, and after which steps they were measured."""

    measures = {name: _measure(case, name) for name in ("training loss", "validation loss")}
    done = course(case, steps, measures, every=max(1, steps // POINTS))
    return (None if done.diverged else done.measured), done.at


def _measure(case: Case, name: str) -> Measure:
    data = case.probe if name == "training loss" else case.held_out

    def measure(model: Model) -> float:
        return case.loss_of(model, data)

    return measure
