"""The IDX format, in which MNIST and its many successors are published.

A file is: two zero bytes, one byte for the numbers' type, one for the count of axes, each axis's length as four bytes,
then the numbers; everything has its highest byte first. Files may be packed with gzip.
"""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data
from pellucid.datasets.labels import class_ids, numbered
from pellucid.datasets.reading import opened

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MOST_AXES = 16
PARTS = ("train-images", "train-labels", "t10k-images", "t10k-labels")


def read_idx(path: str | os.PathLike[str]) -> Array:
    """The array in an IDX file, packed or not, in this machine's byte order.

    Args:
        path: the file.

    Raises:
        DataError: if it is missing, no IDX file, cut short, or claims more than it holds.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "labels.idx1-ubyte"
    ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(file)
    array([7, 2, 1], dtype=uint8)
    """
    with opened(path) as source:
        start = source.take(4, "the IDX header")
        if not _is_start(start):
            raise DataError(
                f"{path} is not an IDX file: it begins with the bytes {start.hex(' ')}. "
                "Expected were two zero bytes, a type (08, 09, 0b, 0c, 0d or 0e) and the number of axes."
            )
        kind, axes = start[2:]
        shape = struct.unpack(f">{axes}I", source.take(4 * axes, "the IDX header"))
        return source.fill(shape, np.dtype(TYPES[kind]))


def load_idx_pair(images: str | os.PathLike[str]) -> Data:
    """The images of one IDX file with the labels of its sister, whose name says "labels" instead of "images".

    Args:
        images: the images file, such as train-images-idx3-ubyte.gz.

    Raises:
        DataError: if either file is missing or damaged, or their lengths differ.
    """
    x, t = _read_pair(Path(images), _labels_of(Path(images)))
    return Data(x, t, numbered(t), name=str(images))


def load_idx_folder(folder: str | os.PathLike[str]) -> tuple[Data, Data]:
    """The training part and the test part of a folder with MNIST's four files.

    Each may be named with a dash or a dot before `idx`, and with or without `.gz`.

    Args:
        folder: where train-images, train-labels, t10k-images and t10k-labels are.

    Raises:
        DataError: if one is missing or damaged, or the parts do not fit.
    """
    folder = Path(folder)
    found = {part: _find(folder, part) for part in PARTS}
    missing = [part for part, file in found.items() if file is None]
    if missing:
        raise DataError(
            f"{folder} does not hold MNIST's four files: {_listed(missing)} not found. They are named like "
            "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, "
            "with or without .gz. For another set of two files give the images file itself."
        )
    files = [file for file in found.values() if file is not None]
    x, t = _read_pair(files[0], files[1])
    x_test, t_test = _read_pair(files[2], files[3])
    if x.shape[1:] != x_test.shape[1:]:
        raise DataError(
            f"The images in {files[0]} have the shape {x.shape[1:]}, but those in {files[2]} {x_test.shape[1:]}. "
            "They are not two parts of one data set."
        )
    classes = numbered(t, t_test)
    return Data(x, t, classes, name=str(files[0])), Data(x_test, t_test, classes, name=str(files[2]))


def is_idx_folder(folder: Path) -> bool:
    """Whether the folder holds at least one of MNIST's four files."""
    return any(_find(folder, part) for part in PARTS)


def is_idx(path: str | os.PathLike[str]) -> bool:
    """Whether the file begins as an IDX file does."""
    with opened(path) as source:
        start = source.file.read(4)
    return len(start) == 4 and _is_start(start)


def _is_start(start: bytes) -> bool:
    return start[:2] == b"\0\0" and start[2] in TYPES and 1 <= start[3] <= MOST_AXES


def _read_pair(images: Path, labels: Path) -> tuple[Array, Array]:
    x = read_idx(images)
    if x.ndim < 2:
        raise DataError(f"{images} holds one number a sample, shape {x.shape}: these are labels, not images.")
    t = class_ids(read_idx(labels), str(labels))
    if len(x) != len(t):
        raise DataError(f"{images} holds {len(x)} images, but {labels} holds {len(t)} labels; there must be one each.")
    return x, t


def _find(folder: Path, part: str) -> Path | None:
    axes = 3 if part.endswith("images") else 1
    names = [f"{part}{mark}idx{axes}-ubyte{packed}" for packed in ("", ".gz") for mark in "-."]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _labels_of(images: Path) -> Path:
    if "images" not in images.name:
        raise DataError(
            f"{images} needs a file of labels beside it, and that is found by its name: give an images file whose name "
            'says "images", such as train-images-idx3-ubyte; its labels are then in train-labels-idx1-ubyte.'
        )
    name = re.sub(r"idx\d+", "idx1", images.name.replace("images", "labels"))
    bare = name.removesuffix(".gz")
    names = [name, bare, f"{bare}.gz", bare.replace("-idx1", ".idx1"), bare.replace(".idx1", "-idx1")]
    names += [f"{other}.gz" for other in names[3:]]
    for other in names:
        if images.with_name(other).is_file():
            return images.with_name(other)
    raise DataError(f"The labels of {images} are missing: there is no {name} beside it, packed or not.")


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
