"""How every panel looks: its words, its edges, its grid. Text from outside is never read as mathematics."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from pellucid.inspection.plot.palette import EDGE, INK, SOFT

SMALL, NORMAL, LARGE = 7.5, 8.5, 10.5  # points
LISTED = 16  # entries of a legend


def plainly(text: str, longest: int = 60) -> str:
    """A text as a figure may show it: without formulas, and too long a one without its middle.

    >>> plainly("a $5 class"), plainly("a very long name 7", 9)
    ('a \\\\$5 class', 'a ver…e 7')
    """
    one = " ".join(text.split())
    end = longest // 3  # what tells one name from the next often stands at the end
    short = one if len(one) <= longest else one[: longest - 1 - end].rstrip() + "…" + one[len(one) - end :]
    return short.replace("$", r"\$")


def headed(figure: Any, title: str, says: str = "") -> None:
    """The figure's title above everything, and its sentence below everything."""
    width = float(figure.bbox.width / figure.get_figure(root=True).dpi)  # inches; a subfigure has its own
    style: dict[str, Any] = {"x": 0.01, "ha": "left", "color": INK}
    figure.suptitle(plainly(title, int(width * 10)), fontsize=LARGE, fontweight="bold", **style)
    if says:
        lines = wrap(plainly(says, 400), int(width * 15))
        figure.supxlabel("\n".join(lines), fontsize=NORMAL, **style)


def styled(ax: Any, title: str = "", x: str = "", y: str = "", grid: bool = True) -> Any:
    """Quiet edges, readable words."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(SOFT)
    ax.tick_params(colors=SOFT, labelcolor=INK, labelsize=SMALL, width=0.6, length=3)
    if grid:
        ax.grid(color=EDGE, linewidth=0.6)
        ax.set_axisbelow(True)
    if title:
        ax.set_title(plainly(title), loc="left", fontsize=NORMAL, color=INK)
    ax.set_xlabel(plainly(x), fontsize=SMALL, color=INK)
    ax.set_ylabel(plainly(y), fontsize=SMALL, color=INK)
    return ax


def bare(ax: Any, title: str = "") -> Any:
    """A panel that holds a picture: no ticks, no edges."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(EDGE)
    if title:
        ax.set_title(plainly(title), fontsize=SMALL, color=INK, pad=2)
    return ax


def legend(ax: Any, **options: Any) -> None:
    """The legend, if there is anything to say; of very many entries the first, and how many more there are."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    options = {"fontsize": SMALL, "frameon": False, "labelcolor": INK, "markerscale": 1.2} | options
    words = [plainly(label, 24) for label in labels]
    left = len(words) - LISTED
    if left > 0:
        handles, words = handles[:LISTED], [*words[: LISTED - 1], f"{words[LISTED - 1]}, and {left} more"]
    ax.legend(handles, words, **options)


def whole(axis: Any) -> None:
    """Ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
