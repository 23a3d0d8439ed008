"""Tables in CSV files: which column is the answer, and the others as numbers.

A table of pixels, as Kaggle publishes MNIST, is recognised and read as pictures. Whatever is wrong with a cell is said
with its row and its column.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data
from pellucid.datasets.labels import numbered, read_targets
from pellucid.datasets.pixeltable import pixel_label, read_pixels
from pellucid.datasets.sheet import ANSWERS, MISSING, Sheet, check_header, is_number, open_sheet

ROWS = 4096  # rows that are text at one time


def read_csv(path: str | os.PathLike[str], target: str | int | None = None) -> Data:
    """A table from a CSV file, packed with gzip or not, with a header or without.

    The other columns must be numbers and become float64. Words and whole numbers in the target column are classes,
    sorted; a class's id is its position. Numbers with fractions, and more than 100 different whole ones, are values.
    A table of a label and n x n pixels becomes pictures, bytes (N, n, n).

    Args:
        path: the file.
        target: the target column's name, or its index as Python counts: 0 is the first, -1 the last. Default: the
            column called label, target, class or y.

    Raises:
        DataError: if the file is missing or no table, the target is not known, or a cell is empty or not a number.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "pets.csv"
    ...     _ = file.write_text("weight,class\\n4.5,cat\\n30,dog\\n")
    ...     data = read_csv(file)
    >>> data.x.tolist(), data.t.tolist(), data.classes
    ([[4.5], [30.0]], [0, 1], ('cat', 'dog'))
    """
    sheet, head = open_sheet(path)
    if has_class_line(head, sheet.first):
        return _read_with_class_line(replace(sheet, header=()), head, target)
    check_header(sheet)
    at = find_target(sheet, target)
    label = pixel_label(sheet)
    if label is not None and (at == label or not sheet.header):
        x, t = read_pixels(sheet, label if at is None else at, guessed=at is None)
        return Data(x, t, numbered(t), name=sheet.name)
    if at is None:
        raise DataError(which(sheet, "does not say which column is the answer"))
    x, t, classes = _read_table(sheet, at)
    columns = sheet.header or tuple(map(str, range(sheet.width)))
    return Data(x, t, classes, columns=columns[:at] + columns[at + 1 :], name=sheet.name)


def find_target(sheet: Sheet, target: str | int | None) -> int | None:
    """The target column's index; None if it was not given and no name tells."""
    if isinstance(target, str) and target.strip() in sheet.header:
        return sheet.header.index(target.strip())
    try:
        at = None if target is None else int(target)
    except ValueError:
        raise DataError(which(sheet, f"has no column {target!r}")) from None
    if at is not None:
        if not -sheet.width <= at < sheet.width:
            raise DataError(which(sheet, f"has no column with the index {at}"))
        return at % sheet.width
    lower = [name.lower() for name in sheet.header]
    likely = [name for name in ANSWERS if name in lower]
    if len(likely) > 1 and likely[-1] == "y":
        likely.pop()  # beside a column "label", y is a measurement
    if len(likely) > 1:
        raise DataError(which(sheet, f"has several columns that may be the answer: {' and '.join(likely)}"))
    return lower.index(likely[0]) if likely else None


def which(sheet: Sheet, problem: str) -> str:
    if sheet.header:
        columns = f"The columns are {', '.join(sheet.header[:40])}{', ...' if sheet.width > 40 else ''}."
    else:
        columns = f"Its {sheet.width} columns have no names, but indices: 0 to {sheet.width - 1}, and -1 is the last."
    return f"{sheet.name} {problem}. {columns} Say which is to be learned: --target COLUMN, or target=... in Python."


def _read_table(sheet: Sheet, at: int) -> tuple[Array, Array, tuple[str, ...]]:
    """The numbers beside column `at`, the targets in it, and the classes' names."""
    if sheet.width < 2:
        raise DataError(f"{sheet.name} has one column only; at least one more is needed to learn from.")
    parts: list[Array] = []
    answers: list[str] = []
    lines: list[int] = []
    waiting: list[list[str]] = []
    for line, cells in sheet.rows():
        answers.append(cells.pop(at))
        lines.append(line)
        waiting.append(cells)
        if len(waiting) == ROWS:
            parts.append(_numbers(sheet, at, waiting, lines))
            waiting = []
    if waiting:
        parts.append(_numbers(sheet, at, waiting, lines))
    check_answers(sheet, at, answers, lines)
    t, classes = read_targets(answers)
    return np.concatenate(parts), t, classes


