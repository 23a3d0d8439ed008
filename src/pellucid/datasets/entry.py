"""What the catalogue says about a data set, and about each file that is published of it."""

from __future__ import annotations

from dataclasses import dataclass

DRAWN = "none needed"


@dataclass(frozen=True)
class File:
    """One published file.

    Args:
        name: what it is called, here and behind each of its set's mirrors.
        size: in bytes.
        sha256: its digest.
        unpacked: the digest of its content once gzip is taken off; "" if it is not packed.
        there: what it is called behind the mirrors, if that is not `name`.
    """

    name: str
    size: int
    sha256: str
    unpacked: str = ""
    there: str = ""


@dataclass(frozen=True)
class Entry:
    """One data set.

    Args:
        name: what it is called, here and as a function.
        what: what it is, in a few words.
        samples: how many, those of the test part after a plus.
        licence: under which its files may be used.
        source: who made it, and what to cite.
        folders: the folders that it may be in, below a folder of data; downloads go to the first.
        holds: patterns; a folder holds the set if each of them finds a file in it. None: the set is always here.
        files: what is published.
        mirrors: addresses that the files' names are put behind, the best first.
        members: patterns of the members of the one file, an archive, that are unpacked.
        strip: how many folders at the beginning of a member's name are left off.
        in_scikit: whether scikit-learn brings the same files.
        target: what its answers are called, for a table: the column that is learned.
    """

    name: str
    what: str
    samples: str
    licence: str
    source: str
    folders: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    mirrors: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    strip: int = 0
    in_scikit: bool = False
    target: str = ""

    @property
    def size(self) -> int:
        """The bytes of a download."""
        return sum(file.size for file in self.files)

    @property
    def drawn(self) -> bool:
        """Whether the set is computed, not measured."""
        return self.licence == DRAWN
