"""What can go wrong, and how it is said.

Every error is one paragraph: what happened, what was expected, how to fix it, with the values. The classes exist so
that a program can tell them apart and the command line can end with the right exit code.
"""

from __future__ import annotations

Shape = tuple[int | None, ...]


class PellucidError(Exception):
    """The parent of every error that Pellucid raises on purpose."""


class UsageError(PellucidError, ValueError):
    """An argument that cannot be meant: a negative learning rate, a batch of 0, layers that do not fit."""


class ShapeError(UsageError):
    """Two shapes that had to agree and do not; the message draws both."""


class DataError(PellucidError, ValueError):
    """Data that cannot be used: a label out of range, a NaN, a file that is not what it claims to be."""


class FileError(PellucidError, OSError):
    """A model file or checkpoint that cannot be read or written as it stands."""


class Diverged(PellucidError, ArithmeticError):
    """Training produced a number that is not finite; the message names the first array, its layer and the step."""


def draw_shapes(given: Shape, expected: Shape, given_name: str = "given", expected_name: str = "expected") -> str:
    """Two shapes under each other with a mark below every axis that differs.

    A `None` in a shape means "any size" and is drawn as N; it never differs.

    >>> print(draw_shapes((32, 783), (None, 784)))
      given     (32, 783)
      expected  ( N, 784)
                     ^^^  axis 1
    """
    rows = [["N" if size is None else str(size) for size in shape] for shape in (given, expected)]
    count = max(len(given), len(expected))
    widths = [max(len(row[axis]) for row in rows if axis < len(row)) for axis in range(count)]
    label = max(len(given_name), len(expected_name))
    lines = []
    for name, row in zip((given_name, expected_name), rows, strict=True):
        cells = ", ".join(text.rjust(widths[axis]) for axis, text in enumerate(row))
        lines.append(f"  {name.ljust(label)}  ({cells}{',' if len(row) == 1 else ''})")
    wrong, marks = [], ""
    for axis, width in enumerate(widths):
        a = given[axis] if axis < len(given) else -1
        b = expected[axis] if axis < len(expected) else -1
        differs = a is not None and b is not None and a != b
        marks += ("^" if differs else " ") * width + "  "
        if differs:
            wrong.append(axis)
    if wrong:
        axes = ("axis " if len(wrong) == 1 else "axes ") + ", ".join(map(str, wrong))
        lines.append(" " * (label + 5) + marks.rstrip() + "  " + axes)
    return "\n".join(lines)
