"""Samples that stay on a disk and are read a window at a time, as an array that training can index.

What is read does not depend on what was read before: `x[rows]` are those rows, always. That an epoch asks for them in
the order of `windows.py` only makes it fast, and so the bits of a training do not depend on whether the next window is
loaded ahead of the step, or by how many threads.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Rows, Shape
from pellucid.base.errors import UsageError
from pellucid.datasets.windows import Order

MOST_WINDOWS = 2  # a batch that needs more is not one of an epoch's, and is picked row by row
PIECE = 4 << 20  # bytes of records that are looked at for one column of them
SCRAPS = 4  # so many short runs or more are cut out of one piece that is read as a whole
DENSE = 0.5  # if at least this share of the piece is wanted
LARGE = 512 << 20  # bytes; more than this is never made an array by accident, and stays on the disk by itself


class Place(ABC):
    """Where rows lie.

    Attributes:
        name: what it is called in messages.
        shape, dtype: of all rows, as an array.
        block: how many rows are read in one piece.
        window: how many blocks are mixed with one another.
    """

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    block: int
    window: int

    @abstractmethod
    def read(self, start: int, out: Array) -> None:
        """Fill `out` with the rows from `start` on. Several threads may ask at once."""

    @abstractmethod
    def mark(self) -> bytes:
        """A few bytes that tell this content from another."""


class OnDisk(Rows):
    """Rows of a place, or a part of them, in the place of an array x (N, ...).

    Args:
        place: where they lie.
        runs: (R, 2), the place's rows that these are, from a row to a row. Default all.
        threads: how many threads read the next window while the present one is used. Default 0: it is read when it
            is wanted.
    """

    def __init__(self, place: Place, runs: Array | None = None, threads: int = 0) -> None:
        self.place, self.threads, self.dtype = place, threads, place.dtype
        self.runs = np.array([[0, place.shape[0]]]) if runs is None else runs
        self.ends = np.cumsum(self.runs[:, 1] - self.runs[:, 0])  # (R,), the row of this part behind each run
        self.shape = (int(self.ends[-1]) if len(self.ends) else 0, *place.shape[1:])
        self.laid: Order | None = None
        self.held: dict[int, Array] = {}  # the windows in memory
        self.coming: dict[Any, Coming] = {}  # what is being read ahead: a window, an epoch's first one, a slice

    def order(self, seed: int, epoch: int) -> Order:
        """The order of an epoch; what is read from now on is read in its windows."""
        coming = self.coming.get(("epoch", seed, epoch))
        self.laid = self._order(seed, epoch)
        self.held, self.coming = {}, {} if coming is None else {0: coming}
        return self.laid

    def _order(self, seed: int, epoch: int) -> Order:
        return Order(len(self), self.place.block, self.place.window, seed, epoch)

    def part(self, at: Array | slice) -> OnDisk:
        """Some of the rows, still on the disk."""
        if isinstance(at, slice):
            at = np.arange(*at.indices(len(self)))
        rows = np.flatnonzero(at) if at.dtype == np.bool_ else at
        found = [self._runs(rows[i : i + (1 << 20)]) for i in range(0, len(rows), 1 << 20)]
        runs = np.concatenate([np.empty((0, 2), np.int64), *found])
        whole = np.ones(len(runs), np.bool_)  # a run that was cut by the pieces here is one again
        whole[1:] = runs[1:, 0] != runs[:-1, 1]
        joined = np.stack([runs[whole, 0], runs[np.roll(whole, -1), 1]], axis=1)
        return OnDisk(self.place, joined, self.threads)

    def _runs(self, rows: Array) -> Array:
        """Rows of this part as runs of the place's rows (R, 2)."""
        there = self._there(rows)
        breaks = np.flatnonzero(np.diff(there) != 1) + 1
        return np.stack([there[np.r_[0, breaks]], there[np.r_[breaks - 1, len(there) - 1]] + 1], axis=1)

    def _there(self, rows: Array) -> Array:
        """Rows of this part as rows of the place."""
        run = np.searchsorted(self.ends, rows, side="right")
        return np.asarray(self.runs[run, 1] - self.ends[run] + rows)

    def divide(self, share: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """The rest and a share set aside: of every piece of the rows a run, at a place that chance chooses.

        So each part of a file is in proportion on both sides, classes that stand one after the other too, and what is
        set aside can be read without the rest.
        """
        n = len(self)
        piece = max(int(np.ceil(1 / share)), min(self.place.block, n // 2000))
        ends = np.minimum(np.arange(0, n, piece) + piece, n)
        begins = np.r_[0, ends[:-1]]
        count = min(max(round(share * n), 1), n - 1)
        taken = np.diff(np.r_[0, np.rint(ends * (count / n))]).astype(np.int64)
        starts = begins + (rng.random(len(ends)) * (ends - begins - taken + 1)).astype(np.int64)
        chosen = np.zeros(n, np.bool_)
        chosen[np.repeat(starts - np.r_[0, np.cumsum(taken)[:-1]], taken) + np.arange(count)] = True
        return np.flatnonzero(~chosen), np.flatnonzero(chosen)

    def words(self) -> str:
        """How it is read, in a line."""
        p = self.place
        what = f"{p.window} at a time," if p.block == 1 else f"{p.window} blocks of {p.block:,} at a time, mixed,"
        ahead = f"ahead of the step by {self.threads} thread{'s' * (self.threads > 1)}" if self.threads else "as needed"
        return f"the samples stay on the disk and are read {what} {ahead}"

    def mark(self) -> bytes:
        """What the place says, which of its rows these are, and what their order depends on."""
        return b"%s %d %d %d" % (self.place.mark(), zlib.crc32(self.runs.data), self.place.block, self.place.window)

    # ---- reading -----------------------------------------------------------------------------------------------------

    def __getitem__(self, at: Any) -> Array:
        n = len(self)
        if isinstance(at, str):  # a column of records
            step = max(1, PIECE // self.dtype.itemsize)
            return np.concatenate([self._slice(i, min(i + step, n))[at] for i in range(0, n, step)])
        if isinstance(at, slice) and at.step in (None, 1):
            first, end, _ = at.indices(n)
            return self._slice(first, max(first, end))
        rows: Array = np.arange(n)[at] if isinstance(at, slice) else np.asarray(at)
        if rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        rows = np.where(rows < 0, rows + n, rows)
        if rows.size and (rows.min() < 0 or rows.max() >= n):
            raise IndexError(f"{self.place.name} has {n} rows; row {int(rows.max())} was asked for.")
        found = self._mixed(rows.ravel())
        return found.reshape((*rows.shape, *self.shape[1:]))[()]

    def _slice(self, first: int, end: int) -> Array:
        """Rows one after the other. Who asks for a second slice like that is given it from what was read ahead."""
        wanted = self.coming.pop((first, end), None) or Coming(self, [(first, end)])
        after = (end, min(2 * end - first, len(self)))
        if self.threads and first < end < after[1]:
            self.coming = {after: Coming(self, [after])}
        return wanted.get()

    def _mixed(self, rows: Array) -> Array:
        """Rows in any order."""
        if self.laid is None or not len(rows):
            return self._picked(rows)
        places = self.laid.places(rows)
        bounds = self.laid.bounds
        low, high = (int(w) for w in np.searchsorted(bounds, [places.min(), places.max()], side="right") - 1)
        if high - low >= MOST_WINDOWS:
            return self._picked(rows)
        self.held = {w: array for w, array in self.held.items() if low <= w <= high}
        windows = [self._window(w) for w in range(low, high + 1)]
        if self.threads and low == high:
            self._look_ahead(high)
        if low == high:
            return np.asarray(windows[0][places - bounds[low]])
        out, late = np.empty((len(rows), *self.shape[1:]), self.dtype), places >= bounds[high]
        for window, which, w in ((windows[0], ~late, low), (windows[1], late, high)):
            out[which] = window[places[which] - bounds[w]]
        return out

    def _look_ahead(self, w: int) -> None:
        """Begin to read what is likely to be wanted next: the next window, or the first one of the next epoch."""
        assert self.laid is not None
        last, seed, epoch = w == len(self.laid.bounds) - 2, self.laid.seed, self.laid.epoch + 1
        key: Any = ("epoch", seed, epoch) if last else w + 1
        if key not in self.coming:
            pieces = self._order(seed, epoch).pieces(0) if last else self.laid.pieces(w + 1)
            self.coming = {key: Coming(self, pieces)}

    def _window(self, w: int) -> Array:
        assert self.laid is not None
        if w not in self.held:
            coming = self.coming.pop(w, None) or Coming(self, self.laid.pieces(w))
            self.held[w] = coming.get()
        return self.held[w]

    def _picked(self, rows: Array) -> Array:
        """Rows here and there, each run of them read once."""
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        if len(rows):
            unique, back = np.unique(rows, return_inverse=True)
            breaks = np.flatnonzero(np.diff(unique) != 1) + 1
            pieces = zip(unique[np.r_[0, breaks]].tolist(), (unique[np.r_[breaks - 1, -1]] + 1).tolist(), strict=True)
            out[:] = Coming(self, list(pieces)).get()[back]
        return out

    def fill(self, first: int, end: int, out: Array) -> None:
        """Read rows of this part, one after the other, into `out`."""
        low, high = np.searchsorted(self.ends, [first, end - 1], side="right").tolist()
        runs = self.runs[low : high + 1].copy()  # of the place's rows
        runs[0, 0], runs[-1, 1] = self._there(np.array([first, end - 1])) + np.array([0, 1])
        least, most = int(runs[:, 0].min()), int(runs[:, 1].max())
        if len(runs) > SCRAPS and self.place.block > 1 and len(out) >= DENSE * (most - least):
            piece = np.empty((most - least, *self.shape[1:]), self.dtype)
            self.place.read(least, piece)
            out[:] = piece[self._there(np.arange(first, end)) - least]
            return
        at = 0
        for start, stop in runs.tolist():
            self.place.read(start, out[at : at + stop - start])
            at += stop - start

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        size = len(self) * self.dtype.itemsize * int(np.prod(self.shape[1:]))
        if size > LARGE:
            raise UsageError(
                f"{self.place.name} holds {size:,} bytes of samples and stays on the disk; here something asked for "
                "all of them at once. x[a:b] reads some."
            )
        return np.asarray(self[:], dtype)

    def __repr__(self) -> str:
        return f"OnDisk({self.place.name!r}, {self.shape}, {self.dtype})"


class Coming:
    """An array on its way: pieces of a part, each from a row to a row, side by side."""

    def __init__(self, x: OnDisk, pieces: Sequence[tuple[int, int]]) -> None:
        sizes = [end - first for first, end in pieces]
        self.out = np.empty((sum(sizes), *x.shape[1:]), x.dtype)
        self.x, self.jobs, at = x, list[tuple[int, int, Array]](), 0
        step = max(1, -(-len(self.out) // max(1, 4 * x.threads)))  # so that every thread has some
        for (first, _), size in zip(pieces, sizes, strict=True):
            longest = size if x.place.block > 1 else step
            for i in range(0, size, max(1, longest)):
                stop = min(i + longest, size)
                self.jobs.append((first + i, first + stop, self.out[at + i : at + stop]))
            at += size
        self.done = [pool(x.threads).submit(x.fill, *job) for job in self.jobs] if x.threads else None

    def get(self) -> Array:
        """The array, when all of it is there."""
        for i, job in enumerate(self.jobs):
            if self.done is None:
                self.x.fill(*job)
            else:
                self.done[i].result()
        return self.out


_POOLS: dict[int, Any] = {}


def pool(threads: int) -> Any:
    """So many threads, which all streams share."""
    from concurrent.futures import ThreadPoolExecutor

    if threads not in _POOLS:
        _POOLS[threads] = ThreadPoolExecutor(threads, "pellucid-ahead")
    return _POOLS[threads]
