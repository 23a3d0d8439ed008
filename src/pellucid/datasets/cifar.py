"""CIFAR-10: small colour pictures of ten kinds of things (Krizhevsky 2009).

A binary batch is a file of records: one byte for the class, then 1,024 bytes of red, as many of green, as many of blue,
row by row. A folder may hold the pickled form instead; `pickled` reads that without running it. The publisher has five
batches of 10,000 to learn from and one to be judged on; not everybody has all of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data
from pellucid.datasets.fetch import located
from pellucid.datasets.labels import numbered
from pellucid.datasets.pickled import read_pickled
from pellucid.datasets.reading import opened

SIDE, CHANNELS, CLASSES = 32, 3, 10
RECORD = 1 + CHANNELS * SIDE * SIDE
WHOLE = 10_000  # records of a whole batch
MOST = 6 * WHOLE  # records of the whole set; no file of it has more
NAMES, PICKLED_NAMES = "batches.meta.txt", "batches.meta"


def cifar10(
    folder: str | os.PathLike[str] | None = None,
    train: Sequence[str] | None = None,
    test: Sequence[str] | None = None,
    download: bool = False,
) -> tuple[Data, Data]:
    """CIFAR-10's pictures to learn from and those that are held out, bytes (N, 32, 32, 3).

    Which batches are which is seen from their names and sizes. Every whole `data_batch_*.bin` (10,000 pictures) is
    learned from. A whole `test_batch.bin` is held out: what is measured on it is the accuracy that others report. Where
    there is none, the parts of training batches are held out, such as a data_batch_5_first4000.bin: pictures of the
    same kind that nothing was learned from. A part of the test batch is never chosen, because a figure measured on it
    would be taken for the accuracy on the whole; who wants it names it.

    A folder without any `.bin` may hold the pickled batches (`data_batch_1`); no code in them is run. Licence: none is
    stated; the publisher asks to cite Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.

    Args:
        folder: where the batches are, and batches.meta.txt with the classes' names (else they are numbers). Default:
            where the set is found on this machine.
        train: names of the files to learn from, instead of that choice.
        test: names of the files to hold out, instead of that choice.
        download: whether to fetch the set if it is not on this machine. Default false.

    Raises:
        DataError: if the folder or a file is missing or damaged, a file is on both sides, or one side has none.
    """
    folder = located("cifar10", folder, download)
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}. CIFAR-10's folder holds data_batch_1.bin and its sisters.")
    whole, parts, tests = _found(folder)
    learn = [folder / name for name in train] if train is not None else whole
    aside = [folder / name for name in test] if test is not None else tests or parts
    if not learn:
        raise DataError(
            f"{folder} has no whole training batch: no data_batch_*.bin of {WHOLE:,} records of {RECORD:,} bytes. "
            "Unpack cifar-10-binary.tar.gz there, or name the files to learn from: train=[...]."
        )
    if not aside:
        raise DataError(
            f"{folder} has no part to hold out: neither a whole test_batch.bin nor a part of a training batch, such as "
            "data_batch_5_first4000.bin. Name the files to be judged on: test=[...]."
        )
    if both := sorted({file.name for file in learn} & {file.name for file in aside}):
        raise DataError(f"{', '.join(both)} in {folder} cannot be learned from and held out at once.")
    classes = _names(folder)
    return _data(folder, learn, classes), _data(folder, aside, classes)


def is_cifar(folder: Path) -> bool:
    """Whether the folder holds at least one batch."""
    return any(_batches(folder, kind) for kind in ("data_batch", "test_batch"))


def _batches(folder: Path, kind: str) -> list[Path]:
    """The binary batches of a kind. Where there are none of any kind: the pickled ones, which have no ending."""
    if any(folder.glob("*_batch*.bin")):
        return sorted(folder.glob(f"{kind}*.bin"))
    return sorted(file for file in folder.glob(f"{kind}*") if not file.suffix)


def _found(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Whole training batches, parts of training batches, and the test batch if it is whole."""
    batches = _batches(folder, "data_batch")
    whole = [file for file in batches if _is_whole(file)]
    tests = [file for file in _batches(folder, "test_batch") if file.stem == "test_batch" and _is_whole(file)]
    return whole, [file for file in batches if file not in whole], tests


