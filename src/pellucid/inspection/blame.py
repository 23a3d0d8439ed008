"""Which training samples moved a weight, and which ones taught an answer      (Pruthi et al. 2020, at one point)

    a weight   the parts of its gradient, sample by sample; they add up to the gradient
    an answer  <g, g_n>, the scalar product of its loss's gradient g with that of training sample n

A small step of rate r on sample n alone changes the answer's loss by -r <g, g_n>: above 0 the sample helps it, below 0
it speaks against it. Both are taken at the weights as they stand now; what moved them long ago may have fallen silent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.inspection.factors import array_at, each_part, traceable
from pellucid.inspection.plot.grid import Grid, written
from pellucid.inspection.trace import NoSuchPath, nearest
from pellucid.metrics import class_ids
from pellucid.model import Model

ROWS = 10  # samples that are listed


@dataclass(frozen=True, eq=False)
class Blame:
    """One number for each training sample; `pl.blame` makes it.

    `values` (N,) are parts of a weight's gradient, or scalar products of gradients; `left_out` are layers with
    parameters that are not in them. `print` lists the largest of both signs.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(1, bias=False), input_shape=(1,))
    >>> model.layers[0].W[:] = 0.0
    >>> found = pl.blame(model, [[1.0], [2.0], [3.0]], [3.0, -3.0, 0.5], "0.dense.W[0,0]")
    >>> isinstance(found, pl.Blame), found.plus().tolist(), found.minus().tolist(), found.total
    (True, [1], [0, 2], 1.0)
    """

    what: str
    values: Array
    t: Array
    classes: tuple[str, ...]
    layers: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    answer: bool = False

    @property
    def total(self) -> float:
        """The sum: of a weight's parts its whole gradient."""
        return float(self.values.sum())

    def most(self, count: int = ROWS) -> Array:
        """The samples with the largest numbers of either sign, largest first."""
        return np.argsort(-np.abs(self.values), kind="stable")[:count]

    def plus(self, count: int = ROWS) -> Array:
        """The samples with the largest numbers above 0: they lower the weight, or help the answer."""
        order = np.argsort(-self.values, kind="stable")[:count]
        return np.asarray(order[self.values[order] > 0])

    def minus(self, count: int = ROWS) -> Array:
        """The samples with the largest numbers below 0: they raise the weight, or speak against the answer."""
        order = np.argsort(self.values, kind="stable")[:count]
        return np.asarray(order[self.values[order] < 0])

    def tables(self, count: int = ROWS) -> list[Grid]:
        """The largest of each sign."""
        words = ("help it", "speak against it") if self.answer else ("push it down", "push it up")
        size = max(float(np.abs(self.values).sum()), 1e-300)
        found = []
        for word, at in zip(words, (self.plus(count), self.minus(count)), strict=True):
            rows = tuple(
                (n, self.said(n), float(self.values[n]), f"{100 * abs(self.values[n]) / size:.2f}") for n in at.tolist()
            )
            number = "<g, g_n>" if self.answer else "part"
            head = ("sample", "target", number, "of all sizes, %")
            found.append(Grid(f"Those that {word} most", head, rows))
        return found

    def said(self, n: int) -> str:
        """A training sample's target in words."""
        if self.classes:
            return self.classes[int(class_ids(self.t[n : n + 1])[0] if self.t.ndim > 1 else self.t[n])]
        return ", ".join(f"{v:.4g}" for v in np.ravel(self.t[n]).tolist())

    def text(self, count: int = ROWS) -> str:
        """What was asked, and the tables."""
        lines = [f"{self.what}, by {len(self.values):,} samples"]
        if self.answer:
            lines.append(f"over {', '.join(self.layers)}" + self._left())
        else:
            lines.append(f"sum {written(self.total)}; plus pushes the weight down, minus up, when a step is made")
        return "\n\n".join(["\n".join(lines), *(table.text() for table in self.tables(count) if table.rows)])

    def _left(self) -> str:
        return f"; without {', '.join(self.left_out)}, whose gradients are not known by sample" if self.left_out else ""

    def __str__(self) -> str:
        return self.text()


