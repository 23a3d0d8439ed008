"""The same kernels compiled by numba: one pass over the memory where NumPy makes a dozen.

`error_model="numpy"` lets a division give inf instead of an exception; without it no loop with a division is
vectorised. Compiled code is kept on disk (numba's cache), so only a machine's first run waits for the compiler.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from pellucid.base.arrays import Array
from pellucid.kernels import reference

NAME = "jit"
_compile: Any = numba.njit(error_model="numpy", cache=True, nogil=True)


SMALL = 4096  # numbers; NumPy's vectorised exponential is faster for more


@_compile  # type: ignore[untyped-decorator]
def _relu(x: Array, y: Array) -> None:
    for i in range(x.size):
        y[i] = 0 if x[i] <= 0 else x[i]  # so a nan stays a nan


def relu(x: Array) -> Array:
    """`max(x, 0)`."""
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


# No twins yet for what NumPy copies in long pieces already.
patches, fold = reference.patches, reference.fold
max_pool, max_pool_backward = reference.max_pool, reference.max_pool_backward
