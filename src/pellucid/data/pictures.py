"""Pictures before the first layer: brought to one size, to numbers of about 1, and digits drawn as MNIST's were.

A network that learned MNIST knows white strokes on black, 20 pixels tall, centred by their mass. A photographed or
drawn digit is none of that; shown as it is, it is misread. What was done to the training pictures travels in the model
file, so that a new picture of any size goes the same way. In order of complexity: another size, a digit, pictures of
any kind, pictures of digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import DataError, ShapeError, draw_shapes

ROOM = 1 << 20  # pixels that are made numbers at one time
BOX, SIDE = 20, 28  # the stroke fits into 20 x 20, in a picture of 28 x 28
STRAY = 6  # pixels by which a digit in MNIST's form may be larger or smaller; half as many from the middle
FAINT = 0.1  # of the darkest ink; less is dust and the noise of compression
LEAST_CONTRAST = 16  # of 255; a picture with less shows nothing
BRIGHTNESS = np.array([0.299, 0.587, 0.114])  # how bright full red, green and blue are to the eye


def resized(picture: Array, shape: tuple[int, int]) -> Array:
    """A picture (H, W) or (H, W, C) in another size, each new pixel the mean of what it covers; nothing is cut.

    >>> resized(np.array([[0, 255], [255, 0]], np.uint8), (1, 2))
    array([[128, 128]], dtype=uint8)
    """
    H, W, *channels = picture.shape
    flat, down, step = picture.reshape(H, -1), _scaling(H, shape[0]), max(1, ROOM // max(H, 1))
    pieces = [down @ flat[:, i : i + step] for i in range(0, flat.shape[1], step)]  # each is made of numbers for itself
    lines = np.concatenate(pieces, axis=1).reshape(shape[0], W, -1)  # (h, W, C)
    small = (_scaling(W, shape[1]) @ lines).reshape(*shape, *channels)  # (h, w, C)
    return np.asarray(np.rint(small).clip(0, 255), np.uint8)


def _scaling(size: int, wanted: int) -> NDArray[np.float64]:
    """The matrix (wanted, size) that scales an axis: each new pixel is the weighted mean of the old ones near it."""
    step = size / wanted
    centres = (np.arange(wanted) + 0.5) * step - 0.5
    near = np.abs(centres[:, None] - np.arange(size)) / max(step, 1.0)
    weights = np.maximum(1.0 - near, 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def grey(picture: Array) -> Array:
    """A picture (H, W) as it is, or one with channels (H, W, C) as its brightness."""
    if picture.ndim == 2:
        return picture
    return np.asarray(picture @ BRIGHTNESS if picture.shape[-1] == 3 else picture.mean(axis=-1))


def as_digit(picture: Array) -> Array:
    """A grey picture of one digit, of any size, as MNIST would have it: bytes (28, 28), white on black.

    Whether the strokes are dark or light is seen from the border. Then the background is taken off, the strokes are cut
    out, scaled to fit 20 x 20 with their proportions kept, and laid so that their centre of mass is in the middle.

    Args:
        picture: (H, W), any real type.

    Raises:
        ShapeError: if it is not one grey picture.
        DataError: if nothing is drawn on it.

    >>> picture = np.full((100, 80), 255, np.uint8)
    >>> picture[20:80, 30:40] = 0                       # a dark upright stroke, left of the middle
    >>> digit = as_digit(picture)
    >>> np.flatnonzero(digit.any(axis=1))[[0, -1]], np.flatnonzero(digit.any(axis=0))[[0, -1]]
    (array([ 4, 23]), array([13, 15]))
    """
    ink = _ink(np.asarray(picture))
    strong = ink > FAINT * ink.max()
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    cut = np.where(strong, ink, 0.0)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    H, W = cut.shape
    h, w = max(1, round(BOX * H / max(H, W))), max(1, round(BOX * W / max(H, W)))
    small = _scaling(H, h) @ cut @ _scaling(W, w).T  # (h, w)
    top, left = _offset(small.sum(axis=1)), _offset(small.sum(axis=0))
    digit = np.zeros((SIDE, SIDE), np.uint8)
    digit[top : top + h, left : left + w] = np.rint(small * (255.0 / small.max()))
    return digit


def _ink(picture: Array) -> Array:
    """How much each pixel differs from the background, towards the strokes' side: (H, W), 0 where nothing is drawn."""
    if picture.ndim != 2 or picture.size == 0 or picture.dtype.kind not in "biuf":
        raise ShapeError(f"as_digit takes one grey picture (H, W), not {picture.dtype} of shape {picture.shape}.")
    x = picture.astype(np.float64)
    if not np.isfinite(x).all():
        raise DataError("The picture holds NaN or infinite numbers.")
    background = float(np.median(np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])))
    low, high = x.min(), x.max()
    full = 1.0 if picture.dtype.kind == "b" or (picture.dtype.kind == "f" and high <= 1.0) else 255.0
    if (high - low) * 255.0 < LEAST_CONTRAST * full:
        raise DataError("The picture is empty: nothing on it stands out from the background. Draw a digit first.")
    dark_strokes = background - low > high - background
    return np.maximum(background - x if dark_strokes else x - background, 0.0)