def _numbers(sheet: Sheet, at: int, rows: list[list[str]], lines: list[int]) -> Array:
    """The last rows read, as numbers (len(rows), D)."""
    try:
        block = np.array([[float(cell) for cell in cells] for cells in rows])
        if np.isfinite(block).all():
            return block
    except ValueError:
        pass
    before = len(lines) - len(rows)
    raise not_numbers(sheet, at, rows, before + 1, lines[before:])


def _is_finite(cell: str) -> bool:
    return is_number(cell) and isfinite(float(cell))


def not_numbers(sheet: Sheet, at: int, rows: Sequence[Sequence[str]], first: int, lines: Sequence[int]) -> DataError:
    """The error of rows, without their target, of which one holds a cell which is no finite number."""
    i = next(i for i, cells in enumerate(rows) if not all(map(_is_finite, cells)))
    cells, row, line = rows[i], first + i, lines[i]
    j = next(j for j, cell in enumerate(cells) if not _is_finite(cell))
    cell, column = cells[j].strip(), j + (j >= at)
    if cell.lower() in MISSING or is_number(cell):
        what = f"holds {cell!r}, which is not a finite number" if cell else "is empty"
        return sheet.wrong(row, line, column, f"{what}. Fill in or remove missing values first.")
    words = [sheet.column(k + (k >= at)) for k, other in enumerate(cells) if other.strip() and not is_number(other)]
    text = (
        f"holds {cell[:40]!r}, which is not a number, and a network computes with numbers. Remove or encode the "
        f"columns of words (in this row: {', '.join(words)}), or read the file with read_table; if one of them is the "
        "target, name it with --target."
    )
    return sheet.wrong(row, line, column, text)


def check_answers(sheet: Sheet, at: int, answers: Sequence[str], lines: Sequence[int]) -> None:
    """Refuse a target that is missing, and a word among measurements."""
    words: list[int] = []
    fractions = False
    for i, cell in enumerate(answers):
        if not is_number(cell):
            words.append(i)
        if not cell.strip() or (is_number(cell) and not isfinite(float(cell))):
            what = f"holds {cell.strip()!r}" if cell.strip() else "is empty"
            raise sheet.wrong(i + 1, lines[i], at, f"{what}, and it is the target. Fill it in or remove the row.")
        fractions = fractions or (is_number(cell) and not float(cell).is_integer())
    if words and len(words) < len(answers) and (fractions or all(answers[i].strip().lower() in MISSING for i in words)):
        i = words[0]
        what = f"holds {answers[i].strip()[:40]!r}, where the target is a number in other rows"
        raise sheet.wrong(i + 1, lines[i], at, f"{what}. Correct it or remove the row.")


def has_class_line(head: Sequence[str], first: Sequence[str]) -> bool:
    """Whether a file begins with "rows,features,class names...", as scikit-learn's own tables do."""
    return (
        len(head) > 3
        and head[0].isdecimal()
        and head[1].isdecimal()
        and not any(is_number(cell) for cell in head[2:])
        and len(first) == int(head[1]) + 1
        and all(is_number(cell) for cell in first)
    )


def _read_with_class_line(sheet: Sheet, head: Sequence[str], target: str | int | None) -> Data:
    at = find_target(sheet, -1 if target is None else target)
    assert at is not None
    x, t, classes = _read_table(sheet, at)
    if len(x) != int(head[0]):
        raise DataError(f"{sheet.name} says in line 1 that it has {head[0]} rows, but it has {len(x)}. Fetch it again.")
    if at == sheet.width - 1:
        ids = np.array([int(name) if name.isdecimal() else -1 for name in classes])
        if not classes or ids.min() < 0 or ids.max() >= len(head) - 2:
            raise DataError(
                f"{sheet.name} names {len(head) - 2} classes in line 1, so its last column must hold whole numbers "
                f"from 0 to {len(head) - 3}, and it does not."
            )
        t, classes = ids[t], tuple(head[2:])
    columns = tuple(map(str, range(sheet.width)))
    return Data(x, t, classes, columns=columns[:at] + columns[at + 1 :], name=sheet.name)