def blame(
    model: Model,
    x: Any,
    t: Any,
    weight: str | None = None,
    *,
    answer: tuple[Any, Any] | None = None,
    layers: Sequence[str] | None = None,
    weights: Any = None,
    mask: Any = None,
) -> Blame:
    """Which of the samples (x, t) move a weight most, or taught an answer most, at the weights as they are now.

    Args:
        model: the model; it stays as it is.
        x, t: the training samples, raw, and their targets.
        weight: one weight or bias of a dense layer or convolution, "0.dense.W[406,12]".
        answer: instead of a weight, one sample (x1, t1) without a batch axis. t1 is the right answer, to ask which
            samples help it and which speak against it; or what the model said, to ask which taught that.
        layers: for an answer, over which layers the scalar product is taken. Default all dense layers and convolutions.
        weights: one number a training sample, or None.
        mask: which time steps (N, T) of the training samples are real, or None.

    Returns:
        A number for each sample. Of a weight they are the parts of the mean loss's gradient and add up to it (without
        penalties, which belong to no sample); of an answer the scalar products <g, g_n>.

    Raises:
        NoSuchPath: if there is no such array or layer; the nearest names are offered.
        UsageError: if neither or both were asked, an index is out of range, or the layer is of another kind.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(1, bias=False), input_shape=(2,))
    >>> model.layers[0].W[:] = 0.0
    >>> found = pl.blame(model, [[1.0, 0.0], [0.0, 3.0]], [1.0, -1.0], "0.dense.W[1,0]")
    >>> found.values.tolist(), found.plus().tolist()
    ([0.0, 3.0], [1])
    >>> pl.blame(model, [[1.0, 0.0], [0.0, 3.0]], [1.0, -1.0], answer=([1.0, 1.0], 1.0)).values.tolist()
    [4.0, -12.0]
    """
    if (weight is None) == (answer is None):
        raise UsageError(
            'blame asks about a weight, blame(model, x, t, "0.dense.W[3,1]"), or about an answer, '
            "blame(model, x, t, answer=(x1, t1)): give one of them."
        )
    t, classes = np.asarray(t), model.classes
    if answer is not None:
        return _of_answer(model, x, t, answer, layers, weights, mask)
    assert weight is not None
    owner, name, index = place(model, weight)
    values, total = np.empty(len(t)), 0.0
    for at, n, factors in each_part(model, x, t, [owner], weights, mask):
        one = factors[owner]
        values[at] = np.asarray(one.one(index) if name == "W" else one.biases()[:, index[0]], float) * n
        total += n
    values *= 1.0 / total if total else 0.0
    inside = ", ".join(map(str, index))
    return Blame(f"dL/d{name}[{inside}] of {owner}", values, t, tuple(classes), (owner,))


def _of_answer(
    model: Model, x: Any, t: Array, answer: tuple[Any, Any], layers: Sequence[str] | None, weights: Any, mask: Any
) -> Blame:
    known = traceable(model)
    for path in layers or ():
        if path not in known:
            raise NoSuchPath(f"{path!r} is no dense layer or convolution of this model. {nearest(path, list(known))}")
    chosen = list(dict.fromkeys(layers or known))
    if not chosen:
        raise UsageError("The model has no dense layer and no convolution, whose gradients are known by sample.")
    if len(answer) != 2 or np.shape(answer[0]) != np.shape(x)[1:]:
        raise DataError(
            f"answer is one sample (x1, t1) without a batch axis: x1 of shape {np.shape(x)[1:]}, "
            f"not {np.shape(answer[0]) if len(answer) else ()}."
        )
    x1, t1 = np.asarray(answer[0])[None], np.asarray(answer[1])[None]
    _, _, one = next(each_part(model, x1, t1, chosen))
    values, total = np.zeros(len(t)), 0.0
    for at, count, factors in each_part(model, x, t, chosen, weights, mask):
        for path in chosen:
            values[at] += factors[path].along(one[path]) * count
            if f"{path}.b" in model.slots:
                values[at] += (factors[path].biases() @ one[path].biases()[0]) * count
        total += count
    values *= len(t) / total if total else 0.0  # a sample's own gradient is N times its part of the mean's
    others = {slot.rpartition(".")[0] for slot in model.slots} - set(chosen)
    left = tuple(path for path in dict.fromkeys(slot.rpartition(".")[0] for slot in model.slots) if path in others)
    return Blame("<g, g_n> for one answer", values, t, tuple(model.classes), tuple(chosen), left, True)


def place(model: Model, weight: str) -> tuple[str, str, tuple[int, ...]]:
    """ "0.dense.W[406,12]" as the layer's path, the array's name and the index."""
    name, bracket, inside = weight.partition("[")
    owner, array = array_at(model, name.strip())
    shape = model.slots[f"{owner}.{array}"].shape
    index = tuple(map(int, re.findall(r"-?\d+", inside))) if bracket else ()
    if len(index) != len(shape) or not all(-n <= i < n for i, n in zip(index, shape, strict=True)):
        raise UsageError(
            f"{weight!r} is no single weight: {owner}.{array} has the shape {shape}, so each index is below it."
        )
    return owner, array, tuple(i % n for i, n in zip(index, shape, strict=True))
