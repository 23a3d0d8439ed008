"""A look at a network drawn: weights as a sheet of small pictures, the plane as coloured regions with the points on it.

The ground is white paper in the dark too, because the colours were chosen for it. Each picture has its table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.batches import Data
from pellucid.inspection.plot.palette import CLASSES, colour, rgb
from pellucid.inspection.report.chart import Scale
from pellucid.inspection.report.html import clean, esc, number, opened, share, table, tag
from pellucid.inspection.report.looks import POINTS, Look
from pellucid.inspection.report.png import indexed, sheet, signed, uri
from pellucid.inspection.report.subject import some
from pellucid.metrics import class_ids

SIDE, LINE_WIDTH, LINE_HEIGHT = 280, 420, 230
SURE = 3  # shades of a region: how sure the network is
COARSE = 7  # rows and columns of the plane's table
COLUMNS = 4
MARKS = 5  # shapes of points before they begin again


@dataclass(frozen=True)
class Drawer:
    """Draws the looks of one training on one scale.

    Args:
        looks: all of them, for the scale.
        data: the samples whose points are drawn.
        classes: the classes' names; empty for values.
    """

    looks: Sequence[Look]
    data: Data
    classes: tuple[str, ...]

    @property
    def scale(self) -> tuple[float, float]:
        """The least and the greatest number of all looks, and of the targets where they are values."""
        found = [look.values[np.isfinite(look.values)] for look in self.looks]
        if self.looks[0].kind != "weights" and not self.classes:
            found.append(np.asarray(self.data.t, float).ravel())
        whole = np.concatenate([part.ravel() for part in found])
        return (float(whole.min()), float(whole.max())) if whole.size else (0.0, 1.0)

    def shared(self) -> str:
        """What is drawn once and used at every step: the points."""
        look = self.looks[0]
        if look.kind == "weights":
            return ""
        inside = self._points(look) if look.kind == "plane" else self._dots(look)
        inside = f'<defs><g id="points">{inside}</g></defs>'
        return f'<svg class="unseen" width="0" height="0" aria-hidden="true">{inside}</svg>'

    def legend(self) -> str:
        """What the colours and shapes mean."""
        look = self.looks[0]
        if look.kind == "weights":
            top = self._top
            rows = " A row is a channel." if ", channel 1" in " ".join(look.names) else ""
            return (
                f"Each tile is what one unit looks for: orange is negative, to -{number(top)}; blue is positive, to "
                f"+{number(top)}; white is 0. The scale is the same at every step.{rows}"
            )
        if look.kind == "line":
            return "The line is what the network says, the points are the targets. The scale is the same at every step."
        if not self.classes:
            low, high = self.scale
            return f"Light is {number(low)}, dark {number(high)}, for the field and the points alike, at every step."
        return "A region is what the network answers there, the deeper, the surer; a point's shape is its class."

    def draw(self, look: Look, step: int) -> str:
        """One look and its table."""
        made = {"weights": self._weights, "plane": self._plane, "line": self._line}[look.kind]
        return tag("figure", made(look, step), class_="look")

    # ---- weights -----------------------------------------------------------------------------------------------------

    @property
    def _top(self) -> float:
        return max(abs(v) for v in self.scale) or 1.0

    def _weights(self, look: Look, step: int) -> str:
        columns = min(COLUMNS, len(look.values))
        if ", channel 1" in " ".join(look.names):
            columns = sum(name.endswith(", channel 0") for name in look.names)
        whole = sheet(look.values, columns)
        content = signed(whole, self._top)
        H, W = whole.shape
        owner = look.names[0].partition(",")[0]
        plus, minus = int((look.values > 0).sum()), int((look.values < 0).sum())
        says = f"{owner} after step {step}: {len(look.values)} tiles, {plus:,} weights positive, {minus:,} negative"
        image = f'<img class="pixels" src="{uri(content)}" width="{max(W, 1)}" height="{max(H, 1)}" alt="{esc(says)}">'
        rows = [
            (name.partition(", ")[2], _plus(float(v.min())), _plus(float(v.max())), number(float(np.linalg.norm(v))))
            for name, v in zip(look.names, look.values, strict=True)
        ]
        caption = f"{owner} after step {step}"
        return image + opened("The tiles as a table", table(caption, ("tile", "least", "greatest", "length"), rows))

    # ---- the plane ---------------------------------------------------------------------------------------------------

    def _plane(self, look: Look, step: int) -> str:
        assert look.xs is not None
        assert look.ys is not None
        K = len(self.classes)
        if look.sure is not None:
            depth = np.minimum((np.asarray(look.sure, float) * SURE).astype(int), SURE - 1)
            content = indexed(np.flipud(look.values.astype(int) % len(CLASSES) * SURE + depth), _regions())
            says = (
                f"The regions of {K} classes after step {step}: {look.right:,} of {look.of:,} points lie in their own"
            )
        else:
            low, high = self.scale
            shades = np.rint(15 * (np.flipud(look.values) - low) / ((high - low) or 1.0))
            content = indexed(np.clip(np.nan_to_num(shades), 0, 15).astype(int), _heights())
            says = f"What the network says in the plane after step {step}"
        image = f'<image href="{uri(content)}" width="{SIDE}" height="{SIDE}" preserveAspectRatio="none"/>'
        box = f'viewBox="0 0 {SIDE} {SIDE}" class="plane" role="img" aria-label="{esc(says)}"'
        drawn = f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{image}<use href="#points"/></svg>'
        return drawn + tag("figcaption", esc(says)) + opened("The plane as tables", self._tables(look, step))

    def _tables(self, look: Look, step: int) -> str:
        assert look.xs is not None
        assert look.ys is not None
        down = np.linspace(len(look.ys) - 1, 0, COARSE).round().astype(int)
        across = np.linspace(0, len(look.xs) - 1, COARSE).round().astype(int)
        names = [clean(name, 20) for name in look.names] or ["input 0", "input 1"]
        rows = []
        for i in down:
            cells = [
                self.classes[int(look.values[i, j])] if look.sure is not None else number(float(look.values[i, j]))
                for j in across
            ]
            rows.append((number(float(look.ys[i])), *cells))
        head = (f"{names[1]} \\ {names[0]}", *(number(float(look.xs[j])) for j in across))
        plane = table(f"What it answers across the plane after step {step}", head, rows)
        if look.sure is None:
            return plane
        parts = [(name, share(float((look.values == k).mean()))) for k, name in enumerate(self.classes)]
        return table(f"Each class's share of the plane after step {step}", ("class", "share"), parts) + plane

    def _points(self, look: Look) -> str:
        assert look.xs is not None
        assert look.ys is not None
        few = some(self.data, POINTS)
        t = np.asarray(few.t)
        truth = class_ids(t) if t.ndim == 2 and t.shape[1] > 1 else t.ravel()
        low, high = self.scale
        said = []
        for (x, y), k in zip(np.asarray(few.x, float), truth, strict=True):
            at = SIDE * (x - look.xs[0]) / (look.xs[-1] - look.xs[0])
            up = SIDE * (1 - (y - look.ys[0]) / (look.ys[-1] - look.ys[0]))
            if look.sure is not None:
                said.append(_mark(int(k), at, up))
            else:
                shade = _heights()[int(np.clip(round(15 * (float(k) - low) / ((high - low) or 1.0)), 0, 15))]
                fill = "#" + "".join(f"{int(255 * c):02x}" for c in shade)
                said.append(
                    f'<circle cx="{at:.1f}" cy="{up:.1f}" r="3.2" fill="{fill}" stroke="#1c2330" stroke-width=".7"/>'
                )
        return "".join(said)

    def marks(self) -> str:
        """The classes with their marks, as a list."""
        if self.looks[0].kind != "plane" or not self.classes:
            return ""
        said = [
            f'<li><svg viewBox="0 0 12 12" width="14" height="14" aria-hidden="true">{_mark(k, 6, 6)}</svg> '
            f"{esc(name)}</li>"
            for k, name in enumerate(self.classes)
        ]
        return tag("ul", "".join(said), class_="marks")

    # ---- a line ------------------------------------------------------------------------------------------------------

    def _scales(self, look: Look) -> tuple[Scale, Scale]:
        assert look.xs is not None
        low, high = self.scale
        room = 0.05 * (high - low or 1.0)
        return Scale(look.xs[0], look.xs[-1], 8, LINE_WIDTH - 8), Scale(low - room, high + room, LINE_HEIGHT - 8, 8)

    def _line(self, look: Look, step: int) -> str:
        assert look.xs is not None
        across, up = self._scales(look)
        low, high = self.scale
        ends = f"the inputs {number(look.xs[0])} to {number(look.xs[-1])}, the answers {number(low)} to {number(high)}"
        says = f"What the network says after step {step}; shown are {ends}"
        pairs = zip(look.xs, np.nan_to_num(look.values), strict=True)
        points = " ".join(f"{across(x):.1f},{up(float(np.clip(v, low, high))):.1f}" for x, v in pairs)
        box = f'viewBox="0 0 {LINE_WIDTH} {LINE_HEIGHT}" class="plane wide" role="img" aria-label="{esc(says)}"'
        inside = f'<rect width="{LINE_WIDTH}" height="{LINE_HEIGHT}" fill="#fff"/><use href="#points"/>'
        inside += f'<polyline points="{points}" fill="none" stroke="#b04f00" stroke-width="2"/>'
        drawn = f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{inside}</svg>'
        places = np.linspace(0, len(look.xs) - 1, 13).round().astype(int)
        rows = [(number(float(look.xs[i])), _plus(float(look.values[i]))) for i in places]
        return drawn + tag("figcaption", esc(says)) + opened(
            "The line as a table", table(f"The answers after step {step}", ("input", "answer"), rows))  # fmt: skip

    def _dots(self, look: Look) -> str:
        across, up = self._scales(look)
        few = some(self.data, POINTS)
        pairs = zip(np.asarray(few.x, float).ravel(), np.asarray(few.t, float).ravel(), strict=True)
        dots = [f'<circle cx="{across(x):.1f}" cy="{up(t):.1f}" r="1.8" fill="#1f6fb2"/>' for x, t in pairs]
        return "".join(dots)


def _plus(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def _regions() -> Array:
    """The colours of the regions: for each class SURE shades, from pale to deeper."""
    shades = np.array([rgb(colour(k)) for k in range(len(CLASSES))])
    depth = np.linspace(0.15, 0.5, SURE)
    return np.array([1.0 - d * (1.0 - shade) for shade in shades for d in depth])


def _heights() -> Array:
    """Sixteen shades for values without a middle: from pale to dark blue."""
    pale, dark = rgb("#eef4fa"), rgb("#0b3c66")
    return np.array([pale + (dark - pale) * k / 15 for k in range(16)])


def _mark(k: int, x: float, y: float) -> str:
    """A point in the shape and colour of its class."""
    look = f'fill="{colour(k)}" stroke="#fff" stroke-width=".8"'
    r = 3.6
    if k % MARKS == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" {look}/>'
    if k % MARKS == 1:
        return f'<rect x="{x - r + 0.4:.1f}" y="{y - r + 0.4:.1f}" width="6.4" height="6.4" {look}/>'
    corners = {
        2: ((0, -4.4), (4.2, 3.4), (-4.2, 3.4)),
        3: ((0, -4.8), (4.8, 0), (0, 4.8), (-4.8, 0)),
        4: ((0, 4.4), (4.2, -3.4), (-4.2, -3.4)),
    }[k % MARKS]
    points = " ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in corners)
    return f'<polygon points="{points}" {look}/>'
