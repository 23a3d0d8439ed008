"""Is this array what the network takes? If not, both shapes are drawn, and the way from one to the other is said."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import DataError, ShapeError, draw_shapes


def conform(x: Array, shape: Shape, dtype: Any) -> Array:
    """A batch x (N, *shape) in the type `dtype`; x itself if it already is.

    >>> conform(np.zeros((2, 3), np.uint8), (3,), np.dtype("float32")).dtype
    dtype('float32')
    """
    if x.shape[1:] != shape or x.ndim == 0:
        raise ShapeError(
            "The model cannot take this input.\n"
            + draw_shapes(x.shape, (None, *shape))
            + f"\nThe first axis is the batch. {_advice(x.shape, shape)}"
        )
    return x if x.dtype == dtype else real_numbers(x).astype(dtype)


def check_mask(mask: Any, x: Array, who: str = "The mask") -> None:
    """Refuse a mask that has not one number for each sample and time step of x; None is no mask.

    >>> check_mask([[True, False, False]], np.zeros((1, 3, 5)))
    """
    if mask is not None and (x.ndim < 2 or np.shape(mask) != x.shape[:2]):
        raise ShapeError(
            f"{who} says for each sample and time step whether it is real.\n"
            + draw_shapes(np.shape(mask), (*x.shape, 1)[:2], "mask", "samples, steps")
        )


def real_numbers(x: Array) -> Array:
    """x if it holds real numbers (whole ones and booleans too), else an error that says what it holds."""
    if x.dtype.kind not in "fiub":
        raise DataError(f"The input holds {x.dtype} values; the network needs real numbers. Convert or encode them.")
    return x


def _advice(given: Shape, expected: Shape) -> str:
    if tuple(given) == expected:
        return "This is one sample without a batch: give x[None]."
    if len(given) == 4 and tuple(given[1:]) == (expected[-1], *expected[:-1]):
        return "These look like pictures with the channels first: give x.transpose(0, 2, 3, 1)."
    if len(given) > 1 and int(np.prod(given[1:])) == int(np.prod(expected)):
        return f"The numbers a sample are as many: give x.reshape(len(x), {', '.join(map(str, expected))})."
    return "Give samples of that shape, or build the model with input_shape=" + repr(tuple(given[1:])) + "."
