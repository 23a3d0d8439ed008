"""The loss around a model's weights, along two directions      (Li et al. 2018, "Visualizing the loss landscape")

    L(a, b) = loss at theta + a d1 + b d2

A random direction is scaled filter by filter to the length of the weights there: otherwise layers with large weights
would look flat and those with small weights steep. Biases and norms' scales stay where they are, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.check import check_mask
from pellucid.base.errors import ShapeError, UsageError, draw_shapes
from pellucid.base.seeds import stream
from pellucid.inspection.plot.grid import Grid, written
from pellucid.inspection.plot.picture import Picture
from pellucid.model import Model
from pellucid.train import check_count

STEPS = 21
WIDE = 50.0  # losses that differ by more than this are drawn on a logarithmic scale


@dataclass(frozen=True)
class Surface(Picture):
    """loss[i, j] at theta + b[i] d2 + a[j] d1.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(1, bias=False), input_shape=(2,))
    >>> model.layers[0].W[:] = 0.0
    >>> picture = Surface.of(model, np.eye(2), np.zeros(2), directions=([1.0, 0.0], [0.0, 1.0]), steps=3)
    >>> picture.loss.tolist()
    [[1.0, 0.5, 1.0], [0.5, 0.0, 0.5], [1.0, 0.5, 1.0]]
    """

    a: Array
    b: Array
    loss: Array
    how: str

    @classmethod
    def of(
        cls,
        model: Model,
        x: Any,
        t: Any,
        directions: tuple[Any, Any] | None = None,
        reach: float = 1.0,
        steps: int = STEPS,
        seed: int = 0,
        mask: Any = None,
    ) -> Surface:
        """The loss at steps x steps places; the model stays as it is."""
        check_count("steps", steps, "21 is usual, and the loss is computed steps x steps times")
        if not reach > 0:
            raise UsageError(f"reach is how far from the weights the loss is looked at, above 0; not {reach!r}.")
        check_mask(mask, np.asarray(x))
        twin, how = model.copy(), "two given directions"
        if directions is None:
            found = [random_direction(model, seed, k) for k in (0, 1)]
            how = f"two random directions (seed {seed}), scaled filter by filter"
        else:
            found = [np.asarray(d, float).ravel() for d in directions]
        for d in found:
            if len(d) != model.theta.size:
                raise ShapeError(
                    "A direction has one number for each parameter, in the order of theta.\n"
                    + draw_shapes(d.shape, model.theta.shape)
                )
        centre, along = np.asarray(model.theta, float), np.linspace(-reach, reach, steps)
        loss = np.empty((steps, steps))
        with np.errstate(all="ignore"):  # far away a loss may overflow; that is drawn, not warned about
            for i, b in enumerate(along.tolist()):
                for j, a in enumerate(along.tolist()):
                    twin.theta[:] = centre + a * found[0] + b * found[1]
                    loss[i, j] = twin.evaluate(x, t, (), mask=mask)["loss"]
        return cls(along, along, loss, how)

    @property
    def title(self) -> str:
        return "The loss around the weights"

    @property
    def size(self) -> tuple[float, float]:
        return 6.2, 5.0

    @property
    def says(self) -> str:
        finite = self.loss[np.isfinite(self.loss)]
        if not finite.size:
            return f"Along {self.how}, no loss is finite."
        i, j = np.unravel_index(np.nanargmin(np.where(np.isfinite(self.loss), self.loss, np.nan)), self.loss.shape)
        n = len(self.a)
        here = f"{written(self.loss[n // 2, n // 2])} at the weights themselves, " if n % 2 else ""
        broken = self.loss.size - finite.size
        more = f" At {broken} places it is not finite (hatched)." if broken else ""
        low = f"lowest {written(finite.min())} at ({self.a[j]:+.2f}, {self.b[i]:+.2f}), highest {written(finite.max())}"
        return f"Along {self.how}: {here}{low}.{more}"

    def tables(self) -> list[Grid]:
        few = np.unique(np.linspace(0, len(self.a) - 1, min(len(self.a), 9)).round().astype(int))
        head = ("b \\ a", *(f"{self.a[j]:+.2f}" for j in few))
        rows = tuple((f"{self.b[i]:+.2f}", *self.loss[i, few].tolist()) for i in few[::-1])
        return [Grid("The loss at theta + a d1 + b d2 (top is +b)", head, rows)]

    def draw(self, figure: Any) -> None:
        from matplotlib.colors import LogNorm, Normalize
        from matplotlib.ticker import MaxNLocator

        from pellucid.inspection.plot.axes import SMALL, headed, legend, styled
        from pellucid.inspection.plot.palette import INK, MINUS

        headed(figure, self.title, self.says)
        ax = styled(figure.subplots(), x="a, steps along the first direction", y="b, along the second", grid=False)
        ax.set_facecolor("#b9bfc9")
        finite = np.isfinite(self.loss)
        if not finite.all():
            edges = (self.a[0], self.a[-1], self.b[0], self.b[-1])
            ax.fill_between(
                edges[:2], edges[2], edges[3], facecolor="none", edgecolor=INK, hatch="xx", linewidth=0.0, zorder=0
            )
        if finite.any() and min(self.loss.shape) > 1:
            low, high = float(self.loss[finite].min()), float(self.loss[finite].max())
            log = low > 0 and high / low > WIDE
            levels = np.geomspace(low, high * 1.0001, 15) if log else MaxNLocator(14).tick_values(low, high)
            norm = LogNorm(levels[0], levels[-1]) if log else Normalize(levels[0], levels[-1])
            shown = np.ma.masked_array(self.loss, ~finite)
            field = ax.contourf(self.a, self.b, shown, levels=levels, norm=norm, cmap="cividis")
            lines = ax.contour(self.a, self.b, shown, levels=levels[::2], colors="white", linewidths=0.7)
            ax.clabel(lines, fontsize=SMALL - 1, fmt="%.3g")
            bar = figure.colorbar(field, ax=ax, shrink=0.9, ticks=levels[::2], format="%.3g")
            bar.set_label("loss" + (", log scale" if log else ""), fontsize=SMALL)
            bar.ax.tick_params(labelsize=SMALL)
            bar.ax.minorticks_off()
            i, j = np.unravel_index(np.argmin(np.where(finite, self.loss, np.inf)), self.loss.shape)
            style = {"color": "white", "markeredgecolor": INK, "clip_on": False, "linestyle": "none"}
            ax.plot(self.a[j], self.b[i], marker="v", markersize=8, label="lowest", **style)
        ax.plot(0, 0, "*", markersize=12, color=MINUS, markeredgecolor="white", label="the weights", linestyle="none")
        legend(ax, loc="upper left", frameon=True, facecolor="white", framealpha=0.85)


def random_direction(model: Model, seed: int = 0, which: int = 0) -> Array:
    """A random direction in theta's space, scaled filter by filter to the weights' own lengths; biases stay 0.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), input_shape=(4,))
    >>> d = random_direction(model)[:12].reshape(4, 3)
    >>> bool(np.allclose(np.linalg.norm(d, axis=0), np.linalg.norm(model.layers[0].W, axis=0)))
    True
    """
    rng, found = stream(seed, "direction", which), np.zeros(model.theta.size)
    for slot in model.slots.values():
        drawn = rng.standard_normal(slot.shape)
        if not slot.decay or len(slot.shape) < 2:
            continue
        W = np.asarray(model.theta[slot.at], float).reshape(-1, slot.shape[-1])  # a column a filter
        d = drawn.reshape(W.shape)
        length = np.sqrt((d * d).sum(axis=0))
        found[slot.at] = (d * (np.sqrt((W * W).sum(axis=0)) / np.where(length > 0, length, 1.0))).ravel()
    return found


def surface(model: Model, x: Any, t: Any, **options: Any) -> Any:
    """The loss along two directions around the weights, as a matplotlib Figure.

    Args:
        model: the model; it stays as it is.
        x, t: the samples on which the loss is taken; some hundred are enough.
        options: `directions`, two vectors of theta's length (default random ones); `reach`, how far (default 1: a
            direction's own length); `steps`, places along each (default 21); `seed`; `mask`.

    Raises:
        ShapeError: if a direction does not fit theta.
        UsageError: if matplotlib is not installed.
    """
    return Surface.of(model, x, t, **options).figure()
