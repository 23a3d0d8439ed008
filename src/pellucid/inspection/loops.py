"""A dense network neuron by neuron, in plain Python: lists, loops and floats, no array anywhere.

This is backpropagation as one writes it down on paper, one number at a time. It is the slowest way and the plainest;
`pl.zoom` holds the library against it. Each function here is the loop form of the equation in the class of its name.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, exp, expm1, log, log1p, pi, sqrt, tanh
from typing import Any

Row = list[float]
Rows = list[Row]


def dense_forward(x: Rows, W: Rows, b: Row) -> Rows:
    """y[n][k] = sum_d x[n][d] W[d][k] + b[k]

    >>> dense_forward([[1.0, 2.0]], [[3.0], [4.0]], [5.0])
    [[16.0]]
    """
    y = []
    for n in range(len(x)):
        row = []
        for k in range(len(b)):
            total = b[k]
            for d in range(len(W)):
                total += x[n][d] * W[d][k]
            row.append(total)
        y.append(row)
    return y


def dense_backward(dy: Rows, x: Rows, W: Rows) -> tuple[Rows, Rows, Row]:
    """dx[n][d] = sum_k dy[n][k] W[d][k];  dW[d][k] = sum_n x[n][d] dy[n][k];  db[k] = sum_n dy[n][k]

    >>> dense_backward([[1.0]], [[2.0, 3.0]], [[4.0], [5.0]])
    ([[4.0, 5.0]], [[2.0], [3.0]], [1.0])
    """
    N, D, K = len(x), len(W), len(W[0])
    dx = [[0.0] * D for _ in range(N)]
    dW = [[0.0] * K for _ in range(D)]
    db = [0.0] * K
    for n in range(N):
        for k in range(K):
            delta = dy[n][k]
            db[k] += delta
            for d in range(D):
                dW[d][k] += x[n][d] * delta
                dx[n][d] += W[d][k] * delta
    return dx, dW, db


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without a large exponent."""
    return 1.0 / (1.0 + exp(-x)) if x >= 0 else exp(x) / (1.0 + exp(x))


def cdf(x: float) -> float:
    """The normal distribution's cumulative function."""
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))


def bend(layer: Any) -> tuple[Callable[[float], float], Callable[[float], float]] | None:
    """A bend and its slope, both as functions of one input; None for what is no bend."""
    slope, alpha = getattr(layer, "slope", 0.0), getattr(layer, "alpha", 0.0)
    table: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
        "relu": (lambda x: max(x, 0.0), lambda x: 1.0 if x > 0 else 0.0),
        "leakyrelu": (lambda x: x if x > 0 else slope * x, lambda x: 1.0 if x > 0 else slope),
        "elu": (lambda x: x if x > 0 else alpha * expm1(x), lambda x: 1.0 if x > 0 else alpha * exp(x)),
        "sigmoid": (sigmoid, lambda x: sigmoid(x) * (1.0 - sigmoid(x))),
        "tanh": (tanh, lambda x: 1.0 - tanh(x) ** 2),
        "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x)))),
        "gelu": (lambda x: x * cdf(x), lambda x: cdf(x) + x * exp(-0.5 * x * x) / sqrt(2.0 * pi)),
    }
    return table.get(layer.kind)


def softmax(row: Row) -> Row:
    """e^x[k] / sum_j e^x[j], the largest taken off first.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]
    """
    top = max(row)
    e = [exp(v - top) for v in row]
    total = sum(e)
    return [v / total for v in e]


def softmax_backward(dy: Row, y: Row) -> Row:
    """dx[k] = sum_j dy[j] y[j] (1[j = k] - y[k])"""
    out = []
    for k in range(len(y)):
        total = 0.0
        for j in range(len(y)):
            total += dy[j] * y[j] * ((1.0 if j == k else 0.0) - y[k])
        out.append(total)
    return out


def loss_of(loss: Any, z: Rows, t: Any) -> tuple[float, Rows]:
    """The loss's value and dz, for targets t: class ids, or rows in the shape of z."""
    N, K = len(z), len(z[0])
    dz = [[0.0] * K for _ in range(N)]
    value = 0.0
    name = type(loss).__name__
    for n in range(N):
        target = t[n] if isinstance(t[n], list) else [1.0 if k == t[n] else 0.0 for k in range(K)]
        if name == "SoftmaxCrossEntropy":
            p = softmax(z[n])
            top = max(z[n])
            log_total = top + log(sum(exp(v - top) for v in z[n]))
            for k in range(K):
                value += target[k] * (log_total - z[n][k]) / N
                dz[n][k] = (p[k] * sum(target) - target[k]) / N
            continue
        for k in range(K):
            v, slope = one(loss, z[n][k], target[k])
            per = N if name == "CategoricalCrossEntropy" else N * K
            value += v / per
            dz[n][k] = slope / per
    return value, dz


def one(loss: Any, z: float, t: float) -> tuple[float, float]:
    """What one number adds to the loss, and its slope."""
    d = z - t
    match type(loss).__name__:
        case "MeanSquaredError":
            return d * d, 2.0 * d
        case "MeanAbsoluteError":
            return abs(d), (d > 0) - (d < 0)
        case "Huber":
            far = abs(d) > loss.delta
            return (loss.delta * (abs(d) - loss.delta / 2), loss.delta * ((d > 0) - (d < 0))) if far else (d * d / 2, d)
        case "SigmoidCrossEntropy":
            return max(z, 0.0) + log1p(exp(-abs(z))) - t * z, sigmoid(z) - t
    q = min(max(z, loss.eps), 1.0 - loss.eps)
    if type(loss).__name__ == "BinaryCrossEntropy":
        return -(t * log(q) + (1.0 - t) * log1p(-q)), (q - t) / (q * (1.0 - q)) if q == z else 0.0
    return -t * log(q), -t / q if q == z else 0.0
