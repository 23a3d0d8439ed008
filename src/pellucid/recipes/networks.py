"""The networks of the recipes: each a small record that builds the network around the data it is to learn.

What is measured on the data (the mean and the deviation of pixels, what a table's columns are) is measured on the part
that is learned, and travels in the model file as its preparation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.data.batches import Data
from pellucid.data.prepare import Pixels, Standardize
from pellucid.data.table import Table
from pellucid.datasets.infer import infer
from pellucid.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    MaxPool2D,
    ReLU,
    Residual,
)
from pellucid.losses import Loss, MeanSquaredError, Scaled, SoftmaxCrossEntropy
from pellucid.model import Model
from pellucid.penalties import L2


class Network(ABC):
    """The parent of all: a record that builds a model around data, and names it in a few words."""

    @abstractmethod
    def __call__(self, data: Data, seed: int = 0) -> Model:
        """The network around this data, with fresh weights."""

    def words(self, model: Model) -> str:
        """The built network in a few words, for a table."""
        return sizes(model)


@dataclass(frozen=True)
class MLP(Network):
    """Dense layers with a ReLU after each hidden one: for rows of numbers, tables of words, flattened pictures.

    Args:
        hidden: the units of each hidden layer.
        dropout: the share of each hidden layer that is dropped in training. Default none.
        l2: this times the sum of w^2 over all weights is added to the loss. Default 0.
        standardize: bring pixels to mean 0 and deviation 1 instead of 0 to 1. Default false.
        digit: whether the pictures are digits drawn the MNIST way; `predict` then brings others to that. Default false.
        leave_out: columns of a table that are not looked at. Default none.

    >>> from pellucid.datasets import iris
    >>> MLP((8,))(iris())
    Model(Dense(8), ReLU(), Dense(3); 67 parameters)
    """

    hidden: tuple[int, ...]
    dropout: float = 0.0
    l2: float = 0.0
    standardize: bool = False
    digit: bool = False
    leave_out: tuple[str, ...] = ()

    def __call__(self, data: Data, seed: int = 0) -> Model:
        """The network around this data, with fresh weights."""
        shape: Shape = (prod(data.x.shape[1:]),)
        prepare: Table | Pixels | Standardize
        if data.x.dtype.names is not None:
            table = infer(data, drop=self.leave_out).table
            shape, prepare = (table.width,), table
        elif data.x.ndim > 2:
            mean, std = spread(data.x) if self.standardize else (0.0, 1.0)
            prepare = Pixels(shape, picture=data.x.shape[1:], digit=self.digit, mean=mean, std=std)
        else:
            prepare = Standardize.fit(data.x, data.columns)
        layers: list[Layer] = []
        for units in self.hidden:
            layers += [Dense(units), ReLU(), *([Dropout(self.dropout)] if self.dropout else [])]
        loss: Loss = SoftmaxCrossEntropy() if data.classes else Scaled.fit(data.t, MeanSquaredError())
        return Model(
            *layers, Dense(len(data.classes) or prod(data.t.shape[1:])),
            loss=loss, input_shape=shape, classes=data.classes, seed=seed,
            prepare=prepare, penalty=L2(self.l2) if self.l2 else None,
        )  # fmt: skip


@dataclass(frozen=True)
class CNN(Network):
    """Small windows over grey pictures: 28x28 -> 14x14 -> 7x7 -> one number a filter -> one score a class.

    Args:
        widths: the filters at each of the three sizes.
        digit: as for `MLP`.
    """

    widths: tuple[int, int, int]
    digit: bool = False

    def __call__(self, data: Data, seed: int = 0) -> Model:
        """The network around these pictures, with fresh weights."""
        a, b, c = self.widths
        return pictures(
            data, 10_000, seed, self.digit,
            *conv(a), *conv(a, pool=True),
            *conv(b), *conv(b, pool=True),
            *conv(c), GlobalAvgPool2D(), Dense(len(data.classes)),
        )  # fmt: skip

    def words(self, model: Model) -> str:
        """The kind and the filters."""
        return f"CNN {_dashed(self.widths)}"


@dataclass(frozen=True)
class ResNet(Network):
    """A small residual network: each stage has half the height and width, and adds what it makes of the picture to it.

    Args:
        stem: the filters at the pictures' own size.
        widths: the filters of each stage.
    """

    stem: int
    widths: tuple[int, ...]

    def __call__(self, data: Data, seed: int = 0) -> Model:
        """The network around these pictures, with fresh weights."""
        return pictures(
            data, 5_000, seed, False,
            *conv(self.stem),
            *(layer for filters in self.widths for layer in stage(filters)),
            GlobalAvgPool2D(), Dense(len(data.classes)),
        )  # fmt: skip

    def words(self, model: Model) -> str:
        """The kind and the filters."""
        return f"ResNet {_dashed(self.widths)}"


@dataclass(frozen=True)
class SpotCNN(Network):
    """Convolutions, then the maximum over all places: one spot is enough, wherever it is.

    Args:
        widths: the filters of each convolution, after which the height and width are halved.
    """

    widths: tuple[int, ...]

    def __call__(self, data: Data, seed: int = 0) -> Model:
        """The network around these pictures, with fresh weights."""
        places = data.x.shape[1] // 2 ** len(self.widths)
        return pictures(
            data, 10_000, seed, False,
            *(layer for filters in self.widths for layer in conv(filters, pool=True)),
            MaxPool2D(places), Flatten(), Dense(len(data.classes)),
        )  # fmt: skip

    def words(self, model: Model) -> str:
        """The kind and the filters."""
        return f"CNN {_dashed(self.widths)}"


def conv(filters: int, pool: bool = False) -> tuple[Layer, ...]:
    """A convolution and what belongs to it. Pooling comes first: then the others have a quarter of the work."""
    smaller = (MaxPool2D(2),) if pool else ()
    return Conv2D(filters, 3, padding="same", bias=False), *smaller, BatchNorm(), ReLU()


def stage(filters: int) -> tuple[Layer, ...]:
    """Half the height and width, `filters` channels, and a residual of two convolutions."""
    return *conv(filters, pool=True), Residual(*conv(filters), *conv(filters))


def pictures(data: Data, measured: int, seed: int, digit: bool, *layers: Layer) -> Model:
    """These layers around pictures, whose pixels are standardised by those of the first `measured`."""
    mean, std = spread(data.x[:measured])
    picture = data.x.shape[1:]
    shape = picture if len(picture) == 3 else (*picture, 1)
    prepare = Pixels(shape, picture=picture, digit=digit, mean=mean, std=std)
    return Model(
        *layers, loss=SoftmaxCrossEntropy(), input_shape=shape, classes=data.classes, seed=seed, prepare=prepare
    )


def spread(x: Array, full: float = 255.0) -> tuple[float, float]:
    """The mean and the deviation of all pixels, as numbers from 0 to 1, in pieces: no second array of x's size.

    >>> spread(np.array([[0, 255], [255, 0]], np.uint8))
    (0.5, 0.5)
    """
    total = square = 0.0
    for i in range(0, len(x), 1000):
        piece = x[i : i + 1000].astype(np.float64).ravel() / full
        total, square = total + float(piece.sum()), square + float(piece @ piece)
    mean, square = total / x.size, square / x.size
    return mean, sqrt(max(square - mean * mean, 0.0)) or 1.0


def sizes(model: Model) -> str:
    """A dense network in a few characters: its inputs, the units of each layer.

    >>> sizes(Model(Dense(8), ReLU(), Dense(3), input_shape=4))
    '4-8-3'
    """
    return _dashed((*model.input_shape, *(layer.units for layer in model.layers if isinstance(layer, Dense))))


def _dashed(numbers: tuple[int, ...]) -> str:
    return "-".join(map(str, numbers))
