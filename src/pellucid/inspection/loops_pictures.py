"""Pictures neuron by neuron, in plain Python: convolution, pooling and batch norm as loops over lists.

A picture is a list of rows, a row a list of places, a place a list of channels: x[n][h][w][c]. See loops.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

from pellucid.inspection.loops import Row
from pellucid.layers.window import Window

Pictures = list[list[list[Row]]]


def zeros(*shape: int) -> Any:
    """Lists in lists, all 0.

    >>> zeros(2, 1)
    [[0.0], [0.0]]
    """
    return [zeros(*shape[1:]) for _ in range(shape[0])] if shape else 0.0


def seen(at: Window, h: int, w: int) -> Iterator[tuple[int, int, int, int]]:
    """What the window at the place (h, w) sees of the picture: (i, j) in the window, (row, column) in the picture.

    Places in the padding are left out: there is 0, which adds nothing to a sum.
    """
    for i in range(at.kernel[0]):
        for j in range(at.kernel[1]):
            row = h * at.stride[0] + i * at.dilation[0] - at.pads[0][0]
            column = w * at.stride[1] + j * at.dilation[1] - at.pads[1][0]
            if 0 <= row < at.inside[0] and 0 <= column < at.inside[1]:
                yield i, j, row, column


def conv_forward(x: Pictures, W: Any, b: Row, at: Window) -> Pictures:
    """y[n][h][w][o] = b[o] + sum_ijc x[n][h s + i d][w s + j d][c] W[i][j][c][o]      c: of o's own group only"""
    C, O = len(W[0][0]), len(b)
    G = len(x[0][0][0]) // C
    y = zeros(len(x), *at.out, O)
    for n in range(len(x)):
        for h in range(at.out[0]):
            for w in range(at.out[1]):
                for o in range(O):
                    total, first = b[o], o // (O // G) * C
                    for i, j, row, column in seen(at, h, w):
                        for c in range(C):
                            total += x[n][row][column][first + c] * W[i][j][c][o]
                    y[n][h][w][o] = total
    return y  # type: ignore[no-any-return]


def conv_backward(dy: Pictures, x: Pictures, W: Any, at: Window) -> tuple[Pictures, Any, Row]:
    """Every product of the forward pass once more: its weight gets x dy, its input gets W dy, and all add up."""
    C, O = len(W[0][0]), len(dy[0][0][0])
    G = len(x[0][0][0]) // C
    dx, dW, db = zeros(len(x), *at.inside, C * G), zeros(*at.kernel, C, O), zeros(O)
    for n in range(len(x)):
        for h in range(at.out[0]):
            for w in range(at.out[1]):
                for o in range(O):
                    delta, first = dy[n][h][w][o], o // (O // G) * C
                    db[o] += delta
                    for i, j, row, column in seen(at, h, w):
                        for c in range(C):
                            dW[i][j][c][o] += x[n][row][column][first + c] * delta
                            dx[n][row][column][first + c] += W[i][j][c][o] * delta
    return dx, dW, db


def max_pool_forward(x: Pictures, at: Window) -> tuple[Pictures, Any]:
    """y[n][h][w][c] = max_ij x[n][h s + i][w s + j][c], and (row, column) of the first number that is as large."""
    C = len(x[0][0][0])
    y, winner = zeros(len(x), *at.out, C), zeros(len(x), *at.out, C)
    for n in range(len(x)):
        for h in range(at.out[0]):
            for w in range(at.out[1]):
                for c in range(C):
                    best = max(x[n][row][column][c] for _, _, row, column in seen(at, h, w))
                    y[n][h][w][c] = best
                    winner[n][h][w][c] = next(
                        (row, column) for _, _, row, column in seen(at, h, w) if x[n][row][column][c] == best
                    )
    return y, winner


def max_pool_backward(dy: Pictures, winner: Any, at: Window) -> Pictures:
    """dy goes to the winner of its window; one that won in several windows gets the sum."""
    C = len(dy[0][0][0])
    dx = zeros(len(dy), *at.inside, C)
    for n in range(len(dy)):
        for h in range(at.out[0]):
            for w in range(at.out[1]):
                for c in range(C):
                    row, column = winner[n][h][w][c]
                    dx[n][row][column][c] += dy[n][h][w][c]
    return dx  # type: ignore[no-any-return]


def avg_pool_forward(x: Pictures, at: Window) -> Pictures:
    """y[n][h][w][c] = the mean of the window's numbers that are in the picture."""
    C = len(x[0][0][0])
    y = zeros(len(x), *at.out, C)
    for n in range(len(x)):
        for h in range(at.out[0]):
            for w in range(at.out[1]):
                places = list(seen(at, h, w))
                for c in range(C):
                    y[n][h][w][c] = sum(x[n][row][column][c] for _, _, row, column in places) / len(places)
    return y  # type: ignore[no-any-return]


def avg_pool_backward(dy: Pictures, at: Window) -> Pictures:
    """Each number of a window gets its share of that window's dy; shares of several windows add up."""
    C = len(dy[0][0][0])
    dx = zeros(len(dy), *at.inside, C)
    for n in range(len(dy)):
        for h in range(at.out[0]):
            for w in range(at.out[1]):
                places = list(seen(at, h, w))
                for _, _, row, column in places:
                    for c in range(C):
                        dx[n][row][column][c] += dy[n][h][w][c] / len(places)
    return dx  # type: ignore[no-any-return]


def normalised(x: Any, mean: Row, var: Row, eps: float) -> Any:
    """xh[...][d] = (x[...][d] - mean[d]) / sqrt(var[d] + eps), however many lists lie around the features.

    >>> normalised([[3.0]], [1.0], [4.0], 0.0)
    [[1.0]]
    """
    if isinstance(x[0], list):
        return [normalised(part, mean, var, eps) for part in x]
    return [(v - m) / sqrt(s + eps) for v, m, s in zip(x, mean, var, strict=True)]


def rows(x: Any) -> Iterator[Row]:
    """The innermost lists: a row of features each.

    >>> list(rows([[[1.0], [2.0]]]))
    [[1.0], [2.0]]
    """
    if isinstance(x[0], list):
        for part in x:
            yield from rows(part)
    else:
        yield x


def each_row(f: Any, *x: Any) -> Any:
    """f of the innermost lists of all x together, in the same lists around them.

    >>> each_row(lambda a, b: [a[0] + b[0]], [[1.0], [2.0]], [[3.0], [4.0]])
    [[4.0], [6.0]]
    """
    if isinstance(x[0][0], list):
        return [each_row(f, *parts) for parts in zip(*x, strict=True)]
    return f(*x)
