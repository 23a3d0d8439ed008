"""How the numbers of each layer are spread, over the steps of a training or in one step.

Activations are drawn on an even scale, gradients by their size on a scale of powers of ten, by which they differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.inspection.plot.grid import Grid
from pellucid.inspection.plot.picture import Picture
from pellucid.inspection.plot.watch import FINE, SIDE, SMALLEST, Moment, Sizes, Values, Watch, moments_of
from pellucid.inspection.trace import Trace

KINDS = {
    "activations": "each layer's outputs y",
    "gradients": "the loss's gradient at each layer's outputs, |dL/dy|",
    "weight gradients": "each array's gradient, |dL/dW|",
}
TINY = 1e-3  # the share of the counts at either end that may lie outside a panel


@dataclass(frozen=True)
class Panel:
    """One layer: the share of its numbers in each bin, for each step. `at` are the bins' edges."""

    at: Array  # (B + 1,), values, or powers of ten
    share: Array  # (steps, B)
    zeros: Array  # (steps,), the share that is exactly 0
    broken: int  # how many were not finite
    middle: Array  # (steps,), the mean, or the typical size


@dataclass(frozen=True)
class Histograms(Picture):
    """How one kind of numbers is spread in each layer, step by step.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), pl.ReLU(), input_shape=(1,))
    >>> model.layers[0].W[:] = [[1.0, -1.0]]
    >>> print(Histograms.of(pl.trace(model, [[1.0], [2.0]], np.zeros((2, 2)))).text())
    Activations
    Each layer's outputs y in 1 step. 1.relu: half of its numbers or more are exactly 0.
    <BLANKLINE>
    The last of these steps (1)
    layer    numbers    mean  spread  exactly 0, %  not finite
    0.dense        4       0   1.581           0.0           0
    1.relu         4  0.7500  0.8292          50.0           0
    """

    kind: str
    steps: tuple[int, ...]
    panels: dict[str, Panel]
    last: dict[str, Values | Sizes]

    @classmethod
    def of(cls, source: Watch | Trace | Sequence[Trace], kind: str = "activations") -> Histograms:
        """The spread of "activations", "gradients" or "weight gradients" in a watched training or a trace."""
        if kind not in KINDS:
            raise UsageError(f"There is no histogram of {kind!r}; there are {', '.join(map(repr, KINDS))}.")
        moments = moments_of(source)
        if kind == "activations":
            found: dict[str, list[Any]] = {path: [m.y[path] for m in moments] for path in moments[0].y}
            panels = {path: _even(values) for path, values in found.items()}
        else:
            found = {path: [_sizes(m, kind)[path] for m in moments] for path in _sizes(moments[0], kind)}
            panels = {path: _powers(sizes) for path, sizes in found.items()}
        return cls(kind, tuple(m.step for m in moments), panels, {path: one[-1] for path, one in found.items()})

    @property
    def title(self) -> str:
        return self.kind.capitalize()

    @property
    def says(self) -> str:
        count = f"{len(self.steps)} steps ({self.steps[0]} to {self.steps[-1]})" if len(self.steps) > 1 else "1 step"
        what = KINDS[self.kind]
        dead = [path for path, panel in self.panels.items() if panel.zeros[-1] >= 0.5]
        broken = [path for path, panel in self.panels.items() if panel.broken]
        said = f"{what[0].upper()}{what[1:]} in {count}."
        said += f" {', '.join(dead)}: half of its numbers or more are exactly 0." if dead else ""
        said += " The darker, the more numbers." if len(self.steps) > 1 else ""
        return said + (f" Not all finite: {', '.join(broken)}." if broken else "")

    @property
    def size(self) -> tuple[float, float]:
        rows = ceil(len(self.panels) / self.columns)
        return 2.6 * self.columns + 0.6, 1.0 + 1.75 * rows

    @property
    def columns(self) -> int:
        """How many panels stand in a row."""
        return min(len(self.panels), 3)

    def tables(self) -> list[Grid]:
        rows = []
        for path, one in self.last.items():
            zero = f"{100 * one.zeros / max(one.total, 1):.1f}"
            middle = (one.mean, one.std) if isinstance(one, Values) else (one.typical,)
            rows.append((path, one.total, *middle, zero, one.broken))
        names = ("mean", "spread") if self.kind == "activations" else ("typical size",)
        what = "array" if self.kind == "weight gradients" else "layer"
        head = (what, "numbers", *names, "exactly 0, %", "not finite")
        tables = [Grid(f"The last of these steps ({self.steps[-1]})", head, tuple(rows))]
        if len(self.steps) > 1:
            few = np.unique(np.linspace(0, len(self.steps) - 1, 12).round().astype(int)).tolist()
            cells = tuple((self.steps[i], *(float(p.middle[i]) for p in self.panels.values())) for i in few)
            name = "spread" if self.kind == "activations" else "typical size"
            tables.append(Grid(f"The {name}, step by step", ("step", *self.panels), cells))
        return tables

    def draw(self, figure: Any) -> None:
        from pellucid.inspection.plot.axes import headed

        headed(figure, self.title, self.says)
        rows = ceil(len(self.panels) / self.columns)
        axes = figure.subplots(rows, self.columns, squeeze=False).ravel()
        for ax, (path, panel) in zip(axes, self.panels.items(), strict=False):
            self._bars(ax, path, panel) if len(self.steps) == 1 else self._field(ax, path, panel)
        for ax in axes[len(self.panels) :]:
            ax.set_visible(False)

    def _bars(self, ax: Any, path: str, panel: Panel) -> None:
        """One step: its histogram, negative values orange with stripes, positive ones blue."""
        from pellucid.inspection.plot.axes import styled
        from pellucid.inspection.plot.palette import INK, MINUS, PLUS

        left, share, even = panel.at[:-1], 100 * panel.share[0], self.kind == "activations"
        below = (panel.at[1:] <= 0) & even
        for which, shade, hatch in ((below, MINUS, "////"), (~below, PLUS, "")):
            style = {"color": shade, "hatch": hatch, "edgecolor": "white", "linewidth": 0.0}
            ax.bar(left[which], share[which], np.diff(panel.at)[which], align="edge", **style)
        if not share.any():
            words = "nothing but 0" if panel.zeros[0] and not panel.broken else "no finite number"
            ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", fontsize=7, color=INK)
        zero = f": {100 * panel.zeros[0]:.0f} % exactly 0" if panel.zeros[0] >= 0.005 else ""
        styled(ax, path + zero, "value" if even else "size", "numbers, %")
        None if even else _tens(ax.xaxis)

    def _field(self, ax: Any, path: str, panel: Panel) -> None:
        """Many steps: one column a step, the darker the more numbers lie there."""
        from pellucid.inspection.plot.axes import styled, whole
        from pellucid.inspection.plot.palette import MINUS, rising

        even, share = self.kind == "activations", panel.share
        steps = np.array(self.steps, float)
        edges = np.concatenate([[steps[0] - 0.5], (steps[1:] + steps[:-1]) / 2, [steps[-1] + 0.5]])
        top = float(np.quantile(share[share > 0], 0.99)) if (share > 0).any() else 1.0
        ax.pcolormesh(edges, panel.at, np.sqrt(share.T), cmap=rising(), vmin=0.0, vmax=top**0.5, rasterized=True)
        if (panel.zeros > 0.01).any():
            twin = ax.twinx()
            twin.plot(steps, 100 * panel.zeros, "--", color=MINUS, linewidth=1.2)
            styled(twin, grid=False).set_ylim(0, 100)
            twin.set_ylabel("exactly 0, % (dashed)", fontsize=7, color=MINUS)
        styled(ax, path, "step", "value" if even else "size", grid=False)
        whole(ax.xaxis)
        None if even else _tens(ax.yaxis)


