"""Every optimizer as a loop over single numbers.

`walk(theta, gradient, lr, steps)` gives the parameters after each step; `gradient(theta)` and `lr(step)` are functions,
steps counted from 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

Vector = list[float]
Gradient = Callable[[Vector], Vector]
Rate = Callable[[int], float]
Walk = Callable[[Vector, Gradient, Rate, int], Iterator[Vector]]


def sgd(momentum: float = 0.0, nesterov: bool = False) -> Walk:
    def walk(theta: Vector, gradient: Gradient, lr: Rate, steps: int) -> Iterator[Vector]:
        v = [0.0] * len(theta)
        for step in range(steps):
            g = gradient(theta)
            for i in range(len(theta)):
                v[i] = momentum * v[i] - lr(step) * g[i]
                theta[i] += momentum * v[i] - lr(step) * g[i] if nesterov else v[i]
            yield list(theta)

    return walk


def adagrad(eps: float) -> Walk:
    def walk(theta: Vector, gradient: Gradient, lr: Rate, steps: int) -> Iterator[Vector]:
        s = [0.0] * len(theta)
        for step in range(steps):
            g = gradient(theta)
            for i in range(len(theta)):
                s[i] += g[i] ** 2
                theta[i] -= lr(step) * g[i] / (math.sqrt(s[i]) + eps)
            yield list(theta)

    return walk


def rmsprop(rho: float, eps: float) -> Walk:
    def walk(theta: Vector, gradient: Gradient, lr: Rate, steps: int) -> Iterator[Vector]:
        s = [0.0] * len(theta)
        for step in range(steps):
            g = gradient(theta)
            for i in range(len(theta)):
                s[i] = rho * s[i] + (1.0 - rho) * g[i] ** 2
                theta[i] -= lr(step) * g[i] / (math.sqrt(s[i]) + eps)
            yield list(theta)

    return walk


def adam(beta1: float, beta2: float, eps: float, weight_decay: float = 0.0, decays: list[float] | None = None) -> Walk:
    def walk(theta: Vector, gradient: Gradient, lr: Rate, steps: int) -> Iterator[Vector]:
        m, v = [0.0] * len(theta), [0.0] * len(theta)
        for step in range(steps):
            g = gradient(theta)
            for i in range(len(theta)):
                share = weight_decay if decays is None else weight_decay * decays[i]
                theta[i] -= lr(step) * share * theta[i]
                m[i] = beta1 * m[i] + (1.0 - beta1) * g[i]
                v[i] = beta2 * v[i] + (1.0 - beta2) * g[i] ** 2
                mh, vh = m[i] / (1.0 - beta1 ** (step + 1)), v[i] / (1.0 - beta2 ** (step + 1))
                theta[i] -= lr(step) * mh / (math.sqrt(vh) + eps)
            yield list(theta)

    return walk


def random_search(tries: list[Vector], loss: Callable[[Vector], float]) -> Walk:
    """`tries` are the standard normal numbers that are drawn, one list a step."""

    def walk(theta: Vector, gradient: Gradient, lr: Rate, steps: int) -> Iterator[Vector]:
        for step in range(steps):
            there = [a + lr(step) * u for a, u in zip(theta, tries[step], strict=True)]
            if loss(there) < loss(theta):
                theta = there
            yield list(theta)

    return walk
