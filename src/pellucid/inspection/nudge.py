"""What the loss really does when one number of the network moves: `[L(w + h) - L(w - h)] / 2h`, in float64 on a copy.

A parameter is moved in theta. A number between two layers is moved by a layer that adds h there, put into the copy: no
layer of the model has a hook for it. The pass is the one that was traced, with the same numbers drawn for dropout.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log10
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Cache
from pellucid.base.errors import DataError, UsageError
from pellucid.base.run import Run
from pellucid.inspection.trace import Trace
from pellucid.layers import Concat, Embedding, Residual, Sequential
from pellucid.layers.compose import masked
from pellucid.layers.layer import Layer
from pellucid.model import Model

STEPS = (1e-5, 1e-6, 1e-7)
ENOUGH = 1e-6  # a nudge that agrees so well with the backward pass is not refined


class Nudged(float):
    """What a nudge found; a float, with `backward` (what the backward pass says), `h` and `digits` beside it.

    `digits` is to how many digits the two agree.
    """

    backward: float
    h: float

    def __new__(cls, found: float, backward: float, h: float) -> Nudged:
        made = float.__new__(cls, found)
        made.backward, made.h = backward, h
        return made

    @property
    def digits(self) -> float:
        """To how many digits the nudge and the backward pass agree, 16 at most."""
        return digits_between(float(self), self.backward)

    def __str__(self) -> str:
        agree = f"agree to {self.digits:.0f} digits" if self.digits >= 1 else "do not agree"
        return f"nudge it: [L(w + h) - L(w - h)] / 2h = {float(self):+.6g}, backward says {self.backward:+.6g}: {agree}"


def digits_between(a: float, b: float) -> float:
    """To how many digits two numbers are the same; 16 if they are equal.

    >>> round(digits_between(1.0, 1.0001), 1), digits_between(0.0, 0.0)
    (4.0, 16.0)
    """
    size = max(abs(a), abs(b))
    return 16.0 if size == 0.0 or a == b else min(16.0, max(0.0, -log10(abs(a - b) / size)))


@dataclass
class Bump(Layer):
    """Y = X + H, H being 0 but at one place: how a number between two layers is moved."""

    at: tuple[int, ...]
    h: float = 0.0

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y = x.copy()
        y[self.at] += self.h
        return y, {}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return dy


class SameDraws:
    """Gives a float64 pass the numbers that the traced pass drew, which were of the trace's own type."""

    def __init__(self, rng: np.random.Generator, dtype: Any) -> None:
        self.rng, self.dtype = rng, dtype

    def random(self, shape: tuple[int, ...]) -> Array:
        """Uniform numbers."""
        return np.asarray(self.rng.random(shape, dtype=self.dtype))


def nudge(trace: Trace, owner: str, name: str, index: tuple[int, ...]) -> Nudged:
    """Nudge one number of a trace; see `Line.nudge`."""
    told, move = _plan(trace, owner, name, index)
    model = trace.model.copy(dtype=np.float64)
    x, t = trace.x.astype(np.float64), trace.scores.t
    shift = move(model)
    best: Nudged | None = None
    for step in STEPS:
        h = step * max(1.0, abs(shift(0.0)))
        try:
            with np.errstate(all="ignore"):  # a loss that is not finite is said below
                up, down = _loss(trace, model, x, t, shift, h), _loss(trace, model, x, t, shift, -h)
        except DataError:
            raise UsageError(f"{owner}.{name} holds ids, which cannot move a little.") from None
        found = Nudged((up - down) / (2.0 * h), told, h)
        if best is None or abs(found - told) < abs(best - told):
            best = found
        if abs(found - told) <= ENOUGH * abs(told):
            break
    assert best is not None
    if not isfinite(best):
        raise UsageError("The loss is not finite here, so there is nothing to compare with.")
    return best


def _loss(trace: Trace, model: Model, x: Array, t: Array, shift: Any, h: float) -> float:
    """The loss with the number moved by h; penalties included, as reported."""
    shift(h)
    traced = trace.run()
    rng: Any = None if traced.rng is None else SameDraws(traced.rng, trace.theta.dtype)
    run = masked(model.net, Run(training=trace.training, rng=rng, tape=False), trace.mask)
    z, _ = model.net.forward(x, run)
    tally, _ = model.loss.forward(z, t, trace.weights)
    value = tally.mean + sum(p.value(model.theta[at]) for at, p in model.penalties)
    shift(0.0)
    return float(value)


def _plan(trace: Trace, owner: str, name: str, index: tuple[int, ...]) -> tuple[float, Any]:
    """What the backward pass says about a number, and how it is moved in a copy: `move(model)(h)` gives its value."""
    if owner == "loss":
        if name not in ("z", "dz"):
            raise UsageError(
                f"loss{'' if name == 'loss' else '.' + name} is not nudged: nudge a weight, an output or loss.z."
            )
        return float(trace.scores.dz[index]), lambda model: _bump(model, "", index, "end", 0.0)
    node, param = trace.nodes[owner], name.removeprefix("d")
    path = f"{owner}.{param}"
    if path in trace.model.slots:
        slot = trace.model.slots[path]
        spot = slot.at.start + int(np.ravel_multi_index(index, slot.shape))
        return float(trace.grad[spot]), lambda model: _parameter(model, spot)
    if name not in ("x", "y", "dx", "dy"):
        raise UsageError(f"{owner}.{name} is not nudged: nudge a parameter, an output y or an input x of a layer.")
    if name[-1] == "x" and isinstance(node.layer, Embedding):
        raise UsageError(f"{owner}.{name} holds ids, which cannot move a little.")
    value = float((node.x if name[-1] == "x" else node.y)[index])
    told = float((node.dx if name[-1] == "x" else node.dy)[index])
    return told, lambda model: _bump(model, owner, index, name[-1], value)


def _parameter(model: Model, spot: int) -> Any:
    start = float(model.theta[spot])

    def shift(h: float) -> float:
        model.theta[spot] = start + h
        return start

    return shift


def _bump(model: Model, owner: str, index: tuple[int, ...], side: str, value: float) -> Any:
    """Put a Bump before (x) or behind (y) a layer of the copy, or at the network's end."""
    bump = Bump(index)
    if side == "end":
        model.net.layers = (*model.net.layers, bump)
    else:
        parts = owner.split(".")
        around: Layer = model.net
        for i in range(0, len(parts) - 2, 2):
            around = around.children()[".".join(parts[i : i + 2])]
        k = int(parts[-2])
        holder: Any = around.body if isinstance(around, Residual) else around
        field = "branches" if isinstance(around, Concat) else "layers"
        row = list(getattr(holder, field))
        row[k] = Sequential(bump, row[k]) if side == "x" else Sequential(row[k], bump)
        setattr(holder, field, tuple(row))

    def shift(h: float) -> float:
        bump.h = h
        return value

    return shift