def _is_whole(file: Path) -> bool:
    size = file.stat().st_size
    return size == WHOLE * RECORD if file.suffix else size > WHOLE * RECORD  # pickled: the names of its files as well


def _data(folder: Path, files: list[Path], classes: tuple[str, ...]) -> Data:
    pickled = {file: _unpickled(file) for file in files if _is_pickled(file)}
    counts = [len(pickled[file]) if file in pickled else _count(file) for file in files]
    x = np.empty((sum(counts), SIDE, SIDE, CHANNELS), np.uint8)
    t = np.empty(len(x), np.int64)
    at = 0
    for file, count in zip(files, counts, strict=True):
        _put(file, pickled.pop(file) if file in pickled else _read(file, count), x[at : at + count], t[at : at + count])
        at += count
    names = " and ".join(file.name for file in files) if len(files) < 3 else f"{len(files)} batches"
    return Data(x, t, classes or numbered(np.array([CLASSES - 1])), name=f"{folder}, {names}")


def _is_pickled(file: Path) -> bool:
    """By the first byte: a binary batch begins with the number of a class."""
    with opened(file) as source:
        return source.file.read(1) == b"\x80"


def _count(file: Path) -> int:
    """How many records a batch has, by its size."""
    with opened(file) as source:
        size = source.most
    if size % RECORD:
        raise DataError(
            f"{file} has {size:,} bytes, which is no whole number of records of {RECORD:,} (one byte for the class and "
            f"{SIDE}x{SIDE} for each of three colours). It is cut short or is something else; fetch it again."
        )
    if size > MOST * RECORD:
        raise DataError(
            f"{file} has {size // RECORD:,} records, and all of CIFAR-10 has {MOST:,}. It is something else."
        )
    return size // RECORD


def _read(file: Path, count: int) -> Array:
    """A binary batch's records (count, 3073)."""
    with opened(file) as source:
        return source.fill((count, RECORD), np.dtype(np.uint8))


def _unpickled(file: Path) -> Array:
    """A pickled batch as the records of a binary one (n, 3073)."""
    said = read_pickled(file)
    pixels, labels = np.asarray(said.get("data")), said.get("labels")
    if pixels.ndim != 2 or pixels.shape[1] != RECORD - 1 or not isinstance(labels, list) or len(labels) != len(pixels):
        raise DataError(
            f"{file} should hold data, an array of bytes (n, {RECORD - 1:,}), and as many labels. It holds "
            f"{', '.join(said) or 'nothing'}. It is damaged or is something else; get the binary form."
        )
    if bad := [label for label in labels if not isinstance(label, int) or not 0 <= label < 256]:
        raise DataError(f"{file} has the label {bad[0]!r}, which is no class. The file is damaged; fetch it again.")
    return np.column_stack([np.array(labels, np.uint8), pixels])


def _put(file: Path, records: Array, x: Array, t: Array) -> None:
    """One batch's records into their place: x (n, 32, 32, 3), t (n,)."""
    t[:] = records[:, 0]
    if t.max(initial=0) >= CLASSES:
        bad = int(np.flatnonzero(t >= CLASSES)[0])
        raise DataError(
            f"{file}: picture {bad + 1} has the label {t[bad]}, but CIFAR-10's classes are numbered from 0 to "
            f"{CLASSES - 1}. The file is damaged or is something else (CIFAR-100 has two label bytes)."
        )
    x[:] = records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)


def _names(folder: Path) -> tuple[str, ...]:
    """The classes' names; none if no file has them."""
    file = folder / NAMES
    if file.is_file():
        with opened(file) as source:
            lines = source.file.read(10_000).decode("utf-8").split("\n")
    elif (file := folder / PICKLED_NAMES).is_file():
        said = read_pickled(file).get("label_names")
        lines = [str(name) for name in said] if isinstance(said, list) else []
    else:
        return ()
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != CLASSES or len(set(names)) != CLASSES:
        raise DataError(f"{file} should name {CLASSES} different classes, one a line, but it has {len(names)} lines.")
    return names
