"""The kernels in NumPy: the truth that every twin is held against."""

from __future__ import annotations

from functools import cache, partial
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pellucid.base import normal, stable
from pellucid.base.arrays import Array, Shape, max_last, sum_last, sum_rows

Pair = tuple[int, int]  # along the height, along the width

NAME = "reference"
FEW = 1024  # numbers; for so few the call itself costs more than the work
PIECE = 1 << 16  # numbers worked on at a time, so that they stay in the processor's cache between the lines
RUN = 16  # numbers that lie side by side; shorter runs are copied faster the other way round


def times(x: Array, W: Array) -> Array:
    """`sum_d x[n, ..., d] W[d, k]`: every row of x times a matrix.

    `np.dot` itself, given more than two axes, takes one sum at a time: 10 times slower at (128, 10, 32) x (32, 128).

    >>> times(np.ones((2, 3, 4)), np.ones((4, 5))).shape
    (2, 3, 5)
    """
    if x.ndim == 2:
        y: Array = np.dot(x, W)
        return y
    return np.asarray(np.dot(x.reshape(-1, x.shape[-1]), W).reshape(*x.shape[:-1], W.shape[-1]))


@cache
def zero(dtype: np.dtype[Any]) -> Array:
    """A lone 0 of this type."""
    return np.zeros((), dtype)


def relu(x: Array) -> Array:
    """`max(x, 0)`. Long rows and a row of zeros instead of a lone 0 keep NumPy on its fast path: 3 times faster."""
    if x.size <= FEW:
        y: Array = np.maximum(x, zero(x.dtype))
        return y
    rows = x.reshape(-1, max(prod(x.shape[1:]), 1))
    return np.asarray(np.maximum(rows, np.zeros(rows.shape[1], x.dtype)).reshape(x.shape))


def relu_backward(dy: Array, y: Array) -> Array:
    """`dy` where y > 0, else 0."""
    return np.asarray(dy * (y > 0))


def select(condition: Array, a: Array, b: Array) -> Array:
    """`a` where the condition holds, else `b`, for arrays of one shape."""
    return np.where(condition, a, b)


def normal_cdf(x: Array) -> Array:
    """`Phi(x)`: how much of a standard normal lies below x."""
    return normal.normal_cdf(x)


def softmax(x: Array) -> Array:
    """`e^x_k / sum_j e^x_j` over the last axis."""
    return stable.softmax(x)


def softmax_cross_entropy(z: Array, t: Array) -> tuple[Array, Array]:
    """`l[n] = log sum_k e^z[n, k] - z[n, t_n]` and `p = softmax(z)`, for z (N, K) and ids (N,) or shares (N, K)."""
    s = z - max_last(z)  # (N, K), at most 0
    e = np.exp(s)
    total = sum_last(e)  # (N, 1)
    log_total = np.log(total)
    if t.dtype.kind in "iu":
        l = log_total[:, 0] - s[np.arange(len(s)), t.ravel()]
    else:
        l = (t.reshape(s.shape) * (log_total - s)).sum(axis=1)
    e *= 1.0 / total
    return l, e


def batch_norm(x: Array, g: Array, b: Array, eps: float) -> tuple[Array, Array, Array, Array, Array]:
    """`y = g xh + b` with `xh = (x - mu) r`, and xh, mu, var and r: see `pellucid.layers.BatchNorm` for the formula.

    >>> y, xh, mu, var, r = batch_norm(np.array([[1.0], [3.0]]), np.array([2.0]), np.array([5.0]), 0.0)
    >>> y.ravel(), mu, var
    (array([3., 7.]), array([2.]), array([1.]))
    """
    one_over_n = x.shape[-1] / x.size
    mu = sum_rows(x) * one_over_n  # (D,)
    xh = x - mu  # (N, ..., D)
    var = sum_rows(xh * xh) * one_over_n
    r = 1.0 / np.sqrt(var + eps)
    xh *= r
    y = g * xh
    y += b
    return y, xh, mu, var, r


