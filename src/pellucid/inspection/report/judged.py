"""What the network says about the samples it is judged on, in one form: which class, how sure, what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.batches import Data
from pellucid.inspection.plot.samples import class_names
from pellucid.inspection.report.html import clean
from pellucid.inspection.report.subject import some
from pellucid.losses import BinaryCrossEntropy, ClassLoss, SigmoidCrossEntropy
from pellucid.metrics import class_ids, confusion_matrix
from pellucid.model import Model, default_metrics

MOST = 20_000  # samples that are judged; of more, so many spread over all
SHORT = 40  # letters of a class name in a table's head

Kind = Literal["classes", "several", "values", "sequence"]


@dataclass(frozen=True)
class Judged:
    """The answers y to some samples.

    Args:
        kind: "classes" (one of K), "several" (K times yes or no), "values", or "sequence" (one for each time step).
        data: the samples.
        part: what they are called.
        figures: the loss and the metrics.
        y: the answers (N, K); of a single yes or no with a column for each of the two.
        answers, truth: class ids (N,) for "classes"; else empty.
        classes: the classes' names, as they may be shown.
        worst: the samples, the worst answered first.
        of: how many samples there are in all.
    """

    kind: Kind
    data: Data
    part: str
    figures: dict[str, float]
    y: Array
    answers: Array
    truth: Array
    classes: tuple[str, ...]
    worst: Array
    of: int

    @property
    def C(self) -> Array:
        """C[i, j]: how many samples of class i were answered j."""
        return confusion_matrix(self.answers, self.truth, len(self.classes))


def judge(model: Model, data: Data, part: str) -> Judged:
    """Ask the model about the samples, and compare."""
    of, data = len(data), some(data, MOST)
    x, t = np.asarray(data.x), np.asarray(data.t)
    with np.errstate(all="ignore"):  # of a training that broke, the answers are shown as they are
        y = np.asarray(model.predict(x, mask=data.mask), np.float64)
        figures = model.evaluate(x, t, default_metrics(model.loss), weights=data.weights, mask=data.mask)
    kind = _kind(model, y)
    if kind == "classes" and y.shape[1] == 1:
        y = np.concatenate([1.0 - y, y], axis=1)
    none = np.zeros(0, int)
    names = tuple(clean(name, SHORT) for name in class_names(model, y.shape[-1]))
    if kind == "classes":
        truth = class_ids(t).ravel() if t.ndim == 2 and t.shape[1] > 1 else t.ravel().astype(int)
        own = y[np.arange(len(y)), truth]
        return Judged(kind, data, part, figures, y, class_ids(y), truth, names, np.argsort(own, kind="stable"), of)
    if kind == "sequence":
        return Judged(kind, data, part, figures, y, none, none, names, none, of)
    off = np.abs(y - t.reshape(y.shape))
    off = off.reshape(len(y), -1) / (np.std(t.reshape(y.shape), axis=0).reshape(1, -1) + 1e-12)
    worst = np.argsort(-off.max(axis=1), kind="stable")
    return Judged(kind, data, part, figures, y, none, none, names if kind == "several" else (), worst, of)


def _kind(model: Model, y: Array) -> Kind:
    if isinstance(model.loss, ClassLoss):
        return "classes" if y.ndim == 2 else "sequence"
    if isinstance(model.loss, SigmoidCrossEntropy | BinaryCrossEntropy):
        return "sequence" if y.ndim > 2 else "classes" if y.shape[1] == 1 else "several"
    return "values" if y.ndim == 2 else "sequence"
