"""Every layer as loops over nested lists of numbers.

A twin is two functions: `forward(x, p)` gives y, `backward(x, p, dy)` gives dx and the gradients by name. p holds the
parameters by name as nested lists; under "u" it holds the uniform numbers of a dropout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

Numbers = Any  # a number, or a list of Numbers
Named = dict[str, Numbers]


class Twin(NamedTuple):
    forward: Callable[[Numbers, Named], Numbers]
    backward: Callable[[Numbers, Named, Numbers], tuple[Numbers, Named]]


def each(f: Callable[..., float], *nested: Numbers) -> Numbers:
    """f of every number, in the nested lists' shape."""
    if isinstance(nested[0], list):
        return [each(f, *inner) for inner in zip(*nested, strict=True)]
    return f(*nested)


def each_row(f: Callable[..., Numbers], *nested: Numbers) -> Numbers:
    """f of every innermost list."""
    if isinstance(nested[0][0], list):
        return [each_row(f, *inner) for inner in zip(*nested, strict=True)]
    return f(*nested)


def rows(x: Numbers) -> list[list[float]]:
    """All innermost lists, in order."""
    return [row for inner in x for row in rows(inner)] if isinstance(x[0], list) else [x]


def flat(x: Numbers) -> list[float]:
    """All numbers, in order."""
    return [number for inner in x for number in flat(inner)] if isinstance(x, list) else [x]


# ---- dense -------------------------------------------------------------------------------------------------------


def dense_forward(x: Numbers, p: Named) -> Numbers:
    W, D, K = p["W"], len(p["W"]), len(p["W"][0])
    b = p.get("b", [0.0] * K)
    return each_row(lambda r: [sum(r[d] * W[d][k] for d in range(D)) + b[k] for k in range(K)], x)


def dense_backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
    W, D, K = p["W"], len(p["W"]), len(p["W"][0])
    dW = [[0.0] * K for _ in range(D)]
    db = [0.0] * K
    for r, dr in zip(rows(x), rows(dy), strict=True):
        for k in range(K):
            db[k] += dr[k]
            for d in range(D):
                dW[d][k] += r[d] * dr[k]
    dx = each_row(lambda dr: [sum(dr[k] * W[d][k] for k in range(K)) for d in range(D)], dy)
    return dx, {"W": dW, "b": db} if "b" in p else {"W": dW}


dense = Twin(dense_forward, dense_backward)


# ---- activations: a function of one number and its derivative ------------------------------------------------------


def elementwise(f: Callable[[float], float], slope: Callable[[float], float]) -> Twin:
    return Twin(
        lambda x, p: each(f, x),
        lambda x, p, dy: (each(lambda a, da: da * slope(a), x, dy), {}),
    )


def logistic(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a)) if a >= 0 else math.exp(a) / (1.0 + math.exp(a))


def bell(a: float) -> float:
    return math.exp(-a * a / 2.0) / math.sqrt(2.0 * math.pi)


def below(a: float) -> float:
    return 0.5 * math.erfc(-a / math.sqrt(2.0))


relu = elementwise(lambda a: max(a, 0.0), lambda a: 1.0 if a > 0 else 0.0)
sigmoid = elementwise(logistic, lambda a: logistic(a) * (1.0 - logistic(a)))
tanh = elementwise(math.tanh, lambda a: 1.0 - math.tanh(a) ** 2)
silu = elementwise(lambda a: a * logistic(a), lambda a: logistic(a) + a * logistic(a) * (1.0 - logistic(a)))
gelu = elementwise(lambda a: a * below(a), lambda a: below(a) + a * bell(a))


def leaky_relu(slope: float) -> Twin:
    return elementwise(lambda a: a if a > 0 else slope * a, lambda a: 1.0 if a > 0 else slope)


def elu(alpha: float) -> Twin:
    return elementwise(
        lambda a: a if a > 0 else alpha * (math.exp(a) - 1.0), lambda a: 1.0 if a > 0 else alpha * math.exp(a)
    )


