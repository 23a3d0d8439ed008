"""What a row of the table of layers says: how a layer is made, what it is given, and its naive twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import pellucid as pl
from tests.reference import layers as naive

Array = Any
NOISE = 7  # the seed of the dropout masks


@dataclass(frozen=True)
class LayerCase:
    """name; construction; one sample's shape; naive twin; is a batch its rows; is it run as in training; ids below.

    `ids` above 0: the inputs are whole numbers below it, which have no derivative.
    """

    name: str
    make: Callable[[], pl.Layer]
    shape: tuple[int, ...]
    twin: naive.Twin
    rowwise: bool = True
    training: bool = False
    ids: int = 0

    def model(self, dtype: Any = np.float64) -> pl.Model:
        """The layer alone, bound in a model whose biases and buffers are not at their first values."""
        model = pl.Model(self.make(), input_shape=self.shape, dtype=dtype, seed=3)
        model.theta += 0.1 * np.random.default_rng(4).normal(size=model.theta.size).astype(dtype)
        model.buffers += np.random.default_rng(5).uniform(0.1, 0.5, model.buffers.size).astype(dtype)
        return model

    def run(self, **options: Any) -> pl.Run:
        return pl.Run(training=self.training, rng=np.random.default_rng(NOISE), **options)

    def inputs(self, n: int = 5, dtype: Any = np.float64, seed: int = 0) -> Array:
        """Inputs that keep a distance of 0.05 from the kinks at 0, or ids."""
        if self.ids:
            return np.random.default_rng(seed).integers(0, self.ids, (n, *self.shape)).astype(dtype)
        x = np.random.default_rng(seed).normal(size=(n, *self.shape))
        return (x + 0.05 * np.sign(x)).astype(dtype)

    def named(self, model: pl.Model, vector: Array) -> dict[str, Array]:
        """The parts of a flat vector under the names that the twin uses: without the path of the layer itself."""
        return {path.split(".", 2)[2]: vector[s.at].reshape(s.shape) for path, s in model.slots.items()}

    def buffers(self, model: pl.Model) -> dict[str, Array]:
        """The buffers by name, as views."""
        return {p.split(".", 2)[2]: model.buffers[s.at].reshape(s.shape) for p, s in model.buffer_slots.items()}

    def twin_parameters(self, model: pl.Model, x: Array) -> dict[str, Any]:
        p = {name: values.tolist() for name, values in self.named(model, model.theta).items()}
        p |= {name: values.tolist() for name, values in self.buffers(model).items()}
        return p | {"u": np.random.default_rng(NOISE).random(x.shape, dtype=x.dtype).tolist()} if self.training else p
