"""The same kernels compiled by numba: one pass over the memory where NumPy makes a dozen.

Compiled code is kept on disk, so only a machine's first run waits for the compiler: see compiler.py. The kernels for
pictures are in jit_pictures.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.normal import series
from pellucid.kernels import reference
from pellucid.kernels.compiler import kernel, listen
from pellucid.kernels.jit_pictures import fold as fold
from pellucid.kernels.jit_pictures import look_up as look_up
from pellucid.kernels.jit_pictures import max_pool as max_pool
from pellucid.kernels.jit_pictures import max_pool_backward as max_pool_backward
from pellucid.kernels.jit_pictures import patches as patches

NAME = "jit"
listen("pellucid.kernels")

ROWS = 256  # rows that are summed in the array's own type, before the sum goes to a total in float64
BLOCK = 512  # numbers that stay in the innermost cache
SMALL = 4096  # numbers; NumPy's vectorised exponential is faster for more
WIDE = 1 << 15  # numbers of a matrix; for fewer a product by BLAS costs little more than its call
HALF = 0.5  # of a row's numbers; a row with more that are not 0 is multiplied faster by BLAS


@kernel
def _one_row(x: Array, W: Array, y: Array) -> bool:
    """y = x W for one row of which at most HALF the numbers are not 0; False, and nothing done, if there are more."""
    D, n = x.size, 0
    for d in range(D):
        n += x[0, d] != 0  # a nan is not 0
    if n > HALF * D:
        return False
    at, n = np.empty(D, np.int64), 0
    for d in range(D):  # no branch, which a processor could not foresee
        at[n] = d
        n += x[0, d] != 0
    y[0] = 0
    for i in range(0, n - 3, 4):
        a, b, c, e = at[i], at[i + 1], at[i + 2], at[i + 3]
        for k in range(y.size):
            y[0, k] += x[0, a] * W[a, k] + x[0, b] * W[b, k] + x[0, c] * W[c, k] + x[0, e] * W[e, k]
    for i in range(n - n % 4, n):
        for k in range(y.size):
            y[0, k] += x[0, at[i]] * W[at[i], k]
    return True


def times(x: Array, W: Array) -> Array:
    """`sum_d x[n, ..., d] W[d, k]`. Of one row that is mostly 0, as a drawing is, only the other numbers are used."""
    if x.ndim != 2:
        return reference.times(x, W)
    y: Array
    if len(x) == 1 and W.size >= WIDE and W.flags.c_contiguous:
        y = np.empty((1, W.shape[1]), x.dtype)
        if _one_row(x, W, y):
            return y
    y = np.dot(x, W)
    return y


@kernel
def _relu(x: Array, y: Array) -> None:
    for i in range(x.size):
        y[i] = 0 if x[i] <= 0 else x[i]  # so a nan stays a nan


def relu(x: Array) -> Array:
    """`max(x, 0)`."""
    y: Array
    if x.size <= reference.FEW:
        y = np.maximum(x, reference.zero(x.dtype))
        return y
    x = np.ascontiguousarray(x)
    y = np.empty_like(x)
    _relu(x.reshape(-1), y.reshape(-1))
    return y


@kernel
def _relu_backward(dy: Array, y: Array, dx: Array) -> None:
    for i in range(y.size):
        dx[i] = dy[i] if y[i] > 0 else 0


def relu_backward(dy: Array, y: Array) -> Array:
    """`dy` where y > 0, else 0."""
    dy, y = np.ascontiguousarray(dy), np.ascontiguousarray(y)
    dx = np.empty_like(dy)
    _relu_backward(dy.reshape(-1), y.reshape(-1), dx.reshape(-1))
    return dx


@kernel
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


@kernel
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


@kernel
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


@kernel
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


@kernel
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


@kernel
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


@kernel
def _select(condition: Array, a: Array, b: Array, y: Array) -> None:
    for i in range(y.size):
        y[i] = a[i] if condition[i] else b[i]


def select(condition: Array, a: Array, b: Array) -> Array:
    """`a` where the condition holds, else `b`, for arrays of one shape; NumPy decides number by number."""
    y = np.empty_like(a, order="C")
    _select(*(np.ascontiguousarray(array).reshape(-1) for array in (condition, a, b)), y.reshape(-1))
    return y


@kernel
def _log_tail(x: Array, terms: Array, e: Array) -> None:
    """e = log(erfc(z) / t) with z = |x| / sqrt 2: Clenshaw's recurrence on BLOCK numbers at a time, term by term."""
    two, half, root = x.dtype.type(2), x.dtype.type(0.5), x.dtype.type(0.5**0.5)
    y2, ahead, behind = np.empty(BLOCK, x.dtype), np.empty(BLOCK, x.dtype), np.empty(BLOCK, x.dtype)
    for i in range(0, x.size, BLOCK):
        part, to = x[i : i + BLOCK], e[i : i + BLOCK]
        for k in range(part.size):
            z = abs(part[k]) * root
            y2[k] = two * (two * (two / (two + z)) - x.dtype.type(1))
            to[k] = -z * z
            ahead[k] = behind[k] = 0
        for j in range(terms.size - 1, 0, -1):
            c = terms[j]
            for k in range(part.size):
                before = ahead[k]
                ahead[k] = y2[k] * before - behind[k] + c
                behind[k] = before
        for k in range(part.size):
            to[k] += half * y2[k] * ahead[k] - behind[k] + terms[0]


@kernel
def _both_tails(x: Array, e: Array) -> None:
    half, one, two, root = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(2), x.dtype.type(0.5**0.5)
    for i in range(x.size):
        tail = half * (two / (two + abs(x[i]) * root)) * e[i]
        e[i] = one - tail if x[i] > 0 else tail


def normal_cdf(x: Array) -> Array:
    """`Phi(x)`, see `pellucid.base.normal`; the exponential between the two loops is NumPy's, which is vectorised."""
    flat = np.ascontiguousarray(x).reshape(-1)
    e = np.empty_like(flat)
    _log_tail(flat, series(x.dtype), e)
    np.exp(e, out=e)
    _both_tails(flat, e)
    return e.reshape(x.shape)
