"""Plots of networks and trainings. Each returns a matplotlib Figure; the numbers behind it need NumPy alone.

    figure = pl.plot.curves(history)
    figure.savefig("curves.png")            # or pl.plot.save(figure, "curves.svg"), atomically and with its words
    print(figure.data.text())               # the text twin: every number that is drawn, in tables
    pl.plot.Curves.of(history).text()       # the same without matplotlib

Drawing needs the extra `plot`. Modules are imported when they are asked for, so that `import pellucid` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.inspection.plot.arrays import Tiles as Tiles
    from pellucid.inspection.plot.arrays import filters as filters
    from pellucid.inspection.plot.arrays import weights as weights
    from pellucid.inspection.plot.cloud import Cloud as Cloud
    from pellucid.inspection.plot.cloud import layer_map as layer_map
    from pellucid.inspection.plot.grid import Grid as Grid
    from pellucid.inspection.plot.landscape import Surface as Surface
    from pellucid.inspection.plot.landscape import random_direction as random_direction
    from pellucid.inspection.plot.landscape import surface as surface
    from pellucid.inspection.plot.learning import Curves as Curves
    from pellucid.inspection.plot.learning import curves as curves
    from pellucid.inspection.plot.matrix import Confusion as Confusion
    from pellucid.inspection.plot.matrix import confusion as confusion
    from pellucid.inspection.plot.moves import Ratios as Ratios
    from pellucid.inspection.plot.moves import ratios as ratios
    from pellucid.inspection.plot.picture import Picture as Picture
    from pellucid.inspection.plot.picture import save as save
    from pellucid.inspection.plot.plane import Boundary as Boundary
    from pellucid.inspection.plot.plane import boundary as boundary
    from pellucid.inspection.plot.spread import Histograms as Histograms
    from pellucid.inspection.plot.spread import histograms as histograms
    from pellucid.inspection.plot.walks import Walks as Walks
    from pellucid.inspection.plot.walks import optimizer_paths as optimizer_paths
    from pellucid.inspection.plot.watch import Watch as Watch
    from pellucid.inspection.plot.watch import watched as watched

FILES = {  # where each name is
    "arrays": ("Tiles", "filters", "weights"),
    "cloud": ("Cloud", "layer_map"),
    "grid": ("Grid",),
    "landscape": ("Surface", "random_direction", "surface"),
    "learning": ("Curves", "curves"),
    "matrix": ("Confusion", "confusion"),
    "moves": ("Ratios", "ratios"),
    "picture": ("Picture", "save"),
    "plane": ("Boundary", "boundary"),
    "spread": ("Histograms", "histograms"),
    "walks": ("Walks", "optimizer_paths"),
    "watch": ("Watch", "watched"),
}
WHERE = {name: file for file, names in FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in WHERE:
        raise AttributeError(f"pl.plot has no {name!r}; it has {', '.join(sorted(WHERE))}")
    return getattr(importlib.import_module(f"{__name__}.{WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *WHERE])
