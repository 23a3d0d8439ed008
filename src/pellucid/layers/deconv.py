"""The transposed convolution: a convolution run from its outputs to its inputs, so that a picture grows.

Where a convolution's window gathers many pixels into one number, here each number is spread over a window. It is not
the inverse of a convolution: it gives back the shape, not the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.base.arrays import Array, Cache, Shape, sum_rows
from pellucid.base.errors import ShapeError, draw_shapes
from pellucid.base.init import Constant, Init, find_init
from pellucid.base.params import Param, Penalty, param
from pellucid.base.run import Run
from pellucid.layers.correlate import correlate, correlate_dw, correlate_dx
from pellucid.layers.layer import Layer
from pellucid.layers.window import Pair, Window, both, check_pictures, count, place


@dataclass
class ConvTranspose2D(Layer):
    """Y[n, h s + i, w s + j, o] += sum_c X[n, h, w, c] W[i, j, c, o]      for every h, w, i, j; then b[o] everywhere

    X (N, H, W, C)   W (kh, kw, C, O)   b (O,)   Y (N, Ho, Wo, O)   with stride s      (Zeiler et al. 2010)

    This is the dX of a `pl.Conv2D` that goes from Y's shape to X's. So its own three derivatives are a convolution's
    three sums with the roles exchanged:

    dX[n, h, w, c] = sum_ijo dY[n, h s + i, w s + j, o] W[i, j, c, o]
        x[n, h, w, c] was spread over a window of Y and all O filters: all those effects add up
    dW[i, j, c, o] = sum_nhw X[n, h, w, c] dY[n, h s + i, w s + j, o]
        the same weight is used at every place of every picture
    db[o] = sum_nhw dY[n, h, w, o]
        b is added at every place

    Ho = (H - 1) s + kh with padding "valid"; a number p takes p pixels off on every side of that; "same" gives H s, and
    an odd pixel is taken off at the bottom and right.

    Args:
        filters: O, the number of channels that come out.
        kernel: the window: a number, or (height, width). A multiple of the stride avoids chequered pictures.
        stride: how far apart neighbours of X land in Y. Default 1.
        padding: "valid", "same", a number, or (height, width). Default "valid".
        init: the weights' first values, as in `pl.Dense`; fan_in is kh kw C / s^2, what meets in one output. Default
            "he".
        bias: whether b exists. Default true.
        penalty: a penalty on W. Default none.
        bias_penalty: a penalty on b. Default none.

    Raises:
        ShapeError: when a model is built, if the input is no batch of pictures or the padding leaves nothing.

    >>> import numpy as np, pellucid as pl
    >>> model = pl.Model(pl.ConvTranspose2D(1, (1, 2), (1, 2)), loss=pl.MeanSquaredError(), input_shape=(1, 2, 1))
    >>> model.layers[0].W[:] = [[[[1.0]], [[0.5]]]]
    >>> model.predict(np.array([2.0, 6.0]).reshape(1, 1, 2, 1)).ravel()
    array([2., 1., 6., 3.], dtype=float32)
    """

    filters: int
    kernel: int | Pair
    stride: int | Pair = 1
    padding: str | int | Pair = "valid"
    init: str | Init = "he"
    bias: bool = True
    penalty: Penalty | None = None
    bias_penalty: Penalty | None = None
    W: Array = param()
    b: Array = param()
    dW: Array = param()
    db: Array = param()

    def params(self, x: Shape) -> dict[str, Param]:
        (kh, kw), (sh, sw) = both("", "kernel", self.kernel), both("", "stride", self.stride)
        C, O = x[-1], self.filters
        fan = (max(1, kh * kw * C // (sh * sw)), kh * kw * O)
        wanted = {"W": Param((kh, kw, C, O), find_init(self.init), fan, penalty=self.penalty)}
        if self.bias:
            wanted["b"] = Param((O,), Constant(0.0), decay=False, penalty=self.bias_penalty)
        return wanted

    def output_shape(self, x: Shape) -> Shape:
        check_pictures("ConvTranspose2D", x, self.kernel)
        count("ConvTranspose2D", "filters", self.filters)
        return (x[0], *self._window(x).inside, self.filters)

    def _window(self, x: Shape) -> Window:
        """The window of the convolution from Y to X."""
        who = "ConvTranspose2D"
        kernel, stride = both(who, "kernel", self.kernel), both(who, "stride", self.stride)
        if self.padding == "same":
            sizes = (x[1] * stride[0], x[2] * stride[1])
        else:
            pads = (0, 0) if isinstance(self.padding, str) else both(who, "padding", self.padding, least=0)
            full = ((x[1] - 1) * stride[0] + kernel[0], (x[2] - 1) * stride[1] + kernel[1])
            sizes = (full[0] - 2 * pads[0], full[1] - 2 * pads[1])
            if min(sizes) < 1:
                raise ShapeError(
                    f"{who}: the padding takes off more than there is.\n"
                    + draw_shapes((2 * pads[0], 2 * pads[1]), full, "padding", "picture")
                    + "\nTake less padding, or a larger kernel or stride."
                )
        return place(who, (x[0], *sizes, self.filters), kernel, stride, self.padding)

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        at = self._window(x.shape)
        W = self.W.transpose(0, 1, 3, 2)  # (kh, kw, O, C): seen from Y
        y = correlate_dx(x, W, self.filters, at, self.b if self.bias else None)  # (N, Ho, Wo, O)
        return y, {"x": x, "window": at}

    def backward(self, dy: Array, cache: Cache) -> Array:
        self.backward_params(dy, cache)
        return correlate(dy, self.W.transpose(0, 1, 3, 2), None, cache["window"])  # (N, H, W, C)

    def backward_params(self, dy: Array, cache: Cache) -> None:
        correlate_dw(dy, cache["x"], self.dW.transpose(0, 1, 3, 2), None, cache["window"])
        if self.bias:
            self.db[:] = sum_rows(dy)
