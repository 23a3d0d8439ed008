"""One weight under several optimizers at once: what each makes of the gradient, number by number.

    pl.plot.optimizer_paths([1.0, 0.9, -0.2, ...])                      # the same gradients for all
    pl.plot.optimizer_paths(lambda w: 2 * w, start=3.0)                 # the same slope; each walks its own way
    pl.plot.optimizer_paths(model, x, t, "0.dense.W[3,1]", steps=50)    # a weight of a model; each trains a copy

All numbers are read from the library's own optimizers after each step; mh and vh are m and v without their start at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError, UsageError
from pellucid.base.run import Run
from pellucid.base.seeds import stream
from pellucid.inspection.plot.grid import Grid, written
from pellucid.inspection.plot.picture import Picture
from pellucid.inspection.plot.steps import alone, follow, named, place
from pellucid.model import Model
from pellucid.optim import Optimizer
from pellucid.train import check_count

ROWS = {  # what is drawn, and what it is called
    "g": "g, gradient",
    "velocity": "v of SGD, velocity",
    "m": "m, mean of g",
    "mh": "mh = m / (1 - beta1^t)",
    "v": "v (RMSprop: s), mean of g^2",
    "vh": "vh = v / (1 - beta2^t)",
    "s": "s of AdaGrad, sum of g^2",
    "dw": "dw, step of the weight",
    "w": "w, the weight",
}


@dataclass(frozen=True)
class Walks(Picture):
    """`paths[optimizer][name]`: one number a step, under the names g, m, mh, v, vh, s, velocity, dw and w.

    g is the gradient before the step, dw the step, and the others are as they stand after it.

    >>> from pellucid.optim import Adam
    >>> walks = Walks.on_gradients([1.0, 1.0], {"Adam": Adam(0.1)})
    >>> {name: np.round(values, 4).tolist() for name, values in walks.paths["Adam"].items()}["m"]
    [0.1, 0.19]
    >>> walks.says
    'The same gradients for all. After 2 steps: Adam w -0.2000.'
    """

    paths: dict[str, dict[str, Array]]
    what: str

    @classmethod
    def on_gradients(
        cls, gradients: Any, optimizers: Mapping[str, Optimizer] | Sequence[Optimizer] | None = None, start: float = 0.0
    ) -> Walks:
        """Give the same gradients, one a step, to every optimizer."""
        given = np.asarray(gradients, float)
        if given.ndim != 1 or not given.size:
            raise ShapeError(
                f"The gradients of one weight are one number a step, (steps,); these have shape {given.shape}."
            )
        paths = {
            name: alone(rule, start, len(given), lambda i, w: float(given[i]))
            for name, rule in named(optimizers).items()
        }
        return cls(paths, "the same gradients for all")

    @classmethod
    def on_slope(
        cls,
        slope: Callable[[float], float],
        optimizers: Mapping[str, Optimizer] | Sequence[Optimizer] | None = None,
        start: float = 1.0,
        steps: int = 50,
    ) -> Walks:
        """Let every optimizer walk down the same slope from the same place."""
        check_count("steps", steps, "50 is usual")
        rules = named(optimizers)
        return cls(
            {name: alone(rule, start, steps, lambda i, w: float(slope(w))) for name, rule in rules.items()},
            f"the same slope, from w = {start:g}",
        )

    @classmethod
    def on_model(
        cls,
        model: Model,
        x: Any,
        t: Any,
        path: str,
        optimizers: Mapping[str, Optimizer] | Sequence[Optimizer] | None = None,
        steps: int = 50,
        seed: int = 0,
    ) -> Walks:
        """Let every optimizer train its own copy of a model on the batch (x, t), and watch one weight."""
        check_count("steps", steps, "50 is usual")
        at, full = place(model, path), dict[str, dict[str, Array]]()
        x = model.check_input(np.asarray(model.prepared(np.asarray(x))))
        t = model.loss.targets(np.asarray(t), (len(x), *model.output_shape))
        for name, rule in named(optimizers).items():
            twin, rng = model.copy(), stream(seed, "noise")

            def gradient(i: int, theta: Array, twin: Model = twin, rng: Any = rng) -> Array:
                twin.loss_and_grad(x, t, Run(training=True, rng=rng))
                return twin.grad

            full[name] = follow(rule, twin.theta, steps, gradient, at, model.decays())
        return cls(full, f"{path}: each optimizer trains its own copy of the model")

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return len(next(iter(self.paths.values()))["g"])

    @property
    def rows(self) -> list[str]:
        """The names that at least one optimizer has."""
        return [name for name in ROWS if any(name in path for path in self.paths.values())]

    @property
    def title(self) -> str:
        return "What optimizers make of one weight's gradient"

    @property
    def size(self) -> tuple[float, float]:
        return 8.4, 1.3 + 1.55 * -(-len(self.rows) // 2)

    @property
    def says(self) -> str:
        ends = ", ".join(f"{name} w {written(path['w'][-1])}" for name, path in self.paths.items())
        return f"{self.what[0].upper()}{self.what[1:]}. After {self.steps} step{'s' * (self.steps != 1)}: {ends}."

    def tables(self) -> list[Grid]:
        few = np.unique(np.linspace(0, self.steps - 1, 12).round().astype(int)).tolist()
        found = []
        for name, path in self.paths.items():
            rows = tuple((i + 1, *(float(path[row][i]) for row in self.rows if row in path)) for i in few)
            found.append(Grid(name, ("step", *(row for row in self.rows if row in path)), rows))
        return found

    def draw(self, figure: Any) -> None:
        from pellucid.inspection.plot.axes import headed, legend, styled, whole
        from pellucid.inspection.plot.palette import SOFT, colour, dash, marker

        headed(figure, self.title, self.says)
        high = -(-len(self.rows) // 2)
        axes = figure.subplots(high, 2, squeeze=False, sharex=True)
        steps, every = np.arange(1, self.steps + 1), max(1, self.steps // 8)
        for ax, row in zip(axes.T.ravel(), self.rows, strict=False):
            styled(ax, title=ROWS[row])
            ax.axhline(0.0, color=SOFT, linewidth=0.6)
            for k, (name, path) in enumerate(self.paths.items()):
                if row in path:
                    style: dict[str, Any] = {"color": colour(k), "linestyle": dash(k), "marker": marker(k)}
                    shown = np.where(np.isfinite(path[row]), path[row], np.nan)
                    every_k = (k * every // 5 % every, every)
                    ax.plot(steps, shown, linewidth=1.3, markersize=3.5, markevery=every_k, label=name, **style)
            ax.yaxis.get_offset_text().set_fontsize(6.5)
            ax.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
            whole(ax.xaxis)
        for ax in axes.T.ravel()[len(self.rows) :]:
            ax.set_visible(False)
        for ax in axes[-1]:
            ax.set_xlabel("step", fontsize=7.5)
        legend(axes.T.ravel()[self.rows.index("w")], loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)


def optimizer_paths(
    subject: Any,
    x: Any = None,
    t: Any = None,
    path: str | None = None,
    *,
    optimizers: Mapping[str, Optimizer] | Sequence[Optimizer] | None = None,
    start: float = 1.0,
    steps: int = 50,
    seed: int = 0,
) -> Any:
    """One weight under several optimizers at once, as a matplotlib Figure: g, m, v, mh, vh, dw and w step by step.

    Args:
        subject: the gradients (steps,) that all are given; or a function w -> slope that each walks down; or a model.
        x, t: for a model, the batch that each optimizer trains its copy on.
        path: for a model, the weight: "0.dense.W[3,1]".
        optimizers: a list, or a dict with names. Default SGD, SGD with momentum, AdaGrad, RMSprop, Adam.
        start: where the weight begins, unless it is a model's. Default 1.
        steps: how many steps, unless the gradients say it. Default 50.
        seed: for a model, what dropout draws.

    Raises:
        NoSuchPath: if the model has no such weight; the nearest names are offered.
        UsageError: if something is missing, or matplotlib is not installed.
    """
    return walks_of(subject, x, t, path, optimizers=optimizers, start=start, steps=steps, seed=seed).figure()


def walks_of(
    subject: Any, x: Any = None, t: Any = None, path: str | None = None, *, optimizers: Any = None, **options: Any
) -> Walks:
    """The numbers of `optimizer_paths`, for the same arguments."""
    start, steps, seed = options.get("start", 1.0), options.get("steps", 50), options.get("seed", 0)
    if isinstance(subject, Model):
        if x is None or t is None or path is None:
            raise UsageError('For a model, give a batch and a weight: optimizer_paths(model, x, t, "0.dense.W[3,1]").')
        return Walks.on_model(subject, x, t, path, optimizers, steps, seed)
    if callable(subject):
        return Walks.on_slope(subject, optimizers, start, steps)
    return Walks.on_gradients(subject, optimizers, start)
