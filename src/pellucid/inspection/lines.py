"""A number and the sum that makes it: what a ledger is made of.

A `Line` is one number. Opening it gives its terms, which add up to it; a term is a product of named numbers, each of
which is a line again. Where a number is not a sum (a tanh, a drawn mask, an input), it says so: `how` is "function",
with its arguments under `factors`, or "given".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.base.errors import UsageError
from pellucid.inspection.openings import FIRST, NEXT, Function, Given, How, Opening, Part, Sum, largest_first, some

if TYPE_CHECKING:
    from pellucid.inspection.nudge import Nudged
    from pellucid.inspection.source import Source
    from pellucid.inspection.trace import Trace

ROUNDING = 16.0  # times the type's own precision, times the sizes of what was added: how exactly terms add up


class Line:
    """One number of a trace, and what makes it. `pl.ledger` gives the first; opening it gives others.

    Args:
        label: what it is called: "dW[2, 3]", "x[0, 2] × dy[0, 3]".
        value: the number.
        opening: what it is made of, or a function that finds out.
        path: where it is in the trace, if it is one number of an array: "0.dense.dW[2,3]".
        trace: the trace that it is in.
        at: its place: (layer or "loss", array, index).
        scale: the size of what it is the difference of, for the tolerance.
        factors: what it multiplies, for a product.
        stands_for: how many terms of a sum it is.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), input_shape=(3,), dtype=np.float64)
    >>> trace = pl.trace(model, [[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], [[1.0, 0.0], [0.0, 2.0]])
    >>> line = pl.ledger(trace, "0.dense.dW[1,0]")
    >>> line.how, [term.label for term in line.terms]
    ('sum', ['x[0, 1] × dy[0, 0]', 'x[1, 1] × dy[1, 0]'])
    >>> bool(abs(sum(term.value for term in line.terms) - line.value) < 1e-15)
    True
    """

    def __init__(
        self,
        label: str,
        value: float,
        opening: Opening | Callable[[], Opening],
        *,
        path: str = "",
        trace: Trace | None = None,
        at: tuple[str, str, tuple[int, ...]] | None = None,
        scale: float = 0.0,
        factors: tuple[Line, ...] = (),
        stands_for: int = 1,
    ) -> None:
        self.label, self.value, self.path, self.trace, self.at, self.scale = label, float(value), path, trace, at, scale
        self._opening, self._factors, self.stands_for = opening, factors, stands_for

    @cached_property
    def opening(self) -> Opening:
        """What it is made of."""
        if isinstance(self._opening, Opening):
            return self._opening
        with np.errstate(all="ignore"):  # a number that is not finite is shown as it is
            return self._opening()

    @property
    def how(self) -> How:
        """How its parts make it: "sum", "product", "function", or "given": it has none."""
        return "product" if self._factors else self.opening.how

    @property
    def formula(self) -> str:
        """What makes it, in the layer's own letters; for a given number, what it is."""
        return self.opening.formula

    @cached_property
    def terms(self) -> tuple[Line, ...]:
        """The numbers that add up to it, the largest first if they are many; empty if it is no sum.

        A product is opened by opening one of its factors: the others multiply each of that factor's terms.
        """
        if self._factors:
            return self._spread()
        if isinstance(self.opening, Sum):
            values = self.opening.values
            if len(values) <= FIRST:
                return tuple(self.opening.term(i) for i in range(len(values)))
            return some(self.opening, largest_first(values), FIRST)
        if isinstance(self.opening, Part):
            return some(self.opening.whole, self.opening.order, NEXT)
        return ()

    def largest(self, most: int) -> tuple[Line, ...]:
        """Its terms; if they are many, only the `most` largest, and one line that stands for all others."""
        if isinstance(self.opening, Sum | Part):
            whole, order = self.opening.whole_and_order()
            if len(order) > most + 1:
                falling = order[largest_first(whole.values[order])]
                shown = np.sort(falling[:most]) if len(order) <= FIRST else falling[:most]
                return some(whole, np.concatenate([shown, falling[most:]]), most)
        return self.terms

    @cached_property
    def factors(self) -> tuple[Line, ...]:
        """The numbers that it multiplies, or that it is a function of; empty for a sum."""
        if self._factors:
            return self._factors
        return tuple(self.opening.args()) if isinstance(self.opening, Function) else ()

    def _spread(self) -> tuple[Line, ...]:
        for i in reversed(range(len(self._factors))):
            terms = self._factors[i].terms
            if terms:
                rest = self._factors[:i] + self._factors[i + 1 :]
                return tuple(product_of([*rest, *(term._factors or (term,))]) for term in terms)
        return ()

    @property
    def total(self) -> float:
        """The sum of its terms, all of them; of no terms, the number itself."""
        return float(sum(term.value for term in self.terms)) if self.terms else self.value

    @property
    def tolerance(self) -> float:
        """How far from the number its terms may add up, because the network rounds where the ledger does not.

        16 times the precision of the network's type, times the sum of the sizes of all that is added; of an array that
        is worked out again (the deltas inside a recurrent layer) also the size of its largest number.
        """
        eps = 1.2e-7 if self.trace is None else float(np.finfo(self.trace.theta.dtype).eps)
        return ROUNDING * eps * (abs(self.value) + self._sizes() + self.scale)

    def _sizes(self) -> float:
        if isinstance(self.opening, Sum):
            return self.opening.sizes
        return float(sum(abs(term.value) for term in self.terms))

    @property
    def source(self) -> Source | None:
        """The line of the library's source that computed it, or None where it is no number of an array."""
        from pellucid.inspection.source import source_of

        return None if self.trace is None or self.at is None else source_of(self.trace, *self.at[:2])

    def nudge(self) -> Nudged:
        """`[L(w + h) - L(w - h)] / 2h` for this number, computed in float64 on a copy: what the loss really does.

        Raises:
            UsageError: if it is not a number that can be nudged: a term, or something of the optimizer.
        """
        from pellucid.inspection.nudge import nudge

        if self.trace is None or self.at is None:
            raise UsageError(f"{self.label} is no number of an array, so it cannot be nudged. Open one of its factors.")
        return nudge(self.trace, *self.at)

    def document(self, depth: int = 3, most: int = 12) -> dict[str, Any]:
        """The line and what is below it as plain data, for JSON; see docs/trace.md."""
        from pellucid.inspection.tree import document

        return document(self, depth, most)

    def __str__(self) -> str:
        from pellucid.inspection.tree import as_text

        return as_text(self)

    def __repr__(self) -> str:
        return f"Line({self.path or self.label} = {self.value:.6g}, {self.how})"

    def _repr_html_(self) -> str:
        from pellucid.inspection.page import fragment

        return fragment(self)


def product_of(factors: Sequence[Line]) -> Line:
    """The line of a product."""
    value = 1.0
    for factor in factors:
        value *= factor.value
    trace = next((factor.trace for factor in factors if factor.trace is not None), None)
    label = " × ".join(factor.label for factor in factors)
    scales = [f.scale * abs(value / f.value) for f in factors if f.scale and f.value]
    return Line(label, value, Given("a product"), trace=trace, factors=tuple(factors), scale=max(scales, default=0.0))