def batch_norm_backward(dy: Array, xh: Array, gr: Array) -> tuple[Array, Array, Array]:
    """`dx = g r (dy - db / n - xh dg / n)`, `dg = sum_n dy xh` and `db = sum_n dy`; gr is g r, a number a feature."""
    one_over_n = dy.shape[-1] / dy.size
    dg, db = sum_rows(dy * xh), sum_rows(dy)  # (D,)
    dx = dy - db * one_over_n  # (N, ..., D)
    dx -= xh * (dg * one_over_n)
    dx *= gr
    return dx, dg, db


# ---- pictures (N, height, width, C): a window of kh x kw numbers slides over the height and the width ----------------


def patches(x: Array, kernel: Pair, stride: Pair, dilation: Pair) -> Array:
    """`P[n, h, w, i, j, c] = x[n, h s + i d, w s + j d, c]`: what each window sees (also called im2col).

    >>> patches(np.arange(4.0).reshape(1, 1, 4, 1), (1, 2), (1, 1), (1, 1)).reshape(3, 2)
    array([[0., 1.],
           [1., 2.],
           [2., 3.]])
    """
    N, C = x.shape[0], x.shape[3]
    Ho, Wo = _places(x.shape, kernel, stride, dilation)
    if kernel[1] * C >= RUN:
        a, b, c, d = x.strides
        steps = (a, b * stride[0], c * stride[1], b * dilation[0], c * dilation[1], d)
        return np.ascontiguousarray(as_strided(x, (N, Ho, Wo, *kernel, C), steps, writeable=False))
    planes = np.empty((*kernel, C, N, Ho, Wo), x.dtype)  # few channels: whole rows of the picture lie side by side
    for i, j in np.ndindex(*kernel):
        planes[i, j] = _seen(x, (i, j), (Ho, Wo), stride, dilation).transpose(3, 0, 1, 2)
    return planes.transpose(3, 4, 5, 0, 1, 2)


def fold(p: Array, shape: Shape, stride: Pair, dilation: Pair) -> Array:
    """`x[n, h s + i d, w s + j d, c] += P[n, h, w, i, j, c]`, from 0: the transpose of `patches`; overlaps add up.

    It is fastest where each `P[:, :, :, i, j, :]` lies in one piece of memory.

    >>> fold(np.ones((1, 1, 3, 1, 2, 1)), (1, 1, 4, 1), (1, 1), (1, 1)).ravel()
    array([1., 2., 2., 1.])
    """
    x = np.zeros(shape, p.dtype)
    for i, j in np.ndindex(*p.shape[3:5]):
        seen = _seen(x, (i, j), p.shape[1:3], stride, dilation)
        np.add(seen, p[:, :, :, i, j], out=seen)
    return x


def max_pool(x: Array, size: Pair, stride: Pair) -> tuple[Array, Array]:
    """The largest number of each window and where in the window it was (i * width + j); the first of equal ones.

    >>> y, winner = max_pool(np.array([1.0, 3.0, 2.0, 2.0]).reshape(1, 1, 4, 1), (1, 2), (1, 2))
    >>> y.ravel(), winner.ravel()
    (array([3., 2.]), array([1, 0], dtype=uint8))
    """
    out = _places(x.shape, size, stride, (1, 1))
    y = _seen(x, (0, 0), out, stride, (1, 1)).copy()
    kind = np.min_scalar_type(size[0] * size[1] - 1)
    winner = np.zeros(y.shape, kind)
    for k, at in enumerate(np.ndindex(*size)):
        if k:
            seen = _seen(x, at, out, stride, (1, 1))
            better = seen > y
            np.maximum(winner, better * kind.type(k), out=winner)  # k grows, so the last that was better stays
            np.maximum(y, seen, out=y)
    return y, winner


