"""The convolution: one small dense layer that looks at every place of a picture through the same window.

A dense layer on a picture learns a stroke anew for every place where it may stand. A convolution learns it once. The
sums themselves are in correlate.py, the window's steps in window.py; this page is the layer's equation.
"""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import ShapeError, UsageError, draw_shapes
from pellucid.base.init import Constant, Init, find_init
from pellucid.base.params import Param, Penalty, param
from pellucid.base.run import Run
from pellucid.layers.correlate import correlate, correlate_dw, correlate_dx
from pellucid.layers.layer import Layer
from pellucid.layers.window import Pair, Window, both, check_pictures, count, place


@dataclass
class Conv2D(Layer):
    """Y[n, h, w, o] = sum_ijc X[n, h s + i d, w s + j d, c] W[i, j, c, o] + b[o]      (LeCun et al. 1989)

    X (N, H, W, C)   W (kh, kw, C, O)   b (O,)   Y (N, Ho, Wo, O)   with stride s, dilation d; X is padded with 0 first

    dW[i, j, c, o] = sum_nhw X[n, h s + i d, w s + j d, c] dY[n, h, w, o]
        the same weight is used at every place of every picture, so the blame from all of them adds up
    db[o] = sum_nhw dY[n, h, w, o]
        b is added at every place
    dX[n, h s + i d, w s + j d, c] += sum_o dY[n, h, w, o] W[i, j, c, o]      for every h, w, i, j
        one pixel is seen by up to kh kw windows and O filters, so their effects add up where the windows overlap

    With P = patches(X), whose row (n, h, w) is what the window sees there, this is Dense: Y = P W + b, dW = P^T dY,
    dX = fold(dY W^T). As in Dense, the batch is summed; the division by N stands in the loss.

    Pictures are (N, height, width, channels). Pixels at the bottom and right that fill no whole step of the stride are
    not seen. With groups G, the channels and the filters are cut into G equal parts; each part of the filters sees its
    own part of the channels, W is (kh, kw, C / G, O), and all sums over c run over that part. groups=C looks at every
    channel alone.

    Args:
        filters: O, the number of channels that come out.
        kernel: the window: a number, or (height, width).
        stride: how far the window moves each time. Default 1.
        padding: "valid" adds nothing; "same" adds zeros so that ceil(H / stride) places come out; a number, or
            (height, width), adds that many on every side. Default "valid".
        dilation: the distance between neighbours in the window; 2 leaves one pixel out between them. Default 1.
        groups: G, how many convolutions stand side by side. Default 1.
        init: the weights' first values, as in `pl.Dense`; fan_in is kh kw C / G. Default "he".
        bias: whether b exists. Default true.
        penalty: a penalty on W. Default none.
        bias_penalty: a penalty on b. Default none.

    Raises:
        ShapeError: when a model is built, if the input is no batch of pictures, the window is larger than the padded
            picture, or groups divides the channels or the filters with a rest.

    >>> import numpy as np, pellucid as pl
    >>> model = pl.Model(pl.Conv2D(1, (1, 2)), loss=pl.MeanSquaredError(), input_shape=(1, 4, 1))
    >>> model.layers[0].W[:] = [[[[-1.0]], [[1.0]]]]  # the step from one pixel to the next: it finds edges
    >>> model.predict(np.array([0.0, 0.0, 5.0, 5.0]).reshape(1, 1, 4, 1)).ravel()
    array([0., 5., 0.], dtype=float32)
    """

    filters: int
    kernel: int | Pair
    stride: int | Pair = 1
    padding: str | int | Pair = "valid"
    dilation: int | Pair = 1
    groups: int = 1
    init: str | Init = "he"
    bias: bool = True
    penalty: Penalty | None = None
    bias_penalty: Penalty | None = None
    W: Array = param()
    b: Array = param()
    dW: Array = param()
    db: Array = param()

    def params(self, x: Shape) -> dict[str, Param]:
        kh, kw = both("Conv2D", "kernel", self.kernel)
        return wanted(self, (kh, kw, x[-1] // self.groups, self.filters))

    def output_shape(self, x: Shape) -> Shape:
        check_pictures("Conv2D", x, self.kernel)
        check_groups(self, x)
        return (x[0], *self.window(x).out, self.filters)

    def window(self, x: Shape) -> Window:
        """Where the window stands on pictures of shape x."""
        return place("Conv2D", x, self.kernel, self.stride, self.padding, self.dilation)

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        at = self.window(x.shape)
        y = correlate(x, self.W, self.b if self.bias else None, at)  # (N, Ho, Wo, O)
        return y, {"x": x, "window": at}

    def backward(self, dy: Array, cache: Cache) -> Array:
        self.backward_params(dy, cache)
        return correlate_dx(dy, self.W, cache["x"].shape[-1], cache["window"])  # (N, H, W, C)

    def backward_params(self, dy: Array, cache: Cache) -> None:
        correlate_dw(cache["x"], dy, self.dW, self.db if self.bias else None, cache["window"])


@dataclass
class Conv1D(Layer):
    """Y[n, t, o] = sum_jc X[n, t s + j d, c] W[j, c, o] + b[o]

    X (N, T, C)   W (k, C, O)   b (O,)   Y (N, To, O)   with stride s, dilation d; X is padded with 0 first

    dW[j, c, o] = sum_nt X[n, t s + j d, c] dY[n, t, o]      the same weight is used at every time of every sequence
    db[o] = sum_nt dY[n, t, o]
    dX[n, t s + j d, c] += sum_o dY[n, t, o] W[j, c, o]      one moment is seen by up to k windows: they add up

    It is Conv2D on pictures of height 1, and computed as such; see there for what the arguments mean.

    Args:
        filters: O, the number of channels that come out.
        kernel: k, how many moments the window sees.
        stride: how far the window moves each time. Default 1.
        padding: "valid", "same", or how many zeros are added at both ends. Default "valid".
        dilation: the distance between neighbours in the window. Default 1.
        groups: how many convolutions stand side by side. Default 1.
        init: the weights' first values, as in `pl.Dense`; fan_in is k C / G. Default "he".
        bias: whether b exists. Default true.
        penalty: a penalty on W. Default none.
        bias_penalty: a penalty on b. Default none.

    Raises:
        ShapeError: when a model is built, if the input is no batch of sequences (N, T, C), the window is longer than
            the padded sequence, or groups divides the channels or the filters with a rest.

    >>> import numpy as np, pellucid as pl
    >>> model = pl.Model(pl.Conv1D(1, 2), loss=pl.MeanSquaredError(), input_shape=(4, 1))
    >>> model.layers[0].W[:] = 0.5  # the mean of two neighbours
    >>> model.predict(np.array([0.0, 2.0, 4.0, 6.0]).reshape(1, 4, 1)).ravel()
    array([1., 3., 5.], dtype=float32)
    """

    filters: int
    kernel: int
    stride: int = 1
    padding: str | int = "valid"
    dilation: int = 1
    groups: int = 1
    init: str | Init = "he"
    bias: bool = True
    penalty: Penalty | None = None
    bias_penalty: Penalty | None = None
    W: Array = param()
    b: Array = param()
    dW: Array = param()
    db: Array = param()

    def params(self, x: Shape) -> dict[str, Param]:
        return wanted(self, (self.kernel, x[-1] // self.groups, self.filters))

    def output_shape(self, x: Shape) -> Shape:
        if len(x) != 3:
            raise ShapeError(
                f"Conv1D takes sequences (N, times, channels), three axes; it was given {len(x)}.\n"
                + draw_shapes((None, *x[1:]), (None, *(x[1:2] or (1,)), 1))
                + ("\nPictures go into pl.Conv2D." if len(x) == 4 else "\nPut a pl.Reshape((times, channels)) before.")
            )
        check_groups(self, x)
        return (x[0], self.window(x).out[1], self.filters)

    def window(self, x: Shape) -> Window:
        """Where the window stands on sequences of shape x, which are pictures of height 1."""
        for name in ("kernel", "stride", "dilation"):
            count("Conv1D", name, getattr(self, name))
        padding = self.padding if isinstance(self.padding, str) else (0, self.padding)
        return place("Conv1D", (x[0], 1, *x[1:]), (1, self.kernel), (1, self.stride), padding, (1, self.dilation))

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        at = self.window(x.shape)
        y = correlate(x[:, None], self.W[None], self.b if self.bias else None, at)  # (N, 1, To, O)
        return y[:, 0], {"x": x, "window": at}

    def backward(self, dy: Array, cache: Cache) -> Array:
        self.backward_params(dy, cache)
        return correlate_dx(dy[:, None], self.W[None], cache["x"].shape[-1], cache["window"])[:, 0]  # (N, T, C)

    def backward_params(self, dy: Array, cache: Cache) -> None:
        x, db = cache["x"], self.db if self.bias else None
        correlate_dw(x[:, None], dy[:, None], self.dW[None], db, cache["window"])


def wanted(layer: Conv1D | Conv2D, shape: Shape) -> dict[str, Param]:
    """W of this shape, and b; fan_out is the number of outputs that one input reaches."""
    inputs, (C, O) = 1, shape[-2:]
    for size in shape[:-2]:
        inputs *= size
    fan = (inputs * C, inputs * O // layer.groups)
    asked = {"W": Param(shape, find_init(layer.init), fan, penalty=layer.penalty)}
    if layer.bias:
        asked["b"] = Param((O,), Constant(0.0), decay=False, penalty=layer.bias_penalty)
    return asked


def check_groups(layer: Conv1D | Conv2D, x: Shape) -> None:
    """Whether groups cuts the channels and the filters without a rest."""
    who = type(layer).__name__
    count(who, "filters", layer.filters)
    G = count(who, "groups", layer.groups)
    if x[-1] % G:
        raise ShapeError(
            f"{who} cannot cut {x[-1]} channels into groups={G} equal parts.\n"
            + draw_shapes((None, *x[1:]), (None, *x[1:-1], _near(x[-1], G)))
            + "\nTake a number of groups that divides the channels, or give the layer before it other channels."
        )
    if layer.filters % G:
        raise UsageError(
            f"{who} cannot share {layer.filters} filters among groups={G}: take {_near(layer.filters, G)} filters."
        )


def _near(size: int, G: int) -> int:
    return -(-size // G) * G
