"""A table whose columns are not all numbers, as records: every column by its name, in its own type.

A column of numbers is float64, with nan where a cell is empty; any other column is words, "" where it is empty. Nothing
is thrown away and nothing is made up: what becomes of words and of what is missing is for the preparation to say.
"""

from __future__ import annotations

import os

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data
from pellucid.datasets.labels import read_targets
from pellucid.datasets.sheet import MISSING, check_header, is_number, open_sheet


def read_table(path: str | os.PathLike[str], target: str) -> Data:
    """A table from a CSV file with a header: records (N,) whose fields are the columns, and the target beside them.

    Args:
        path: the file.
        target: the target column's name. Rows in which it is empty are refused.

    Raises:
        DataError: if the file is missing or no table, or the target is not there or is empty somewhere.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "pets.csv"
    ...     _ = file.write_text("kind,weight,home\\ncat,4.5,\\ndog,,farm\\n")
    ...     data = read_table(file, "kind")
    >>> data.x.tolist(), data.classes
    ([(4.5, ''), (nan, 'farm')], ('cat', 'dog'))
    """
    sheet, _ = open_sheet(path)
    check_header(sheet)
    if target not in sheet.header:
        have = ", ".join(sheet.header[:40]) or "no names"
        raise DataError(f"{path} has no column {target!r} to be the target. Its columns are {have}.")
    at = sheet.header.index(target)
    rows = []
    for number, (line, cells) in enumerate(sheet.rows(), 1):
        if cells[at].strip().lower() in MISSING:
            raise sheet.wrong(number, line, at, "is empty, and it is the target. Fill it in or remove the row.")
        rows.append(cells)
    cells_of = {name: _column([row[i] for row in rows]) for i, name in enumerate(sheet.header) if i != at}
    x = np.empty(len(rows), [(name, column.dtype) for name, column in cells_of.items()])
    for name, column in cells_of.items():
        x[name] = column
    t, classes = read_targets([row[at] for row in rows])
    return Data(x, t, classes, columns=tuple(cells_of), name=str(path))


def _column(cells: list[str]) -> Array:
    """A column as numbers if every filled cell is one, else as words."""
    filled = [cell.strip() if cell.strip().lower() not in MISSING else "" for cell in cells]
    if any(filled) and all(is_number(cell) for cell in filled if cell):
        return np.array([float(cell) if cell else np.nan for cell in filled])
    return np.array(filled, np.str_)
