"""Which columns a network leans on: how much worse it answers when a column's cells are dealt out anew.

The column keeps its values and loses what they said about the row (Breiman 2001, permutation importance). Of two
columns that say the same, each would look unimportant because the other is still there; so columns of which one tells
most of another are shuffled together. Nothing is trained again: this is about this network, not about the world.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.base.seeds import stream
from pellucid.data.columns import Category, Frequency
from pellucid.data.table import Table
from pellucid.metrics import accuracy, mean_absolute_error, metric_name
from pellucid.model import Model, default_metrics

BAR = 30  # characters of the longest bar
MANY = 60  # columns; of more, each is shuffled alone
ROWS = 500  # on which columns are compared


@dataclass(frozen=True)
class Share:
    """What one column is worth, or several that say nearly the same.

    Args:
        columns: its name, or theirs.
        loss: how much worse the answers become without it, on average over the shuffles: the share of right answers
            that is lost, or the mean absolute error that is added, in the target's own unit.
        spread: the deviation over the shuffles.
    """

    columns: tuple[str, ...]
    loss: float
    spread: float

    @property
    def name(self) -> str:
        """The column, or the columns one after the other."""
        return ", ".join(self.columns)


@dataclass(frozen=True)
class Importance:
    """The columns, the most important first. Printed, it is a table with bars.

    Args:
        shares: one a column.
        figure: what is measured: "accuracy" or "mean absolute error".
        value: that figure with all columns as they are.
        samples: how many samples it was measured on.

    >>> print(Importance((Share(("sex", "who"), 0.2, 0.01), Share(("age",), 0.05, 0.01)), "accuracy", 0.8, 90))
    sex, who  -20.0 %  ██████████████████████████████
    age        -5.0 %  ████████
    """

    shares: tuple[Share, ...]
    figure: str
    value: float
    samples: int

    def __iter__(self) -> Iterator[Share]:
        return iter(self.shares)

    def __getitem__(self, column: str) -> Share:
        """What the column of this name is worth."""
        for share in self.shares:
            if column in share.columns:
                return share
        raise UsageError(f"There is no column {column!r}. There are {', '.join(s.name for s in self.shares)}.")

    def lines(self, most: int | None = None, bar: str = "█") -> list[str]:
        """A line a column with its loss and a bar, the first `most` of them; a column of no use has no bar."""
        shown = self.shares[:most]
        if not shown:
            return []
        figures = [self._said(share.loss) for share in shown]
        left, middle = max(len(share.name) for share in shown), max(map(len, figures))
        longest = max(max(share.loss for share in shown), 1e-300)
        bars = [bar * round(BAR * max(share.loss, 0.0) / longest) for share in shown]
        lines = zip(shown, figures, bars, strict=True)
        return [f"{share.name:<{left}}  {said:>{middle}}  {length}".rstrip() for share, said, length in lines]

    def _said(self, loss: float) -> str:
        if self.figure == "accuracy":
            return f"{-100 * loss:+.1f} %" if abs(loss) >= 5e-4 else "0.0 %"
        return f"{loss:+,.0f}" if abs(self.value) >= 1000 else f"{loss:+.3g}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def importance(model: Model, x: Any, t: Any, repeats: int = 5, seed: int = 0, together: float = 0.7) -> Importance:
    """How much worse a model's answers become when a column of its input is shuffled, for each column.

    Give samples that it has not learned: on learned ones a column counts that was only good for remembering.

    Args:
        model: the model.
        x: raw rows: records or dicts for a model with a `pl.Table`, else numbers (N, D).
        t: the targets: class ids or one-hot rows, or values.
        repeats: how often each column is shuffled. Default 5.
        seed: the shuffles follow from it.
        together: columns of which one tells this share of another's variance are shuffled together, as one. Default
            0.7; 1: each alone.

    Raises:
        DataError: if x is no table, or there are not as many targets.
        UsageError: if repeats is not at least 1.

    >>> import pellucid as pl
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 3))
    >>> t = 100 * x[:, 0] + 20 * x[:, 2]
    >>> model = pl.Model(pl.Dense(1), loss=pl.Scaled.fit(t), input_shape=3)
    >>> _ = model.fit(x, t, epochs=50, batch_size=32, optimizer=pl.Adam(0.05), verbose=False)
    >>> found = pl.importance(model, x, t)
    >>> [share.name for share in found], found.figure
    (['column 0', 'column 2', 'column 1'], 'mean absolute error')
    """
    if isinstance(repeats, bool) or not isinstance(repeats, int | np.integer) or repeats < 1:
        raise UsageError(f"repeats is how often a column is shuffled, a whole number of 1 or more, not {repeats!r}.")
    x, t = _rows(model, x), np.asarray(t)
    if len(x) != len(t) or len(x) == 0:
        raise DataError(f"importance needs as many targets as rows, and at least one: {len(t)} and {len(x)}.")
    judged = model.classes or metric_name(default_metrics(model.loss)[0]).endswith("accuracy")
    figure = "accuracy" if judged else "mean absolute error"
    value, rng, shares = _measure(model, x, t, figure), stream(seed, "importance"), list[Share]()
    columns = dict(_columns(model, x))
    for names in _together(model, x, list(columns), together):
        figures = []
        for _ in range(repeats):
            shuffled, order = x.copy(), rng.permutation(len(x))
            for name in names:
                shuffled[columns[name]] = x[columns[name]][order]
            figures.append(_measure(model, shuffled, t, figure))
        worse = np.asarray(figures) - value if figure != "accuracy" else value - np.asarray(figures)
        shares.append(Share(names, float(worse.mean()), float(worse.std())))
    return Importance(tuple(sorted(shares, key=lambda s: -s.loss)), figure, value, len(x))


def _rows(model: Model, x: Any) -> Array:
    """The rows as an array whose columns can be shuffled: records, or numbers (N, D)."""
    if isinstance(model.prepare, Table) and not isinstance(x, np.ndarray) and len(x) and isinstance(x[0], dict):
        words = {c.name: isinstance(c, Category | Frequency) for c in model.prepare.columns}
        cells = {name: [row[name] for row in x] for name in words}
        made = np.empty(len(x), [(name, object if word else "f8") for name, word in words.items()])
        for name, column in cells.items():
            made[name] = column
        return made
    rows = np.asarray(x)
    if rows.dtype.names is None and rows.ndim != 2:
        raise DataError(f"importance looks at the columns of a table, and these inputs have the shape {rows.shape}.")
    return rows


def _columns(model: Model, x: Array) -> Iterator[tuple[str, Any]]:
    """Each column's name and the index that takes it."""
    prepare = model.prepare
    if isinstance(prepare, Table) and x.dtype.names is not None:
        yield from ((column.name, column.name) for column in prepare.columns)
    elif x.dtype.names is not None:
        yield from ((name, name) for name in x.dtype.names)
    else:
        names = getattr(prepare, "columns", ())
        names = [getattr(name, "name", name) for name in names] or [f"column {j}" for j in range(x.shape[1])]
        yield from ((name, (slice(None), j)) for j, name in enumerate(names))


