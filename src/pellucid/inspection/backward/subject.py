"""The one form that a check needs: a body with parameters, a forward and a backward. Everybody's code is brought to it.

A subject makes bodies: own copies, so that nothing of the caller's is touched and every trial starts without a past.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.backward.calling import Chance

X = "x"  # the name of the input among the arrays that have a gradient


@dataclass(frozen=True)
class Words:
    """What things are called in the code that is checked, for a repair that can be pasted.

    Args:
        x, y, dy: the input, the output, the upstream gradient.
        params: each parameter as it is read: {"weights": "self.weights"}.
        gradients: each gradient as it is written: {"x": "self.dinputs", "weights": "self.dweights"}.
        t: the targets, for losses.
    """

    x: str = "self.inputs"
    y: str = "self.output"
    dy: str = "dvalues"
    params: dict[str, str] = field(default_factory=dict)
    gradients: dict[str, str] = field(default_factory=dict)
    t: str = "y_true"

    def short(self, name: str) -> str:
        """A gradient's name without self and brackets: "dweights"."""
        return self.gradients.get(name, "d" + name).removeprefix("self.").removesuffix("[:]")


class Body(ABC):
    """One copy of the subject."""

    chance: Chance
    sums: dict[str, tuple[float, float]]  # parameter: strengths (l1, l2) of a penalty whose slope backward adds
    loose: float = 0.0  # the strength of a penalty of which nothing more is known

    @abstractmethod
    def params(self) -> dict[str, Array]:
        """The parameters as they are now, copied, in float64."""

    @abstractmethod
    def put(self, params: dict[str, Array]) -> None:
        """Give some of the parameters these values."""

    @abstractmethod
    def forward(self, x: Any) -> Array:
        """The output for x, which may be remembered."""

    @abstractmethod
    def backward(self, dy: Array) -> dict[str, Any]:
        """What backward says about x and each parameter; what it says nothing about is missing."""

    def cost(self, params: dict[str, Array]) -> dict[str, tuple[Array, Array]]:
        """The slopes of the penalties that backward is to add, by parameter: of l1 sum |w|, and of l2 sum w^2.

        |w| has no slope at 0, so that is NaN.
        """
        return {
            name: (
                np.where(params[name] == 0.0, np.nan if l1 else 0.0, l1 * np.sign(params[name])),
                2.0 * l2 * params[name],
            )
            for name, (l1, l2) in self.sums.items()
        }


class Subject(ABC):
    """Somebody's code.

    Attributes:
        name: what it is called.
        words: what its arrays are called.
        whole_input: the input is made of ids, which have no derivative.
    """

    name: str
    words: Words
    whole_input: bool = False
    given: bool = False  # the caller gave inputs
    free: bool = False  # the body's sizes may differ from draw to draw
    owns_params: bool = True  # the parameters belong to the object, which may change them

    @abstractmethod
    def body(self, draw: int) -> Body:
        """A new copy; where the subject is a class or a pair of functions its sizes may depend on the draw."""

    @abstractmethod
    def input(self, n: int, body: Body, rng: np.random.Generator) -> Array:
        """Inputs for n samples."""


def as_real(value: Any) -> Array:
    """An array of floats in their own type; whole numbers become float64.

    >>> as_real([1, 2]).dtype, as_real(np.ones(1, np.float32)).dtype
    (dtype('float64'), dtype('float32'))
    """
    array = np.asarray(value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def in_order(values: tuple[Any, ...], names: list[str], shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """The gradients of a tuple by name: in the order of the arguments, unless only another order fits the shapes.

    >>> in_order((1, np.ones(3), np.ones((2, 3))), ["w", "b"], {"w": (2, 3), "b": (3,)})["b"].shape
    (3,)
    """
    values = tuple(v for v in values if v is not None and not isinstance(v, str | dict))
    if len(values) == 1:
        return {names[0]: values[0]}
    if len(values) < len(names):
        names = names[1:] if len(values) == len(names) - 1 and _fits(values, names[1:], shapes) else names
    if _fits(values, names, shapes):
        return dict(zip(names, values, strict=False))
    left, found = list(range(len(values))), dict[str, Any]()
    for name in names:
        match = [i for i in left if _squeezed(np.shape(values[i])) == _squeezed(shapes[name])]
        if len(match) == 1:
            found[name] = values[match[0]]
            left.remove(match[0])
    return found if len(found) == len(names) else dict(zip(names, values, strict=False))


def _fits(values: tuple[Any, ...], names: list[str], shapes: dict[str, tuple[int, ...]]) -> bool:
    return len(values) >= len(names) and all(
        _squeezed(np.shape(v)) == _squeezed(shapes[n]) for v, n in zip(values, names, strict=False)
    )


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)
