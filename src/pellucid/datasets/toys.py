"""Small data sets that are drawn, not measured: what a network does with them can be seen in the plane.

The first three are those of the book Neural Networks from Scratch; with seed 0 they give the book's numbers. A data
set's points depend on its arguments alone, and no random state outside is touched. The classes stand in blocks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.seeds import stream
from pellucid.data.batches import Data


def spiral(samples: int = 100, classes: int = 3, seed: int = 0) -> Data:
    """Arms that wind around one centre: no straight line separates them.

    Class k: r from 0 to 1, angle a from 4k to 4(k + 1) plus 0.2 times a normal number, x = (r sin 2.5a, r cos 2.5a).

    Args:
        samples: points in each class.
        classes: how many arms.
        seed: which points. 0 gives the book's.

    >>> spiral().x[1].round(8)
    array([0.00299556, 0.00964661])
    """
    return spiral_of(_book_normal(seed), samples, classes)


def spiral_of(draw: Callable[[int], Array], samples: int, classes: int) -> Data:
    """The spiral whose normal numbers come from `draw(n)`, arm after arm."""
    _check_counts(samples, classes)
    arms = []
    for k in range(classes):
        r = np.linspace(0.0, 1.0, samples)
        a = np.linspace(4.0 * k, 4.0 * (k + 1), samples) + 0.2 * draw(samples)
        arms.append(np.stack([r * np.sin(2.5 * a), r * np.cos(2.5 * a)], axis=1))  # (samples, 2)
    return _in_blocks("spiral", arms)


def vertical(samples: int = 100, classes: int = 3, seed: int = 0) -> Data:
    """Clouds side by side: straight lines separate them, nearly.

    Class k: x = (k/3 plus 0.1 times a normal number, 1/2 plus 0.1 times a normal number).

    Args:
        samples: points in each class.
        classes: how many clouds.
        seed: which points. 0 gives the book's.

    >>> vertical().x[0].round(6)
    array([0.176405, 0.688315])
    """
    return vertical_of(_book_normal(seed), samples, classes)


def vertical_of(draw: Callable[[int], Array], samples: int, classes: int) -> Data:
    """The clouds whose normal numbers come from `draw(n)`, cloud after cloud, x before y."""
    _check_counts(samples, classes)
    clouds = [np.stack([0.1 * draw(samples) + k / 3, 0.1 * draw(samples) + 0.5], axis=1) for k in range(classes)]
    return _in_blocks("vertical", clouds)


def sine(samples: int = 1000, offset: float = 0.0) -> Data:
    """One period of a sine, a regression: x = 0, 1/n, 2/n, ... and t = sin(2 pi x).

    Args:
        samples: n.
        offset: the points begin at offset / n; with 0.5 they lie halfway between those of offset 0.

    >>> sine(4).t.round(6).ravel().tolist()
    [0.0, 1.0, 0.0, -1.0]
    """
    _check_counts(samples, 1)
    x = ((np.arange(samples) + offset) / samples)[:, None]  # (n, 1)
    return Data(x, np.sin(2.0 * np.pi * x), columns=("x",), name="sine")


def xor(samples: int = 100, noise: float = 0.15, seed: int = 0) -> Data:
    """Four clouds on the corners of a square, opposite corners of one class: the classic that one layer cannot solve.

    Args:
        samples: points in each class, half of them on each of its corners.
        noise: the deviation around a corner; the square's side is 1.
        seed: which points.

    >>> xor(2, noise=0.0).x.tolist()
    [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    """
    rng = _stream(seed, "xor")
    _check_counts(samples, 2)
    _check_noise(noise)
    corners = np.array([[[0.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])  # (class, corner, 2)
    at = np.arange(samples) % 2
    return _in_blocks("xor", [corners[k][at] + rng.normal(0.0, noise, (samples, 2)) for k in range(2)])


def moons(samples: int = 100, noise: float = 0.1, seed: int = 0) -> Data:
    """Two half circles of radius 1 that reach into each other.

    Args:
        samples: points in each class.
        noise: the deviation around the half circle.
        seed: which points.

    >>> moons(3, noise=0.0).x.round(6).tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.5], [1.0, -0.5], [2.0, 0.5]]
    """
    rng = _stream(seed, "moons")
    _check_counts(samples, 2)
    _check_noise(noise)
    a = np.linspace(0.0, np.pi, samples)
    upper = np.stack([np.cos(a), np.sin(a)], axis=1)  # (samples, 2)
    lower = np.stack([1.0 - np.cos(a), 0.5 - np.sin(a)], axis=1)
    return _in_blocks("moons", [half + rng.normal(0.0, noise, (samples, 2)) for half in (upper, lower)])


def _in_blocks(name: str, blocks: list[Array]) -> Data:
    classes = tuple(map(str, range(len(blocks))))
    t = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
    return Data(np.concatenate(blocks), t, classes, columns=("x", "y"), name=name)


def _book_normal(seed: int) -> Callable[[int], Array]:
    """Normal numbers as the book draws them: NumPy's old generator, but one of our own."""
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise UsageError(f"This data set's seed is a whole number from 0 to {2**32 - 1}, not {seed!r}.")
    return np.random.RandomState(seed).randn


def _stream(seed: int, name: str) -> np.random.Generator:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise UsageError(f"A seed is a whole number, 0 or more, not {seed!r}.")
    return stream(int(seed), "toys", name)


def _check_counts(samples: int, classes: int) -> None:
    for what, count in (("samples", samples), ("classes", classes)):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise UsageError(f"{what} is a whole number, 1 or more, not {count!r}.")


def _check_noise(noise: float) -> None:
    if not 0.0 <= noise < np.inf:
        raise UsageError(f"noise is a deviation, 0 or more, not {noise!r}.")
