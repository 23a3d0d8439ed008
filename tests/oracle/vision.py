"""The formulas of the layers for pictures: windows are taken out with indices, and the tape does the rest.

A convolution here is one product of each window, written as a row, with the weights written as a matrix. Nothing is
folded back: what a pixel gets from all the windows that it was taken into, the tape's indexing adds up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.oracle.tape import Num, concatenate, pad

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]  # (top, bottom), (left, right)
NONE: Pads = ((0, 0), (0, 0))
Formula = Callable[[Num, dict[str, Any]], Num]


def spots(size: int, kernel: int, stride: int, dilation: int) -> Any:
    """The pixel (place, i) that the window at `place` sees at i, along one axis."""
    places = (size - dilation * (kernel - 1) - 1) // stride + 1
    return np.arange(places)[:, None] * stride + np.arange(kernel)[None] * dilation


def windows(x: Num, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Num:
    """(N, Ho, Wo, kh, kw, C)"""
    rows = spots(x.shape[1], kernel[0], stride[0], dilation[0])[:, None, :, None]
    columns = spots(x.shape[2], kernel[1], stride[1], dilation[1])[None, :, None, :]
    return x[:, rows, columns]


def padded(x: Num, pads: Pads, value: float = 0.0) -> Num:
    return pad(x, [(0, 0), *pads, (0, 0)], value)


def conv(kernel: Pair, stride: Pair = (1, 1), pads: Pads = NONE, dilation: Pair = (1, 1), groups: int = 1) -> Formula:
    def formula(x: Num, p: dict[str, Any]) -> Num:
        W, C = p["W"], x.shape[-1]
        O = W.shape[-1]
        seen = windows(padded(x, pads), kernel, stride, dilation)
        shape = seen.shape[:3]
        parts = []
        for g in range(groups):
            mine = seen[..., g * C // groups : (g + 1) * C // groups].reshape(-1, kernel[0] * kernel[1] * C // groups)
            weights = W[..., g * O // groups : (g + 1) * O // groups].reshape(-1, O // groups)
            parts.append(mine @ weights)
        y = concatenate(parts).reshape(*shape, O)
        return y + p["b"] if "b" in p else y

    return formula


def conv1(kernel: int, stride: int = 1, pads: Pair = (0, 0), dilation: int = 1, groups: int = 1) -> Formula:
    two = conv((1, kernel), (1, stride), ((0, 0), pads), (1, dilation), groups)

    def formula(x: Num, p: dict[str, Any]) -> Num:
        y = two(x.reshape(len(x.value), 1, *x.shape[1:]), p | {"W": p["W"].reshape(1, *p["W"].shape)})
        return y.reshape(len(x.value), *y.shape[2:])

    return formula


def deconv(kernel: Pair, stride: Pair, crop: Pads = NONE) -> Formula:
    """A convolution of the input with zeros between and around its pixels; the window is turned by 180 degrees."""

    def formula(x: Num, p: dict[str, Any]) -> Num:
        N, H, W, C = x.shape
        wide = pad(
            x.reshape(N, H, 1, W, 1, C), [(0, 0), (0, 0), (0, stride[0] - 1), (0, 0), (0, stride[1] - 1), (0, 0)]
        )
        wide = wide.reshape(N, H * stride[0], W * stride[1], C)[:, : (H - 1) * stride[0] + 1, : (W - 1) * stride[1] + 1]
        around = [(k - 1, k - 1) for k in kernel]
        turned = p["W"][::-1, ::-1].reshape(-1, p["W"].shape[-1])
        seen = windows(padded(wide, (around[0], around[1])), kernel, (1, 1))
        y = (seen.reshape(-1, turned.shape[0]) @ turned).reshape(*seen.shape[:3], -1) + p["b"]
        (top, bottom), (left, right) = crop
        return y[:, top : y.shape[1] - bottom, left : y.shape[2] - right]

    return formula


def max_pool(kernel: Pair, stride: Pair, pads: Pads = NONE) -> Formula:
    def formula(x: Num, p: dict[str, Any]) -> Num:
        seen = windows(padded(x, pads, -1e300), kernel, stride)
        return seen.reshape(*seen.shape[:3], -1, x.shape[-1]).max(axis=3)

    return formula


def avg_pool(kernel: Pair, stride: Pair, pads: Pads = NONE) -> Formula:
    def formula(x: Num, p: dict[str, Any]) -> Num:
        inside = padded(Num(np.ones(x.shape)), pads)
        total, count = (windows(a, kernel, stride).sum(axis=(3, 4)) for a in (padded(x, pads), inside))
        return total / count.value

    return formula


def spatial_dropout(x: Num, p: dict[str, Any]) -> Num:
    N, C = x.shape[0], x.shape[-1]
    u = p["u"].reshape(-1)[: N * C].reshape(N, 1, 1, C)  # the layer draws one number for a channel of a picture
    return x * (u >= 0.4) / (1.0 - 0.4)


def upsample(x: Num, p: dict[str, Any]) -> Num:
    return x[:, np.arange(x.shape[1] * 2) // 2][:, :, np.arange(x.shape[2] * 3) // 3]


FORMULAS: dict[str, Formula] = {
    "conv2d": conv((2, 2)),
    "conv2d_one_channel": conv((3, 3), pads=((1, 1), (1, 1))),
    "conv2d_many_channels": conv((1, 2)),
    "conv2d_of_single_pixels": conv((1, 1)),
    "conv2d_same": conv((2, 3), pads=((0, 1), (1, 1))),
    "conv2d_strided": conv((3, 3), (2, 1), ((1, 1), (1, 1))),
    "conv2d_dilated": conv((2, 2), (2, 2), ((1, 1), (2, 2)), (2, 3)),
    "conv2d_groups": conv((2, 2), pads=((1, 1), (1, 1)), groups=2),
    "conv2d_depthwise": conv((2, 2), groups=3),
    "conv1d": conv1(2),
    "conv1d_strided": conv1(3, 2, (1, 2), 2, 2),
    "conv1d_padded": conv1(4, pads=(2, 2)),
    "deconv2d": deconv((2, 3), (1, 1)),
    "deconv2d_same": deconv((4, 4), (2, 2), ((1, 1), (1, 1))),
    "deconv2d_strided": deconv((3, 3), (2, 1), ((1, 1), (1, 1))),
    "max_pool": max_pool((2, 2), (2, 2)),
    "max_pool_overlapping": max_pool((3, 2), (1, 1)),
    "max_pool_same": max_pool((3, 3), (2, 2), ((0, 1), (1, 1))),
    "avg_pool": avg_pool((2, 2), (2, 2)),
    "avg_pool_padded": avg_pool((3, 3), (2, 1), ((1, 1), (1, 1))),
    "global_avg_pool": lambda x, p: x.mean(axis=(1, 2)),
    "upsample": upsample,
    "spatial_dropout": spatial_dropout,
}
