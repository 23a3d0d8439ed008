"""Learning curves: the history of a training, one panel a figure, training beside validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.fit import better
from pellucid.inspection.plot.grid import Grid, written
from pellucid.inspection.plot.picture import Picture
from pellucid.model import Model

LONGEST = 40  # rows of the text's table
WIDE = 50.0  # a loss that falls by more than this is drawn on a logarithmic scale


@dataclass(frozen=True)
class Curves(Picture):
    """The figures of a training by epoch; None where one was not measured, nan where it was no number.

    >>> picture = Curves.of([{"epoch": 1, "loss": 0.5, "lr": 0.1}, {"epoch": 2, "loss": 0.25, "lr": 0.1}])
    >>> print(picture.text())
    Learning curves
    2 epochs: loss 0.5000 to 0.2500, lowest 0.2500 at epoch 2.
    <BLANKLINE>
    By epoch
    epoch    loss      lr
        1  0.5000  0.1000
        2  0.2500  0.1000
    """

    epochs: tuple[int, ...]
    columns: dict[str, tuple[float | None, ...]]

    @classmethod
    def of(cls, history: Sequence[dict[str, Any]] | Model) -> Curves:
        """The numbers of a history, or of a model's."""
        rows = list(history.history if isinstance(history, Model) else history)
        if not rows:
            raise UsageError("There are no curves yet: the history has no epoch. Train first, or give another history.")
        names = dict.fromkeys(name for row in rows for name in row if name != "epoch")
        columns = {name: tuple(None if row.get(name) is None else float(row[name]) for row in rows) for name in names}
        return cls(tuple(int(row.get("epoch", i)) for i, row in enumerate(rows, start=1)), columns)

    @property
    def title(self) -> str:
        return "Learning curves"

    @property
    def monitor(self) -> str:
        """The figure by which the best epoch is named."""
        return next(name for name in ("val_loss", "loss", *self.columns) if name in self.columns)

    @property
    def best(self) -> int | None:
        """The place of the best epoch, or None if no figure was finite."""
        found: tuple[int, float] | None = None
        for i, value in enumerate(self.columns[self.monitor]):
            if value is None or not isfinite(value):
                continue
            if found is None or better(self.monitor, value, found[1]):
                found = i, value
        return None if found is None else found[0]

    @property
    def broken(self) -> list[int]:
        """The epochs in which some figure was not finite."""
        return [
            epoch for i, epoch in enumerate(self.epochs) if any(_broken(column[i]) for column in self.columns.values())
        ]

    @property
    def says(self) -> str:
        name, best = self.monitor, self.best
        values = [v for v in self.columns[name] if v is not None]
        if best is None:
            return f"{words(name).capitalize()} was never finite in {len(self.epochs)} epochs."
        if len(self.epochs) == 1:
            return f"1 epoch: {words(name)} {written(values[0])}."
        verb = "lowest" if better(name, 0.0, 1.0) else "highest"
        text = (
            f"{words(name)} {written(values[0])} to {written(values[-1])}, {verb} {written(self.columns[name][best])}"
        )
        broken, few = self.broken, ", ".join(map(str, self.broken[:5]))
        more = f" Not finite at epoch {few}{', ...' * (len(broken) > 5)}." if broken else ""
        return f"{len(self.epochs)} epochs: {text} at epoch {self.epochs[best]}.{more}"

    def tables(self) -> list[Grid]:
        every = ceil(len(self.epochs) / LONGEST)
        keep = {0, len(self.epochs) - 1, *range(every - 1, len(self.epochs), every)}
        keep |= set() if self.best is None else {self.best}
        rows = tuple((self.epochs[i], *(column[i] for column in self.columns.values())) for i in sorted(keep))
        caption = "By epoch" if every == 1 else f"By epoch: one in {every}, and the first, the last and the best"
        return [Grid(caption, ("epoch", *map(words, self.columns)), rows)]

    def panels(self) -> dict[str, list[str]]:
        """What is drawn together: a figure of the training part and the same of the validation part."""
        found: dict[str, list[str]] = {}
        for name, values in self.columns.items():
            if name == "lr" and len(set(values)) < 2:
                continue  # a rate that never changes is no curve
            found.setdefault(name.removeprefix("val_"), []).append(name)
        return found

    def draw(self, figure: Any) -> None:
        from pellucid.inspection.plot.axes import headed

        headed(figure, self.title, self.says)
        panels = self.panels()
        rate = panels.pop("lr", None)
        columns = max(1, min(len(panels), 2))
        rows = ceil(len(panels) / columns)
        heights = [1.0] * rows + [0.4] * (rate is not None)
        places = figure.add_gridspec(len(heights), columns, height_ratios=heights)
        for i, (base, names) in enumerate(panels.items()):
            wide = i == len(panels) - 1 and i % columns == 0  # the last one alone takes the row
            self._panel(
                figure.add_subplot(places[i // columns, :] if wide else places[divmod(i, columns)]), base, names
            )
        if rate is not None:
            self._panel(figure.add_subplot(places[-1, :]), "lr", rate)

    def _panel(self, ax: Any, base: str, names: list[str]) -> None:
        """One figure of the training part, and the same of the validation part."""
        from pellucid.inspection.plot.axes import legend, styled, whole
        from pellucid.inspection.plot.palette import MINUS, PLUS, colour, dash, marker

        percent = "accuracy" in base
        scale, log = 100.0 if percent else 1.0, not percent and self._wide(names)
        label = ("learning rate" if base == "lr" else words(base)) + (", %" if percent else "")
        styled(ax, x="epoch", y=label + (", log scale" if log else ""))
        for name in names:
            k, y = int(name.startswith("val_")), self._finite(name) * scale
            mark = marker(k) if len(self.epochs) <= LONGEST else None
            kind = "" if base == "lr" else "validation" if k else "training"
            line = ax.plot(
                self.epochs, y, color=colour(k), linestyle=dash(k), linewidth=1.6, marker=mark, markersize=3.5
            )
            line[0].set_label(kind or "_learning rate")
            if name == self.monitor and self.best is not None:
                spot = [self.epochs[self.best]], [y[self.best]]
                ax.plot(*spot, "o", markersize=9, markerfacecolor="none", markeredgecolor=PLUS, label="best epoch")
        places = range(len(self.epochs))
        bad = [self.epochs[i] for i in places if any(_broken(self.columns[name][i]) for name in names)]
        if bad:
            above = ax.get_xaxis_transform()  # along the top edge, whatever the values are
            style: dict[str, Any] = {"color": MINUS, "markersize": 6, "markeredgewidth": 2, "clip_on": False}
            ax.plot(bad, [1.02] * len(bad), "x", transform=above, label="not finite", **style)
        if log:
            ax.set_yscale("log")
        elif len(self.epochs) == 1 and ax.get_ylim()[0] > 0:
            ax.set_ylim(0.0, 1.1 * ax.get_ylim()[1])  # a single point has no scale of its own
        margin = 0.5 if len(self.epochs) == 1 else 0.02 * (self.epochs[-1] - self.epochs[0]) + 0.1
        ax.set_xlim(self.epochs[0] - margin, self.epochs[-1] + margin)
        whole(ax.xaxis)
        legend(ax)

    def _finite(self, name: str) -> Array:
        values = np.array([np.nan if v is None else v for v in self.columns[name]], float)
        return np.where(np.isfinite(values), values, np.nan)

    def _wide(self, names: list[str]) -> bool:
        values = np.concatenate([self._finite(name) for name in names])
        values = values[np.isfinite(values)]
        return bool(values.size and values.min() > 0 and values.max() / values.min() > WIDE)


def _broken(value: float | None) -> bool:
    return value is not None and not isfinite(value)


def words(name: str) -> str:
    """A name of the history as people say it.

    >>> words("val_top_k_accuracy"), words("lr")
    ('validation top k accuracy', 'lr')
    """
    if name == "lr":
        return "lr"
    return ("validation " if name.startswith("val_") else "") + name.removeprefix("val_").replace("_", " ")


def curves(history: Sequence[dict[str, Any]] | Model) -> Any:
    """The learning curves of a training, as a matplotlib Figure.

    Args:
        history: what `fit` returned, a list of such dicts, or a model, whose history is taken.

    Raises:
        UsageError: if there is no epoch in it, or matplotlib is not installed.
    """
    return Curves.of(history).figure()
