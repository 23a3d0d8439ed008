"""Losses in the book's form and as pairs of functions: a link and a distance, a right gradient, one mistake.

The value is the mean over samples and outputs (square, absolute, binary) or over samples (categorical), as in the book.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
KINDS = ("mse", "mae", "bce", "cce", "softmax_ce", "sigmoid_ce", "sigmoid_mse", "sum_of_squares")
CLASSES = ("cce", "softmax_ce")


def softmax(x: Array, axis: int | None = 1) -> Array:
    e = np.exp(x - x.max())
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def hot(t: Array, x: Array) -> Array:
    return np.eye(x.shape[1])[t] if t.ndim == 1 else t


def rows(kind: str, x: Array, t: Array) -> Array:
    """One loss a sample."""
    if kind in ("mse", "sum_of_squares"):
        return ((t - x) ** 2).mean(axis=1) if kind == "mse" else ((t - x) ** 2).sum(axis=1)
    if kind == "mae":
        return np.abs(t - x).mean(axis=1)
    if kind == "sigmoid_mse":
        return ((t - sigmoid(x)) ** 2).mean(axis=1)
    if kind in ("bce", "sigmoid_ce"):
        p = np.clip(x if kind == "bce" else sigmoid(x), 1e-7, 1 - 1e-7)
        return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(axis=1)
    p = np.clip(x if kind == "cce" else softmax(x), 1e-7, 1 - 1e-7)
    return -np.log((p * hot(t, x)).sum(axis=1))


def slope(kind: str, x: Array, t: Array) -> Array:
    """The gradient of the mean over the samples, at x."""
    N, K = x.shape
    if kind == "mse":
        return 2 * (x - t) / (N * K)
    if kind == "sum_of_squares":
        return 2 * (x - t) / N
    if kind == "mae":
        return np.sign(x - t) / (N * K)
    if kind == "sigmoid_mse":
        p = sigmoid(x)
        return 2 * (p - t) * p * (1 - p) / (N * K)
    if kind == "bce":
        return -(t / x - (1 - t) / (1 - x)) / (N * K)
    if kind == "sigmoid_ce":
        return (sigmoid(x) - t) / (N * K)
    if kind == "cce":
        return -hot(t, x) / x / N
    return (softmax(x) - hot(t, x)) / N


Rule = Callable[[str, Array, Array], Array]
FACTORS: dict[str, Rule] = {
    "sign": lambda k, x, t: -slope(k, x, t),
    "missing 1/N": lambda k, x, t: slope(k, x, t) * len(x),
    "extra 1/N": lambda k, x, t: slope(k, x, t) / len(x),
    "one sample only": lambda k, x, t: slope(k, x, t) * (np.arange(len(x)) == len(x) - 1)[:, None],
    "transposed": lambda k, x, t: slope(k, x, t).T,
}
PER_OUTPUT: dict[str, Rule] = {"missing 1/K": lambda k, x, t: slope(k, x, t) * x.shape[1]}
SQUARES: dict[str, Rule] = {
    "factor 2 of the square": lambda k, x, t: slope(k, x, t) / 2,
}
NO_TARGET: dict[str, Rule] = {
    "p instead of p - y": lambda k, x, t: slope(k, x, 0 * hot(t, x) if k in CLASSES else 0 * t),
}


def _of_softmax(q: Callable[[Array], Array]) -> Rule:
    return lambda k, x, t: (q(x) - hot(t, x)) / len(x)


def _jacobian(x: Array, g: Array) -> Array:
    p = softmax(x)
    return p * (g - (g * p).sum(axis=1, keepdims=True))


LINKED: dict[str, dict[str, list[Rule]]] = {
    "softmax_ce": {
        "softmax Jacobian missing": [lambda k, x, t: -hot(t, x) / softmax(x) / len(x)],
        "softmax Jacobian applied twice": [lambda k, x, t: _jacobian(x, slope(k, x, t))],
        "softmax over the wrong axis": [_of_softmax(lambda x: softmax(x, 0)), _of_softmax(lambda x: softmax(x, None))],
    },
    "cce": {"softmax Jacobian applied twice": [lambda k, x, t: (x - hot(t, x)) / len(x)]},
    "sigmoid_ce": {
        "activation derivative missing": [
            lambda k, x, t: (sigmoid(x) - t) / (sigmoid(x) * (1 - sigmoid(x))) / x.size,
        ],
    },
    "sigmoid_mse": {
        "activation derivative missing": [lambda k, x, t: 2 * (sigmoid(x) - t) / x.size],
        "derivative taken at the output instead of the input": [
            lambda k, x, t: 2 * (p := sigmoid(x)) * 0 + 2 * (p - t) * sigmoid(p) * (1 - sigmoid(p)) / x.size
        ],
        "derivative taken at the input instead of the output": [
            lambda k, x, t: 2 * (sigmoid(x) - t) * x * (1 - x) / x.size
        ],
    },
}


def book(kind: str, rule: Rule = slope, memory: str = "") -> type:
    """A loss in the book's form: forward gives one loss a sample, or for softmax in one with its loss, the mean.

    Args:
        kind: which loss.
        rule: its gradient.
        memory: "stale", "once" or "overwrite" for a mistake with arrays that stay.
    """

    class Loss:
        def calculate(self, output: Array, y: Array) -> Any:
            return np.mean(self.forward(output, y))

        def forward(self, y_pred: Array, y_true: Array) -> Array:
            return rows(kind, y_pred, y_true)

        def backward(self, dvalues: Array, y_true: Array) -> None:
            if memory == "once":
                self.seen = getattr(self, "seen", dvalues)
                dvalues = self.seen if self.seen.shape == dvalues.shape else dvalues
            found = rule(kind, dvalues, y_true)
            self.dinputs = found + getattr(self, "dinputs", 0.0) if memory == "stale" else found
            if memory == "overwrite":
                dvalues -= 1.0

    class Fused:
        def forward(self, inputs: Array, y_true: Array) -> Any:
            if not (memory == "once" and hasattr(self, "inputs")):
                self.inputs = inputs.copy()
            self.output = softmax(inputs) if kind == "softmax_ce" else sigmoid(inputs)
            return rows(kind, inputs, y_true).mean()

        def backward(self, dvalues: Array, y_true: Array) -> None:
            found = rule(kind, self.inputs, y_true)
            self.dinputs = found + getattr(self, "dinputs", 0.0) if memory == "stale" else found
            if memory == "overwrite":
                dvalues -= 1.0

    return Fused if kind in ("softmax_ce", "sigmoid_ce", "sigmoid_mse") else Loss


def pair(kind: str, rule: Rule = slope, reverse: bool = False) -> tuple[Any, Any]:
    """loss(y_pred, y_true) and its gradient as functions, in one of the two orders."""

    def value(y_pred: Array, y_true: Array) -> float:
        return float(rows(kind, y_pred, y_true).mean())

    def gradient(y_pred: Array, y_true: Array) -> Array:
        return rule(kind, y_pred, y_true)

    def value_of(y_true: Array, y_pred: Array) -> float:
        return value(y_pred, y_true)

    def gradient_of(y_true: Array, y_pred: Array) -> Array:
        return gradient(y_pred, y_true)

    return (value_of, gradient_of) if reverse else (value, gradient)


def softmax_forward_over(axis: int | None) -> type:
    """Softmax and cross-entropy in one, the softmax over a wrong axis in forward."""

    class Fused:
        def forward(self, inputs: Array, y_true: Array) -> Any:
            self.output = softmax(inputs, axis)
            return -np.log((self.output * hot(y_true, inputs)).sum(axis=1)).mean()

        def backward(self, dvalues: Array, y_true: Array) -> None:
            self.dinputs = (dvalues - hot(y_true, dvalues)) / len(dvalues)

    return Fused


def data(kind: str, n: int, k: int, seed: int, one_hot: bool = False) -> tuple[Array, Array]:
    """Outputs and targets that suit the loss."""
    rng = np.random.default_rng([n, k, seed])
    x = rng.standard_normal((n, k))
    if kind in CLASSES:
        ids = rng.integers(0, k, n)
        x = softmax(x) if kind == "cce" else x
        return x, np.eye(k)[ids] if one_hot else ids
    if kind in ("bce", "sigmoid_ce", "sigmoid_mse"):
        return (rng.uniform(0.05, 0.95, (n, k)) if kind == "bce" else x), rng.integers(0, 2, (n, k))
    return x, rng.standard_normal((n, k))
