"""What the book's layers and activations have in common: what they remember are plain attributes.

A Pellucid layer returns what backward needs; the book's objects keep it. So each of them holds a Pellucid layer, which
computes, and three arrays, `inputs`, `output` and `dinputs`, which a program may read and also set (chapter 9 does).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.run import Run
from pellucid.book.chapters import chapters
from pellucid.book.world import WORLD, real
from pellucid.layers import Layer
from pellucid.penalties import L1, L2

PLAIN = Run()  # nothing is dropped
MADE_BY = {"inputs": "forward(inputs)", "output": "forward(inputs)", "dinputs": "backward(dvalues)"}
FORWARD = {"3": "(inputs)", "18": "(inputs, training)"}
BACKWARD = {"9": "(dvalues)"}


class Part:
    """The parent: `forward` fills inputs and output, `backward` fills dinputs."""

    inputs: Array
    output: Array
    dinputs: Array

    def __getattr__(self, name: str) -> Any:
        if name in MADE_BY:
            raise AttributeError(f"This {type(self).__name__} has no {name} yet: call its {MADE_BY[name]} first.")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class Activation(Part):
    """The parent of the activations. The mathematics is the Pellucid layer's; its equation stands there.

    Attributes:
        layer: the Pellucid layer that computes.
        inputs, output, dinputs: as in the book.
    """

    layer: Layer

    @chapters(FORWARD)
    def forward(self, inputs: Any, training: bool = True) -> None:
        """Fill `inputs` and `output`. `training` changes nothing here."""
        self.inputs = real(inputs)
        self.output, _ = self.layer.forward(self.inputs, PLAIN)

    @chapters(BACKWARD)
    def backward(self, dvalues: Any) -> None:
        """Fill `dinputs` from dL/doutput and the `output` as it stands."""
        self.dinputs = self.layer.backward(same_type(dvalues, self.output), {"y": self.output})

    @chapters({"18": "(outputs)"})
    def predictions(self, outputs: Array) -> Array:
        """What the outputs say: here the outputs themselves."""
        return outputs


def same_type(x: Any, like: Array) -> Array:
    """x in the type of `like`; with the book's rounding an array of floats stays as it is."""
    return real(x) if WORLD.book_rounding else np.asarray(x, like.dtype)


def regularizers(layer: Any) -> list[tuple[L1 | L2, Array, Array]]:
    """A dense layer's regularizers that are not 0, each with its array and that one's gradient."""
    found = []
    for kind, array in (("weight", "weights"), ("bias", "biases")):
        for penalty in (L1, L2):
            strength = getattr(layer, f"{kind}_regularizer_{penalty.__name__.lower()}", 0)
            if strength:
                found.append((penalty(strength), getattr(layer, array), getattr(layer, "d" + array)))
    return found
