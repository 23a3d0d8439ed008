"""The book's accuracies: `compare` says which predictions are right, `calculate` gives their share."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError, UsageError, draw_shapes
from pellucid.book.chapters import chapters
from pellucid.book.world import WORLD
from pellucid.metrics import class_ids


class Accuracy:
    """The parent. An accuracy of your own needs `init(y)` and `compare(predictions, y)`.

    Attributes:
        accumulated_sum, accumulated_count: since `new_pass()`, over the batches (chapter 19).
    """

    accumulated_sum: Any
    accumulated_count: int

    def __init__(self) -> None:
        self.new_pass()

    def init(self, y: Any) -> None:
        """What is to be learnt from the targets before training: here nothing."""

    def compare(self, predictions: Array, y: Array) -> Array:
        """True where a prediction is right."""
        raise NotImplementedError

    @chapters({"18": "(predictions, y)"})
    def calculate(self, predictions: Any, y: Any) -> Any:
        """The share of predictions that are right."""
        right = np.asarray(self.compare(np.asarray(predictions), np.asarray(y)))
        self.accumulated_sum = getattr(self, "accumulated_sum", 0) + np.sum(right)
        count = len(right) if WORLD.slips else right.size  # the book counts rows where it sums numbers
        self.accumulated_count = getattr(self, "accumulated_count", 0) + count
        return np.mean(right)

    @chapters({"19": "()"})
    def calculate_accumulated(self) -> Any:
        """The share of all predictions since `new_pass()`."""
        if not self.accumulated_count:
            raise UsageError("Nothing has been accumulated yet: call calculate(predictions, y) for each batch first.")
        return self.accumulated_sum / self.accumulated_count

    @chapters({"19": "()"})
    def new_pass(self) -> None:
        """Forget what was accumulated."""
        self.accumulated_sum = 0
        self.accumulated_count = 0


class Accuracy_Categorical(Accuracy):
    """Right is the same class. Targets are ids or one-hot rows; with binary=True every column is an answer of its own.

    Args:
        binary: default false.

    >>> Accuracy_Categorical().calculate(np.array([1, 0]), np.array([[0, 1], [0, 1]]))
    np.float64(0.5)
    """

    @chapters({"18": "(*, binary=False)"})
    def __init__(self, *, binary: bool = False) -> None:
        self.binary = binary
        super().__init__()

    @chapters({"18": "(predictions, y)"})
    def compare(self, predictions: Array, y: Array) -> Array:
        """True where the class is the same."""
        one_hot = not self.binary and y.ndim == 2 and y.shape[1] > 1 and predictions.ndim == 1
        truth = class_ids(y) if one_hot else y
        return np.asarray(predictions == _like(truth, predictions))


class Accuracy_Regression(Accuracy):
    """Right is what lies within `precision`, a 250th of the targets' standard deviation, of the target.

    >>> accuracy = Accuracy_Regression()
    >>> accuracy.init(np.array([0.0, 500.0])); accuracy.precision
    np.float64(1.0)
    >>> accuracy.calculate(np.array([0.5, 502.0]), np.array([0.0, 500.0]))
    np.float64(0.5)
    """

    def __init__(self) -> None:
        self.precision: Any = None
        super().__init__()

    @chapters({"18": "(y, reinit=False)"})
    def init(self, y: Any, reinit: bool = False) -> None:
        """Take the precision from these targets, once; with reinit anew."""
        if self.precision is None or reinit:
            self.precision = np.std(y) / 250

    @chapters({"18": "(predictions, y)"})
    def compare(self, predictions: Array, y: Array) -> Array:
        """True where the distance is below the precision."""
        if self.precision is None:
            raise UsageError("Accuracy_Regression has no precision yet: call init(y) with the training targets first.")
        return np.asarray(np.absolute(predictions - _like(y, predictions)) < self.precision)


def _like(y: Array, predictions: Array) -> Array:
    """y in the predictions' shape: (N,) against (N, 1) would otherwise be compared all with all, (N, N)."""
    if y.shape == predictions.shape:
        return y
    if y.size == predictions.size and len(y) == len(predictions):
        return y.reshape(predictions.shape)
    raise ShapeError(
        "These predictions and targets do not belong together.\n"
        + draw_shapes(y.shape, predictions.shape, "targets", "predictions")
    )
