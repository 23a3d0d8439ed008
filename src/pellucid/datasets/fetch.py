"""A named set's folder: found on this machine, or fetched if that was asked for, or a paragraph on how to get it.

Nothing is ever downloaded silently. Two processes that want the same set share one download: the second waits.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from pellucid.base.errors import DataError, FileError, UsageError
from pellucid.datasets.catalog import CATALOG
from pellucid.datasets.entry import Entry, File
from pellucid.datasets.places import EXTRA, VARIABLE, find, home, roots, searched
from pellucid.datasets.transfer import PATIENCE, Tell, is_published, obtain
from pellucid.datasets.unpack import unpack

MARGIN = 64 << 20  # bytes that a download leaves free on the disk


def located(name: str, folder: str | os.PathLike[str] | None = None, download: bool = False) -> Path:
    """The folder of a named set.

    Args:
        name: the set.
        folder: where it is, if you know; nothing is looked for then.
        download: whether to fetch it if it is not on this machine.

    Raises:
        DataError: if it is not here; the message says where it was looked for and how to get it.
    """
    if folder is not None:
        return Path(folder)
    entry = entry_of(name)
    found = find(entry)
    if found is None and download:
        return fetch(name)
    if found is None:
        raise DataError(not_here(entry))
    return found


def entry_of(name: str) -> Entry:
    """What the catalogue says about a name.

    >>> entry_of("mnist").licence
    'CC BY-SA 3.0'
    """
    if name not in CATALOG:
        raise DataError(f"The catalogue has no data set {name!r}. It has {', '.join(CATALOG)}.")
    return CATALOG[name]


def not_here(entry: Entry) -> str:
    """The paragraph on a set that is not on this machine."""
    looked = ", ".join(str(folder) for folder in searched(entry)) or "no folder, because none is known"
    told = f"{VARIABLE} is {os.environ[VARIABLE]}" if os.environ.get(VARIABLE) else f"{VARIABLE} is not set"
    files = ", ".join(f"{file.there} (as {file.name})" if file.there else file.name for file in entry.files)
    kept = "the folder that" if entry.members else f"a folder {_first(entry)} in the folder that"
    again = " and give the same command" if entry.members else ""
    return (
        f"The data set {entry.name} is not on this machine. It was looked for in {looked} ({told}). To get it "
        f"({in_bytes(entry.size)}, licence: {entry.licence}): pellucid data fetch {entry.name}, or download=True in "
        f"Python. Without a connection, bring {files} from {entry.mirrors[0]} into {kept} {VARIABLE} names{again}."
    )


def in_bytes(count: int) -> str:
    """A file's size as people read it.

    >>> in_bytes(353452851), in_bytes(8123)
    ('353.5 MB', '8.1 kB')
    """
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def fetch(name: str, tell: Tell | None = None, patience: float = PATIENCE) -> Path:
    """Make sure that a named set is on this machine; its folder.

    A set that is here is left as it is, unless it lies where downloads go and is damaged.

    Args:
        name: the set.
        tell: is called with what is done, how many bytes of it are here, and how many there will be.
        patience: seconds without a kilobyte after which a connection is given up and another address tried.

    Raises:
        DataError: if it cannot be had from any of its addresses.
        FileError: if it cannot be written.
        UsageError: if the `data` extra is not installed.
    """
    entry, tell = entry_of(name), tell or (lambda what, done, total: None)
    if not entry.files:
        raise UsageError(f"{name} is always here; there is nothing to fetch.")
    found = find(entry)
    if found is not None and not damaged(entry, found):
        return found
    root = home()
    if found is not None and not found.is_relative_to(root):
        raise DataError(
            f"{found} holds {name}, but {' and '.join(file.name for file in damaged(entry, found))} there is not the "
            f"published file. Remove that folder, or point {VARIABLE} elsewhere, and the published one can be fetched."
        )
    with _alone(root, name, tell):
        found = find(entry)
        if found is None or damaged(entry, found):
            _check_room(root, entry)
            (_get_archive if entry.members else _get_files)(entry, root, tell, patience)
    found = find(entry)
    if found is None:
        raise FileError(f"{name} was fetched into {root}, but it is not there. Was something removed meanwhile?")
    return found


def damaged(entry: Entry, folder: Path) -> list[File]:
    """The set's published files that are in the folder and differ from what was published, or are missing from it.

    Of a set that is published as an archive, what was unpacked is not compared: none are listed.
    """
    if entry.members or not folder.is_dir():
        return []
    return [file for file in entry.files if not any(is_published(path, file) for path in _named(folder, file))]


def _named(folder: Path, file: File) -> list[Path]:
    """The file as it may be called in a folder: packed or not, with a dash or with a dot before idx."""
    bare = file.name.removesuffix(".gz")
    names = dict.fromkeys((file.name, bare, bare.replace("-idx", ".idx"), bare.replace("-idx", ".idx") + ".gz"))
    return [folder / name for name in names if (folder / name).is_file()]


def _first(entry: Entry) -> str:
    """The folder that a download makes."""
    return entry.folders[0].split("/")[0]


def _get_files(entry: Entry, root: Path, tell: Tell, patience: float) -> None:
    """Each file that is missing or damaged."""
    target = root / _first(entry)
    for file in damaged(entry, target) if target.is_dir() else entry.files:
        obtain(file, _addresses(entry, file), target / file.name, tell, patience)


def _get_archive(entry: Entry, root: Path, tell: Tell, patience: float) -> None:
    """The archive, from where somebody put it by hand or from its mirrors, and what is in it."""
    (file,) = entry.files
    given = [place / file.name for place in roots() if (place / file.name).is_file()]
    archive = next((path for path in given if is_published(path, file)), None)
    if archive is not None:
        _unpack(entry, archive, root, tell)
        return
    archive = root / file.name
    obtain(file, _addresses(entry, file), archive, tell, patience)
    _unpack(entry, archive, root, tell)
    archive.unlink(missing_ok=True)


def _addresses(entry: Entry, file: File) -> list[str]:
    return [mirror + (file.there or file.name) for mirror in entry.mirrors]


def _unpack(entry: Entry, archive: Path, root: Path, tell: Tell) -> None:
    """Unpack beside the set's folder, then give it its name at once; a half-unpacked set is never seen."""
    target = root / _first(entry)
    fresh = root / f".{target.name}.{token_hex(4)}.new"
    try:
        unpack(archive, fresh, entry.members, entry.strip, lambda done: tell(f"unpacking {archive.name}", done, 0))
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        if target.exists():
            raise FileError(f"{target} is in the way: it holds other files than {entry.name}. Move it and try again.")
        if hasattr(os, "sync"):
            os.sync()  # once for all of them; after each of 27,000 files it would take minutes
        fresh.rename(target)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{target} could not be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check_room(root: Path, entry: Entry) -> None:
    """Say now, not after an hour, that the disk has no room."""
    needed = entry.size * (2 if entry.members else 1) + MARGIN
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if free < needed:
        raise FileError(
            f"{entry.name} needs {in_bytes(needed)} in {root}, and {in_bytes(free)} are free there. Make room, or set "
            f"{VARIABLE} to a folder on a larger disk."
        )


@contextmanager
def _alone(root: Path, name: str, tell: Tell) -> Iterator[None]:
    """Only one process at a time gets a set; the others wait, then find it here."""
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise UsageError(f"Fetching needs filelock, which is not here: {EXTRA}") from None
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / f".{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(f"waiting for another process that fetches {name}", 0, 0)
            lock.acquire()
    except OSError as error:
        raise FileError(f"{root} cannot be written to: {error.strerror or error}. Set {VARIABLE} elsewhere.") from None
    try:
        yield
    finally:
        lock.release()
