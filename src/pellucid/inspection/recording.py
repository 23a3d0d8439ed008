"""A recorded training, to go back to any step of it: the nearest checkpoint is loaded, the steps from there recomputed.

    recording = pl.open_recording("first.run", (x, t))
    recording.at(137)            # the training as it was after step 137, to the bit; iterate it to go on from there
    recording.trace(137)         # that very step with every number of it, for pl.ledger
    recording.branch(137, lr=3e-4)

What is recomputed is compared with what was recorded: the loss of every step, and the digest of the weights at every
checkpoint and at the end of every epoch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.datasets.stream import order_of
from pellucid.inspection.recompute import NOTHING, Comparison, NotTheSame, Parts, Verified, at_rate, start
from pellucid.inspection.recordfile import Lines, changed, checkpoints, last_whole, versions
from pellucid.inspection.trace import Trace
from pellucid.inspection.tracing import tracing
from pellucid.optim import Optimizer
from pellucid.train import Training

if TYPE_CHECKING:
    from pellucid.inspection.rundiff import Difference


class Recording:
    """A recording on the disk; `pl.open_recording` makes one. The steps of a training count from 1.

    `steps` are the steps that can be gone back to, `losses` and `rates` the curves by step (the first of them is that
    of step `steps[0] + 1`), `epochs` the rows of the history with their digests, `checkpoints` the steps whose state is
    on the disk. `run` is the document in run.json, and `cut` says what could not be read, or is empty.

    >>> from tempfile import TemporaryDirectory
    >>> import pellucid as pl
    >>> data = ([[0.0], [1.0]], [0.0, 1.0])
    >>> with TemporaryDirectory() as folder:
    ...     training = pl.train(pl.Model(pl.Dense(1), input_shape=(1,)), data, epochs=4, batch_size=1)
    ...     events = list(pl.record(training, folder))
    ...     recording = pl.open_recording(folder, data)
    ...     branch = recording.branch(4, lr=0.1)    # its weights after step 4, and another rate from there on
    ...     isinstance(recording, pl.Recording), len(recording.losses), branch.step, next(branch).lr
    (True, 8, 4, 0.1)
    """

    def __init__(self, folder: Path, run: dict[str, Any], lines: Lines) -> None:
        self.folder, self.run, self.lines = folder, run, lines
        self.first: int = run["first"]
        self.parts: Parts | None = None  # what is needed to recompute, once it is known

    # ---- what can be read without the data ---------------------------------------------------------------------------

    @property
    def checkpoints(self) -> list[int]:
        """The steps whose whole state is on the disk."""
        return list(checkpoints(self.folder))

    @property
    def steps(self) -> range:
        """The steps that can be gone back to; the first is what the recording began with."""
        return range(self.first, max(self.first + len(self.lines.steps), *self.checkpoints, self.first) + 1)

    @property
    def losses(self) -> list[float]:
        """The loss of each step's batch, before its update."""
        return [line["loss"] for line in self.lines.steps]

    @property
    def rates(self) -> list[float]:
        """The learning rate of each step."""
        return [line["lr"] for line in self.lines.steps]

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The rows of the history, each with its step and the digest of the weights."""
        return [{name: value for name, value in line.items() if name != "event"} for line in self.lines.epochs]

    @property
    def cut(self) -> str:
        """What could not be read, in words, or nothing."""
        return self.lines.cut

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    @property
    def seconds(self) -> float:
        """The longest time of training between two checkpoints: what a step takes at most to be recomputed."""
        longest = since = 0.0
        there = set(self.checkpoints)
        for step, line in sorted(self.lines.digests.items()):
            since += line["seconds"]
            longest, since = (max(longest, since), 0.0) if step in there else (longest, since)
        return longest

    def differs(self) -> list[str]:
        """What is not as it was when this was recorded, known before anything is computed: versions, kernels, ..."""
        then = [self.run["versions"], *(part["versions"] for part in self.run["resumed"])]
        return list(dict.fromkeys(text for said in then for text in changed(said, versions())))

    def samples(self, step: int) -> Array:
        """Which samples of the training data were the batch of a step, in their order."""
        self.check(step, after=self.first)
        return self.batch_of(step)

    def batch_of(self, step: int) -> Array:
        """`samples`, also of a step that was begun and not done."""
        said = self.run["training"]
        size, (epoch, batch) = said["arguments"]["batch_size"], divmod(step - 1, said["steps_per_epoch"])
        whole = order_of(said["samples"], said["arguments"]["seed"], epoch, said.get("blocks"))
        return np.asarray(whole[batch * size : (batch + 1) * size])

    def line(self, step: int) -> dict[str, Any] | None:
        """What was recorded of a step: its epoch, loss and rate; None if that is not known."""
        at = step - self.first - 1
        return self.lines.steps[at] if 0 <= at < len(self.lines.steps) else None

    def check(self, step: Any, after: int = -1) -> None:
        """Refuse a step that is out of range; the range is shown.

        Args:
            step: the step.
            after: only what comes after this step is allowed. Default any of `steps`.
        """
        steps = self.steps
        if isinstance(step, bool) or not isinstance(step, int | np.integer) or step not in steps or step <= after:
            low = max(steps[0], after + 1)
            raise UsageError(
                f"{self.folder} has no step {step!r}: its steps are {low} to {steps[-1]}"
                + (f" ({self.cut})." if self.cut else ".")
                + self._diverged(step)
            )

    def _diverged(self, step: Any) -> str:
        end = self.lines.end
        if end is None or end["event"] != "diverged" or step != end["step"]:
            return ""
        return f" At step {step} the training diverged: `pellucid replay {self.folder} --broke` opens it."

    # ---- going back --------------------------------------------------------------------------------------------------

    def at(self, step: int, exact: bool = True) -> Training:
        """The training as it was at rest after a step, and before the next began.

        If the step was the last of its epoch, the end of the epoch is done too: validation is measured, the best
        weights are kept. `at(0)` is the training before its first step. What is returned may be iterated: it goes on
        from there.

        Args:
            step: one of `steps`.
            exact: refuse numbers that are not those recorded, to the bit. Default true.

        Raises:
            UsageError: if the step is out of range, or the data are not known.
            NotTheSame: if what is recomputed differs from what was recorded.
            FileError: if no checkpoint before the step is whole.
        """
        self.check(step)
        training = self._start(step)
        self._comparison(exact).advance(training, step)
        return training

    def trace(self, step: int, exact: bool = True) -> Trace:
        """A step with everything it computed: its own batch, dropout, gradient, and the optimizer's state and update.

        Args:
            step: one of `steps` but the first; the trace is of the step that led there.
            exact: as for `at`.
        """
        self.check(step, after=self.first)
        training = self.at(step - 1, exact)
        with tracing(training) as traces:
            self._comparison(exact).advance(training, step)
        traces[0].step = step
        return traces[0]

    def branch(
        self,
        step: int,
        *,
        lr: Any = None,
        epochs: int | None = None,
        clip: float | None = None,
        optimizer: Optimizer | None = None,
        exact: bool = True,
    ) -> Training:
        """The training as it was after a step, with something changed from there on.

        Args:
            step: as for `at`.
            lr: another learning rate: a number or a schedule. A number takes the place of the schedule's highest rate;
                the schedule goes on from where it stands. The optimizer's memory is kept. Default as it was.
            epochs: how many in all. Default as recorded.
            clip: the greatest length of the gradient. Default as it was.
            optimizer: another optimizer, which begins afresh. Default the same.
            exact: as for `at`.
        """
        if lr is not None and optimizer is not None:
            raise UsageError("Give the new optimizer its own learning rate: optimizer=pl.SGD(0.1), without lr=.")
        if clip is not None and not clip > 0:
            raise UsageError(f"clip is the gradient's greatest length and must be above 0, not {clip!r}.")
        training = self.at(step, exact)
        new = optimizer
        if lr is not None:
            new = replace(training.optimizer, lr=at_rate(training.optimizer.lr, lr))
        if new is not None:
            new.start(training.model.theta, training.model.decays(), training.seed)
        if lr is not None and new is not None:
            for name in (*new.vectors, "t", "rng"):
                if hasattr(new, name):
                    setattr(new, name, getattr(training.optimizer, name))
        training.optimizer = new if new is not None else training.optimizer
        training.clip = training.clip if clip is None else clip
        training.epochs = training.epochs if epochs is None else epochs
        if training.epoch >= training.epochs:
            raise UsageError(
                f"After step {step}, {training.epoch} epochs are done, so with epochs={training.epochs} nothing is "
                "left to train. Branch off earlier, or give more epochs."
            )
        return training

    def verify(self) -> Verified:
        """Recompute everything, and compare every loss, every digest and what the checkpoints hold."""
        found = self._verified(min(self.checkpoints, default=self.first), self.steps[-1])
        try:
            if found.ok and self.parts is not None:
                self._comparison(exact=True).files(checkpoints(self.folder).values(), self.parts)
        except NotTheSame as error:
            found = replace(found, trouble=str(error))
        return found if found.steps or found.marks or found.trouble else replace(found, trouble=NOTHING)

    def prove(self, step: int) -> Verified:
        """Recompute from the checkpoint before a step to the next place whose digest was recorded, and compare."""
        self.check(step)
        places = [*self.lines.digests, *(line["step"] for line in self.lines.epochs)]
        return self._verified(step, min((s for s in places if s >= step), default=self.steps[-1]))

    def diff(self, other: Recording) -> Difference:
        """What this recording and another do not share: settings, data, versions, and where their numbers part."""
        from pellucid.inspection.rundiff import compare  # which stands on recordings

        return compare(self, other)

    # ---- how ---------------------------------------------------------------------------------------------------------

    def _verified(self, first: int, last: int) -> Verified:
        comparison = self._comparison(exact=True)
        try:
            comparison.advance(self._start(first), last)
        except NotTheSame as error:
            return Verified(comparison.steps, tuple(comparison.marks), str(error))
        return Verified(comparison.steps, tuple(comparison.marks))

    def _start(self, step: int) -> Training:
        """A training in the state of the last checkpoint that is whole and not after a step."""
        if self.parts is None:
            raise UsageError(
                "To recompute steps the data are needed: "
                f"pl.open_recording({str(self.folder)!r}, (x, t), validation=...). "
                "What a command recorded, `pellucid replay` opens with its own data."
            )
        return start(last_whole(self.folder, step), self.parts)

    def _comparison(self, exact: bool) -> Comparison:
        return Comparison(self.lines, self.first, exact, self._apart)

    def _apart(self, step: int, what: str) -> str:
        why = "; ".join(self.differs()) or "nothing that is known of, so a file of it may have been changed"
        return f"Step {step} of {self.folder} came out otherwise than it was recorded: {what}. What differs: {why}."

    def __repr__(self) -> str:
        return f"Recording({str(self.folder)!r}, steps {self.steps[0]} to {self.steps[-1]})"
