"""The contract of a layer: two functions, and nothing hidden between them.

Read this file first, then dense.py: every other layer is the same page with another equation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.params import Param
from pellucid.base.run import Run


class Layer(ABC):
    """`y, cache = forward(x, run)` and `dx = backward(dy, cache)`.

    A gradient is named after what it belongs to: `dy` is dL/dy, the loss's derivative with respect to y, and has y's
    shape. Promises, checked on every layer by one table of cases:

    - arguments are never written to;
    - backward writes dL/dp into `self.dp` for every parameter p, overwriting what was there;
    - backward twice on the same cache gives the same bits;
    - `forward(x)[0].shape == output_shape(x.shape)`;
    - a batch is its rows (where that is true), and float32 stays float32.

    Layers are dataclasses. The constructor stores its arguments unchanged and checks nothing; what does not fit is
    said when a model is built, where the shapes are known.
    """

    reads_mask: ClassVar[bool] = False  # whether it looks at run.mask

    def params(self, x: Shape) -> dict[str, Param]:
        """The parameters this layer needs for inputs of shape x, by name. The first axis of x is the batch."""
        return {}

    def buffers(self, x: Shape) -> dict[str, Param]:
        """Numbers that are kept and saved but not trained, by name."""
        return {}

    def children(self) -> dict[str, Layer]:
        """The layers inside this one, by name."""
        return {}

    def output_shape(self, x: Shape) -> Shape:
        """The shape of the output for an input of shape x; an error says why if there is none."""
        return x

    @abstractmethod
    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        """The output, and by name every number that backward needs."""

    @abstractmethod
    def backward(self, dy: Array, cache: Cache) -> Array:
        """dL/dx from dL/dy; the parameters' gradients are written on the way."""

    def backward_params(self, dy: Array, cache: Cache) -> None:
        """Only the parameters' gradients: nobody below the first layer asks for dL/dx."""
        self.backward(dy, cache)

    @property
    def kind(self) -> str:
        """The name in paths: "dense" in "0.dense.W"."""
        return type(self).__name__.lower()

    def __getattr__(self, name: str) -> Any:
        fields = getattr(type(self), "__dataclass_fields__", {})
        if name in fields and not fields[name].init:
            raise AttributeError(
                f"This {type(self).__name__} has no {name} yet: arrays are made when a pl.Model is built around it."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
