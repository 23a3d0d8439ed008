"""Pictures that are the same picture: moved by a pixel, saved again with loss, or with a little noise.

A move changes every pixel, but not how strong each slow wave in the picture is: so pictures are first compared by the
strengths of some twenty waves, which a product with one matrix gives. What is close there is laid on one another at
each move and compared pixel by pixel.
"""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.inspection.datachecks.near import nearest

SLOW = 4  # the fastest wave has so many crests in a picture
CLOSE = 0.1  # in the strengths of waves, of pictures brought to length 1
SAME = 0.15  # of a picture's own contrast: JPEG of quality 75 changes MNIST by 0.07, and another hand by 0.2 or more
FRAMED = 0.05  # of a picture's deviation; a frame with less is empty, and a move changes nothing at the edge
LARGE = 16  # pixels of a side; in smaller pictures there is no edge to fade out
ROOM = 1 << 22  # numbers that are converted at one time


def pictures_alike(a: Array, b: Array, shape: Shape) -> tuple[Array, str]:
    """For each picture of b one of a that shows the same, -1 where there is none; and how they differ, in words.

    Args:
        a: pictures (N, ...), any real type.
        b: pictures (M, ...).
        shape: one picture's shape (H, W, C).
    """
    a, b = a.reshape(len(a), *shape), b.reshape(len(b), *shape)
    matrix = _waves(shape, fade=not _framed(a[:: max(1, len(a) // 500)]))
    u, v = _strengths(a, matrix), _strengths(b, matrix)
    at, _ = nearest(u, v, CLOSE)
    asked = np.flatnonzero(at >= 0)
    if not len(asked):
        return at, ""
    rest, moved = _laid_on(a[at[asked]], b[asked])
    same = rest <= SAME
    found = np.full(len(b), -1)
    found[asked[same]] = at[asked[same]]
    return found, _how(rest[same], moved[same])


def _how(rest: Array, moved: Array) -> str:
    if not len(rest):
        return ""
    by_move, whole = int((moved & (rest == 0)).sum()), int((rest == 0).sum())
    said = []
    if by_move:
        said.append(f"{by_move:,} are equal after a move by a pixel")
    if len(rest) > whole:
        said.append(f"{len(rest) - whole:,} differ by up to {100 * float(rest.max()):.0f} % of their contrast")
    if whole > by_move:
        said.append(f"{whole - by_move:,} are equal but for their edges")
    return "; ".join(said)


def _framed(few: Array) -> bool:
    """Whether the pictures stand on an empty frame, as MNIST's digits do."""
    edge = np.concatenate([few[:, 0], few[:, -1], few[:, :, 0], few[:, :, -1]], axis=1).reshape(len(few), -1)
    spread = few.reshape(len(few), -1).astype(np.float64).std(axis=1)
    return bool((edge.astype(np.float64).std(axis=1) <= FRAMED * spread).mean() > 0.9)


def _waves(shape: Shape, fade: bool) -> Array:
    """A cosine and a sine for each slow wave (H * W * C, 2 K + 1); last the mean over what counts."""
    H, W, C = shape
    weight = np.outer(_fading(H), _fading(W)) if fade and min(H, W) >= LARGE else np.ones((H, W))
    row, column = np.mgrid[:H, :W]
    turns = [
        (u, v) for u in range(SLOW + 1) for v in range(-SLOW, SLOW + 1) if (u, v) > (0, 0) and u * u + v * v <= SLOW**2
    ]
    columns = []
    for u, v in turns:
        phase = 2 * np.pi * (u * row / H + v * column / W)
        columns += [weight * np.cos(phase), weight * np.sin(phase)]
    columns = [np.repeat(wave.ravel(), C) * np.sqrt(2.0 / (H * W * C)) for wave in columns]
    mean = np.repeat(weight.ravel(), C) / (C * weight.sum())
    return np.stack([*columns, mean], axis=1).astype(np.float32)


def _fading(n: int) -> Array:
    """Weights (n,) that leave off the outermost pixel, where a move brings in something else."""
    weight = np.ones(n)
    weight[[0, -1]], weight[[1, -2]] = 0.0, 0.5
    return weight


def _strengths(x: Array, matrix: Array) -> Array:
    """How strong each wave is in each picture of length 1: (N, K), the same wherever the picture was moved to."""
    size, level = matrix.shape[0], matrix[:, :-1].sum(axis=0)
    step, parts = max(1, ROOM // size), []
    for i in range(0, len(x), step):
        block = np.nan_to_num(x[i : i + step].reshape(-1, size).astype(np.float32))
        product = block @ matrix  # (n, 2 K + 1)
        middle = block.mean(axis=1)
        length = np.sqrt(np.maximum(np.einsum("nd,nd->n", block, block) - size * middle * middle, 1e-12))
        wave = (product[:, :-1] - product[:, -1:] * level) / length[:, None]
        parts.append(np.hypot(wave[:, 0::2], wave[:, 1::2]))
    return np.concatenate(parts)


def _laid_on(a: Array, b: Array) -> tuple[Array, Array]:
    """How much of b's contrast is left with a laid on it, at the best move by up to a pixel (M,); whether it moved."""
    n, (H, W) = len(b), b.shape[1:3]
    inner = b[:, 1:-1, 1:-1].astype(np.float32).reshape(n, -1)
    contrast = np.sqrt(((inner - inner.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    best, moved = np.full(n, np.inf), np.zeros(n, np.bool_)
    for down in (1, 0, 2):
        for right in (1, 0, 2):
            other = a[:, down : H - 2 + down, right : W - 2 + right].astype(np.float32).reshape(n, -1)
            rest = np.sqrt(((other - inner) ** 2).sum(axis=1))
            rest = np.where(contrast > 0, rest / np.where(contrast > 0, contrast, 1.0), np.inf)
            better = rest < best
            best, moved = np.where(better, rest, best), np.where(better, (down, right) != (1, 1), moved)
    return best, moved
