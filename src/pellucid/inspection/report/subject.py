"""What a page is about: a recorded training or a model, and the samples on which its answers are judged.

Whatever cannot be had (data that are not here, a recording that was cut, numbers that come out otherwise on this
machine) is no reason for no page: it becomes a sentence under `notes`, and the rest is shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.base.errors import FileError, PellucidError, UsageError
from pellucid.data.batches import Data, as_data
from pellucid.events import StepDone
from pellucid.inspection.open_recording import open_recording
from pellucid.inspection.recompute import NotTheSame
from pellucid.inspection.recordfile import last_whole
from pellucid.inspection.recording import Recording
from pellucid.inspection.report.html import clean
from pellucid.model import Model
from pellucid.store import load
from pellucid.train import Training

Told = Callable[[str], None]


@dataclass
class Subject:
    """What is reported.

    Args:
        name: what the page is called.
        model: the network as it is at the end, or None if nothing of it could be read.
        step: after which step that is; None for a model file.
        rows: the history, a dict an epoch.
        recording: the recording, or None.
        data: the samples that the answers are judged on, or None.
        part: what these are called: "test", "validation".
        training: the samples that were trained on, or None.
        exact: whether recomputed steps have come out to the bit so far.
        notes: what is not as one might expect, in sentences.
        file: the recording or the model file as it was named; empty if it has none.
    """

    name: str
    model: Model | None
    step: int | None
    rows: list[dict[str, Any]]
    recording: Recording | None = None
    data: Data | None = None
    part: str = ""
    training: Data | None = None
    exact: bool = True
    notes: list[str] = field(default_factory=list)
    file: str = ""

    def at(self, step: int) -> Training:
        """The recorded training after a step; to the bit, or if that cannot be, as near as this machine comes."""
        assert self.recording is not None
        if self.exact:
            try:
                return self.recording.at(step)
            except NotTheSame as error:
                self._apart(clean(error, 400))
        return self.recording.at(step, exact=False)

    def compare(self, event: StepDone) -> None:
        """Hold a step that was recomputed against the recording."""
        assert self.recording is not None
        line = self.recording.line(event.step)
        if self.exact and line is not None and line["loss"] != event.loss:
            self._apart(f"Step {event.step}: the loss is {event.loss!r}, recorded was {line['loss']!r}.")

    def _apart(self, why: str) -> None:
        self.exact = False
        self.notes.append(
            f"Steps that were recomputed for this page are not those of the recording to the last bit. {why}"
        )

    @property
    def can_recompute(self) -> bool:
        """Whether steps can be recomputed."""
        return self.recording is not None and self.recording.parts is not None


def subject_of(run: Any, data: Any, part: str, training: Any) -> Subject:
    """What is reported, from what `pl.report` was given."""
    file = ""
    if isinstance(run, str | os.PathLike):
        file = os.fspath(run)
        run = load(file) if Path(file).is_file() else open_recording(file)
    if isinstance(run, Recording):
        found = _of_recording(run)
        found.training = found.training if training is None else as_data(training, name="training")
    elif isinstance(run, Model):
        found = Subject(Path(file).name or "A network", run, None, list(run.history), file=file)
        found.training = None if training is None else as_data(training, name="training")
    else:
        raise UsageError(
            f"A report is made of a recording or a model, not of {type(run).__name__}: pl.report('first.run'), "
            "pl.report(pl.open_recording('first.run', (x, t))), pl.report(model, (x, t))."
        )
    found.name = clean(found.name)
    if data is not None:
        found.data, found.part = as_data(data), clean(part or "given", 24)
    else:
        _own_data(found)
    return found


def _of_recording(recording: Recording) -> Subject:
    steps, folder = recording.steps, str(recording.folder)
    rows = [{k: v for k, v in row.items() if k not in ("step", "digest", "best")} for row in recording.epochs]
    found = Subject(recording.folder.name, None, None, rows, recording, file=folder)
    if recording.cut:
        found.notes.append(f"The recording is not whole: {recording.cut}. Shown is what could be read.")
    if differ := recording.differs():
        found.notes.append(f"Not everything here is as it was when this was recorded: {'; '.join(differ)}.")
    if recording.parts is None:
        found.notes.append(
            "The data of this recording were not at hand, so no step of it was recomputed; what was written down is "
            "shown."
        )
        try:
            path = last_whole(recording.folder)
        except FileError as error:
            found.notes.append(str(error))
            return found
        found.model, found.step = load(path), int(path.stem.rpartition("-")[2])
        return found
    found.training = recording.parts.data
    try:
        training = found.at(steps[-1])
    except PellucidError as error:
        found.notes.append(clean(error, 400))
        return found
    found.model, found.step = training.model, steps[-1]
    options = recording.run.get("options")
    if training.best is not None and isinstance(options, dict) and options.get("keep_best"):
        best = training.best
        found.model.theta[:], found.model.buffers[:] = best.theta, best.buffers
        found.notes.append(
            f"The network's weights are those of its best epoch, {best.epoch}, as the training was asked to keep."
        )
    return found


def _own_data(found: Subject) -> None:
    """Without other samples: the recording's validation part, and where there is none, what it was trained on."""
    parts = None if found.recording is None else found.recording.parts
    if parts is None:
        return
    if parts.validation is not None:
        found.data, found.part = parts.validation, "validation"
    else:
        found.data, found.part = parts.data, "training"
        found.notes.append(
            "There are no samples beside those that it was trained on, so the answers are judged on these: what it "
            "does on new ones is not known."
        )


def some(data: Data, most: int) -> Data:
    """At most so many samples, spread over all of them."""
    if len(data) <= most:
        return data
    return data[np.linspace(0, len(data) - 1, most).round().astype(int)]
