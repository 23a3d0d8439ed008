"""Where it broke: the first number of a training that is not finite, the sample it came from, and the way back.

    broke = pl.where_it_broke(recording)        # or a model and a batch, or a training that has just diverged
    print(broke)                                # the array, the layer, the sample, the step, the likely causes in order
    broke.line                                  # that very number in the ledger: the inputs that made it

A number that is not finite makes all that comes after it the same, so the last array says nothing. The step is made
once more with every array kept, and the arrays are looked at in the order in which they were made: inputs, parameters,
outputs, loss, gradients, the optimizer's memory, the updated parameters.
"""

from __future__ import annotations

import tempfile  # noqa: F401 - for the example
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import Diverged, UsageError
from pellucid.events import StepDone
from pellucid.inspection.causes import Seen, causes, largest
from pellucid.inspection.finding import Finding
from pellucid.inspection.ledger import ledger
from pellucid.inspection.lines import Line
from pellucid.inspection.recording import Recording
from pellucid.inspection.tape import trace as make_trace
from pellucid.inspection.trace import Trace
from pellucid.inspection.tracing import tracing
from pellucid.model import Model
from pellucid.optim import Optimizer
from pellucid.train import Training

BEFORE = ("x", "t", "before")  # what was there before the step began


@dataclass(frozen=True, eq=False)
class Broke:
    """The first number of a step that is not finite.

    `path` and `place` say where it is in `trace`, `what` says it in words; `count` of the array's `size` numbers are
    not finite. `row` is the sample's place in the batch and `sample` its place in the training data, where that is
    known; `step` is the step, `healthy` the last one to go back to, `causes` what is likely to help, most likely first.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(1), input_shape=(1,))
    >>> broke = pl.where_it_broke(model, [[1.0], [float("nan")]], [0.0, 0.0])
    >>> isinstance(broke, pl.Broke), broke.number, broke.who, [cause.name for cause in broke.causes]
    (True, '0.dense.x[1,0]', 'row 1 of the batch', ['data not finite'])
    """

    path: str
    place: tuple[int, ...]
    what: str
    value: float
    count: int
    size: int
    trace: Trace = field(repr=False)
    row: int | None = None
    sample: int | None = None
    step: int | None = None
    healthy: int | None = None
    causes: tuple[Finding, ...] = ()

    @property
    def number(self) -> str:
        """The number's path, as the ledger takes it: "0.dense.y[3,17]"."""
        return self.path + (f"[{','.join(map(str, self.place))}]" if self.place else "")

    @property
    def line(self) -> Line:
        """The number in the ledger: what it was made of."""
        return ledger(self.trace, self.number)

    @property
    def who(self) -> str:
        """The sample, in words, or nothing."""
        if self.row is None:
            return ""
        return f"row {self.row} of the batch" + ("" if self.sample is None else f", training sample {self.sample}")

    def document(self) -> dict[str, Any]:
        """All of it but the trace, as plain data."""
        names = ("path", "what", "value", "count", "size", "row", "sample", "step", "healthy")
        said = {name: getattr(self, name) for name in names} | {"place": list(self.place)}
        return said | {
            "causes": [{"name": c.name, "says": c.says, "cure": c.cure, "code": c.code} for c in self.causes]
        }

    def __str__(self) -> str:
        when = "" if self.step is None else f"At step {self.step}: "
        many = f" ({self.count:,} of its {self.size:,} numbers are not finite)" if self.size > 1 else ""
        lines = [f"{when}the first number that is not finite is in {self.what}: {self.number} is {self.value:g}{many}."]
        if self.who:
            lines.append(f"It came from {self.who}.")
        for i, cause in enumerate(self.causes, start=1):
            lines += [f"{i}. {text}" if j == 0 else f"   {text}" for j, text in enumerate(str(cause).splitlines())]
        if self.healthy is not None:
            lines.append(f"The last step with a usual loss is {self.healthy}.")
        return "\n".join(lines)


