"""A published archive, tar or zip, becomes a folder: the members that are wanted, each inside it, and no bombs.

An archive's names and sizes are claims. A name that leads out of the folder, a member that is a link, and more bytes
than such an archive can honestly hold are refused.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from pellucid.base.errors import DataError, FileError
from pellucid.datasets.reading import GZIP, translated

GROWTH = 4  # pictures and their bytes hardly shrink: an archive that grows more than this is no set of ours
SLACK = 1 << 20
MOST_FILES = 100_000
PIECE = 1 << 20
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack(archive: Path, folder: Path, members: Sequence[str], strip: int, tell: Callable[[int], None]) -> int:
    """Write the archive's wanted members into a folder; how many there were.

    Args:
        archive: a .zip, or a .tar packed with gzip or not.
        folder: where they go; it must not hold anything yet.
        members: patterns of the names that are wanted; a * does not cross a /.
        strip: how many folders at the beginning of each name are left off.
        tell: is called with the bytes that are written.

    Raises:
        DataError: if the archive is damaged, leads out of the folder, or unpacks to more than it should.
        FileError: if a file cannot be written.
    """
    left = GROWTH * archive.stat().st_size + SLACK
    most, count = left, 0
    with translated(archive):
        for name, source in _members(archive, members):
            parts = PurePosixPath(name).parts[strip:]
            if not parts or any(part in ("..", "/") or "\\" in part or ":" in part for part in parts):
                raise DataError(
                    f"{archive} holds a member {name!r}, whose name leads elsewhere. Nothing is taken of it."
                )
            count += 1
            left -= _write(source, folder.joinpath(*parts), left)
            if left < 0 or count > MOST_FILES:
                raise DataError(f"{archive} unpacks to more than {most:,} bytes or {MOST_FILES:,} files. It is a bomb.")
            tell(most - left)
    return count


def _members(archive: Path, wanted: Sequence[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """The wanted ordinary files of the archive, with their names."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                if not info.is_dir() and _is_wanted(info.filename, wanted):
                    if info.flag_bits & 1 or info.compress_type not in PLAIN:
                        raise DataError(f"{archive}: {info.filename!r} is packed in a way that is not read here.")
                    with packed.open(info) as source:
                        yield info.filename, source
        return
    try:
        with tarfile.open(archive, "r:gz" if _is_gzip(archive) else "r:") as tape:
            for member in tape:
                if _is_wanted(member.name, wanted):
                    content = tape.extractfile(member) if member.isfile() else None
                    if content is None:
                        raise DataError(f"{archive}: the member {member.name!r} is a link. It is not unpacked.")
                    yield member.name, content
    except tarfile.TarError as error:
        raise DataError(f"{archive} is damaged or cut short: {error}. Fetch it again.") from None


def _is_gzip(archive: Path) -> bool:
    with open(archive, "rb") as file:
        return file.read(2) == GZIP


def _is_wanted(name: str, wanted: Sequence[str]) -> bool:
    name = name.removeprefix("./")
    return any(fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for pattern in wanted)


def _write(source: IO[bytes], target: Path, most: int) -> int:
    """Copy one member; how many bytes, or one more than `most` if it does not end before."""
    done = 0
    with _written(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        out = open(target, "xb")  # noqa: SIM115 - closed below
    with out:
        while done <= most and (piece := source.read(PIECE)):
            done += len(piece)
            with _written(target):
                out.write(piece)
    return done


@contextmanager
def _written(target: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise DataError(f"The archive holds {target.name} twice. It is damaged; fetch it again.") from None
    except OSError as error:
        raise FileError(f"{target} could not be written: {error.strerror or error}.") from None