def _offset(mass: Array) -> int:
    """Where a strip of this mass must begin so that its centre of mass is in the middle, and all of it inside."""
    centre = float(mass @ np.arange(len(mass)) / mass.sum())
    return int(min(max(round(SIDE / 2 - centre), 0), SIDE - len(mass)))


@dataclass(frozen=True)
class Pixels:
    """(x / full - mean) / std, in the shape the network wants      bytes from 0 to 255 become numbers from 0 to 1

    Pictures of another size than `picture`, or grey ones where it is coloured, are first made like it.

    Args:
        shape: one sample's shape after preparation, such as (784,).
        full: the value of a full pixel. Default 255.
        picture: one raw picture's shape, such as (28, 28), that other pictures are brought to. Default unknown.
        digit: whether the training pictures were digits drawn the MNIST way; `Digits` says more. Default false.
        mean, std: of the training part as numbers from 0 to 1, of all pixels or of each channel, as `fit` measures
            them. Default 0 and 1: only `full` divides.

    >>> Pixels((4,))(np.array([[[0, 255], [51, 0]]], np.uint8)).round(3)
    array([[0. , 1. , 0.2, 0. ]], dtype=float32)
    """

    shape: Shape
    full: float = 255.0
    picture: Shape = ()
    digit: bool = False
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 1.0

    @classmethod
    def fit(cls, x: Array, shape: Shape = (), full: float = 255.0) -> Pixels:
        """Measure mean and deviation of pictures (N, H, W) or of each channel of (N, H, W, C). The training part only.

        >>> Pixels.fit(np.array([[[[0, 51]], [[255, 51]]]], np.uint8))
        Pixels(shape=(2, 1, 2), full=255.0, picture=(2, 1, 2), digit=False, mean=(0.5, 0.2), std=(0.5, 1.0))
        """
        x = np.asarray(x)
        return cls(shape or x.shape[1:], full, x.shape[1:], False, *_measured(x, full))

    def __call__(self, x: Array) -> Array:
        x = np.asarray(x)
        if x.ndim in (3, 4) and x.shape[1:] != self.picture and prod(self.picture) == prod(self.shape):
            x = _each(x, lambda i, p: self.like(p))
        return _numbers(x, self, self.picture[2:])

    def like(self, picture: Array) -> Array:
        """One raw picture (H, W) or (H, W, C) as the training pictures were: its size, grey or in colour."""
        if len(self.picture) == 2:
            picture = as_digit(grey(picture)) if self.digit else grey(picture)
        elif picture.ndim == 2:
            picture = np.repeat(picture[..., None], self.picture[2], axis=2)
        return resized(picture * (255.0 / self.full), self.picture[:2]) * (self.full / 255.0)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Digits:
    """(x / 255 - mean) / std of digits drawn the MNIST way      `as_digit` makes any drawing one of these

    Pictures of 28x28 that are light on dark are taken as they are: they are MNIST's own form, and training may have
    moved them on purpose. All others, of any size, dark on light or in colour, are cut out, fitted into 20x20 and laid
    by their centre of mass into 28x28.

    Args:
        shape: one sample's shape after preparation. Default (784,).
        mean, std: of all pixels of the training part, as numbers from 0 to 1. Default 0 and 1.
        drawn: whether raw pictures are drawings of any kind, so that those of 28x28, light on dark, are cut out too if
            they are not where MNIST's digits are: in the middle, about 20 pixels large. Default false.

    >>> drawing = np.full((1, 90, 60), 255, np.uint8)
    >>> drawing[0, 10:80, 10:15] = 0
    >>> Digits((28, 28))(drawing)[0].max(axis=0).nonzero()      # one pixel wide, in the middle
    (array([14]),)
    """

    shape: Shape = (SIDE * SIDE,)
    mean: float = 0.0
    std: float = 1.0
    drawn: bool = False

    full = 255.0
    picture = (SIDE, SIDE)
    digit = True

    @classmethod
    def fit(cls, x: Array, shape: Shape = (SIDE * SIDE,)) -> Digits:
        """Measure mean and deviation of digits that are drawn the MNIST way (N, 28, 28). The training part only."""
        return cls(shape, *_measured(np.asarray(x), cls.full))  # type: ignore[arg-type]

    def __call__(self, x: Array) -> Array:
        x = np.asarray(x)
        if x.ndim >= 3:
            new = _dark_on_light(x) if x.shape[1:] == self.picture else np.ones(len(x), np.bool_)
            if self.drawn and x.shape[1:] == self.picture:
                new |= _out_of_place(x)
            if new.any():
                x = _each(x, lambda i, p: as_digit(grey(p)) if new[i] else p)
        return _numbers(x, self)


