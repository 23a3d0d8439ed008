"""The columns of a table as numbers: what each kind of column measures on the training part, and what it then does.

A kind is a name and what was measured, so it can be written into the model file. Called with raw cells (N,) it gives
(N, width). In order of complexity: words as shares, words as columns, numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError

EMPTY = "(empty)"  # what a missing word is called


@dataclass(frozen=True)
class Column(ABC):
    """The parent of the kinds.

    Args:
        name: the raw column's name.
    """

    name: str

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What the columns it gives are called."""

    @abstractmethod
    def __call__(self, cells: Array) -> Array:
        """Raw cells (N,) as numbers (N, width)."""


def as_words(cells: Any) -> Array:
    """Cells as words (N,); None and nan are the empty word.

    >>> as_words(["a", None, 3])
    array(['a', '', '3'], dtype='<U1')
    """
    cells = np.asarray(cells)
    if cells.dtype.kind == "U":
        return np.asarray(cells)
    return np.array(["" if cell is None or cell != cell else str(cell) for cell in cells.tolist()], np.str_)


def find(cells: Any, words: tuple[str, ...]) -> tuple[Array, Array]:
    """For each cell its place among the words, and whether it is there at all."""
    cells, known = as_words(cells), np.array(words, np.str_)
    order = np.argsort(known)
    at = order[np.searchsorted(known, cells, sorter=order).clip(max=len(words) - 1)]
    return at, known[at] == cells


@dataclass(frozen=True)
class Frequency(Column):
    """y = how common the word was, from 0 (never seen) to 1 (the most common word)

    For columns of very many words, such as cities, where a column for each would be too many.

    Args:
        words: the words of the training part.
        shares: how common each was.

    >>> Frequency.fit("city", ["Rome", "Oslo", "Rome"])(["Rome", "Oslo", "Bern"]).ravel()
    array([1. , 0.5, 0. ])
    """

    words: tuple[str, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.words) == len(self.shares):
            raise DataError(f"{self.name}: {len(self.words)} words need as many shares, not {len(self.shares)}.")

    @classmethod
    def fit(cls, name: str, cells: Any) -> Frequency:
        """Count the words of the training part."""
        words, counts = np.unique(as_words(cells), return_counts=True)
        return cls(name, tuple(words.tolist()), tuple((counts / counts.max()).tolist()))

    @property
    def names(self) -> tuple[str, ...]:
        return (f"{self.name} (how common)",)

    def __call__(self, cells: Array) -> Array:
        at, known = find(cells, self.words)
        return (np.asarray(self.shares)[at] * known)[:, None]

    def __str__(self) -> str:
        return f"how common each of {len(self.words)} words is, 0 for a new one"


@dataclass(frozen=True)
class Category(Column):
    """y[k] = 1 where the cell is word k, else 0      a missing cell is the empty word, and may be one of them

    A new word is a row of zeros, or goes to a last column for `others`: that is there if training saw words too seldom
    for a column of their own, for otherwise nothing could have been learned about it.

    Args:
        words: those with a column of their own.
        others: whether there is a column for all other words. Default false.

    >>> port = Category.fit("port", ["S", "C", "S", "C", "Q"], least=2)
    >>> port.names
    ('port=C', 'port=S', 'port=others')
    >>> port(["S", "Q", "Z"])
    array([[0., 1., 0.],
           [0., 0., 1.],
           [0., 0., 1.]])
    """

    words: tuple[str, ...] = ()
    others: bool = False

    @classmethod
    def fit(cls, name: str, cells: Any, least: int = 1) -> Category:
        """Find the words of the training part; those seen fewer than `least` times share a column."""
        words, counts = np.unique(as_words(cells), return_counts=True)
        return cls(name, tuple(words[counts >= least].tolist()), bool((counts < least).any()))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(
            f"{self.name}={word or EMPTY}" for word in [*self.words, "others"][: len(self.words) + self.others]
        )

    def __call__(self, cells: Array) -> Array:
        y = np.zeros((len(cells), len(self.words) + self.others))
        known = np.zeros(len(cells), np.bool_)
        if self.words:
            at, known = find(cells, self.words)
            y[np.flatnonzero(known), at[known]] = 1.0
        if self.others:
            y[~known, -1] = 1.0
        return y

    def __str__(self) -> str:
        words = [word or EMPTY for word in self.words]
        more = f", ... {len(words)} in all" if len(words) > 8 else ""
        return f"a column for each of {', '.join(words[:8])}{more}{' and one for others' if self.others else ''}"


