"""The book's activations. Each names the Pellucid layer that computes; sorted by increasing complexity."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.book.chapters import chapters
from pellucid.book.losses import Loss_CategoricalCrossentropy
from pellucid.book.part import BACKWARD, FORWARD, Activation, Part
from pellucid.book.rounding import twin
from pellucid.book.world import real
from pellucid.layers import ReLU, Sigmoid, Softmax
from pellucid.losses import SoftmaxCrossEntropy


class Activation_Linear(Activation):
    """output = inputs: where a regression ends.

    >>> linear = Activation_Linear()
    >>> linear.forward(np.array([[2.0]])); linear.backward(np.array([[3.0]])); linear.output, linear.dinputs
    (array([[2.]]), array([[3.]]))
    """

    @chapters(FORWARD)
    def forward(self, inputs: Any, training: bool = True) -> None:
        """Fill `inputs` and `output`."""
        self.inputs = self.output = real(inputs)

    @chapters(BACKWARD)
    def backward(self, dvalues: Any) -> None:
        """Fill `dinputs`: the slope is 1."""
        self.dinputs = np.array(dvalues)


class Activation_ReLU(Activation):
    """output = max(inputs, 0): `pl.ReLU`.

    >>> relu = Activation_ReLU()
    >>> relu.forward(np.array([[-2.0, 3.0]])); relu.output
    array([[0., 3.]])
    """

    def __init__(self) -> None:
        self.layer = twin(ReLU)()


class Activation_Sigmoid(Activation):
    """output = 1 / (1 + e^-inputs): `pl.Sigmoid`.

    >>> sigmoid = Activation_Sigmoid()
    >>> sigmoid.forward(np.array([[0.0]])); sigmoid.output
    array([[0.5]])
    """

    def __init__(self) -> None:
        self.layer = twin(Sigmoid)()

    @chapters({"18": "(outputs)"})
    def predictions(self, outputs: Array) -> Array:
        """1 where the output is above 0.5, else 0."""
        return np.asarray((outputs > 0.5) * 1)


class Activation_Softmax(Activation):
    """output = e^inputs / their sum in each row: `pl.Softmax`, whose backward is the whole Jacobian.

    >>> softmax = Activation_Softmax()
    >>> softmax.forward([[1.0, 2.0, 3.0]]); softmax.output.round(8)
    array([[0.09003057, 0.24472847, 0.66524096]])
    """

    def __init__(self) -> None:
        self.layer = twin(Softmax)()

    @chapters({"18": "(outputs)"})
    def predictions(self, outputs: Array) -> Array:
        """The column of the largest output in each row."""
        return np.asarray(np.argmax(outputs, axis=1))


class Activation_Softmax_Loss_CategoricalCrossentropy(Part):
    """Softmax and its loss in one, from chapter 9 on. Backward is that of `pl.SoftmaxCrossEntropy`.

    Attributes:
        activation, loss: the two parts, for `loss.regularization_loss(layer)` and the like.
        output: the probabilities. dinputs: the gradient with respect to the scores.

    >>> both = Activation_Softmax_Loss_CategoricalCrossentropy()
    >>> round(float(both.forward(np.array([[0.0, 0.0]]), np.array([1]))), 6)
    0.693147
    >>> both.backward(both.output, np.array([1])); both.dinputs
    array([[ 0.5, -0.5]])
    """

    def __init__(self) -> None:
        self.activation = Activation_Softmax()
        self.loss = Loss_CategoricalCrossentropy()

    @chapters({"9": "(inputs, y_true)"})
    def forward(self, inputs: Any, y_true: Any) -> Any:
        """Fill `output` with the probabilities and give the loss."""
        self.activation.forward(inputs)
        self.inputs, self.output = self.activation.inputs, self.activation.output
        return self.loss.calculate(self.output, y_true)

    @chapters({"9": "(dvalues, y_true)"})
    def backward(self, dvalues: Any, y_true: Any) -> None:
        """Fill `dinputs`; `dvalues` are the probabilities, as the book calls it."""
        p, fused = real(dvalues), twin(SoftmaxCrossEntropy)()
        t = fused.ids_or_shares(np.asarray(y_true), p)
        self.dinputs = fused.backward({"p": p, "t": t, "weights": None, "n": float(len(p)), "y": p})
