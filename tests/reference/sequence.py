"""Normalisation, embedding, recurrent layers and attention as loops over nested lists; see layers.py for a twin's form.

The backward passes are written number by number from the chain rule: where a layer's page has a closed form, the loop
here has the whole Jacobian or the recursion through time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.reference.layers import Named, Numbers, Twin, flat, shaped

Row = list[float]


def size(x: Numbers) -> tuple[int, ...]:
    return (len(x), *size(x[0])) if isinstance(x, list) else ()


# ---- normalisation ---------------------------------------------------------------------------------------------------


def norm(members: Callable[[int, tuple[int, ...]], Any], eps: float = 1e-5) -> Twin:
    """`members(i, shape)`: the name of the group to which the i-th number of x belongs; each group is normalised."""

    def groups(x: Numbers) -> dict[Any, list[int]]:
        out: dict[Any, list[int]] = {}
        for i in range(len(flat(x))):
            out.setdefault(members(i, size(x)), []).append(i)
        return out

    def normalised(x: Numbers) -> tuple[Row, Row]:
        numbers = flat(x)
        xh, rate = [0.0] * len(numbers), [0.0] * len(numbers)
        for places in groups(x).values():
            mu = sum(numbers[i] for i in places) / len(places)
            var = sum((numbers[i] - mu) ** 2 for i in places) / len(places)
            for i in places:
                rate[i] = 1.0 / math.sqrt(var + eps)
                xh[i] = (numbers[i] - mu) * rate[i]
        return xh, rate

    def forward(x: Numbers, p: Named) -> Numbers:
        D = size(x)[-1]
        return shaped([p["g"][i % D] * a + p["b"][i % D] for i, a in enumerate(normalised(x)[0])], size(x))

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        D, dys = size(x)[-1], flat(dy)
        xh, rate = normalised(x)
        dg, db, dx = [0.0] * D, [0.0] * D, [0.0] * len(dys)
        for i, d in enumerate(dys):
            dg[i % D] += d * xh[i]
            db[i % D] += d
        for places in groups(x).values():
            n = len(places)
            for i in places:  # dxh_j / dx_i = rate (1[i = j] - 1/n - xh_i xh_j / n)
                for j in places:
                    dx[i] += dys[j] * p["g"][j % D] * rate[i] * ((1.0 if i == j else 0.0) - (1.0 + xh[i] * xh[j]) / n)
        return shaped(dx, size(x)), {"g": dg, "b": db}

    return Twin(forward, backward)


batch_norm = norm(lambda i, shape: i % shape[-1])
layer_norm = norm(lambda i, shape: i // shape[-1])


def group_norm(groups: int) -> Twin:
    return norm(lambda i, shape: (i // math.prod(shape[1:]), i % shape[-1] // (shape[-1] // groups)))


def fixed_norm_forward(x: Numbers, p: Named) -> Numbers:
    D = size(x)[-1]
    y = [
        p["g"][i % D] * (a - p["mean"][i % D]) / math.sqrt(p["var"][i % D] + 1e-5) + p["b"][i % D]
        for i, a in enumerate(flat(x))
    ]
    return shaped(y, size(x))


def fixed_norm_backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
    D = size(x)[-1]
    dg, db, dx = [0.0] * D, [0.0] * D, []
    for i, (a, d) in enumerate(zip(flat(x), flat(dy), strict=True)):
        rate = 1.0 / math.sqrt(p["var"][i % D] + 1e-5)
        dg[i % D] += d * (a - p["mean"][i % D]) * rate
        db[i % D] += d
        dx.append(d * p["g"][i % D] * rate)
    return shaped(dx, size(x)), {"g": dg, "b": db}


fixed_batch_norm = Twin(fixed_norm_forward, fixed_norm_backward)


# ---- embedding -------------------------------------------------------------------------------------------------------


def embedding(pad: int | None = None) -> Twin:
    def forward(x: Numbers, p: Named) -> Numbers:
        if isinstance(x, list):
            return [forward(inner, p) for inner in x]
        return [0.0] * len(p["W"][0]) if x == pad else list(p["W"][int(x)])

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        V, K = size(p["W"])
        dW, ids, dys = [[0.0] * K for _ in range(V)], flat(x), flat(dy)
        for i, v in enumerate(ids):
            for k in range(K):
                dW[int(v)][k] += 0.0 if v == pad else dys[i * K + k]
        return shaped([0.0] * len(ids), size(x)), {"W": dW}

    return Twin(forward, backward)


def positional_encoding_forward(x: Numbers, p: Named) -> Numbers:
    def pattern(t: int, d: int, D: int) -> float:
        angle = t / 10_000.0 ** ((d - d % 2) / D)
        return math.cos(angle) if d % 2 else math.sin(angle)

    return [[[a + pattern(t, d, len(r)) for d, a in enumerate(r)] for t, r in enumerate(sample)] for sample in x]


positional_encoding = Twin(positional_encoding_forward, lambda x, p, dy: (dy, {}))
