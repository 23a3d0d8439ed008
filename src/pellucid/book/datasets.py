"""The book's three data sets under their names, as pairs of arrays. The points are made in pellucid.datasets."""

from __future__ import annotations

from pellucid.base.arrays import Array
from pellucid.book.chapters import chapters
from pellucid.book.world import WORLD, randn
from pellucid.data.batches import Data
from pellucid.datasets import sine
from pellucid.datasets.toys import spiral_of, vertical_of


@chapters({"3": "(samples, classes)"})
def spiral_data(samples: int, classes: int) -> tuple[Array, Array]:
    """The spiral, X (samples * classes, 2) and class ids y (samples * classes,), drawn from np.random.

    >>> from pellucid.book import init
    >>> init()
    >>> X, y = spiral_data(100, 3)
    >>> X[1], y[299]
    (array([0.00299556, 0.00964661], dtype=float32), np.uint8(2))
    """
    return _pair(spiral_of(randn, samples, classes))


@chapters({"4": "(samples, classes)"})
def vertical_data(samples: int, classes: int) -> tuple[Array, Array]:
    """Clouds side by side, X (samples * classes, 2) and class ids y, drawn from np.random.

    >>> from pellucid.book import init
    >>> init()
    >>> vertical_data(100, 3)[0][0]
    array([0.17640524, 0.6883151 ], dtype=float32)
    """
    return _pair(vertical_of(randn, samples, classes))


@chapters({"17": "(samples=1000)"})
def sine_data(samples: int = 1000) -> tuple[Array, Array]:
    """One period of a sine, X (samples, 1) and y (samples, 1), both float64 as in the book.

    >>> X, y = sine_data(4)
    >>> X.ravel().tolist(), y.round(6).ravel().tolist()
    ([0.0, 0.25, 0.5, 0.75], [0.0, 1.0, 0.0, -1.0])
    """
    data = sine(samples)
    return data.x, data.t


def _pair(data: Data) -> tuple[Array, Array]:
    return data.x.astype(WORLD.dtype), data.t.astype("uint8")
