"""What the command line does for folders of pictures: read them as was asked, and keep together what belongs together.

A model that was trained on a folder knows how its pictures were read; `evaluate` reads others the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import pellucid as pl
from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.datasets.images import class_folders, looks_drawn
from pellucid.datasets.images import load_folder as read_folder
from pellucid.datasets.load import NAMES

if TYPE_CHECKING:
    from pellucid.cli.plan import Options

SIZE = 48  # pixels of a side, where nothing was said


def is_folder(data: str) -> bool:
    """Whether this is a folder with a folder of pictures for each class, and no set with a name."""
    path = Path(data)
    return data not in NAMES and path.is_dir() and bool(class_folders(path)) and not _is_named_layout(path)


def _is_named_layout(path: Path) -> bool:
    from pellucid.datasets.cifar import is_cifar
    from pellucid.datasets.idx import is_idx_folder

    return is_idx_folder(path) or is_cifar(path)


def load_folder(
    data: str, prepare: Any = None, options: Options | None = None, on_disk: bool | None = False, threads: int = 0
) -> pl.Data:
    """The pictures of a folder: as the options say, else as a trained preparation knows them, else as they look."""
    size, grey, digits = SIZE, False, isinstance(prepare, pl.Digits)
    if isinstance(prepare, pl.Pixels) and len(prepare.picture) >= 2:
        if prepare.picture[0] != prepare.picture[1]:
            raise DataError(f"The network learned pictures of {prepare.picture}, and a folder's are made square.")
        size, grey, digits = prepare.picture[0], len(prepare.picture) == 2, prepare.digit
    if options is not None:
        size, grey = options.size or SIZE, options.grey
        digits = options.digits if options.digits is not None else not (options.size or grey) and looks_drawn(data)
        if digits and (options.size or grey):
            raise UsageError("--digits makes grey pictures of 28x28; leave out --size and --grey.")
    return read_folder(Path(data), on_disk, threads, size, grey, digits)


def check_folder_options(options: Options) -> None:
    """Refuse options that are for folders of pictures where there is none."""
    said = {
        "--size": options.size is not None,
        "--grey": options.grey,
        "--digits": options.digits is not None,
        "--group-by": options.group_by is not None,
    }
    used = [name for name, given in said.items() if given]
    if used and not is_folder(options.data):
        raise UsageError(f"{used[0]} is for a folder with a folder of pictures for each class; {options.data} is none.")


def file_names(data: str) -> list[str]:
    """The names of a folder's pictures, in the order in which they are read."""
    return [file.name for files in class_folders(Path(data)).values() for file in files]


def groups_by(pattern: str, names: Sequence[str]) -> Array:
    """What a regular expression finds at the beginning of each file name, or its first group if it has one: (N,).

    >>> groups_by(r"C\\d+", ["C1P8_cell_3.png", "C1P8_cell_4.png", "C20_cell_1.png"])
    array(['C1', 'C1', 'C20'], dtype='<U3')
    """
    try:
        rule = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--group-by {pattern!r} is no regular expression: {error}.") from None
    found = [rule.match(name) for name in names]
    lacking = [name for name, match in zip(names, found, strict=True) if match is None]
    if lacking:
        raise DataError(
            f"--group-by {pattern!r} does not fit the beginning of {lacking[0]}"
            f"{f' and {len(lacking) - 1:,} other file names' if len(lacking) > 1 else ''}."
        )
    return np.array([match[rule.groups > 0] or "" for match in found if match is not None])
