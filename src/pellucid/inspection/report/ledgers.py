"""A few numbers of the network opened: the loss of the worst answer, the largest gradient of a weight, a hidden unit.

They are chosen, not drawn: each is where one would look first.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import pellucid.inspection.page as pages
from pellucid.base.errors import PellucidError
from pellucid.data.batches import Data
from pellucid.inspection.ledger import ledger
from pellucid.inspection.lines import Line
from pellucid.inspection.report.html import opened, para, tag
from pellucid.inspection.report.judged import Judged
from pellucid.inspection.report.subject import Subject
from pellucid.inspection.tape import trace
from pellucid.inspection.trace import Trace
from pellucid.inspection.tree import head
from pellucid.model import Model

BATCH = 8  # samples of the batch whose gradient is opened
Opened = tuple[str, str, Line]  # what it is, in which step or pass, the number


def lines(subject: Subject, judged: Judged | None) -> list[Opened]:
    """The numbers that are opened."""
    if subject.model is None or judged is None:
        return []
    try:
        return list(_chosen(subject, subject.model, judged))
    except PellucidError as error:
        subject.notes.append(f"Not every ledger could be opened. {str(error).splitlines()[0]}")
        return []


def _chosen(subject: Subject, model: Model, judged: Judged) -> Iterator[Opened]:
    data, worst = judged.data, judged.worst if len(judged.worst) else np.arange(len(judged.data))
    first = int(worst[0])
    one = _traced(model, data[[first]], training=False)
    yield (
        f"The loss of the worst answer, sample {first} of the {judged.part} part",
        "as in a prediction",
        ledger(one, "loss"),
    )
    whole, where = _step(subject, model, judged)
    if found := _largest_gradient(whole):
        yield "The largest gradient of a weight", where, ledger(whole, found)
    if found := _unit(one):
        yield f"The strongest hidden unit for sample {first}", "as in a prediction", ledger(one, found)


def _traced(model: Model, few: Data, training: bool) -> Trace:
    return trace(model, few.x, few.t, training=training, weights=few.weights, mask=few.mask)


def _step(subject: Subject, model: Model, judged: Judged) -> tuple[Trace, str]:
    """The last step of a recording; of a model, a batch of what it answered worst."""
    recording = subject.recording
    if subject.can_recompute and recording is not None and recording.losses:
        step = recording.steps[-1]
        try:
            return recording.trace(step, exact=subject.exact), f"in step {step}, the last"
        except PellucidError:
            pass
    worst = judged.worst[:BATCH] if len(judged.worst) else np.arange(min(BATCH, len(judged.data)))
    return _traced(model, judged.data[np.sort(worst)], True), f"in a step on the {len(worst)} worst answers"


def _largest_gradient(found: Trace) -> str:
    """The path of the weight with the largest gradient."""
    best, path = 0.0, ""
    for name, slot in found.model.slots.items():
        values = np.abs(found.grad[slot.at].reshape(slot.shape))
        if slot.decay and values.size and np.isfinite(values).all() and values.max() > best:
            spot = np.unravel_index(int(values.argmax()), values.shape)
            owner, _, own = name.rpartition(".")
            best, path = float(values.max()), f"{owner}.d{own}[{','.join(map(str, spot))}]"
    return path


def _unit(found: Trace) -> str:
    """The path of the largest output of the layer before the last one with weights."""
    paths = found.paths
    last = max((i for i, path in enumerate(paths) if f"{path}.W" in found.model.slots), default=0)
    if last == 0:
        return ""
    y = found[f"{paths[last - 1]}.y"]
    if not np.isfinite(y).all():
        return ""
    spot = np.unravel_index(int(np.abs(y).argmax()), y.shape)
    return f"{paths[last - 1]}.y[{','.join(map(str, spot))}]"


def ledgers(found: list[Opened], depth: int, most: int) -> str:
    """The section's inside."""
    if not found:
        return para("No number was opened: the network or samples to ask it about were not at hand.")
    parts = [para("A number is the sum of what stands below it; what can be opened is opened by click or Enter.")]
    for what, where, line in found:
        inside = para(f"{what[0].upper()}{what[1:]}, {where}.", "soft") + pages.body(line, depth, most, level=3)
        parts.append(opened(f"{what}: {head(line)[0]}", inside, kind="number"))
    return tag("div", "".join(parts))