@dataclass(frozen=True)
class Number(Column):
    """y = (f(x) - shift) / scale      f(x) = x, or with `log` the curve sign(x) log(1 + |x|)

    Where x is missing (nan), `fill` stands in for it; with `mark`, a second column is 1 there and 0 elsewhere, so that
    the network can learn what it means that a number is missing.

    Args:
        shift, scale: mean and deviation, or least number and range. Default 0 and 1: x as it is.
        fill: what stands in for a missing number.
        mark: whether missing numbers are marked. Default false.
        log: whether the curve is taken first, for numbers such as incomes that differ by factors. Default false.

    >>> age = Number.fit("age", [20.0, np.nan, 30.0, 70.0])
    >>> age.fill, age.shift, age.names
    (30.0, 37.5, ('age', 'age is missing'))
    >>> age([37.5, None]).round(1)
    array([[ 0. ,  0. ],
           [-0.4,  1. ]])
    """

    shift: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    mark: bool = False
    log: bool = False

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise DataError(f"{self.name}: numbers are divided by their scale, so it is above 0, not {self.scale!r}.")

    @classmethod
    def fit(
        cls, name: str, cells: Any, fill: str | float = "median", scale: str = "standard", log: bool = False
    ) -> Number:
        """Measure the training part.

        Args:
            name: the column's name.
            cells: its raw numbers, with nan or None where there is none.
            fill: "median", "mean", or a number.
            scale: "standard" (mean 0 and deviation 1), "minmax" (0 to 1) or "none".
            log: whether the curve is taken first.
        """
        if fill not in ("median", "mean") and not isinstance(fill, int | float):
            raise UsageError(f"{name}: missing numbers are filled with 'median', 'mean' or a number, not {fill!r}.")
        if scale not in ("standard", "minmax", "none"):
            raise UsageError(f"{name}: scale is 'standard', 'minmax' or 'none', not {scale!r}.")
        x = as_numbers(name, cells)
        missing = np.isnan(x)
        there = x[~missing] if not missing.all() else np.zeros(1)
        value = fill if not isinstance(fill, str) else np.median(there) if fill == "median" else there.mean()
        z = curve(np.where(missing, value, x), log)
        shift, spread = (z.mean(), z.std()) if scale == "standard" else (z.min(), z.max() - z.min())
        if scale == "none" or not spread > 0:
            shift, spread = 0.0 if scale == "none" else shift, 1.0
        return cls(name, float(shift), float(spread), float(value), bool(missing.any()), log)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} is missing") if self.mark else (self.name,)

    def __call__(self, cells: Array) -> Array:
        x = as_numbers(self.name, cells)
        missing = np.isnan(x)
        y = (curve(np.where(missing, self.fill, x), self.log) - self.shift) / self.scale
        return np.stack([y, missing], axis=1) if self.mark else y[:, None]

    def __str__(self) -> str:
        x = "log(1 + x)" if self.log else "x"
        marked = f"; {self.fill:.5g} where it is missing, and a mark" if self.mark else ""
        return f"({x} {'+' if self.shift < 0 else '-'} {abs(self.shift):.5g}) / {self.scale:.5g}{marked}"


def as_numbers(name: str, cells: Any) -> Array:
    """Cells as numbers (N,); None is nan."""
    try:
        return np.asarray(cells, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"Column {name!r} must hold numbers, with nan where one is missing: {error}.") from None


def curve(x: Array, log: bool) -> Array:
    """x, or sign(x) log(1 + |x|), which is there for every x."""
    return np.asarray(np.sign(x) * np.log1p(np.abs(x))) if log else x
