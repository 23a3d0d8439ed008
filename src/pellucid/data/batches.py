"""A data set, and the order in which its samples are shown.

Pixels stay the bytes that they are until their batch comes: only a batch is ever converted, prepared and shifted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Rows
from pellucid.base.check import check_mask
from pellucid.base.errors import DataError
from pellucid.base.seeds import stream


@dataclass(frozen=True)
class Data:
    """Inputs and targets that belong together.

    Args:
        x: raw inputs, (N, ...); any real type.
        t: targets: class ids (N,), or values (N,) or (N, K).
        classes: the classes' names in the order of their ids; empty for a regression.
        weights: one number a sample, or None.
        columns: the names of x's columns, for tables.
        name: what it is called in messages.
        mask: for sequences, which time steps (N, T) are real; layers that read sequences skip the others, the loss
            does not. Default None: all are.
        target: what t is called, for tables.
        parents: for copies that `pl.enlarge` made, the number of the sample that each was made of; `pl.split` keeps
            those of one parent on one side.

    Raises:
        DataError: if x, t and weights are not of one length, or empty.
        ShapeError: if the mask is not one number for each sample and time step.

    >>> Data(np.zeros((3, 2)), np.array([0, 1, 0]), classes=("cat", "dog"))
    Data(3 samples of (2,) float64, 2 classes)
    """

    x: Array
    t: Array
    classes: tuple[str, ...] = ()
    weights: Array | None = None
    columns: tuple[str, ...] = ()
    name: str = "data"
    mask: Array | None = None
    target: str = ""
    parents: Array | None = None

    def __post_init__(self) -> None:
        if len(self.x) != len(self.t):
            raise DataError(f"{self.name} has {len(self.x)} inputs but {len(self.t)} targets; there must be one each.")
        if len(self.x) == 0:
            raise DataError(f"{self.name} is empty: it has no samples to learn from.")
        if self.weights is not None and np.shape(self.weights) != (len(self.x),):
            raise DataError(
                f"{self.name} has {len(self.x)} samples, so weights must be {len(self.x)} numbers, "
                f"not an array of shape {np.shape(self.weights)}."
            )
        if self.weights is not None and not (np.asarray(self.weights) >= 0).all():
            bad = int(np.flatnonzero(~(np.asarray(self.weights) >= 0))[0])
            raise DataError(f"{self.name}: weight {bad} is {self.weights[bad]}; a weight is a number of 0 or more.")
        check_mask(self.mask, self.x, f"The mask of {self.name}")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, at: Any) -> Data:
        """Some of the samples, by a slice or an array of indices."""
        w = None if self.weights is None else self.weights[at]
        m = None if self.mask is None else self.mask[at]
        p = None if self.parents is None else self.parents[at]
        return replace(self, x=self.x[at], t=self.t[at], weights=w, mask=m, parents=p)

    def order(self, seed: int, epoch: int) -> Any:
        """The order of the samples in this epoch: slices of it are indices."""
        return order(len(self), seed, epoch)

    def __repr__(self) -> str:
        kind = f"{len(self.classes)} classes" if self.classes else "values"
        names = self.x.dtype.names
        what = f"{self.x.shape[1:]} {self.x.dtype}" if names is None else f"{len(names)} columns"
        return f"{type(self).__name__}({len(self)} samples of {what}, {kind})"


def as_data(data: Any, t: Any = None, name: str = "data", mask: Any = None) -> Data:
    """A pair (x, t), a triple (x, t, weights), or two arrays, as a data set; a mask is put beside them.

    >>> as_data(([[1.0], [2.0]], [0, 1]))
    Data(2 samples of (1,) float64, values)
    """
    if mask is not None:
        return replace(as_data(data, t, name), mask=np.asarray(mask))
    if isinstance(data, Data):
        return data
    if t is not None:
        return Data(np.asarray(data), np.asarray(t), name=name)
    if not isinstance(data, Sequence) or len(data) not in (2, 3):
        kind = type(data).__name__
        raise DataError(f"{name} must be a pair (x, t), a triple (x, t, weights) or a pl.Data, not {kind}.")
    weights = np.asarray(data[2]) if len(data) == 3 and data[2] is not None else None
    return Data(np.asarray(data[0]), np.asarray(data[1]), weights=weights, name=name)


def order(n: int, seed: int, epoch: int) -> Array:
    """The order of n samples in this epoch. It depends on the seed and the epoch alone, so it need not be saved.

    >>> sorted(order(4, seed=0, epoch=1).tolist())
    [0, 1, 2, 3]
    """
    return stream(seed, "shuffle", epoch).permutation(n)


def check_finite(data: Data) -> None:
    """Refuse NaN and infinite numbers, with the row and the column of the first."""
    for what, array in (("x", data.x), ("t", data.t)):
        if array.dtype.kind not in "fc" or isinstance(array, Rows):  # what stays on a disk is checked as it is read
            continue
        rows = max(1, (1 << 22) // max(1, array[0].size))  # a piece at a time: no second array of the data's size
        for i in range(0, len(array), rows):
            piece = array[i : i + rows]
            if np.isfinite(piece).all():
                continue
            spot = np.argwhere(~np.isfinite(piece))[0]
            row, place = i + int(spot[0]), tuple(int(k) for k in spot[1:])
            value = array[(row, *place)]
            column = (
                f", column {data.columns[place[0]]!r}"
                if what == "x" and data.columns and len(place) == 1
                else (f", column {place[0] if len(place) == 1 else place}" if place else "")
            )
            raise DataError(
                f"{data.name} holds {value} in {what} at row {row}{column}. One such number makes every weight nan. "
                "Fill in or remove missing values first."
            )
