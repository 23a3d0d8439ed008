"""The fully connected layer: every output looks at every input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape, sum_rows
from pellucid.base.errors import UsageError
from pellucid.base.init import Constant, Init, find_init
from pellucid.base.params import Param, Penalty, param
from pellucid.base.run import Run
from pellucid.layers.layer import Layer


@dataclass
class Dense(Layer):
    """Y = X W + b      X (N, D)   W (D, K)   b (K,)   Y (N, K)

    dW = X^T dY      every sample n adds its own x[n, d] dy[n, k]: the product sums over the batch
    db = sum_n dY    b is added to every sample, so every sample's dy reaches it
    dX = dY W^T      x[n, d] reaches all K outputs, so all K of its effects add up

    The batch is summed, not averaged: the division by N stands in the loss, once. Axes between the first and the last
    are treated as more samples.

    Args:
        units: K, the number of outputs.
        init: the weights' first values: a name ("he", "glorot", "lecun", "orthogonal", "normal") or a `pl.Init`.
            Default "he".
        bias: whether b exists. Default true.
        penalty: a penalty on W, such as `pl.L2(1e-4)`. Default none.
        bias_penalty: a penalty on b. Default none.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), loss=pl.MeanSquaredError(), input_shape=(3,))
    >>> dense = model.layers[0]
    >>> dense.W[:] = 1.0; dense.b[:] = [0.0, 10.0]
    >>> model.predict(np.array([[1.0, 2.0, 3.0]], np.float32))
    array([[ 6., 16.]], dtype=float32)
    """

    units: int
    init: str | Init = "he"
    bias: bool = True
    penalty: Penalty | None = None
    bias_penalty: Penalty | None = None
    W: Array = param()
    b: Array = param()
    dW: Array = param()
    db: Array = param()

    def params(self, x: Shape) -> dict[str, Param]:
        D, K = x[-1], self.units
        wanted = {"W": Param((D, K), find_init(self.init), (D, K), penalty=self.penalty)}
        if self.bias:
            wanted["b"] = Param((K,), Constant(0.0), decay=False, penalty=self.bias_penalty)
        return wanted

    def output_shape(self, x: Shape) -> Shape:
        if not isinstance(self.units, int) or self.units < 1:
            raise UsageError(f"Dense needs a whole number of units, 1 or more; it was given {self.units!r}.")
        return (*x[:-1], self.units)

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y = kernels.active().times(x, self.W)  # (N, K)
        if self.bias:
            y += self.b[None]  # as a row: for one sample NumPy adds equal shapes twice as fast
        return y, {"x": x}

    def backward(self, dy: Array, cache: Cache) -> Array:
        self.backward_params(dy, cache)
        return np.asarray(kernels.active().times(dy, self.W.T))  # (N, D)

    def backward_params(self, dy: Array, cache: Cache) -> None:
        x = cache["x"]
        D, K = self.W.shape
        np.dot(x.reshape(-1, D).T, dy.reshape(-1, K), out=self.dW)
        if self.bias:
            self.db[:] = sum_rows(dy)
