"""Data sets larger than memory: `data = pl.datasets.stream("big_x.npy")` is a data set whose inputs stay on the disk.

    model.fit(data, epochs=3, validation=0.1)        # and everything else that takes a pl.Data

The targets are in memory, for they are small. The inputs are read a window of blocks at a time, in an order that
`windows.py` draws. A part of it (`data[at]`, `pl.split(data, 0.1)`) stays on the disk too.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data, order
from pellucid.datasets.arrays import read_header, read_npy, targets_of
from pellucid.datasets.ondisk import LARGE, OnDisk, Place
from pellucid.datasets.rawfile import RawFile
from pellucid.datasets.reading import opened
from pellucid.datasets.windows import Order

INPUTS = ("x", "images", "inputs", "data", "features")
ANSWERS = ("t", "y", "labels", "targets")


@dataclass(frozen=True, repr=False)
class Stream(Data):
    """A data set whose inputs stay on a disk. `pl.datasets.stream` makes one.

    Its fields are those of `pl.Data`. `x[at]`, a slice or indices, reads samples as an array; `data[at]` reads nothing:
    it is the data set of those samples, and stays on the disk too.
    """

    def __getitem__(self, at: Any) -> Stream:
        """Some of the samples, by a slice or an array of indices."""
        w = None if self.weights is None else self.weights[at]
        x = cast(OnDisk, self.x).part(at if isinstance(at, slice) else np.asarray(at))
        return replace(self, x=cast(Array, x), t=self.t[at], weights=w)

    def order(self, seed: int, epoch: int) -> Any:
        """The order of an epoch: by blocks."""
        return cast(OnDisk, self.x).order(seed, epoch)

    def words(self) -> str:
        """How it is read, in a line."""
        return cast(OnDisk, self.x).words()


def blocks_of(data: Data) -> tuple[int, int] | None:
    """What the order of an epoch depends on besides the seed: rows a block and blocks a window; None in memory."""
    place = cast(OnDisk, data.x).place if isinstance(data, Stream) else None
    return None if place is None else (place.block, place.window)


def order_of(n: int, seed: int, epoch: int, blocks: Sequence[int] | None) -> Any:
    """The order of an epoch of n samples, in memory or in such blocks."""
    return order(n, seed, epoch) if blocks is None else Order(n, blocks[0], blocks[1], seed, epoch)


def streamed(place: Place, threads: int = 0, **rest: Any) -> Stream:
    """The rows of a place as a data set; `rest` are its other fields."""
    return Stream(cast(Array, OnDisk(place, threads=threads)), name=place.name, **rest)


def load_npy(path: str | os.PathLike[str], stream: bool | None = None, threads: int = 0) -> tuple[Data, Data | None]:
    """The data set in a .npy file of inputs and another of targets beside it, and its test part if that is there too.

    The targets are found by the name: of big_x.npy they are in big_t.npy, big_y.npy, big_labels.npy or big_targets.npy,
    of images.npy in labels.npy. Where the name says train, the same name with test is the test part.

    Args:
        path: the inputs.
        stream: whether they stay on the disk. Default: if they are larger than 512 MB.
        threads: how many threads load ahead of the step.

    Raises:
        DataError: if a file is missing or damaged, holds objects, or the lengths differ.
    """
    path = Path(path)
    files = [path]
    other = path.with_name(re.sub(r"(?<![a-zA-Z])train(?![a-z])", "test", path.name))
    if other != path and other.is_file():
        files.append(other)
    answers = [_targets(file) for file in files]
    xs = [_inputs(file, stream) for file in files]
    targets, classes = targets_of(str(path), [read_npy(file) for file in answers])
    sets: list[Data] = []
    for x, t in zip(xs, targets, strict=True):
        if isinstance(x, Place):
            sets.append(streamed(x, threads, t=t, classes=classes))
        else:
            sets.append(Data(x[:, None] if x.ndim == 1 else x, t, classes, name=str(files[len(sets)])))
    if len(sets) > 1 and sets[0].x.shape[1:] != sets[1].x.shape[1:]:
        raise DataError(
            f"The samples in {files[0]} have the shape {sets[0].x.shape[1:]}, but those in {files[1]} "
            f"{sets[1].x.shape[1:]}. They are not two parts of one data set."
        )
    return sets[0], sets[1] if len(sets) > 1 else None


def _inputs(path: Path, stream: bool | None) -> Array | RawFile:
    """The inputs of a .npy file: an array, or what stays on the disk."""
    with opened(path) as source:
        packed = isinstance(source.file, gzip.GzipFile)
        shape, by_columns, dtype = read_header(source)
        offset = source.file.tell()
    if dtype.kind not in "biuf" or not shape:
        raise DataError(f"{path} holds inputs of type {dtype} and shape {shape}, not numbers (N, ...).")
    claimed = int(np.prod([float(n) for n in shape])) * dtype.itemsize
    if packed or not (claimed > LARGE if stream is None else stream):
        return read_npy(path)
    there = path.stat().st_size - offset
    if claimed != there:
        cut = "is cut short" if there < claimed else "goes on after that"
        raise DataError(f"{path} claims an array of shape {shape}, {claimed:,} bytes, but has {there:,}: it {cut}.")
    if by_columns and len(shape) > 1:
        raise DataError(
            f"{path} lies column by column (Fortran order), so a sample is spread over the whole file and the file "
            "cannot be read in pieces. Save it with np.save(file, np.ascontiguousarray(x))."
        )
    return RawFile(str(path), path.open("rb", buffering=0), offset, shape, dtype)


def _targets(path: Path) -> Path:
    """The file of the targets beside one of inputs."""
    parts = re.split(r"([_.\- ])", path.stem)
    at = next((i for i, part in enumerate(parts) if part.lower() in INPUTS), None)
    names = [] if at is None else ["".join([*parts[:at], word, *parts[at + 1 :]]) + path.suffix for word in ANSWERS]
    found = next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)
    if found is None:
        how = (
            f"none of {', '.join(names)} is beside it"
            if names
            else f"its name should say which these are, such as {path.stem}_x.npy beside {path.stem}_t.npy"
        )
        raise DataError(
            f"{path} is one array, the inputs, and its targets are missing: {how}. Save them there with np.save; "
            "or put both into one file with np.savez(file, x=..., t=...)."
        )
    return found
