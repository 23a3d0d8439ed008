"""CIFAR-10's batches in their other form, as Python 2 pickled them, read without running anything.

A pickle is a small program, and the usual reader would run whatever it says. This one knows the few instructions that
a dictionary of texts, lists of numbers and one array of bytes need, and only builds these. The three names that an
array's description calls for are known by their spelling; nothing is looked up, imported or called. Anything else is
refused.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.datasets.reading import opened

MOST_BYTES = 64 << 20  # a published batch has 31 million
NAMES = {
    f"{module} {name}": what
    for module, name, what in (
        ("numpy.core.multiarray", "_reconstruct", "array"),
        ("numpy._core.multiarray", "_reconstruct", "array"),
        ("numpy", "ndarray", "kind"),
        ("numpy", "dtype", "type"),
    )
}
MARK = object()


class _Named:
    """A name, and what it was applied to: a description, no object."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.arguments: tuple[Any, ...] | None = None
        self.state: Any = None


def read_pickled(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The dictionary in a pickled file: texts, whole numbers, lists of them, and arrays of bytes.

    Args:
        path: the file.

    Raises:
        DataError: if it is missing, damaged, too large, or asks for anything else to be made or run.
    """
    with opened(path) as source:
        program = source.file.read(min(source.most, MOST_BYTES) + 1)
    if len(program) > MOST_BYTES:
        raise DataError(f"{path} has more than {MOST_BYTES:,} bytes; a pickled batch of CIFAR-10 has 31 million.")
    try:
        made = _Reader(program).read()
        if not isinstance(made, dict):
            raise _refused(f"it holds a {type(made).__name__} instead of a dictionary")
        return {_text(key): _plain(value) for key, value in made.items()}
    except DataError as error:
        raise DataError(f"{path} is not read: {error}. Get CIFAR-10 in its binary form, data_batch_1.bin.") from None
    except (IndexError, struct.error, UnicodeDecodeError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise DataError(f"{path} is damaged or no pickled batch of CIFAR-10 ({type(error).__name__}).") from None


def _refused(why: str) -> DataError:
    return DataError(why)


class _Reader:
    """The instructions of a pickle, those that are allowed, one method a kind."""

    def __init__(self, program: bytes) -> None:
        self.program = program
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def read(self) -> Any:
        """Follow the program to its end; what it leaves."""
        while True:
            code = self.take(1)
            if code == b".":
                (made,) = self.stack
                return made
            work = DO.get(code)
            if work is None:
                raise _refused(f"at byte {self.at - 1} it holds the instruction {code!r}, which no batch needs")
            work(self)

    def take(self, count: int) -> bytes:
        """The next bytes of the program."""
        taken = self.program[self.at : self.at + count]
        if count < 0 or len(taken) < count:
            raise _refused(f"it ends in the middle, at byte {len(self.program):,}")
        self.at += count
        return taken

    def number(self, form: str) -> int:
        """A whole number from the program."""
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def line(self) -> str:
        """The program's bytes up to the end of a line."""
        end = self.program.index(b"\n", self.at, self.at + 200)
        return self.take(end + 1 - self.at)[:-1].decode("ascii")

    def marked(self) -> list[Any]:
        """What was put down since the last mark."""
        at = len(self.stack) - 1 - self.stack[::-1].index(MARK)
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def name(self) -> None:
        """A name, which must be one of the three."""
        said = f"{self.line()} {self.line()}"
        if said not in NAMES:
            raise _refused(f"it names {said.replace(' ', '.')!r}, and what it names could be anything")
        self.stack.append(_Named(NAMES[said]))

    def apply(self) -> None:
        """A name applied to arguments: written down, not done."""
        arguments, named = self.stack.pop(), self.stack.pop()
        if not isinstance(named, _Named) or named.arguments is not None or not isinstance(arguments, tuple):
            raise _refused("it applies something that is no name")
        made = _Named(named.what)
        made.arguments = arguments
        self.stack.append(made)

    def build(self) -> None:
        """The state of what was applied: written down too."""
        state, named = self.stack.pop(), self.stack[-1]
        if not isinstance(named, _Named) or named.arguments is None:
            raise _refused("it gives a state to something that has none")
        named.state = state

    def append(self, items: list[Any]) -> None:
        """Items behind those of a list."""
        if not isinstance(self.stack[-1], list):
            raise _refused("it appends to something that is no list")
        self.stack[-1].extend(items)

    def put(self, pairs: list[Any]) -> None:
        """Keys and values into a dictionary."""
        if not isinstance(self.stack[-1], dict) or not all(isinstance(key, str | bytes) for key in pairs[::2]):
            raise _refused("it files something under a key that is no text")
        self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))


