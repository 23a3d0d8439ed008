"""More samples out of few, once and for all: each with copies of it that are changed a little.

A copy knows the sample that it was made of. That matters more than the copies: a copy of a test picture among the
training pictures makes the test a lie. So enlarge the training part alone, after the split; `pl.split` refuses to put a
sample and its copy on two sides.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pellucid.base.arrays import Array, Rows
from pellucid.base.errors import UsageError
from pellucid.base.seeds import stream
from pellucid.data.augment import Augment, check_pictures, framed
from pellucid.data.batches import Data


def enlarge(
    data: Data, times: int = 5, augment: Augment | None = None, seed: int = 0, *, fill: float | None = 0.0
) -> Data:
    """Every sample `times` times: first all as they are, then all changed, and so on.

    Without `augment` the copies are shifts to the nearest places: 5 is each picture with its shifts by one pixel up,
    down, left and right; 13 has those by two steps too, straight and diagonal. `parents` of the result says for each
    sample which one it was made of. Training can change its batches anew in every epoch instead (`augment=`), which
    needs no memory and is usually better; copies are for what wants all samples at once, and to see the difference.

    Args:
        data: the training part, after the split.
        times: how many there shall be of each. Without `augment` 1, 5, 13, 25, ...
        augment: what changes the copies, such as `pl.Rotate(15)`. Default: shifts to the nearest places.
        seed: the changes follow from it.
        fill: what shifts move in: a number, or None for the nearest pixel. Default 0.

    Raises:
        UsageError: if there can be no such number of copies.

    >>> data = enlarge(Data(np.ones((2, 3, 3)), np.array([0, 1]), ("a", "b")), 5)
    >>> data, data.parents
    (Data(10 samples of (3, 3) float64, 2 classes), array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]))
    """
    if isinstance(times, bool) or not isinstance(times, int | np.integer) or times < 1:
        raise UsageError(f"times is how many there shall be of each sample, a whole number from 1, not {times!r}.")
    if isinstance(data.x, Rows):
        raise UsageError(f"{data.name} stays on the disk, and copies are made in memory. Change its batches: augment=.")
    if augment is None:
        parts = _shifted(data.x, _nearest(int(times)), fill)
    else:
        rng = stream(seed, "augment")
        parts = [data.x, *(augment(data.x, rng) for _ in range(times - 1))]
    n = len(data)
    first = np.arange(n) if data.parents is None else data.parents
    at = np.tile(np.arange(n), times)
    weights, mask = (None if part is None else part[at] for part in (data.weights, data.mask))
    return replace(data, x=np.concatenate(parts), t=data.t[at], weights=weights, mask=mask, parents=first[at])


def _nearest(times: int) -> list[tuple[int, int]]:
    """The nearest `times` places, itself first: all that some number of single steps leads to."""
    steps = next(r for r in range(times) if 1 + 2 * r * (r + 1) >= times)
    if 1 + 2 * steps * (steps + 1) != times:
        raise UsageError(
            f"Shifts to the nearest places make 5 of each picture (one step), 13 (two) or 25 (three), not {times}. "
            "Other numbers need an augmentation: enlarge(data, times, pl.Shift(2))."
        )
    moves = [(i, j) for i in range(-steps, steps + 1) for j in range(-steps, steps + 1) if abs(i) + abs(j) <= steps]
    return sorted(moves, key=lambda move: (abs(move[0]) + abs(move[1]), move))


def _shifted(x: Array, moves: list[tuple[int, int]], fill: float | None) -> list[Array]:
    check_pictures("enlarge", x)
    H, W = x.shape[1:3]
    p = max(abs(i) for i, _ in moves)
    wide = framed(x, p, p, fill)
    return [wide[:, p - i : p - i + H, p - j : p - j + W] for i, j in moves]
