"""An object of a class that the check was given without its arguments, and an input that an object takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.inspection.backward.calling import parameters, required

SIZES = ((4, 3), (5, 2), (3, 6), (6, 4))  # (inputs, outputs) of the objects in the draws
ROWS = 5
INPUTS = ("in", "n_in", "nin", "d", "fan_in", "input", "inputs")
OUTPUTS = ("out", "n_out", "nout", "k", "units", "neurons", "hidden", "fan_out", "output", "outputs")
SHARES = ("rate", "drop", "dropout", "p", "ratio", "prob", "keep")
SLOPES = ("alpha", "slope", "negative_slope", "leak")
STRENGTHS = {
    "weight_regularizer_l1": 0.15,
    "weight_regularizer_l2": 0.2,
    "bias_regularizer_l1": 0.1,
    "bias_regularizer_l2": 0.25,
}


class Forward(Protocol):
    """What has a forward."""

    def forward(self, x: Any) -> Array: ...


def instance(kind: type, draw: int, width: int | None = None) -> Any:
    """An object of the class, its sizes chosen by the number of the draw.

    Args:
        kind: the class.
        draw: which of the sizes.
        width: how many inputs it must take, or None.

    >>> class Layer:
    ...     def __init__(self, n_inputs, n_neurons): self.weights = np.ones((n_inputs, n_neurons))
    >>> instance(Layer, 1).weights.shape
    (5, 2)
    """
    D, K = SIZES[draw % len(SIZES)]
    D = D if width is None else width
    wanted = required(kind)
    options = {p.name: STRENGTHS[p.name] for p in parameters(kind) if p.name in STRENGTHS}
    rng = np.random.default_rng([draw, 7])
    tries = [[_argument(name, D, K, rng) for name in wanted]] if wanted else [[]]
    tries += [[D, K], [D], [0.4]] if wanted else []
    said: Exception | None = None
    for args in tries:
        if any(a is None for a in args):
            continue
        try:
            return kind(*args, **options)
        except Exception as error:  # its own constructor says what it does not like; the next try may fit
            said = error
    raise UsageError(
        f"{kind.__name__} could not be made: {said or f'its arguments {wanted} are not known'}. Give an object instead "
        f"of the class, or its arguments (on the command line --args 4,3)."
    )


def _argument(name: str, D: int, K: int, rng: np.random.Generator) -> Any:
    low = name.lower().strip("_")
    words = set(low.split("_")) | {low}
    if words & set(SHARES):
        return 0.4
    if words & set(SLOPES):
        return 0.1
    if low in ("w", "weights", "weight"):
        return rng.standard_normal((D, K))
    if low in ("b", "biases", "bias"):
        return rng.standard_normal(K)
    if words & set(OUTPUTS):
        return K
    if words & set(INPUTS) or words & {"features", "dim", "size", "width"}:
        return D
    return None


def some_input(body: Forward, shapes: Sequence[tuple[int, ...]]) -> Array:
    """Normal numbers in a shape that forward takes, found by trying: as wide as an array of the object, or 4 wide.

    >>> class Relu:
    ...     def forward(self, x): return np.maximum(x, 0)
    >>> some_input(Relu(), []).shape
    (5, 4)
    """
    widths = [n for shape in shapes if len(shape) == 2 for n in shape] + [s[-1] for s in shapes if s]
    batches = [(ROWS, w) for w in dict.fromkeys([*widths, 4])] + [(ROWS, 6, 6, 2), (ROWS, 2, 6, 6), (ROWS, 5, 4)]
    batches += [(w, ROWS + 2) for w in dict.fromkeys(widths)]  # samples in columns
    rng = np.random.default_rng(0)
    said: Exception | None = None
    for batch in batches:
        x = rng.standard_normal(batch)
        try:
            body.forward(x.copy())
        except Exception as error:  # another shape may fit
            said = error
            continue
        return x
    raise UsageError(
        f"No input that was tried fits (the last error: {said}). Give some: pl.check_backward(subject, x)."
    )
