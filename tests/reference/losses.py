"""Every loss as loops over nested lists: `loss(z, t, w)` gives the reported value and its gradient.

z are the scores of N samples, t their targets, w one number a sample. The mean is the weighted mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.reference.layers import each, logistic, softmax_row

Numbers = Any
Loss = Callable[[Numbers, Numbers, "list[float]"], tuple[float, Numbers]]


def numbers(x: Numbers) -> list[float]:
    return [a for inner in x for a in numbers(inner)] if isinstance(x, list) else [x]


def elementwise(value: Callable[[float, float], float], slope: Callable[[float, float], float]) -> Loss:
    """sum_n w_n (1/K sum_k l(z_nk, t_nk)) / sum_n w_n"""

    def loss(z: Numbers, t: Numbers, w: list[float]) -> tuple[float, Numbers]:
        total, dz = 0.0, []
        for n in range(len(z)):
            zs, ts = numbers(z[n]), numbers(t[n])
            K = len(zs)
            total += w[n] * sum(value(a, b) for a, b in zip(zs, ts, strict=True)) / K
            dz.append(each(lambda a, b, n=n, K=K: w[n] * slope(a, b) / K / sum(w), z[n], t[n]))
        return total / sum(w), dz

    return loss


mean_squared_error = elementwise(lambda z, t: (z - t) ** 2, lambda z, t: 2.0 * (z - t))
mean_absolute_error = elementwise(lambda z, t: abs(z - t), lambda z, t: float((z > t) - (z < t)))
sigmoid_cross_entropy = elementwise(
    lambda z, t: -(t * math.log(logistic(z)) + (1.0 - t) * math.log(logistic(-z))),
    lambda z, t: logistic(z) - t,
)


def huber(delta: float) -> Loss:
    def value(z: float, t: float) -> float:
        d = abs(z - t)
        return d * d / 2.0 if d <= delta else delta * (d - delta / 2.0)

    return elementwise(value, lambda z, t: max(-delta, min(delta, z - t)))


def scaled(loss: Loss, mean: float | tuple[float, ...], std: float | tuple[float, ...]) -> Loss:
    """The loss of targets that are counted in deviations from their mean, one of each for every output."""

    def of(t: list[float]) -> list[float]:
        means = mean if isinstance(mean, tuple) else (mean,) * len(t)
        stds = std if isinstance(std, tuple) else (std,) * len(t)
        return [(a - m) / s for a, m, s in zip(t, means, stds, strict=True)]

    return lambda z, t, w: loss(z, [of(row if isinstance(row, list) else [row]) for row in t], w)


def clipped(y: float, eps: float) -> float:
    return min(max(y, eps), 1.0 - eps)


def binary_cross_entropy(eps: float) -> Loss:
    def value(y: float, t: float) -> float:
        q = clipped(y, eps)
        return -(t * math.log(q) + (1.0 - t) * math.log(1.0 - q))

    def slope(y: float, t: float) -> float:
        return (y - t) / (y * (1.0 - y)) if eps < y < 1.0 - eps else 0.0

    return elementwise(value, slope)


def of_rows(
    value: Callable[[list[float], list[float]], float],
    slope: Callable[[list[float], list[float]], list[float]],
    class_weights: list[float] | None = None,
) -> Loss:
    """sum over rows of w_row l(row) / sum of w_row; a sample's row is z[n], or z[n][0], z[n][1], ... in a sequence."""

    def loss(z: Numbers, t: Numbers, w: list[float]) -> tuple[float, Numbers]:
        total = count = 0.0
        weighted: list[Any] = []
        for n in range(len(z)):
            sequence = isinstance(z[n][0], list)
            sample = []
            for r, target in zip(z[n], t[n], strict=True) if sequence else [(z[n], t[n])]:
                shares = target if isinstance(target, list) else [float(k == target) for k in range(len(r))]
                one = w[n]
                if class_weights is not None:
                    one *= sum(share * c for share, c in zip(shares, class_weights, strict=True))
                total += one * value(r, shares)
                count += one
                sample.append([one * s for s in slope(r, shares)])
            weighted.append(sample if sequence else sample[0])
        return total / count, each(lambda a: a / count, weighted)

    return loss


def softmax_cross_entropy(class_weights: list[float] | None = None) -> Loss:
    def value(r: list[float], shares: list[float]) -> float:
        return -sum(share * math.log(p) for share, p in zip(shares, softmax_row(r), strict=True))

    def slope(r: list[float], shares: list[float]) -> list[float]:
        return [p * sum(shares) - share for share, p in zip(shares, softmax_row(r), strict=True)]

    return of_rows(value, slope, class_weights)


def categorical_cross_entropy(eps: float, class_weights: list[float] | None = None) -> Loss:
    def value(r: list[float], shares: list[float]) -> float:
        return -sum(share * math.log(clipped(y, eps)) for share, y in zip(shares, r, strict=True))

    def slope(r: list[float], shares: list[float]) -> list[float]:
        return [-share / y if eps < y < 1.0 - eps else 0.0 for share, y in zip(shares, r, strict=True)]

    return of_rows(value, slope, class_weights)
