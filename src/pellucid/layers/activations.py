"""The bends between the layers. Without them any number of dense layers is one dense layer.

Each works on every number by itself (Softmax: on every row), so each backward is one multiplication by the derivative.
They keep what makes the derivative cheapest: the output where it is a function of the output, else the input.
Sorted by increasing complexity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, sum_last
from pellucid.base.normal import normal_pdf
from pellucid.base.run import Run
from pellucid.base.stable import sigmoid
from pellucid.layers.layer import Layer


@dataclass
class ReLU(Layer):
    """Y = max(X, 0)

    dX = dY * 1[Y > 0]      a unit that let nothing through passes no blame back; at exactly 0 we take 0

    >>> ReLU().forward(np.array([[-2.0, 3.0]]), Run())[0]
    array([[0., 3.]])
    """

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y = kernels.active().relu(x)
        return y, {"y": y}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.asarray(kernels.active().relu_backward(dy, cache["y"]))


@dataclass
class LeakyReLU(Layer):
    """Y = X where X > 0, else slope * X

    dX = dY where X > 0, else slope * dY

    Args:
        slope: what is let through on the negative side, so that no unit is ever dead. Default 0.01.

    >>> LeakyReLU(0.1).forward(np.array([[-2.0, 3.0]]), Run())[0]
    array([[-0.2,  3. ]])
    """

    slope: float = 0.01

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        return kernels.active().select(x > 0, x, self.slope * x), {"x": x}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.asarray(kernels.active().select(cache["x"] > 0, dy, self.slope * dy))


@dataclass
class ELU(Layer):
    """Y = X where X > 0, else alpha (e^X - 1)      (Clevert et al. 2015)

    dX = dY where X > 0, else dY * (Y + alpha)      because alpha e^X = Y + alpha

    Args:
        alpha: how far below 0 it saturates. Default 1.

    >>> ELU().forward(np.array([[-1e4, 3.0]]), Run())[0]
    array([[-1.,  3.]])
    """

    alpha: float = 1.0

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y = kernels.active().select(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))
        return y, {"x": x, "y": y}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.asarray(kernels.active().select(cache["x"] > 0, dy, dy * (cache["y"] + self.alpha)))


@dataclass
class Sigmoid(Layer):
    """Y = 1 / (1 + e^-X)

    dX = dY * Y (1 - Y)      at most a quarter of dY: why deep sigmoid networks learn slowly

    >>> Sigmoid().forward(np.array([[0.0]]), Run())[0]
    array([[0.5]])
    """

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y = sigmoid(x)
        return y, {"y": y}

    def backward(self, dy: Array, cache: Cache) -> Array:
        y = cache["y"]
        return np.asarray(dy * y * (1.0 - y))


@dataclass
class Tanh(Layer):
    """Y = tanh(X)

    dX = dY * (1 - Y^2)

    >>> Tanh().forward(np.array([[0.0]]), Run())[0]
    array([[0.]])
    """

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y = np.tanh(x)
        return y, {"y": y}

    def backward(self, dy: Array, cache: Cache) -> Array:
        y = cache["y"]
        return np.asarray(dy * (1.0 - y * y))


@dataclass
class SiLU(Layer):
    """Y = X S      with S = sigmoid(X)      (also called swish)

    dX = dY * (S + X S (1 - S)) = dY * (S + Y (1 - S))      the product rule

    >>> SiLU().forward(np.array([[0.0, 100.0]]), Run())[0]
    array([[  0., 100.]])
    """

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        s = sigmoid(x)
        y = x * s
        return y, {"s": s, "y": y}

    def backward(self, dy: Array, cache: Cache) -> Array:
        s, y = cache["s"], cache["y"]
        return np.asarray(dy * (s + y * (1.0 - s)))


@dataclass
class GELU(Layer):
    """Y = X Phi(X)      with Phi the normal distribution's cumulative function (Hendrycks and Gimpel 2016)

    dX = dY * (Phi(X) + X phi(X))      the product rule; phi = Phi' is the normal density

    >>> GELU().forward(np.array([[-100.0, 0.0, 1.0]]), Run())[0].round(6)
    array([[-0.      ,  0.      ,  0.841345]])
    """

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        cdf = kernels.active().normal_cdf(x)
        return x * cdf, {"x": x, "cdf": cdf}

    def backward(self, dy: Array, cache: Cache) -> Array:
        x, cdf = cache["x"], cache["cdf"]
        return np.asarray(dy * (cdf + x * normal_pdf(x)))


@dataclass
class Softmax(Layer):
    """Y[n, k] = e^X[n, k] / sum_j e^X[n, j]

    dX = Y * (dY - sum_k dY * Y)      the whole Jacobian Y_k (1[k = j] - Y_j), multiplied out

    Raising one x raises its own y and lowers all others of the row, because they share a sum of 1; the subtracted sum
    is that sharing. This is the true derivative, so it may be followed by any loss. Before a cross-entropy the fused
    `pl.SoftmaxCrossEntropy` is more exact: it never takes the logarithm of a rounded probability.

    >>> Softmax().forward(np.array([[0.0, 0.0, -1e4]]), Run())[0]
    array([[0.5, 0.5, 0. ]])
    """

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y = kernels.active().softmax(x)
        return y, {"y": y}

    def backward(self, dy: Array, cache: Cache) -> Array:
        y = cache["y"]
        return np.asarray(y * (dy - sum_last(dy * y)))
