"""The colours of every plot, in one place, safe for colour-blind eyes; what a colour says is also said by a shape.

One meaning everywhere: orange is negative (or wrong), blue is positive (or right). Classes and series have other
colours, each with a marker and a dash of its own. The class colours are Paul Tol's "muted" set, with a grey as tenth.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array

INK, SOFT, EDGE, GROUND = "#1c2330", "#5b6575", "#d6dbe3", "#ffffff"
PLUS, MINUS = "#1f6fb2", "#b04f00"
DEEP_PLUS, DEEP_MINUS = "#0b3c66", "#6e3300"
CLASSES = (
    "#332288", "#cc6677", "#117733", "#88ccee", "#882255",
    "#999933", "#44aa99", "#aa4499", "#ddcc77", "#555555",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)), (0, (3, 1, 1, 1)))


def colour(k: int) -> str:
    """The colour of class or series k; after ten they begin again, with the markers in another order.

    >>> colour(0), colour(10) == colour(0)
    ('#332288', True)
    """
    return CLASSES[k % len(CLASSES)]


def marker(k: int) -> str:
    """The marker of class or series k: no two of the first hundred have both colour and marker in common.

    >>> len({(colour(k), marker(k)) for k in range(100)})
    100
    """
    return MARKERS[(k + k // len(CLASSES)) % len(MARKERS)]


def dash(k: int) -> Any:
    """The dash of series k."""
    return DASHES[k % len(DASHES)]


def rgb(name: str) -> Array:
    """A colour such as "#1f6fb2" as three numbers from 0 to 1.

    >>> rgb("#ff0033").tolist()
    [1.0, 0.0, 0.2]
    """
    return np.array([int(name[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0


def mixed(strength: Array, name: str) -> Array:
    """White turning into a colour as the strength goes from 0 to 1: (..., 3)."""
    s = np.clip(np.asarray(strength, float), 0.0, 1.0)[..., None]
    return np.asarray(1.0 - s * (1.0 - rgb(name)))


def signed() -> Any:
    """The map for numbers with a sign: orange below 0, white at 0, blue above."""
    return _map("pellucid_signed", (DEEP_MINUS, MINUS, GROUND, PLUS, DEEP_PLUS))


def rising() -> Any:
    """The map for counts and shares: white is nothing."""
    return _map("pellucid_rising", (GROUND, PLUS, DEEP_PLUS))


def _map(name: str, colours: tuple[str, ...]) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(name, colours).with_extremes(bad="#b9bfc9")  # grey: not a number
