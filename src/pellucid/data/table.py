"""A whole table as one row of numbers a sample: every column by its name, each in its own way.

Raw rows are records: a NumPy array (N,) whose fields are the columns, as `pl.datasets.read_table` and a data frame's
`to_records` make it. So columns may stand in any order, and those that nobody asked for do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, ShapeError, draw_shapes
from pellucid.data.columns import Category, Frequency, Number


@dataclass(frozen=True)
class Table:
    """The columns of a table side by side, as numbers (N, width).

    Args:
        columns: what is done to each column. `Table.fit(x)` finds the usual thing for all of them.
        target: the name of the column that is predicted, so that it need not be said again. Default unknown.

    >>> x = np.array([(20.0, "red"), (40.0, "blue"), (np.nan, "red")], [("age", float), ("colour", "U4")])
    >>> table = Table.fit(x)
    >>> table.names
    ('age', 'age is missing', 'colour=blue', 'colour=red')
    >>> table([{"colour": "red", "age": 30}])       # the order does not matter; records, dicts, or rows as in fit
    array([[0., 0., 0., 1.]], dtype=float32)
    """

    columns: tuple[Number | Category | Frequency, ...]
    target: str = ""

    @classmethod
    def fit(cls, x: Any, target: str = "") -> Table:
        """Numbers standardised and filled with their median, words as columns. Give the training part only."""
        x = np.asarray(x)
        cells = [(name, cells_of(x, name, ())) for name in x.dtype.names or map(str, range(x.shape[-1]))]
        usual = [Category.fit(n, c) if c.dtype.kind in "UOS" else Number.fit(n, c) for n, c in cells]
        return cls(tuple(usual), target)

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns of the result are called."""
        return tuple(name for column in self.columns for name in column.names)

    @property
    def width(self) -> int:
        """How many numbers a row becomes: the network's `input_shape`."""
        return len(self.names)

    def __call__(self, x: Any) -> Array:
        x, names = np.asarray(x), tuple(column.name for column in self.columns)
        if x.dtype.names is None and x.dtype != object and x.shape[1:] != (len(names),):
            raise ShapeError(
                "The model was trained on another number of columns.\n"
                + draw_shapes((None, *x.shape[1:]), (None, len(names)))
            )
        parts = [column(cells_of(x, column.name, names)) for column in self.columns]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def __str__(self) -> str:
        return "\n".join(f"  {column.name}: {column}" for column in self.columns)


def cells_of(x: Array, name: str, names: Sequence[str]) -> Array:
    """One raw column (N,) of records, of dicts, or of rows (N, D) whose columns stand in the order of `names`."""
    if x.dtype.names is not None:
        if name in x.dtype.names:
            return np.asarray(x[name])
        there = x.dtype.names
    elif x.ndim == 1 and all(isinstance(row, dict) for row in x):
        if all(name in row for row in x):
            return np.array([row[name] for row in x], object)
        there = tuple(x[0]) if len(x) else ()
    elif x.ndim == 2 and len(names or x[0]) == x.shape[1]:
        return np.asarray(x[:, names.index(name) if names else int(name)])
    else:
        raise DataError(f"A table is records, dicts or rows of cells, not {x.dtype} of shape {x.shape}.")
    more = ", ..." if len(there) > 12 else ""
    raise DataError(
        f"There is no column {name!r}, which the network was trained on; there are {', '.join(there[:12])}{more}."
    )
