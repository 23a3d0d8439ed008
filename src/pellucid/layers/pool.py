"""Pooling: a window of a picture becomes one number. The picture gets smaller, and a small shift matters less.

Nothing is learned here. Every channel is pooled by itself. Sorted by increasing complexity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import UsageError
from pellucid.base.run import Run
from pellucid.layers.layer import Layer
from pellucid.layers.window import Pair, Window, check_pictures, place


@dataclass
class GlobalAvgPool2D(Layer):
    """Y[n, c] = mean_hw X[n, h, w, c]      (Lin et al. 2013)

    X (N, H, W, C)   Y (N, C)

    dX[n, h, w, c] = dY[n, c] / (H W)      every place had the same small share in the mean

    Put before the last dense layer it replaces Flatten: far fewer weights, and pictures of any size.

    Raises:
        ShapeError: when a model is built, if the input is no batch of pictures.

    >>> GlobalAvgPool2D().forward(np.array([1.0, 2.0, 3.0, 6.0]).reshape(1, 2, 2, 1), Run())[0]
    array([[3.]])
    """

    def output_shape(self, x: Shape) -> Shape:
        check_pictures("GlobalAvgPool2D", x)
        return (x[0], x[3])

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        N, H, W, C = x.shape
        y = np.full((1, H * W), 1.0 / (H * W), x.dtype) @ x.reshape(N, H * W, C)  # (N, 1, C): a sum as a product
        return y[:, 0], {"shape": x.shape}

    def backward(self, dy: Array, cache: Cache) -> Array:
        N, H, W, C = cache["shape"]
        dx = np.empty((N, H * W, C), dy.dtype)
        dx[:] = (dy * (1.0 / (H * W)))[:, None]
        return dx.reshape(N, H, W, C)


@dataclass
class AvgPool2D(Layer):
    """Y[n, h, w, c] = mean_ij X[n, h s + i, w s + j, c]

    X (N, H, W, C)   Y (N, Ho, Wo, C)   with stride s

    dX[n, h s + i, w s + j, c] += dY[n, h, w, c] / count      for every h, w, i, j: each number of a window had the same
        share in its mean, and a number in several windows gets a share from each

    With padding, count is how many of the window's numbers are in the picture: padding is not averaged (PyTorch counts
    it, unless count_include_pad=False). Pixels at the bottom and right that fill no whole window are not seen.

    Args:
        size: the window: a number, or (height, width). Default 2.
        stride: how far the window moves. Default its size: windows side by side.
        padding: "valid", "same" or a number, as in `pl.Conv2D`. Default "valid".

    Raises:
        ShapeError: when a model is built, if the input is no batch of pictures or the window is larger than they are.

    >>> AvgPool2D((1, 2)).forward(np.array([1.0, 3.0, 4.0, 6.0]).reshape(1, 1, 4, 1), Run())[0].ravel()
    array([2., 5.])
    """

    size: int | Pair = 2
    stride: int | Pair | None = None
    padding: str | int | Pair = "valid"

    def output_shape(self, x: Shape) -> Shape:
        return (x[0], *pool_window(self, x).out, x[3])

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        at = pool_window(self, x.shape)
        padded = at.pad(x)
        y: Array | None = None
        for i, j in np.ndindex(*at.kernel):
            seen = at.seen(padded, i, j)
            y = seen.copy() if y is None else np.add(y, seen, out=y)
        assert y is not None
        y *= _share(at, x.dtype)
        return y, {"window": at}

    def backward(self, dy: Array, cache: Cache) -> Array:
        at: Window = cache["window"]
        dx = np.zeros((len(dy), *at.padded, dy.shape[-1]), dy.dtype)
        share = dy * _share(at, dy.dtype)  # (N, Ho, Wo, C)
        for i, j in np.ndindex(*at.kernel):
            seen = at.seen(dx, i, j)
            np.add(seen, share, out=seen)
        return at.crop(dx)


@dataclass
class MaxPool2D(Layer):
    """Y[n, h, w, c] = max_ij X[n, h s + i, w s + j, c]

    X (N, H, W, C)   Y (N, Ho, Wo, C)   with stride s

    dX[n, h s + i, w s + j, c] += dY[n, h, w, c]      where i, j is the winner of the window at h, w
        only the largest number had an influence; of several equal ones the first, row by row, is the winner

    Padding never wins. Pixels at the bottom and right that fill no whole window are not seen.

    Args:
        size: the window: a number, or (height, width). Default 2.
        stride: how far the window moves. Default its size: windows side by side.
        padding: "valid", "same" or a number, as in `pl.Conv2D`. Default "valid".

    Raises:
        ShapeError: when a model is built, if the input is no batch of pictures or the window is larger than they are.

    >>> MaxPool2D((1, 2)).forward(np.array([1.0, 3.0, 6.0, 4.0]).reshape(1, 1, 4, 1), Run())[0].ravel()
    array([3., 6.])
    """

    size: int | Pair = 2
    stride: int | Pair | None = None
    padding: str | int | Pair = "valid"

    def output_shape(self, x: Shape) -> Shape:
        return (x[0], *pool_window(self, x).out, x[3])

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        at = pool_window(self, x.shape)
        y, winner = kernels.active().max_pool(at.pad(x, -np.inf), at.kernel, at.stride)
        return y, {"winner": winner, "window": at}

    def backward(self, dy: Array, cache: Cache) -> Array:
        at: Window = cache["window"]
        shape = (len(dy), *at.padded, dy.shape[-1])
        return at.crop(kernels.active().max_pool_backward(dy, cache["winner"], shape, at.kernel, at.stride))


def pool_window(layer: AvgPool2D | MaxPool2D, x: Shape) -> Window:
    """The layer's window on pictures of shape x, or an error that says why it does not fit."""
    who = type(layer).__name__
    check_pictures(who, x, layer.size)
    stride = layer.size if layer.stride is None else layer.stride
    at = place(who, x, layer.size, stride, layer.padding)
    for (before, after), size in zip(at.pads, at.kernel, strict=True):
        if max(before, after) >= size:
            raise UsageError(
                f"{who}: padding {layer.padding!r} is as large as the window {at.kernel}, so some windows would hold "
                "nothing of the picture. Take less padding than the window's size."
            )
    return at


def _share(at: Window, dtype: type | np.dtype) -> Array:
    """1 / count for each window, (Ho, Wo, 1), or one number where nothing is padded."""
    if at.padded == at.inside:
        return np.asarray(1.0 / (at.kernel[0] * at.kernel[1]), dtype)
    ones = at.pad(np.ones((1, *at.inside, 1), dtype))
    return np.asarray(1.0 / sum(at.seen(ones, i, j)[0] for i, j in np.ndindex(*at.kernel)), dtype)
