"""Files without a name: what is computed once and read often, on the disk for as long as this process lives.

The system removes such a file when nobody has it open any more, however the process ends. They lie in the folder that
TMPDIR names, else in this user's cache, because many systems keep /tmp in memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.datasets.places import cache

SPARE = 2  # what is only kept to save time may take one part in so many of a disk's free room


def folder() -> Path:
    """Where such files lie."""
    told, cached = os.environ.get("TMPDIR"), cache()
    usual = cached if cached is not None else Path(tempfile.gettempdir())
    return Path(told) if told else usual


class Scratch:
    """The rows of a table, one after the other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = folder()
        self.file: BinaryIO | None = None

    def __enter__(self) -> Scratch:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.file = tempfile.TemporaryFile(dir=self.folder, buffering=0)
        except OSError as error:
            raise DataError(f"{self._why(error)} Set TMPDIR to a folder that can be written to.") from None
        return self

    def __exit__(self, *error: object) -> None:
        if self.file is not None:
            self.file.close()

    def start(self, size: int) -> None:
        """Write from the beginning; so many bytes are to come."""
        assert self.file is not None
        self.file.seek(0)
        self.file.truncate()
        free = shutil.disk_usage(self.folder).free
        if size > free:
            raise DataError(
                f"The rows of {self.name} take {size:,} bytes as numbers, and {self.folder} has room for {free:,}. Set "
                "TMPDIR to a folder on a larger disk, or leave out columns of long words."
            )

    def write(self, rows: Array) -> None:
        """Add rows."""
        assert self.file is not None
        room = memoryview(np.ascontiguousarray(rows).tobytes())
        try:
            while room:
                room = room[self.file.write(room) :]
        except OSError as error:
            raise DataError(f"{self._why(error)} Set TMPDIR to a folder on a larger disk.") from None

    def take(self) -> BinaryIO:
        """The file, for somebody else to close."""
        assert self.file is not None
        file, self.file = self.file, None
        return file

    def _why(self, error: OSError) -> str:
        return f"The rows of {self.name} cannot be written to {self.folder}: {error.strerror or error}."


class Kept:
    """Rows that were computed, to be read again instead; what the disk has no room for is not kept.

    Args:
        count: how many rows there may be.
        row: the bytes of one.
    """

    def __init__(self, count: int, row: int) -> None:
        self.row, self.there, self._lock = row, np.zeros(count, np.bool_), threading.Lock()
        self._file: BinaryIO | None = None
        try:
            folder().mkdir(parents=True, exist_ok=True)
            if count * row * SPARE <= shutil.disk_usage(folder()).free:
                self._file = tempfile.TemporaryFile(dir=folder(), buffering=0)  # noqa: SIM115 - closed when nobody needs it
                weakref.finalize(self, self._file.close)
        except OSError:
            pass  # it would only have saved time

    def read(self, i: int, out: Array) -> bool:
        """Fill `out` with row i, if it is there."""
        if self._file is None or not self.there[i]:
            return False
        with self._lock:
            self._file.seek(i * self.row)
            return bool(self._file.readinto(out.data) == self.row)  # type: ignore[attr-defined]

    def write(self, i: int, row: Array) -> None:
        """Keep row i."""
        if self._file is None:
            return
        try:
            with self._lock:
                self._file.seek(i * self.row)
                self.there[i] = self._file.write(row.tobytes()) == self.row
        except OSError:
            self._file = None  # the disk is full
