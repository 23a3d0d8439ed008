"""Changes that move the points of a picture: turned, scaled, slanted, cut out, bent. By increasing complexity.

Each picture of a batch gets a map of its own, and all are looked up together (resample.py). Where a map reaches outside
of a picture, `fill` says what is there: a number, such as 0 for strokes on black; or, by default, the nearest pixel of
the picture, which is right for photographs and for strokes on any even ground, dark or light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.augment import check_strength
from pellucid.data.resample import Map, Warp


@dataclass(frozen=True)
class Rotate(Warp):
    """Each picture turned about its middle by up to `degrees`, to the left or to the right.

    Handwriting leans by some 15 degrees; with 90 a 6 becomes no 9 yet, with 180 it does.

    Args:
        degrees: the greatest angle.
        fill: what lies outside of a picture; None for its nearest pixel. Default None.

    >>> x = np.zeros((1, 5, 5)); x[0, 2] = 8.0
    >>> Rotate(45)(x, np.random.default_rng(3))[0].round()
    array([[0., 0., 0., 0., 5.],
           [0., 0., 2., 6., 5.],
           [0., 3., 8., 3., 0.],
           [5., 6., 2., 0., 0.],
           [5., 0., 0., 0., 0.]])
    """

    degrees: float = 15.0
    fill: float | None = None

    def draw(self, N: int, H: int, W: int, rng: np.random.Generator) -> Map:
        """A turn for each picture."""
        check_strength(self, "degrees", 0.0, 180.0)
        angle = np.radians(rng.uniform(-self.degrees, self.degrees, N))
        return Map(_matrices(N, np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)))


@dataclass(frozen=True)
class Scale(Warp):
    """Each picture larger or smaller by up to `share`, about its middle: 0.1 is from 1 / 1.1 to 1.1 of its size.

    Args:
        share: how much larger at most.
        fill: what lies outside of a picture; None for its nearest pixel. Default None.

    >>> x = np.zeros((1, 4, 4), np.uint8); x[0, 1:3, 1:3] = 90
    >>> Scale(1.0)(x, np.random.default_rng(3))[0]
    array([[39, 59, 59, 39],
           [59, 90, 90, 59],
           [59, 90, 90, 59],
           [39, 59, 59, 39]], dtype=uint8)
    """

    share: float = 0.1
    fill: float | None = None

    def draw(self, N: int, H: int, W: int, rng: np.random.Generator) -> Map:
        """A size for each picture."""
        check_strength(self, "share", 0.0, 4.0)
        most = np.log1p(self.share)
        back = np.exp(rng.uniform(-most, most, N))  # where a new pixel comes from: nearer to the middle if larger
        return Map(_matrices(N, back, 0.0, 0.0, back))


@dataclass(frozen=True)
class Shear(Warp):
    """Each picture slanted as italics are, to the left or to the right: rows move sideways by a share of their height.

    Args:
        share: the greatest slant, in pixels sideways for each pixel up.
        fill: what lies outside of a picture; None for its nearest pixel. Default None.

    >>> x = np.zeros((1, 5, 5)); x[0, :, 2] = 8.0
    >>> Shear(1.0)(x, np.random.default_rng(2))[0].round()
    array([[0., 8., 0., 0., 0.],
           [0., 4., 4., 0., 0.],
           [0., 0., 8., 0., 0.],
           [0., 0., 4., 4., 0.],
           [0., 0., 0., 8., 0.]])
    """

    share: float = 0.2
    fill: float | None = None

    def draw(self, N: int, H: int, W: int, rng: np.random.Generator) -> Map:
        """A slant for each picture."""
        check_strength(self, "share", 0.0, 2.0)
        return Map(_matrices(N, 1.0, 0.0, rng.uniform(-self.share, self.share, N), 1.0))


@dataclass(frozen=True)
class Crop(Warp):
    """A part of each picture, anywhere in it, brought back to the full size.

    The part keeps the picture's proportions. To cut the old size out of a padded picture is `pl.Shift`.

    Args:
        share: the smallest part, as a share of each side. Default 0.8.
        fill: as for the other changes; a part reaches outside of no picture.

    >>> x = np.arange(16.0).reshape(1, 4, 4)
    >>> Crop(0.5)(x, np.random.default_rng(0))[0].round(1)
    array([[ 0.6,  1.4,  2.2,  3.1],
           [ 3.9,  4.7,  5.5,  6.3],
           [ 7.2,  8. ,  8.8,  9.6],
           [10.4, 11.3, 12.1, 12.9]])
    """

    share: float = 0.8
    fill: float | None = None

    def draw(self, N: int, H: int, W: int, rng: np.random.Generator) -> Map:
        """A part of each picture."""
        check_strength(self, "share", 0.01, 1.0)
        back = rng.uniform(self.share, 1.0, N)
        A = _matrices(N, back, 0.0, 0.0, back)
        A[:, :2, 2] = rng.uniform(-0.5, 0.5, (N, 2)) * (1.0 - back)[:, None] * (H - 1, W - 1)
        return Map(A)


@dataclass(frozen=True)
class Elastic(Warp):
    """Each picture bent as if it were drawn on rubber: points near each other move alike, others do not.

    A net of nodes lies over the picture. Each node is moved by chance, and the points between follow their neighbours
    smoothly, along cubic B-splines (the deformation of Ronneberger et al. 2015, with the effect of Simard et al. 2003).
    Most points move by about a quarter of `pixels`. In a chain the net lies over the picture that the other maps made.

    Args:
        pixels: how far a node moves at most, up or down and left or right.
        spacing: pixels between two nodes; fewer make smaller waves. Default 7, for pictures of about 28 x 28.
        fill: what lies outside of a picture; None for its nearest pixel. Default None.

    >>> x = np.zeros((1, 5, 9)); x[0, 2] = 8.0
    >>> Elastic(4, spacing=3)(x, np.random.default_rng(3))[0].round()
    array([[0., 0., 0., 0., 0., 0., 0., 0., 0.],
           [0., 0., 0., 0., 0., 0., 0., 0., 0.],
           [7., 1., 0., 0., 0., 0., 0., 0., 2.],
           [5., 8., 5., 2., 0., 0., 2., 8., 1.],
           [1., 2., 3., 4., 5., 5., 2., 0., 0.]])
    """

    pixels: float = 4.0
    spacing: int = 7
    fill: float | None = None

    def draw(self, N: int, H: int, W: int, rng: np.random.Generator) -> Map:
        """A net for each picture."""
        check_strength(self, "pixels", 0.0)
        check_strength(self, "spacing", 1)
        K, L = (-(-(size - 1) // self.spacing) + 3 for size in (H, W))
        nodes = rng.random((N, 2, K, L), np.float32)
        return Map(_matrices(N), (2.0 * nodes - 1.0) * np.float32(self.pixels), self.spacing)


def _matrices(N: int, a: Any = 1.0, b: Any = 0.0, c: Any = 0.0, d: Any = 1.0) -> Array:
    """(N, 3, 3): row' = a row + b column, column' = c row + d column; each a number, or one a picture."""
    A = np.zeros((N, 3, 3))
    A[:, 0, 0], A[:, 0, 1], A[:, 1, 0], A[:, 1, 1], A[:, 2, 2] = a, b, c, d, 1.0
    return A
