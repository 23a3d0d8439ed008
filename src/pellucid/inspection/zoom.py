"""Three levels of zoom on one network and one batch: neuron by neuron, layer by layer, and as fast as it goes.

The first is loops over lists (loops.py), the second the layers on NumPy's reference kernels, the third the layers on
the fastest kernels that are installed. They are the same network, so they must say the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array
from pellucid.base.errors import PellucidError, UsageError
from pellucid.inspection import loops
from pellucid.inspection.nudge import digits_between
from pellucid.inspection.tape import trace
from pellucid.layers import ELU, GELU, Dense, Dropout, Flatten, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Tanh
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

LAYERS = (Dense, Dropout, Flatten, Softmax, ReLU, LeakyReLU, ELU, Sigmoid, Tanh, SiLU, GELU)
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

    Dropout drops nothing here: the pass is that of a prediction, with its gradients.

    Args:
        model: a network of dense layers, bends, softmax, dropout and flatten, with any loss of the library.
        x: raw inputs (N, ...); a few samples, because plain Python takes its time.
        t: targets.
        verbose: print the table. Default true.

    Raises:
        UsageError: for a network with other layers, or one so large that plain Python would take minutes.
        Disagree: if the levels do not agree, with the table.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), pl.Tanh(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,))
    >>> pl.zoom(model, np.eye(4), [0, 1, 1, 0], verbose=False).ok
    True
    """
    check(model, len(x))
    exact = model.copy(dtype=np.float64)
    before = kernels.active()
    try:
        kernels.use("reference")
        middle = _timed("layers", exact, x, t)
        kernels.use("")
        fast = _timed(f"fast ({kernels.active().NAME})", model, x, t)
    finally:
        kernels._active = before
    prepared = np.asarray(exact.check_input(np.asarray(exact.prepared(np.asarray(x)))))
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
    for path, layer in model.net.children().items():
        if type(layer) not in LAYERS:
            covered = ", ".join(kind.__name__ for kind in LAYERS)
            raise UsageError(f"pl.zoom has no plain loops for {path}; it covers {covered}. See pl.trace for any layer.")
    if type(model.loss) not in LOSSES or getattr(model.loss, "class_weights", None) is not None:
        raise UsageError(f"pl.zoom has no plain loops for the loss {model.loss!r}.")
    if model.penalties:
        raise UsageError("pl.zoom has no plain loops for penalties: build the model without them.")
    if len(model.output_shape) != 1 or any(isinstance(v, Dense) and not v.bias for v in model.layers):
        raise UsageError("pl.zoom takes dense layers with a bias whose output is one row a sample.")
    if len(model.input_shape) > 1 and not isinstance(model.layers[0], Flatten):
        raise UsageError("pl.zoom takes one row of numbers a sample: put a pl.Flatten() first.")
    products = 3 * N * model.theta.size
    if products > MOST:
        fit = max(1, MOST // (3 * model.theta.size))
        raise UsageError(
            f"Neuron by neuron that is {products:,} products, minutes in Python. Give {fit} samples at most."
        )


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


def by_neuron(model: Model, x: Any, t: Any) -> dict[str, Any]:
    """One step in plain Python: every output, delta and gradient as lists, by path."""
    found: dict[str, Any] = {}
    undo: list[Callable[[loops.Rows], loops.Rows]] = []
    for path, layer in model.net.children().items():
        x, back = _forward(path, layer, x, found)
        found[f"{path}.y"] = x
        undo.append(back)
    loss = model.loss
    if isinstance(loss, Scaled):  # the loss inside, on targets in deviations from their mean
        t = ((np.asarray(t) - np.asarray(loss.mean)) / np.asarray(loss.std)).tolist()
        loss = loss.loss
    found["loss"], dy = loops.loss_of(loss, x, t)
    found["loss.dz"] = dy
    for path, back in zip(reversed(list(model.net.children())), reversed(undo), strict=True):
        dy = back(dy)
        found[f"{path}.dx"] = dy
    return found


def _forward(path: str, layer: Any, x: Any, found: dict[str, Any]) -> tuple[Any, Callable[[Any], Any]]:
    """A layer's output, and the function that takes dy back to dx."""
    if isinstance(layer, Dense):
        W, b = layer.W.tolist(), layer.b.tolist()

        def dense(dy: loops.Rows) -> loops.Rows:
            dx, found[f"{path}.dW"], found[f"{path}.db"] = loops.dense_backward(dy, x, W)
            return dx

        return loops.dense_forward(x, W, b), dense
    if isinstance(layer, Softmax):
        y = [loops.softmax(row) for row in x]
        return y, lambda dy: [loops.softmax_backward(d, row) for d, row in zip(dy, y, strict=True)]
    if isinstance(layer, Flatten):
        return [_flat(row) for row in x], lambda dy: dy
    functions = loops.bend(layer)
    if functions is None:  # Dropout, which drops nothing in a prediction
        return x, lambda dy: dy
    f, slope = functions

    def bent(dy: loops.Rows) -> loops.Rows:
        return [[d * slope(v) for d, v in zip(a, row, strict=True)] for a, row in zip(dy, x, strict=True)]

    return [[f(v) for v in row] for row in x], bent


def _flat(value: Any) -> list[float]:
    return [v for part in value for v in _flat(part)] if isinstance(value, list) else [value]
