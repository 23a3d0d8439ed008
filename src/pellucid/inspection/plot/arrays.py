"""Weights as pictures: what each unit of a dense layer looks for, and the filters of a convolution.

All tiles of a figure share one scale, which is printed. Blue adds, orange takes away; in small tiles a dash marks what
is negative, in large ones a dashed line surrounds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import UsageError
from pellucid.inspection.plot.grid import Grid, written
from pellucid.inspection.plot.picture import Picture
from pellucid.inspection.plot.samples import picture_shape
from pellucid.inspection.trace import NoSuchPath, nearest
from pellucid.layers import Conv1D, Conv2D, ConvTranspose2D, Layer
from pellucid.layers.compose import walk
from pellucid.model import Model

MOST = 24  # tiles that are shown
SIGNED = 900  # a figure of at most so many cells marks each negative one


@dataclass(frozen=True)
class Tiles(Picture):
    """Pictures (n, H, W) cut out of one array of weights, all on the scale from -scale to +scale.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), input_shape=(2,))
    >>> model.layers[0].W[:] = [[1.0, -2.0], [0.0, 0.5]]
    >>> print(Tiles.weights(model, "0.dense").text())
    Weights of 0.dense.W (2, 2)
    All of it; the scale reaches from -2.000 to +2.000. 2 of 4 weights are positive, 1 are negative.
    <BLANKLINE>
    The tiles
    tile       length   least  greatest     mean
    0.dense.W   2.291  -2.000     1.000  -0.1250
    <BLANKLINE>
    The weights
    input \\ output      0       1
                 0  1.000  -2.000
                 1      0  0.5000
    """

    path: str
    shape: Shape
    values: Array
    labels: tuple[str, ...]
    which: str  # what was chosen of how much
    columns: int
    axes: tuple[str, str] = ("", "")

    @classmethod
    def weights(cls, model: Model, path: str, picture: Shape | None = None, most: int = MOST) -> Tiles:
        """The weights at a path; those into one unit as a picture, where the inputs are the pixels of one."""
        path, W = _array(model, path)
        if W.ndim >= 3:
            return cls.filters(model, path, most)
        if W.ndim == 1:
            return cls(path, W.shape, W[None, None], (path,), "All of it", 1, ("unit", ""))
        picture = picture or _pixels(model, path, len(W))
        if picture is None:
            return cls(path, W.shape, W[None], (path,), "All of it", 1, ("output", "input"))
        if prod(picture) != len(W):
            raise UsageError(f"{path} has {len(W)} inputs, which are not the pixels of a picture of shape {picture}.")
        lengths = np.sqrt((W * W).sum(axis=0))
        chosen = np.argsort(-lengths, kind="stable")[:most]
        tiles = W[:, chosen].T.reshape(len(chosen), *picture)
        names = [f"unit {k}" for k in chosen.tolist()]
        if len(picture) == 3:
            names = [f"{name}, channel {c}" for name in names for c in range(picture[2])]
            tiles = tiles.transpose(0, 3, 1, 2).reshape(-1, *picture[:2])
        all_ = len(chosen) == W.shape[1]
        which = (
            f"All {W.shape[1]} units" if all_ else f"The {len(chosen)} of {W.shape[1]} units with the longest weights"
        )
        return cls(path, W.shape, tiles, tuple(names), which, _across(len(tiles), tiles.shape[1:]))

    @classmethod
    def filters(cls, model: Model, path: str, most: int = MOST) -> Tiles:
        """The filters of a convolution, a tile for each filter and channel."""
        path, W = _array(model, path)
        owner = _owner(model, path)
        if not isinstance(owner, Conv1D | Conv2D | ConvTranspose2D) or W.ndim < 3:
            raise UsageError(
                f"{path} is no convolution's filters: it belongs to a {type(owner).__name__} "
                f"and has the shape {W.shape}. pl.plot.weights draws any array."
            )
        if W.ndim == 3:
            W = W[None]  # (1, k, C, O)
        kh, kw, C, O = W.shape
        filters = min(O, max(1, most // min(C, 4)))
        channels = min(C, max(1, most // filters))
        some = W[:, :, :channels, :filters].transpose(2, 3, 0, 1).reshape(-1, kh, kw)  # a row a channel
        names = tuple(
            f"filter {o}" + (f", channel {c}" if C > 1 else "") for c in range(channels) for o in range(filters)
        )
        which = "All of it"
        if filters < O or channels < C:
            which = f"Filters 0 to {filters - 1} of {O}, channels 0 to {channels - 1} of {C}"
        across = filters if channels > 1 else _across(filters, (kh, kw))
        return cls(path, _array(model, path)[1].shape, some, names, which, across)

    @property
    def scale(self) -> float:
        """The greatest size of a finite weight."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        return float(finite.max(initial=0.0)) or 1.0

    @property
    def title(self) -> str:
        return f"Weights of {self.path} {self.shape}"

    @property
    def says(self) -> str:
        v = self.values
        broken = int((~np.isfinite(v)).sum())
        more = f" Not finite: {broken:,}." if broken else ""
        return (
            f"{self.which}; the scale reaches from -{written(self.scale)} to +{written(self.scale)}. "
            f"{int((v > 0).sum()):,} of {v.size:,} weights are positive, {int((v < 0).sum()):,} are negative.{more}"
        )

    @property
    def rows(self) -> int:
        """How many rows of tiles there are."""
        return ceil(len(self.values) / self.columns)

    @property
    def size(self) -> tuple[float, float]:
        if len(self.values) == 1:
            H, W = self.values.shape[1:]
            return 2.4 + float(np.clip(0.22 * W, 2.6, 6.5)), 1.4 + float(np.clip(0.22 * H, 1.0, 6.5))
        H, W = self.values.shape[1:]
        side = float(np.clip(6.6 / self.columns, 0.5, 1.4))
        return 1.2 + side * self.columns, 1.1 + self.rows * (side * H / W + 0.2)

    def tables(self) -> list[Grid]:
        rows = tuple(
            (name, float(np.sqrt((v * v).sum())), float(v.min()), float(v.max()), float(v.mean()))
            for name, v in zip(self.labels, np.asarray(self.values, float), strict=True)
        )
        tables = [Grid("The tiles", ("tile", "length", "least", "greatest", "mean"), rows)]
        if len(self.values) == 1 and self.values.size <= 400:
            head = (f"{self.axes[1] or 'row'} \\ {self.axes[0] or 'column'}", *map(str, range(self.values.shape[2])))
            cells = tuple((i, *row) for i, row in enumerate(self.values[0].tolist()))
            tables.append(Grid("The weights", head, cells))
        return tables

    def draw(self, figure: Any) -> None:
        from pellucid.inspection.plot.axes import SMALL, bare, headed, styled, whole
        from pellucid.inspection.plot.palette import signed

        headed(figure, self.title, self.says)
        axes = figure.subplots(self.rows, self.columns, squeeze=False).ravel()
        one, image, first = len(self.values) == 1, None, axes[:: self.columns].tolist()
        for ax, tile, name in zip(axes, self.values, self.labels, strict=False):
            image = ax.imshow(
                tile, cmap=signed(), vmin=-self.scale, vmax=self.scale, interpolation="nearest",
                aspect="auto" if one and max(tile.shape) > 4 * min(tile.shape) else "equal",
            )  # fmt: skip
            self._sign(ax, tile)
            if one:
                styled(ax, x=self.axes[0], y=self.axes[1], grid=False)
                whole(ax.xaxis)
                whole(ax.yaxis)
            else:
                bare(ax, _above(name))
            if ", channel " in name and ax in first:
                ax.set_ylabel(name[name.index("channel") :], fontsize=SMALL)
            if len(tile) == 1:
                ax.set_yticks([])
        for ax in axes[len(self.values) :]:
            ax.set_visible(False)
        bar = figure.colorbar(image, ax=axes.tolist(), shrink=1.0 if one else 0.6, aspect=25, pad=0.02)
        bar.set_label("weight", fontsize=SMALL)
        bar.ax.tick_params(labelsize=SMALL)

    def _sign(self, ax: Any, tile: Array) -> None:
        """The sign by shape; a cross where a weight is not finite."""
        from pellucid.inspection.plot.palette import INK

        i, j = np.nonzero(~np.isfinite(tile))
        if len(i):
            ax.scatter(j, i, marker="x", s=30, color=INK, linewidths=1.2)
        if self.values.size <= SIGNED:
            i, j = np.nonzero(tile < -0.05 * self.scale)
            across = float(self.size[0] - 1.2) / (self.columns * tile.shape[1])  # inches a cell
            ax.scatter(j, i, marker="_", s=(36.0 * min(across, 0.3)) ** 2, color=INK, linewidths=0.9)
        elif min(tile.shape) >= 8 and len(self.values) <= MOST and tile.min() < -0.5 * self.scale:
            ax.contour(tile, levels=[-0.5 * self.scale], colors=INK, linewidths=0.5, linestyles="--")


