"""What samples look like, where they are pictures: raw inputs as grey or coloured pictures from 0 to 1."""

from __future__ import annotations

from math import prod

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.data.prepare import Pixels
from pellucid.model import Model


def picture_shape(model: Model) -> Shape | None:
    """The shape of the pictures that a model takes, (H, W) or (H, W, channels), or None if it takes none."""
    prepare = model.prepare
    shapes = [prepare.picture, prepare.shape] if isinstance(prepare, Pixels) else []
    for shape in (*shapes, model.input_shape):
        if len(shape) == 2 and min(shape) > 1 and isinstance(prepare, Pixels):
            return tuple(shape)
        if len(shape) == 3 and shape[-1] in (1, 3):
            return tuple(shape[:2]) if shape[-1] == 1 else tuple(shape)
    return None


def as_pictures(model: Model, x: Array) -> Array | None:
    """Raw samples as pictures, (N, H, W) or (N, H, W, 3), 0 to 1; None if they are none.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), input_shape=(4,), prepare=pl.Pixels((4,), picture=(2, 2)))
    >>> as_pictures(model, np.array([[[0, 255], [51, 0]]], np.uint8)).tolist()
    [[[0.0, 1.0], [0.2, 0.0]]]
    """
    shape = picture_shape(model)
    if shape is None or x.dtype.names is not None or prod(x.shape[1:]) != prod(shape):
        return None
    pixels = np.asarray(x, float).reshape(len(x), *shape)
    if isinstance(model.prepare, Pixels):
        return np.clip(pixels / model.prepare.full, 0.0, 1.0)
    low, high = float(pixels.min(initial=0.0)), float(pixels.max(initial=0.0))
    return (pixels - low) / (high - low) if high > low else np.zeros_like(pixels)


def class_names(model: Model, count: int) -> tuple[str, ...]:
    """The classes' names, or their numbers."""
    return tuple(model.classes) if len(model.classes) == count else tuple(map(str, range(count)))