def _sizes(moment: Moment, kind: str) -> dict[str, Sizes]:
    return moment.dy if kind == "gradients" else moment.grad


def _even(values: list[Values]) -> Panel:
    reach = max(one.reach for one in values)
    counts = np.stack([one.widened(reach).counts for one in values])  # (steps, 2 SIDE)
    edges = np.ldexp(np.arange(-SIDE, SIDE + 1) / SIDE, reach)
    return _panel(counts, edges, values, [one.std for one in values])


def _powers(sizes: list[Sizes]) -> Panel:
    counts = np.stack([one.counts for one in sizes])
    edges = (np.arange(counts.shape[1] + 1) / FINE + SMALLEST) * np.log10(2.0)
    return _panel(counts, edges, sizes, [one.typical for one in sizes])


def _panel(counts: Array, edges: Array, all_: Sequence[Values | Sizes], middle: list[float]) -> Panel:
    """The bins in which something lies, but for a thousandth at either end; fewer and wider ones if there are many."""
    whole = np.maximum(np.array([one.total for one in all_]), 1)
    share = counts / whole[:, None]
    mass = share.sum(axis=0)
    past = np.cumsum(mass) / max(mass.sum(), 1e-300)
    first, stop = int((past < TINY).sum()), int((past < 1 - TINY).sum()) + 1
    if mass.sum() == 0:
        first, stop = len(mass) // 2 - 4, len(mass) // 2 + 4
    first, stop = max(first - 1, 0), min(stop + 1, len(mass))
    join = max(1, (stop - first) // 48)
    first -= first % join
    stop = min(first + ceil((stop - first) / join) * join, len(mass) // join * join)
    joined = share[:, first:stop].reshape(len(share), -1, join).sum(axis=2)
    zeros = np.array([one.zeros for one in all_]) / whole
    broken = sum(one.broken for one in all_)
    return Panel(edges[first : stop + 1 : join], joined, zeros, broken, np.array(middle))


def _tens(axis: Any) -> None:
    """Powers of ten as they are written."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"1e{value:.0f}"))


def histograms(source: Watch | Trace | Sequence[Trace], kind: str = "activations") -> Any:
    """How the numbers of each layer are spread, step by step or in one step, as a matplotlib Figure.

    Args:
        source: a training watched by `watched`, a trace, or a list of traces.
        kind: "activations" (each layer's outputs), "gradients" (dL/d of them) or "weight gradients" (dL/dW).

    Raises:
        UsageError: if no step was looked into, or matplotlib is not installed.
    """
    return Histograms.of(source, kind).figure()