def _array(model: Model, path: str) -> tuple[str, Array]:
    """An array of parameters by its path; a layer's path means its W."""
    full = path if path in model.slots else f"{path}.W"
    if full not in model.slots:
        raise NoSuchPath(f"The model has no weights {path!r}. {nearest(path, list(model.slots))}")
    slot = model.slots[full]
    return full, np.asarray(model.theta[slot.at].reshape(slot.shape))


def _owner(model: Model, path: str) -> Layer:
    owner = path.rpartition(".")[0]
    return next(layer for p, layer, _ in walk(model.net, (1, *model.input_shape)) if p == owner)


def _pixels(model: Model, path: str, inputs: int) -> Shape | None:
    """The picture whose pixels are the inputs of the layer at a path, if they are."""
    owner = path.rpartition(".")[0]
    for name, layer, _ in walk(model.net, (1, *model.input_shape)):
        if name == owner:
            shape = picture_shape(model)
            return shape if shape is not None and prod(shape) == inputs else None
        if layer.kind not in ("flatten", "reshape"):
            return None  # what comes in is no longer the picture
    return None


def _across(count: int, tile: Shape) -> int:
    """How many tiles stand in a row, so that the whole is a little wider than high."""
    return max(1, min(count, ceil(float(np.sqrt(1.6 * count * tile[0] / tile[1])))))


def _above(name: str) -> str:
    return name.partition(", channel")[0]


def weights(model: Model, path: str, picture: Shape | None = None, most: int = MOST) -> Any:
    """The weights at a path as pictures, as a matplotlib Figure.

    Where a layer's inputs are the pixels of a picture, each unit's weights are shown as such a picture; otherwise the
    array is shown as it is.

    Args:
        model: the model.
        path: a layer ("0.dense") or one of its arrays ("0.dense.W").
        picture: the shape of the pictures, (H, W), if the model does not say it.
        most: how many units are shown, those with the longest weights first.

    Raises:
        NoSuchPath: if there is no such array; the nearest names are offered.
        UsageError: if matplotlib is not installed.
    """
    return Tiles.weights(model, path, picture, most).figure()


def filters(model: Model, path: str, most: int = MOST) -> Any:
    """The filters of a convolution as pictures, a row for each channel, as a matplotlib Figure.

    Args:
        model: the model.
        path: the convolution's path, such as "0.conv2d".
        most: how many tiles are shown.

    Raises:
        NoSuchPath: if there is no such layer; the nearest names are offered.
        UsageError: if it is no convolution, or matplotlib is not installed.
    """
    return Tiles.filters(model, path, most).figure()