def _plain(value: Any) -> Any:
    """A value of the dictionary: a text, a number, a list of these, or an array of bytes. Nothing lies deeper."""
    if isinstance(value, list):
        if any(isinstance(item, list | tuple | dict | _Named) for item in value):
            raise _refused("it holds lists of something else than numbers and texts")
        return [_plain(item) for item in value]
    if isinstance(value, str | bytes):
        return _text(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, _Named) and value.what == "array" and isinstance(value.state, tuple):
        _, shape, kind, by_columns, raw = value.state
        if isinstance(kind, _Named) and kind.what == "type" and kind.arguments and _text(kind.arguments[0]) == "u1":
            array: Array = np.frombuffer(raw, np.uint8)
            return array.reshape(shape, order="F" if by_columns else "C")
    raise _refused("it holds something else than texts, numbers and an array of bytes")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes.decode(value, "latin-1")


def _push(value: Callable[[_Reader], Any]) -> Callable[[_Reader], None]:
    return lambda reader: reader.stack.append(value(reader))


def _remember(form: str) -> Callable[[_Reader], None]:
    return lambda reader: reader.memo.__setitem__(reader.number(form), reader.stack[-1])


def _tuple(count: int) -> Callable[[_Reader], None]:
    def work(reader: _Reader) -> None:
        if len(reader.stack) < count:
            raise _refused("it takes more than it has put down")
        items = tuple(reader.stack[-count:])
        del reader.stack[-count:]
        reader.stack.append(items)

    return work


def _protocol(reader: _Reader) -> None:
    if (version := reader.number("<B")) > 3:
        raise _refused(f"it is written in version {version} of the format; CIFAR-10's batches are in version 2")


DO: dict[bytes, Callable[[_Reader], None]] = {
    b"\x80": _protocol,
    b"(": _push(lambda reader: MARK),
    b"}": _push(lambda reader: {}),
    b"]": _push(lambda reader: []),
    b")": _push(lambda reader: ()),
    b"N": _push(lambda reader: None),
    b"\x88": _push(lambda reader: True),
    b"\x89": _push(lambda reader: False),
    b"K": _push(lambda reader: reader.number("<B")),
    b"M": _push(lambda reader: reader.number("<H")),
    b"J": _push(lambda reader: reader.number("<i")),
    b"U": _push(lambda reader: reader.take(reader.number("<B"))),
    b"T": _push(lambda reader: reader.take(reader.number("<i"))),
    b"C": _push(lambda reader: reader.take(reader.number("<B"))),
    b"B": _push(lambda reader: reader.take(reader.number("<I"))),
    b"X": _push(lambda reader: reader.take(reader.number("<I")).decode("utf-8")),
    b"q": _remember("<B"),
    b"r": _remember("<I"),
    b"h": _push(lambda reader: reader.memo[reader.number("<B")]),
    b"j": _push(lambda reader: reader.memo[reader.number("<I")]),
    b"\x85": _tuple(1),
    b"\x86": _tuple(2),
    b"\x87": _tuple(3),
    b"t": _push(lambda reader: tuple(reader.marked())),
    b"a": lambda reader: reader.append([reader.stack.pop()]),
    b"e": lambda reader: reader.append(reader.marked()),
    b"s": lambda reader: reader.put([reader.stack.pop(-2), reader.stack.pop()]),
    b"u": lambda reader: reader.put(reader.marked()),
    b"c": _Reader.name,
    b"R": _Reader.apply,
    b"b": _Reader.build,
}
