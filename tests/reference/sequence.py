"""Normalisation, embedding, recurrent layers and attention as loops over nested lists; see layers.py for a twin's form.

The backward passes are written number by number from the chain rule: where a layer's page has a closed form, the loop
here has the whole Jacobian or the recursion through time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.reference.layers import Named, Numbers, Twin, flat, logistic, shaped, softmax_row

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


# ---- recurrent layers: one cell forward and backward, number by number; the recursion through time around it ---------

State = tuple[Row, ...]  # (h,), or (h, c)
Memo = dict[str, Any]  # what a cell's way back needs
Cell = Callable[[Row, State, Named], tuple[State, Memo]]
CellBack = Callable[[State, Memo, Named, Named], tuple[Row, State]]


def affine(x: Row, W: list[Row], b: Row) -> Row:
    return [sum(x[d] * W[d][k] for d in range(len(x))) + b[k] for k in range(len(b))]


def affine_back(x: Row, W: list[Row], da: Row, dW: list[Row], db: Row) -> Row:
    """dx; dW and db are added to."""
    for k, d in enumerate(da):
        db[k] += d
        for i, a in enumerate(x):
            dW[i][k] += a * d
    return [sum(d * W[i][k] for k, d in enumerate(da)) for i in range(len(x))]


def zeros_like(x: Numbers) -> Numbers:
    return [zeros_like(inner) for inner in x] if isinstance(x, list) else 0.0


def plus(a: Row, b: Row) -> Row:
    return [u + v for u, v in zip(a, b, strict=True)]


def recurrent(cell: Cell, back: CellBack, states: int, sequence: bool) -> Twin:
    """p may hold "mask" (N, T): where it is false, a step hands on its state."""

    def real(p: Named, n: int, t: int) -> bool:
        return bool(p["mask"][n][t]) if "mask" in p else True

    def walk(x: Numbers, p: Named, n: int) -> tuple[list[State], list[Memo]]:
        K = len(p["Wh"])
        history: list[State] = [tuple([0.0] * K for _ in range(states))]
        memos: list[Memo] = []
        for t, row in enumerate(x[n]):
            state, memo = cell(row, history[-1], p) if real(p, n, t) else (history[-1], {})
            history.append(state)
            memos.append(memo)
        return history, memos

    def forward(x: Numbers, p: Named) -> Numbers:
        paths = [[state[0] for state in walk(x, p, n)[0][1:]] for n in range(len(x))]
        return paths if sequence else [path[-1] for path in paths]

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        grads = {name: zeros_like(values) for name, values in p.items() if name not in ("mask", "u")}
        dx = zeros_like(x)
        for n in range(len(x)):
            _, memos = walk(x, p, n)
            d: State = tuple([0.0] * len(p["Wh"]) for _ in range(states))
            for t in reversed(range(len(x[n]))):
                if sequence or t == len(x[n]) - 1:
                    d = (plus(d[0], dy[n][t] if sequence else dy[n]), *d[1:])
                if real(p, n, t):
                    dx[n][t], d = back(d, memos[t], p, grads)
        return dx, grads

    return Twin(forward, backward)


def rnn_cell(x: Row, state: State, p: Named) -> tuple[State, Memo]:
    a = plus(affine(x, p["Wx"], p["b"]), affine(state[0], p["Wh"], [0.0] * len(p["b"])))
    h = [math.tanh(v) for v in a]
    return (h,), {"x": x, "before": state[0], "h": h}


def rnn_back(d: State, memo: Memo, p: Named, grads: Named) -> tuple[Row, State]:
    da = [dh * (1.0 - h * h) for dh, h in zip(d[0], memo["h"], strict=True)]
    nothing = [0.0] * len(da)
    dh = affine_back(memo["before"], p["Wh"], da, grads["Wh"], nothing)
    return affine_back(memo["x"], p["Wx"], da, grads["Wx"], grads["b"]), (dh,)


def gru_cell(x: Row, state: State, p: Named) -> tuple[State, Memo]:
    K = len(state[0])
    a, c = affine(x, p["Wx"], p["bx"]), affine(state[0], p["Wh"], p["bh"])
    r = [logistic(a[k] + c[k]) for k in range(K)]
    z = [logistic(a[K + k] + c[K + k]) for k in range(K)]
    n = [math.tanh(a[2 * K + k] + r[k] * c[2 * K + k]) for k in range(K)]
    h = [(1.0 - z[k]) * n[k] + z[k] * state[0][k] for k in range(K)]
    return (h,), {"x": x, "before": state[0], "r": r, "z": z, "n": n, "c": c[2 * K :]}


def gru_back(d: State, memo: Memo, p: Named, grads: Named) -> tuple[Row, State]:
    dh, before, r, z, n, c = d[0], memo["before"], memo["r"], memo["z"], memo["n"], memo["c"]
    K = range(len(dh))
    dan = [dh[k] * (1.0 - z[k]) * (1.0 - n[k] ** 2) for k in K]
    daz = [dh[k] * (before[k] - n[k]) * z[k] * (1.0 - z[k]) for k in K]
    dar = [dan[k] * c[k] * r[k] * (1.0 - r[k]) for k in K]
    through = affine_back(before, p["Wh"], dar + daz + [dan[k] * r[k] for k in K], grads["Wh"], grads["bh"])
    dx = affine_back(memo["x"], p["Wx"], dar + daz + dan, grads["Wx"], grads["bx"])
    return dx, ([through[k] + dh[k] * z[k] for k in K],)


def lstm_cell(x: Row, state: State, p: Named) -> tuple[State, Memo]:
    before, c0 = state
    K = len(c0)
    a = plus(affine(x, p["Wx"], p["b"]), affine(before, p["Wh"], [0.0] * (4 * K)))
    i, f, o = ([logistic(v) for v in a[j * K : (j + 1) * K]] for j in (0, 1, 3))
    g = [math.tanh(v) for v in a[2 * K : 3 * K]]
    c = [f[k] * c0[k] + i[k] * g[k] for k in range(K)]
    h = [o[k] * math.tanh(c[k]) for k in range(K)]
    return (h, c), {"x": x, "before": before, "c0": c0, "c": c, "i": i, "f": f, "g": g, "o": o}


def lstm_back(d: State, memo: Memo, p: Named, grads: Named) -> tuple[Row, State]:
    dh, dc = d
    i, f, g, o, c, c0 = (memo[name] for name in ("i", "f", "g", "o", "c", "c0"))
    K = range(len(dh))
    dc = [dc[k] + dh[k] * o[k] * (1.0 - math.tanh(c[k]) ** 2) for k in K]
    da = [dc[k] * g[k] * i[k] * (1.0 - i[k]) for k in K]
    da += [dc[k] * c0[k] * f[k] * (1.0 - f[k]) for k in K]
    da += [dc[k] * i[k] * (1.0 - g[k] ** 2) for k in K]
    da += [dh[k] * math.tanh(c[k]) * o[k] * (1.0 - o[k]) for k in K]
    through = affine_back(memo["before"], p["Wh"], da, grads["Wh"], [0.0] * len(da))
    return affine_back(memo["x"], p["Wx"], da, grads["Wx"], grads["b"]), (through, [dc[k] * f[k] for k in K])


def simple_rnn(sequence: bool = False) -> Twin:
    return recurrent(rnn_cell, rnn_back, 1, sequence)


def gru(sequence: bool = False) -> Twin:
    return recurrent(gru_cell, gru_back, 1, sequence)


def lstm(sequence: bool = False) -> Twin:
    return recurrent(lstm_cell, lstm_back, 2, sequence)


# ---- attention -------------------------------------------------------------------------------------------------------


def attention(heads: int, causal: bool = False) -> Twin:
    """p may hold "mask" (N, T): nobody looks where it is false; who may look at nothing takes 0."""

    def parts(x: Numbers, p: Named, n: int) -> list[Row]:
        return [affine(row, p["W"], p["b"]) for row in x[n]]  # q, k, v side by side

    def seen(p: Named, n: int, t: int, T: int) -> list[int]:
        return [s for s in range(t + 1 if causal else T) if "mask" not in p or p["mask"][n][s]]

    def looks(qkv: list[Row], p: Named, n: int) -> dict[tuple[int, int], dict[int, float]]:
        """For each head and step: the steps that it sees, and how much it takes from each."""
        T, D = len(qkv), len(qkv[0]) // 3
        d = D // heads
        out = {}
        for j in range(heads):
            for t in range(T):
                places = seen(p, n, t, T)
                scores = [
                    sum(qkv[t][j * d + i] * qkv[s][D + j * d + i] for i in range(d)) / math.sqrt(d) for s in places
                ]
                out[j, t] = dict(zip(places, softmax_row(scores) if places else [], strict=True))
        return out

    def taken(qkv: list[Row], p: Named, n: int) -> list[Row]:
        T, D = len(qkv), len(qkv[0]) // 3
        weights = looks(qkv, p, n)
        return [
            [sum(a * qkv[s][2 * D + i] for s, a in weights[i // (D // heads), t].items()) for i in range(D)]
            for t in range(T)
        ]

    def forward(x: Numbers, p: Named) -> Numbers:
        return [[affine(row, p["Wo"], p["bo"]) for row in taken(parts(x, p, n), p, n)] for n in range(len(x))]

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        grads = {name: zeros_like(p[name]) for name in ("W", "b", "Wo", "bo")}
        dx = []
        for n in range(len(x)):
            qkv = parts(x, p, n)
            T, D = len(qkv), len(qkv[0]) // 3
            d = D // heads
            o, weights, dqkv = taken(qkv, p, n), looks(qkv, p, n), zeros_like(qkv)
            for t in range(T):
                do = affine_back(o[t], p["Wo"], dy[n][t], grads["Wo"], grads["bo"])
                for j in range(heads):
                    a = weights[j, t]
                    da = {s: sum(do[j * d + i] * qkv[s][2 * D + j * d + i] for i in range(d)) for s in a}
                    for s in a:
                        ds = sum(da[m] * a[m] * ((1.0 if m == s else 0.0) - a[s]) for m in a) / math.sqrt(d)
                        for i in range(j * d, (j + 1) * d):
                            dqkv[t][i] += ds * qkv[s][D + i]
                            dqkv[s][D + i] += ds * qkv[t][i]
                            dqkv[s][2 * D + i] += a[s] * do[i]
            dx.append([affine_back(x[n][t], p["W"], dqkv[t], grads["W"], grads["b"]) for t in range(T)])
        return dx, grads

    return Twin(forward, backward)
