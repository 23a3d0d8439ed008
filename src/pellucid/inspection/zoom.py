"""Three levels of zoom on one network and one batch: neuron by neuron, layer by layer, and as fast as it goes.

The first is loops over lists (neurons.py), the second the layers on NumPy's reference kernels, the third the layers on
the fastest kernels that are installed. They are the same network, so they must say the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array
from pellucid.base.errors import PellucidError, UsageError
from pellucid.data.batches import Data, check_finite
from pellucid.inspection.neurons import CHAINS, LAYERS, by_neuron, products
from pellucid.inspection.nudge import digits_between
from pellucid.inspection.tape import trace
from pellucid.layers import Dense, Layer
from pellucid.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Scaled,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from pellucid.model import Model

CLASSES = (SoftmaxCrossEntropy, CategoricalCrossEntropy)
LOSSES = (*CLASSES, MeanSquaredError, MeanAbsoluteError, Huber, BinaryCrossEntropy, SigmoidCrossEntropy, Scaled)
EXACT = 1e-10  # the largest error of loops against NumPy, both in float64, relative to the array's largest number
ROUNDED = {"float32": 1e-4, "float64": 1e-10}  # and of the fast kernels, in the model's own type
MOST = 50_000_000  # products; more would take plain Python minutes


class Disagree(PellucidError, ArithmeticError):
    """Two levels of zoom say different numbers: one of them is wrong."""


@dataclass(frozen=True)
class Level:
    """One way of computing the step: its name, its type, the seconds it took, and its arrays by path."""

    name: str
    dtype: str
    seconds: float
    arrays: dict[str, Array]


@dataclass(frozen=True)
class Zoom:
    """What `pl.zoom` found: the three levels, and how far each array of the last two is from the first's.

    `print(zoom)` shows a table; `zoom.ok` says whether they agree; `zoom.levels[0].arrays["0.dense.dW"]` is an array.
    """

    levels: tuple[Level, ...]
    errors: dict[str, tuple[float, float]]  # by path: NumPy's and the fast kernels', relative to the largest number
    limits: tuple[float, float]

    @property
    def ok(self) -> bool:
        """Every array agrees within the tolerance."""
        return all(e <= limit for pair in self.errors.values() for e, limit in zip(pair, self.limits, strict=True))

    def __str__(self) -> str:
        a, b, c = self.levels
        rows = [("array", "shape", f"{a.name} / {b.name}", f"{a.name} / {c.name}")]
        for path, pair in self.errors.items():
            marks = ["" if e <= limit else "  WRONG" for e, limit in zip(pair, self.limits, strict=True)]
            said = [f"{digits_between(1.0, 1.0 + e):.1f} digits{mark}" for e, mark in zip(pair, marks, strict=True)]
            shape = "x".join(map(str, a.arrays[path].shape)) or "1"
            rows.append((path, shape, said[0], said[1]))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        table = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        times = [f"{level.name} ({level.dtype}): {1000 * level.seconds:.3g} ms" for level in self.levels]
        limits = f"Tolerances, relative to an array's largest number: {self.limits[0]:g} and {self.limits[1]:g}."
        end = "All three levels agree." if self.ok else "The levels do not agree."
        return "\n".join([*table, "", *times, f"{limits} {end}"])


def zoom(model: Model, x: Any, t: Any, *, verbose: bool = True) -> Zoom:
    """Compute one step three times, in plain loops, in NumPy and with the fast kernels, and compare all numbers.

    Dropout drops nothing here and batch norm takes its running numbers: the pass is that of a prediction, with its
    gradients.

    Args:
        model: a network of dense and convolution layers, bends, pooling, batch norm, dropout and residuals, with any
            loss of the library.
        x: raw inputs (N, ...); a few samples, because plain Python takes its time.
        t: targets.
        verbose: print the table. Default true.

    Raises:
        UsageError: for a network with other layers, or one so large that plain Python would take minutes.
        DataError: if a prepared input or a target is not a finite number, with its place; or if they are not of one
            length.
        Disagree: if the levels do not agree, with the table.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), pl.Tanh(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,))
    >>> pl.zoom(model, np.eye(4), [0, 1, 1, 0], verbose=False).ok
    True
    """
    check(model, len(x))
    exact = model.copy(dtype=np.float64)
    prepared = np.asarray(exact.check_input(np.asarray(exact.prepared(np.asarray(x)))))
    check_finite(Data(prepared, np.asarray(t), name="The batch"))
    before = kernels.active()
    try:
        kernels.use("reference")
        middle = _timed("layers", exact, x, t)
        kernels.use("")
        fast = _timed(f"fast ({kernels.active().NAME})", model, x, t)
    finally:
        kernels._active = before
    start = time.perf_counter()
    targets = exact.loss.targets(np.asarray(t), (len(x), *exact.output_shape))
    found = by_neuron(exact, prepared.tolist(), targets.tolist())
    plain = Level("neurons", "float64", time.perf_counter() - start, {k: np.asarray(v) for k, v in found.items()})
    errors = {}
    for path, array in plain.arrays.items():
        size = float(np.abs(array).max(initial=0.0)) or 1.0
        pair = [float(np.abs(level.arrays[path].reshape(array.shape) - array).max()) / size for level in (middle, fast)]
        errors[path] = (pair[0], pair[1])
    report = Zoom((plain, middle, fast), errors, (EXACT, ROUNDED[str(model.dtype)]))
    if not report.ok:
        raise Disagree(f"The levels of zoom do not agree, so one of them is wrong.\n{report}")
    if verbose:
        print(report)
    return report


def check(model: Model, N: int) -> None:
    """Refuse what the loops do not cover, by name."""
    covers(model.net.children(), (1, *model.input_shape))
    if type(model.loss) not in LOSSES or getattr(model.loss, "class_weights", None) is not None:
        raise UsageError(f"pl.zoom has no plain loops for the loss {model.loss!r}.")
    if model.penalties:
        raise UsageError("pl.zoom has no plain loops for penalties: build the model without them.")
    if len(model.output_shape) != 1:
        raise UsageError("pl.zoom takes networks whose output is one row a sample: put a pl.Flatten() before the end.")
    one = 3 * products(model.net.children(), (1, *model.input_shape))
    if N * one > MOST:
        fit = max(1, MOST // one)
        raise UsageError(
            f"Neuron by neuron that is {N * one:,} products, minutes in Python. Give {fit} samples at most."
        )


def covers(layers: Mapping[str, Layer], shape: tuple[int, ...], above: str = "") -> None:
    """Whether there are loops for each of these layers, on inputs of this shape."""
    for name, layer in layers.items():
        if type(layer) not in LAYERS:
            known = ", ".join(kind.__name__ for kind in LAYERS)
            raise UsageError(
                f"pl.zoom has no plain loops for {above}{name}; it covers {known}. See pl.trace for any layer."
            )
        if isinstance(layer, Dense) and len(shape) != 2:
            raise UsageError(
                f"pl.zoom takes one row of numbers a sample into {above}{name}: put a pl.Flatten() before it."
            )
        if isinstance(layer, CHAINS):
            covers(layer.children(), shape, f"{above}{name}.")
        shape = layer.output_shape(shape)


def _timed(name: str, model: Model, x: Any, t: Any) -> Level:
    trace(model, x, t, training=False)  # whatever has to be compiled is compiled here
    found = trace(model, x, t, training=False)
    xs, ts = found.x, found.scores.t
    twin = model.copy()
    start = time.perf_counter()
    twin.loss_and_grad(xs, ts)
    seconds = time.perf_counter() - start
    arrays = {"loss": np.asarray(found.loss), "loss.dz": found.scores.dz}
    for path, node in found.nodes.items():
        arrays |= {f"{path}.y": node.y, f"{path}.dx": node.dx}
        arrays |= {f"{path}.{name}": array for name, array in node.params.items() if name[0] == "d"}
    return Level(name, str(model.dtype), seconds, arrays)
