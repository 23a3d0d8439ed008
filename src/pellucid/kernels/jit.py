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


ROWS = 256  # rows that are summed in the array's own type, before the sum goes to a total in float64
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


@_compile  # type: ignore[untyped-decorator]
def _batch_norm(x: Array, g: Array, b: Array, eps: Any, y: Array, xh: Array, mu: Array, var: Array, r: Array) -> None:
    n, D = x.shape
    part, total = np.empty_like(mu), np.zeros((2, D))
    for i in range(0, n, ROWS):
        part[:] = 0
        for k in range(i, min(i + ROWS, n)):
            for d in range(D):
                part[d] += x[k, d]
        total[0] += part
    mu[:] = total[0] / n
    for i in range(0, n, ROWS):
        part[:] = 0
        for k in range(i, min(i + ROWS, n)):
            for d in range(D):
                off = x[k, d] - mu[d]
                part[d] += off * off
        total[1] += part
    var[:] = total[1] / n
    r[:] = 1 / np.sqrt(var + eps)
    for k in range(n):
        for d in range(D):
            xh[k, d] = (x[k, d] - mu[d]) * r[d]
            y[k, d] = g[d] * xh[k, d] + b[d]


def batch_norm(x: Array, g: Array, b: Array, eps: float) -> tuple[Array, Array, Array, Array, Array]:
    """`y = g xh + b` with `xh = (x - mu) r`, and xh, mu, var and r: see `pellucid.layers.BatchNorm` for the formula."""
    x = np.ascontiguousarray(x)
    y, xh, mu, var, r = np.empty_like(x), np.empty_like(x), np.empty_like(g), np.empty_like(g), np.empty_like(g)
    rows = (-1, x.shape[-1])
    _batch_norm(x.reshape(rows), g, b, x.dtype.type(eps), y.reshape(rows), xh.reshape(rows), mu, var, r)
    return y, xh, mu, var, r


@_compile  # type: ignore[untyped-decorator]
def _batch_norm_backward(dy: Array, xh: Array, gr: Array, dx: Array, dg: Array, db: Array) -> None:
    n, D = dy.shape
    part_g, part_b, total = np.empty_like(dg), np.empty_like(dg), np.zeros((2, D))
    for i in range(0, n, ROWS):
        part_g[:], part_b[:] = 0, 0
        for k in range(i, min(i + ROWS, n)):
            for d in range(D):
                part_g[d] += dy[k, d] * xh[k, d]
                part_b[d] += dy[k, d]
        total[0] += part_g
        total[1] += part_b
    dg[:], db[:] = total[0], total[1]
    part_g[:], part_b[:] = total[0] / n, total[1] / n
    for k in range(n):
        for d in range(D):
            dx[k, d] = gr[d] * (dy[k, d] - part_b[d] - xh[k, d] * part_g[d])


def batch_norm_backward(dy: Array, xh: Array, gr: Array) -> tuple[Array, Array, Array]:
    """`dx = g r (dy - db / n - xh dg / n)`, `dg = sum_n dy xh` and `db = sum_n dy`; gr is g r, a number a feature."""
    dy, xh = np.ascontiguousarray(dy), np.ascontiguousarray(xh)
    dx, dg, db = np.empty_like(dy), np.empty_like(gr), np.empty_like(gr)
    rows = (-1, dy.shape[-1])
    _batch_norm_backward(dy.reshape(rows), xh.reshape(rows), gr, dx.reshape(rows), dg, db)
    return dx, dg, db


patches = reference.patches  # NumPy copies these in long pieces already: a twin has not been worth its lines


@_compile  # type: ignore[untyped-decorator]
def _fold(p: Array, stride: Pair, dilation: Pair, x: Array) -> None:
    kh, kw, N, H, W, C = p.shape
    for n in range(N):
        for h in range(H):
            for i in range(kh):
                for j in range(kw):
                    for w in range(W):
                        part = p[i, j, n, h, w]
                        seen = x[n, h * stride[0] + i * dilation[0], w * stride[1] + j * dilation[1]]
                        for c in range(C):
                            seen[c] += part[c]


def fold(p: Array, shape: Shape, stride: Pair, dilation: Pair) -> Array:
    """`x[n, h s + i d, w s + j d, c] += P[n, h, w, i, j, c]`, from 0; each row of x stays in the cache meanwhile."""
    x = np.zeros(shape, p.dtype)
    _fold(np.ascontiguousarray(p.transpose(3, 4, 0, 1, 2, 5)), stride, dilation, x)
    return x


@_compile  # type: ignore[untyped-decorator]
def _larger(a: Any, b: Any) -> Any:
    return a if a >= b or a != a else b  # so a nan stays a nan


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


@_compile  # type: ignore[untyped-decorator]
def _max_pool_2x2(x: Array, y: Array, winner: Array) -> None:
    """The usual window, side by side with the next: the four numbers at once, which is 3 times faster."""
    N, H, W, C = y.shape
    for n in range(N):
        for h in range(H):
            for w in range(W):
                a, b, best = x[n, 2 * h, 2 * w], x[n, 2 * h, 2 * w + 1], y[n, h, w]
                c, d, who = x[n, 2 * h + 1, 2 * w], x[n, 2 * h + 1, 2 * w + 1], winner[n, h, w]
                for k in range(C):
                    best[k] = _larger(_larger(a[k], b[k]), _larger(c[k], d[k]))
                for k in range(C):
                    who[k] = 0 if a[k] == best[k] else 1 if b[k] == best[k] else 2 if c[k] == best[k] else 3


def max_pool(x: Array, size: Pair, stride: Pair) -> tuple[Array, Array]:
    """The largest number of each window and where in the window it was (i * width + j); the first of equal ones."""
    N, H, W, C = x.shape
    shape = (N, (H - size[0]) // stride[0] + 1, (W - size[1]) // stride[1] + 1, C)
    y, winner = np.empty(shape, x.dtype), np.empty(shape, np.min_scalar_type(size[0] * size[1] - 1))
    if size == stride == (2, 2):
        _max_pool_2x2(np.ascontiguousarray(x), y, winner)
    else:
        _max_pool(np.ascontiguousarray(x), size, stride, y, winner)
    return y, winner


@_compile  # type: ignore[untyped-decorator]
def _max_pool_backward(dy: Array, winner: Array, size: Pair, stride: Pair, apart: bool, dx: Array) -> None:
    N, H, W, C = dy.shape
    for n in range(N):
        for h in range(H):
            for w in range(W):
                d, who = dy[n, h, w], winner[n, h, w]
                for i in range(size[0]):
                    for j in range(size[1]):
                        k = i * size[1] + j
                        seen = dx[n, h * stride[0] + i, w * stride[1] + j]
                        if apart:
                            for c in range(C):
                                seen[c] = d[c] if who[c] == k else 0
                        else:
                            for c in range(C):
                                seen[c] += d[c] if who[c] == k else 0


def max_pool_backward(dy: Array, winner: Array, shape: Shape, size: Pair, stride: Pair) -> Array:
    """dy at the winner of each window, 0 elsewhere; a number that won in several windows gets the sum."""
    apart = stride[0] >= size[0] and stride[1] >= size[1]
    tiled = stride == size and shape[1:3] == (dy.shape[1] * size[0], dy.shape[2] * size[1])  # each is written once
    dx = np.empty(shape, dy.dtype) if tiled else np.zeros(shape, dy.dtype)
    _max_pool_backward(np.ascontiguousarray(dy), winner, size, stride, apart, dx)
    return dx
