"""Setting samples aside: what a network is judged on must not be what it learned from."""

from __future__ import annotations

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


def _interleaved(order: Array, t: Array) -> Array:
    """The same samples so ordered that every beginning holds each class in proportion."""
    position = np.empty(len(order))
    for k in np.unique(t):
        mine = np.flatnonzero(t[order] == k)
        position[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return order[np.argsort(position, kind="stable")]
