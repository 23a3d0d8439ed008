"""How the blame changes on its way down: the length of dL/dy behind every layer with weights.

Each layer multiplies it. If every one makes it half as long, twelve make it a four-thousandth, and the first layers
learn next to nothing; if every one doubles it, one rate suits no two layers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pellucid.base.run import Run
from pellucid.base.seeds import stream
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import rebuilt, unbound, well_begun
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.inspection.tape import unrolled
from pellucid.layers import GELU, Dense, ReLU, Sigmoid, SiLU, Tanh
from pellucid.layers.compose import masked
from pellucid.layers.layer import Layer
from pellucid.layers.recurrent import Recurrent
from pellucid.model import Model

FADED = 1e-3  # the first layer's share of the last one's, below which it has vanished
GROWN = 1e3
SAMPLES = 128


def lengths(model: Model, case: Case) -> dict[str, float]:
    """The mean length of a sample's dL/dy behind each layer with weights, in the order of the layers."""
    few = case.probe[: min(SAMPLES, len(case.probe))]
    twin = model.copy()
    x = twin.check_input(np.asarray(twin.prepared(few.x)))
    t = twin.loss.targets(few.t, (len(few), *twin.output_shape))
    run = masked(twin.net, Run(training=True, rng=stream(case.seed, "noise"), keep=True), few.mask)
    with np.errstate(all="ignore"):
        _, cache, _ = twin.forward_backward(x, t, run, few.weights)
    found = {}
    for path, step in unrolled(cache["tape"]):
        if not ({"W", "Wx"} & set(getattr(type(step.layer), "__dataclass_fields__", {}))) or step.dy is None:
            continue
        found[path] = _length(step.dy)
        if isinstance(step.layer, Recurrent) and not step.layer.sequence and step.dx is not None:
            found[f"{path} at the first time step"] = _length(step.dx[:, 0])
            found[f"{path} at the last time step"] = _length(step.dx[:, -1])
    return found


def _length(dy: object) -> float:
    rows = np.asarray(dy, np.float64)
    rows = rows.reshape(len(rows), -1)
    return float(np.sqrt((rows * rows).sum(axis=1)).mean()) * len(rows)


def examine(case: Case) -> Seen:
    """Whether the gradient reaches the first layers at about its size."""
    found = lengths(case.model, case)
    plain = {path: value for path, value in found.items() if "time step" not in path}
    if any(not np.isfinite(value) for value in found.values()):
        return Seen("not finite", _grown(case, found, float("inf"), 1.0))
    values = list(plain.values())
    if not values or values[-1] == 0:
        return Seen("no layer passes a gradient")
    ratio = values[0] / values[-1]
    said = f"the first layer's is {ratio:.2g} of the last one's" if len(values) > 1 else "one layer"
    firsts = [path for path in found if path.endswith("the first time step")]
    through_time = max((found[p] / (found[p.replace("first", "last")] or 1.0) for p in firsts), default=1.0)
    if max(ratio, through_time) > GROWN:
        return Seen(said, _grown(case, found, ratio, through_time))
    if len(values) > 2 and ratio < FADED:
        return Seen(said, _faded(case, plain, ratio))
    return Seen(said)


def _grown(case: Case, found: dict[str, float], down: float, back: float) -> Found:
    names, through_time, ratio = list(found), back > down, max(down, back)
    cured = case.but(model=well_begun(case.model))
    finding = Finding(
        "exploding gradients",
        f"The gradient grows on its way down: at {names[0]} it is {ratio:,.3g} times as long as at {names[-1]}."
        if not through_time
        else f"The gradient grows through time: at the first step it is {ratio:,.3g} times as long as at the last.",
        _by_layer(found),
        "Begin with weights that keep the length"
        + (' (recurrent_init="orthogonal")' if through_time else ' (init="he")')
        + ", and clip the gradient.",
        case.code(
            'recurrent_init="orthogonal", ... clip=1.0' if through_time else 'pl.Dense(units, init="he"), ... clip=1.0',
            "--clip 1",
        ),
        {"length by layer, first to last": tuple(found.values())},
    )
    return Found(finding, cured.but(clip=case.clip or 1.0))


def _by_layer(found: dict[str, float]) -> tuple[str, ...]:
    return ("its length behind each layer: " + ", ".join(f"{path} {value:.2g}" for path, value in found.items()),)


def _faded(case: Case, found: dict[str, float], ratio: float) -> Found:
    names = list(found)
    bends = [layer for layer in case.model.layers if isinstance(layer, Sigmoid | Tanh)]
    first = case.but(model=well_begun(case.model))
    helped = first if bends == [] or _ratio(first) > FADED else case.but(model=_with_relu(case.model))
    finding = Finding(
        "vanishing gradients",
        f"The gradient fades on its way down: at {names[0]} it is {ratio:.2g} of what it is at {names[-1]}.",
        (
            *_by_layer(found),
            "Adam hides some of it, as it divides by the size; the direction is lost in rounding and noise",
        ),
        'Use ReLU instead of a bend whose slope is below 1, begin with init="he", or let a Residual pass it on.'
        if bends
        else "Begin with weights that keep the length, or let a Residual pass it on.",
        case.code("pl.Dense(units), pl.ReLU()", "--activation relu")
        if helped is not first
        else 'pl.Dense(units, init="he")',
        {"length by layer, first to last": tuple(found.values())},
    )
    return Found(finding, helped)


def _ratio(case: Case) -> float:
    values = [v for path, v in lengths(case.model, case).items() if "time step" not in path]
    return values[0] / values[-1] if values[-1] else 0.0


def _with_relu(model: Model) -> Model:
    """The same network with ReLU for every sigmoid and tanh between dense layers, and weights to suit."""
    layers: list[Layer] = []
    for i, layer in enumerate(unbound(model)):
        hidden = i < len(model.layers) - 1
        if isinstance(layer, Dense):
            layer = replace(layer, init="he")
        layers.append(ReLU() if hidden and isinstance(layer, Sigmoid | Tanh | GELU | SiLU) else layer)
    return rebuilt(model, layers, fresh=True)
