"""Activations and dropout by themselves, in the book's form and as pairs of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.mutants.dense import bend, unbend

Array = Any
Rule = Callable[[Array, Array, Array], Array]  # (inputs, output, dvalues) -> dinputs


def _softmax_twice(x: Array, y: Array, d: Array) -> Array:
    return unbend("softmax", x, y, unbend("softmax", x, y, d))


def _in_place(name: str) -> Rule:
    def rule(x: Array, y: Array, d: Array) -> Array:
        d[...] = unbend(name, x, y, d)
        return d

    return rule


ALL = ("relu", "leaky", "sigmoid", "tanh", "elu", "softmax")
RULES: dict[str, dict[str, list[Rule]]] = {
    "sign": {n: [lambda x, y, d, n=n: -unbend(n, x, y, d)] for n in ALL},
    "extra 1/N": {n: [lambda x, y, d, n=n: unbend(n, x, y, d) / len(d)] for n in ALL},
    "missing 1/N": {n: [lambda x, y, d, n=n: unbend(n, x, y, d) * len(d)] for n in ("sigmoid", "softmax")},
    "transposed": {n: [lambda x, y, d, n=n: unbend(n, x, y, d).T] for n in ("relu", "tanh", "softmax")},
    "one sample only": {
        n: [lambda x, y, d, n=n: unbend(n, x, y, d) * (np.arange(len(d)) == 0)[:, None]] for n in ("relu", "softmax")
    },
    "activation derivative missing": {n: [lambda x, y, d: d.copy()] for n in ALL if n != "softmax"},
    "derivative taken at the output instead of the input": {
        "sigmoid": [lambda x, y, d: d * (t := 1 / (1 + np.exp(-y))) * (1 - t)],
        "tanh": [lambda x, y, d: d * (1 - np.tanh(y) ** 2)],
        "elu": [lambda x, y, d: d * np.where(y > 0, 1.0, np.exp(y))],
    },
    "derivative taken at the input instead of the output": {
        "sigmoid": [lambda x, y, d: d * x * (1 - x)],
        "tanh": [lambda x, y, d: d * (1 - x**2)],
        "elu": [lambda x, y, d: d * np.where(x > 0, 1.0, x + 1)],
    },
    "mask from the wrong array": {
        "relu": [lambda x, y, d: d * (d > 0)],
        "leaky": [lambda x, y, d: d * np.where(d > 0, 1.0, 0.1)],
    },
    "softmax Jacobian missing": {"softmax": [lambda x, y, d: d.copy(), lambda x, y, d: d * y * (1 - y)]},
    "softmax Jacobian applied twice": {"softmax": [_softmax_twice]},
    "softmax over the wrong axis": {
        "softmax": [
            lambda x, y, d: y * (d - (d * y).sum(axis=0, keepdims=True)),
            lambda x, y, d: y * (d - (d * y).sum()),
        ]
    },
    "argument overwritten": {n: [_in_place(n)] for n in ALL},
}


def book(name: str, rule: Rule | None = None, once: bool = False, stale: bool = False) -> type:
    """An activation in the book's form.

    Args:
        name: the bend.
        rule: its derivative; None for the right one.
        once: only the first inputs are remembered.
        stale: dinputs are added to.
    """

    class Activation:
        def forward(self, inputs: Array, training: bool = True) -> None:
            if not (once and hasattr(self, "inputs")):
                self.inputs = inputs
                self.kept = bend(name, inputs)
            self.output = bend(name, inputs)

        def backward(self, dvalues: Array) -> None:
            y = self.kept if once else self.output
            found = unbend(name, self.inputs, y, dvalues) if rule is None else rule(self.inputs, y, dvalues)
            self.dinputs = found + getattr(self, "dinputs", 0.0) if stale else found

    return Activation


def pair(name: str, rule: Rule | None = None) -> tuple[Any, Any]:
    """The same as two functions."""

    def forward(x: Array) -> Array:
        return bend(name, x)

    def backward(dy: Array, x: Array) -> Array:
        y = bend(name, x)
        return unbend(name, x, y, dy) if rule is None else rule(x, y, dy)

    return forward, backward


def softmax_of(axis: int | None) -> type:
    """A softmax whose forward sums over an axis; its backward is consistent with it."""

    class Activation_Softmax:
        def forward(self, inputs: Array) -> None:
            e = np.exp(inputs - inputs.max())
            self.output = e / e.sum(axis=axis, keepdims=True)

        def backward(self, dvalues: Array) -> None:
            y = self.output
            self.dinputs = y * (dvalues - (dvalues * y).sum(axis=axis, keepdims=True))

    return Activation_Softmax


def dropout(mistake: str = "") -> type:
    """Dropout in the book's form, drawing from the global stream or from one of its own."""

    class Layer_Dropout:
        def __init__(self, rate: float, own: bool = False) -> None:
            self.rate = 1 - rate
            self.rng: Any = np.random.default_rng(1) if own else np.random

        def draw(self, shape: tuple[int, ...]) -> Array:
            return self.rng.binomial(1, self.rate, shape)

        def forward(self, inputs: Array, training: bool) -> None:
            self.inputs = inputs
            self.binary_mask = self.draw(inputs.shape) / self.rate if training else np.ones_like(inputs)
            self.output = inputs * self.binary_mask

        def backward(self, dvalues: Array) -> None:
            if mistake == "dropout scale missing":
                self.dinputs = dvalues * (self.binary_mask > 0)
            elif mistake == "redrawn":
                self.dinputs = dvalues * self.draw(dvalues.shape) / self.rate
            elif mistake == "dvalues":
                self.dinputs = dvalues * (dvalues > 0) / self.rate
            elif mistake == "inputs":
                self.dinputs = dvalues * (self.inputs > 0) / self.rate
            elif mistake == "sign":
                self.dinputs = -dvalues * self.binary_mask
            elif mistake == "argument overwritten":
                dvalues *= self.binary_mask
                self.dinputs = dvalues
            else:
                self.dinputs = dvalues * self.binary_mask

    return Layer_Dropout
