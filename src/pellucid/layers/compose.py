"""Layers made of layers. They own the tape, so no layer needs a hook to be watched.

Forward appends, backward reverses: that is the whole of backpropagation through a stack. The chain rule is the line
`dy = step.layer.backward(dy, step.cache)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import ShapeError, UsageError, draw_shapes
from pellucid.base.run import Run
from pellucid.layers.layer import Layer


@dataclass(slots=True)
class Step:
    """One layer's part of a pass. The arrays beside the cache are there only if the run keeps them."""

    layer: Layer
    cache: Cache
    x: Array | None = None
    y: Array | None = None
    dy: Array | None = None
    dx: Array | None = None


@dataclass(init=False)
class Sequential(Layer):
    """Y = F_L(... F_2(F_1(X)))

    dX = F_1'(F_2'(... F_L'(dY)))      the chain rule: each layer hands down what its input must know

    Args:
        layers: the layers, in the order in which the numbers pass them.

    >>> from pellucid.layers import ReLU, Tanh
    >>> y, cache = Sequential(Tanh(), ReLU()).forward(np.array([[-1.0, 0.0]]), Run())
    >>> y, [step.layer.kind for step in cache["tape"]]
    (array([[0., 0.]]), ['tanh', 'relu'])
    """

    layers: tuple[Layer, ...]

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers

    def children(self) -> dict[str, Layer]:
        return {f"{i}.{layer.kind}": layer for i, layer in enumerate(self.layers)}

    def output_shape(self, x: Shape) -> Shape:
        for layer in self.layers:
            x = layer.output_shape(x)
        return x

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        tape: list[Step] = []
        for layer in self.layers:
            y, cache = layer.forward(x, run)
            if run.keep:
                tape.append(Step(layer, cache, x, y))
            elif run.tape:
                tape.append(Step(layer, cache))
            x = y
        return x, {"tape": tape, "keep": run.keep}

    def backward(self, dy: Array, cache: Cache) -> Array:
        for step in unwind(cache):
            dx = step.layer.backward(dy, step.cache)
            if cache["keep"]:
                step.dy, step.dx = dy, dx
            dy = dx
        return dy

    def backward_params(self, dy: Array, cache: Cache) -> None:
        if cache["keep"]:
            self.backward(dy, cache)
            return
        below = len(cache["tape"])
        for step in unwind(cache):
            below -= 1
            if below:
                dy = step.layer.backward(dy, step.cache)
            else:
                step.layer.backward_params(dy, step.cache)  # nobody below asks for dX


def unwind(cache: Cache) -> Iterator[Step]:
    """The steps, last first. Unless they are kept, each is forgotten as it is done, and its memory is free."""
    tape: list[Step] = cache["tape"]
    if cache["keep"]:
        yield from reversed(tape)
        return
    while tape:
        yield tape.pop()


@dataclass(init=False)
class Residual(Layer):
    """Y = X + F(X)      (He et al. 2016)

    dX = dY + F'(dY)      two roads lead from X to Y, so two gradients come back and add up

    The first road is open whatever F does: that is why very deep networks of residuals still learn.

    Args:
        layers: F, which must give back the shape that it takes.

    >>> from pellucid.layers import Tanh
    >>> Residual(Tanh()).forward(np.array([[0.0]]), Run())[0]
    array([[0.]])
    """

    layers: tuple[Layer, ...]

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers
        self.body = Sequential(*layers)

    def children(self) -> dict[str, Layer]:
        return self.body.children()

    def output_shape(self, x: Shape) -> Shape:
        y = self.body.output_shape(x)
        if y != x:
            raise ShapeError(
                "Residual adds its input to its layers' output, so the two must have one shape.\n"
                + draw_shapes((None, *y[1:]), (None, *x[1:]), "output", "input")
            )
        return y

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y, cache = self.body.forward(x, run)
        return x + y, cache

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.asarray(dy + self.body.backward(dy, cache))

    def backward_params(self, dy: Array, cache: Cache) -> None:
        self.body.backward_params(dy, cache)


@dataclass(init=False)
class Concat(Layer):
    """Y = [F_1(X), F_2(X), ...]      side by side along the last axis

    dX = F_1'(dY_1) + F_2'(dY_2) + ...      X was given to every branch, so every branch's gradient comes back

    dY_i is the part of dY that belongs to branch i's columns.

    Args:
        branches: the layers that each get X. Use `pl.Sequential(...)` for a branch of several.

    >>> from pellucid.layers import ReLU, Tanh
    >>> Concat(ReLU(), Tanh()).forward(np.array([[0.0, 2.0]]), Run())[0].round(2)
    array([[0.  , 2.  , 0.  , 0.96]])
    """

    branches: tuple[Layer, ...]

    def __init__(self, *branches: Layer) -> None:
        self.branches = branches

    def children(self) -> dict[str, Layer]:
        return {f"{i}.{branch.kind}": branch for i, branch in enumerate(self.branches)}

    def output_shape(self, x: Shape) -> Shape:
        if not self.branches:
            raise UsageError("Concat needs at least one branch.")
        shapes = [branch.output_shape(x) for branch in self.branches]
        for shape in shapes[1:]:
            if shape[:-1] != shapes[0][:-1]:
                raise ShapeError(
                    "Concat puts its branches side by side along the last axis; all other axes must agree.\n"
                    + draw_shapes((None, *shape[1:-1]), (None, *shapes[0][1:-1]), "a branch", "the first")
                )
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        ys, caches = zip(*(branch.forward(x, run) for branch in self.branches), strict=True)
        edges = np.cumsum([y.shape[-1] for y in ys])[:-1]
        tape = [Step(b, c, x, y) if run.keep else Step(b, c) for b, c, y in zip(self.branches, caches, ys, strict=True)]
        return np.concatenate(ys, axis=-1), {"tape": tape, "keep": run.keep, "edges": edges}

    def backward(self, dy: Array, cache: Cache) -> Array:
        dx: Array | None = None
        for step, part in zip(cache["tape"], np.split(dy, cache["edges"], axis=-1), strict=True):
            piece = step.layer.backward(part, step.cache)
            if cache["keep"]:
                step.dy, step.dx = part, piece
            dx = piece if dx is None else dx + piece
        assert dx is not None
        return dx


def walk(layer: Layer, x: Shape, path: str = "") -> Iterator[tuple[str, Layer, Shape]]:
    """Every layer inside, with its path and the shape of its input, in order; containers before their content."""
    stacked = isinstance(layer, Sequential | Residual)  # inside these, one child's output is the next one's input
    for name, child in layer.children().items():
        full = f"{path}.{name}" if path else name
        yield full, child, x
        yield from walk(child, x, full)
        if stacked:
            x = child.output_shape(x)


def masked(net: Layer, run: Run, mask: Any) -> Run:
    """The same run with a mask of its batch (N, T), or without if it is None; refused if no layer would look at it.

    >>> masked(Sequential(), Run(), None) == Run()
    True
    """
    if mask is None:
        return run
    if not _reads_mask(net):
        raise UsageError(
            "A mask was given, but no layer of this network reads one. SimpleRNN, GRU, LSTM and MultiHeadAttention do; "
            "for other layers set the steps that are not real to 0."
        )
    return replace(run, mask=mask)


def _reads_mask(layer: Layer) -> bool:
    return layer.reads_mask or any(map(_reads_mask, layer.children().values()))
