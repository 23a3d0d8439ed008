"""Open a recording, with the data that are needed to recompute its steps; what does not fit is said before."""

from __future__ import annotations

import os
import tempfile  # noqa: F401 - for the example
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pellucid import metrics as known
from pellucid.base.errors import DataError, UsageError
from pellucid.checkpoint import fingerprint
from pellucid.data.augment import Augment
from pellucid.data.batches import as_data
from pellucid.describe import rebuild
from pellucid.inspection.recompute import Parts
from pellucid.inspection.recordfile import EVENTS, checkpoints, read_lines, read_run
from pellucid.inspection.recording import Recording
from pellucid.metrics import metric_name
from pellucid.model import Metric


def open_recording(
    folder: str | os.PathLike[str],
    data: Any = None,
    *,
    validation: Any = None,
    metrics: Sequence[Metric] | None = None,
    augment: Augment | None = None,
    extra: Iterable[type] = (),
) -> Recording:
    """Open what `pl.record` or `pellucid train --record` wrote.

    Args:
        folder: the recording.
        data: the training samples, in the forms of `pl.train`. Default none: curves can be read, steps not recomputed.
        validation: the validation samples, if there were any.
        metrics: functions; needed only where they are your own.
        augment: a function; needed only where it is your own.
        extra: classes of your own layers.

    Raises:
        FileError: if the folder is no recording, or a damaged one.
        DataError: if the data are not those that were recorded; what differs is said before anything is recomputed.

    >>> import pellucid as pl
    >>> data = ([[0.0], [1.0]], [0.0, 1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     training = pl.train(pl.Model(pl.Dense(1), input_shape=(1,)), data, epochs=3, batch_size=1)
    ...     losses = [event.loss for event in pl.record(training, folder) if isinstance(event, pl.StepDone)]
    ...     recording = pl.open_recording(folder, data)
    ...     recording.losses == losses, recording.verify().ok, recording.at(4).step, recording.trace(4).step
    (True, True, 4, 4)
    """
    place = Path(folder)
    run = read_run(place)
    there = checkpoints(place)  # before the lines, which one that is being written has first
    lines = read_lines(place / EVENTS, run["first"])
    last, ends = max(there, default=0), run["first"] + len(lines.steps)
    if not lines.cut and there and not lines.count:
        lines.cut = f"{EVENTS} is empty"
    elif not lines.cut and last > ends:
        lines.cut = f"{EVENTS} ends at step {ends}, and there is a checkpoint of step {last}"
    recording = Recording(place, run, lines)
    if data is None:
        return recording
    then = run["training"]["arguments"]
    parts = (as_data(data), None if validation is None else as_data(validation, name="validation"))
    now = {
        n: None if part is None else fingerprint(part) for n, part in zip(("data", "validation"), parts, strict=True)
    }
    if differ := [
        f"{name} (recorded {then.get(name)}, given {now[name]})" for name in now if then.get(name) != now[name]
    ]:
        raise DataError(
            f"These are not the data that {folder} was recorded with, so its steps would come out otherwise. "
            f"What differs, as shape, type and digest: {'; '.join(differ)}."
        )
    chosen = _metrics(then["metrics"], metrics)
    changes = _augment(run["training"]["augment"], augment)
    recording.parts = Parts(*parts, chosen, changes, tuple(extra), then, max(run["training"]["epochs"], 1))
    return recording


def _metrics(names: list[str], given: Sequence[Metric] | None) -> tuple[Metric, ...]:
    """The metrics by their names, or those given if they are called so."""
    found: list[Metric] = [getattr(known, name) for name in names if hasattr(known, name)]
    found = found if given is None else list(given)
    if [metric_name(f) for f in found] != names:
        raise UsageError(f"It was recorded with the metrics {', '.join(names) or 'none'}: give them, metrics=[...].")
    return tuple(found)


def _augment(said: dict[str, Any] | None, given: Augment | None) -> Augment | None:
    """The augmentation that was described, or the one given."""
    if said is None or given is not None:
        return given
    try:
        return rebuild(said, (), "augment")  # type: ignore[no-any-return]
    except DataError:
        text = said.get("repr", said)
        raise UsageError(f"It was recorded with an augmentation of your own, {text}: give it, augment=.") from None
