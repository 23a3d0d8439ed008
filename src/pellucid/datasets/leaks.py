"""A column that gives the answer away: a renaming of the target, or a number that was computed from it.

Such columns come from tables that were made for something else (`alive: no` beside `survived: 0`). They are not there
when the network is asked, and with them every figure is a lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.batches import Data

NEAR = 0.99  # of what there is to know about the answer, from one column alone
ROWS = 30  # fewer tell nothing
BINS = 20


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
    K, few = len(data.classes), len(values) <= max(2 * len(data.classes), 10) and counts.mean() >= 5
    if not few:
        if cells.dtype.kind != "f":
            return None
        edges = np.quantile(cells[~np.isnan(cells)], np.linspace(0, 1, BINS + 1)[1:-1])
        place = np.searchsorted(np.unique(edges), cells)  # nan goes into the last
    table = np.zeros((int(place.max()) + 1, K), int)
    np.add.at(table, (place, data.t), 1)
    right, most = int(table.max(axis=1).sum()), int(table.sum(axis=0).max())
    known = (right - most) / max(
        len(data) - most, 1
    )  # the share of the mistakes of "always the commonest" that it spares
    if known < NEAR:
        return None
    if few and len(values) == K and known == 1.0:
        named = ", ".join(f"{v} = {data.classes[k]}" for v, k in zip(values[:4], table.argmax(axis=1)[:4], strict=True))
        return Leak(
            f"gives the answer away: it is {target} under other names ({named}{', ...' if K > 4 else ''})", True
        )
    return Leak(f"alone tells {target} in {100 * right / len(data):.1f} % of the rows", few)


def _values(cells: Array, t: Array, target: str) -> Leak | None:
    if cells.dtype.kind != "f":
        return None
    there = ~np.isnan(cells)
    x, y = cells[there], t[there]
    if len(x) < max(ROWS, 0.5 * len(cells)) or len(np.unique(x)) < BINS:
        return None
    straight, ranks = _alike(x, y), _alike(_ranks(x), _ranks(y))
    if max(straight, ranks) < NEAR**0.5 or max(straight, ranks) ** 2 < 0.999:
        return None
    return Leak(f"gives the answer away: {target} follows from it alone (correlation {max(straight, ranks):.4f})", True)


def _ranks(x: Array) -> Array:
    return np.unique(x, return_inverse=True)[1].astype(float)


def _alike(x: Array, y: Array) -> float:
    """The correlation of x and y, without its sign."""
    x, y = x - x.mean(), y - y.mean()
    return float(abs(x @ y) / max(float(np.sqrt((x @ x) * (y @ y))), 1e-300))
