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
from math import prod

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.augment import check_pictures, framed, like
from pellucid.kernels import active

PIECE = 15_000  # pixels that are looked up at a time: their dozen arrays stay in the cache, twice as fast


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
    maps = [warp.draw(x.shape[0], x.shape[1], x.shape[2], rng) for warp in warps]
    A = reduce(np.matmul, [one.A for one in maps]).astype(np.float32)  # (N, 3, 3); the last way is gone back first
    N, H, W, *C = x.shape
    y, fill, number = np.empty_like(x, order="C"), warps[0].fill, np.result_type(x.dtype, np.float32)
    step = max(1, PIECE // (H * W))
    for i in range(0, N, step):
        at = slice(i, i + step)
        nets = [(one.nodes[at], one.spacing) for one in maps if one.nodes is not None]
        wide = framed(x[at], 1, 1, fill, number)  # the frame is what lies outside
        rows, columns = _places(A[at], nets, H, W)
        seen = active().look_up(wide.reshape(*wide.shape[:3], prod(C)), rows, columns)  # (n, H, W, C)
        y[at] = like(seen.reshape(-1, H, W, *C), x)
    return y


def _places(A: Array, nets: Sequence[tuple[Array, int]], H: int, W: int) -> tuple[Array, Array]:
    """The row and the column (n, H, W) from which each new pixel comes, counted from the frame's first."""
    i, j = np.arange(H, dtype=np.float32) - (H - 1) / 2, np.arange(W, dtype=np.float32) - (W - 1) / 2
    middle = ((H + 1) / 2, (W + 1) / 2)
    rows, columns = (
        (A[:, k, 0, None] * i + (A[:, k, 2, None] + middle[k]))[:, :, None] + (A[:, k, 1, None] * j)[:, None]
        for k in (0, 1)
    )  # (n, H, W)
    for nodes, spacing in nets:
        d = net(H, spacing) @ nodes @ net(W, spacing).T  # (n, 2, H, W)
        for k, places in enumerate((rows, columns)):
            places += A[:, k, 0, None, None] * d[:, 0] + A[:, k, 1, None, None] * d[:, 1]
    return rows, columns


@cache
def net(size: int, spacing: int) -> Array:
    """How much each of `size` pixels in a row follows each node of a net: cubic B-splines, (size, K).

    The shares of a pixel sum to 1, so it never moves farther than the nodes around it, and neighbours move alike.

    >>> net(8, 7).shape, net(8, 7)[3].round(2), bool((abs(net(8, 7).sum(axis=1) - 1) < 1e-6).all())
    ((8, 4), array([0.03, 0.52, 0.43, 0.01], dtype=float32), True)
    """
    K = -(-(size - 1) // spacing) + 3
    u = np.abs(np.arange(size)[:, None] / spacing + 1.0 - np.arange(K))  # distance to each node, in spacings
    shares: Array = np.where(u < 1, 2 / 3 - u**2 + u**3 / 2, np.maximum(2 - u, 0) ** 3 / 6)
    shares = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    shares.flags.writeable = False
    return shares
