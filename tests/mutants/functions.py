"""Dense layers as pairs of functions, with arguments by name or with a cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.mutants.dense import bend, unbend

Array = Any
Gradients = Callable[[Array, Array, Array, Array, Array, Array], tuple[Any, ...]]


def right(x: Array, w: Array, dz: Array, dy: Array, y: Array, z: Array) -> tuple[Any, ...]:
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def _updating(x: Array, w: Array, dz: Array, dy: Array, y: Array, z: Array) -> tuple[Any, ...]:
    dw = x.T @ dz
    w -= 0.5 * dw
    return dz @ w.T, dw, dz.sum(axis=0)


def _overwriting(x: Array, w: Array, dz: Array, dy: Array, y: Array, z: Array) -> tuple[Any, ...]:
    out = right(x, w, dz, dy, y, z)
    dy *= 0.0
    return out


MISTAKES: dict[str, list[tuple[str, Gradients]]] = {
    "sign": [
        ("in all", lambda x, w, dz, dy, y, z: right(x, w, -dz, dy, y, z)),
        ("in dw", lambda x, w, dz, dy, y, z: (dz @ w.T, -x.T @ dz, dz.sum(axis=0))),
    ],
    "extra 1/N": [("in all", lambda x, w, dz, dy, y, z: right(x, w, dz / len(x), dy, y, z))],
    "averaged instead of summed": [
        ("both", lambda x, w, dz, dy, y, z: (dz @ w.T, x.T @ dz / len(x), dz.mean(axis=0))),
        ("db", lambda x, w, dz, dy, y, z: (dz @ w.T, x.T @ dz, dz.mean(axis=0))),
    ],
    "transposed": [("dw", lambda x, w, dz, dy, y, z: (dz @ w.T, dz.T @ x, dz.sum(axis=0)))],
    "not summed over the batch": [
        ("db", lambda x, w, dz, dy, y, z: (dz @ w.T, x.T @ dz, dz)),
        ("db over the outputs", lambda x, w, dz, dy, y, z: (dz @ w.T, x.T @ dz, dz.sum(axis=1))),
    ],
    "one sample only": [
        ("dw", lambda x, w, dz, dy, y, z: (dz @ w.T, np.outer(x[0], dz[0]), dz.sum(axis=0))),
        ("db", lambda x, w, dz, dy, y, z: (dz @ w.T, x.T @ dz, dz[-1])),
    ],
    "bias gradient a scalar": [("", lambda x, w, dz, dy, y, z: (dz @ w.T, x.T @ dz, dz.sum()))],
    "activation derivative missing": [("", lambda x, w, dz, dy, y, z: right(x, w, dy, dy, y, z))],
    "wrong input cached": [("the output", lambda x, w, dz, dy, y, z: (dz @ w.T, y.T @ dz, dz.sum(axis=0)))],
    "weights updated before use": [("", _updating)],
    "argument overwritten": [("dy", _overwriting)],
}


def by_name(bent: str, gradients: Gradients) -> tuple[Any, Any]:
    """forward(x, w, b) and backward(dy, x, w, b)."""

    def dense_forward(x: Array, w: Array, b: Array) -> Array:
        return bend(bent, x @ w + b)

    def dense_backward(dy: Array, x: Array, w: Array, b: Array) -> tuple[Any, ...]:
        z = x @ w + b
        y = bend(bent, z)
        return gradients(x, w, unbend(bent, z, y, dy), dy, y, z)

    return dense_forward, dense_backward


def by_cache(bent: str, gradients: Gradients) -> tuple[Any, Any]:
    """forward(x, w, b) -> out, cache and backward(dout, cache)."""

    def affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, Any]:
        z = x @ w + b
        y = bend(bent, z)
        return y, (x, w, z, y)

    def affine_backward(dout: Array, cache: Any) -> tuple[Any, ...]:
        x, w, z, y = cache
        return gradients(x, w, unbend(bent, z, y, dout), dout, y, z)

    return affine_forward, affine_backward


def by_dict(bent: str, gradients: Gradients) -> tuple[Any, Any]:
    """The same, and a dict of gradients comes back."""
    forward, _ = by_name(bent, gradients)

    def backward(dy: Array, x: Array, w: Array, b: Array) -> dict[str, Any]:
        z = x @ w + b
        y = bend(bent, z)
        dx, dw, db = gradients(x, w, unbend(bent, z, y, dy), dy, y, z)
        return {"dw": dw, "db": db, "dx": dx}

    return forward, backward
