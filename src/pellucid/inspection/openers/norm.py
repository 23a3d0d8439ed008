"""Openers of the norms. They differ only in which numbers a mean runs over; `group` says which those are."""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.openers.view import Index, View, everywhere, opens
from pellucid.inspection.openings import Function, Opening, Sum
from pellucid.layers import BatchNorm, GroupNorm, LayerNorm


def fixed(v: View) -> bool:
    """Whether it used the running numbers instead of the batch's."""
    return "fixed" in v.cache


def group(v: View, at: Index) -> tuple[Array, ...]:
    """The places of all numbers that share a mean with the one at `at`."""
    shape = v["x"].shape
    if isinstance(v.layer, BatchNorm):
        return (*everywhere(shape[:-1]), np.asarray(at[-1]))
    if isinstance(v.layer, GroupNorm):
        size = shape[-1] // v.layer.groups
        first = at[-1] // size * size
        *inner, c = everywhere((*shape[1:-1], size))
        return (np.asarray(at[0]), *inner, c + first)
    return (*(np.asarray(i) for i in at[:-1]), np.arange(shape[-1]))


def average(v: View, x: Array) -> Array:
    """The mean over what belongs together, in float64, in a shape with axes of length 1."""
    if isinstance(v.layer, BatchNorm):
        return np.asarray(x.mean(axis=tuple(range(x.ndim - 1)), keepdims=True))
    return np.asarray(v.layer.average(x))


def place(array: Array, at: Index) -> Index:
    """Where in an array with axes of length 1 (or only the last axis) the number for `at` is."""
    at = at[-1:] if array.ndim == 1 else at
    return tuple(i if size > 1 else 0 for i, size in zip(at, array.shape, strict=True))


WORKED = {
    "mu": lambda v: average(v, v["x"].astype(np.float64)),
    "d": lambda v: v["x"].astype(np.float64) - v["mu"],
    "variance": lambda v: average(v, v["d"] ** 2),
    "E": lambda v: v["g"].astype(np.float64) * v["dy"],
    "mean_E": lambda v: average(v, v["E"]),
    "mean_EX": lambda v: average(v, v["E"] * v["cache.xh"]),
}


@opens(BatchNorm, LayerNorm, GroupNorm, worked=WORKED)
def norm(v: View, name: str, at: Index) -> Opening | None:
    """Y = g Xh + b with Xh = (X - mu) r; dX = r (E - mean E - Xh mean(E * Xh)) with E = g dY."""
    d = at[-1]
    minus = v.number("-1", -1.0)
    if name == "y":
        return Sum(f"g[{d}] xh + b[{d}]", (v.pick("g", d), v.pick("cache.xh", *at)), (v.pick("b", d),))
    if name == "cache.xh":
        r = v.pick("cache.r", *place(v["cache.r"], at))
        mean = v.pick("mean", d) if fixed(v) else v.pick("mu", *place(v["mu"], at))
        return Sum("(x - mu) r", (v.pick("x", *at), r), (minus, mean, r))
    if name == "dx":
        r = v.pick("cache.r", *place(v["cache.r"], at))
        if fixed(v):
            return Sum("r E", (r, v.pick("E", *at)))
        here = place(v["mean_E"], at)
        return Sum(
            "r (E - mean E - xh mean(E xh))",
            (r, v.pick("E", *at)),
            (minus, r, v.pick("mean_E", *here)),
            (minus, r, v.pick("cache.xh", *at), v.pick("mean_EX", *here)),
        )
    if name in ("dg", "db"):
        dy = v.pick("dy", *v.rows("dy"), d)
        if name == "db":
            return Sum(f"sum_n dy[n, {d}]", (dy,))
        return Sum(f"sum_n xh[n, {d}] dy[n, {d}]", (v.pick("cache.xh", *v.rows("dy"), d), dy))
    if name == "d":
        return Sum("x - mu", (v.pick("x", *at),), (minus, v.pick("mu", *place(v["mu"], at))))
    if name == "E":
        return Sum(f"g[{d}] dy", (v.pick("g", d), v.pick("dy", *at)))
    if name == "cache.r":
        return _rate(v, at)
    return _mean(v, name, at)


def _rate(v: View, at: Index) -> Opening:
    """r = 1 / sqrt(var + eps)."""
    if fixed(v):
        return Function(f"1 / sqrt(var + {v.layer.eps:g})", lambda: [v.line("var", at)])
    shape = v["variance"].shape
    spot = (*[0] * (len(shape) - len(at)), *at)
    return Function(f"1 / sqrt(variance + {v.layer.eps:g})", lambda: [v.line("variance", spot)])


def _mean(v: View, name: str, at: Index) -> Opening | None:
    """A mean: 1/n times each number of the group."""
    inside = {"mu": ("x",), "variance": ("d", "d"), "mean_E": ("E",), "mean_EX": ("cache.xh", "E")}
    if name not in inside:
        return None
    members = group(v, at)
    n = max(m.size for m in members)
    share = v.number(f"1/{n}", 1.0 / n)
    said = " ".join(part.removeprefix("cache.") for part in inside[name])
    return Sum(f"mean of {said}", (share, *(v.pick(part, *members) for part in inside[name])))
