"""How a data file is opened: nothing in it is believed before it is checked.

A file can be missing, cut short, packed, or claim to hold more than it does. Whatever goes wrong while a file is read
becomes one DataError that names the file, so the formats above need not think of it.
"""

from __future__ import annotations

import gzip
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import DataError

GZIP = b"\x1f\x8b"
DEFLATE_AT_MOST = 1032  # one packed byte never unpacks to more bytes than this
PIECE = 1 << 20
DAMAGE = (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)


@dataclass(frozen=True)
class Source:
    """An open file that is read from its start to its end.

    Args:
        name: what it is called in messages.
        file: where the bytes come from, unpacked.
        most: more bytes than this cannot come, whatever the file claims.
    """

    name: str
    file: BinaryIO
    most: int

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes."""
        taken = self.file.read(count)
        if len(taken) < count:
            raise DataError(
                f"{self.name} ends in the middle of {what}: {count} bytes were expected there and {len(taken)} came. "
                "The file is cut short or is something else; fetch it again."
            )
        return taken

    def fill(self, shape: Shape, dtype: np.dtype) -> Array:
        """The rest of the file as an array, in this machine's byte order.

        The claim is checked before memory is asked for, and no second copy is made.
        """
        claimed = prod(shape) * dtype.itemsize
        if claimed > self.most:
            raise DataError(
                f"{self.name} claims to hold an array of shape {shape} and type {dtype.name}, {claimed:,} bytes, but "
                f"it cannot hold more than {self.most:,}. The file is cut short or damaged; fetch it again."
            )
        try:
            array = np.empty(shape, dtype)
        except MemoryError:
            raise DataError(f"{self.name} holds {claimed:,} bytes, more than this machine has memory for.") from None
        room = array.reshape(-1).view(np.uint8).data
        at = 0
        while at < claimed:
            piece = self.file.read(min(PIECE, claimed - at))
            if not piece:
                raise DataError(
                    f"{self.name} is cut short: it claims an array of shape {shape}, {claimed:,} bytes, and ends after "
                    f"{at:,} of them. Fetch it again."
                )
            room[at : at + len(piece)] = piece
            at += len(piece)
        if self.file.read(1):  # reading to the very end also lets gzip compare its checksum
            raise DataError(
                f"{self.name} goes on after the array of shape {shape} that it claims to hold. "
                "Its header is wrong or it is something else; fetch it again."
            )
        return array if dtype.isnative else array.byteswap(inplace=True).view(dtype.newbyteorder("="))


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Source]:
    """A file to read, unpacked if it is gzip (by its first bytes, whatever its name).

    Raises:
        DataError: if it is not there, is empty, may not be read, or is damaged where it is read.
    """
    with translated(path):
        size = os.stat(path).st_size
        if Path(path).is_dir():
            raise DataError(f"{path} is a folder; a file was expected.")
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise DataError(
                f"{path} is no ordinary file but a pipe or a device, which cannot be read twice. Save it first."
            )
        if size == 0:
            raise DataError(f"{path} is empty: it has no bytes.")
        with open(path, "rb") as file:
            packed = file.read(2) == GZIP
            file.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield Source(str(path), unpacked, DEFLATE_AT_MOST * size)  # type: ignore[arg-type]
            else:
                yield Source(str(path), file, size)


@contextmanager
def translated(path: str | os.PathLike[str]) -> Iterator[None]:
    """What goes wrong inside with this file, in words."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Check the spelling; it was looked for in {os.getcwd()}.") from None
    except DAMAGE as error:
        raise DataError(f"{path} is damaged or cut short: unpacking it failed ({error}). Fetch it again.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
