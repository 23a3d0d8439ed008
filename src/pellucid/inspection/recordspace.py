"""The room that a recording may take on the disk, and which of its checkpoints go when there is no more of it."""

from __future__ import annotations

from pathlib import Path

from pellucid.inspection.recordfile import RUN, checkpoint_path, checkpoints


class Space:
    """The checkpoints of a recording and their sizes.

    Args:
        folder: the recording.
        size: the bytes that all of it may take.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     space = Space(Path(folder), 1000)
    ...     space.kept = {0: 200, 10: 200, 20: 200, 30: 200}
    ...     space.make_room(250, lines=0), sorted(space.kept)
    (True, [0, 20, 30])
    """

    def __init__(self, folder: Path, size: float) -> None:
        self.folder, self.size = folder, size
        self.kept: dict[int, int] = {}  # the bytes of each checkpoint by its step
        self.halved = 0  # how often every second checkpoint had to go

    def look(self) -> None:
        """Take stock of what is there."""
        self.kept = {step: path.stat().st_size for step, path in checkpoints(self.folder).items()}

    def add(self, step: int) -> None:
        """A checkpoint was written."""
        self.kept[step] = checkpoint_path(self.folder, step).stat().st_size

    def drop(self, step: int) -> None:
        """Remove a checkpoint."""
        checkpoint_path(self.folder, step).unlink(missing_ok=True)
        self.kept.pop(step, None)

    def make_room(self, need: float, lines: float) -> bool:
        """Make room for a checkpoint of `need` bytes beside `lines` bytes of events; whether there is enough.

        The first checkpoint stays, because everything can be recomputed from it; so does the last while others can go.
        """
        run = self.folder / RUN
        fixed = need + lines + (run.stat().st_size if run.exists() else 0)
        if fixed + (self.kept[min(self.kept)] if self.kept else 0) > self.size:
            return False
        while fixed + sum(self.kept.values()) > self.size:
            steps = sorted(self.kept)
            for step in steps[1:-1:2] or steps[1:]:
                self.drop(step)
            self.halved += 1
        return True
