"""Setting samples aside: what a network is judged on must not be what it learned from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.seeds import stream
from pellucid.data.batches import Data


def split(data: Data, share: float, seed: int = 0) -> tuple[Data, Data]:
    """Two data sets: the larger rest and `share` of the samples, chosen at random, every class in proportion.

    Args:
        data: what to split.
        share: the share that is set aside, above 0 and below 1. At least one sample stays on each side.
        seed: the choice follows from it.

    >>> rest, aside = split(Data(np.zeros((10, 1)), np.array([0] * 8 + [1] * 2), ("a", "b")), 0.5)
    >>> len(rest), np.bincount(aside.t).tolist()
    (5, [4, 1])
    """
    if not 0.0 < share < 1.0:
        raise UsageError(f"The share that is set aside lies between 0 and 1, not at {share!r}; 0.1 is common.")
    if len(data) < 2:
        raise UsageError("One sample cannot be split in two.")
    rng = stream(seed, "split")
    order = rng.permutation(len(data))
    if data.t.ndim == 1 and data.t.dtype.kind in "iub":  # class ids
        order = _interleaved(order, data.t)
    count = min(max(round(share * len(data)), 1), len(data) - 1)
    aside = np.sort(order[:count])
    return data[np.sort(order[count:])], data[aside]


def group_folds(groups: Sequence[Any] | Array, k: int = 5, seed: int = 0) -> Iterator[tuple[Array, Array]]:
    """Cross-validation that keeps groups together: k pairs of indices (to learn from, to be judged on).

    Every sample is judged in exactly one of the k. All samples of a group, such as one patient's cells, are on the same
    side: with some on each, a network would be praised for knowing the patient again. The largest groups are dealt out
    first, each to the fold that has the fewest samples, so the folds differ by no more than the largest group.

    Args:
        groups: each sample's group: a number or a word, (N,).
        k: how many folds. Default 5.
        seed: which of equally large groups goes where.

    Raises:
        UsageError: if there are fewer groups than folds, or k is less than 2.

    >>> for learn, judge in group_folds(["ann", "bob", "ann", "eve"], k=3):
    ...     print(learn, judge)
    [1 3] [0 2]
    [0 2 3] [1]
    [0 1 2] [3]
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 2:
        raise UsageError(f"k is the number of folds, a whole number of 2 or more, not {k!r}; 5 is common.")
    if np.ndim(groups) != 1:
        raise UsageError(f"groups holds one group a sample (N,), but its shape is {np.shape(groups)}.")
    _, group, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if len(sizes) < k:
        raise UsageError(f"{len(sizes)} groups cannot be dealt out to {k} folds. Use fewer folds, at least 2.")
    order = stream(seed, "folds").permutation(len(sizes))
    fold, filled = np.empty(len(sizes), np.intp), [0] * k
    for g in order[np.argsort(-sizes[order], kind="stable")].tolist():
        fold[g] = filled.index(min(filled))
        filled[fold[g]] += int(sizes[g])
    of = fold[group]  # (N,)
    return ((np.flatnonzero(of != i), np.flatnonzero(of == i)) for i in range(k))


def _interleaved(order: Array, t: Array) -> Array:
    """The same samples so ordered that every beginning holds each class in proportion."""
    position = np.empty(len(order))
    for k in np.unique(t):
        mine = np.flatnonzero(t[order] == k)
        position[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return order[np.argsort(position, kind="stable")]
