"""What may be changed in a picture of a blood cell without changing what it shows."""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array


def turn(x: Array, rng: np.random.Generator) -> Array:
    """Rows become columns, or not: together with mirroring, all eight ways in which a square can lie."""
    y, at = x.copy(), np.flatnonzero(rng.integers(0, 2, len(x)))
    y[at] = x[at].swapaxes(1, 2)
    return y


def stain(x: Array, rng: np.random.Generator) -> Array:
    """Each picture in another light, and each of its colours by itself: both by about a tenth."""
    light, colours = (rng.standard_normal((len(x), 1, 1, c), dtype=np.float32) for c in (1, 3))
    stained: Array = (x * (1 + 0.1 * light) * (1 + 0.1 * colours)).clip(0, 255)
    return stained
