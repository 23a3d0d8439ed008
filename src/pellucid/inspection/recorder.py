"""Record a training, so that any step of it can be had again: its events as lines, and its state now and then.

    for event in pl.record(pl.train(model, data, epochs=10), "first.run"):
        ...                                    # the same events; the training knows nothing of it

A training follows from its state, to the bit. So it is enough to keep the state so often that the steps between can be
recomputed in a moment: after every 0.4 seconds of training, or what was asked for. Where the disk space that may be
used would be exceeded, every second checkpoint goes, the wait doubles, and that is said.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile  # noqa: F401 - for the example
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pellucid.base.errors import DataError, Diverged, FileError, UsageError
from pellucid.checkpoint import arguments_of, differences, save_checkpoint
from pellucid.checkpoint import resume as put_to
from pellucid.events import EpochDone, Event, Noted, StepDone, Stopped
from pellucid.inspection.recordfile import (
    EVENTS,
    RUN,
    checkpoint_path,
    checkpoints,
    digest,
    finite,
    last_whole,
    read_lines,
    read_run,
    run_document,
    state_digest,
    versions,
)
from pellucid.inspection.recordspace import Space
from pellucid.store import write_atomically
from pellucid.train import Training

MEGABYTES, WITHIN = 500.0, 1.0  # what a recording may take on the disk, and how long a step may take to be rebuilt
LEISURE = 12.0  # times as long as a checkpoint takes to write lies between two of them, at least
ENCODE = json.JSONEncoder(allow_nan=False).encode


def record(
    events: Iterable[Event],
    folder: str | os.PathLike[str],
    training: Training | None = None,
    *,
    megabytes: float = MEGABYTES,
    within: float = WITHIN,
    resume: bool = False,
    command: Sequence[str] = (),
    options: dict[str, Any] | None = None,
    parent: tuple[str, int] | None = None,
) -> Iterator[Event]:
    """The same events; every one of them is written to a recording, and now and then the whole state.

    Put it around the other listeners (`early_stop`, `keep_best`), so that it sees what they did.

    Args:
        events: a training, or a wrapper around one.
        folder: where the recording is written; usually it ends in ".run".
        training: the training itself, if `events` is a wrapper. Default `events`.
        megabytes: the most that the recording may take on the disk. Default 500.
        within: seconds in which any step shall be rebuilt. Default 1.
        resume: go on with the recording in `folder`, if there is one: a training that has just been made is first put
            to its last checkpoint. Default false.
        command: the words of the command that made it, to be written down. Default none.
        options: what else shall be written down, as plain data. Default none.
        parent: the recording that this one branched off from, and after which step. Default none.

    Raises:
        FileError: if the folder cannot be written, or holds a recording already and `resume` is false.
        DataError: with `resume`, if that recording is of another training.
        UsageError: if `megabytes` has no room for two checkpoints.

    >>> import pellucid as pl
    >>> data = ([[0.0], [1.0]], [0.0, 1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     training = pl.train(pl.Model(pl.Dense(1), input_shape=(1,)), data, epochs=3, batch_size=1)
    ...     events = list(pl.record(training, f"{folder}/first.run"))
    ...     recording = pl.open_recording(f"{folder}/first.run", data)
    ...     recording.steps, bool((recording.at(6).model.theta == training.model.theta).all())
    (range(0, 7), True)
    """
    if training is None:
        if not isinstance(events, Training):
            raise UsageError("record needs to know the training inside: pl.record(events, folder, training).")
        training = events
    if not megabytes > 0 or not within > 0:
        raise UsageError(f"megabytes and within must be above 0, not {megabytes!r} and {within!r}.")
    need = (
        3 + len(training.optimizer.vectors)
    ) * training.model.theta.nbytes  # with the best weights, and some to spare
    if 2 * need > megabytes * 1e6:
        raise UsageError(
            f"A recording needs room for two checkpoints, and one of this training takes up to {need / 1e6:.3g} MB, so "
            f"{megabytes:g} MB are too little. Allow {2.5 * need / 1e6:.3g} or more (--record-size, megabytes=)."
        )
    recorder = Recorder(training, Path(folder), megabytes * 1e6, within)
    if (recorder.folder / RUN).exists() and not resume:
        on = "remove this one, or go on with it: --resume, in Python resume=True."
        raise FileError(
            f"{folder} holds a recording already, and a second one would mix with it. Give another folder"
            + (f", {on}" if parent is None else " (--output), or remove this one.")
        )
    if not recorder.go_on(shlex.join(command)):
        branch = None if parent is None else {"folder": str(parent[0]), "step": int(parent[1])}
        recorder.begin({"command": shlex.join(command), "options": options, "parent": branch})
    recorder.open()
    return recorder.follow(events)


class Recorder:
    """The writing side of a recording: what `record` puts around a training."""

    def __init__(self, training: Training, folder: Path, size: float, within: float) -> None:
        self.training, self.folder, self.within = training, folder, within
        self.space = Space(folder, size)
        self.spent = 0.0  # seconds of training since the last checkpoint
        self.writing = [0.0]  # seconds that each checkpoint took to write; the first time tells nothing
        self.warned = False
        self.step = training.step  # the last step that was written
        self.told = 0  # bytes of events when the last checkpoint was written
        self.arguments = arguments_of(training)
        self.file: Any = None

    # ---- making the folder ready -------------------------------------------------------------------------------------

    def begin(self, said: dict[str, Any]) -> None:
        """A new recording."""
        training, folder = self.training, self.folder
        if folder.exists() and not (folder / RUN).exists() and _others(folder):
            raise FileError(
                f"{folder} exists and is no recording (it holds {_others(folder)[0]}). Give the name of a new folder."
            )
        run = said | run_document(training, self.arguments)
        write_atomically(folder / RUN, (json.dumps(run, indent=1) + "\n").encode())
        write_atomically(folder / EVENTS, b"")
        for old in checkpoints(folder).values():  # of a recording that was killed before it had begun
            old.unlink()

    def go_on(self, command: str) -> bool:
        """Put the training to the last checkpoint if it is not under way, and leave out what was recorded after it."""
        training, folder = self.training, self.folder
        if not (folder / RUN).exists() or not checkpoints(folder):
            return False
        run = read_run(folder)
        lines = read_lines(folder / EVENTS, run["first"])
        if not training.step:
            put_to(training, last_whole(folder), self.arguments)
        elif differ := list(differences(run["training"]["arguments"], self.arguments, "training")):
            raise DataError(f"The recording in {folder} is of another training: {'; '.join(differ)}.")
        last = max(run["first"] + len(lines.steps), *checkpoints(folder))
        if not run["first"] <= training.step <= last:
            raise FileError(
                f"The recording in {folder} reaches from step {run['first']} to {last}, and the training is at step "
                f"{training.step}: between them something would be missing. Give another folder."
            )
        pieces = (folder / EVENTS).read_bytes().split(b"\n")[: lines.count] if lines.count else []
        kept = [raw + b"\n" for raw in pieces if raw and _stays(json.loads(raw), training)]
        write_atomically(folder / EVENTS, b"".join(kept))
        for step, path in checkpoints(folder).items():
            if step > training.step:
                path.unlink()
        run["resumed"].append({"step": training.step, "command": command, "versions": versions()})
        run["training"]["epochs"] = max(training.epochs, run["training"]["epochs"])
        write_atomically(folder / RUN, (json.dumps(run, indent=1) + "\n").encode())
        self.step = training.step
        return True

    def open(self) -> None:
        """Ready to follow: the events can be appended, and the state as it stands is kept."""
        space, step = self.space, self.training.step
        space.look()
        try:
            self.file = open(self.folder / EVENTS, "ab", buffering=0)  # noqa: SIM115 - it is closed by `follow`
        except OSError as error:
            raise FileError(f"{self.folder / EVENTS} could not be written: {error.strerror or error}.") from None
        if step not in space.kept:
            self._checkpoint()

    # ---- under way ---------------------------------------------------------------------------------------------------

    def follow(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events, each written before it is given on."""
        training, reason = self.training, ""
        before = time.perf_counter()
        try:
            for event in events:
                self.spent += time.perf_counter() - before
                notes = self._write(event) if self.file is not None else ()
                yield event
                for note in notes:
                    yield Noted(note)
                reason = event.reason if isinstance(event, Stopped) else reason
                before = time.perf_counter()
            reason = reason or "done"
        except GeneratorExit:  # whoever leaves the loop finds everything up to here
            if self.file is not None and training.step == self.step and training.step not in self.space.kept:
                self._checkpoint()
            reason = reason or ("left" if training.epoch < training.epochs else "done")
            raise
        except Diverged as error:
            step = training.step + (training.batch < training.steps_per_epoch)
            self._line({"event": "diverged", "step": step, "text": str(error)})
            self._close()
            error.add_note(f"It is recorded in {self.folder}: pl.where_it_broke(pl.open_recording(...)) says more.")
            raise
        finally:
            self._line({"event": "end", "step": training.step, "reason": reason or "interrupted"})
            self._close()

    def _write(self, event: Event) -> Sequence[str]:
        training = self.training
        try:
            if isinstance(event, StepDone):
                self.step = event.step
                line = {"event": "step", "step": event.step, "epoch": event.epoch, "loss": float(event.loss)}
                self._line(line | {"lr": float(event.lr)})
                if self.spent > self.wait and training.batch < training.steps_per_epoch:
                    return self._checkpoint()
            elif isinstance(event, EpochDone):
                best = training.best
                row = {name: finite(value) for name, value in event.row().items()}
                line = {"event": "epoch", "step": event.step} | row | {"digest": digest(training.model)}
                self._line(line | {"best": None if best is None else [finite(best.value), best.epoch]})
                if self.spent > self.wait or event.epoch == training.epochs:
                    return self._checkpoint()
            elif isinstance(event, Stopped) and training.step not in self.space.kept:
                return self._checkpoint()
        except OSError as error:
            self._close()
            return [f"The recording in {self.folder} ends at step {training.step}, the training goes on. {error}"]
        return ()

    def _checkpoint(self) -> list[str]:
        """Write the state, after making room for it; what had to be given up, in words."""
        space, step, start, halved = self.space, self.training.step, time.perf_counter(), self.space.halved
        seconds, self.spent = self.spent, 0.0
        need = 1.02 * max(space.kept.values(), default=0.0)
        if not space.make_room(need, lines=2 * self.file.tell() - self.told + 1000):
            self._close()
            size = f"{space.size / 1e6:g} MB; --record-size, in Python megabytes=, allows more"
            return [f"The recording in {self.folder} is full ({size}). It ends at step {step}, the training goes on."]
        save_checkpoint(self.training, checkpoint_path(self.folder, step), self.arguments)
        space.add(step)
        line = {"event": "checkpoint", "step": step, "digest": digest(self.training.model)}
        self._line(line | {"state": state_digest(self.training), "seconds": seconds})
        self.told, said = self.file.tell(), []
        self.writing.append(time.perf_counter() - start)
        if space.halved > halved:
            self._line({"event": "thinned", "step": step, "kept": len(space.kept), "seconds": self.wait})
            said.append(f"The recording has reached its {space.size / 1e6:g} MB, so every second checkpoint went.")
        if self.wait > self.within and not space.halved and not self.warned:
            self.warned = True
            said.append(f"A checkpoint takes {self._slow:.2g} s to write, so there are few of them.")
        if said:
            said[-1] += f" A step is now rebuilt in up to about {self.wait + 0.4 * self.within:.2g} s."
        return said

    @property
    def _slow(self) -> float:
        return float(min(self.writing[2:], default=0.0))

    @property
    def wait(self) -> float:
        """Seconds of training between two checkpoints; the rest of the time is for loading, and to be safe."""
        return max(0.4 * self.within * float(2**self.space.halved), LEISURE * self._slow)

    def _line(self, said: dict[str, Any]) -> None:
        if self.file is not None:
            self.file.write((ENCODE(said) + "\n").encode())

    def _close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


def _stays(line: dict[str, Any], training: Training) -> bool:
    """Whether a line is of what the training has already done."""
    if line["event"] in ("end", "diverged") or line["step"] > training.step:
        return False
    return bool(line["event"] != "epoch" or line["epoch"] <= training.epoch)


def _others(folder: Path) -> list[str]:
    """The names in a folder, but for hidden ones, such as what a kill left half-written."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else ["?"]
