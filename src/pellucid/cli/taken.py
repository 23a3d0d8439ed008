"""The recording that a command takes of its training: made ready, put around the events, and told at the end."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pellucid as pl
from pellucid.cli.environment import Environment
from pellucid.cli.telling import MARGIN, position, say_line

if TYPE_CHECKING:
    from pellucid.cli.plan import Options


class Taken:
    """A recording under way.

    Args:
        env: where it says something.
        folder: where it is written.
        megabytes: the most that it may take.
        options: the command's.
        patience, keep_best: as the command says.
        parent: the recording that it branched off from, and after which step. Default none.
    """

    def __init__(
        self,
        env: Environment,
        folder: Path,
        megabytes: float,
        options: Options,
        patience: int | None,
        keep_best: bool,
        parent: tuple[str, int] | None = None,
    ) -> None:
        self.env, self.folder, self.megabytes, self.parent = env, folder, megabytes, parent
        self.again = False
        place = Path(options.data)
        self.said: dict[str, Any] = asdict(options) | {"patience": patience, "keep_best": keep_best}
        self.said |= {"place": str(place.resolve()) if place.exists() else None}
        if options.layers is not None and options.layers.endswith(".toml"):
            self.said["layers"] = str(Path(options.layers).resolve())  # it may be replayed from another folder

    def ready(self, training: pl.Training, resume: bool) -> None:
        """Go on from the recording that is there, if that is asked for."""
        from pellucid.inspection.recordfile import checkpoints, last_whole

        self.again = resume
        there = checkpoints(self.folder)
        if resume and there and not training.step:
            pl.resume(training, last_whole(self.folder))
            say_line(self.env, f"resumed   after {position(training)}, from {self.folder}")
        elif resume and not there and not training.step:
            self.env.warn(f"There is no recording at {self.folder} yet, so training starts afresh.")

    def record(self, events: Iterable[pl.Event], training: pl.Training) -> Iterator[pl.Event]:
        """The events, recorded."""
        return pl.record(
            events, self.folder, training, megabytes=self.megabytes, resume=self.again, command=self.env.words,
            options=self.said, parent=self.parent,
        )  # fmt: skip

    def tell(self) -> None:
        """What was recorded, and how to go back."""
        recording, place = pl.open_recording(self.folder), shlex.quote(str(self.folder))
        count, steps = len(recording.checkpoints), recording.steps
        size = f"{recording.size / 1e6:.1f} MB"
        say_line(
            self.env,
            f"recorded  {self.folder}: steps {steps[0]} to {steps[-1]}, {count} checkpoint{'s' * (count != 1)}, {size}",
            style="bold",
        )
        self.env.say(f"{'':<{MARGIN}}go back to any step:")
        self.env.say(f"{'':<{MARGIN}}  pellucid replay {place} --step {steps[len(steps) // 2]}")
        self.env.event(
            "recorded", folder=str(self.folder), first=steps[0], last=steps[-1], checkpoints=count, bytes=recording.size
        )
