"""Openers of the dense layer, of the bends, and of layers that only scale or rearrange."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.inspection.lines import Line
from pellucid.inspection.openers.view import Index, View, opens
from pellucid.inspection.openings import Function, Opening, Sum
from pellucid.layers import (
    ELU,
    GELU,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    Softmax,
    SpatialDropout2D,
    Tanh,
)
from pellucid.layers.layer import Layer


@opens(Dense)
def dense(v: View, name: str, at: Index) -> Opening | None:
    """Y = X W + b."""
    D, K = v["W"].shape
    if name == "y":
        *n, k = at
        d = np.arange(D)
        found = Sum(f"sum_d x[n, d] W[d, {k}]", (v.pick("x", *n, d), v.pick("W", d, k)))
        return found + Sum(f"b[{k}]", (v.pick("b", k),)) if v.has("b") else found
    if name == "dx":
        *n, d_ = at
        k_ = np.arange(K)
        return Sum(f"sum_k W[{d_}, k] dy[n, k]", (v.pick("W", d_, k_), v.pick("dy", *n, k_)))
    rows = v.rows("dy")
    if name == "dW":
        return Sum(f"sum_n x[n, {at[0]}] dy[n, {at[1]}]", (v.pick("x", *rows, at[0]), v.pick("dy", *rows, at[1])))
    return Sum(f"sum_n dy[n, {at[0]}]", (v.pick("dy", *rows, at[0]),)) if name == "db" else None


# What a bend's slope is called, and what it is looked up at: its output where it is a function of that, else its input.
SLOPES: dict[type[Layer], tuple[str, str]] = {
    ReLU: ("1[y > 0]", "y"),
    LeakyReLU: ("1 where x > 0, else slope", "x"),
    ELU: ("1 where x > 0, else y + alpha", "y"),
    Sigmoid: ("y (1 - y)", "y"),
    Tanh: ("1 - y^2", "y"),
    SiLU: ("s + y (1 - s), s = sigmoid(x)", "x"),
    GELU: ("Phi(x) + x phi(x)", "x"),
}
FACTORS: dict[type[Layer], str] = {  # bends that multiply x by a number, which is a function of x
    ReLU: "1[x > 0]",
    LeakyReLU: "1 where x > 0, else slope",
    SiLU: "sigmoid(x)",
    GELU: "Phi(x)",
}


def _kind(layer: Any, table: dict[type[Layer], Any]) -> Any:
    return next((table[kind] for kind in type(layer).__mro__ if kind in table), None)


@opens(*SLOPES)
def bend(v: View, name: str, at: Index) -> Opening | None:
    """Y = f(X), number by number; the slope is what the layer's own backward makes of a dy of 1."""
    bend_name = type(v.layer).__name__
    if name == "y":
        x = v.line("x", at)
        words = _kind(v.layer, FACTORS)
        if words is None or x.value == 0.0:
            return Function(f"{bend_name}(x)", lambda: [x])
        factor = v.function(lambda i: words, v["y"][at] / x.value, words, lambda i: [x])
        return Sum(f"x * ({words})", (v.pick("x", *at), factor))
    if name != "dx":
        return None
    words, argument = _kind(v.layer, SLOPES)
    place = at if at else ()
    one = {k: a[place].reshape(1, 1) for k, a in v.cache.items() if isinstance(a, np.ndarray)}
    slope = float(v.layer.backward(np.ones((1, 1), v["dy"].dtype), one)[0, 0])
    factor = v.function(lambda i: f"{bend_name}'", slope, words, lambda i: [v.line(argument, at)])
    return Sum(f"dy * ({words})", (v.pick("dy", *at), factor))


def jacobian(v: View, y: str, dy: str, at: Index) -> Sum:
    """`sum_j dy_j y_j (1[j = k] - y_k)`: how softmax hands a row's gradients down."""
    *n, k = at
    row = v[y][tuple(n)].astype(np.float64)
    j = np.arange(len(row))
    slopes = row * ((j == k) - row[k])

    def args(i: int) -> list[Line]:
        return [v.line(y, (*n, i)), v.line(y, (*n, k))]

    own = y.removeprefix("cache.")
    label = f"d{own}_j/dx_{k}"
    factor = v.function(lambda i: label.replace("j", str(i), 1), slopes, f"{own}_j (1[j = {k}] - {own}_{k})", args)
    return Sum(f"sum_j dy[n, j] {own}_j (1[j = {k}] - {own}_{k})", (v.pick(dy, *n, j), factor))


@opens(Softmax)
def softmax(v: View, name: str, at: Index) -> Opening | None:
    """Y = e^X / sum e^X: every number of a row looks at all of them."""
    *n, k = at
    if name == "y":
        K = v["x"].shape[-1]
        return Function(
            f"e^x[n, {k}] / sum_j e^x[n, j]", lambda: [v.line("x", (*n, j)) for j in (k, *range(k), *range(k + 1, K))]
        )
    return jacobian(v, "y", "dy", at) if name == "dx" else None


@opens(Dropout, SpatialDropout2D)
def dropout(v: View, name: str, at: Index) -> Opening | None:
    """Y = X * M."""
    if name not in ("y", "dx"):
        return None
    inner = v.pick("x" if name == "y" else "dy", *at)
    if "mask" not in v.cache:
        return Sum("nothing is dropped in this pass", (inner,))
    mask = v.cache["mask"]
    place = tuple(i if size > 1 else 0 for i, size in zip(at, mask.shape, strict=True))
    drawn = v.number("M", float(mask[place]), f"drawn in this pass: 0, or 1 / (1 - {v.layer.drop:g})")
    return Sum(f"{'x' if name == 'y' else 'dy'} * M", (inner, drawn))


@opens(Flatten, Reshape)
def reshape(v: View, name: str, at: Index) -> Opening | None:
    """The same numbers in another shape."""
    if name not in ("y", "dx"):
        return None
    other = "x" if name == "y" else "dy"
    place = np.unravel_index(np.ravel_multi_index(at, v[name].shape), v[other].shape)
    return Sum("the same number in another place", (v.pick(other, *place),))
