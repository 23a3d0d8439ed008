"""Layers with a mistake in their backward pass, as people write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import pellucid as pl

Array = Any


@dataclass
class Square(pl.Layer):
    """Y = X^2, whose backward forgets the 2."""

    def forward(self, x: Array, run: pl.Run) -> tuple[Array, dict[str, Any]]:
        return x * x, {"x": x}

    def backward(self, dy: Array, cache: dict[str, Any]) -> Array:
        return dy * cache["x"]


@dataclass
class Averaging(pl.Dense):
    """A dense layer that divides its gradient by the batch once more."""

    def backward_params(self, dy: Array, cache: dict[str, Any]) -> None:
        super().backward_params(dy, cache)
        self.dW /= len(dy)


@dataclass
class Stairs(pl.Layer):
    """Y = round(X): a function without a slope, whose backward says so."""

    def forward(self, x: Array, run: pl.Run) -> tuple[Array, dict[str, Any]]:
        return np.round(x), {}

    def backward(self, dy: Array, cache: dict[str, Any]) -> Array:
        return np.zeros_like(dy)
