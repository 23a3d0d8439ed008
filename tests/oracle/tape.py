"""A small tape autograd on NumPy arrays: the second opinion on every backward pass that was derived by hand.

Each operation remembers where its numbers came from and how a gradient goes back to them. `y.backward(dy)` then walks
the tape from y to its sources. It is slow, general and shares no line with the library, so that a mistake in one is
not a mistake in the other.

    x = Num([1.0, 2.0])
    (x * x).sum().backward()
    x.grad                       # [2.0, 4.0]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any
Axis = int | tuple[int, ...] | None
Source = tuple["Num", Callable[[Array], Array]]  # where numbers came from, and how a gradient goes back there


def fit(d: Array, shape: tuple[int, ...]) -> Array:
    """d summed over the axes along which `shape` was repeated: what was used many times gets the sum of all blame."""
    d = d.sum(axis=tuple(range(d.ndim - len(shape)))) if d.ndim > len(shape) else d
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and d.shape[axis] != 1)
    return d.sum(axis=repeated, keepdims=True) if repeated else d


def num(x: Any) -> Num:
    return x if isinstance(x, Num) else Num(x)


class Num:
    """An array with its sources; after `backward`, `grad` is the derivative with respect to it."""

    __array_ufunc__ = None  # so that array * Num asks Num

    def __init__(self, value: Any, *sources: Source) -> None:
        self.value = np.asarray(value, np.float64)
        self.sources = sources
        self.grad: Array = np.zeros_like(self.value)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def backward(self, dy: Any = 1.0) -> None:
        """Fill `grad` of everything that this number was made of."""
        order: list[Num] = []
        seen: set[int] = set()
        stack: list[tuple[Num, bool]] = [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack += [(node, True), *((source, False) for source, _ in node.sources)]
        for node in order:
            node.grad = np.zeros_like(node.value)
        self.grad = np.broadcast_to(np.asarray(dy, np.float64), self.shape)
        for node in reversed(order):
            for source, back in node.sources:
                source.grad = source.grad + fit(back(node.grad), source.shape)

    def __add__(self, other: Any) -> Num:
        b = num(other)
        return Num(self.value + b.value, (self, lambda d: d), (b, lambda d: d))

    def __mul__(self, other: Any) -> Num:
        b = num(other)
        return Num(self.value * b.value, (self, lambda d: d * b.value), (b, lambda d: d * self.value))

    def __truediv__(self, other: Any) -> Num:
        b = num(other)
        y = self.value / b.value
        return Num(y, (self, lambda d: d / b.value), (b, lambda d: -d * y / b.value))

    def __matmul__(self, other: Any) -> Num:
        """Matrices only: both have two axes or more; the axes before them may be repeated."""
        a, b = self, num(other)
        assert min(a.value.ndim, b.value.ndim) > 1, "reshape a vector to a matrix first"
        return Num(
            a.value @ b.value,
            (a, lambda d: d @ b.value.swapaxes(-1, -2)),
            (b, lambda d: a.value.swapaxes(-1, -2) @ d),
        )

    def __neg__(self) -> Num:
        return self * -1.0

    def __sub__(self, other: Any) -> Num:
        return self + -num(other)

    def __rsub__(self, other: Any) -> Num:
        return num(other) + -self

    def __rtruediv__(self, other: Any) -> Num:
        return num(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __getitem__(self, at: Any) -> Num:
        """Slices, and lists or arrays of indices: what is taken twice gets both gradients."""

        def back(d: Array) -> Array:
            out = np.zeros(self.shape)
            np.add.at(out, at, d)
            return out

        return Num(self.value[at], (self, back))

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Num:
        kept = self.value.sum(axis=axis, keepdims=True)
        y = kept if keepdims else self.value.sum(axis=axis)
        return Num(y, (self, lambda d: np.broadcast_to(d.reshape(kept.shape), self.shape)))

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Num:
        y = self.sum(axis, keepdims)
        return y * (y.value.size / self.value.size)

    def max(self, axis: int, keepdims: bool = False) -> Num:
        """The largest along an axis; the first of several that are equal gets all of the gradient."""
        places = np.expand_dims(self.value.argmax(axis), axis)
        won = np.zeros(self.shape)
        np.put_along_axis(won, places, 1.0, axis)
        y = np.take_along_axis(self.value, places, axis)
        shape = y.shape if keepdims else np.squeeze(y, axis).shape
        return Num(y.reshape(shape), (self, lambda d: won * d.reshape(places.shape)))

    def reshape(self, *shape: int) -> Num:
        return Num(self.value.reshape(shape), (self, lambda d: d.reshape(self.shape)))

    def transpose(self, *axes: int) -> Num:
        back = tuple(np.argsort(axes))
        return Num(self.value.transpose(axes), (self, lambda d: d.transpose(back)))


def exp(x: Num) -> Num:
    y = np.exp(x.value)
    return Num(y, (x, lambda d: d * y))


def log(x: Num) -> Num:
    return Num(np.log(x.value), (x, lambda d: d / x.value))


def tanh(x: Num) -> Num:
    y = np.tanh(x.value)
    return Num(y, (x, lambda d: d * (1.0 - y * y)))


def sqrt(x: Num) -> Num:
    y = np.sqrt(x.value)
    return Num(y, (x, lambda d: d * 0.5 / y))


def where(which: Array, a: Any, b: Any) -> Num:
    """a where `which` is true, else b; `which` is a plain array and has no derivative."""
    a, b = num(a), num(b)
    return Num(np.where(which, a.value, b.value), (a, lambda d: d * which), (b, lambda d: d * ~which))


def maximum(a: Any, b: Any) -> Num:
    a, b = num(a), num(b)
    return where(a.value > b.value, a, b)


def concatenate(parts: Sequence[Num], axis: int = -1) -> Num:
    edges = np.cumsum([0, *(part.shape[axis] for part in parts)])

    def back(i: int) -> Callable[[Array], Array]:
        return lambda d: np.take(d, np.arange(edges[i], edges[i + 1]), axis)

    return Num(np.concatenate([part.value for part in parts], axis), *((part, back(i)) for i, part in enumerate(parts)))


def pad(x: Num, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Num:
    inside = tuple(slice(before, before + size) for (before, _), size in zip(widths, x.shape, strict=True))
    return Num(np.pad(x.value, widths, constant_values=value), (x, lambda d: d[inside]))
