"""One picture a set: how its networks learned, and where their answers stand beside the truth.

Drawn with matplotlib's objects alone (no pyplot, no window, nothing global), into bytes: who writes the file decides
how. Without matplotlib there is a sentence instead.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.base.errors import UsageError
from pellucid.inspection.plot.palette import colour, dash, marker
from pellucid.metrics import confusion_matrix
from pellucid.recipes.row import Row
from pellucid.recipes.run import Outcome

if TYPE_CHECKING:
    from pellucid.events import History

EXTRA = "pip install 'pellucid[plot]'"
MOST_CLASSES = 20  # a larger confusion matrix is not read
MOST_POINTS = 3_000


def picture(row: Row, outcome: Outcome) -> bytes:
    """The picture as PNG.

    Raises:
        UsageError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(f"The plots need matplotlib ({EXTRA}). The table is written without them.") from None
    figure = Figure(figsize=(10.5, 4.6), layout="constrained")
    curves, answers = figure.subplots(1, 2, width_ratios=(1.1, 1))
    quick = ", quick" if row.quick else ""
    figure.suptitle(f"{row.name}: {row.figure} on {row.judged:,} ({row.divided}{quick})", fontsize=12)
    draw_curves(curves, outcome.histories, bool(outcome.classes))
    if outcome.classes:
        draw_confusion(answers, outcome)
    else:
        draw_values(answers, outcome, row.unit)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()


def draw_curves(axes: Any, histories: list[History], classes: bool) -> None:
    """A thin line for each network, a thick one for their mean: what was learned, and what was judged."""
    name = "accuracy" if classes else "loss"
    for k, (key, word) in enumerate(((name, "learned part"), (f"val_{name}", "judged part"))):  # as in pl.plot.curves
        lines = np.array([[row[key] for row in history] for history in histories], np.float64)  # (networks, epochs)
        lines = 100 * lines if classes else lines
        epochs = np.arange(1, lines.shape[1] + 1)
        mark = marker(k) if len(epochs) < 30 else ""
        if len(lines) > 1:
            axes.plot(epochs, lines.T, color=colour(k), linestyle=dash(k), alpha=0.25, linewidth=0.8)
            word += f", mean of {len(lines)} networks"
        mean = lines.mean(axis=0)
        axes.plot(
            epochs, mean, color=colour(k), linestyle=dash(k), linewidth=2, marker=mark, markersize=3.5, label=word
        )
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("accuracy, %" if classes else "loss, with the penalty")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower right" if classes else "upper right")


def draw_confusion(axes: Any, outcome: Outcome) -> None:
    """What it is (row) and what was answered (column), in percent of the row, as shades and numbers."""
    K = len(outcome.classes)
    if K > MOST_CLASSES:
        axes.text(0.5, 0.5, f"{K} classes are too many for a table", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    table = confusion_matrix(outcome.y, outcome.t, K)
    share = 100 * table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for i, j in np.ndindex(K, K):
        if table[i, j]:
            dark = share[i, j] > 55
            axes.text(j, i, f"{share[i, j]:.1f}" if share[i, j] < 99.95 else "100", ha="center", va="center",
                      color="white" if dark else "#333333", fontsize=11 if K < 5 else 7.5)  # fmt: skip
    slant = {"rotation": 40, "ha": "right"} if max(map(len, outcome.classes)) > 2 and K > 3 else {}
    axes.set_xticks(range(K), outcome.classes, **slant)
    axes.set_yticks(range(K), outcome.classes)
    axes.set_xlabel("answered")
    axes.set_ylabel("true")
    axes.set_title("percent of each true class", fontsize=10)


def draw_values(axes: Any, outcome: Outcome, unit: str) -> None:
    """A point a sample: the true value and the answer; on the line they are the same."""
    t, y = outcome.t.ravel(), outcome.y.ravel()
    some = np.random.default_rng(0).permutation(len(t))[:MOST_POINTS]
    ends = [float(min(t.min(), y.min())), float(max(t.max(), y.max()))]
    axes.plot(ends, ends, color="#888888", linewidth=1)
    axes.scatter(t[some], y[some], s=9, alpha=0.35, color=colour(0), linewidths=0)
    axes.set_xlabel(f"true, {unit}" if unit else "true")
    axes.set_ylabel(f"answered, {unit}" if unit else "answered")
    axes.locator_params(nbins=6)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.grid(alpha=0.25)
    axes.set_aspect("equal")
