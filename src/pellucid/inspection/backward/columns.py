"""Layers whose samples are columns, `Z = W X + b` with X (D, N): seen from outside with their samples in rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.backward.subject import Body, Subject, X


class Columns(Subject):
    """A subject whose inputs and outputs are turned on the way in and out.

    Args:
        inner: the subject as it is.
        x: its inputs (D, N), or None.
        single: it takes one column at a time.
    """

    def __init__(self, inner: Subject, x: Array | None, single: bool = False) -> None:
        self.inner, self.x, self.single = inner, None if x is None else x.T, single
        self.name, self.words, self.owns_params = inner.name, inner.words, inner.owns_params

    def body(self, draw: int) -> Body:
        return ColumnsBody(self.inner.body(draw))

    def input(self, n: int, body: Body, rng: np.random.Generator) -> Array:
        width = self.x.shape[1] if self.x is not None else _width(body)
        return rng.standard_normal((1 if self.single else n, width))


def _width(body: Body) -> int:
    return next((p.shape[1] for p in body.params().values() if p.ndim == 2 and 1 not in p.shape), 4)


class ColumnsBody(Body):
    """The body, turned."""

    def __init__(self, inner: Body) -> None:
        self.inner, self.chance, self.sums = inner, inner.chance, inner.sums

    def params(self) -> dict[str, Array]:
        return self.inner.params()

    def put(self, params: dict[str, Array]) -> None:
        self.inner.put(params)

    def forward(self, x: Any) -> Array:
        return np.array(self.inner.forward(x.T).T)

    def backward(self, dy: Array) -> dict[str, Any]:
        said = self.inner.backward(dy.T)
        return {name: value.T if name == X and np.ndim(value) == 2 else value for name, value in said.items()}


def samples_are_columns(subject: Subject, x: Array) -> bool:
    """Whether forward takes fewer columns of x, but not fewer rows."""
    if x.ndim != 2 or len(x) < 2:
        return False

    def runs(part: Array) -> bool:
        try:
            y = subject.body(0).forward(part.copy())
        except Exception:  # that is the answer
            return False
        return y.ndim == 2 and y.shape[1] == part.shape[1]

    return runs(x) and not runs(x[:-1]) and (x.shape[1] == 1 or runs(x[:, :-1]))
