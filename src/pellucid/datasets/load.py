"""One word for all data: a name, a file or a folder. This is what the command line calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pellucid.base.errors import DataError, UsageError
from pellucid.data.batches import Data
from pellucid.datasets import toys
from pellucid.datasets.arrays import read_npz
from pellucid.datasets.catalog import CATALOG
from pellucid.datasets.cifar import cifar10, is_cifar
from pellucid.datasets.digits import digits
from pellucid.datasets.idx import is_idx, is_idx_folder, load_idx_folder, load_idx_pair
from pellucid.datasets.images import class_folders, load_folder
from pellucid.datasets.pictures import ENDINGS
from pellucid.datasets.sets import PARTED
from pellucid.datasets.sets import TABLES as NAMED_TABLES
from pellucid.datasets.stream import Stream, load_npy
from pellucid.datasets.tables import read_csv
from pellucid.datasets.tablestream import is_large, stream_table

FRESH = 1000  # points a class in a toy's test part: enough that the accuracy's error is below 1 %

NAMED: dict[str, Callable[[int], tuple[Data, Data]]] = {
    "digits": lambda seed: digits(),
    "spiral": lambda seed: (toys.spiral(seed=seed), toys.spiral(FRESH, seed=seed + 1)),
    "vertical": lambda seed: (toys.vertical(seed=seed), toys.vertical(FRESH, seed=seed + 1)),
    "sine": lambda seed: (toys.sine(), toys.sine(offset=0.5)),
    "xor": lambda seed: (toys.xor(seed=seed), toys.xor(FRESH, seed=seed + 1)),
    "moons": lambda seed: (toys.moons(seed=seed), toys.moons(FRESH, seed=seed + 1)),
}
NAMES = (*NAMED, *NAMED_TABLES, *PARTED)
FOLDERS = "MNIST's four files, CIFAR-10's batches (.bin), or a folder of pictures for each class"
STREAMS = "a .npy file of inputs with its targets beside it, a folder of pictures for each class, or a .csv table"
KINDS = "a .csv or .csv.gz table, a .npz file, a .npy file with its targets beside it, an IDX images file, "
KINDS += f"or a folder with {FOLDERS}"
TABLES = (".csv", ".tsv")


def load(
    data: str | os.PathLike[str],
    target: str | int | None = None,
    seed: int = 0,
    stream: bool | None = None,
    threads: int = 0,
) -> tuple[Data, Data | None]:
    """A data set and its test part; None where it has none, and some may be set aside with `pl.split`.

    Args:
        data: a name of the catalogue (digits, spiral, iris, mnist, ...; `pellucid data list` shows all), or a path: a
            .csv or .csv.gz table, a .npz file, a .npy file or an IDX images file with its targets beside it, a folder
            with MNIST's four files or with CIFAR-10's batches, or a folder with a folder of pictures for each class
            (they become 48x48 in colour; `picture_folder` has other sizes). A name comes before a file of the same
            name; that one is ./name. A named set that is not on this machine is not fetched; the error says how to.
        target: the target column of a table; see `read_csv`. Of a named table, no other than its own.
        seed: which points, for the drawn sets. Their test part is 1,000 fresh points a class.
        stream: whether the samples of a .npy file, a folder of pictures or a table stay on the disk, as by `stream`.
            Default: if they are larger than memory should be asked for.
        threads: how many threads load such samples ahead of the step. Default 0.

    Raises:
        DataError: if there is no such name or file, or what it holds cannot be used.

    >>> load("moons")
    (Data(200 samples of (2,) float64, 2 classes), Data(2000 samples of (2,) float64, 2 classes))
    """
    path, name = Path(data), str(data)
    known = isinstance(data, str) and name in NAMES
    if known and target is not None and target == (CATALOG[name].target or None):
        target = None
    if target is not None and known and name in NAMED_TABLES:
        raise UsageError(
            f"The target of {name} is known: {CATALOG[name].target}, not {target!r}. To learn another column, give its "
            f"file instead of its name; it is in the folder that `pellucid data path {name}` says."
        )
    if target is not None and (known or not _is_table(path)):
        raise UsageError(f"A target column ({target!r}) is named for tables only, and {name} is none.")
    if stream and (known or not _may_stream(path)):
        raise UsageError(f"{name} is read whole. What can stay on the disk is {STREAMS}.")
    if known:
        return _named(name, seed)
    if not path.exists():
        raise DataError(
            f"There is no data set {name!r} and no file or folder of that name in {os.getcwd()}. "
            f"The names are {', '.join(NAMES)}; a path leads to {KINDS}."
        )
    if path.is_dir():
        return _load_folder(path, stream, threads)
    if path.suffix.lower() == ".npy":
        return load_npy(path, stream, threads)
    if _is_table(path):
        if stream or (stream is None and is_large(path)):
            return stream_table(path, target, threads=threads), None
        return read_csv(path, target), None
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    if is_idx(path):
        return load_idx_pair(path), None
    raise DataError(f"{path} is not a data set: {_why(path)} What can be loaded is {KINDS}.")


def _named(name: str, seed: int) -> tuple[Data, Data | None]:
    if name in NAMED:
        return NAMED[name](seed)
    return (NAMED_TABLES[name](), None) if name in NAMED_TABLES else PARTED[name]()


def stream(
    data: str | os.PathLike[str], target: str | int | None = None, threads: int = 0, size: int = 48, grey: bool = False
) -> Stream:
    """A data set whose inputs stay on the disk: a .npy file, a folder with a folder of pictures for each class.

    It goes where a `pl.Data` goes. An epoch shows all samples in an order by blocks: the file's blocks of about 1 MB
    change places, 64 of them at a time are in memory, and the samples of these are mixed. Pictures are mixed freely.

    Args:
        data: the path. The targets of a .npy file stand beside it, those of big_x.npy in big_t.npy or big_y.npy.
        target: the target column of a table.
        threads: how many threads load ahead of the step; decoded pictures are then kept for later epochs, in a file
            without a name that is gone when this process ends. No bit of a training depends on it. Default 0: none.
        size, grey: for pictures, as for `picture_folder`.

    Raises:
        DataError: if there is no such file, or what it holds cannot be used.

    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/big_x.npy", np.zeros((1000, 28, 28), np.uint8))
    ...     np.save(f"{folder}/big_t.npy", np.arange(1000) % 10)
    ...     data = stream(f"{folder}/big_x.npy")
    >>> data, data.x[3:5].shape
    (Stream(1000 samples of (28, 28) uint8, 10 classes), (2, 28, 28))
    """
    path = Path(data)
    if path.is_dir() and class_folders(path):
        found = load_folder(path, True, threads, size, grey)
    else:
        found, _ = load(path, target, stream=True, threads=threads)
    assert isinstance(found, Stream)
    return found


def _may_stream(path: Path) -> bool:
    """Whether what is there can stay on the disk."""
    if path.is_dir():
        return not is_idx_folder(path) and not is_cifar(path)
    return path.suffix.lower() == ".npy" or _is_table(path) or not path.exists()


def _load_folder(path: Path, stream: bool | None, threads: int) -> tuple[Data, Data | None]:
    if is_idx_folder(path):
        return load_idx_folder(path)
    if is_cifar(path):
        return cifar10(path)
    if class_folders(path):
        return load_folder(path, stream, threads), None
    raise DataError(f"The folder {path} is not a data set: it should hold {FOLDERS}.")


def _is_table(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(TABLES)


def _why(path: Path) -> str:
    ending = path.suffix.lower()
    if ending == ".zip":
        return "it is packed; unzip it first."
    if ending in ENDINGS:
        return "one picture is something to predict, not to learn from."
    return f"neither its name, ending in {ending!r}, nor its first bytes tell what it is."
