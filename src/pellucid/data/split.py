"""Setting samples aside: what a network is judged on must not be what it learned from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Rows
from pellucid.base.errors import UsageError
from pellucid.base.seeds import stream
from pellucid.data.batches import Data


def split(data: Data, share: float, seed: int = 0, *, groups: Any = None, times: Any = None) -> tuple[Data, Data]:
    """Two data sets: the larger rest, and `share` of the samples set aside.

    Which ones is chance, with every class in proportion; or whole groups; or the latest. Rows of one patient on both
    sides, or yesterday's on one and the day before's on the other, are how a network is praised for what it knows
    already.

    Args:
        data: what to split.
        share: the share that is set aside, above 0 and below 1. At least one sample stays on each side.
        seed: the choice follows from it.
        groups: each sample's group, (N,): none is divided, so the share is met as nearly as the groups allow.
        times: when each sample was, (N,), numbers or dates: the latest are set aside, and equal times stay together.

    Raises:
        UsageError: if the share cannot be, or there is only one sample, group or time; or if a sample and a copy of it
            (`pl.enlarge`) would be on two sides.

    >>> rest, aside = split(Data(np.zeros((10, 1)), np.array([0] * 8 + [1] * 2), ("a", "b")), 0.5)
    >>> len(rest), np.bincount(aside.t).tolist()
    (5, [4, 1])
    >>> data = Data(np.zeros((4, 1)), np.arange(4))
    >>> split(data, 0.5, groups=["ann", "bob", "ann", "bob"])[1].t, split(data, 0.5, times=[7, 1, 9, 3])[1].t
    (array([0, 2]), array([0, 2]))
    """
    rest, aside = _divide(data, share, seed, groups, times)
    return data[rest], data[aside]


def three_parts(
    data: Data, validation: float = 0.1, test: float = 0.1, seed: int = 0, *, groups: Any = None, times: Any = None
) -> tuple[Data, Data, Data]:
    """Three data sets: to learn from, to choose by (which epoch, which network), and to be judged on once, at the end.

    Args:
        data, seed, groups, times: as for `split`. With times the test part is the latest and validation before it.
        validation, test: the shares of the whole.

    >>> [len(part) for part in three_parts(Data(np.zeros((50, 1)), np.arange(50) % 2), validation=0.2)]
    [35, 10, 5]
    """
    learn, judge = _divide(data, test, seed + 1, groups, times)
    left = validation / (1.0 - test)
    groups, times = (None if part is None else np.asarray(part)[learn] for part in (groups, times))
    rest, choose = _divide(data[learn], left, seed, groups, times)
    return data[learn[rest]], data[learn[choose]], data[judge]


def _chosen(data: Data, share: float, seed: int, groups: Any, times: Any) -> tuple[Array, Array]:
    """The indices of the rest and of those set aside, each in order."""
    if not 0.0 < share < 1.0:
        raise UsageError(f"The share that is set aside lies between 0 and 1, not at {share!r}; 0.1 is common.")
    if len(data) < 2:
        raise UsageError("One sample cannot be split in two.")
    if groups is not None and times is not None:
        raise UsageError("A split is by groups or by times. Give one of them.")
    rng, given = stream(seed, "split"), times if groups is None else groups
    if given is None and isinstance(data.x, Rows):
        return data.x.divide(share, rng)
    if given is None:
        order = rng.permutation(len(data))
        if data.t.ndim == 1 and data.t.dtype.kind in "iub":  # class ids
            order = _interleaved(order, data.t)
        count = min(max(round(share * len(data)), 1), len(data) - 1)
        return np.sort(order[count:]), np.sort(order[:count])
    what = "time" if groups is None else "group"
    if np.shape(given) != (len(data),):
        raise UsageError(f"There must be one {what} a sample, {len(data)}, not an array of shape {np.shape(given)}.")
    _, block, sizes = np.unique(np.asarray(given), return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise UsageError(f"All samples are of one {what}, so they cannot be split by it.")
    blocks = np.arange(len(sizes))[::-1] if groups is None else rng.permutation(len(sizes))
    over = np.abs(np.cumsum(sizes[blocks])[:-1] - share * len(data))  # how far the share is missed after each block
    aside = np.isin(block, blocks[: int(over.argmin()) + 1])
    return np.flatnonzero(~aside), np.flatnonzero(aside)


def _divide(data: Data, share: float, seed: int, groups: Any, times: Any) -> tuple[Array, Array]:
    """The indices of the rest and of those set aside, each in order; never a sample and a copy of it on two sides."""
    rest, aside = _chosen(data, share, seed, groups, times)
    if data.parents is not None and np.isin(data.parents[aside], data.parents[rest]).any():
        raise UsageError(
            f"{data.name} holds copies of its samples, and this split would put some of one sample on both sides: what "
            "is measured would be a lie. Split first and enlarge the training part alone, or give groups=data.parents."
        )
    return rest, aside


def folds(t: Sequence[Any] | Array, k: int = 5, seed: int = 0) -> Iterator[tuple[Array, Array]]:
    """Cross-validation: k pairs of indices (to learn from, to be judged on), every class in proportion.

    Every sample is judged in exactly one of the k, so a small table gives a figure on all of its rows. Where rows
    belong together, use `group_folds`.

    Args:
        t: the targets (N,): class ids are dealt out class by class, values by chance.
        k: how many folds. Default 5.
        seed: the choice follows from it.

    Raises:
        UsageError: if there are fewer samples than folds, or k is less than 2.

    >>> for learn, judge in folds([0, 0, 0, 0, 1, 1], k=2):
    ...     print(learn, judge)
    [0 3 4] [1 2 5]
    [1 2 5] [0 3 4]
    """
    t = np.asarray(t)
    _check_folds(k, len(t), "samples")
    order = stream(seed, "folds").permutation(len(t))
    if t.ndim == 1 and t.dtype.kind in "iub":
        order = order[np.argsort(t[order], kind="stable")]
    of = np.empty(len(t), np.intp)
    of[order] = np.arange(len(t)) % k
    return ((np.flatnonzero(of != i), np.flatnonzero(of == i)) for i in range(k))


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
    if np.ndim(groups) != 1:
        raise UsageError(f"groups holds one group a sample (N,), but its shape is {np.shape(groups)}.")
    _, group, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    _check_folds(k, len(sizes), "groups")
    order = stream(seed, "folds").permutation(len(sizes))
    fold, filled = np.empty(len(sizes), np.intp), [0] * k
    for g in order[np.argsort(-sizes[order], kind="stable")].tolist():
        fold[g] = filled.index(min(filled))
        filled[fold[g]] += int(sizes[g])
    of = fold[group]  # (N,)
    return ((np.flatnonzero(of != i), np.flatnonzero(of == i)) for i in range(k))


def _check_folds(k: Any, count: int, what: str) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 2:
        raise UsageError(f"k is the number of folds, a whole number of 2 or more, not {k!r}; 5 is common.")
    if count < k:
        raise UsageError(f"{count} {what} cannot be dealt out to {k} folds. Use fewer folds, at least 2.")


def _interleaved(order: Array, t: Array) -> Array:
    """The same samples so ordered that every beginning holds each class in proportion."""
    position = np.empty(len(order))
    for k in np.unique(t):
        mine = np.flatnonzero(t[order] == k)
        position[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return order[np.argsort(position, kind="stable")]