def max_pool_backward(dy: Array, winner: Array, shape: Shape, size: Pair, stride: Pair) -> Array:
    """dy at the winner of each window, 0 elsewhere; a number that won in several windows gets the sum."""
    dx = np.zeros(shape, dy.dtype)
    apart = stride[0] >= size[0] and stride[1] >= size[1]
    for k, at in enumerate(np.ndindex(*size)):
        seen = _seen(dx, at, dy.shape[1:3], stride, (1, 1))
        if apart:
            np.multiply(dy, winner == k, out=seen)
        else:
            seen += dy * (winner == k)
    return dx


def _places(shape: Shape, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """How many places a window has along the height and along the width."""
    H, W = ((shape[1 + a] - dilation[a] * (kernel[a] - 1) - 1) // stride[a] + 1 for a in (0, 1))
    return H, W


def _seen(x: Array, at: Pair, out: Shape, stride: Pair, dilation: Pair) -> Array:
    """A view of x: the number at the place `at` = (i, j) of every window, (N, *out, C)."""
    top, left = at[0] * dilation[0], at[1] * dilation[1]
    return x[:, top : top + stride[0] * out[0] : stride[0], left : left + stride[1] * out[1] : stride[1]]


def look_up(x: Array, rows: Array, columns: Array) -> Array:
    """The pictures x (N, H, W, C) at places between their pixels: rows and columns, float32 (N, h, w).

    Of the four pixels around a place, each counts as it is near (bilinear); what is outside is as the last inside.
    H and W are 2 or more.
    """
    N, H, W, C = x.shape
    rows, columns = np.clip(rows, 0.0, H - 1.0), np.clip(columns, 0.0, W - 1.0)
    top, left = np.minimum(rows.astype(np.intp), H - 2), np.minimum(columns.astype(np.intp), W - 2)
    rows -= top
    columns -= left
    down, right = rows[..., None], columns[..., None]
    at = (top + np.arange(N)[:, None, None] * H) * W + left
    flat = x.reshape(-1) if C == 1 else x.reshape(-1, C)
    pixel = partial(flat.take, axis=0, mode="wrap")  # every place is inside, and this mode is the fastest
    upper, lower = (
        _between(pixel(k).reshape(*at.shape, C), pixel(k + 1).reshape(*at.shape, C), right) for k in (at, at + W)
    )
    return _between(upper, lower, down)


def _between(a: Array, b: Array, share: Array) -> Array:
    """`a + share (b - a)`, in the place of a."""
    b -= a
    b *= share
    a += b
    return a


def adam(
    theta: Array, grad: Array, m: Array, v: Array, lr: float, beta1: float, beta2: float, eps: float, t: int
) -> None:
    """One Adam step, in place; see `pellucid.optim.Adam` for the formula.

    The two bias corrections are numbers, not vectors, so they are worked into the learning rate and eps:
    `lr mh / (sqrt(vh) + eps) = rate m / (sqrt(v) + small)`.
    """
    c1, c2 = 1.0 - beta1**t, (1.0 - beta2**t) ** 0.5
    rate, small = lr * c2 / c1, eps * c2
    scratch = np.empty(min(PIECE, theta.size), theta.dtype)
    for i in range(0, theta.size, PIECE):
        at = slice(i, i + PIECE)
        g, M, V, w = grad[at], m[at], v[at], theta[at]
        a = scratch[: g.size]
        np.multiply(M, beta1, M)  # m = beta1 m + (1 - beta1) g
        np.multiply(g, 1.0 - beta1, a)
        np.add(M, a, M)
        np.multiply(V, beta2, V)  # v = beta2 v + (1 - beta2) g^2
        np.multiply(a, g, a)
        np.multiply(a, (1.0 - beta2) / (1.0 - beta1), a)
        np.add(V, a, V)
        np.sqrt(V, a)  # theta -= rate m / (sqrt(v) + small)
        np.add(a, small, a)
        np.divide(M, a, a)
        np.multiply(a, rate, a)
        np.subtract(w, a, w)
