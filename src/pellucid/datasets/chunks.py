"""The rows of a sheet some thousand at a time: as numbers where NumPy's own parser takes them, else as cells.

NumPy reads a table of nothing but numbers ten times as fast as cells can be looked at one by one. It says nothing of
use about what it does not take, so such rows are cut into cells, and what is wrong is said with its row and its line.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.datasets.sheet import Sheet, advice

LINES = 4096  # lines that are text at one time
LARGEST = 1e30  # a number beyond overflows when it is squared


@dataclass(frozen=True)
class Chunk:
    """Some rows, one after the other.

    Args:
        row: the first one's number, counted from 1.
        lines: for each the line in the file.
        numbers: (rows, columns), if every cell is a finite number.
        cells: otherwise, column by column, the cells.
    """

    row: int
    lines: Sequence[int]
    numbers: Array | None
    cells: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.lines)


def chunks(sheet: Sheet, plain: bool = True) -> Iterator[Chunk]:
    """The rows of a sheet. A blank line is refused unless only blank ones follow.

    Args:
        sheet: the table.
        plain: whether rows of numbers are read as numbers. Default true; else all rows are cells.

    Raises:
        DataError: where a row is too short or too long, or a quotation mark never closes.
    """
    lines, width = sheet.lines, sheet.width
    row, line, blank = 1, sheet.skipped, 0
    while text := list(islice(lines, LINES)):
        numbers = None if blank or not plain else _numbers(sheet, text)
        if numbers is not None:
            yield Chunk(row, range(line + 1, line + 1 + len(text)), numbers, ())
            row, line = row + len(text), line + len(text)
            continue
        reader = sheet.cells(chain(text, lines))  # a cell in quotation marks may go on behind the text
        rows: list[list[str]] = []
        places: list[int] = []
        try:
            while reader.line_num < len(text) and (cells := next(reader, None)) is not None:
                here = line + reader.line_num
                if not any(cells):
                    blank = blank or here
                    continue
                if blank:
                    raise sheet.blank(blank)
                if len(cells) != width:
                    raise sheet.ragged(row + len(rows), here, cells)
                rows.append(cells)
                places.append(here)
        except csv.Error as error:
            place = line + reader.line_num
            raise DataError(f"{sheet.name} cannot be read as a table near line {place}: {advice(error)}") from None
        if rows:
            yield Chunk(row, places, None, list(zip(*rows, strict=True)))
        row, line = row + len(rows), line + reader.line_num
    if row == 1:
        raise sheet.no_rows()


def _numbers(sheet: Sheet, text: list[str]) -> Array | None:
    """Lines as numbers (lines, columns), if they are that, finite and not too large to compute with."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            block = np.loadtxt(text, np.float64, comments=None, delimiter=sheet.delimiter, ndmin=2)
    except (ValueError, Warning):
        return None
    return block if block.shape == (len(text), sheet.width) and (np.abs(block) <= LARGEST).all() else None


def as_floats(cells: Sequence[str]) -> Array | None:
    """Cells as numbers (N,), nan where one is empty; None if any is neither."""
    try:
        return np.fromiter(map(float, [cell or "nan" for cell in cells]), np.float64, len(cells))
    except ValueError:
        return None
