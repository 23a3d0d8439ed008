"""What one finds on opening a number: a sum of products, a function of other numbers, or the end of the road."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pellucid.base.arrays import Array

if TYPE_CHECKING:
    from pellucid.inspection.lines import Line

How = Literal["sum", "product", "function", "given"]
FIRST, NEXT = 24, 200  # of more terms than this the largest are shown, and the rest is one line that can be opened


class Opening:
    """What one finds on opening a number."""

    how: How = "given"
    formula = ""


class Given(Opening):
    """The end of the road: an input, a parameter, a target, something drawn. `formula` says which."""

    def __init__(self, words: str) -> None:
        self.formula = words


class Function(Opening):
    """A function of other numbers that is no sum of products; `args` makes their lines."""

    how: How = "function"

    def __init__(self, formula: str, args: Callable[[], Sequence[Line]]) -> None:
        self.formula, self.args = formula, args


class Column:
    """One factor of many products: their values (M,) and a way to make the line of the i-th."""

    def __init__(self, values: Any, line: Callable[[int], Line], samples: Array | None = None) -> None:
        self.values, self.line = np.atleast_1d(np.asarray(values, np.float64)), line
        self.samples = samples  # which sample each number belongs to, where that is known


Block = tuple[Column, ...]


class Sum(Opening):
    """A sum of products: blocks of columns; a block's i-th product is that of its columns' i-th numbers."""

    how: How = "sum"

    def __init__(self, formula: str, *blocks: Block) -> None:
        self.formula, self.blocks = formula, blocks
        values = []
        for block in blocks:
            product: Array = np.ones(1)
            for column in block:
                product = product * column.values
            values.append(product)
        self.values = np.concatenate(values) if values else np.zeros(0)
        self.sizes = float(np.abs(self.values).sum())  # what is added, whatever its sign
        self.starts = np.cumsum([0, *map(len, values)])
        if not len(self.values):
            self.how, self.formula = "given", f"0: there is nothing to add up in {formula}"

    def __add__(self, other: Sum) -> Sum:
        return Sum(f"{self.formula} + {other.formula}", *self.blocks, *other.blocks)

    def whole_and_order(self) -> tuple[Sum, Array]:
        """Itself, and the places of its terms."""
        return self, np.arange(len(self.values))

    def term(self, i: int) -> Line:
        """The i-th product as a line."""
        from pellucid.inspection.lines import product_of  # the two files are one idea: openings give lines

        k = int(np.searchsorted(self.starts, i, side="right")) - 1
        j = i - int(self.starts[k])
        factors = [column.line(j if len(column.values) > 1 else 0) for column in self.blocks[k]]
        return factors[0] if len(factors) == 1 else product_of(factors)


class BySample(Sum):
    """A sum over the batch whose terms are the samples' parts, each of them a sum over places or times.

    Terms that belong to no sample (a penalty's) stay as they are.
    """

    def __init__(self, whole: Sum, samples: Array) -> None:
        self.formula, self.blocks, self.whole, self.sizes = whole.formula, whole.blocks, whole, whole.sizes
        self.names = [int(n) for n in np.unique(samples[samples >= 0])]
        self.groups = [np.flatnonzero(samples == n) for n in self.names]
        self.groups += [np.array([i]) for i in np.flatnonzero(samples < 0)]
        self.values = np.array([whole.values[group].sum() for group in self.groups])

    def term(self, i: int) -> Line:
        from pellucid.inspection.lines import Line

        group = self.groups[i]
        if len(group) == 1:
            return self.whole.term(int(group[0]))
        falling = group if len(group) <= FIRST else group[largest_first(self.whole.values[group])]
        part = Part(self.whole, falling, f"{self.formula}, of sample {self.names[i]}")
        label = f"sample {self.names[i]}, {len(group):,} places"
        line = Line(label, self.values[i], part)
        line.trace = self.whole.term(int(group[0])).trace
        return line


def largest_first(values: Array) -> Array:
    """The order of falling size; what is not finite is larger than anything.

    >>> largest_first(np.array([1.0, -3.0, np.nan])).tolist()
    [2, 1, 0]
    """
    return np.argsort(-np.where(np.isfinite(values), np.abs(values), np.inf), kind="stable")


def by_sample(found: Sum) -> Sum:
    """A gradient's terms by sample, if a sample has several of them."""
    samples = []
    for block, start, stop in zip(found.blocks, found.starts, found.starts[1:], strict=False):
        known = [c.samples for c in block if c.samples is not None and len(c.samples) == stop - start]
        samples.append(known[-1] if known else np.full(stop - start, -1))
    every = np.concatenate(samples) if samples else np.zeros(0, int)
    many = len(every[every >= 0]) > len(np.unique(every[every >= 0]))
    return BySample(found, every) if many else found


class Part(Opening):
    """Some of a sum's terms, the largest first."""

    how: How = "sum"

    def __init__(self, whole: Sum, order: Array, formula: str = "the smaller terms of the sum") -> None:
        self.whole, self.order, self.formula = whole, order, formula

    def whole_and_order(self) -> tuple[Sum, Array]:
        """The sum, and which of its terms."""
        return self.whole, self.order


def some(whole: Sum, order: Array, most: int) -> tuple[Line, ...]:
    """The first `most` of a sum's terms in this order, and one line for all others."""
    from pellucid.inspection.lines import Line

    shown = [whole.term(int(i)) for i in order[:most]]
    rest = order[most:]
    if len(rest):
        value = float(whole.values[rest].sum())
        trace = next((line.trace for line in shown if line.trace is not None), None)
        shown.append(Line(f"{len(rest):,} smaller terms", value, Part(whole, rest), trace=trace, stands_for=len(rest)))
    return tuple(shown)
