"""The opener of attention: who looked at whom, and what that was worth."""

from __future__ import annotations

from math import sqrt

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.openers.dense import jacobian
from pellucid.inspection.openers.view import Index, View, opens
from pellucid.inspection.openings import Function, Given, Opening, Sum
from pellucid.layers import MultiHeadAttention

PARTS = ("q", "k", "v")


def _dqkv(v: View) -> Array:
    """[dQ, dK, dV] by the layer's own backward. It writes gradients into the trace's own copy of the model."""
    layer = v.layer
    kept = {name: getattr(layer, name).copy() for name in ("dW", "db", "dWo", "dbo")}
    out = layer.through(v["dy"], v.cache)
    for name, array in kept.items():
        getattr(layer, name)[:] = array
    return np.asarray(out)


def _do(v: View) -> Array:
    N, h, T, d = v["cache.q"].shape
    return np.asarray((v["dy"].astype(np.float64) @ v["Wo"].T).reshape(N, T, h, d).swapaxes(1, 2))


def _ds(v: View) -> Array:
    a, dA = v["cache.a"].astype(np.float64), v["dA"]
    return np.asarray(a * (dA - (dA * a).sum(axis=-1, keepdims=True)))


WORKED = {
    "s": lambda v: v["cache.q"].astype(np.float64) @ v["cache.k"].swapaxes(-1, -2) / sqrt(v["cache.q"].shape[-1]),
    "do": _do,
    "dA": lambda v: v["do"] @ v["cache.v"].swapaxes(-1, -2),
    "dS": _ds,
    "dqkv": _dqkv,
}


@opens(MultiHeadAttention, worked=WORKED)
def attention(v: View, name: str, at: Index) -> Opening | None:
    """[Q, K, V] = X W + b; S = Q K^T / sqrt(d); A = softmax(S); O = A V; Y = O Wo + bo."""
    _, h, T, d = v["cache.q"].shape
    D = h * d
    all_D, all_3D, all_T, all_d = np.arange(D), np.arange(3 * D), np.arange(T), np.arange(d)
    rows = v.rows("dy")
    share = v.number("1/sqrt(d)", 1.0 / sqrt(d))
    match name.removeprefix("cache."):
        case "y":
            n, t, j = at
            products = (v.pick("cache.o", n, t, all_D), v.pick("Wo", all_D, j))
            return Sum(f"sum_i o[n, t, i] Wo[i, {j}] + bo[{j}]", products, (v.pick("bo", j),))
        case "o":
            n, t, j = at
            g, i = divmod(j, d)
            looked = v.pick("cache.a", n, g, t, all_T)
            return Sum("sum_s a[n, h, t, s] v[n, h, s, i]", (looked, v.pick("cache.v", n, g, all_T, i)))
        case "a":
            return _softmax(v, at)
        case "s":
            n, g, t, s = at
            q, k = v.pick("cache.q", n, g, t, all_d), v.pick("cache.k", n, g, s, all_d)
            return Sum("sum_i q[n, h, t, i] k[n, h, s, i] / sqrt(d)", (share, q, k))
        case "q" | "k" | "v" as part:
            n, g, t, i = at
            j = PARTS.index(part) * D + g * d + i
            return Sum(
                f"sum_i x[n, t, i] W[i, {j}] + b[{j}]",
                (v.pick("x", n, t, all_D), v.pick("W", all_D, j)),
                (v.pick("b", j),),
            )
        case "dx":
            n, t, i = at
            return Sum(f"sum_j W[{i}, j] dqkv[n, t, j]", (v.pick("W", i, all_3D), v.pick("dqkv", n, t, all_3D)))
        case "dW":
            i, j = at
            return Sum("sum_nt x[n, t, i] dqkv[n, t, j]", (v.pick("x", *rows, i), v.pick("dqkv", *rows, j)))
        case "db":
            return Sum("sum_nt dqkv[n, t, j]", (v.pick("dqkv", *rows, at[0]),))
        case "dWo":
            i, j = at
            return Sum("sum_nt o[n, t, i] dy[n, t, j]", (v.pick("cache.o", *rows, i), v.pick("dy", *rows, j)))
        case "dbo":
            return Sum("sum_nt dy[n, t, j]", (v.pick("dy", *rows, at[0]),))
        case "do":
            n, g, t, i = at
            return Sum("sum_j Wo[i, j] dy[n, t, j]", (v.pick("Wo", g * d + i, all_D), v.pick("dy", n, t, all_D)))
        case "dA":
            n, g, t, s = at
            return Sum("sum_i v[s, i] do[t, i]", (v.pick("cache.v", n, g, s, all_d), v.pick("do", n, g, t, all_d)))
        case "dS":
            return jacobian(v, "cache.a", "dA", at)
        case "dqkv":
            return _dqkv_of(v, at)
    return None


def _dqkv_of(v: View, at: Index) -> Sum:
    """One of dQ = dS K / sqrt(d), dK = dS^T Q / sqrt(d), dV = A^T dO."""
    _, h, T, d = v["cache.q"].shape
    share, s = v.number("1/sqrt(d)", 1.0 / sqrt(d)), np.arange(T)
    n, t, j = at
    part, rest = divmod(j, h * d)
    g, i = divmod(rest, d)
    if part == 0:
        return Sum("sum_s dS[t, s] k[s, i] / sqrt(d)", (share, v.pick("cache.k", n, g, s, i), v.pick("dS", n, g, t, s)))
    if part == 1:
        return Sum("sum_s dS[s, t] q[s, i] / sqrt(d)", (share, v.pick("cache.q", n, g, s, i), v.pick("dS", n, g, s, t)))
    return Sum("sum_s a[s, t] do[s, i]", (v.pick("cache.a", n, g, s, t), v.pick("do", n, g, s, i)))


def _softmax(v: View, at: Index) -> Opening:
    n, g, t, s = at
    seen = [u for u in range(v["cache.q"].shape[2]) if not v.layer.causal or u <= t]
    if v.trace.mask is not None:
        seen = [u for u in seen if v.trace.mask[n, u]]
    if s not in seen:
        return Given("0: this step may not be looked at")
    order = [s, *(u for u in seen if u != s)]
    return Function(f"softmax(s[n, h, t])[{s}]", lambda: [v.line("s", (n, g, t, u)) for u in order])
