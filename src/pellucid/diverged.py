"""Where it broke: the first number of a training that is not finite, and what it should have been told before.

When a loss is nan, everything after it is nan too, so the last array says nothing. The pass is run once more with
every array kept, and the arrays are looked at in the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import Diverged
from pellucid.base.run import Run
from pellucid.data.batches import Data
from pellucid.layers import Embedding
from pellucid.layers.compose import Step
from pellucid.losses import Huber, MeanAbsoluteError, MeanSquaredError
from pellucid.model import Model

BIG = 20.0  # inputs beyond this were most likely not scaled
USUAL = 0.1  # a learning rate beyond is rarely meant; most optimizers want 0.01 or less


def diverged(
    model: Model,
    x: Array | None,
    t: Array | None,
    weights: Array | None,
    step: int,
    lr: float,
    mask: Array | None = None,
) -> Diverged:
    """The error that names the first array that is not finite, its layer, the step, and the likely causes."""
    with np.errstate(all="ignore"):
        found = _first(model, x, t, weights, mask)
    where, array = found if found else ("the loss", None)
    text = f"Training diverged at step {step}: the first number that is not finite is in {where}"
    if array is not None:
        spot = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        text += f", at {list(spot)} ({array[spot]}; {np.sum(~np.isfinite(array))} of {array.size} numbers)"
    causes = [f"the learning rate {lr:g} is too high: try {min(lr / 10, USUAL):g}"]
    if x is not None and float(np.abs(x).max(initial=0.0)) > BIG and not _takes_ids(model):
        causes.insert(0, f"the inputs reach {float(np.abs(x).max()):g}: scale them to about -1 to 1")
    causes.append("long gradients: set clip=1.0")
    return Diverged(f"{text}.\nLikely causes, most likely first: " + "; ".join(causes) + ".")


def _first(
    model: Model, x: Array | None, t: Array | None, weights: Array | None, mask: Array | None
) -> tuple[str, Array | None] | None:
    for path, slot in model.slots.items():
        values = model.theta[slot.at].reshape(slot.shape)
        if not np.isfinite(values).all():
            return f"the parameter {path} after the update before", values
    if x is None or t is None:
        return None
    if not np.isfinite(x).all():
        return "the input x", x
    z, cache = model.net.forward(x, Run(keep=True, mask=mask))
    for path, step in steps(cache["tape"]):
        if step.y is not None and not np.isfinite(step.y).all():
            return f"the output of layer {path}", step.y
    tally, _ = model.loss.forward(z, t, weights)
    if not np.isfinite(tally.total):
        return f"the loss ({type(model.loss).__name__}), although all its inputs are finite", None
    return None


def _takes_ids(model: Model) -> bool:
    return isinstance(model.layers[0], Embedding)  # whose inputs have no size, so they cannot be too large


def steps(tape: list[Step], path: str = "") -> Iterator[tuple[str, Step]]:
    """Every step of a tape with its layer's path, those inside a container before the container."""
    for i, step in enumerate(tape):
        full = f"{path}{i}.{step.layer.kind}"
        if "tape" in step.cache:
            yield from steps(step.cache["tape"], full + ".")
        yield full, step


def notes(model: Model, data: Data) -> list[str]:
    """What a person should know before training starts: each a sentence, and mostly there are none."""
    said = []
    few = data[:1000].x
    prepared = np.asarray(model.prepared(few))
    top = float(np.abs(prepared).max(initial=0)) if prepared.dtype.kind in "fiub" else 0.0
    if top > BIG and not _takes_ids(model):
        said.append(
            f"The inputs were not scaled: they reach {top:g}. Networks learn best from numbers between about -1 and 1; "
            + ("divide the pixels by 255." if top <= 255 else "see pl.Standardize.")
        )
    sized = isinstance(model.loss, MeanSquaredError | MeanAbsoluteError | Huber)
    if sized and data.t.dtype.kind in "fiu" and float(np.abs(few_t := data[:1000].t).max(initial=0)) > BIG:
        said.append(
            f"The targets reach {float(np.abs(few_t).max()):g}, and a fresh network says about 0. "
            "loss=pl.Scaled.fit(t) brings them to about 1 inside; the answers keep their unit."
        )
    if model.prepare is None and data.x.dtype != model.dtype:
        said.append(f"The inputs are {data.x.dtype}; each batch is converted to {model.dtype}.")
    return said
