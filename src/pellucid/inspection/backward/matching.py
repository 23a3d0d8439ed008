"""Is this array that one? Is it that one times something, and is the something a power of N, K or 2?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.backward.mistakes import known


@dataclass(frozen=True)
class Scene:
    """What a comparison has to know about a trial: how many samples and outputs, how exact, what is rounding."""

    N: int
    K: int
    tolerance: float
    floor: float


def numbers(said: Any) -> Array | None:
    """What was reported as an array of float64, or None if it is none."""
    array = np.asarray(said)
    return array.astype(np.float64) if array.dtype.kind in "fiub" else None


def laid(said: Any, true: Array) -> Array | None:
    """`said` in the shape of `true` if only axes of length 1 differ, else None.

    >>> laid([[1.0, 2.0]], np.zeros(2))
    array([1., 2.])
    """
    array = numbers(said)
    if array is None or [n for n in array.shape if n != 1] != [n for n in true.shape if n != 1]:
        return None
    return array.reshape(true.shape)


def distance(said: Any, true: Array, scene: Scene) -> tuple[float, int, bool] | None:
    """(largest difference relative to the largest number, how many were compared, is it the same); None if the shapes
    differ.

    >>> distance([1.0, 2.0], np.array([1.0, np.nan]), Scene(3, 2, 1e-6, 1e-12))
    (0.0, 1, True)
    """
    array = laid(said, true)
    if array is None:
        return None
    at = np.isfinite(true)
    if not np.isfinite(array[at]).all():
        return float("inf"), int(at.sum()), False
    scale = max(float(np.abs(true[at]).max(initial=0.0)), float(np.abs(array[at]).max(initial=0.0)))
    apart = float(np.abs(array - true)[at].max(initial=0.0))
    same = apart <= scene.floor + scene.tolerance * scale
    return (0.0 if scale <= scene.floor else apart / scale), int(at.sum()), same


def ratio(said: Any, guess: Array, scene: Scene) -> float | None:
    """The r for which said = r guess, or None if there is none; 1 where both are 0.

    >>> scene = Scene(3, 2, 1e-6, 1e-12)
    >>> ratio([2.0, 4.0], np.array([1.0, 2.0]), scene), ratio([2.0, 5.0], np.array([1.0, 2.0]), scene)
    (2.0, None)
    """
    array = laid(said, guess)
    if array is None:
        return None
    at = np.isfinite(guess)
    a, g = array[at], guess[at]
    if not a.size or not np.isfinite(a).all():
        return None
    if np.abs(g).max() <= scene.floor:
        return 1.0 if np.abs(a).max() <= scene.floor else None
    r = float((a @ g) / (g @ g))
    scale = max(float(np.abs(a).max()), abs(r) * float(np.abs(g).max()))
    return r if float(np.abs(a - r * g).max()) <= 3.0 * scene.tolerance * scale + scene.floor else None


def factors(ratios: Sequence[float], scenes: Sequence[Scene]) -> tuple[str, ...] | None:
    """The mistakes that multiply a gradient by these numbers in these trials; None if there are no such mistakes.

    >>> scenes = [Scene(3, 2, 1e-6, 0.0), Scene(5, 2, 1e-6, 0.0)]
    >>> factors([-3.0, -5.0], scenes), factors([1.0, 1.0], scenes), factors([7.0, 7.0], scenes)
    (('sign', 'missing 1/N'), (), None)
    """
    named = {1: ("missing 1/N", "missing 1/K"), -1: ("extra 1/N", "extra 1/K")}
    tries = sorted(
        product((1, -1), (0, 1, -1), (0, 1, -1), (0, -1, 1)), key=lambda p: (p[0] < 0) + sum(map(abs, p[1:]))
    )
    for sign, n, k, two in tries:
        wanted = [sign * float(s.N) ** n * float(s.K) ** k * 2.0**two for s in scenes]
        near = 10.0 * max(s.tolerance for s in scenes)
        if all(abs(r - w) <= near * abs(w) for r, w in zip(ratios, wanted, strict=True)):
            said = ["sign"] * (sign < 0)
            said += [named[n][0]] if n else []
            said += [named[k][1]] if k else []
            said += ["factor 2 of the square"] if two else []
            return tuple(known(name) for name in said)
    return None
