"""The book's losses: `forward` gives one loss a sample, `calculate` their mean, `backward` fills dinputs.

Value and gradient are those of the Pellucid loss, so they are of one function. Where the book's backward is that of
another one, `slips(True)` brings its form back; each class says how.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pellucid import losses
from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.book.chapters import chapters
from pellucid.book.part import Part, regularizers
from pellucid.book.rounding import twin
from pellucid.book.world import WORLD, real

EPS = 1e-7  # how near to 0 and 1 a probability may come, as in Pellucid's own two losses


class Loss(Part):
    """The parent. A loss of your own needs `forward(y_pred, y_true)`, one number a sample, and `backward`.

    Attributes:
        accumulated_sum, accumulated_count: since `new_pass()`, over the batches (chapter 19).
        trainable_layers: whose regularizers `regularization_loss()` adds up (chapter 18).

    >>> loss = Loss_MeanSquaredError()
    >>> loss.calculate(np.array([[1.0], [4.0]]), np.array([[1.0], [2.0]]))
    np.float64(2.0)
    """

    trainable_layers: list[Any]
    kind: type[losses.Loss]  # the Pellucid loss that computes

    accumulated_sum: Any
    accumulated_count: int

    def __init__(self) -> None:
        self.new_pass()

    @chapters({"5": "(y_pred, y_true)"})
    def forward(self, y_pred: Any, y_true: Any) -> Array:
        """One loss a sample (N,)."""
        _, cache = twin(self.kind)().forward(real(y_pred), np.asarray(y_true))
        return np.asarray(cache["rows"])

    @chapters({"9": "(dvalues, y_true)"})
    def backward(self, dvalues: Any, y_true: Any) -> None:
        """Fill `dinputs`: dL/dvalues, divided by the number of samples; `dvalues` are the outputs, as in the book."""
        y, t = real(dvalues), np.asarray(y_true)
        if WORLD.book_rounding and y.shape == t.shape:
            y = y.astype(np.result_type(y, t))  # the difference of float32 and float64 is float64
        self.dinputs = self.gradient(y, t)

    def gradient(self, y: Array, t: Array) -> Array:
        """The Pellucid loss's gradient at the outputs y."""
        rule = twin(self.kind)()
        _, cache = rule.forward(y, t)
        return rule.backward(cache)

    @chapters({"5": "(output, y)", "18": "(output, y, *, include_regularization=False)"})
    def calculate(self, output: Any, y: Any, *, include_regularization: bool = False) -> Any:
        """The mean loss; with include_regularization a pair of it and the regularization loss."""
        rows = self.forward(output, y)
        self.accumulated_sum = getattr(self, "accumulated_sum", 0) + np.sum(rows)
        self.accumulated_count = getattr(self, "accumulated_count", 0) + len(rows)
        return (np.mean(rows), self.regularization_loss()) if include_regularization else np.mean(rows)

    @chapters({"19": "(*, include_regularization=False)"})
    def calculate_accumulated(self, *, include_regularization: bool = False) -> Any:
        """The mean loss of all samples since `new_pass()`."""
        if not self.accumulated_count:
            raise UsageError("Nothing has been accumulated yet: call calculate(output, y) for each batch first.")
        mean = self.accumulated_sum / self.accumulated_count
        return (mean, self.regularization_loss()) if include_regularization else mean

    @chapters({"19": "()"})
    def new_pass(self) -> None:
        """Forget what was accumulated."""
        self.accumulated_sum = 0
        self.accumulated_count = 0

    @chapters({"18": "(trainable_layers)"})
    def remember_trainable_layers(self, trainable_layers: Iterable[Any]) -> None:
        """Whose regularizers `regularization_loss()` adds up."""
        self.trainable_layers = list(trainable_layers)

    @chapters({"14": "(layer)", "18": "()"})
    def regularization_loss(self, layer: Any = None) -> float:
        """What the weights cost: of one layer (chapter 14), or of all that were remembered (chapter 18)."""
        if layer is None and "trainable_layers" not in vars(self):
            raise UsageError(
                "regularization_loss() is chapter 18's form, which needs remember_trainable_layers(layers) first; "
                "chapter 14's form is regularization_loss(layer)."
            )
        layers = self.trainable_layers if layer is None else [layer]
        return sum((p.value(w) for one in layers for p, w, _ in regularizers(one)), 0.0)


class Loss_CategoricalCrossentropy(Loss):
    """-log of the probability of the true class, clipped to [1e-7, 1 - 1e-7]: `pl.CategoricalCrossEntropy`.

    The book clips in forward only, so its gradient goes on where the value stands still; with slips(True) this one
    does too.

    >>> loss = Loss_CategoricalCrossentropy()
    >>> loss.forward(np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([1, 0])).round(4)
    array([0.6931, 0.1054])
    """

    kind = losses.CategoricalCrossEntropy

    def gradient(self, y: Array, t: Array) -> Array:
        """With slips on, -T / Y / N, also outside the clip."""
        if not WORLD.slips:
            return super().gradient(y, t)
        unclipped = twin(losses.CategoricalCrossEntropy)(eps=0.0)
        with np.errstate(divide="ignore", invalid="ignore"):  # a probability of 0 gives inf, as the book's does
            _, cache = unclipped.forward(y, t)
            return unclipped.backward(cache)


class Loss_BinaryCrossentropy(Loss):
    """The mean over the outputs of -(T log Y + (1 - T) log(1 - Y)), Y clipped: `pl.BinaryCrossEntropy`.

    Outside the clip the value stands still and the gradient is 0; the book gives the gradient at the clip instead,
    and with slips(True) so does this.

    >>> Loss_BinaryCrossentropy().forward(np.array([[0.5], [0.9]]), np.array([[1], [1]])).round(4)
    array([0.6931, 0.1054])
    """

    kind = losses.BinaryCrossEntropy

    def gradient(self, y: Array, t: Array) -> Array:
        """With slips on, the gradient at the clip for what is outside."""
        return super().gradient(np.clip(y, EPS, 1 - EPS) if WORLD.slips else y, t)


class Loss_MeanSquaredError(Loss):
    """The mean over the outputs of (y_true - y_pred)^2: `pl.MeanSquaredError`.

    >>> Loss_MeanSquaredError().forward(np.array([[1.0, 5.0]]), np.array([[1.0, 2.0]]))
    array([4.5])
    """

    kind = losses.MeanSquaredError


class Loss_MeanAbsoluteError(Loss):
    """The mean over the outputs of |y_true - y_pred|: `pl.MeanAbsoluteError`.

    The book's backward (chapters 17, 18, 19 and 22) has the opposite sign and walks uphill: its loss grows. With
    slips(True) so does this one.

    >>> loss = Loss_MeanAbsoluteError()
    >>> loss.backward(np.array([[5.0]]), np.array([[2.0]])); loss.dinputs        # too high: down
    array([[1.]])
    """

    kind = losses.MeanAbsoluteError

    def gradient(self, y: Array, t: Array) -> Array:
        """With slips on, the opposite."""
        return -super().gradient(y, t) if WORLD.slips else super().gradient(y, t)
