"""The target column of a table that is read some rows at a time: class ids and names, or values.

It comes to the same as `read_targets` on all cells at once, and refuses what `check_answers` refuses, but keeps numbers
instead of cells: a number of 8 bytes a row, and each different word once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.datasets.chunks import Chunk, as_floats
from pellucid.datasets.labels import MOST_CLASSES, MOST_WHOLE_CLASSES
from pellucid.datasets.sheet import MISSING, Sheet, is_number


class Answers:
    """The targets so far.

    Args:
        sheet: the table, for messages.
        at: the target's column.
    """

    def __init__(self, sheet: Sheet, at: int) -> None:
        self.sheet, self.at = sheet, at
        self.known: dict[str, int] | None = {}  # every different cell and its number; None if there are too many
        self.codes: list[Array] = []
        self.values: list[Array] = []  # while all cells are numbers
        self.word: tuple[int, int, str] | None = None  # the first cell that is no number: its row, line and text
        self.rows = self.words = 0
        self.all_missing = True  # whether every cell that is no number says so
        self.fractions = False

    def add(self, chunk: Chunk) -> None:
        """Take the next rows' targets."""
        if chunk.numbers is not None:
            self._values(chunk.numbers[:, self.at], chunk)
        else:
            cells = chunk.cells[self.at]
            values = as_floats(cells)
            if values is not None and np.isfinite(values).all():
                self._values(values, chunk)
            else:
                self._cells(cells, chunk)
        self.rows += len(chunk)

    def _values(self, values: Array, chunk: Chunk) -> None:
        self.fractions = self.fractions or bool((values != np.floor(values)).any())
        self.values.append(np.array(values))
        if self.known is not None:
            numbers, back = np.unique(values, return_inverse=True)
            texts = [str(int(v)) if v == np.floor(v) else repr(v) for v in numbers.tolist()]
            self._know(texts, back, chunk)

    def _cells(self, cells: Sequence[str], chunk: Chunk) -> None:
        texts = [cell.strip() for cell in cells]
        values = np.full(len(texts), np.nan)
        for i, text in enumerate(texts):
            number = is_number(text)
            if not text or (number and not np.isfinite(float(text))):
                what = f"holds {text!r}" if text else "is empty"
                raise self._wrong(
                    chunk.row + i, chunk.lines[i], f"{what}, and it is the target. Fill it in or remove it."
                )
            if number:
                values[i] = float(text)
                self.fractions = self.fractions or not values[i].is_integer()
                continue
            self.words += 1
            self.all_missing = self.all_missing and text.lower() in MISSING
            self.word = self.word or (chunk.row + i, chunk.lines[i], text)
        self.values.append(values)
        self._know(*np.unique(np.array(texts), return_inverse=True), chunk)

    def _know(self, texts: Sequence[str] | Array, back: Array, chunk: Chunk) -> None:
        """Number the different cells of some rows."""
        if self.known is None:
            return
        for text in texts:
            self.known.setdefault(str(text), len(self.known))
        if len(self.known) > MOST_CLASSES:
            if self.word is not None and self.words == self.rows + len(chunk):
                raise DataError(
                    f"{self.sheet.name}: {self.sheet.column(self.at)} holds more than {MOST_CLASSES:,} different "
                    "words, which is no target: classes are few. Name another: --target COLUMN, or target=..."
                )
            self.known, self.codes = None, []
            return
        self.codes.append(np.array([self.known[str(text)] for text in texts], np.int32)[back])

    def _wrong(self, row: int, line: int, text: str) -> DataError:
        return self.sheet.wrong(row, line, self.at, text)

    def finish(self) -> tuple[Array, tuple[str, ...]]:
        """The class ids and the classes' names; or the values and no names."""
        if self.word is not None:
            row, line, text = self.word
            if self.words < self.rows and (self.fractions or self.all_missing or self.known is None):
                what = f"holds {text[:40]!r}, where the target is a number in other rows"
                raise self._wrong(row, line, f"{what}. Correct it or remove the row.")
            assert self.known is not None
            return self._ranked(np.array(list(self.known)))
        if self.known is None or self.fractions:
            return np.concatenate(self.values), ()
        numbers = np.array([float(text) for text in self.known])
        if len(np.unique(numbers)) > MOST_WHOLE_CLASSES:
            return np.concatenate(self.values), ()
        t, names = self._ranked(numbers)
        return t, tuple(str(int(float(name))) for name in names)

    def _ranked(self, keys: Array) -> tuple[Array, tuple[str, ...]]:
        """Ids by the order of the keys, and the keys in it."""
        names, rank = np.unique(keys, return_inverse=True)
        return rank[np.concatenate(self.codes)].astype(np.int64), tuple(str(name) for name in names.tolist())
