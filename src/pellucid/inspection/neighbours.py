"""What a layer makes of samples, and which of them it finds alike: the nearest ones in its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.base.run import Run
from pellucid.inspection.plot.grid import Grid
from pellucid.inspection.tape import unrolled
from pellucid.inspection.trace import NoSuchPath
from pellucid.inspection.trace import nearest as nearest_names
from pellucid.layers.compose import masked
from pellucid.model import Model

PART = 512  # samples whose arrays are in memory at a time


def outputs(model: Model, path: str, x: Any, mask: Any = None) -> Array:
    """A layer's outputs for raw samples x, one row each (N, D), as in a prediction.

    `path` is a layer's ("1.relu"), or "input" for the prepared input itself.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), pl.ReLU(), input_shape=(2,))
    >>> outputs(model, "1.relu", np.ones((4, 2))).shape
    (4, 3)
    """
    x = np.asarray(x)
    if len(x) > PART:
        parts = [slice(i, i + PART) for i in range(0, len(x), PART)]
        return np.concatenate([outputs(model, path, x[at], None if mask is None else mask[at]) for at in parts])
    prepared = model.check_input(np.asarray(model.prepared(x)))
    if path == "input":
        return prepared.reshape(len(x), -1)
    with np.errstate(all="ignore"):  # numbers that are not finite are for the caller to judge
        _, cache = model.net.forward(prepared, masked(model.net, Run(keep=True), mask))
    steps = dict(unrolled(cache["tape"]))
    if path not in steps:
        raise NoSuchPath(f"The model has no layer {path!r}. {nearest_names(path, ['input', *steps])}")
    return np.asarray(steps[path].y).reshape(len(x), -1)


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest samples of each question: `at` (M, count) are their numbers, nearest first, `far` their distances.

    >>> import pellucid as pl
    >>> found = pl.nearest(pl.Model(pl.Dense(1), input_shape=(1,)), "input", [[0.0]], [[4.0], [-1.0]], count=2)
    >>> isinstance(found, pl.Nearest), found.at.tolist(), found.far.tolist()
    (True, [[1, 0]], [[1.0, 4.0]])
    """

    path: str
    at: Array
    far: Array

    def text(self) -> str:
        """A row a question."""
        head = ("question", *(name for k in range(self.at.shape[1]) for name in (f"nearest {k + 1}", "distance")))
        rows = tuple(
            (i, *(cell for pair in zip(at, far, strict=True) for cell in pair))
            for i, (at, far) in enumerate(zip(self.at.tolist(), self.far.tolist(), strict=True))
        )
        return Grid(f"The nearest samples in the outputs of {self.path}", head, rows).text()

    def __str__(self) -> str:
        return self.text()


def nearest(model: Model, path: str, x: Any, among: Any, count: int = 5) -> Nearest:
    """The samples that a layer finds most like x: those whose outputs are nearest, by straight distance.

    Args:
        model: the model.
        path: a layer, such as "1.relu"; "input" compares the prepared inputs themselves.
        x: raw questions (M, ...).
        among: raw samples (N, ...) to look among.
        count: how many for each question, nearest first. Default 5.

    Raises:
        NoSuchPath: if there is no such layer; the nearest names are offered.
        UsageError: if count is not from 1 to N.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), input_shape=(1,))
    >>> found = pl.nearest(model, "input", [[2.0]], [[0.0], [3.0], [1.5]], count=2)
    >>> found.at.tolist(), found.far.tolist()
    ([[2, 1]], [[0.5, 1.0]])
    """
    x, among = np.asarray(x), np.asarray(among)
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 1 <= count <= len(among):
        raise UsageError(f"count is how many neighbours are wanted, 1 to {len(among)} of them; not {count!r}.")
    asked, known = (np.asarray(outputs(model, path, some), float) for some in (x, among))
    if not (np.isfinite(asked).all() and np.isfinite(known).all()):
        raise DataError(f"The outputs of {path} are not all finite, so nothing is near to anything.")
    at, far = np.empty((len(x), count), int), np.empty((len(x), count))
    for i, row in enumerate(asked):
        distance = np.sqrt(((known - row) ** 2).sum(axis=1))  # (N,), exact also where two samples are the same
        at[i] = np.argsort(distance, kind="stable")[:count]
        far[i] = distance[at[i]]
    return Nearest(path, at, far)
