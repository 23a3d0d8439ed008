"""Which of many rows is nearest to each of some others, if it lies within a radius: the search for near-duplicates.

All distances between 60,000 and 3,000 rows would be 180 million. But a row within the radius r of another is within r
of it along any direction, so rows are sorted along the two directions in which they differ most, and only those in
reach are compared: as products of blocks.
"""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array

FAR = 1e6  # what is farther from the middle is no neighbour of anything
BLOCK = 128  # rows that are compared at one time


def nearest(a: Array, b: Array, radius: float) -> tuple[Array, Array]:
    """For each row of b the nearest row of a, and how far it is: indices (M,), -1 where none is within the radius.

    Args:
        a: rows (N, D), float32.
        b: rows (M, D), float32.
        radius: the greatest distance that counts, above 0.

    >>> a = np.array([[0, 0], [5, 5], [9, 9]], np.float32)
    >>> nearest(a, np.array([[5, 5.5], [7, 7]], np.float32), radius=1.0)
    (array([ 1, -1]), array([0.5, inf]))
    """
    at, far = np.full(len(b), -1), np.full(len(b), np.inf)
    centre = np.nan_to_num(a.mean(axis=0))
    a, b = (np.nan_to_num(x - centre).clip(-FAR, FAR).astype(np.float32) for x in (a, b))
    _, directions = np.linalg.eigh((a.T @ a).astype(np.float64))
    first, second = directions[:, -1], directions[:, -min(2, a.shape[1])]
    order = np.argsort(a @ first)
    p, q = (a @ first)[order], b @ first  # (N,), (M,)
    sizes = np.concatenate([a, np.einsum("nd,nd->n", a, a)[:, None]], axis=1)  # so that one product gives a^2 - 2 a b
    strip = np.floor(q / radius).astype(np.int64)
    for s in np.unique(strip).tolist():
        low, high = np.searchsorted(p, [(s - 1) * radius, (s + 2) * radius])
        if low == high:
            continue
        here = order[low:high]
        along = a[here] @ second
        here, along = here[np.argsort(along)], np.sort(along)
        rows = np.flatnonzero(strip == s)
        place = b[rows] @ second
        rows, place = rows[np.argsort(place)], np.sort(place)
        for i in range(0, len(rows), BLOCK):
            block = rows[i : i + BLOCK]
            begin, end = np.searchsorted(along, [place[i] - radius, place[i + len(block) - 1] + radius])
            if begin == end:
                continue
            asked = np.concatenate([-2.0 * b[block], np.ones((len(block), 1), np.float32)], axis=1)
            squares = asked @ sizes[here[begin:end]].T  # (block, reach)
            best = squares.argmin(axis=1)
            at[block] = here[begin + best]
    found = np.flatnonzero(at >= 0)
    far[found] = np.sqrt(((a[at[found]].astype(np.float64) - b[found]) ** 2).sum(axis=1))
    beyond = far > radius
    at[beyond], far[beyond] = -1, np.inf
    return at, far
