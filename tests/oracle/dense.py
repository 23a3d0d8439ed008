"""The formulas of the dense networks' layers and of the losses, as they stand in a book, for the tape to differentiate.

`FORMULAS[name](x, p)` is the output of the layer case of that name; p holds its parameters by name, and under "u" the
uniform numbers of a dropout. `LOSSES[name](z, t, w)` is the reported loss; t is one-hot or the targets as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.oracle.tape import Num, concatenate, exp, log, maximum, num, tanh, where

Formula = Callable[[Num, dict[str, Any]], Num]
Loss = Callable[[Num, Any, Any], Num]


def dense(x: Num, p: dict[str, Any], name: str = "") -> Num:
    rows = x.reshape(-1, x.shape[-1]) @ p[f"{name}W"]
    y = rows + p[f"{name}b"] if f"{name}b" in p else rows
    return y.reshape(*x.shape[:-1], y.shape[-1])


def sigmoid(x: Num) -> Num:
    return 1.0 / (1.0 + exp(-x))


def softmax(x: Num) -> Num:
    e = exp(x - x.value.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cdf(x: Num) -> Num:
    """The normal distribution's cumulative function, whose derivative is the bell curve."""
    y = np.vectorize(lambda a: 0.5 * math.erfc(-a / math.sqrt(2.0)))(x.value)
    return Num(y, (x, lambda d: d * np.exp(-0.5 * x.value**2) / math.sqrt(2.0 * math.pi)))


def concat(x: Num, p: dict[str, Any]) -> Num:
    branch = sigmoid(dense(x, p, "1.sequential.0.dense."))
    return concatenate([dense(x, p, "0.dense."), branch, maximum(x, 0.0)])


def concat_on_sequences(x: Num, p: dict[str, Any]) -> Num:
    return concatenate([dense(x, p, "0.dense."), tanh(x)])


def gelu(x: Num) -> Num:
    return x * cdf(x)


FORMULAS: dict[str, Formula] = {
    "dense": dense,
    "dense_one_unit": dense,
    "dense_without_bias": dense,
    "dense_on_sequences": dense,
    "relu": lambda x, p: maximum(x, 0.0),
    "relu_on_pictures": lambda x, p: maximum(x, 0.0),
    "leaky_relu": lambda x, p: maximum(x, 0.2 * x),
    "elu": lambda x, p: where(x.value > 0, x, 1.5 * (exp(x) - 1.0)),
    "sigmoid": lambda x, p: sigmoid(x),
    "tanh": lambda x, p: tanh(x),
    "silu": lambda x, p: x * sigmoid(x),
    "gelu": lambda x, p: gelu(x),
    "softmax": lambda x, p: softmax(x),
    "softmax_of_many": lambda x, p: softmax(x),
    "softmax_on_sequences": lambda x, p: softmax(x),
    "dropout": lambda x, p: x * (p["u"] >= 0.4) / (1.0 - 0.4),
    "flatten": lambda x, p: x.reshape(len(x.value), -1),
    "reshape": lambda x, p: x.reshape(-1, 2, 3),
    "sequential": lambda x, p: dense(tanh(dense(x, p, "0.dense.")), p, "2.dense."),
    "residual": lambda x, p: x + dense(gelu(dense(x, p, "0.dense.")), p, "2.dense."),
    "concat": concat,
    "concat_on_sequences": concat_on_sequences,
}


# ---- losses ----------------------------------------------------------------------------------------------------------


def of_numbers(l: Callable[[Num, Num], Num]) -> Loss:
    """The weighted mean over the samples of the mean over each sample's numbers."""

    def loss(z: Num, t: Any, w: Any) -> Num:
        rows = l(z, num(t)).reshape(len(w), -1).mean(axis=1)
        return (rows * w).sum() / w.sum()

    return loss


def of_classes(l: Callable[[Num, Any], Num], class_weights: list[float] | None = None) -> Loss:
    """The weighted mean over all rows; a row's weight is its sample's times its class's."""

    def loss(z: Num, t: Any, w: Any) -> Num:
        K = z.shape[-1]
        shares = np.asarray(t, np.float64) if np.shape(t) == z.shape else np.eye(K)[t]
        each = np.broadcast_to(w.reshape(-1, *[1] * (shares.ndim - 2)), shares.shape[:-1])
        if class_weights is not None:
            each = each * (shares * class_weights).sum(axis=-1)
        return (l(z, shares) * each).sum() / each.sum()

    return loss


def size(d: Num) -> Num:
    return maximum(d, -d)


def huber(z: Num, t: Num) -> Num:
    d = size(z - t)
    return where(d.value <= 0.7, 0.5 * d * d, 0.7 * (d - 0.35))


def cross_entropy(z: Num, shares: Any) -> Num:
    return -(log(softmax(z)) * shares).sum(axis=-1)


def of_probabilities(y: Num, shares: Any) -> Num:
    return -(log(y) * shares).sum(axis=-1)


def yes_or_no(y: Num, t: Num) -> Num:
    return -(t * log(y) + (1.0 - t) * log(1.0 - y))


CLASS_WEIGHTS = [0.5, 1.0, 2.5]
SCALED_MEAN, SCALED_STD = np.array([2.0, 0.0, -7.5]), np.array([0.5, 1.0, 3.0])
LOSSES: dict[str, Loss] = {  # by the first words of a case's name; the longest that fits is taken
    "mse": of_numbers(lambda z, t: (z - t) * (z - t)),
    "mae": of_numbers(lambda z, t: size(z - t)),
    "huber": of_numbers(huber),
    "scaled_mse": of_numbers(lambda z, t: (z - (t - 2.0) / 0.5) * (z - (t - 2.0) / 0.5)),
    "scaled_mae": of_numbers(lambda z, t: size(z - (t - SCALED_MEAN) / SCALED_STD)),
    "bce": of_numbers(yes_or_no),
    "sigmoid_ce": of_numbers(lambda z, t: yes_or_no(sigmoid(z), t)),
    "categorical_ce": of_classes(of_probabilities),
    "categorical_ce_class_weights": of_classes(of_probabilities, CLASS_WEIGHTS),
    "softmax_ce": of_classes(cross_entropy),
    "softmax_ce_class_weights": of_classes(cross_entropy, CLASS_WEIGHTS),
    "softmax_ce_class_and_sample_weights": of_classes(cross_entropy, CLASS_WEIGHTS),
    "softmax_ce_on_sequences_class_weights": of_classes(cross_entropy, CLASS_WEIGHTS),
}
