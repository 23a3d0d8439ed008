"""Where a window stands on a picture: the arithmetic of kernel, stride, padding and dilation, in one place.

Convolution and pooling slide a small window over a picture (N, height, width, channels). This file works out, for each
of the two axes, how much is padded and at how many places the window fits, and says in words why it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import ShapeError, UsageError, draw_shapes

Pair = tuple[int, int]  # along the height, along the width
AXES = ("height", "width")


@dataclass(frozen=True)
class Window:
    """A window's size and steps, what is added around the picture, and how many places there are.

    `kernel`, `stride` and `dilation` are (along the height, along the width); `pads` is ((top, bottom), (left, right));
    `inside` is the picture's own height and width, `out` the number of places along each.
    """

    kernel: Pair
    stride: Pair
    dilation: Pair
    pads: tuple[Pair, Pair]
    inside: Pair
    out: Pair

    @cached_property
    def padded(self) -> Pair:
        """Height and width of the picture with its padding."""
        return self.inside[0] + sum(self.pads[0]), self.inside[1] + sum(self.pads[1])

    @property
    def unseen(self) -> Pair:
        """How many rows and columns at the picture's end no window reaches, because the stride leaves a rest.

        What a stride longer than the window leaves out after every window was asked for, and is not counted.
        """
        rest = []
        for axis in (0, 1):
            reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
            seen = (self.out[axis] - 1) * self.stride[axis] + max(reach, self.stride[axis])
            rest.append(max(self.pads[axis][0] + self.inside[axis] - seen, 0))  # padding is nothing to see
        return rest[0], rest[1]

    def pad(self, x: Array, value: float = 0.0) -> Array:
        """x with `value` around it; x itself where nothing is padded."""
        if self.padded == self.inside:
            return x
        y = np.full((len(x), *self.padded, x.shape[-1]), value, x.dtype)
        self.crop(y)[:] = x
        return y

    def crop(self, y: Array) -> Array:
        """The picture inside its padding, as a view."""
        (top, _), (left, _) = self.pads
        return y[:, top : top + self.inside[0], left : left + self.inside[1]]

    def seen(self, x: Array, i: int, j: int) -> Array:
        """The number at the place (i, j) of every window, (N, *out, C): a view of x, which is padded already."""
        top, left = i * self.dilation[0], j * self.dilation[1]
        bottom, right = top + self.stride[0] * self.out[0], left + self.stride[1] * self.out[1]
        return x[:, top : bottom : self.stride[0], left : right : self.stride[1]]


def place(
    who: str,
    x: Shape,
    kernel: int | Pair,
    stride: int | Pair,
    padding: str | int | Pair,
    dilation: int | Pair = 1,
) -> Window:
    """The window of a layer on pictures of shape x, or an error that says why it does not fit.

    Args:
        who: the layer's name, for the error.
        x: (N, height, width, channels).
        kernel: the window's size; one number stands for both axes, as it does below.
        stride: how far the window moves.
        padding: "valid" pads nothing. "same" pads so that there are ceil(size / stride) places, an odd rest at the
            bottom and right. A number pads that much on every side.
        dilation: the distance between the numbers that a window sees.
    """
    sizes = (tuple(v) if isinstance(v, list) else v for v in (kernel, stride, padding, dilation))
    return _place(who, x, *sizes)


@lru_cache(
    maxsize=1024, typed=True
)  # the same few windows are asked for at every step; one answer takes 5 us to work out
def _place(
    who: str, x: Shape, kernel: int | Pair, stride: int | Pair, padding: str | int | Pair, dilation: int | Pair
) -> Window:
    k, s, d = both(who, "kernel", kernel), both(who, "stride", stride), both(who, "dilation", dilation)
    reach = (d[0] * (k[0] - 1) + 1, d[1] * (k[1] - 1) + 1)  # from the window's first number to its last
    sizes = (x[1], x[2])
    if padding == "same":
        pads = tuple(_same(sizes[a], reach[a], s[a]) for a in (0, 1))
    elif padding == "valid":
        pads = ((0, 0), (0, 0))
    elif isinstance(padding, str):
        raise UsageError(f'{who}: padding is "valid", "same" or a number, not {padding!r}.')
    else:
        around = both(who, "padding", padding, least=0)
        pads = tuple((p, p) for p in around)
    window = Window(k, s, d, (pads[0], pads[1]), sizes, (0, 0))
    if reach[0] > window.padded[0] or reach[1] > window.padded[1]:
        raise ShapeError(_too_large(who, x, window, reach, "" if padding == "valid" else " (with its padding)"))
    out = tuple((window.padded[a] - reach[a]) // s[a] + 1 for a in (0, 1))
    return Window(k, s, d, window.pads, sizes, (out[0], out[1]))


def _too_large(who: str, x: Shape, at: Window, reach: Pair, padded: str) -> str:
    least = tuple(max(at.inside[a], reach[a] - sum(at.pads[a])) for a in (0, 1))
    flat = who == "Conv1D"  # a sequence is a picture of height 1

    def size(pair: Pair) -> str:
        return str(pair[1]) if flat else f"{pair[0]} x {pair[1]}"

    dilated = "" if at.dilation == (1, 1) else f", which dilation {size(at.dilation)} stretches to {size(reach)},"
    more, what, first = ("longer", "sequence", 2) if flat else ("larger", "picture", 1)
    return (
        f"{who}: the window of {size(at.kernel)}{dilated} is {more} than the {what} of {size(at.padded)}{padded}.\n"
        + draw_shapes((None, *x[first:]), (None, *(*least, x[3])[first - 1 :]), "given", "at least")
        + f'\nTake a smaller window, padding="same", or fewer layers that shrink the {what} before this one.'
    )


def _same(size: int, reach: int, stride: int) -> Pair:
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def both(who: str, name: str, value: int | Pair, least: int = 1) -> Pair:
    """One number for both axes, or one for each.

    >>> both("Conv2D", "stride", 2), both("Conv2D", "stride", (1, 2))
    ((2, 2), (1, 2))
    """
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2 or not all(isinstance(v, int) and not isinstance(v, bool) and v >= least for v in pair):
        raise UsageError(
            f"{who}: {name} is a whole number of {least} or more, or two of them (height, width), not {value!r}."
        )
    return pair[0], pair[1]


def count(who: str, name: str, value: int) -> int:
    """A whole number of 1 or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{who}: {name} is a whole number of 1 or more, not {value!r}.")
    return value


