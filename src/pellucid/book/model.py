"""The book's Model: add, set, finalize, train, evaluate, predict, save. It prints the book's lines.

The chapters print differently. Without batch_size it is chapter 18: a line every `print_every` epochs, validation once,
at the end. With batch_size it is chapter 19: a line every `print_every` steps, and at the end of each epoch the
training's means and the validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.book import files
from pellucid.book.activations import Activation_Softmax, Activation_Softmax_Loss_CategoricalCrossentropy
from pellucid.book.chapters import chapters
from pellucid.book.convert import to_pellucid
from pellucid.book.layers import Layer_Input
from pellucid.book.losses import Loss_CategoricalCrossentropy
from pellucid.book.world import WORLD
from pellucid.model import Model as PellucidModel

Pair = tuple[Any, Any]


class Model:
    """Layers in a row with a loss, an optimizer and an accuracy, from chapter 18 on.

    Attributes:
        layers, trainable_layers, input_layer, output_layer_activation, softmax_classifier_output: as in the book.
        loss, optimizer, accuracy: what `set` was given.

    >>> from pellucid.book import *
    >>> init()
    >>> X, y = spiral_data(samples=100, classes=3)
    >>> model = Model()
    >>> for part in (Layer_Dense(2, 64), Activation_ReLU(), Layer_Dense(64, 3), Activation_Softmax()): model.add(part)
    >>> model.set(loss=Loss_CategoricalCrossentropy(), optimizer=Optimizer_Adam(0.05), accuracy=Accuracy_Categorical())
    >>> model.finalize()
    >>> model.train(X, y)
    epoch: 1, acc: 0.360, loss: 1.099 (data_loss: 1.099, reg_loss: 0.000), lr: 0.05
    """

    def __init__(self) -> None:
        self.layers: list[Any] = []
        self.loss: Any = None
        self.optimizer: Any = None
        self.accuracy: Any = None
        self.softmax_classifier_output: Any = None

    @chapters({"18": "(layer)"})
    def add(self, layer: Any) -> None:
        """Put one more layer at the end."""
        if isinstance(layer, type):
            raise UsageError(f"add was given the class {layer.__name__}. Make an object of it: {layer.__name__}(...).")
        self.layers.append(layer)

    @chapters({"18": "(*, loss, optimizer, accuracy)", "22": "(*, loss=None, optimizer=None, accuracy=None)"})
    def set(self, *, loss: Any = None, optimizer: Any = None, accuracy: Any = None) -> None:
        """Say what is trained with. What is left out stays as it was."""
        for name, thing in (("loss", loss), ("optimizer", optimizer), ("accuracy", accuracy)):
            if isinstance(thing, type):
                raise UsageError(f"set was given the class {thing.__name__}. Write {name}={thing.__name__}().")
            if thing is not None:
                setattr(self, name, thing)

    @chapters({"18": "()"})
    def finalize(self) -> None:
        """Link the layers. To be called after `add` and `set`, before `train`."""
        if not self.layers:
            raise UsageError("finalize found no layers: add them first, model.add(Layer_Dense(2, 64)).")
        if WORLD.slips and len(self.layers) == 1:
            raise IndexError("list index out of range (the book's finalize asks the first layer for a second one)")
        self.input_layer = Layer_Input()
        row = [self.input_layer, *self.layers, self.loss]
        for before, layer, after in zip(row, self.layers, row[2:], strict=False):
            layer.prev, layer.next = before, after
        self.output_layer_activation = self.layers[-1]
        self.trainable_layers = [layer for layer in self.layers if hasattr(layer, "weights")]
        if self.loss is not None:
            self.loss.remember_trainable_layers(self.trainable_layers)
        fused = isinstance(self.layers[-1], Activation_Softmax) and isinstance(self.loss, Loss_CategoricalCrossentropy)
        self.softmax_classifier_output = Activation_Softmax_Loss_CategoricalCrossentropy() if fused else None

    @chapters(
        {
            "18": "(X, y, *, epochs=1, print_every=1, validation_data=None)",
            "19": "(X, y, *, epochs=1, batch_size=None, print_every=1, validation_data=None)",
        }
    )
    def train(
        self,
        X: Any,
        y: Any,
        *,
        epochs: int = 1,
        batch_size: int | None = None,
        print_every: int = 1,
        validation_data: Pair | None = None,
    ) -> None:
        """Train, and print the lines of chapter 18, or with batch_size those of chapter 19.

        Args:
            X, y: inputs and targets, in the order in which they are shown.
            epochs: how often all of them are shown. Default 1.
            batch_size: how many make a step; the last batch may be shorter. Default all.
            print_every: a line every so many epochs (chapter 18) or steps (chapter 19). Default 1.
            validation_data: a pair (X_val, y_val). Default none.
        """
        self._ready("train", ("loss", "optimizer", "accuracy"))
        if isinstance(print_every, bool) or not isinstance(print_every, int) or print_every < 1:
            raise UsageError(f"print_every is a whole number, 1 or more, not {print_every!r}.")
        X, y = _pair(X, y)
        self.accuracy.init(y)
        for epoch in range(1, epochs + 1):
            if batch_size is None:
                figures = self._step(X, y)
                if not epoch % print_every:
                    print(f"epoch: {epoch}, {self._line(*figures)}")
            else:
                self._epoch(X, y, epoch, batch_size, print_every)
                if validation_data is not None:
                    self.evaluate(*validation_data, batch_size=batch_size)
        if batch_size is None and validation_data is not None:
            self.evaluate(*validation_data)

    def _epoch(self, X: Array, y: Array, epoch: int, batch_size: int, print_every: int) -> None:
        print(f"epoch: {epoch}")
        self.loss.new_pass()
        self.accuracy.new_pass()
        batches = list(_batches(len(X), batch_size))
        for step, at in enumerate(batches):
            figures = self._step(X[at], y[at])
            if not step % print_every or step == len(batches) - 1:
                print(f"step: {step}, {self._line(*figures)}")
        means = self.loss.calculate_accumulated(include_regularization=True)
        print(f"training, {self._line(self.accuracy.calculate_accumulated(), *means)}")

    def _step(self, X: Array, y: Array) -> tuple[Any, Any, Any]:
        output = self.forward(X, training=True)
        data_loss, regularization_loss = self.loss.calculate(output, y, include_regularization=True)
        accuracy = self.accuracy.calculate(self._predictions(output), y)
        self.backward(output, y)
        self.optimizer.pre_update_params()
        for layer in self.trainable_layers:
            self.optimizer.update_params(layer)
        self.optimizer.post_update_params()
        return accuracy, data_loss, regularization_loss

    def _line(self, accuracy: Any, data_loss: Any, regularization_loss: Any) -> str:
        return (
            f"acc: {accuracy:.3f}, loss: {data_loss + regularization_loss:.3f} "
            f"(data_loss: {data_loss:.3f}, reg_loss: {regularization_loss:.3f}), "
            f"lr: {self.optimizer.current_learning_rate}"
        )

    @chapters({"20": "(X_val, y_val, *, batch_size=None)"})
    def evaluate(self, X_val: Any, y_val: Any, *, batch_size: int | None = None) -> None:
        """Print loss and accuracy on these samples, with nothing dropped."""
        self._ready("evaluate", ("loss", "accuracy"))
        X, y = _pair(X_val, y_val)
        self.loss.new_pass()
        self.accuracy.new_pass()
        for at in _batches(len(X), batch_size):
            output = self.forward(X[at], training=False)
            self.loss.calculate(output, y[at])
            self.accuracy.calculate(self._predictions(output), y[at])
        accuracy, loss = self.accuracy.calculate_accumulated(), self.loss.calculate_accumulated()
        print(f"validation, acc: {accuracy:.3f}, loss: {loss:.3f}")

    @chapters({"22": "(X, *, batch_size=None)"})
    def predict(self, X: Any, *, batch_size: int | None = None) -> Array:
        """The network's outputs, with nothing dropped; `output_layer_activation.predictions` makes answers of them."""
        self._ready("predict", ())
        X = np.asarray(X)
        return np.vstack([self.forward(X[at], training=False) for at in _batches(len(X), batch_size)])

    @chapters({"18": "(X, training)"})
    def forward(self, X: Any, training: bool = False) -> Any:
        """Pass X through all layers; the last one's output."""
        self.input_layer.forward(X, training)
        x = self.input_layer.output
        for layer in self.layers:
            layer.forward(x, training)
            x = layer.output
        return x

    @chapters({"18": "(output, y)"})
    def backward(self, output: Any, y: Any) -> None:
        """Pass the loss's gradient back through all layers."""
        below = list(self.layers)
        last = self.loss if self.softmax_classifier_output is None else self.softmax_classifier_output
        last.backward(output, y)
        dvalues = last.dinputs
        if last is not self.loss:
            below.pop().dinputs = dvalues  # the softmax's part is in it already
        for layer in reversed(below):
            layer.backward(dvalues)
            dvalues = layer.dinputs

    @chapters({"22": "()"})
    def get_parameters(self) -> list[tuple[Array, Array]]:
        """(weights, biases) of each trainable layer: the arrays themselves."""
        return [layer.get_parameters() for layer in self.trainable_layers]

    @chapters({"22": "(parameters)"})
    def set_parameters(self, parameters: Sequence[Pair]) -> None:
        """Copy these numbers in, a pair for each trainable layer."""
        if len(parameters) != len(self.trainable_layers):
            raise UsageError(
                f"These are the parameters of {len(parameters)} layers, but the model has {len(self.trainable_layers)}."
            )
        for pair, layer in zip(parameters, self.trainable_layers, strict=True):
            layer.set_parameters(*pair)

    @chapters({"22": "(path)"})
    def save_parameters(self, path: files.Path) -> None:
        """Write the parameters alone, as a safetensors file (not a pickle)."""
        files.save_parameters(self.get_parameters(), path)

    @chapters({"22": "(path)"})
    def load_parameters(self, path: files.Path) -> None:
        """Read what `save_parameters` wrote."""
        self.set_parameters(files.load_parameters(path))

    @chapters({"22": "(path)"})
    def save(self, path: files.Path) -> None:
        """Write everything, as a safetensors file that `pl.load` reads too (not a pickle)."""
        self._ready("save", ("loss",))
        files.save_model(self, path)

    @staticmethod
    def load(path: files.Path) -> Model:
        """The model in a file of `save`, ready to predict and to train on."""
        model = Model()
        files.load_model(model, path)
        return model

    def to_pellucid(self) -> PellucidModel:
        """A `pl.Model` with the same parameters and answers; see `pellucid.book.to_pellucid`."""
        self._ready("to_pellucid", ("loss",))
        return to_pellucid(self)

    def _predictions(self, output: Any) -> Any:
        """What the outputs say; a network that ends in a dense layer says its outputs."""
        last = self.output_layer_activation
        return last.predictions(output) if hasattr(last, "predictions") else output

    def _ready(self, verb: str, needed: tuple[str, ...]) -> None:
        if missing := [name for name in needed if getattr(self, name) is None]:
            raise UsageError(
                f"{verb} needs {', '.join(missing)}: chapter 18's order is model.add(...), "
                f"model.set({', '.join(f'{name}=...' for name in missing)}), model.finalize(), model.train(...)."
            )
        if not hasattr(self, "trainable_layers"):
            raise UsageError(f"{verb} needs a finalized model: call model.finalize() after add and set (chapter 18).")


def _pair(X: Any, y: Any) -> tuple[Array, Array]:
    X, y = np.asarray(X), np.asarray(y)
    if len(X) != len(y) or len(X) == 0:
        raise DataError(f"There must be as many targets as inputs, and at least one: {len(y)} and {len(X)}.")
    return X, y


def _batches(n: int, batch_size: int | None) -> Iterator[slice]:
    if batch_size is not None and (isinstance(batch_size, bool) or batch_size < 1):
        raise UsageError(f"batch_size is a whole number, 1 or more, not {batch_size!r}; 32 to 512 are common.")
    size = n if batch_size is None else batch_size
    for first in range(0, n, max(size, 1)):
        yield slice(first, first + size)
