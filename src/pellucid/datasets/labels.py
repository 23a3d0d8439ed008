"""From labels as people write them to class ids and names, and back to another model's numbering.

Arrays already hold class ids: they stay as they are, and the names are their numbers. A table's labels are words or
any whole numbers: a class's id is its position among them in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data

MOST_CLASSES = 10_000  # a label beyond this is a misread file, not a class
LARGEST_GAP = 10  # ids may be missing for classes that a file lacks
MOST_WHOLE_CLASSES = 100  # more different whole numbers than this in a table are measurements, such as prices


def class_ids(labels: Array, name: str) -> Array:
    """Labels of an array file as class ids (N,), int64.

    Args:
        labels: whole numbers (N,) or (N, 1), or one-hot rows (N, K).
        name: the file, for messages.

    >>> class_ids(np.array([[0, 1], [1, 0]]), "labels.npy"), class_ids(np.array([3, 0], np.uint8), "labels.npy")
    (array([1, 0]), array([3, 0]))
    """
    if labels.ndim == 2 and labels.shape[1] > 1 and one_hot(labels):
        return np.asarray(labels.argmax(axis=1))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "biu":
        raise DataError(
            f"{name} should hold labels: one whole number a sample (N,), or one-hot rows (N, K). "
            f"It holds {labels.dtype} of shape {labels.shape}."
        )
    bad = np.flatnonzero((labels < 0) | (labels >= MOST_CLASSES))
    if len(bad):
        raise DataError(
            f"{name}: the label of sample {bad[0] + 1} is {labels[bad[0]]}. Labels are class ids: they count from 0, "
            f"and {MOST_CLASSES - 1:,} is the highest."
        )
    return labels.astype(np.int64)


def one_hot(t: Array) -> bool:
    """Whether every row of t (N, K) is a single 1 among 0s."""
    return bool(t.dtype.kind in "biuf" and ((t == 0) | (t == 1)).all() and (t.sum(axis=1) == 1).all())


def numbered(*ids: Array) -> tuple[str, ...]:
    """The names of classes that have none: their numbers, up to the largest id in any of the arrays.

    >>> numbered(np.array([0, 2]), np.array([3]))
    ('0', '1', '2', '3')
    """
    return tuple(map(str, range(1 + max(int(t.max(initial=-1)) for t in ids))))


def named_ids(words: Sequence[Array]) -> tuple[list[Array], tuple[str, ...]]:
    """Class ids for arrays of words: positions among all their different words, sorted. And those words.

    >>> named_ids([np.array(["dog", "cat"]), np.array(["owl"])])
    ([array([1, 0]), array([2])], ('cat', 'dog', 'owl'))
    """
    names, ids = np.unique(np.concatenate([part.ravel() for part in words]), return_inverse=True)
    edges = np.cumsum([part.size for part in words])[:-1]
    return [part.astype(np.int64) for part in np.split(ids, edges)], tuple(names.tolist())


def as_classes(labels: Any) -> tuple[Array, tuple[str, ...]]:
    """Class ids (N,) and the classes' names, from labels of any kind: words, booleans, whole numbers with gaps.

    A class's id is its position among the different labels in order: words by their letters, numbers by their size.

    Args:
        labels: one a sample, (N,).

    Raises:
        DataError: if they are not one a sample, or numbers that are not whole.

    >>> as_classes(["dog", "cat", "dog"]), as_classes([700, -1, 30]), as_classes([True, False])
    ((array([1, 0, 1]), ('cat', 'dog')), (array([2, 0, 1]), ('-1', '30', '700')), (array([1, 0]), ('False', 'True')))
    """
    given = np.asarray(labels)
    if given.dtype.kind == "O" and all(isinstance(label, str) for label in given.ravel()):
        given = given.astype(np.str_)
    if given.ndim != 1 or given.dtype.kind not in "biufU":
        raise DataError(f"Labels are words, booleans or whole numbers, one a sample, not {given.dtype} {given.shape}.")
    if given.dtype.kind == "f" and not (given == np.floor(given)).all():
        raise DataError("The labels are numbers with fractions: measurements, not classes. Use a loss for values.")
    if given.dtype.kind == "f":
        given = given.astype(np.int64)
    names, ids = np.unique(given, return_inverse=True)
    return ids.astype(np.int64), tuple(str(name) for name in names.tolist())


def gaps(labels: Sequence[Array]) -> bool:
    """Whether whole numbers are names of classes and no ids: below 0, or most numbers up to the largest are missing.

    Each stands there more than once: a single -1 is a mistake.

    >>> gaps([np.array([700, 30] * 2)]), gaps([np.array([0, 1, 2, 4] * 2)]), gaps([np.array([-1, 1, 1])])
    (True, False, False)
    """
    different, counts = np.unique(np.concatenate([part.ravel() for part in labels]), return_counts=True)
    few = 1 < len(different) <= MOST_WHOLE_CLASSES and counts.min() > 1
    return bool(few and (different[0] < 0 or different[-1] > 2 * len(different) + LARGEST_GAP))


def read_targets(cells: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """A table's target column: class ids and the classes' names, or values and no names.

    Words are classes, sorted. Whole numbers are classes, sorted by size, unless they are more than 100 different ones.
    All other numbers are values. A cell that is no number among numbers with fractions is the caller's to refuse.

    >>> read_targets(["dog", "cat", "dog"])
    (array([1, 0, 1]), ('cat', 'dog'))
    >>> read_targets(["10", "9", "10.0"])
    (array([1, 0, 1]), ('9', '10'))
    >>> read_targets(["0.5", "2"])
    (array([0.5, 2. ]), ())
    """
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        (ids,), names = named_ids([np.array([cell.strip() for cell in cells])])
        return ids, names
    numbers, ids = np.unique(values, return_inverse=True)
    if len(numbers) > MOST_WHOLE_CLASSES or not (numbers == np.floor(numbers)).all():
        return values, ()
    return ids.astype(np.int64), tuple(str(int(number)) for number in numbers)


def renumber(data: Data, classes: Sequence[str]) -> Data:
    """The same data with the class ids of another numbering, such as a trained model's.

    A file that lacks a class may number the others differently; the names tell which is which.

    Args:
        data: data of classes.
        classes: the names to count by.

    Raises:
        DataError: if data has a class that is not among them.

    >>> renumber(Data(np.zeros((2, 1)), np.array([0, 1]), ("cat", "owl")), ("cat", "dog", "owl")).t
    array([0, 2])
    """
    place = {name: i for i, name in enumerate(classes)}
    there = [data.classes[i] for i in np.unique(data.t).tolist()] if data.classes else []
    unknown = [name for name in there if name not in place]
    if unknown or not data.classes:
        raise DataError(
            f"{data.name} has {'the classes ' + ', '.join(unknown[:10]) if unknown else 'values instead of classes'}, "
            f"and the model knows only {', '.join(classes[:10])}{', ...' if len(classes) > 10 else ''}. "
            "Use data with the classes that the model was trained on."
        )
    table = np.array([place.get(name, -1) for name in data.classes])
    return replace(data, t=table[data.t], classes=tuple(classes))
