"""Where a data set may lie on this machine: the folders that are searched, in their order.

First PELLUCID_DATA, if that is set; then where a system's packages put data; then this user's cache; last, for two
tables, an installed scikit-learn. A folder of data holds a folder a set: mnist/, cifar-10/, malaria/, tables/, ...
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from pellucid.base.errors import DataError, UsageError
from pellucid.datasets.entry import Entry

VARIABLE = "PELLUCID_DATA"
SYSTEM = (Path("/usr/share/datasets"), Path("/usr/local/share/datasets"))
EXTRA = "pip install 'pellucid[data]'"


def roots() -> Iterator[Path]:
    """The folders of data."""
    if told := os.environ.get(VARIABLE):
        yield Path(told).expanduser()
    yield from (folder for folder in SYSTEM if folder.is_dir())
    cached = cache()
    if cached is not None:
        yield cached


def cache() -> Path | None:
    """This user's cache folder for data sets, by the system's own custom; None if platformdirs is not installed."""
    try:
        from platformdirs import user_cache_path
    except ImportError:
        return None
    return Path(user_cache_path("pellucid", appauthor=False)) / "data"


def home() -> Path:
    """Where downloads go: PELLUCID_DATA if that may be written to, else the cache.

    Raises:
        UsageError: if there is neither.
    """
    told = os.environ.get(VARIABLE)
    if told and _may_write(Path(told).expanduser()):
        return Path(told).expanduser()
    cached = cache()
    if cached is None:
        raise UsageError(
            f"There is no folder to download into: platformdirs, which knows where this system's cache is, is not here "
            f"({EXTRA}). Or set {VARIABLE} to a folder that you may write into."
        )
    return cached


def find(entry: Entry) -> Path | None:
    """The folder that holds the set; None if none does."""
    return next((folder for folder in searched(entry) if holds(entry, folder)), None)


def searched(entry: Entry) -> list[Path]:
    """Every folder that is looked into for the set, in order."""
    places = [root / name for root in roots() for name in entry.folders]
    tables = _scikit() if entry.in_scikit else None
    return places if tables is None else [*places, tables]


def holds(entry: Entry, folder: Path) -> bool:
    """Whether each file that the set needs is there; what is in it is for its reader to say."""
    try:
        return all(any(file.is_file() for file in folder.glob(pattern)) for pattern in entry.holds)
    except OSError as error:
        raise DataError(f"{folder} cannot be looked into: {error.strerror or error}.") from None


def _may_write(folder: Path) -> bool:
    """Whether files can be made in the folder, which may still have to be made itself."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _scikit() -> Path | None:
    """The folder of scikit-learn's own tables, if it is installed; found without importing it."""
    try:
        found = importlib.util.find_spec("sklearn")
    except (ImportError, ValueError):
        return None
    return Path(found.origin).parent / "datasets" / "data" if found is not None and found.origin else None
