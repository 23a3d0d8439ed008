"""The compiled kernels for pictures (N, height, width, C): pooling, the sum that undoes patches, and looking
up. See jit.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.kernels import reference
from pellucid.kernels.compiler import kernel

Pair = tuple[int, int]

patches = reference.patches  # NumPy copies these in long pieces already: a twin has not been worth its lines


@kernel
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


@kernel
def _larger(a: Any, b: Any) -> Any:
    return a if a >= b or a != a else b  # so a nan stays a nan


@kernel
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


@kernel
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


@kernel
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


@kernel
def _look_up(x: Array, rows: Array, columns: Array, y: Array) -> None:
    N, H, W, C = x.shape
    flat, out = x.reshape(-1), y.reshape(-1)
    low, high, wide = np.float32(0), np.float32(H - 1), np.float32(W - 1)
    p = np.uint64(0)
    for n in range(N):
        for i in range(rows.shape[1]):
            for j in range(rows.shape[2]):
                r, q = min(max(rows[n, i, j], low), high), min(max(columns[n, i, j], low), wide)
                top, left = min(np.uint32(r), np.uint32(H - 2)), min(np.uint32(q), np.uint32(W - 2))
                down, right = r - np.float32(top), q - np.float32(left)
                a = np.uint64(((n * H + top) * W + left) * C)
                b = a + np.uint64(W * C)
                for _ in range(C):
                    upper = flat[a] + (flat[a + np.uint64(C)] - flat[a]) * right
                    lower = flat[b] + (flat[b + np.uint64(C)] - flat[b]) * right
                    out[p] = upper + (lower - upper) * down
                    a, b, p = a + np.uint64(1), b + np.uint64(1), p + np.uint64(1)


def look_up(x: Array, rows: Array, columns: Array) -> Array:
    """The pictures x (N, H, W, C) at places between their pixels: rows and columns, float32 (N, h, w)."""
    y = np.empty((*rows.shape, x.shape[3]), x.dtype)
    _look_up(np.ascontiguousarray(x), np.ascontiguousarray(rows), np.ascontiguousarray(columns), y)
    return y
