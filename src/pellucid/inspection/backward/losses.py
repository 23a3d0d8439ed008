"""A loss, in whatever form: its value, and what its backward says about the outputs that it was given.

The value is the one that is reported: `calculate` if there is one, else `forward`; if that gives one number a sample,
as the book's does, their mean. In classes that hold softmax and loss in one, backward gets the probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.tally import Tally
from pellucid.inspection.backward.calling import (
    CACHES,
    GRADIENTS,
    INPUTS,
    OUTPUTS,
    TARGETS,
    call,
    offer,
    parameters,
    required,
    twin,
)
from pellucid.inspection.backward.making import instance
from pellucid.inspection.backward.objects import INPUT_GRADIENT_AT, OUTPUT_AT, ZERO, method
from pellucid.inspection.backward.subject import as_real
from pellucid.losses.loss import Loss

VALUE = ("forward", "__call__", "loss", "calculate", "compute", "compute_loss", "value")
SLOPE = ("backward", "grad", "gradient", "derivative", "backprop", "prime", "delta", "d_loss", "loss_grad", "dloss")
PREDICTIONS = ("y_pred", "yhat", "y_hat", "pred", "preds", "predictions", "predicted", "output", "outputs", *INPUTS)
UPSTREAM = ("dvalues", "dout", "dy", "dl", "upstream")


def targets_first(function: Any) -> bool:
    """Whether a function is written as loss(y_true, y_pred).

    >>> targets_first(lambda y_true, y_pred: 0), targets_first(lambda y, t: 0), targets_first(lambda y, yhat: 0)
    (True, False, True)
    """
    names = [p.name.lower() for p in parameters(function)][:2]
    return len(names) == 2 and names[0] in TARGETS and names[1] not in TARGETS and names[1] in (*PREDICTIONS, *OUTPUTS)


class LossSubject:
    """Somebody's loss.

    Args:
        thing: an object, its class, a `pl.Loss`, or a pair of functions.
        args: with which a class is made, or None.
    """

    def __init__(self, thing: Any, args: tuple[Any, ...] | None = None) -> None:
        self.pair = thing if isinstance(thing, tuple) else None
        if isinstance(thing, type):
            thing = thing(*args) if args is not None else instance(thing, 0)
        self.thing = thing
        first = self.pair[0] if self.pair else thing
        self.name = getattr(first, "__name__", type(first).__name__)
        self.gradient, self.x, self.t = self._words()

    def _words(self) -> tuple[str, str, str]:
        """What the gradient, the outputs and the targets are called in the code."""
        if isinstance(self.thing, Loss):
            return "dz", "z", "t"
        forward = self.pair[0] if self.pair else method(self.thing, VALUE)
        names = [p.name for p in parameters(forward)] if forward else []
        x, t = names[:2] if len(names) > 1 else ("y_pred", "y_true")
        x, t = (t, x) if forward and targets_first(forward) else (x, t)
        return (f"d{x}" if self.pair or method(self.thing, ("backward",)) is None else "dinputs"), x, t

    def fresh(self) -> LossBody:
        """A copy that nobody has used."""
        return LossBody(self, self.thing if self.pair else twin(self.thing))


class LossBody:
    """One copy of the loss."""

    def __init__(self, subject: LossSubject, thing: Any) -> None:
        self.subject, self.thing = subject, thing
        self.cache: Any = None
        self.returned: Any = None

    def forward(self, x: Array, t: Array) -> float:
        """The value that is reported."""
        s, thing = self.subject, self.thing
        self.returned = None
        if isinstance(thing, Loss):
            tally, self.cache = thing.forward(x, t)
            return tally.mean
        function = s.pair[0] if s.pair else method(thing, VALUE)
        if function is None:
            raise UsageError(f"{s.name} has no method forward, so its value is not known.")
        pair = [t, x] if targets_first(function) else [x, t]
        result = call(function, pair, offer(TARGETS, t), f"{s.name}.forward")
        if isinstance(result, tuple) and len(result) >= 2:
            result, self.cache = result[0], result[1] if len(result) == 2 else result[1:]
        calculate = None if s.pair else getattr(thing, "calculate", None)
        if callable(calculate) and len(required(calculate)) == 2 and function is not calculate:
            result = calculate(x, t)
            result = result[0] if isinstance(result, tuple) else result
        if isinstance(result, Tally):
            return result.mean
        if result is None:
            result = next((getattr(thing, n) for n in ("loss", "value", *OUTPUT_AT) if hasattr(thing, n)), None)
        if result is None:
            raise UsageError(f"{s.name}'s forward returns nothing: it must return the loss.")
        return float(np.mean(as_real(result)))

    def outputs(self, x: Array) -> Array:
        """What backward gets as `dvalues`: the probabilities if softmax and loss are in one, else the outputs."""
        if self.subject.pair:
            return x.copy()
        kept = next(
            (getattr(self.thing, n) for n in ("output", "probabilities", "probs") if hasattr(self.thing, n)), None
        )
        return np.array(kept) if isinstance(kept, np.ndarray) and kept.shape == x.shape else x.copy()

    def backward(self, x: Array, t: Array, dvalues: Array) -> Any:
        """What backward says about x."""
        s, thing = self.subject, self.thing
        if isinstance(thing, Loss):
            return np.array(thing.backward(self.cache))
        function = s.pair[1] if s.pair else method(thing, SLOPE)
        if function is None:
            raise UsageError(f"{s.name} has no method backward, so there is nothing to check.")
        zero = None if s.pair else method(thing, ZERO)
        if zero is not None and not parameters(zero):
            zero()
        names = [p.name.lower() for p in parameters(function)]
        wanted = required(function)
        offers = offer(OUTPUTS, x) | offer(PREDICTIONS, x) | offer(TARGETS, t) | offer(CACHES, self.cache)
        forward = parameters(s.pair[0] if s.pair else method(thing, VALUE))
        swapped = targets_first(s.pair[0] if s.pair else method(thing, VALUE))
        for p, value in zip(forward, (t, x) if swapped else (x, t), strict=False):
            offers |= {p.name.lower(): value}
        first: list[Any] = []
        if names and names[0] in CACHES:
            first = [self.cache]
        elif names and names[0] in (*UPSTREAM, *GRADIENTS) and not (len(wanted) == 2 and names[1] in TARGETS):
            one = np.ones(()) if len(wanted) != 1 or s.pair or self.cache is not None else None
            first = [1.0 if one is not None else (dvalues if "dvalues" in names else 1.0)]
            offers |= offer(PREDICTIONS, x)
        elif targets_first(function):
            first = [t, dvalues]
        elif names:
            first = [dvalues, t][: len(names)]
        result = call(function, first, offers, f"{s.name}.backward")
        if isinstance(result, Mapping):
            result = next(iter(result.values()), None)
        if isinstance(result, tuple | list):
            result = result[0] if result else None
        if result is None and not s.pair:
            result = next((getattr(thing, n) for n in INPUT_GRADIENT_AT if hasattr(thing, n)), None)
        return None if result is None else np.array(result)
