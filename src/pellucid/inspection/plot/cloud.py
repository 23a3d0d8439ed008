"""What a layer makes of the samples, brought into the plane: principal components or t-SNE, both scikit-learn's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.inspection.neighbours import outputs
from pellucid.inspection.plot.grid import Grid
from pellucid.inspection.plot.picture import EXTRA, Picture
from pellucid.inspection.plot.samples import class_names
from pellucid.losses import BinaryCrossEntropy, ClassLoss, SigmoidCrossEntropy
from pellucid.metrics import class_ids
from pellucid.model import Model

HOW = ("pca", "tsne")
FEW = 30.0  # t-SNE's perplexity, about how many neighbours a point has; fewer points need less


@dataclass(frozen=True)
class Cloud(Picture):
    """Each sample as a point in the plane: `points` (N, 2), with its class, or its value."""

    path: str
    how: str
    points: Array
    t: Array
    classes: tuple[str, ...]  # empty where the targets are values
    kept: tuple[float, ...] = ()  # of principal components: the share of the variance along each

    @classmethod
    def of(cls, model: Model, path: str, x: Any, t: Any, how: str = "pca", seed: int = 0, mask: Any = None) -> Cloud:
        """Bring a layer's outputs into the plane; scikit-learn does it."""
        if how not in HOW:
            raise UsageError(f"layer_map knows {' and '.join(map(repr, HOW))}, not {how!r}.")
        x, t = np.asarray(x), np.asarray(t)
        if len(x) != len(t) or len(x) < 3:
            raise DataError(f"layer_map needs as many targets as inputs, and at least three: {len(t)} and {len(x)}.")
        y = np.asarray(outputs(model, path, x, mask), float)  # (N, D)
        if not np.isfinite(y).all():
            raise DataError(f"The outputs of {path} are not all finite, so they have no place in the plane.")
        points, kept = _flat(y, how, seed)
        if not isinstance(model.loss, ClassLoss | SigmoidCrossEntropy | BinaryCrossEntropy) or t.ndim > 2:
            return cls(path, how, points, t.reshape(len(t), -1)[:, 0], (), kept)
        ids = (class_ids(t) if t.ndim == 2 and t.shape[1] > 1 else t.reshape(-1)).astype(int)
        return cls(path, how, points, ids, class_names(model, max(model.output_shape[-1], 2)), kept)

    @property
    def title(self) -> str:
        name = "principal components" if self.how == "pca" else "t-SNE"
        return f"What {self.path} makes of {len(self.points):,} samples: {name}"

    @property
    def size(self) -> tuple[float, float]:
        return 6.6, 5.2

    @property
    def near(self) -> Array:
        """Whether each point's nearest neighbour in the plane is of its own class."""
        square = (self.points**2).sum(axis=1)
        far = square[:, None] + square - 2.0 * self.points @ self.points.T  # (N, N), squared distances
        np.fill_diagonal(far, np.inf)
        return np.asarray(self.t[far.argmin(axis=1)] == self.t)

    @property
    def says(self) -> str:
        said = f"The two axes hold {100 * sum(self.kept):.1f} % of the variance. " if self.kept else ""
        if not self.classes:
            return f"{said}The targets reach from {self.t.min():.4g} to {self.t.max():.4g}.".strip()
        near = f"{100 * self.near.mean():.1f} % of the points have a nearest neighbour of their own class."
        return said + near + ("" if self.kept else " Distances between groups mean little in t-SNE.")

    @property
    def names(self) -> tuple[str, str]:
        """The axes' names."""
        if not self.kept:
            return "first dimension", "second dimension"
        return f"component 1 ({100 * self.kept[0]:.1f} %)", f"component 2 ({100 * self.kept[1]:.1f} %)"

    def tables(self) -> list[Grid]:
        if not self.classes:
            rows = tuple(
                (i, *p, float(v)) for i, (p, v) in enumerate(zip(self.points[:20].tolist(), self.t, strict=False))
            )
            return [Grid("The first samples", ("sample", "x", "y", "target"), rows)]
        near, found = self.near, []
        for k, name in enumerate(self.classes):
            at = self.t == k
            if at.any():
                x, y = self.points[at].mean(axis=0).tolist()
                wide = float(np.sqrt(((self.points[at] - (x, y)) ** 2).sum(axis=1).mean()))
                found.append((name, int(at.sum()), x, y, wide, f"{100 * near[at].mean():.1f}"))
        head = ("class", "samples", "centre x", "centre y", "spread", "neighbour of the same class, %")
        return [Grid("The classes in the plane", head, tuple(found))]

    def draw(self, figure: Any) -> None:
        from pellucid.inspection.plot.axes import SMALL, headed, legend, plainly, styled
        from pellucid.inspection.plot.palette import GROUND, INK, colour, marker

        headed(figure, self.title, self.says)
        ax = styled(figure.subplots(), x=self.names[0], y=self.names[1])
        size = float(np.clip(8000.0 / len(self.points), 8.0, 32.0))
        if not self.classes:
            drawn = ax.scatter(*self.points.T, c=self.t, s=size, cmap="cividis", edgecolors=INK, linewidths=0.3)
            bar = figure.colorbar(drawn, ax=ax, shrink=0.85)
            bar.set_label("target", fontsize=SMALL)
            bar.ax.tick_params(labelsize=SMALL)
            return
        for k, name in enumerate(self.classes):
            at = self.t == k
            if not at.any():
                continue
            style: dict[str, Any] = {"s": size, "color": colour(k), "edgecolors": GROUND, "linewidths": 0.3}
            ax.scatter(*self.points[at].T, marker=marker(k), label=name, **style)
            box = {"facecolor": GROUND, "edgecolor": colour(k), "boxstyle": "round,pad=0.2", "alpha": 0.85}
            place = np.median(self.points[at], axis=0)
            ax.text(*place, plainly(name, 12), ha="center", va="center", fontsize=SMALL, color=INK, bbox=box)
        legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)


