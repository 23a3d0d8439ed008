"""Numbers that a person understands, of predictions y and targets t. None of them is differentiated.

y is what `model.predict` gives: probabilities for classes, values for a regression. Targets of classes may be ids or
one-hot rows. First the metrics of classes, then those of numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError, UsageError, draw_shapes


def metric_name(f: Callable[[Array, Array], float]) -> str:
    """What a metric is called in a history; `functools.partial(top_k_accuracy, k=3)` is called as its function.

    >>> from functools import partial
    >>> metric_name(accuracy), metric_name(partial(top_k_accuracy, k=3))
    ('accuracy', 'top_k_accuracy')
    """
    return getattr(getattr(f, "func", f), "__name__", type(f).__name__)


def class_ids(y: Array) -> Array:
    """The answer in each row: ids as they are, one output by 0.5, several by the largest.

    >>> class_ids(np.array([[0.1, 0.9], [0.8, 0.2]])), class_ids(np.array([[0.7], [0.2]])), class_ids(np.array([2, 0]))
    (array([1, 0]), array([1, 0]), array([2, 0]))
    """
    y = np.asarray(y)
    if y.ndim >= 2 and y.shape[-1] > 1:
        return np.asarray(y.argmax(axis=-1))
    y = y[..., 0] if y.ndim >= 2 else y
    return np.asarray(y if y.dtype.kind in "iu" else (y >= 0.5).astype(np.int64))


def accuracy(y: Array, t: Array) -> float:
    """The share of rows whose answer is right; t are ids or one-hot.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    answers, truth = class_ids(y), _ids(t, y)
    return float((answers == truth).mean())


def _ids(t: Array, y: Array) -> Array:
    t, y = np.asarray(t), np.asarray(y)
    if t.shape == y.shape and y.ndim >= 2:
        return class_ids(t)
    if t.shape == y.shape[:-1]:
        return t.astype(np.int64)
    if t.shape == (*y.shape[:-1], 1):
        return t[..., 0].astype(np.int64)
    if y.ndim == 1 and t.shape == y.shape:
        return t.astype(np.int64)
    raise _mismatch(t, y)


def _mismatch(t: Array, y: Array) -> ShapeError:
    drawn = draw_shapes(t.shape, y.shape, "targets", "predictions")
    return ShapeError(f"Predictions and targets do not belong together.\n{drawn}")


def binary_accuracy(y: Array, t: Array) -> float:
    """The share of all yes-or-no answers (probability at least 0.5) that are right, several a row counted each.

    >>> binary_accuracy(np.array([[0.9, 0.2]]), np.array([[1, 1]]))
    0.5
    """
    y = np.asarray(y)
    t = _like(t, y)
    return float(((y >= 0.5) == (t >= 0.5)).mean())


def top_k_accuracy(y: Array, t: Array, k: int = 5) -> float:
    """The share of rows whose true class is among the k most probable; ties count as the model's favour.

    >>> top_k_accuracy(np.array([[0.5, 0.3, 0.2]]), np.array([1]), k=2)
    1.0
    """
    y = np.asarray(y)
    if not 1 <= k <= y.shape[-1]:
        raise UsageError(f"top_k_accuracy needs 1 <= k <= {y.shape[-1]} (the number of classes), not k = {k}.")
    truth = _ids(t, y)
    own = np.take_along_axis(y, truth[..., None], axis=-1)
    return float(((y > own).sum(axis=-1) < k).mean())


def confusion_matrix(y: Array, t: Array, classes: int | None = None) -> Array:
    """C[i, j]: how many samples of true class i were answered j.

    >>> confusion_matrix(np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.array([1, 1, 0]))
    array([[0, 1],
           [1, 1]])
    """
    answers, truth = class_ids(y).ravel(), _ids(t, y).ravel()
    y = np.asarray(y)
    K = classes or (y.shape[-1] if y.ndim >= 2 and y.shape[-1] > 1 else int(max(answers.max(), truth.max(), 1)) + 1)
    return np.bincount(truth * K + answers, minlength=K * K).reshape(K, K)


def _by_class(y: Array, t: Array) -> tuple[Array, Array, Array]:
    C = confusion_matrix(y, t)
    return np.diagonal(C), C.sum(axis=0), C.sum(axis=1)  # right, answered, true


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def precision(y: Array, t: Array) -> float:
    """Of those answered "class k", the share that are: the mean over the classes (macro); 0 for one never answered.

    >>> precision(np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.array([1, 1, 0]))
    0.25
    """
    right, answered, _ = _by_class(y, t)
    return float(_share(right, answered).mean())


def recall(y: Array, t: Array) -> float:
    """Of those that are class k, the share that was found: the mean over the classes (macro); 0 for an absent one.

    >>> recall(np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.array([1, 1, 0]))
    0.25
    """
    right, _, true = _by_class(y, t)
    return float(_share(right, true).mean())


def f1(y: Array, t: Array) -> float:
    """The harmonic mean of a class's precision and recall, `2 right / (answered + true)`, mean over the classes.

    >>> f1(np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.array([1, 1, 0]))
    0.25
    """
    right, answered, true = _by_class(y, t)
    return float(_share(2 * right, answered + true).mean())


def _like(t: Array, y: Array) -> Array:
    t = np.asarray(t)
    if t.shape != y.shape:
        if t.size != y.size or len(t) != len(y):
            raise _mismatch(t, y)
        t = t.reshape(y.shape)
    return t


def mean_absolute_error(y: Array, t: Array) -> float:
    """The mean of |y - t|, in the targets' unit.

    >>> mean_absolute_error(np.array([[1.0], [4.0]]), np.array([2.0, 2.0]))
    1.5
    """
    y = np.asarray(y)
    return float(np.abs(y - _like(t, y)).mean())


def regression_accuracy(y: Array, t: Array, tolerance: float | None = None) -> float:
    """The share of values within `tolerance` of the target; by default a 250th of the targets' deviation (the book's).

    >>> regression_accuracy(np.array([[1.0], [4.0]]), np.array([1.001, 2.0]), tolerance=0.01)
    0.5
    """
    y = np.asarray(y)
    t = _like(t, y)
    return float((np.abs(y - t) < (float(t.std()) / 250.0 if tolerance is None else tolerance)).mean())


def r2(y: Array, t: Array) -> float:
    """`1 - sum (y - t)^2 / sum (t - mean t)^2`: 1 is perfect, 0 no better than always saying the mean.

    Where all targets are one value there is nothing to explain: 1 if it was met exactly, else 0.

    >>> r2(np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 4.0]))
    0.7857142857142857
    """
    y = np.asarray(y, np.float64)
    t = _like(t, y).astype(np.float64)
    scatter = float(((t - t.mean(axis=0)) ** 2).sum())
    error = float(((y - t) ** 2).sum())
    return 1.0 - error / scatter if scatter else float(error == 0)