def where_it_broke(
    subject: Model | Training | Recording,
    x: Any = None,
    t: Any = None,
    optimizer: Optimizer | None = None,
    *,
    clip: float | None = None,
    seed: int = 0,
) -> Broke | None:
    """The first number that is not finite, in the order in which numbers are made; None if all are finite.

    Args:
        subject: a model (with `x` and `t`: one step is made, on a copy), a training that has just raised `Diverged`, or
            a recording with its data (its last step is made again, exactly).
        x, t: a batch, raw, for a model.
        optimizer: for a model, how it moves; default a fresh `Adam(1e-3)`.
        clip, seed: for a model, as for `pl.trace`.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), pl.ReLU(), pl.Dense(1), input_shape=(2,))
    >>> print(pl.where_it_broke(model, [[1.0, 2.0]], [0.0]))
    None
    >>> model.layers[0].W[1, 0] = 1e38
    >>> broke = pl.where_it_broke(model, [[1.0, 2.0], [1.0, 20.0]], [0.0, 0.0])
    >>> broke.number, broke.value, broke.row, broke.line.terms[1].label
    ('0.dense.y[1,0]', inf, 1, 'x[1, 1] × W[1, 0]')
    """
    if isinstance(subject, Recording):
        return _in_recording(subject)
    if isinstance(subject, Training):
        return _in_training(subject)
    if x is None or t is None:
        raise UsageError("where_it_broke needs the batch that broke: pl.where_it_broke(model, x, t).")
    with np.errstate(all="ignore"):
        trace = make_trace(subject, x, t, optimizer, clip=clip, seed=seed)
    found = _first(trace)
    seen = Seen(trace, clip, optimizer, None if trace.update is None else trace.update.rate)
    return None if found is None else _broke(trace, found, seen, None, None, None)


def usual_until(losses: list[float], first: int = 0) -> int:
    """The last step to go back to: after it, the next batch's loss was still usual.

    A loss is usual if it is neither above that of the untrained network nor three times the recent ones.

    >>> usual_until([2.3, 1.0, 0.8, 0.7, 5.0, 80.0]), usual_until([2.3, 40.0, 1e9])
    (3, 0)
    """
    for i in reversed(range(len(losses))):
        recent = losses[max(0, i - 50) : i]
        if losses[i] <= min([losses[0], *([3.0 * float(np.median(recent))] if recent else [])]):
            return first + i
    return first


# ---- which step ------------------------------------------------------------------------------------------------------


def _in_recording(recording: Recording) -> Broke | None:
    step, found, trace = recording.steps[-1] + 1, None, None
    clip = recording.run["training"]["arguments"]["clip"]
    rate = recording.rates[-1] if recording.rates else None
    while step > recording.first:
        made = _made(recording, step)
        if made is not None:
            now = _first(made)
            if now is None:
                break
            found, trace = now, made
            if not now[0].endswith(".before"):
                break
        step -= 1  # it was broken before this step began, so the step before has broken it
    if found is None or trace is None:
        return None
    trace.step = max(step, recording.first + 1)
    begin = recording.at(recording.first)
    at_first = largest(begin.model.theta)
    seen = Seen(trace, clip, begin.optimizer, rate, trace.step, recording.losses, recording.first, at_first)
    healthy = min(usual_until(recording.losses, recording.first), trace.step - 1)
    return _broke(trace, found, seen, recording.batch_of(trace.step), trace.step, healthy)


def _made(recording: Recording, step: int) -> Trace | None:
    """A step of a recording, made again, as far as it comes; None if the training does not come to it."""
    try:
        training = recording.at(step - 1)
    except Diverged:  # at the end of an epoch, which is after this step
        return None
    with tracing(training) as traces:
        try:
            for event in training:
                if isinstance(event, StepDone):
                    break
        except Diverged:
            pass
    return traces[0] if traces else None


