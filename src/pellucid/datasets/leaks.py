"""A column that gives the answer away: a renaming of the target, or a number that was computed from it.

Such columns come from tables that were made for something else (`alive: no` beside `survived: 0`). They are not there
when the network is asked, and with them every figure is a lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.batches import Data

NEAR = 0.98  # of what there is to know about the answer, from one column alone
ROWS = 30  # fewer tell nothing
VALUES = 20  # fewer different numbers are no measurement
SAME = 0.999  # of a value's variance; beyond, it was computed from the column


@dataclass(frozen=True)
class Leak:
    """A column that tells the answer.

    Args:
        words: how well, in words.
        certain: whether it is a copy, not only a very good sign.
    """

    words: str
    certain: bool


def gives_away(cells: Array, data: Data, target: str) -> Leak | None:
    """Whether a column alone tells the answer, nearly always.

    Args:
        cells: the raw column (N,), numbers or words.
        data: the samples, whose targets are classes or values.
        target: the target's name, for the words.

    >>> data = Data(np.zeros((40, 1)), np.arange(40) % 2, ("0", "1"))
    >>> gives_away(np.array(["no", "yes"] * 20), data, "survived").words
    'gives the answer away: it is survived under other names (no = 0, yes = 1)'
    """
    if len(data) < ROWS or data.t.ndim > 1:
        return None
    return _classes(cells, data, target) if data.classes else _values(cells, data.t, target)


def _classes(cells: Array, data: Data, target: str) -> Leak | None:
    values, place, counts = np.unique(cells, return_inverse=True, return_counts=True)
    K, most = len(data.classes), int(np.bincount(data.t).max())
    few = len(values) <= max(2 * K, 10) and counts.mean() >= 5
    table = np.zeros((len(values), K), int)
    if few:
        np.add.at(table, (place, data.t), 1)
        right = int(table.max(axis=1).sum())
    elif cells.dtype.kind == "f":  # in order of the numbers the classes follow one another, without returning
        in_order = data.t[np.argsort(cells, kind="stable")]
        right = len(data) - max(int((in_order[1:] != in_order[:-1]).sum()) - (K - 1), 0)
    else:
        return None
    if (right - most) < NEAR * max(
        len(data) - most, 1
    ):  # of the mistakes of "always the commonest", how many it spares
        return None
    if few and len(values) == K and right == len(data):
        named = ", ".join(
            f"{_said(v)} = {data.classes[k]}" for v, k in zip(values[:4], table.argmax(axis=1)[:4], strict=True)
        )
        return Leak(
            f"gives the answer away: it is {target} under other names ({named}{', ...' if K > 4 else ''})", True
        )
    return Leak(f"alone tells {target} in {100 * right / len(data):.1f} % of the rows", few)


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(cells: Array, t: Array, target: str) -> Leak | None:
    if cells.dtype.kind != "f":
        return None
    there = ~np.isnan(cells)
    x, y = cells[there], t[there]
    if len(x) < max(ROWS, 0.5 * len(cells)) or len(np.unique(x)) < VALUES:
        return None
    straight, ranks = _alike(x, y), _alike(_ranks(x), _ranks(y))
    if max(straight, ranks) ** 2 < SAME:
        return None
    return Leak(f"gives the answer away: {target} follows from it alone (correlation {max(straight, ranks):.4f})", True)


def _ranks(x: Array) -> Array:
    return np.unique(x, return_inverse=True)[1].astype(float)


def _alike(x: Array, y: Array) -> float:
    """The correlation of x and y, without its sign."""
    x, y = x - x.mean(), y - y.mean()
    return float(abs(x @ y) / max(float(np.sqrt((x @ x) * (y @ y))), 1e-300))
