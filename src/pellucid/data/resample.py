"""Pictures whose points have moved: every new pixel looks up where it comes from and takes what is there.

    y[p] = x[A (p + d(p))]      p a pixel, counted from the middle; A turns, scales, slants and moves; d bends

Going backwards leaves no holes. Between four pixels it takes their mean, weighted by nearness (bilinear). Maps that
follow each other are multiplied before any picture is touched, so several changes blur a picture once, not each time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.augment import check_pictures, framed, like

PIECE = 24_576  # pixels that are looked up at a time: their dozen arrays stay in the processor's cache, 3 times faster


@dataclass(frozen=True)
class Map:
    """Where the pixels of N pictures come from.

    Args:
        A: a matrix for each picture, (N, 3, 3): it makes (row, column, 1) of (row, column, 1), from the middle.
        nodes: how far the nodes of a net over each picture are moved, (N, 2, K, L); or None.
        spacing: pixels between two nodes.
    """

    A: Array
    nodes: Array | None = None
    spacing: int = 1


class Warp(ABC):
    """The parent of the changes that move points. A child draws a map; `pl.Chain` joins the maps of neighbours."""

    fill: float | None  # what lies outside of a picture: a number, or None for its nearest pixel

    @abstractmethod
    def draw(self, N: int, H: int, W: int, rng: np.random.Generator) -> Map:
        """A map for each of N pictures of H x W pixels."""

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Changed copies of pictures x (N, H, W) or (N, H, W, C)."""
        return warped([self], x, rng)


def warped(warps: Sequence[Warp], x: Array, rng: np.random.Generator) -> Array:
    """The pictures after several warps, the first one first, looked up once."""
    check_pictures(type(warps[0]).__name__, x)
    maps = [warp.draw(*x.shape[:3], rng) for warp in warps]
    A = reduce(np.matmul, [one.A for one in maps]).astype(np.float32)  # (N, 3, 3): new pixels go back the last way first
    N, H, W = x.shape[:3]
    y = np.empty_like(x, order="C")
    step = max(1, PIECE // (H * W))
    for i in range(0, N, step):
        at = slice(i, i + step)
        y[at] = like(_looked_up(x[at], *_places(A[at], [(m, at) for m in maps], H, W), warps[0].fill), x)
    return y


def _places(A: Array, maps: Sequence[tuple[Map, slice]], H: int, W: int) -> tuple[Array, Array]:
    """The row and the column (n, H, W) from which each new pixel comes, counted from the first."""
    i, j = np.arange(H, dtype=np.float32) - (H - 1) / 2, np.arange(W, dtype=np.float32) - (W - 1) / 2
    middle = ((H - 1) / 2, (W - 1) / 2)
    rows, columns = (
        (A[:, k, 0, None] * i + (A[:, k, 2, None] + middle[k]))[:, :, None] + (A[:, k, 1, None] * j)[:, None]
        for k in (0, 1)
    )  # (n, H, W)
    for one, at in maps:
        if one.nodes is not None:
            d = net(H, one.spacing) @ one.nodes[at] @ net(W, one.spacing).T  # (n, 2, H, W)
            down, right = d[:, 0], d[:, 1]
            a = A[:, :2, :2, None, None]
            rows += a[:, 0, 0] * down + a[:, 0, 1] * right
            columns += a[:, 1, 0] * down + a[:, 1, 1] * right
    return rows, columns


def _looked_up(x: Array, rows: Array, columns: Array, fill: float | None) -> Array:
    """The pictures' values at places between their pixels; a frame around them holds what lies outside."""
    n, H, W, *C = x.shape
    wide = framed(x, 1, 2, fill, np.result_type(x.dtype, np.float32))
    for places, last in ((rows, H), (columns, W)):
        places += 1.0
        np.clip(places, 0.0, last + 1.0, out=places)
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    rows -= top
    columns -= left
    at = (top + np.arange(n)[:, None, None] * (H + 3)) * (W + 3) + left
    flat = wide.reshape(-1, *C)
    down, right = (part.reshape(*part.shape, *[1] * len(C)) for part in (rows, columns))
    upper = _between(flat, at, right)
    at += W + 3
    lower = _between(flat, at, right)
    lower -= upper
    lower *= down
    upper += lower
    return upper


def _between(flat: Array, at: Array, share: Array) -> Array:
    """`(1 - share) flat[at] + share flat[at + 1]`."""
    a = flat.take(at, axis=0, mode="wrap")  # every place is inside; this mode is the fastest
    b = flat.take(at + 1, axis=0, mode="wrap")
    b -= a
    b *= share
    a += b
    return a


@cache
def net(size: int, spacing: int) -> Array:
    """How much each of `size` pixels in a row follows each node of a net: cubic B-splines, (size, K).

    The shares of a pixel sum to 1, so it never moves farther than the nodes around it, and neighbours move alike.

    >>> net(8, 7).shape, net(8, 7)[3].round(2), bool((abs(net(8, 7).sum(axis=1) - 1) < 1e-6).all())
    ((8, 4), array([0.03, 0.52, 0.43, 0.01], dtype=float32), True)
    """
    K = -(-(size - 1) // spacing) + 3
    u = np.abs(np.arange(size)[:, None] / spacing + 1.0 - np.arange(K))  # distance to each node, in spacings
    shares = np.where(u < 1, 2 / 3 - u**2 + u**3 / 2, np.maximum(2 - u, 0) ** 3 / 6)
    shares = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    shares.flags.writeable = False
    return shares
