"""A folder of pictures that stays on the disk: each is decoded and brought to size when its window is read.

To decode a picture takes longer than a small network takes to learn it. What was decoded can be kept for later epochs.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.datasets.ondisk import Place
from pellucid.datasets.pictures import read_colours, read_picture, resized
from pellucid.datasets.scratch import Kept

WINDOW = 128  # pictures that are decoded in one go


class PictureFiles(Place):
    """Pictures in files, as bytes (N, size, size, 3), or (N, size, size) if grey.

    Every file is a piece of its own, so a block is one picture, and an epoch's order is any order at all.

    Args:
        name: what the folder is called in messages.
        files: the pictures.
        size: the side that each is brought to.
        grey: brightness instead of colours.
        keep: whether what was decoded is kept in a file without a name, so that only the first epoch decodes.
    """

    def __init__(self, name: str, files: Sequence[Path], size: int, grey: bool, keep: bool = False) -> None:
        self.name, self.files, self.size, self.grey = name, list(files), size, grey
        self.shape = (len(files), size, size) if grey else (len(files), size, size, 3)
        self.dtype = np.dtype(np.uint8)
        self.block, self.window = 1, WINDOW
        self.kept = Kept(len(files), prod(self.shape[1:])) if keep else None

    def read(self, start: int, out: Array) -> None:
        """Decode the pictures from `start` on."""
        for i, row in enumerate(out, start):
            if self.kept is not None and self.kept.read(i, row):
                continue
            row[...] = self.picture(self.files[i])
            if self.kept is not None:
                self.kept.write(i, row)

    def picture(self, file: Path) -> Array:
        """One of them, in its size."""
        return resized((read_picture if self.grey else read_colours)(file), (self.size, self.size))

    def mark(self) -> bytes:
        """A digest of the files' names and lengths."""
        return self._digest

    @cached_property
    def _digest(self) -> bytes:
        digest = zlib.crc32(b"%d %d" % (self.size, self.grey))
        for file in self.files:
            try:
                size = file.stat().st_size
            except OSError as error:
                raise DataError(f"{file} cannot be read: {error.strerror or error}.") from None
            digest = zlib.crc32(os.fsencode(f"{file.parent.name}/{file.name} {size}"), digest)
        return b"%08x" % digest
