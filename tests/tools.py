"""The tools of the tests: central differences, read-only copies, every array inside a cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pellucid.layers import Step

Array = Any


def frozen(x: Array) -> Array:
    """A copy that raises when it is written to."""
    x = np.array(x)
    x.flags.writeable = False
    return x


def slope(f: Callable[[Array], float], x: Array, h: float = 1e-6) -> Array:
    """df/dx by central differences, number by number."""
    out = np.empty(x.shape)
    for spot in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[spot] += h
        down[spot] -= h
        out[spot] = (f(up) - f(down)) / (up[spot] - down[spot])
    return out


def arrays(cache: Any) -> Iterator[Array]:
    """Every array inside a cache, however deep."""
    if isinstance(cache, np.ndarray):
        yield cache
    elif isinstance(cache, dict):
        for inner in cache.values():
            yield from arrays(inner)
    elif isinstance(cache, list | tuple):
        for inner in cache:
            yield from arrays(inner)
    elif isinstance(cache, Step):
        yield from arrays([cache.cache, cache.x, cache.y, cache.dy, cache.dx])
