"""One step of a network neuron by neuron: which loops (loops.py, loops_pictures.py) each layer stands for.

Forward goes through the layers and keeps for each the function that takes dy back to dx; backward calls them in
reverse. That is `Sequential` once more, without an array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt
from typing import Any

import numpy as np

from pellucid.inspection import loops
from pellucid.inspection import loops_pictures as pictures
from pellucid.layers import (
    ELU,
    GELU,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    SpatialDropout2D,
    Tanh,
)
from pellucid.layers.pool import pool_window
from pellucid.losses import Scaled
from pellucid.model import Model

BENDS = (ReLU, LeakyReLU, ELU, Sigmoid, Tanh, SiLU, GELU)
PASS = (Dropout, SpatialDropout2D)  # which drop nothing in a prediction
PICTURES = (Conv2D, MaxPool2D, AvgPool2D, GlobalAvgPool2D)
CHAINS = (Sequential, Residual)
LAYERS = (Dense, *PASS, Flatten, Softmax, *BENDS, *PICTURES, BatchNorm, *CHAINS)

Back = Callable[[Any], Any]  # dy -> dx


def by_neuron(model: Model, x: Any, t: Any) -> dict[str, Any]:
    """One step in plain Python: every output, delta and gradient as lists, by path."""
    found: dict[str, Any] = {}
    z, back = chain(model.net.children(), x, "", found)
    loss = model.loss
    if isinstance(loss, Scaled):  # the loss inside, on targets in deviations from their mean
        t = ((np.asarray(t) - np.asarray(loss.mean)) / np.asarray(loss.std)).tolist()
        loss = loss.loss
    found["loss"], dz = loops.loss_of(loss, z, t)
    found["loss.dz"] = dz
    back(dz)
    return found


def chain(layers: Mapping[str, Layer], x: Any, above: str, found: dict[str, Any]) -> tuple[Any, Back]:
    """The layers one after the other; what comes back goes through them in reverse."""
    undo: list[tuple[str, Back]] = []
    for name, layer in layers.items():
        x, back = forward(above + name, layer, x, found)
        found[f"{above}{name}.y"] = x
        undo.append((above + name, back))

    def backward(dy: Any) -> Any:
        for path, back in reversed(undo):
            dy = back(dy)
            found[f"{path}.dx"] = dy
        return dy

    return x, backward


def forward(path: str, layer: Layer, x: Any, found: dict[str, Any]) -> tuple[Any, Back]:
    """A layer's output, and the function that takes dy back to dx and leaves its gradients in `found`."""
    if isinstance(layer, BENDS):
        f, slope = loops.bend(layer) or (float, float)
        y = pictures.each_row(lambda row: [f(v) for v in row], x)
        return y, lambda dy: pictures.each_row(
            lambda d, row: [a * slope(v) for a, v in zip(d, row, strict=True)], dy, x
        )
    if isinstance(layer, Softmax):
        y = pictures.each_row(loops.softmax, x)
        return y, lambda dy: pictures.each_row(loops.softmax_backward, dy, y)
    if isinstance(layer, Flatten):
        shape = np.shape(x)
        return [_flat(row) for row in x], lambda dy: np.reshape(dy, shape).tolist()
    if isinstance(layer, Dense):
        return _dense(path, layer, x, found)
    if isinstance(layer, Conv2D):
        return _conv(path, layer, x, found)
    if isinstance(layer, BatchNorm):
        return _batch_norm(path, layer, x, found)
    if isinstance(layer, Residual):
        y, back = chain(layer.children(), x, path + ".", found)
        return _plus(x, y), lambda dy: _plus(dy, back(dy))
    if isinstance(layer, Sequential):
        return chain(layer.children(), x, path + ".", found)
    if isinstance(layer, MaxPool2D):
        at = pool_window(layer, np.shape(x))
        y, winner = pictures.max_pool_forward(x, at)
        return y, lambda dy: pictures.max_pool_backward(dy, winner, at)
    if isinstance(layer, AvgPool2D):
        at = pool_window(layer, np.shape(x))
        return pictures.avg_pool_forward(x, at), lambda dy: pictures.avg_pool_backward(dy, at)
    if isinstance(layer, GlobalAvgPool2D):
        whole = pool_window(AvgPool2D(np.shape(x)[1:3]), np.shape(x))  # one window as large as the picture
        y = [picture[0][0] for picture in pictures.avg_pool_forward(x, whole)]
        return y, lambda dy: pictures.avg_pool_backward([[[row]] for row in dy], whole)
    return x, lambda dy: dy  # dropout, in a prediction


def _dense(path: str, layer: Dense, x: Any, found: dict[str, Any]) -> tuple[Any, Back]:
    W, b = layer.W.tolist(), layer.b.tolist() if layer.bias else [0.0] * layer.units

    def back(dy: Any) -> Any:
        dx, found[f"{path}.dW"], db = loops.dense_backward(dy, x, W)
        if layer.bias:
            found[f"{path}.db"] = db
        return dx

    return loops.dense_forward(x, W, b), back


def _conv(path: str, layer: Conv2D, x: Any, found: dict[str, Any]) -> tuple[Any, Back]:
    W, b = layer.W.tolist(), layer.b.tolist() if layer.bias else [0.0] * layer.filters
    at = layer.window(np.shape(x))

    def back(dy: Any) -> Any:
        dx, found[f"{path}.dW"], db = pictures.conv_backward(dy, x, W, at)
        if layer.bias:
            found[f"{path}.db"] = db
        return dx

    return pictures.conv_forward(x, W, b, at), back


def _batch_norm(path: str, layer: BatchNorm, x: Any, found: dict[str, Any]) -> tuple[Any, Back]:
    """With its running mean and variance, which are constants in a prediction: dx = g r dy."""
    g, b, mean, var = layer.g.tolist(), layer.b.tolist(), layer.mean.tolist(), layer.var.tolist()
    xh = pictures.normalised(x, mean, var, layer.eps)

    def back(dy: Any) -> Any:
        dg, db = [0.0] * len(g), [0.0] * len(g)
        for delta, row in zip(pictures.rows(dy), pictures.rows(xh), strict=True):
            for d in range(len(g)):
                dg[d] += delta[d] * row[d]
                db[d] += delta[d]
        found[f"{path}.dg"], found[f"{path}.db"] = dg, db
        return pictures.each_row(lambda row: [v * g[d] / sqrt(var[d] + layer.eps) for d, v in enumerate(row)], dy)

    return pictures.each_row(lambda row: [v * g[d] + b[d] for d, v in enumerate(row)], xh), back


def _plus(a: Any, b: Any) -> Any:
    return pictures.each_row(lambda p, q: [u + v for u, v in zip(p, q, strict=True)], a, b)


def _flat(value: Any) -> list[float]:
    return [v for part in value for v in _flat(part)] if isinstance(value, list) else [value]


def products(layers: Mapping[str, Layer], shape: tuple[int, ...]) -> int:
    """How many products the loops take for one sample's forward pass, about."""
    count = 0
    for layer in layers.values():
        out = layer.output_shape(shape)
        if isinstance(layer, CHAINS):
            count += products(layer.children(), shape)
        elif isinstance(layer, Conv2D):
            count += prod(out[1:]) * prod(layer.W.shape[:3])
        elif isinstance(layer, Dense):
            count += layer.W.size
        else:
            count += prod(shape[1:])
        shape = out
    return count