def _each(x: Array, like: Callable[[int, Array], Array]) -> Array:
    done = []
    for i, picture in enumerate(x):
        try:
            done.append(like(i, picture))
        except (DataError, ShapeError) as error:
            raise DataError(f"Picture {i} of {len(x)}: {error}") from None
    return np.stack(done)


def _dark_on_light(x: Array) -> Array:
    """Which pictures (N, H, W) have a border that is light, for a picture of their own brightness."""
    border = np.concatenate([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], axis=1)
    return np.asarray(border.mean(axis=1) > 0.5 * x.reshape(len(x), -1).max(axis=1, initial=0))


def _out_of_place(x: Array) -> Array:
    """Which pictures (N, 28, 28), light on dark, are not about 20 pixels large or not in the middle; no empty ones."""
    strong = x > FAINT * x.max(axis=(1, 2), keepdims=True)  # (N, 28, 28)
    reach = [_reach(strong.any(axis=axis)) for axis in (1, 2)]  # the first and last column, and row: (N,) each
    size = np.maximum(*(last - first + 1 for first, last in reach))
    mass = x.astype(np.float32) * strong
    total = mass.sum(axis=(1, 2)) + 1e-9
    places = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    off = np.maximum(*(np.abs(mass.sum(axis=axis) @ places / total) for axis in (1, 2)))
    return np.asarray(strong.any(axis=(1, 2)) & ((np.abs(size - BOX) > STRAY) | (off > STRAY / 2)))


def _reach(strong: Array) -> tuple[Array, Array]:
    """The first and the last place that is true in each row (N, K)."""
    return strong.argmax(axis=1), strong.shape[1] - 1 - strong[:, ::-1].argmax(axis=1)


def _numbers(x: Array, prepare: Pixels | Digits, channels: Shape = ()) -> Array:
    """Pixels as numbers in the network's shape (N, *shape)."""
    if x[:1].size != prod(prepare.shape) * len(x[:1]):
        raise ShapeError(
            "These pictures do not have the size that the network was trained on.\n"
            + draw_shapes((None, *x.shape[1:]), (None, *prepare.shape))
        )
    if prepare.full > 2.0 and x.dtype.kind in "fb" and 0.0 < float(x.max(initial=0)) <= 1.0:
        raise DataError(
            f"These pictures hold {'fractions up to 1' if x.dtype.kind == 'f' else 'true and false'}, and the network "
            f"learned pixels from 0 to {prepare.full:g}: give x * {prepare.full:g}, or the bytes as they were."
        )
    mean, std = np.asarray(prepare.mean), np.asarray(prepare.std)
    pixels = x.reshape(len(x), -1, *channels[: mean.ndim]) if x.size else x
    y = np.multiply(pixels, np.float32(1.0 / (prepare.full * std)), dtype=np.float32)
    if mean.any():
        y -= np.float32(mean / std)
    return y.reshape(len(x), *prepare.shape)


def _measured(x: Array, full: float) -> tuple[float | tuple[float, ...], float | tuple[float, ...]]:
    """Mean and deviation of all pixels, or of each channel, as numbers from 0 to 1."""
    flat = x.reshape(-1, x.shape[3] if x.ndim == 4 else 1)
    mean = flat.mean(axis=0, dtype=np.float64) / full
    square = np.einsum("nc,nc->c", flat, flat, dtype=np.float64) / (len(flat) * full * full)
    std = np.sqrt(np.maximum(square - mean * mean, 0.0))
    std[std == 0.0] = 1.0
    return (tuple(mean.tolist()), tuple(std.tolist())) if len(mean) > 1 else (float(mean[0]), float(std[0]))
