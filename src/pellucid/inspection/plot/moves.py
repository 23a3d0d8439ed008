"""How far each step moves the weights, as a part of themselves: about a thousandth is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from pellucid.base.errors import UsageError
from pellucid.inspection.plot.grid import Grid, written
from pellucid.inspection.plot.picture import Picture
from pellucid.inspection.plot.watch import Watch, moments_of
from pellucid.inspection.trace import Trace


@dataclass(frozen=True)
class Ratios(Picture):
    """|update| / |weights| of each weight array, step by step: how large a part of itself it is moved by.

    >>> picture = Ratios((1, 2), {"0.dense.W": (0.01, 0.001)})
    >>> picture.says
    'In the last of 2 steps looked at, 0.dense.W moved by 0.001000 of its length. About 0.001 is usual.'
    """

    steps: tuple[int, ...]
    ratio: dict[str, tuple[float, ...]]

    @classmethod
    def of(cls, source: Watch | Trace | Sequence[Trace]) -> Ratios:
        """The ratios of a watched training, or of traces with an update."""
        moments = moments_of(source)
        names = dict.fromkeys(name for m in moments for name in m.ratio)
        if not names:
            raise UsageError(
                "These steps have no update of a weight: give pl.tracing the optimizer, or use "
                "pl.plot.watched(training)."
            )
        ratio = {name: tuple(m.ratio.get(name, float("nan")) for m in moments) for name in names}
        return cls(tuple(m.step for m in moments), ratio)

    @property
    def title(self) -> str:
        return "How far each step moves the weights"

    @property
    def says(self) -> str:
        last = {name: values[-1] for name, values in self.ratio.items()}
        most = max(last, key=lambda name: last[name] if isfinite(last[name]) else -1.0)
        count = f"{len(self.steps)} step{'s' * (len(self.steps) != 1)}"
        share = written(last[most])
        return f"In the last of {count} looked at, {most} moved by {share} of its length. About 0.001 is usual."

    def tables(self) -> list[Grid]:
        few = np.unique(np.linspace(0, len(self.steps) - 1, 24).round().astype(int)).tolist()
        rows = tuple((self.steps[i], *(values[i] for values in self.ratio.values())) for i in few)
        return [Grid("|update| / |weights|", ("step", *self.ratio), rows)]

    def draw(self, figure: Any) -> None:
        from pellucid.inspection.plot.axes import headed, legend, styled, whole
        from pellucid.inspection.plot.palette import SOFT, colour, dash, marker

        headed(figure, self.title, self.says)
        ax = styled(figure.subplots(), x="step", y="|update| / |weights|, log scale")
        every = max(1, len(self.steps) // 12)
        for k, (name, values) in enumerate(self.ratio.items()):
            shown = [v if isfinite(v) and v > 0 else np.nan for v in values]
            style: dict[str, Any] = {"color": colour(k), "linestyle": dash(k), "marker": marker(k), "markersize": 3.5}
            ax.plot(self.steps, shown, label=name, linewidth=1.4, markevery=(k * every // 4 % every, every), **style)
        ax.axhline(1e-3, color=SOFT, linewidth=1.0, linestyle=":", label="0.001, usual")
        ax.set_yscale("log")
        whole(ax.xaxis)
        legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)


def ratios(source: Watch | Trace | Sequence[Trace]) -> Any:
    """How large a part of itself each weight array is moved by at each step, as a matplotlib Figure.

    Args:
        source: a training watched by `watched`, a trace, or a list of traces with updates.

    Raises:
        UsageError: if no step was looked into, or matplotlib is not installed.
    """
    return Ratios.of(source).figure()
