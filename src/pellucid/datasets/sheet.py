"""A CSV file as rows of cells: encoding, header, blank lines, and places named as a person counts.

What the cells mean is no concern of this file.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from pellucid.base.errors import DataError
from pellucid.datasets.reading import opened

if TYPE_CHECKING:
    from _csv import Reader

LONGEST_LINE = 1 << 24
MOST_COLUMNS = 50_000
ANSWERS = ("label", "target", "class", "y")  # the names by which a table's answer is known
BLANK = " \r\n,;\t"  # what a line without a single filled cell is made of
MISSING = ("", "?", "na", "n/a", "nan", "null", "none")


@dataclass(frozen=True)
class Sheet:
    """A CSV file that is open at its first row of data.

    Args:
        name: the file, for messages.
        header: the columns' names, or () if the file has none.
        first: the first row of data.
        delimiter: what stands between two cells.
        skipped: how many lines came before the data.
        lines: the lines of data, to be read once.
    """

    name: str
    header: tuple[str, ...]
    first: tuple[str, ...]
    delimiter: str
    skipped: int
    lines: Iterator[str]

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return len(self.header) or len(self.first)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows of data, each with its line in the file. A blank line is refused unless only blank ones follow."""
        reader = self.cells(self.lines)
        blank = number = 0
        try:
            for cells in reader:
                line = self.skipped + reader.line_num
                if not any(cells):
                    blank = blank or line
                    continue
                number += 1
                if blank:
                    raise self.blank(blank)
                if len(cells) != self.width:
                    raise self.ragged(number, line, cells)
                yield line, cells
        except csv.Error as error:
            raise DataError(
                f"{self.name} cannot be read as a table near line {self.skipped + reader.line_num}: {advice(error)}"
            ) from None
        if number == 0:
            raise self.no_rows()

    def cells(self, lines: Iterable[str]) -> Reader:
        """Lines cut into cells."""
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)

    def place(self, row: int, line: int, column: int | None = None) -> str:
        """A row, and a column if given, counted from 1; and the line that a text editor shows."""
        at = f"row {row} (line {line} of the file)"
        return at if column is None else f"{at}, {self.column(column)}"

    def wrong(self, row: int, line: int, column: int | None, text: str) -> DataError:
        """An error at a place."""
        return DataError(f"{self.name}: {self.place(row, line, column)} {text}")

    def column(self, i: int) -> str:
        """Column i by its number, counted from 1, and its name."""
        return f"column {i + 1}" + (f" ({self.header[i]!r})" if self.header else "")

    def no_rows(self) -> DataError:
        """The error of a header alone."""
        names = ", ".join(self.header[:8]) + (", ..." if len(self.header) > 8 else "")
        return DataError(f"{self.name} has a header ({names}) but no row of data below it.")

    def blank(self, line: int) -> DataError:
        """The error of a blank line among the rows."""
        return DataError(f"{self.name}: line {line} is blank, and rows follow it. Remove the line, or fill in its row.")

    def ragged(self, row: int, line: int, cells: Sequence[str]) -> DataError:
        """The error of a row that is too short or too long."""
        like = "the header" if self.header else "the first row"
        has = f"{len(cells)} cell{'s' * (len(cells) != 1)}"
        advice = "Every row needs as many; a text that holds a comma must stand in quotation marks."
        return self.wrong(row, line, None, f"has {has}, but {like} has {self.width}. {advice}")


def open_sheet(path: str | os.PathLike[str]) -> tuple[Sheet, tuple[str, ...]]:
    """The sheet, and the raw cells of the file's first line.

    Raises:
        DataError: if the file is missing, empty, not text, or has a header and no rows.
    """
    source = text_lines(path)
    taken: list[str] = []

    def remembered() -> Iterator[str]:
        for line in source:
            taken.append(line)
            yield line

    start = next(remembered(), "")
    delimiter = max(",;\t", key=start.count)
    sheet = Sheet(str(path), (), (), delimiter, 0, iter(()))
    reader = sheet.cells(chain([start], remembered()))
    try:
        head = tuple(cell.strip() for cell in next(reader, []))
        after = reader.line_num
        first = tuple(cell.strip() for cell in next(reader, []))
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a table near line {reader.line_num}: {advice(error)}") from None
    if len(head) > MOST_COLUMNS:
        raise DataError(
            f"{path} has {len(head):,} columns, and a table may have {MOST_COLUMNS:,}. Such data belong into an array: "
            "save them with np.savez(file, x=..., t=...)."
        )
    if not any(head):
        raise DataError(f"{path}: line 1 is blank; a header or the first row of numbers was expected there.")
    if not is_header(head, first):
        return Sheet(str(path), (), head, delimiter, 0, chain(taken, source)), head
    sheet = Sheet(str(path), head, first, delimiter, after, chain(taken[after:], source))
    if not any(first):
        raise sheet.blank(after + 1) if any(line.strip(BLANK) for line in sheet.lines) else sheet.no_rows()
    return sheet, head


def advice(error: csv.Error) -> str:
    """What the reader of cells met, and what to look for."""
    if "new-line" in str(error):
        return (
            "its lines end in a lone carriage return, as on old computers, or such a character stands in a cell. "
            "Save it again with ordinary line ends."
        )
    return f"{error}. Look for a quotation mark that is opened and never closed."


def check_header(sheet: Sheet) -> None:
    """Refuse columns without a name and names that stand twice."""
    twice = sorted(name for name, count in Counter(sheet.header).items() if count > 1 and name)
    if twice:
        at = [i + 1 for i, name in enumerate(sheet.header) if name == twice[0]]
        raise DataError(
            f"{sheet.name}: the header names {len(at)} columns {twice[0]!r} (columns {' and '.join(map(str, at))}). "
            "Give each a name of its own."
        )
    if "" in sheet.header:
        raise DataError(
            f"{sheet.name}: column {sheet.header.index('') + 1} has no name in the header. If it holds a data frame's "
            "row numbers, write the file without them (in pandas: index=False); otherwise give it a name."
        )


def is_header(head: Sequence[str], first: Sequence[str]) -> bool:
    """Whether a file's first row names the columns: it has words where numbers follow, or a word such as "label".

    Columns that are named 0, 1, 2, ... are those of a data frame whose columns have no names.

    >>> is_header(["a", "b"], ["1", "2"]), is_header(["1", "setosa"], ["2", "setosa"])
    (True, False)
    """
    words = [i for i, cell in enumerate(head) if cell.lower() not in MISSING and not is_number(cell)]
    if any(cell.lower() in ANSWERS[:-1] for cell in head) or len(words) == len(head):  # y may also mean yes
        return True
    if len(head) > 2 and list(head) == [str(i) for i in range(len(head))]:
        return True
    return any(i < len(first) and is_number(first[i]) for i in words)


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number; nan and inf do."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def text_lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """The lines of a text file in UTF-8, packed with gzip or not, with a byte order mark or not.

    Raises:
        DataError: if a line is in another encoding, or no text.
    """
    with opened(path) as source:
        number = 0
        while raw := source.file.readline(LONGEST_LINE):
            number += 1
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if len(raw) == LONGEST_LINE or b"\0" in raw:
                raise DataError(
                    f"{path} is not a CSV file: line {number} "
                    + ("holds a zero byte" if b"\0" in raw else f"is longer than {LONGEST_LINE:,} bytes")
                    + ". Export it again as CSV, in UTF-8."
                )
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path} is not text in UTF-8: the byte {raw[error.start]:#04x} in line {number} cannot be read. "
                    "Save it again in UTF-8 (in a spreadsheet: CSV UTF-8)."
                ) from None
