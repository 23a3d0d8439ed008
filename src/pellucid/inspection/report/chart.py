"""Lines over steps or epochs as an SVG that takes the page's colours. The table beside it has the same numbers.

Two lines are told apart by their dash and by words at their ends as well as by colour. What is not finite is a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from pellucid.inspection.report.html import esc, number

WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 26, 34
WIDE = 50.0  # values that fall by more than this are drawn on a logarithmic scale
NARROW = 0.04  # of an accuracy at least so much is shown, so that no hundredth looks like a mountain
MOST = 400  # points of a line; of more, neighbours are averaged


@dataclass(frozen=True)
class Series:
    """A line: its name, and its points."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float | None, ...]

    def finite(self) -> list[tuple[float, float]]:
        """The points that can be drawn."""
        return [(x, y) for x, y in zip(self.xs, self.ys, strict=True) if y is not None and isfinite(y)]


class Scale:
    """From numbers to places along an axis.

    >>> scale = Scale(0.0, 10.0, 100, 200)
    >>> scale(5.0), scale.ticks()
    (150.0, [0.0, 2.5, 5.0, 7.5, 10.0])
    """

    def __init__(
        self, low: float, high: float, start: float, end: float, log: bool = False, whole: bool = False
    ) -> None:
        self.log, self.whole, self.start, self.end = log, whole, start, end
        self.low, self.high = (log10(low), log10(high)) if log else (low, high)
        if self.high == self.low:
            pad = 0.5 if whole else 0.5 * (abs(self.low) or 1.0)
            self.low, self.high = self.low - pad, self.high + pad

    def __call__(self, value: float) -> float:
        at = (log10(value) if self.log else value) - self.low
        return self.start + (self.end - self.start) * at / (self.high - self.low)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers within the axis."""
        if self.log:
            powers = range(ceil(self.low - 1e-9), floor(self.high + 1e-9) + 1)
            if len(powers) >= 2:
                return [10.0**k for k in powers][:: ceil(len(powers) / most)]
            low, high = 10.0**self.low, 10.0**self.high
            return _round(low, high, most, False)
        return _round(self.low, self.high, most, self.whole)


def _round(low: float, high: float, most: int, whole: bool) -> list[float]:
    step = (high - low) / (most - 1)
    size = 10.0 ** floor(log10(step))
    step = next(size * k for k in (1, 2, 2.5, 5, 10) if size * k >= step * 0.999)
    step = max(1.0, ceil(step)) if whole else step
    return [round(k * step, 12) for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def thinned(series: Series, most: int = MOST) -> Series:
    """At most so many points: each is the mean of its neighbours.

    >>> thinned(Series("loss", (1.0, 2.0, 3.0, 4.0), (8.0, 6.0, 4.0, 2.0)), 2).ys
    (7.0, 3.0)
    """
    points, every = series.finite(), ceil(len(series.xs) / most)
    if every <= 1:
        return series
    parts = [points[i : i + every] for i in range(0, len(points), every)]
    xs = tuple(sum(x for x, _ in part) / len(part) for part in parts)
    return Series(series.name, xs, tuple(sum(y for _, y in part) / len(part) for part in parts))


def lines(
    title: str, says: str, series: Sequence[Series], x: str, *, percent: bool = False, cursor: str | None = None
) -> str:
    """A chart of lines.

    Args:
        title: what the y axis is.
        says: the whole in a sentence, for those who do not see it.
        series: the lines, at most four.
        x: what the x axis is.
        percent: write the y axis in percent.
        cursor: the id of a vertical line that a script may move. Default none.
    """
    series = [thinned(one) for one in series]
    points = [point for one in series for point in one.finite()]
    if not points:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    log = not percent and min(ys) > 0 and max(ys) / min(ys) > WIDE
    low, high = min(ys), max(ys)
    if percent and high - low < NARROW:
        middle = min(max((low + high) / 2, NARROW / 2), 1 - NARROW / 2)
        low, high = middle - NARROW / 2, middle + NARROW / 2
    low = low if log or percent or low > 0.4 * high else min(low, 0.0)
    across = Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT, whole=True)
    up = Scale(low, high, HEIGHT - BOTTOM, TOP, log=log)
    drawn = [axes(across, up, title + (", log scale" if log else ""), x, percent)]
    for k, one in enumerate(series):
        drawn.append(_line(one, k, across, up))
    drawn.append(_names(series))
    if cursor is not None:
        drawn.append(f'<line id="{cursor}" class="cursor" x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" class="chart" role="img" aria-label="{esc(says)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{"".join(drawn)}</svg>'


def place(value: float, xs: Sequence[float]) -> float:
    """Where a value of the x axis is drawn in a chart over these."""
    return Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT, whole=True)(value)


def tick(value: float, most: int = 6) -> str:
    """A number beside an axis, in about so many letters.

    >>> tick(0.25), tick(2500.0), tick(2e6), tick(1e-5), tick(0.0)
    ('0.25', '2,500', '2e6', '1e-5', '0')
    """
    text = f"{value:,.4g}" if abs(value) < 1e3 else f"{value:,.0f}"
    if value and (abs(value) < 1e-3 or len(text) > most):
        base, _, power = f"{value:.2e}".partition("e")
        return f"{float(base):g}e{int(power)}"
    return text


def axes(across: Scale, up: Scale, title: str, x: str, percent: bool = False) -> str:
    """Both axes with their numbers, and what they are."""
    said = [f'<text class="name" x="4" y="14">{esc(title)}</text>']
    for value in up.ticks():
        y = up(value)
        words = f"{100 * value:.4g} %" if percent else tick(value)
        said.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        said.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{words}</text>')
    for value in across.ticks():
        at = across(value)
        anchor = "end" if at > WIDTH - RIGHT - 14 else "middle"
        said.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="{anchor}">{tick(value, 7)}</text>')
    said.append(
        f'<text class="name" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{esc(x)}</text>'
    )
    return "".join(said)


def _line(series: Series, k: int, across: Scale, up: Scale) -> str:
    parts: list[list[str]] = [[]]
    previous = None
    for x, y in zip(series.xs, series.ys, strict=True):
        if y is None or not isfinite(y) or (up.log and y <= 0):
            parts.append([])
        else:
            parts[-1].append(f"{across(x):.1f},{up(y):.1f}")
            previous = across(x), up(y)
    said = [f'<polyline class="line l{k}" points="{" ".join(part)}"/>' for part in parts if len(part) > 1]
    said += [_dot(part[0], k) for part in parts if len(part) == 1]
    if previous is not None and len(series.xs) > 1:
        said.append(_dot(f"{previous[0]:.1f},{previous[1]:.1f}", k))
    return "".join(said)


def _dot(at: str, k: int) -> str:
    x, _, y = at.partition(",")
    return f'<circle class="dot l{k}" cx="{x}" cy="{y}" r="3"/>'


def _names(series: Sequence[Series]) -> str:
    """What each line is, at the top right, beside a piece of it."""
    if len(series) < 2:
        return ""
    said, right = [], WIDTH - RIGHT
    for k, one in reversed(list(enumerate(series))):
        left = right - 8 * len(one.name)
        said.append(f'<text x="{left}" y="14">{esc(one.name)}</text>')
        said.append(f'<line class="line l{k}" x1="{left - 28}" x2="{left - 6}" y1="10" y2="10"/>')
        right = left - 42
    return "".join(said)


def said_of(series: Series, what: str, percent: bool = False) -> str:
    """A line in words: where it begins and ends, and its least and most where these lie between.

    >>> said_of(Series("training", (1.0, 2.0), (0.5, 0.25)), "epoch")
    'training from 0.5 to 0.25'
    >>> said_of(Series("validation", (1.0, 2.0, 3.0), (0.5, 0.25, 0.3)), "epoch")
    'validation from 0.5 to 0.3 (least 0.25)'
    """
    points = series.finite()
    if not points:
        return f"{series.name} was never finite"
    write = (lambda v: f"{100 * v:.1f} %") if percent else number
    ys = [y for _, y in points]
    if len(points) == 1:
        return f"{series.name} is {write(ys[0])} at {what} {points[0][0]:,.0f}"
    ends = (write(ys[0]), write(ys[-1]))
    between = [f"{word} {v}" for word, v in (("least", write(min(ys))), ("most", write(max(ys)))) if v not in ends]
    return f"{series.name} from {ends[0]} to {ends[1]}" + (f" ({', '.join(between)})" if between else "")
