"""Pellucid's formulas in the book's order of operations, for the book's printed digits. No formula is new here.

Those digits are the trace of its rounding. With weights of 0.01 the first gradients are differences of nearly equal
numbers, and a hundred steps later their last bit has become the second digit: chapter 10's Adam prints loss 0.705 at
epoch 100; the same program gives 0.681 with the formulas rearranged as Pellucid has them, and 0.682 in float64 from
the same start. None of them is wrong. So after `init()` the book's classes use these twins, which differ from their
parents in the order of rounding alone (a test compares each pair): products are summed in float64 and then rounded,
as nnfs patches np.dot to do; sums are np.sum; the batch's size divides last; a result has the type NumPy gives it.

`init(dot_precision_workaround=False)` takes the parents, which are faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pellucid import layers, losses, optim
from pellucid.base.arrays import Array, Cache
from pellucid.base.run import Run
from pellucid.book.world import WORLD

T = TypeVar("T")


def twin(kind: type[T]) -> type[T]:
    """The class that computes: `kind` itself, or its twin where the book's rounding is wanted."""
    return TWINS.get(kind, kind) if WORLD.book_rounding else kind


def product(a: Array, b: Array) -> Array:
    """a b, summed in float64 and then rounded to the type that init() chose."""
    return np.asarray(np.dot(a.astype(np.float64), b.astype(np.float64)), WORLD.dtype)


@dataclass
class BookDense(layers.Dense):
    """Dense; db is a new array each time, in the type of dy."""

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        return np.asarray(product(x, self.W) + self.b), {"x": x}

    def backward(self, dy: Array, cache: Cache) -> Array:
        self.backward_params(dy, cache)
        return product(dy, self.W.T)

    def backward_params(self, dy: Array, cache: Cache) -> None:
        self.dW[...] = product(cache["x"].T, dy)
        self.db = np.sum(dy, axis=0)


@dataclass
class BookReLU(layers.ReLU):
    """ReLU without kernels, which want one type."""

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        y = np.maximum(0, x)
        return y, {"y": y}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.where(cache["y"] > 0, dy, np.zeros((), dy.dtype))


@dataclass
class BookSoftmax(layers.Softmax):
    """Softmax with a division by np.sum."""

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        y = np.asarray(e / np.sum(e, axis=-1, keepdims=True))
        return y, {"y": y}


@dataclass
class BookSigmoid(layers.Sigmoid):
    """Sigmoid in its textbook form; a large negative x overflows to the right answer, 0."""

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        with np.errstate(over="ignore"):
            y = np.asarray(1 / (1 + np.exp(-x)))
        return y, {"y": y}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.asarray(dy * (1 - cache["y"]) * cache["y"])


@dataclass(frozen=True)
class BookSoftmaxCrossEntropy(losses.SoftmaxCrossEntropy):
    """SoftmaxCrossEntropy's backward: 1 is taken off, then N divides."""

    def backward(self, cache: Cache) -> Array:
        p, t = cache["p"], cache["t"]
        dz = p - (t if t.shape == p.shape else np.eye(p.shape[-1], dtype=p.dtype)[t])
        return np.asarray(dz / int(cache["n"]))


@dataclass
class BookDropout(layers.Dropout):
    """Dropout whose mask is the quotient of whole numbers and a share, hence float64."""

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        mask = (run.uniform(like=x) >= self.drop) / (1 - self.drop)
        return np.asarray(x * mask), {"mask": mask}


def _divided(cache: Cache) -> Array:
    return np.asarray(cache["slope"] / cache.get("K", 1) / int(cache["n"]))


@dataclass(frozen=True)
class BookCategoricalCrossEntropy(losses.CategoricalCrossEntropy):
    """CategoricalCrossEntropy, divided last."""

    def backward(self, cache: Cache) -> Array:
        return _divided(cache)


@dataclass(frozen=True)
class BookMeanSquaredError(losses.MeanSquaredError):
    """MeanSquaredError, divided last."""

    def backward(self, cache: Cache) -> Array:
        return _divided(cache)


@dataclass(frozen=True)
class BookMeanAbsoluteError(losses.MeanAbsoluteError):
    """MeanAbsoluteError, divided last."""

    def backward(self, cache: Cache) -> Array:
        return _divided(cache)


@dataclass(frozen=True)
class BookBinaryCrossEntropy(losses.BinaryCrossEntropy):
    """BinaryCrossEntropy with its slope as two quotients, divided last."""

    def parts(self, z: Array, t: Array) -> tuple[Array, Array]:
        value, _ = super().parts(z, t)
        q = np.clip(z, self.eps, 1 - self.eps)
        return value, np.where(q == z, -(t / q - (1 - t) / (1 - q)), np.zeros((), z.dtype))

    def backward(self, cache: Cache) -> Array:
        return _divided(cache)


@dataclass
class BookRMSprop(optim.RMSprop):
    """RMSprop with the memory as a sum of two products."""

    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        self.s = self.rho * self.s + (1 - self.rho) * grad**2
        theta += -lr * grad / (np.sqrt(self.s) + self.eps)


@dataclass
class BookAdam(optim.Adam):
    """Adam with both bias corrections written out."""

    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        self.m = self.beta1 * self.m + (1 - self.beta1) * grad
        self.v = self.beta2 * self.v + (1 - self.beta2) * grad**2
        mh, vh = self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)
        theta += -lr * mh / (np.sqrt(vh) + self.eps)


TWINS: dict[type, type] = {
    layers.Dense: BookDense,
    layers.ReLU: BookReLU,
    layers.Softmax: BookSoftmax,
    layers.Sigmoid: BookSigmoid,
    layers.Dropout: BookDropout,
    losses.SoftmaxCrossEntropy: BookSoftmaxCrossEntropy,
    losses.CategoricalCrossEntropy: BookCategoricalCrossEntropy,
    losses.MeanSquaredError: BookMeanSquaredError,
    losses.MeanAbsoluteError: BookMeanAbsoluteError,
    losses.BinaryCrossEntropy: BookBinaryCrossEntropy,
    optim.RMSprop: BookRMSprop,
    optim.Adam: BookAdam,
}