def _in_training(training: Training) -> Broke | None:
    """The batch at which a training stands, with the state that it is in."""
    size, epoch, batch = training.batch_size, training.epoch, training.batch
    if batch == training.steps_per_epoch:  # it broke at the end of an epoch, so in its last step
        batch -= 1
    at = training.data.order(training.seed, epoch)[batch * size : (batch + 1) * size]
    data, model = training.data[at], training.model
    with np.errstate(all="ignore"):
        trace = make_trace(model, data.x, data.t, training.optimizer, weights=data.weights, mask=data.mask)
    found = _first(trace)
    seen = Seen(trace, training.clip, training.optimizer, training.optimizer.rate, training.step + 1)
    return None if found is None else _broke(trace, found, seen, at, training.step + 1, None)


# ---- which number ----------------------------------------------------------------------------------------------------

Found = tuple[str, str, Array]  # an array's path in the trace, what it is, and the array


def _first(trace: Trace) -> Found | None:
    """The first array, in the order of making, that holds a number that is not finite."""
    for found in _arrays(trace):
        if found[2].dtype.kind == "f" and not np.isfinite(found[2]).all():
            return found
    return None


def _arrays(trace: Trace) -> Iterator[Found]:
    """Every array of a step in the order in which they were made."""
    leaves = [path for path in trace.paths if not any(other.startswith(path + ".") for other in trace.paths)]
    slots, update = trace.model.slots, trace.update
    first, scores = trace.nodes[leaves[0]], trace.scores
    yield f"{leaves[0]}.x", "the inputs", first.x
    yield "loss.t", "the targets", scores.t
    for path, slot in slots.items():
        yield f"{path}.before", f"the parameter {path}, before the step", trace.theta[slot.at].reshape(slot.shape)
    for path in leaves:
        yield f"{path}.y", f"the output of layer {path}", trace.nodes[path].y
    name = type(trace.model.loss).__name__
    yield "loss", f"the loss ({name})", np.array(scores.total)
    yield "loss", "the penalty on the weights", np.array(trace.loss)
    yield "loss.dz", f"the gradient of the loss ({name})", scores.dz
    for path in reversed(leaves):
        node = trace.nodes[path]
        for owner in (p for p in node.params if p.startswith("d") and f"{path}.{p[1:]}" in slots):
            yield f"{path}.{owner}", f"the gradient of {path}.{owner[1:]}", node.params[owner]
        if path != leaves[0]:
            yield f"{path}.dx", f"the gradient of layer {path}'s inputs", node.dx
    if update is None:
        return
    for name in update.after:
        words = (
            "the parameter {}, after the step"
            if name == "theta"
            else f"{type(update.optimizer).__name__}'s {name} of {{}}"
        )
        for path in slots:
            array = update.of(path, update.after[name])
            yield f"{path}.{'after' if name == 'theta' else name}", words.format(path), array


def _broke(
    trace: Trace, found: Found, seen: Seen, samples: Array | None, step: int | None, healthy: int | None
) -> Broke:
    path, what, array = found
    bad = ~np.isfinite(array)
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    row = place[0] if path.rpartition(".")[2] in ("x", "t", "y", "dz", "dx") and len(array) == len(trace.x) else None
    if path == "loss" and not np.isfinite(trace.scores.total):
        row = _row_of_loss(trace)
    path = path.removesuffix(".before") if path.endswith(".before") else path
    return Broke(
        path, place, what, float(array[place]), int(bad.sum()), array.size, trace,
        row, None if samples is None or row is None else int(samples[row]), step, healthy,
        tuple(causes(seen, found[0])),
    )  # fmt: skip


def _row_of_loss(trace: Trace) -> int | None:
    """The first sample whose own loss is not finite."""
    scores, w = trace.scores, trace.weights
    with np.errstate(all="ignore"):
        for i in range(len(scores.z)):
            at = slice(i, i + 1)
            if not np.isfinite(
                trace.model.loss.forward(scores.z[at], scores.t[at], None if w is None else w[at])[0].total
            ):
                return i
    return None
