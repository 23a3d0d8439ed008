"""What a check gets: the parts of a data set, and the same few questions answered once for all checks.

Is it a table, or are these pictures? What are the classes? What is a column called? A check then is a page about one
kind of trouble and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isqrt
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.data.batches import Data
from pellucid.datasets.labels import MOST_WHOLE_CLASSES, one_hot
from pellucid.inspection.datachecks.equal import equal_samples
from pellucid.model import Model

FEW = 20  # samples; below, nothing is concluded from how many there are of anything
SMALLEST = 8  # a picture's side; what is smaller is a row of numbers
ALIKE = 0.3  # of the variance, that neighbouring pixels have in common at least
LISTED = 5  # columns or classes that a sentence names


@dataclass(frozen=True)
class Case:
    """The parts of a data set, as a check sees them.

    Args:
        train: the training part.
        aside: the parts set aside, by their names: "validation", "test".
        model: the network that is to learn from them, or None.
        bare: whether the inputs are given as a network will see them, with no preparation to come.
    """

    train: Data
    aside: dict[str, Data]
    model: Model | None = None
    bare: bool = False

    @property
    def parts(self) -> dict[str, Data]:
        """All parts by name, the training part first."""
        return {"training": self.train, **self.aside}

    @cached_property
    def picture(self) -> Shape | None:
        """The shape (H, W, C) of a sample if it is a picture, also one that was made a row; else None."""
        return picture_shape(self.train)

    @cached_property
    def targets(self) -> dict[str, Array] | None:
        """The class ids (N,) of each part, or None where the targets are values."""
        ids = {name: class_ids(part) for name, part in self.parts.items()}
        return None if any(t is None for t in ids.values()) else ids  # type: ignore[return-value]

    @cached_property
    def equal(self) -> dict[str, Array]:
        """For each sample of each part set aside the equal one of the training part, -1 where there is none."""
        return {name: equal_samples(self.train.x, part.x) for name, part in self.aside.items()}

    def classes(self) -> tuple[str, ...]:
        """The classes' names; where they have none, their numbers."""
        most = 1 + max(int(t.max(initial=0)) for t in (self.targets or {}).values())
        return (*self.train.classes, *map(str, range(len(self.train.classes), most)))

    def columns(self) -> Iterator[tuple[str, Array]]:
        """Each column (N,) of the training part with its name; none for pictures and sequences."""
        x = self.train.x
        if x.dtype.names is not None:
            yield from ((name, x[name]) for name in x.dtype.names)
        elif x.ndim == 2 and self.picture is None:
            yield from zip(self.names, x.T, strict=True)

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns are called."""
        x = self.train.x
        return (
            self.train.columns or x.dtype.names or tuple(f"column {j}" for j in range(x.shape[1] if x.ndim > 1 else 1))
        )

    @property
    def as_classes(self) -> Data:
        """The training part with class ids as targets, where there are classes; as it is elsewhere."""
        return (
            self.train
            if self.targets is None
            else replace(self.train, t=self.targets["training"], classes=self.classes())
        )


def class_ids(data: Data) -> Array | None:
    """The class ids of a data set (N,); None if its targets are values.

    >>> x = np.zeros((2, 1))
    >>> class_ids(Data(x, np.array([[0, 1], [1, 0]]))), class_ids(Data(x, np.array([0.5, 2])))
    (array([1, 0]), None)
    """
    t = np.asarray(data.t)
    if t.ndim == 2 and t.shape[1] > 1:
        return np.asarray(t.argmax(axis=1)) if one_hot(t) else None
    t = t.reshape(len(t), -1)[:, 0] if t.ndim == 2 else t
    if t.ndim != 1 or t.dtype.kind not in "biuf" or not len(t):
        return None
    if data.classes and t.dtype.kind in "biu":
        return t.astype(np.int64)
    whole = t.dtype.kind in "biu" or bool((t == np.floor(t)).all() and t.min() >= 0 and t.max() <= 1)
    if not whole or t.min() < 0 or t.max() >= MOST_WHOLE_CLASSES:
        return None
    return t.astype(np.int64)


def picture_shape(data: Data) -> Shape | None:
    """The shape (H, W, C) of a sample if it is a picture or may be one that was made a row, else None.

    >>> rng, t = np.random.default_rng(0), np.zeros(5)
    >>> patches = np.kron(rng.random((5, 4, 4)), np.ones((7, 7))).reshape(5, 784)
    >>> picture_shape(Data(patches, t)), picture_shape(Data(rng.random((5, 784)), t))
    ((28, 28, 1), None)
    """
    x, named = data.x, data.columns and not all(name.isdecimal() for name in data.columns)
    if x.dtype.names is not None or x.dtype.kind not in "biuf":
        return None
    if x.ndim in (3, 4):
        H, W, C = (*x.shape[1:], 1)[:3]
        return (H, W, C) if min(H, W) >= SMALLEST else None
    if x.ndim != 2 or named:
        return None
    for C in (1, 3):
        side = isqrt(x.shape[1] // C)
        if side >= SMALLEST and side * side * C == x.shape[1] and _smooth(x[:500].reshape(-1, side, side, C)):
            return (side, side, C)
    return None


def _smooth(x: Array) -> bool:
    """Whether neighbours are alike, along rows and columns (N, H, W, C), as they are in pictures and not in tables."""
    x = x.astype(np.float64) - x.mean(axis=0)
    size = float((x * x).mean())
    return all(float((u * v).mean()) > ALIKE * size for u, v in ((x[:, 1:], x[:, :-1]), (x[:, :, 1:], x[:, :, :-1])))


def listed(names: Sequence[Any], most: int = LISTED) -> str:
    """Names in a sentence; of many, the first and how many more.

    >>> listed(["a", "b"]), listed("abcdefgh")
    ('a, b', 'a, b, c, d, e and 3 more')
    """
    said = ", ".join(str(name) for name in names[:most])
    return said + (f" and {len(names) - most:,} more" if len(names) > most else "")


def percent(count: float, of: float) -> str:
    """A share as a person writes it.

    >>> percent(1, 3), percent(1, 4000)
    ('33 %', '0.025 %')
    """
    share = 100.0 * count / max(of, 1)
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.1f} %" if share >= 1 else f"{share:.2g} %"


def missing(cells: Array) -> Array:
    """Where a column's cells are missing: nan, or an empty word."""
    if cells.dtype.kind == "f":
        return np.asarray(np.isnan(cells))
    return np.asarray(cells == "") if cells.dtype.kind == "U" else np.zeros(len(cells), np.bool_)


def rows_of(count: int) -> str:
    """A number of rows.

    >>> rows_of(1), rows_of(2000)
    ('1 row', '2,000 rows')
    """
    return f"{count:,} row{'s' * (count != 1)}"