def _together(model: Model, x: Array, names: list[str], share: float) -> list[tuple[str, ...]]:
    """The columns, those together of which one tells this share of another's variance."""
    D = len(names)
    near = np.eye(D, dtype=np.bool_)
    if share < 1.0 and D <= MANY and len(x) > 2 * D:
        y = np.asarray(model.prepared(x[:: max(1, len(x) // ROWS)]), np.float64)
        widths = [len(c.names) for c in model.prepare.columns] if isinstance(model.prepare, Table) else [1] * D
        blocks = np.split(y - y.mean(axis=0), np.cumsum(widths)[:-1], axis=1)
        near |= np.array([[_told(a, b) >= share for b in blocks] for a in blocks])
    group = np.arange(D)
    for i in range(D):  # what is near to one of a group belongs to it
        group[np.isin(group, group[near[i]])] = group[near[i]].min()
    return [tuple(names[j] for j in np.flatnonzero(group == g).tolist()) for g in dict.fromkeys(group.tolist())]


def _told(a: Array, b: Array) -> float:
    """The share of b's variance (N, W) that a (N, V) tells, along straight lines."""
    if a is b or not (b * b).sum() > 0:
        return 0.0
    rest = b - a @ np.linalg.lstsq(a, b, rcond=1e-6)[0]
    return float(1.0 - (rest * rest).sum() / (b * b).sum())


def _measure(model: Model, x: Array, t: Array, figure: str) -> float:
    return (accuracy if figure == "accuracy" else mean_absolute_error)(model.predict(x), t)
