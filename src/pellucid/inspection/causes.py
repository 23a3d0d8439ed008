"""Why a training broke: the likely causes, most likely first, each with what was measured and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from pellucid.base.arrays import Array
from pellucid.diverged import BIG
from pellucid.inspection.finding import Finding
from pellucid.inspection.trace import Trace
from pellucid.layers import Embedding
from pellucid.losses import ClassLoss, Huber, MeanAbsoluteError, MeanSquaredError
from pellucid.optim import SGD, Adam, Optimizer, RMSprop  # noqa: F401 - SGD for the example

ORDINARY = 1e3  # weights and inputs up to this do not overflow in any layer of ours


@dataclass
class Seen:
    """What is known about the step that broke: its trace, and if it was recorded, what came before."""

    trace: Trace
    clip: float | None = None
    optimizer: Optimizer | None = None
    rate: float | None = None
    step: int | None = None
    losses: list[float] = field(default_factory=list)  # of the steps before
    first: int = 0  # the step after which they begin
    at_first: float | None = None  # the largest parameter when it began

    @property
    def weights(self) -> float:
        """The largest parameter before the step."""
        return largest(self.trace.theta)


def largest(array: Array) -> float:
    """The largest finite size in an array.

    >>> largest(np.array([1.0, -3.0, np.inf]))
    3.0
    """
    sizes = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else np.abs(array)
    return float(sizes.max(initial=0.0))


def causes(seen: Seen, path: str) -> Iterator[Finding]:
    """The likely causes, most likely first, of a number that is not finite in the array at `path`."""
    trace, name = seen.trace, path.rpartition(".")[2]
    if name in ("x", "t"):
        what = "inputs" if name == "x" else "targets"
        code = "bad = ~np.isfinite(x).all(axis=1)\nx, t = x[~bad], t[~bad]"
        says = f"The {what} themselves are not finite, after their preparation."
        yield Finding("data not finite", says, (), "Fill in or leave out what is missing, before training.", code)
        return
    if name == "before":
        says = "The parameters were not finite before the step, so no step of this training is to blame."
        yield Finding("weights not finite", says, (), "Make the model anew, or load a checkpoint from before.")
        return
    inside, top = seen.weights <= ORDINARY and largest(trace.x) <= ORDINARY, largest(trace.x)
    if inside and name == "y":
        owner = path.rpartition(".")[0]
        says = f"Layer {owner} made it of ordinary numbers: inputs up to {largest(trace.nodes[owner].x):.3g}."
        evidence = (f"its parameters reach no more than {seen.weights:.3g}",)
        yield Finding(
            "the layer itself", says, evidence, "Look at its forward: a division by 0, a log or root below 0?"
        )
    if top > BIG and not isinstance(trace.model.layers[0], Embedding):
        code = "model = pl.Model(..., prepare=pl.Standardize.fit(x))"
        usual = ("usual are numbers from about -1 to 1",)
        yield Finding("unscaled inputs", f"The inputs reach {top:.3g}.", usual, "Scale them.", code)
    yield from _targets(trace)
    yield from _rate(seen, inside)
    length = largest(np.array([np.sqrt(np.sum(np.square(trace.grad, dtype=np.float64)))]))
    if seen.clip is None and not inside:
        measured = f"The gradient of this step is {length:.3g} long." if length else "The gradient has overflowed."
        yield Finding("long gradients", measured, (), "Shorten what is longer than 1.", "pl.train(..., clip=1.0)")


def _targets(trace: Trace) -> Iterator[Finding]:
    top, loss = largest(trace.scores.t), trace.model.loss
    if isinstance(loss, MeanSquaredError | MeanAbsoluteError | Huber) and not isinstance(loss, ClassLoss) and top > BIG:
        says = f"The targets reach {top:.3g}, and a fresh network says about 0."
        yield Finding("unscaled targets", says, (), "Scale them inside the loss.", "loss=pl.Scaled.fit(t)")


def _rate(seen: Seen, inside: bool) -> Iterator[Finding]:
    """A rate that is too high is seen in what grew: the weights, and the loss of the steps before."""
    if seen.rate is None or (seen.step is not None and seen.step <= seen.first + 1 and inside):
        return
    evidence = []
    if seen.at_first is not None:
        evidence.append(f"the largest parameter is {seen.weights:.3g}; when it began it was {seen.at_first:.3g}")
    elif seen.weights > ORDINARY:
        evidence.append(f"the largest parameter is {seen.weights:.3g}; usual is about 1")
    if len(seen.losses) > 1:
        low = int(np.nanargmin(seen.losses))
        evidence.append(
            f"the loss was {seen.losses[low]:.3g} at step {seen.first + low + 1} and {seen.losses[-1]:.3g} at step "
            f"{seen.first + len(seen.losses)}"
        )
    says = f"The learning rate was {seen.rate:g}."
    curves = {"loss": tuple(seen.losses)} if seen.losses else {}
    kind = type(seen.optimizer).__name__ if seen.optimizer is not None else "..."
    rate = gentler(seen.rate, seen.optimizer)
    code = f"optimizer=pl.{kind}({rate:g}), on the command line --lr {rate:g}"
    yield Finding("learning rate too high", says, tuple(evidence), f"Try {rate:g}.", code, curves)


def gentler(rate: float, optimizer: Optimizer | None) -> float:
    """A rate to try instead of one that was too high: a tenth of it, and no more than is usual.

    >>> gentler(0.005, Adam()), gentler(1e9, Adam()), gentler(1e9, SGD()), gentler(1e9, SGD(momentum=0.9))
    (0.0005, 0.001, 0.1, 0.01)
    """
    usual = 0.001 if isinstance(optimizer, Adam | RMSprop) else 0.1
    usual = round(usual * (1.0 - getattr(optimizer, "momentum", 0.0)), 6)  # momentum repeats each step so often
    return usual if rate > 10 * usual else float(f"{rate / 10:.3g}")
