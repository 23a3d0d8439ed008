"""Rows of a fixed size one after the other in a file, as in a .npy file: read with ordinary reads, not mapped.

Pages of a mapped file count as this process's memory until the system takes them back, which it does when it must; a
limit on memory may be met first. What is read into an array of ours is as large as that array.
"""

from __future__ import annotations

import threading
import weakref
import zlib
from collections.abc import Sequence
from math import prod
from typing import Any, BinaryIO

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import DataError
from pellucid.datasets.ondisk import Place

BLOCK = 1 << 20  # bytes that are read in one piece
WINDOW = 64  # blocks that are mixed with one another
SAMPLES, SAMPLE = 16, 1 << 16  # pieces that are looked at to tell the file from another, and their bytes


class RawFile(Place):
    """Rows in an open file.

    Args:
        name: what it is called in messages.
        file: the file, open for reading bytes; it is closed when nobody needs it any more.
        offset: where the first row begins.
        shape, dtype: of all rows, as they lie in the file.
        columns: their names, for messages.
        check: whether NaN and infinite numbers are refused.
    """

    def __init__(
        self,
        name: str,
        file: BinaryIO,
        offset: int,
        shape: Shape,
        dtype: np.dtype[Any],
        columns: Sequence[str] = (),
        check: bool = True,
    ) -> None:
        self.name, self.offset, self.columns, self.check = name, offset, columns, check
        self.shape = shape if len(shape) > 1 or dtype.names else (*shape, 1)
        self.swapped, self.dtype = not dtype.isnative, dtype.newbyteorder("=")
        self.row = dtype.itemsize * prod(self.shape[1:])  # bytes
        self.block, self.window = max(1, BLOCK // max(1, self.row)), WINDOW
        self._file, self._lock = file, threading.Lock()
        weakref.finalize(self, file.close)

    def read(self, start: int, out: Array) -> None:
        """Fill `out` with rows; they must be finite numbers."""
        room = out.reshape(-1).view(np.uint8).data
        at = 0
        with self._lock:
            self._file.seek(self.offset + start * self.row)
            while at < len(room):
                count = self._file.readinto(room[at:])  # type: ignore[attr-defined]
                if not count:
                    raise DataError(f"{self.name} became shorter while it was read. Start again with the whole file.")
                at += count
        if self.swapped:
            out.byteswap(inplace=True)
        if self.check and self.dtype.kind == "f" and not np.isfinite(out).all():
            self._refuse(start, out)

    def _refuse(self, start: int, out: Array) -> None:
        row, *place = (int(i) for i in np.argwhere(~np.isfinite(out))[0])
        column = self.columns[place[0]] if self.columns and len(place) == 1 else place[0] if len(place) == 1 else place
        raise DataError(
            f"{self.name} holds {out[(row, *place)]} in x at row {start + row}, column {column!r}. One such number "
            "makes every weight nan. Fill in or remove missing values first."
        )

    def mark(self) -> bytes:
        """A digest of some pieces, from the first to the last."""
        size, digest = self.shape[0] * self.row, 0
        for i in range(SAMPLES):
            with self._lock:
                self._file.seek(self.offset + i * max(0, size - SAMPLE) // (SAMPLES - 1))
                digest = zlib.crc32(self._file.read(min(SAMPLE, size)), digest)
        return b"%d %08x" % (size, digest)
