"""Units that say the same whatever goes in: a ReLU that is never above 0, a sigmoid or tanh at the end of its range.

Their slope is 0 (or nearly), so no gradient passes and they do not come back by learning.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.run import Run
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import rebuilt, well_begun
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.inspection.tape import unrolled
from pellucid.layers import ReLU, Sigmoid, Tanh
from pellucid.layers.compose import masked
from pellucid.model import Model

MANY = 0.5  # so large a share of a layer is a finding
FLAT = 0.02  # a slope below this is an end of the range; 0.25 is the sigmoid's steepest, 1 tanh's


def dead(model: Model, case: Case) -> dict[str, float]:
    """The share of dead units in each ReLU layer: those that are 0 for every sample and place."""
    return {
        path: float((~(y.reshape(-1, y.shape[-1]) > 0).any(axis=0)).mean())
        for path, kind, y in outputs(model, case) if kind is ReLU
    }  # fmt: skip


def saturated(model: Model, case: Case) -> dict[str, float]:
    """The share of the outputs of each sigmoid and tanh layer that lie where the slope is nearly 0."""
    found = {}
    for path, kind, y in outputs(model, case):
        if kind is Sigmoid:
            found[path] = float((y * (1 - y) < 0.25 * FLAT).mean())
        elif kind is Tanh:
            found[path] = float((1 - y * y < FLAT).mean())
    return found


def outputs(model: Model, case: Case) -> list[tuple[str, type, Array]]:
    """Each hidden layer's path, kind and outputs on the probe; the last layer is not hidden."""
    x = model.check_input(np.asarray(model.prepared(case.probe.x)))
    with np.errstate(all="ignore"):
        _, cache = model.net.forward(x, masked(model.net, Run(keep=True), case.probe.mask))
    last = f"{len(model.layers) - 1}."
    return [
        (path, type(step.layer), step.y) for path, step in unrolled(cache["tape"])
        if step.y is not None and not path.startswith(last)
    ]  # fmt: skip


def examine(case: Case) -> Seen:
    """Whether the hidden units answer to what goes in."""
    still, flat = dead(case.model, case), saturated(case.model, case)
    if not still and not flat:
        return Seen("no layer with units that could be dead")
    worst = max(still.items(), key=lambda item: item[1], default=("", 0.0))
    flattest = max(flat.items(), key=lambda item: item[1], default=("", 0.0))
    said = ", ".join(
        [f"{100 * worst[1]:.0f} % dead in {worst[0]}"] * bool(still)
        + [f"{100 * flattest[1]:.0f} % saturated in {flattest[0]}"] * bool(flat)
    )
    cured = case.but(model=rebuilt(case.model, fresh=True))
    if worst[1] > MANY:
        finding = Finding(
            "dead units",
            f"{100 * worst[1]:.0f} % of the units of {worst[0]} are 0 for every sample, so they pass no gradient.",
            (f"{len(case.probe):,} samples were looked at", "usual are a few per cent at the start"),
            "Begin with fresh weights and biases of 0; LeakyReLU has no dead side.",
            "pl.LeakyReLU() in place of pl.ReLU()",
            {"dead share by layer": tuple(still.values())},
        )
        return Seen(said, Found(finding, _if_better(case, cured, dead)))
    if flattest[1] > MANY:
        finding = Finding(
            "saturated units",
            f"{100 * flattest[1]:.0f} % of the outputs of {flattest[0]} lie at the ends of its range, where the slope "
            "is nearly 0.",
            ("the numbers that reach it are too large: weights of a smaller size keep them near 0",),
            'Begin with smaller weights: init="glorot" suits tanh and sigmoid.',
            'pl.Dense(units, init="glorot")',
            {"saturated share by layer": tuple(flat.values())},
        )
        return Seen(said, Found(finding, _if_better(case, cured, saturated)))
    return Seen(said)


def _if_better(case: Case, cured: Case, measure: Callable[[Model, Case], dict[str, float]]) -> Case:
    """The case with fresh weights; with smaller ones where the layers' own initialiser is what is wrong."""
    if max(measure(cured.model, cured).values()) <= MANY / 2:
        return cured
    return case.but(model=well_begun(case.model, "glorot" if measure is saturated else None))
