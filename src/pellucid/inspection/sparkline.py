"""A curve in one line of characters, for terminals and for text."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS, LETTERS = "▁▂▃▄▅▆▇█", "_.-:=+*#"  # from low to high; the letters are for terminals without the blocks


def sparkline(
    values: Sequence[float | None],
    width: int = 60,
    low: float | None = None,
    high: float | None = None,
    unicode: bool = True,
) -> str:
    """The curve of these numbers from left to right; where there are more than `width`, each character is a mean.

    Args:
        values: the numbers; None or what is not finite leaves a gap.
        width: the most characters. Default 60.
        low, high: what the lowest and the highest character stand for. Default the least and the greatest number.
        unicode: whether the blocks can be shown. Default true.

    >>> sparkline([3.0, 2.0, 1.0, None, 0.0]), sparkline([1, 2, 3, 4], width=2, unicode=False)
    ('█▆▃ ▁', '_#')
    """
    marks, count = BLOCKS if unicode else LETTERS, min(width, len(values))
    means: list[float | None] = []
    for i in range(count):
        piece = values[i * len(values) // count : (i + 1) * len(values) // count]
        found = [v for v in piece if v is not None and math.isfinite(v)]
        means.append(sum(found) / len(found) if found else None)
    shown = [v for v in means if v is not None]
    least = min(shown, default=0.0) if low is None else low
    span = (max(shown, default=0.0) if high is None else high) - least
    line = ""
    for v in means:
        share = 0.0 if v is None or not span > 0 else (v - least) / span
        line += " " if v is None else marks[min(max(round(share * (len(marks) - 1)), 0), len(marks) - 1)]
    return line