def _flat(y: Array, how: str, seed: int) -> tuple[Array, tuple[float, ...]]:
    """(N, D) brought to (N, 2) by scikit-learn; and for principal components the share of the variance."""
    try:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE
    except ImportError:
        raise UsageError(f"layer_map needs scikit-learn, which is not installed: {EXTRA}.") from None
    if how == "tsne":
        near = min(FEW, (len(y) - 1) / 3)
        made = TSNE(2, perplexity=near, init="random" if y.shape[1] < 2 else "pca", random_state=seed)
        return np.asarray(made.fit_transform(y), float), ()
    if y.shape[1] == 1:
        y = np.concatenate([y, np.zeros_like(y)], axis=1)
    if not y.var(axis=0).any():
        raise DataError("The layer says the same of every sample, so there are no components.")
    pca = PCA(2, random_state=seed)
    points = np.asarray(pca.fit_transform(y), float)
    return points, tuple(np.asarray(pca.explained_variance_ratio_, float).tolist())


def layer_map(model: Model, path: str, x: Any, t: Any, how: str = "pca", seed: int = 0) -> Any:
    """A layer's outputs for the samples, each as a point in the plane, as a matplotlib Figure.

    Args:
        model: the model.
        path: the layer, such as "1.relu"; "input" shows the samples before the first one.
        x: raw inputs (N, ...); some hundred are enough, and t-SNE takes long for thousands.
        t: their targets.
        how: "pca", the two directions of the greatest variance, or "tsne", which keeps neighbours together.
        seed: t-SNE begins from it.

    Raises:
        NoSuchPath: if there is no such layer; the nearest names are offered.
        UsageError: if scikit-learn or matplotlib is not installed.
    """
    return Cloud.of(model, path, x, t, how, seed).figure()