def softmax_row(r: list[float]) -> list[float]:
    e = [math.exp(a - max(r)) for a in r]
    return [a / sum(e) for a in e]


def softmax_row_backward(r: list[float], dr: list[float]) -> list[float]:
    y = softmax_row(r)
    K = range(len(r))
    jacobian = [[y[k] * ((1.0 if k == j else 0.0) - y[j]) for j in K] for k in K]  # dy_k / dx_j
    return [sum(dr[k] * jacobian[k][j] for k in K) for j in K]


softmax = Twin(
    lambda x, p: each_row(softmax_row, x),
    lambda x, p, dy: (each_row(softmax_row_backward, x, dy), {}),
)


# ---- dropout and shapes ----------------------------------------------------------------------------------------------


def dropout(drop: float) -> Twin:
    def mask(u: float) -> float:
        return 1.0 / (1.0 - drop) if u >= drop else 0.0

    return Twin(
        lambda x, p: each(lambda a, u: a * mask(u), x, p["u"]),
        lambda x, p, dy: (each(lambda da, u: da * mask(u), dy, p["u"]), {}),
    )


def shaped(numbers: list[float], shape: tuple[int, ...]) -> Numbers:
    """A flat list as nested lists, the last axis running fastest."""
    if not shape:
        return numbers[0]
    size = len(numbers) // shape[0]
    return [shaped(numbers[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])]


def reshape(inside: tuple[int, ...], outside: tuple[int, ...]) -> Twin:
    return Twin(
        lambda x, p: [shaped(flat(sample), outside) for sample in x],
        lambda x, p, dy: ([shaped(flat(sample), inside) for sample in dy], {}),
    )


# ---- layers made of layers -------------------------------------------------------------------------------------------


def own(p: Named, name: str) -> Named:
    """The parameters below `name`."""
    return {key[len(name) + 1 :]: value for key, value in p.items() if key.startswith(name + ".")}


def sequential(**parts: Twin) -> Twin:
    """parts: `_0_dense=dense`, for the child at "0.dense"."""
    named = [(key[1:].replace("_", ".", 1), twin) for key, twin in parts.items()]

    def inputs(x: Numbers, p: Named) -> list[Numbers]:
        xs = [x]
        for name, twin in named:
            xs.append(twin.forward(xs[-1], own(p, name)))
        return xs

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        grads: Named = {}
        for (name, twin), a in reversed(list(zip(named, inputs(x, p)[:-1], strict=True))):
            dy, g = twin.backward(a, own(p, name), dy)
            grads |= {f"{name}.{key}": value for key, value in g.items()}
        return dy, grads

    return Twin(lambda x, p: inputs(x, p)[-1], backward)


def residual(**parts: Twin) -> Twin:
    body = sequential(**parts)

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        dx, grads = body.backward(x, p, dy)
        return each(lambda a, b: a + b, dy, dx), grads

    return Twin(lambda x, p: each(lambda a, b: a + b, x, body.forward(x, p)), backward)


def concat(**parts: Twin) -> Twin:
    named = [(key[1:].replace("_", ".", 1), twin) for key, twin in parts.items()]

    def forward(x: Numbers, p: Named) -> Numbers:
        ys = [twin.forward(x, own(p, name)) for name, twin in named]
        return each_row(lambda *branches: [a for branch in branches for a in branch], *ys)

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        dx, grads, start = each(lambda a: 0.0, x), {}, 0
        for name, twin in named:
            width = len(rows(twin.forward(x, own(p, name)))[0])
            part = each_row(lambda r, i=start, w=width: r[i : i + w], dy)
            piece, g = twin.backward(x, own(p, name), part)
            dx = each(lambda a, b: a + b, dx, piece)
            grads |= {f"{name}.{key}": value for key, value in g.items()}
            start += width
        return dx, grads

    return Twin(forward, backward)
