"""The size of the numbers that go in and of those that are to come out.

Weights begin at a size that suits inputs of about 1. Inputs of 200 make the first sums 200 times too large, bends
saturate or scores explode, and one rate cannot suit two columns that differ a thousandfold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.prepare import Standardize
from pellucid.diverged import BIG
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import rebuilt
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.losses import ElementwiseLoss, Scaled

APART = 100.0  # columns whose sizes differ more than this do not suit one rate
FEW = 64  # more columns than this are pixels or the like, of which some are rarely used
SMALL = 0.02  # inputs that reach no further are too small


@dataclass(frozen=True)
class Then:
    """One preparation after another."""

    first: Any
    second: Any

    def __call__(self, x: Array) -> Array:
        return np.asarray(self.second(x if self.first is None else self.first(x)))


def inputs(case: Case) -> Seen:
    """Whether the prepared inputs are of about the size 1."""
    if case.takes_ids:
        return Seen("ids, which have no size")
    x = case.prepared(case.probe)[0].astype(np.float64)
    columns = x.reshape(-1, x.shape[-1])  # (N, D)
    top, means, stds = np.abs(columns).max(axis=0), columns.mean(axis=0), columns.std(axis=0)
    said = f"{columns.min():.3g} to {columns.max():.3g}, mean {columns.mean():.2g}, deviation {columns.std():.2g}"
    why = ""
    used = top[stds > 0]
    if top.max() > BIG:
        why = f"The inputs reach {top.max():,.4g}."
    elif 0 < top.max() < SMALL:
        why = f"No input is larger than {top.max():.2g}."
    elif len(used) > 1 and x.ndim == 2 and len(used) <= FEW and used.max() > APART * used.min():
        ratio = used.max() / used.min()
        why = f"One column reaches {used.max():.3g} and another only {used.min():.2g}, {ratio:,.0f} times less."
    elif len(used) and float(np.median(np.abs(means[stds > 0]) / stds[stds > 0])) > 10:
        why = f"The inputs lie around {float(np.median(means)):.3g} and vary by only {float(np.median(stds)):.2g}."
    if not why:
        return Seen(said)
    finding = Finding(
        "unscaled inputs",
        why,
        (f"they are {said}", "networks learn best from numbers between about -1 and 1"),
        "Bring every column to mean 0 and deviation 1, as measured on the training part.",
        case.code("pl.Model(..., prepare=pl.Standardize.fit(x))", "--standardize"),
        {"largest of each column": tuple(float(v) for v in top[:FEW])},
    )
    axes = tuple(range(x.ndim - 1))
    scaled = Standardize(tuple(x.mean(axis=axes).tolist()), tuple(x.std(axis=axes).tolist()))
    if x.ndim == 2 and x.shape[1] > FEW:  # pixels: rarely used ones must not be blown up
        scaled = Standardize((float(x.mean()),) * x.shape[1], (float(x.std()) or 1.0,) * x.shape[1])
    return Seen(said, Found(finding, case.but(model=rebuilt(case.model, prepare=Then(case.model.prepare, scaled)))))


def targets(case: Case) -> Seen:
    """Whether measured targets are of about the size that a fresh network says."""
    loss = case.model.loss
    if case.classes or not isinstance(loss, ElementwiseLoss):
        return Seen("classes, which have no size")
    t = np.asarray(case.prepared(case.probe)[1], np.float64)
    said = f"{t.min():.3g} to {t.max():.3g}, mean {t.mean():.2g}, deviation {t.std():.2g}"
    if isinstance(loss, Scaled):
        return Seen(said + ", scaled by the loss")
    small = t.std() > 0 and np.abs(t).max() < SMALL
    if np.abs(t).max() <= BIG and not small:
        return Seen(said)
    finding = Finding(
        "unscaled targets",
        f"The targets reach {np.abs(t).max():,.4g}, and a fresh network says about {'1' if small else '0'}.",
        (f"they are {said}", "the loss and its gradient grow with the square of this size"),
        "Scale them inside the loss; predict answers in their own unit all the same.",
        f"loss=pl.Scaled.fit(t{'' if type(loss).__name__ == 'MeanSquaredError' else f', pl.{type(loss).__name__}()'})",
        {"targets": tuple(float(v) for v in np.sort(t.ravel())[:: max(1, t.size // 40)])},
    )
    whole = loss.targets(case.data.t, (len(case.data), *case.model.output_shape))
    return Seen(said, Found(finding, case.but(model=rebuilt(case.model, loss=Scaled.fit(whole, loss)))))