def check_pictures(who: str, x: Shape, kernel: int | Pair = 1) -> None:
    """Whether x is (N, height, width, channels); what it looks like if it is not, and the way out.

    One or three rows, as many channels as columns, and a window that is not flat: that is a picture in the other order.
    """
    if len(x) != 4:
        raise ShapeError(
            f"{who} takes pictures (N, height, width, channels), four axes; it was given {len(x)}.\n"
            + draw_shapes((None, *x[1:]), (None, *_guess(x[1:])))
            + f"\n{_way_out(x[1:])}"
        )
    _, a, b, c = x
    if not a * b * c:
        raise ShapeError(
            f"{who} cannot take pictures without a pixel.\n"
            + draw_shapes((None, a, b, c), (None, max(a, 1), max(b, 1), max(c, 1)), "given", "at least")
        )
    if a in (1, 3) and b == c and b >= 16 and both(who, "kernel", kernel)[0] > 1:
        raise ShapeError(
            f"{who} takes pictures as (N, height, width, channels); these look like (N, channels, height, width), "
            "PyTorch's order.\n"
            + draw_shapes((None, a, b, c), (None, b, c, a))
            + f"\nGive x.transpose(0, 2, 3, 1), and build the model with input_shape={(b, c, a)}."
        )


def _guess(sample: Shape) -> Shape:
    """The pictures that a sample of this shape most likely means."""
    if len(sample) == 1:
        side = round(sample[0] ** 0.5)
        return (side, side, 1) if side * side == sample[0] else (1, sample[0], 1)
    return (*sample[:2], 1)


def _way_out(sample: Shape) -> str:
    if len(sample) == 2:
        return f"Grey pictures have one channel: put pl.Reshape({(*sample, 1)}) before it."
    if len(sample) == 1 and _guess(sample)[0] > 1:
        return f"If the numbers of a picture stand in one row, put pl.Reshape({_guess(sample)}) before it."
    return "Put a pl.Reshape((height, width, channels)) before it."
