"""What a network of two inputs says everywhere in the plane: regions and the border between them, or heights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, ShapeError, UsageError
from pellucid.inspection.plot.grid import Grid
from pellucid.inspection.plot.picture import Picture
from pellucid.inspection.plot.samples import class_names
from pellucid.losses import BinaryCrossEntropy, ClassLoss, SigmoidCrossEntropy
from pellucid.metrics import class_ids
from pellucid.model import Model

FINE = 161  # places along each axis
COARSE = (7, 11)  # places of the text's map: rows, columns
MARGIN = 0.08  # of the points' extent, on every side
SHOWN = 2000  # points that are drawn
MANY = 150  # wrong points; their rings are thin, or nothing else would be seen


@dataclass(frozen=True)
class Boundary(Picture):
    """`answers[i, j]` is what the model says at (xs[j], ys[i]): probabilities (H, W, K), or a value (H, W, 1).

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(2,))
    >>> model.layers[0].W[:] = [[-1.0, 1.0], [0.0, 0.0]]
    >>> picture = Boundary.of(model, [[-1.0, 0.0], [1.0, 1.0], [0.5, 0.0]], [0, 1, 0])
    >>> picture.says
    '2 of 3 points lie in the region of their class. The largest region is that of 0: 50.3 % of the plane.'
    """

    xs: Array
    ys: Array
    answers: Array
    x: Array
    t: Array
    right: Array | None  # for classes: whether each point lies in its own region
    classes: tuple[str, ...]
    names: tuple[str, str]

    @classmethod
    def of(cls, model: Model, x: Any, t: Any, fine: int = FINE) -> Boundary:
        """Ask the model at fine x fine places around the points x (N, 2) with their targets t."""
        x, t = np.asarray(x), np.asarray(t)
        if x.ndim != 2 or x.shape[1] != 2 or x.dtype.names is not None:
            raise ShapeError(
                f"A boundary is drawn in the plane, for inputs of shape (N, 2); these are {x.shape}. "
                "pl.plot.layer_map brings what a layer says of more inputs into the plane."
            )
        if len(x) != len(t) or len(x) == 0:
            raise DataError(f"boundary needs as many targets as inputs, and at least one: {len(t)} and {len(x)}.")
        if model.output_shape != (1,) and not isinstance(model.loss, ClassLoss):
            raise UsageError(f"A boundary shows one answer; this model gives values of shape {model.output_shape}.")
        low, high = x.min(axis=0).astype(float), x.max(axis=0).astype(float)
        room = np.where(high > low, MARGIN * (high - low), 1.0)
        xs, ys = (np.linspace(low[k] - room[k], high[k] + room[k], fine) for k in (0, 1))
        plane = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)  # (fine^2, 2)
        y = model.predict(plane)
        names = tuple(getattr(model.prepare, "columns", ()))
        names = names if len(names) == 2 and all(isinstance(n, str) for n in names) else ("input 0", "input 1")
        if not isinstance(model.loss, ClassLoss | SigmoidCrossEntropy | BinaryCrossEntropy):
            return cls(xs, ys, y.reshape(fine, fine, 1), x, t.ravel(), None, (), (names[0], names[1]))
        if y.shape[1] == 1:
            y = np.concatenate([1.0 - y, y], axis=1)
        truth = class_ids(t) if t.ndim == 2 else t
        right = class_ids(model.predict(x)) == truth
        classes = class_names(model, y.shape[1])
        return cls(xs, ys, y.reshape(fine, fine, -1), x, truth, right, classes, (names[0], names[1]))

    @property
    def title(self) -> str:
        return "What the network says in the plane"

    @property
    def size(self) -> tuple[float, float]:
        return 6.4, 5.2

    @property
    def shares(self) -> Array:
        """Which part of the plane each class has."""
        K = len(self.classes)
        return np.bincount(self.answers.argmax(axis=-1).ravel(), minlength=K) / self.answers[..., 0].size

    @property
    def says(self) -> str:
        if self.right is None:
            low, high = float(self.answers.min()), float(self.answers.max())
            targets = f"{self.t.min():.4g} to {self.t.max():.4g}"
            return f"The answers reach from {low:.4g} to {high:.4g}, the targets from {targets}."
        right, first = int(self.right.sum()), int(self.shares.argmax())
        largest = f"The largest region is that of {self.classes[first]}: {100 * self.shares[first]:.1f} % of the plane."
        return f"{right:,} of {len(self.t):,} points lie in the region of their class. {largest}"

    def tables(self) -> list[Grid]:
        rows = np.linspace(len(self.ys) - 1, 0, COARSE[0]).round().astype(int)
        columns = np.linspace(0, len(self.xs) - 1, COARSE[1]).round().astype(int)
        head = (f"{self.names[1]} \\ {self.names[0]}", *(f"{self.xs[j]:.2f}" for j in columns))
        cells = []
        for i in rows:
            said = self.answers[i, columns]
            values = said[:, 0].tolist() if self.right is None else [self.classes[k] for k in said.argmax(axis=1)]
            cells.append((f"{self.ys[i]:.2f}", *values))
        plane = Grid("The answers across the plane (top is up)", head, tuple(cells))
        if self.right is None:
            return [plane]
        parts = [self.t == k for k in range(len(self.classes))]
        found = tuple(
            (name, int(at.sum()), int(self.right[at].sum()), f"{100 * share:.1f}")
            for name, at, share in zip(self.classes, parts, self.shares.tolist(), strict=True)
        )
        return [Grid("Points and regions", ("class", "points", "right", "region, %"), found), plane]

    def draw(self, figure: Any) -> None:
        from pellucid.inspection.plot.axes import headed, styled

        headed(figure, self.title, self.says)
        ax = styled(figure.subplots(), x=self.names[0], y=self.names[1], grid=False)
        keep = np.linspace(0, len(self.x) - 1, min(len(self.x), SHOWN)).astype(int)
        self._heights(figure, ax, keep) if self.right is None else self._regions(ax, keep)
        ax.set_xlim(self.xs[0], self.xs[-1])
        ax.set_ylim(self.ys[0], self.ys[-1])

    def _regions(self, ax: Any, keep: Array) -> None:
        from pellucid.inspection.plot.axes import legend
        from pellucid.inspection.plot.palette import GROUND, INK, colour, marker, rgb

        assert self.right is not None
        K = len(self.classes)
        best = self.answers.argmax(axis=-1)  # (H, W)
        sure = np.clip((self.answers.max(axis=-1) - 1.0 / K) / (1.0 - 1.0 / K), 0.0, 1.0)
        shades = np.array([rgb(colour(k)) for k in range(K)])[best]  # (H, W, 3)
        image = 1.0 - (0.12 + 0.33 * sure[..., None]) * (1.0 - shades)
        edges = (self.xs[0], self.xs[-1], self.ys[0], self.ys[-1])
        ax.imshow(image, extent=edges, origin="lower", aspect="auto", interpolation="bilinear")
        for k in range(K):
            ahead = self.answers[..., k] - np.delete(self.answers, k, axis=-1).max(axis=-1)
            if ahead.min() < 0.0 < ahead.max():
                ax.contour(self.xs, self.ys, ahead, levels=[0.0], colors=INK, linewidths=0.8)
        size = float(np.clip(4000.0 / len(keep), 14.0, 34.0))
        for k, name in enumerate(self.classes):
            at = keep[self.t[keep] == k]
            style: dict[str, Any] = {"s": size, "color": colour(k), "edgecolors": GROUND, "linewidths": 0.4}
            ax.scatter(*self.x[at].T, marker=marker(k), label=name, zorder=3, **style)
        wrong = keep[~self.right[keep]]
        if len(wrong):
            style = {"s": 2.6 * size, "facecolors": "none", "edgecolors": INK}
            style["linewidths"] = 0.9 if len(wrong) < MANY else 0.4
            ax.scatter(*self.x[wrong].T, marker="o", label="in a wrong region", zorder=2, **style)
        legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)

    def _heights(self, figure: Any, ax: Any, keep: Array) -> None:
        from matplotlib.ticker import MaxNLocator

        from pellucid.inspection.plot.axes import SMALL
        from pellucid.inspection.plot.palette import INK

        values = self.answers[..., 0]
        low, high = min(values.min(), self.t.min()), max(values.max(), self.t.max())
        levels = MaxNLocator(12).tick_values(low, high)
        drawn = ax.contourf(self.xs, self.ys, values, levels=levels, cmap="cividis")
        if values.min() < values.max():
            lines = ax.contour(self.xs, self.ys, values, levels=levels[::2], colors="white", linewidths=0.7)
            ax.clabel(lines, fontsize=SMALL - 1, fmt="%.3g")
        style: dict[str, Any] = {"cmap": "cividis", "vmin": levels[0], "vmax": levels[-1], "edgecolors": INK}
        ax.scatter(*self.x[keep].T, c=self.t[keep], s=18, linewidths=0.5, zorder=3, **style)
        bar = figure.colorbar(drawn, ax=ax, shrink=0.85)
        bar.set_label("answer (field) and target (points)", fontsize=SMALL)
        bar.ax.tick_params(labelsize=SMALL)


def boundary(model: Model, x: Any, t: Any) -> Any:
    """What a model of two inputs says everywhere around the points x, as a matplotlib Figure.

    Classes are shown as regions, the deeper the surer, with the border between them; points in a wrong region have a
    ring. Values are shown as heights.

    Args:
        model: a model of two inputs.
        x: raw points (N, 2).
        t: their targets.

    Raises:
        ShapeError: if the inputs are not two numbers each.
        UsageError: if matplotlib is not installed.
    """
    return Boundary.of(model, x, t).figure()
