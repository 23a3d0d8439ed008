"""Tables as people keep them: columns of numbers and of words side by side, with cells that are empty.

They become records: a NumPy array (N,) with a field for each column, float64 with nan where a number is missing, words
with "" where one is missing. The file is read twice: first to see what each column holds, then to fill the arrays.
Whatever contradicts the rest of its column is said with its row and its column.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data
from pellucid.data.columns import Number
from pellucid.data.table import Table
from pellucid.datasets.answer import find_target, unknown, which
from pellucid.datasets.chunks import LARGEST, as_floats
from pellucid.datasets.labels import read_targets
from pellucid.datasets.pixeltable import pixel_label
from pellucid.datasets.rows import read_rows
from pellucid.datasets.sheet import MISSING, Sheet, check_header, is_number, open_sheet
from pellucid.datasets.tables import check_answers, has_class_line, read_csv

LONGEST_WORD = 60  # letters of a cell that are kept: longer ones are texts, which nobody compares
STRAY = 0.1  # a column of numbers may have this share of other cells, which are then mistakes; with more it is of words
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
COMMAS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?|[-+]?\d+,\d+")


def read_table(path: str | os.PathLike[str], target: str | int | None = None, like: Table | None = None) -> Data:
    """A table from a CSV file, whatever its columns hold: numbers, words, dates, empty cells.

    A column is of numbers if nine in ten of its filled cells are; the others are then mistakes, and the first is
    named. A file without a header, or of pixels, is read as by `read_csv`: it must hold numbers alone.

    Args:
        path: the file, packed with gzip or not.
        target: the target column's name or index. Default: as for `read_csv`, or what `like` says.
        like: a trained model's preparation, which tells the columns of numbers from those of words. Columns that it
            does not know are left out.

    Returns:
        Data whose x are records (N,), with a field for each column: float64, nan where a cell is empty, or words of at
        most 60 letters, "" where a cell is empty. `pl.Table` makes numbers of them.

    Raises:
        DataError: if the file is missing or no table, the target is not known or has an empty cell, or a cell
            contradicts its column.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "pets.csv"
    ...     _ = file.write_text("weight,coat,class\\n4.5,grey,cat\\n,brown,dog\\n")
    ...     data = read_table(file)
    >>> data.x.tolist(), data.classes
    ([(4.5, 'grey'), (nan, 'brown')], ('cat', 'dog'))
    """
    sheet, head = open_sheet(path)
    if has_class_line(head, sheet.first) or not sheet.header or pixel_label(sheet) is not None:
        return read_csv(path, target)
    check_header(sheet)
    if target is None and like is not None and like.target:
        if like.target not in sheet.header:
            raise DataError(which(sheet, f"has no column {like.target!r}, the answer that the network learned"))
        target = like.target
    at = find_target(sheet, target)
    if at is None:
        raise unknown(sheet)
    if sheet.width < 2:
        raise DataError(f"{sheet.name} has one column only; at least one more is needed to learn from.")
    answers: list[str] = []
    x = _read(path, sheet, None if like is None else kinds_of(like), at, answers)
    t, classes = read_targets(answers)
    return Data(x, t, classes, columns=x.dtype.names or (), name=sheet.name, target=sheet.header[at])


def read_records(path: str | os.PathLike[str], like: Table) -> Array:
    """The records (N,) that a trained model wants from a CSV file: its columns by their names, in any order.

    Args:
        path: the file; it needs a header, and may have other columns besides, such as the answers.
        like: the model's preparation.

    Raises:
        DataError: if columns are missing, with their names, or a cell is not what its column holds.
    """
    sheet, _ = open_sheet(path)
    kinds = kinds_of(like)
    if not sheet.header and all(kinds.values()):
        return read_rows(path, len(kinds), tuple(kinds))
    if not sheet.header:
        raise DataError(
            f"{sheet.name} has no header, so nobody can tell which column is which. "
            f"Its first line must name the columns: {', '.join(kinds)}."
        )
    check_header(sheet)
    return _read(path, sheet, kinds, None, [])


def kinds_of(table: Table) -> dict[str, bool]:
    """The columns that a table knows: whether each is of numbers.

    >>> from pellucid.data import Category
    >>> kinds_of(Table((Number("age"), Category("port"))))
    {'age': True, 'port': False}
    """
    return {column.name: isinstance(column, Number) for column in table.columns}


@dataclass
class Seen:
    """What the first reading saw of a column."""

    numbers: int = 0
    missing: int = 0
    longest: int = 1
    other: int = 0  # filled cells that are no such number
    where: tuple[int, int, str] = (0, 0, "")  # row, line and cell of the first of these
    commas: int = 0

    def add(self, row: int, line: int, cell: str) -> None:
        cell = cell.strip()
        if cell.lower() in MISSING:
            self.missing += 1
            return
        if is_number(cell) and abs(float(cell)) <= LARGEST:
            self.numbers += 1
        else:
            if not self.other:
                self.where = row, line, cell
            self.other += 1
            self.commas += COMMAS.fullmatch(cell) is not None
        self.longest = max(self.longest, min(len(cell), LONGEST_WORD))

    def add_all(self, row: int, lines: Sequence[int], cells: Sequence[str]) -> None:
        """Cells one below the other, the first in row `row`; if all are numbers or empty, at once."""
        values = as_floats(cells)
        if values is None or (np.abs(values) > LARGEST).any():
            for i, cell in enumerate(cells):
                self.add(row + i, lines[i], cell)
            return
        missing = int(np.isnan(values).sum())
        self.numbers, self.missing = self.numbers + len(cells) - missing, self.missing + missing
        self.longest = max(self.longest, min(max(map(len, cells)), LONGEST_WORD))

    @property
    def is_number(self) -> bool:
        """Whether the column is of numbers, with mistakes among them or not."""
        stray = self.other <= max(1.0, STRAY * (self.numbers + self.other)) and self.other < self.numbers
        with_commas = self.commas > 0 and self.other - self.commas <= STRAY * (self.numbers + self.commas)
        return stray or with_commas or not self.other


def _read(
    path: str | os.PathLike[str], sheet: Sheet, kinds: Mapping[str, bool] | None, at: int | None, answers: list[str]
) -> Array:
    """The columns of a sheet as records. The cells of column `at` are put into `answers` instead."""
    names = [name for i, name in enumerate(sheet.header) if i != at]
    if kinds is not None and (lacking := [name for name in kinds if name not in names]):
        raise DataError(
            f"{sheet.name} lacks columns that the network was trained on: {', '.join(lacking[:8])}. "
            f"It has {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}."
        )
    chosen = [(i, name) for i, name in enumerate(sheet.header) if i != at and (kinds is None or name in kinds)]
    seen, target, lines = {name: Seen() for _, name in chosen}, Seen(), list[int]()
    for row, (line, cells) in enumerate(sheet.rows(), 1):
        lines.append(line)
        for i, name in chosen:
            seen[name].add(row, line, cells[i])
        if at is not None:
            answers.append(cells[at])
            target.add(row, line, cells[at])
    if at is not None:
        check_answers(sheet, at, answers, lines)
        if (target.commas and target.is_number) or (target.other and is_number(target.where[2])):
            raise stray(sheet, at, target)
    of_numbers = {name: s.is_number if kinds is None else kinds[name] for name, s in seen.items()}
    for i, name in chosen:
        if of_numbers[name] and seen[name].other:
            raise stray(sheet, i, seen[name])
    fields = [(name, "f8" if of_numbers[name] else f"U{seen[name].longest}") for _, name in chosen]
    x = np.empty(len(lines), fields)
    columns = [(i, x[name], of_numbers[name]) for i, name in chosen]
    again, _ = open_sheet(path)
    for row, (_, cells) in enumerate(again.rows()):
        for i, column, number in columns:
            cell = cells[i].strip()
            missing = cell.lower() in MISSING
            column[row] = (np.nan if number else "") if missing else float(cell) if number else cell
    return x


def without_commas(cell: str, sheet: Sheet) -> str:
    """The number without the commas between its thousands; "" if its comma is that of a decimal fraction."""
    thousands = THOUSANDS.fullmatch(cell) is not None
    sure = cell.count(",") > 1 or "." in cell or sheet.delimiter == ","  # beside ; and tabs, 1,288 may be a fraction
    return cell.replace(",", "") if thousands and sure else ""


def stray(sheet: Sheet, i: int, seen: Seen) -> DataError:
    """The error of a cell that is no number in a column of numbers."""
    row, line, cell = seen.where
    what = "not a number" if not is_number(cell) else "not a finite number, or too large to compute with"
    if COMMAS.fullmatch(cell):
        rule = "without commas between their digits" if (plain := without_commas(cell, sheet)) else "with a point"
        plain = plain or cell.replace(",", ".")
        return sheet.wrong(row, line, i, f"holds {cell[:40]!r}. Numbers are written {rule}: {plain}.")
    return sheet.wrong(
        row,
        line,
        i,
        f"holds {cell[:40]!r}, which is {what}"
        + (
            f", while {seen.numbers:,} other cells of this column hold numbers"
            if seen.numbers
            else "; numbers belong there"
        )
        + ". Correct it, or leave the cell empty.",
    )
