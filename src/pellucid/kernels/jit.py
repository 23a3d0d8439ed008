"""The same kernels compiled by numba: one pass over the memory where NumPy makes a dozen.

`error_model="numpy"` lets a division give inf instead of an exception; without it no loop with a division is
vectorised. Compiled code is kept on disk, so only a machine's first run waits for the compiler: see compiler.py.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.kernels import reference
from pellucid.kernels.compiler import compiled, listen

Pair = tuple[int, int]

NAME = "jit"
_compile: Any = compiled(numba.njit, error_model="numpy", nogil=True)
listen(__name__)


SMALL = 4096  # numbers; NumPy's vectorised exponential is faster for more


@_compile  # type: ignore[untyped-decorator]
def _relu(x: Array, y: Array) -> None:
    for i in range(x.size):
        y[i] = 0 if x[i] <= 0 else x[i]  # so a nan stays a nan


def relu(x: Array) -> Array:
    """`max(x, 0)`."""
    if x.size <= reference.FEW:
        return reference.relu(x)
    x = np.ascontiguousarray(x)
    y = np.empty_like(x)
    _relu(x.reshape(-1), y.reshape(-1))
    return y


@_compile  # type: ignore[untyped-decorator]
def _relu_backward(dy: Array, y: Array, dx: Array) -> None:
    for i in range(y.size):
        dx[i] = dy[i] if y[i] > 0 else 0


def relu_backward(dy: Array, y: Array) -> Array:
    """`dy` where y > 0, else 0."""
    dy, y = np.ascontiguousarray(dy), np.ascontiguousarray(y)
    dx = np.empty_like(dy)
    _relu_backward(dy.reshape(-1), y.reshape(-1), dx.reshape(-1))
    return dx


@_compile  # type: ignore[untyped-decorator]
def _softmax_row(z: Array, p: Array) -> Any:
    """p = softmax(z) for one row; the largest z and the sum of e^(z - largest) are returned."""
    top = z[0]
    for k in range(1, z.size):
        top = max(top, z[k])
    total = z.dtype.type(0)
    for k in range(z.size):
        p[k] = np.exp(z[k] - top)
        total += p[k]
    one_over = z.dtype.type(1) / total
    for k in range(z.size):
        p[k] *= one_over
    return top, total


@_compile  # type: ignore[untyped-decorator]
def _softmax(z: Array, p: Array) -> None:
    for n in range(len(z)):
        _softmax_row(z[n], p[n])


def softmax(x: Array) -> Array:
    """`e^x_k / sum_j e^x_j` over the last axis."""
    if x.size > SMALL or x.size == 0:
        return reference.softmax(x)
    x = np.ascontiguousarray(x)
    p = np.empty_like(x)
    if x.ndim == 2:
        _softmax(x, p)
    else:
        _softmax(x.reshape(-1, x.shape[-1]), p.reshape(-1, x.shape[-1]))
    return p


@_compile  # type: ignore[untyped-decorator]
def _softmax_cross_entropy(z: Array, t: Array, l: Array, p: Array) -> None:
    for n in range(len(z)):
        top, total = _softmax_row(z[n], p[n])
        l[n] = np.log(total) - (z[n, t[n]] - top)


def softmax_cross_entropy(z: Array, t: Array) -> tuple[Array, Array]:
    """`l[n] = log sum_k e^z[n, k] - z[n, t_n]` and `p = softmax(z)`, for z (N, K) and ids (N,) or shares (N, K)."""
    if t.dtype.kind not in "iu" or z.size > SMALL:
        return reference.softmax_cross_entropy(z, t)
    l, p = np.empty(len(z), z.dtype), np.empty(z.shape, z.dtype)
    _softmax_cross_entropy(z, t.ravel(), l, p)
    return l, p


@_compile  # type: ignore[untyped-decorator]
def _adam(theta: Array, g: Array, m: Array, v: Array, rate: Any, one1: Any, one2: Any, small: Any) -> None:
    for i in range(theta.size):
        m[i] += one1 * (g[i] - m[i])
        v[i] += one2 * (g[i] * g[i] - v[i])
        theta[i] -= rate * m[i] / (np.sqrt(v[i]) + small)


def adam(
    theta: Array, grad: Array, m: Array, v: Array, lr: float, beta1: float, beta2: float, eps: float, t: int
) -> None:
    """One Adam step, in place; see `pellucid.optim.Adam` for the formula."""
    c1, c2 = 1.0 - beta1**t, (1.0 - beta2**t) ** 0.5
    real = theta.dtype.type  # numbers of the vector's own type, or the loop would compute in float64
    _adam(theta, grad, m, v, real(lr * c2 / c1), real(1.0 - beta1), real(1.0 - beta2), real(eps * c2))


# NumPy copies and adds these in long pieces already: a twin has not been worth its lines.
patches, fold = reference.patches, reference.fold


@_compile  # type: ignore[untyped-decorator]
def _max_pool(x: Array, size: Pair, stride: Pair, y: Array, winner: Array) -> None:
    N, H, W, C = y.shape
    for n in range(N):
        for h in range(H):
            for w in range(W):
                best, who = y[n, h, w], winner[n, h, w]
                for i in range(size[0]):
                    for j in range(size[1]):
                        k = i * size[1] + j
                        seen = x[n, h * stride[0] + i, w * stride[1] + j]
                        for c in range(C):
                            better = k == 0 or seen[c] > best[c] or seen[c] != seen[c]  # a nan stays a nan
                            best[c] = seen[c] if better else best[c]
                            who[c] = k if better else who[c]


def max_pool(x: Array, size: Pair, stride: Pair) -> tuple[Array, Array]:
    """The largest number of each window and where in the window it was (i * width + j); the first of equal ones."""
    N, H, W, C = x.shape
    shape = (N, (H - size[0]) // stride[0] + 1, (W - size[1]) // stride[1] + 1, C)
    y, winner = np.empty(shape, x.dtype), np.empty(shape, np.min_scalar_type(size[0] * size[1] - 1))
    _max_pool(np.ascontiguousarray(x), size, stride, y, winner)
    return y, winner


@_compile  # type: ignore[untyped-decorator]
def _max_pool_backward(dy: Array, winner: Array, size: Pair, stride: Pair, dx: Array) -> None:
    N, H, W, C = dy.shape
    for n in range(N):
        for h in range(H):
            for w in range(W):
                d, who = dy[n, h, w], winner[n, h, w]
                for i in range(size[0]):
                    for j in range(size[1]):
                        k = i * size[1] + j
                        seen = dx[n, h * stride[0] + i, w * stride[1] + j]
                        for c in range(C):
                            seen[c] += d[c] if who[c] == k else 0


def max_pool_backward(dy: Array, winner: Array, shape: Shape, size: Pair, stride: Pair) -> Array:
    """dy at the winner of each window, 0 elsewhere; a number that won in several windows gets the sum."""
    dx = np.zeros(shape, dy.dtype)
    _max_pool_backward(np.ascontiguousarray(dy), winner, size, stride, dx)
    return dx
