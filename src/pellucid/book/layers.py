"""The book's layers. Each holds a Pellucid layer, which computes; the attributes are the book's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import ShapeError, UsageError, draw_shapes
from pellucid.base.init import Init
from pellucid.base.params import Allocator
from pellucid.base.run import Run
from pellucid.book.chapters import chapters
from pellucid.book.part import BACKWARD, FORWARD, PLAIN, Part, regularizers, same_type
from pellucid.book.rounding import twin
from pellucid.book.world import WORLD, binomial, randn, real
from pellucid.layers import Dense, Dropout
from pellucid.penalties import L1

REGULARIZERS = "weight_regularizer_l1=0, weight_regularizer_l2=0, bias_regularizer_l1=0, bias_regularizer_l2=0"


@dataclass(frozen=True)
class BookNormal(Init):
    """`scale` times a standard normal, from np.random."""

    scale: float

    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        return self.scale * randn(*shape)


class Layer_Dense(Part):
    """output = inputs weights + biases. The mathematics is `pl.Dense`; its equation stands there.

    Args:
        n_inputs, n_neurons: the shape of `weights`.
        weight_regularizer_l1, weight_regularizer_l2, bias_regularizer_l1, bias_regularizer_l2: from chapter 14 on:
            the strength of `pl.L1` and `pl.L2` on weights and biases. Default 0.
        weight_scale: what the normal numbers are multiplied by. Default 0.01; chapter 17 uses 0.1 in one place.

    Attributes:
        weights (n_inputs, n_neurons), biases (1, n_neurons), dweights, dbiases: the Dense layer's W, b, dW and db.
            Assigning copies the numbers in. Each backward overwrites dweights; a copy of it stays.
        layer: the `pl.Dense` that computes.

    >>> from pellucid.book import init
    >>> init()
    >>> dense = Layer_Dense(2, 3)
    >>> dense.weights
    array([[ 0.01764052,  0.00400157,  0.00978738],
           [ 0.02240893,  0.01867558, -0.00977278]], dtype=float32)
    >>> dense.forward([[1.0, 2.0]])
    >>> dense.output
    array([[ 0.06245838,  0.04135273, -0.00975818]], dtype=float32)
    """

    @chapters({"3": "(n_inputs, n_neurons)", "14": f"(n_inputs, n_neurons, {REGULARIZERS})"})
    def __init__(
        self,
        n_inputs: int,
        n_neurons: int,
        weight_regularizer_l1: float = 0,
        weight_regularizer_l2: float = 0,
        bias_regularizer_l1: float = 0,
        bias_regularizer_l2: float = 0,
        *,
        weight_scale: float = 0.01,
    ) -> None:
        for name, count in (("n_inputs", n_inputs), ("n_neurons", n_neurons)):
            if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
                raise UsageError(f"Layer_Dense's {name} is a whole number, 1 or more, not {count!r}.")
        self.weight_regularizer_l1, self.weight_regularizer_l2 = weight_regularizer_l1, weight_regularizer_l2
        self.bias_regularizer_l1, self.bias_regularizer_l2 = bias_regularizer_l1, bias_regularizer_l2
        self._bind(int(n_inputs), twin(Dense)(int(n_neurons), BookNormal(weight_scale)), WORLD.dtype)

    def _bind(self, n_inputs: int, layer: Dense, dtype: Any) -> None:
        allocator = Allocator(dtype)
        for name, p in layer.params((1, n_inputs)).items():
            allocator.ask(layer, "dense", name, p, gradient=True)
        allocator.allocate(np.random.default_rng(0))  # BookNormal draws elsewhere
        self.layer = layer

    @classmethod
    def holding(cls, W: Array, b: Array) -> Layer_Dense:
        """A layer with these numbers (copied), for which nothing is drawn."""
        layer = cls.__new__(cls)
        layer.weight_regularizer_l1 = layer.weight_regularizer_l2 = 0
        layer.bias_regularizer_l1 = layer.bias_regularizer_l2 = 0
        layer._bind(len(W), twin(Dense)(W.shape[1], "zeros"), W.dtype)
        layer.weights, layer.biases = W, b[None]
        return layer

    @chapters(FORWARD)
    def forward(self, inputs: Any, training: bool = True) -> None:
        """Fill `inputs` (N, n_inputs) and `output` (N, n_neurons). `training` changes nothing here."""
        x = same_type(inputs, self.layer.W)
        if x.ndim == 0 or x.shape[-1] != len(self.layer.W):
            raise ShapeError(
                "Layer_Dense cannot take these inputs.\n"
                + draw_shapes(x.shape, (None, len(self.layer.W)), "inputs", "expected")
                + "\nIts first argument, n_inputs, is the number of columns that come in."
            )
        self.inputs = x
        self.output, _ = self.layer.forward(x, PLAIN)

    @chapters(BACKWARD)
    def backward(self, dvalues: Any) -> None:
        """Fill `dweights`, `dbiases` (both with the regularizers' part) and `dinputs`."""
        dy = same_type(dvalues, self.layer.W)
        if dy.shape != self.output.shape:
            raise ShapeError(
                "Layer_Dense cannot take this gradient: it must have the shape of the output.\n"
                + draw_shapes(dy.shape, self.output.shape, "dvalues", "output")
            )
        self.dinputs = self.layer.backward(dy, {"x": self.inputs})
        for penalty, w, dw in regularizers(self):
            dw += penalty.gradient(w)
            if WORLD.slips and isinstance(penalty, L1):
                dw[w == 0] += penalty.strength  # the book's slope of |w| at exactly 0 is 1

    @chapters({"22": "()"})
    def get_parameters(self) -> tuple[Array, Array]:
        """(weights, biases): the arrays themselves, as in the book, not copies."""
        return self.weights, self.biases

    @chapters({"22": "(weights, biases)"})
    def set_parameters(self, weights: Any, biases: Any) -> None:
        """Copy these numbers into weights and biases."""
        self.weights, self.biases = weights, biases

    @property
    def weights(self) -> Array:
        """(n_inputs, n_neurons): the Dense layer's W."""
        return self.layer.W

    @weights.setter
    def weights(self, values: Any) -> None:
        _put(self.layer.W, values, "weights")

    @property
    def biases(self) -> Array:
        """(1, n_neurons): the Dense layer's b as a row."""
        return self.layer.b[None]

    @biases.setter
    def biases(self, values: Any) -> None:
        _put(self.biases, values, "biases")

    @property
    def dweights(self) -> Array:
        """dL/dweights, zeros before the first backward."""
        return self.layer.dW

    @dweights.setter
    def dweights(self, values: Any) -> None:
        _put(self.layer.dW, values, "dweights")

    @property
    def dbiases(self) -> Array:
        """dL/dbiases, zeros before the first backward."""
        return self.layer.db[None]

    @dbiases.setter
    def dbiases(self, values: Any) -> None:
        _put(self.dbiases, values, "dbiases")


def _put(own: Array, values: Any, name: str) -> None:
    values = np.asarray(values)
    if values.shape != own.shape:
        raise ShapeError(f"These {name} have another shape.\n" + draw_shapes(values.shape, own.shape, "given", name))
    own[...] = values


class Drawn:
    """Stands where a random stream is asked for uniform numbers, with a mask drawn before: 1 stays, 0 is dropped."""

    def __init__(self, mask: Array) -> None:
        self.mask = mask

    def random(self, shape: Shape, dtype: Any = np.float64) -> Array:
        """The mask."""
        return self.mask.astype(dtype)


class Layer_Dropout(Part):
    """output = inputs * binary_mask while training. The mathematics is `pl.Dropout`; its equation stands there.

    The mask is drawn from np.random.binomial, as in the book. `rate` is the argument; the attribute of the same name
    is the share that is *kept*, 1 - rate, as in the book.

    Args:
        rate: the share that is dropped.

    >>> from pellucid.book import init
    >>> init()
    >>> dropout = Layer_Dropout(0.5)
    >>> dropout.forward(np.ones((1, 6), np.float32))
    >>> dropout.output
    array([[2., 2., 2., 2., 0., 2.]])
    """

    @chapters({"15": "(rate)"})
    def __init__(self, rate: float) -> None:
        self.layer = twin(Dropout)(rate)
        self.layer.output_shape((1,))  # says what is wrong with the rate
        self.rate = 1 - rate

    @chapters({"15": "(inputs)", "18": "(inputs, training)"})
    def forward(self, inputs: Any, training: bool = True) -> None:
        """Drop while training (chapter 15's form always does), else let everything through."""
        self.inputs = real(inputs)
        if not training:
            self.output = self.inputs.copy()
            self.binary_mask = np.ones_like(self.inputs)
            return
        drawn: Any = Drawn(binomial(self.rate, self.inputs.shape))
        self.output, cache = self.layer.forward(self.inputs, Run(training=True, rng=drawn))
        self.binary_mask = cache.get("mask", np.ones_like(self.inputs))

    @chapters(BACKWARD)
    def backward(self, dvalues: Any) -> None:
        """Fill `dinputs` with the same mask."""
        self.dinputs = self.layer.backward(same_type(dvalues, self.output), {"mask": self.binary_mask})


class Layer_Input(Part):
    """What the first layer of chapter 18's Model looks back at: output = inputs.

    >>> layer = Layer_Input()
    >>> layer.forward(np.array([[1.0]]), training=False)
    >>> layer.output
    array([[1.]])
    """

    @chapters({"18": "(inputs, training)"})
    def forward(self, inputs: Any, training: bool = False) -> None:
        """Fill `output`."""
        self.inputs = self.output = np.asarray(inputs)
