"""Pictures as a table: a label and one column a pixel, as Kaggle publishes MNIST and its like.

60,000 such rows are 110 MB of text. They are read a few thousand lines at a time by NumPy's own parser, straight into
bytes; only lines that it refuses are looked at cell by cell, to accept them or to say what is wrong and where.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator
from math import isqrt

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.datasets.labels import MOST_CLASSES
from pellucid.datasets.sheet import BLANK, Sheet, is_number

LINES = 2048  # lines that are text at one time
HEADERLESS = 785  # a file without a header is taken for pictures if it has a label and 28 x 28 pixels
PIXEL = re.compile(r"pixel[ _]?(\d+)|(\d+)x(\d+)", re.IGNORECASE)


def pixel_label(sheet: Sheet) -> int | None:
    """The index of the label's column if all other columns are pixels, else None.

    Pixels are called 1x1, 1x2, ..., 28x28 or pixel0, pixel1, ..., in this order, and are as many as a square has.
    """
    if not sheet.header:
        return 0 if sheet.width == HEADERLESS else None
    matches = [PIXEL.fullmatch(name) for name in sheet.header]
    others = [i for i, match in enumerate(matches) if match is None]
    numbers = [tuple(int(n) for n in match.groups() if n) for match in matches if match]
    ordered = numbers == sorted(numbers) and len(numbers) > 3 and isqrt(len(numbers)) ** 2 == len(numbers)
    return others[0] if len(others) == 1 and ordered else None


def read_pixels(sheet: Sheet, label: int, guessed: bool) -> tuple[Array, Array]:
    """The pictures (N, n, n), bytes, and their labels (N,).

    Args:
        sheet: the table.
        label: the index of the label's column.
        guessed: whether that is a guess, because the table has no header and nobody said.

    Raises:
        DataError: where a cell is not a whole number from 0 to 255.
    """
    side = isqrt(sheet.width - 1)
    x, t = zip(*pixel_blocks(sheet, label), strict=True)
    ids = np.concatenate(t)
    check_label(sheet, ids, guessed)
    return np.concatenate(x).reshape(-1, side, side), ids


def pixel_blocks(sheet: Sheet, label: int) -> Iterator[tuple[Array, Array]]:
    """Pixels (rows, n n) and labels (rows,), some rows at a time."""
    row = 1
    for lines in _blocks(sheet):
        yield _parse(sheet, lines, label, row)
        row += len(lines)


def check_label(sheet: Sheet, ids: Array, guessed: bool) -> None:
    """Refuse a guess at the label's column that is the same in every row."""
    if guessed and len(ids) > 1 and (ids == ids[0]).all():
        raise DataError(
            f"{sheet.name} has no header, so its first column was taken for the label; but that is {ids[0]} in every "
            "row. If the label stands last, say so: --target -1, or target=-1 in Python."
        )


def _blocks(sheet: Sheet) -> Iterator[list[str]]:
    """The lines, some thousand at a time, without blank ones at the end."""
    block: list[str] = []
    blank = 0
    for number, line in enumerate(sheet.lines, sheet.skipped + 1):
        if not line.strip(BLANK):
            blank = blank or number
            continue
        if blank:
            raise sheet.blank(blank)
        block.append(line)
        if len(block) == LINES:
            yield block
            block = []
    if block:
        yield block


def _parse(sheet: Sheet, lines: list[str], label: int, row: int) -> tuple[Array, Array]:
    """Pixels (len(lines), n n) and labels of some lines, of which the first is row `row` of the data."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # older NumPy reads 1.7 as 1 and only warns
            block = np.loadtxt(lines, np.uint8, comments=None, delimiter=sheet.delimiter, ndmin=2)
        if block.shape == (len(lines), sheet.width):
            return np.delete(block, label, axis=1), block[:, label].astype(np.int64)
    except (ValueError, Warning):
        pass
    table = np.array([_numbers(sheet, line, label, row + i) for i, line in enumerate(lines)])
    return np.delete(table, label, axis=1).astype(np.uint8), table[:, label]


def _numbers(sheet: Sheet, text: str, label: int, row: int) -> list[int]:
    """One line's cells as whole numbers."""
    line = sheet.skipped + row
    try:
        cells = next(sheet.cells([text]))
    except csv.Error as error:
        raise sheet.wrong(row, line, None, f"is damaged ({error}).") from None
    if len(cells) != sheet.width:
        raise sheet.ragged(row, line, cells)
    numbers = []
    for column, cell in enumerate(cells):
        value = float(cell) if is_number(cell) else -1.0
        if not (value.is_integer() and 0 <= value < (MOST_CLASSES if column == label else 256)):
            held = f"holds {cell.strip()[:40]!r}" if cell.strip() else "is empty"
            wanted = (
                f"The label is a whole number, 0 or more and below {MOST_CLASSES:,}"
                if column == label
                else "A pixel is a whole number from 0 to 255"
            )
            raise sheet.wrong(row, line, column, f"{held}. {wanted}.")
        numbers.append(int(value))
    return numbers
