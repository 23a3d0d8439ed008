"""The confusion matrix, with the pictures behind its largest mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.inspection.plot.grid import Grid
from pellucid.inspection.plot.picture import Picture
from pellucid.inspection.plot.samples import as_pictures, class_names
from pellucid.losses import BinaryCrossEntropy, ClassLoss, SigmoidCrossEntropy
from pellucid.metrics import class_ids, confusion_matrix
from pellucid.model import Model

CELLS = 6  # largest wrong cells that are shown
BEHIND = 5  # pictures behind each
NUMBERED = 20  # a matrix of more classes has no numbers in its cells
NAMED = 50  # one of more classes still has no names


@dataclass(frozen=True)
class Mistake:
    """One wrong cell: `count` samples of class `truth` were answered `answer`; `samples` are some, the surest first."""

    truth: int
    answer: int
    count: int
    samples: tuple[int, ...]


@dataclass(frozen=True)
class Confusion(Picture):
    """C[i, j]: how many samples of class i were answered j, and which samples stand behind the largest wrong cells.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(1,), classes=("low", "high"))
    >>> model.layers[0].W[:] = [[-1.0, 1.0]]
    >>> print(Confusion.of(model, np.array([[-2.0], [-1.0], [1.0]]), np.array([0, 1, 1])).text())
    Confusion matrix
    2 of 3 right (66.7 %). Largest mistake: high taken for low, 1 time.
    <BLANKLINE>
    True class (row) and answer (column)
    class  low  high  right, %
    low      1     0     100.0
    high     1     1      50.0
    <BLANKLINE>
    Largest mistakes
    true class  answer  times  samples, the surest first
    high        low         1                          1
    """

    C: Array
    classes: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    pictures: Array | None = None  # those of the mistakes' samples, in order

    @property
    def size(self) -> tuple[float, float]:
        side = float(np.clip(1.6 + 0.42 * len(self.classes), 3.4, 7.5))
        return side + (3.0 if self.pictures is not None else 0.8), side + 0.4

    @classmethod
    def of(cls, model: Model, x: Any, t: Any) -> Confusion:
        """Ask the model about x (raw) and compare with t, class ids or one-hot rows."""
        if not isinstance(model.loss, ClassLoss | SigmoidCrossEntropy | BinaryCrossEntropy):
            raise UsageError(
                f"A confusion matrix is about classes, and this model learns values ({type(model.loss).__name__}). "
                "pl.plot.curves shows how its error fell."
            )
        x, t = np.asarray(x), np.asarray(t)
        if len(x) != len(t) or len(x) == 0:
            raise DataError(f"confusion needs as many targets as inputs, and at least one: {len(t)} and {len(x)}.")
        y = model.predict(x)
        K = max(y.shape[-1], 2)
        answers, truth = class_ids(y).ravel(), class_ids(t).ravel() if t.shape == y.shape else t.ravel().astype(int)
        C = confusion_matrix(y, t, K)
        mistakes = _largest(C, answers, truth, y.reshape(len(answers), -1).max(axis=1))
        chosen = [n for mistake in mistakes for n in mistake.samples]
        pictures = as_pictures(model, x[chosen]) if len(answers) == len(x) and chosen else None
        return cls(C, class_names(model, K), mistakes, pictures)

    @property
    def title(self) -> str:
        return "Confusion matrix"

    @property
    def says(self) -> str:
        right, total = int(np.trace(self.C)), int(self.C.sum())
        said = f"{right:,} of {total:,} right ({100 * right / total:.1f} %)."
        if not self.mistakes:
            return f"{said} There is no mistake."
        first = self.mistakes[0]
        times = f"{first.count:,} time{'s' * (first.count != 1)}"
        return f"{said} Largest mistake: {self.classes[first.truth]} taken for {self.classes[first.answer]}, {times}."

    def tables(self) -> list[Grid]:
        found = []
        for i, row in enumerate(self.C.tolist()):
            share = f"{100 * row[i] / sum(row):.1f}" if sum(row) else "-"
            found.append((self.classes[i], *row, share))
        head = ("class", *self.classes, "right, %")
        tables = [Grid("True class (row) and answer (column)", head, tuple(found))]
        if self.mistakes:
            rows = tuple(
                (self.classes[m.truth], self.classes[m.answer], m.count, ", ".join(map(str, m.samples)))
                for m in self.mistakes
            )
            tables.append(
                Grid("Largest mistakes", ("true class", "answer", "times", "samples, the surest first"), rows)
            )
        return tables

    def draw(self, figure: Any) -> None:
        from pellucid.inspection.plot.axes import headed

        headed(figure, self.title, self.says)
        if self.pictures is None:
            self._matrix(figure.subplots())
            return
        left, right = figure.subplots(1, 2, width_ratios=(self.size[0] - 3.0, 2.6))
        self._matrix(left)
        self._behind(right, self.pictures)

    def _matrix(self, ax: Any) -> None:
        """Right answers blue and framed, wrong ones orange; the darker, the larger their share of the row."""
        from matplotlib.patches import Rectangle

        from pellucid.inspection.plot.axes import SMALL, plainly, styled
        from pellucid.inspection.plot.palette import GROUND, INK, MINUS, PLUS, mixed

        K = len(self.classes)
        share = self.C / np.maximum(self.C.sum(axis=1, keepdims=True), 1)  # (K, K), of each row
        depth = 0.12 + 0.88 * np.sqrt(share)  # the root, so that few mistakes are seen too
        shade = np.where(np.eye(K, dtype=bool)[..., None], mixed(depth, PLUS), mixed(depth, MINUS))
        shade[self.C == 0] = 1.0
        ax.imshow(shade, interpolation="nearest")
        styled(ax, x="answer", y="true class", grid=False)
        names = [plainly(name, 16) for name in self.classes]
        turn = 0 if max(map(len, names)) * K <= 44 else 90 if K > 12 else 40
        at: dict[str, Any] = {"rotation": turn, "ha": "right" if turn == 40 else "center", "rotation_mode": "anchor"}
        if turn == 90:
            at |= {"ha": "right", "va": "center"}
        ax.set_xticks(range(K), names, **at) if K <= NAMED else ax.set_xticks([])
        ax.set_yticks(range(K), names) if K <= NAMED else ax.set_yticks([])
        size = SMALL if K <= 12 else 5.5
        for i in range(K):
            ax.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=0.8))
            if K <= NUMBERED:
                total = int(self.C[i].sum())
                words = f"{100 * self.C[i, i] / total:.0f} %" if total else "-"
                ax.text(K - 0.3, i, words, va="center", fontsize=size, color=INK)
                for j in np.flatnonzero(self.C[i]).tolist():
                    light = GROUND if depth[i, j] > 0.6 else INK
                    ax.text(j, i, f"{self.C[i, j]:,}", ha="center", va="center", fontsize=size, color=light)
        if K <= NUMBERED:
            ax.text(K - 0.3, -0.75, "right", va="center", fontsize=size, color=INK)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)

    def _behind(self, ax: Any, pictures: Array) -> None:
        """A row of pictures for each of the largest mistakes."""
        from pellucid.inspection.plot.axes import SMALL, bare, plainly

        H, W = pictures.shape[1:3]
        gap = max(1, H // 12)
        rows, columns = len(self.mistakes), max(len(m.samples) for m in self.mistakes)
        sheet = np.ones((rows * (H + gap) - gap, columns * (W + gap) - gap, 3))
        left = iter(pictures if pictures.ndim == 4 else np.repeat(pictures[..., None], 3, axis=-1))
        for i, mistake in enumerate(self.mistakes):
            for j in range(len(mistake.samples)):
                sheet[i * (H + gap) : i * (H + gap) + H, j * (W + gap) : j * (W + gap) + W] = next(left)
        ax.imshow(sheet, interpolation="nearest", vmin=0.0, vmax=1.0)
        bare(ax)
        for spine in ax.spines.values():
            spine.set_visible(False)
        words = []
        for m in self.mistakes:
            names = plainly(self.classes[m.truth], 14), plainly(self.classes[m.answer], 14)
            long = max(map(len, names)) > 4
            words.append((" →\n" if long else " → ").join(names) + f"\n{m.count:,} time{'s' * (m.count != 1)}")
        ax.set_yticks([i * (H + gap) + H / 2 for i in range(rows)], words, fontsize=SMALL)
        ax.tick_params(length=0)
        ax.set_title("the largest mistakes", loc="left", fontsize=SMALL)


def _largest(C: Array, answers: Array, truth: Array, sure: Array) -> tuple[Mistake, ...]:
    wrong = C * ~np.eye(len(C), dtype=bool)
    found = []
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:CELLS].tolist():
        i, j = divmod(cell, len(C))
        if not wrong[i, j]:
            break
        at = np.flatnonzero((truth == i) & (answers == j))
        first = at[np.argsort(-sure[at], kind="stable")][:BEHIND]
        found.append(Mistake(i, j, int(C[i, j]), tuple(first.tolist())))
    return tuple(found)


def confusion(model: Model, x: Any, t: Any) -> Any:
    """The confusion matrix of a model on x and t, and pictures behind its largest mistakes, as a matplotlib Figure.

    Args:
        model: a model of classes.
        x: raw inputs (N, ...). If they are pictures, some of each large wrong cell are shown, the surest first.
        t: class ids or one-hot rows.

    Raises:
        UsageError: if the model learns values, or matplotlib is not installed.
    """
    return Confusion.of(model, x, t).figure()
