"""The order of an epoch of samples that lie on a disk: shuffled by blocks, so that the disk is read in long pieces.

    blocks of 4 rows     0 1 2 3 | 4 5 6 7 | 8 9 10 11 | 12 13
    laid in any order    8 9 10 11 | 0 1 2 3 | 12 13 | 4 5 6 7          the blocks change places
    in windows of 2      8 9 10 11   0 1 2 3 | 12 13   4 5 6 7          so many are in memory at a time
    each window mixed    2 9 0 11 8 3 10 1   | 7 12 5 13 4 6            a batch comes from all blocks of its window

Where each block stands, and how each window is mixed, follows from the seed and the epoch alone: nothing need be saved,
and a training goes on in the middle of an epoch to the same bits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.seeds import stream


class Order:
    """The order of n rows in one epoch; a slice of it is an array of rows.

    Args:
        n: how many rows there are.
        block: rows that are read in one piece; the last block may be shorter.
        window: blocks that are mixed with one another.
        seed, epoch: the order follows from them.

    >>> order = Order(14, block=4, window=2, seed=0, epoch=1)
    >>> sorted(order[0:14].tolist()) == list(range(14)), len(order.bounds) - 1
    (True, 2)
    >>> order[3:5].tolist() == order[0:14].tolist()[3:5]
    True
    """

    def __init__(self, n: int, block: int, window: int, seed: int, epoch: int) -> None:
        self.n, self.block, self.seed, self.epoch = n, block, seed, epoch
        count = -(-n // block)
        self.blocks = stream(seed, "shuffle", epoch).permutation(count)  # the blocks, as they are laid
        sizes = np.full(count, block)
        sizes[self.blocks == count - 1] = n - (count - 1) * block
        self.ends = np.cumsum(sizes)  # the place behind each laid block
        self.begins = np.empty(count, np.int64)
        self.begins[self.blocks] = self.ends - sizes  # by block, the place of its first row
        self.window = window
        self.bounds = np.concatenate([[0], self.ends[window - 1 : -1 : window], [n]])  # places where windows begin
        self.mixed = lru_cache(2)(self._mixed)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, at: slice) -> Array:
        """The rows at some places of the order."""
        first, end, _ = at.indices(self.n)
        found = [np.empty(0, np.int64)]
        while first < end:
            w = int(np.searchsorted(self.bounds, first, side="right")) - 1
            begin, stop = int(self.bounds[w]), min(int(self.bounds[w + 1]), end)
            found.append(self.rows(begin + self.mixed(w)[first - begin : stop - begin]))
            first = stop
        return np.concatenate(found)

    def _mixed(self, w: int) -> Array:
        size = int(self.bounds[w + 1] - self.bounds[w])
        return stream(self.seed, "shuffle", self.epoch, "window", w).permutation(size)

    def rows(self, places: Array) -> Array:
        """The rows that are laid at these places."""
        k = np.searchsorted(self.ends, places, side="right")
        blocks = self.blocks[k]
        return np.asarray(blocks * self.block + places - self.begins[blocks])

    def places(self, rows: Array) -> Array:
        """Where these rows are laid."""
        return np.asarray(self.begins[rows // self.block] + rows % self.block)

    def pieces(self, w: int) -> list[tuple[int, int]]:
        """The blocks of a window, as they are laid, each from a row to a row."""
        blocks = self.blocks[w * self.window : (w + 1) * self.window].tolist()
        return [(b * self.block, min((b + 1) * self.block, self.n)) for b in blocks]
