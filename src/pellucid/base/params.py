"""All parameters are one flat vector `theta`, all their gradients another, `grad`.

A layer's W and dW are views into them: writing one writes the other. So an optimizer is the paper's formula on two
vectors, clipping is one dot product, saving and nudging a weight are one line, and nothing is ever copied about.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Shape, vector
from pellucid.base.errors import UsageError
from pellucid.base.init import Constant, Init


def param() -> Any:
    """A dataclass field that is filled with a view of the flat vector when a model is built."""
    return field(init=False, repr=False, compare=False)


class Penalty(ABC):
    """What large weights cost: `value(w)` is added to the loss, `gradient(w)` to dw. The kinds are in penalties.py."""

    @abstractmethod
    def value(self, w: Array) -> float:
        """The cost of these weights."""

    @abstractmethod
    def gradient(self, w: Array) -> Array:
        """The derivative of the cost with respect to w, in w's shape."""


@dataclass(frozen=True)
class Param:
    """What a layer asks for: an array of this shape, these first values.

    Args:
        shape: the array's shape.
        init: how its first values are drawn. Default zeros.
        fan: (fan_in, fan_out) for the initialiser. Default (1, 1).
        decay: whether weight decay and whole-model penalties apply: true for weights, false for biases and scales.
        penalty: the layer's own penalty on this array, or None.
    """

    shape: Shape
    init: Init = Constant(0.0)
    fan: tuple[int, int] = (1, 1)
    decay: bool = True
    penalty: Penalty | None = None


@dataclass(frozen=True)
class Slot:
    """Where one parameter lives in the flat vector."""

    path: str  # "0.dense.W"
    at: slice
    shape: Shape
    decay: bool
    penalty: Penalty | None = None


class Allocator:
    """Collects what the layers ask for, then makes one vector of it and hands out the views.

    >>> class Owner: pass
    >>> owner, allocator = Owner(), Allocator(np.float64)
    >>> allocator.ask(owner, "0.dense", "b", Param((3,)), gradient=True)
    >>> vector, gradient, slots = allocator.allocate(np.random.default_rng(0))
    >>> vector[:] = 7.0
    >>> owner.b, owner.db, slots[0].path
    (array([7., 7., 7.]), array([0., 0., 0.]), '0.dense.b')
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.asked: list[tuple[object, str, Param, Slot, bool]] = []
        self.size = 0

    def ask(self, owner: object, path: str, name: str, p: Param, gradient: bool) -> None:
        """Remember that `owner` wants an array `name`; with `gradient`, also `d` + name."""
        if name in vars(owner):
            raise UsageError(
                f"The {type(owner).__name__} at {path} already belongs to a model, whose arrays it holds. "
                "Make a new layer, or copy the whole model with model.copy()."
            )
        if any(other is owner and known == name for other, known, *_ in self.asked):
            raise UsageError(
                f"The same {type(owner).__name__} object stands at {path} and earlier in this network. "
                "Its arrays can be in one place only: make a second object."
            )
        slot = Slot(f"{path}.{name}", slice(self.size, self.size + prod(p.shape)), p.shape, p.decay, p.penalty)
        self.asked.append((owner, name, p, slot, gradient))
        self.size = slot.at.stop

    def allocate(self, rng: np.random.Generator) -> tuple[Array, Array, tuple[Slot, ...]]:
        """The vector, its gradient, and where each parameter lives."""
        theta, gradient = vector(self.size, self.dtype, lane=0), vector(self.size, self.dtype, lane=1)
        for owner, name, p, slot, wants_gradient in self.asked:
            theta[slot.at] = p.init(rng, p.shape, *p.fan).ravel()
            setattr(owner, name, theta[slot.at].reshape(p.shape))
            if wants_gradient:
                setattr(owner, "d" + name, gradient[slot.at].reshape(p.shape))
        return theta, gradient, tuple(slot for _, _, _, slot, _ in self.asked)
