"""Other batches of the kind that the caller gave: more inputs, more targets, other numbers of samples."""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array


def like(x: Array, n: int, rng: np.random.Generator, shape: tuple[int, ...] | None = None, keep: bool = False) -> Array:
    """n samples: normal numbers, or with `keep` numbers of the same kind (shares, probabilities, above 0).

    >>> rng = np.random.default_rng(0)
    >>> like(np.array([[0.2, 0.8]]), 3, rng, keep=True).sum(axis=1).round(9)
    array([1., 1., 1.])
    """
    size = (n, *(x.shape[1:] if shape is None else shape))
    if keep and x.size and x.min() >= 0.0:
        if x.max() <= 1.0:
            u = rng.uniform(0.06, 0.94, size)
            together = x.ndim > 1 and x.shape[-1] > 1 and np.allclose(x.sum(axis=-1), 1.0, atol=1e-3)
            return np.asarray(u / u.sum(axis=-1, keepdims=True) if together else u)
        if x.min() > 0.0:
            return np.asarray(np.exp(0.5 * rng.standard_normal(size)))
    z = rng.standard_normal(size)
    return np.asarray(z + 0.02 * np.sign(z))


def targets_like(t: Array, given: Array, x: Array, rng: np.random.Generator) -> Array:
    """Targets for the outputs x, of the kind of t: class ids, one-hot rows, yes or no, or measurements.

    Args:
        t: the caller's targets, for the outputs `given`.
        given: the caller's outputs.
        x: the outputs that need targets.
        rng: draws them.

    >>> targets_like(np.array([0, 2]), np.zeros((2, 4)), np.zeros((3, 4)), np.random.default_rng(0)).shape
    (3,)
    """
    n, K = len(x), x.shape[-1]
    if is_ids(t, given):
        ids = rng.integers(0, K, x.shape[:-1])
        ids.flat[: min(ids.size, 2)] = [0, K - 1][: min(ids.size, 2)]
        return ids.astype(t.dtype).reshape(n, *t.shape[1:]) if t.ndim <= x.ndim else ids
    shape = x.shape if t.ndim == x.ndim else (n, *t.shape[1:])
    if t.size and np.isin(t, (0, 1)).all():
        if t.ndim > 1 and t.shape[-1] > 1 and np.array_equal(t.sum(axis=-1), np.ones(t.shape[:-1])):
            return np.asarray(np.eye(K)[rng.integers(0, K, x.shape[:-1])], t.dtype)
        bits = rng.integers(0, 2, shape)
        bits.flat[: min(bits.size, 2)] = [0, 1][: min(bits.size, 2)]
        return bits.astype(t.dtype)
    kind = t if t.dtype.kind == "f" else t.astype(np.float64)
    drawn = like(kind, n, rng, shape[1:], keep=bool(t.size and t.min() >= 0.0 and t.max() <= 1.0))
    return drawn.astype(kind.dtype)


def is_ids(t: Array, x: Array) -> bool:
    """Whether the targets are class ids: whole numbers, one for each row of x where x has several columns.

    >>> is_ids(np.array([0, 2]), np.zeros((2, 3))), is_ids(np.zeros((2, 3)), np.zeros((2, 3)))
    (True, False)
    """
    if x.ndim < 2 or x.shape[-1] < 2 or t.size != x.size // x.shape[-1] or t.shape == x.shape:
        return False
    return t.dtype.kind in "iub" or bool(np.array_equal(t, np.floor(t)) and t.min() >= 0 and t.max() < x.shape[-1])
