"""Rows of a table to ask a network about: numbers without answers."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.datasets.sheet import ANSWERS, MISSING, Sheet, check_header, is_number, open_sheet


def read_rows(path: str | os.PathLike[str], width: int, columns: Sequence[str] = ()) -> Array:
    """The numbers (N, width) that a network wants, from a CSV file with a header or without.

    Args:
        path: the file.
        width: how many numbers a row the network takes.
        columns: their names, if the network knows them: found by name in a file with a header, in any order. Columns
            that had no names are called by their positions, 0, 1, ... A file with one column more is taken to hold the
            answers: in its column label, target, class or y; where they were; or, like the MNIST tables, in its first.

    Raises:
        DataError: if columns are missing, or a cell is not a number, with its row and column.
    """
    sheet, _ = open_sheet(path)
    check_header(sheet)
    wanted = _columns(sheet, width, columns)
    rows = []
    for number, (line, cells) in enumerate(sheet.rows(), 1):
        for i in wanted:
            if not is_number(cells[i]) or not np.isfinite(float(cells[i])):
                kind = "is empty" if cells[i].strip().lower() in MISSING else f"holds {cells[i].strip()[:40]!r}"
                raise DataError(f"{path}: {sheet.place(number, line, i)} {kind}; the network needs a number there.")
        rows.append([float(cells[i]) for i in wanted])
    return np.array(rows)


def _columns(sheet: Sheet, width: int, names: Sequence[str]) -> list[int]:
    places = positions(names)
    missing = [name for name in names if name not in sheet.header]
    if names and sheet.header and not (missing and places):
        if missing:
            raise DataError(
                f"{sheet.name} lacks columns that the network was trained on: {', '.join(missing[:8])}. "
                f"It has {', '.join(sheet.header[:8])}{', ...' if len(sheet.header) > 8 else ''}."
            )
        return [sheet.header.index(name) for name in names]
    if sheet.width == width:
        return list(range(width))
    if sheet.width == width + 1:
        answers = [i for i, name in enumerate(sheet.header) if name.lower() in ANSWERS]
        if places and not answers and max(places) <= width:
            return places
        if answers or not names:
            answer = answers[0] if answers else 0
            return [i for i in range(width + 1) if i != answer]
    raise DataError(
        f"{sheet.name} has {sheet.width} columns, but the network takes {width} numbers a row"
        + (f": {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}. Give it a header." if names else ".")
    )


def positions(names: Sequence[str]) -> list[int]:
    """The columns' positions, if their names are no more than that; else none.

    >>> positions(("0", "2")), positions(("0", "length"))
    ([0, 2], [])
    """
    return [int(name) for name in names] if all(name.isdecimal() for name in names) else []
