"""The book's files, without pickle: a pickle runs whatever code it holds, a safetensors file is numbers and words.

`Model.save` writes a Pellucid model file (`pl.load` reads it too) with the book's settings beside the description, and
what the optimizer remembers beside the parameters. `save_parameters` writes the parameters alone. Whatever the file's
name is, it is replaced only once the new one is whole.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from pellucid import store
from pellucid.base.arrays import Array
from pellucid.base.errors import FileError, PellucidError
from pellucid.book import optimizers
from pellucid.book.accuracy import Accuracy, Accuracy_Categorical, Accuracy_Regression
from pellucid.book.convert import book_layers, to_pellucid

Path = str | os.PathLike[str]
Pairs = list[tuple[Array, Array]]
MEMORY = ("weight_momentums", "weight_cache", "bias_momentums", "bias_cache")
PREFIX = "optimizer."  # pl.load passes over tensors of this name in a file that is not only a model
OPTIMIZERS: dict[str, type[optimizers.Optimizer]] = {
    kind.__name__: kind
    for kind in (
        optimizers.Optimizer_SGD,
        optimizers.Optimizer_Adagrad,
        optimizers.Optimizer_RMSprop,
        optimizers.Optimizer_Adam,
    )
}
PROGRESS = ("iterations", "current_learning_rate")


def save_model(model: Any, path: Path) -> None:
    """Write a book Model: the network, its loss, accuracy and optimizer, and what the optimizer remembers."""
    twin = to_pellucid(model)
    arrays = store.tensors(twin)
    for i, layer in enumerate(model.trainable_layers):
        arrays |= {f"{PREFIX}{i}.{name}": getattr(layer, name) for name in MEMORY if hasattr(layer, name)}
    book = {"optimizer": _settings(model.optimizer), "accuracy": _settings(model.accuracy)}
    store.write(path, arrays, store.document(twin) | {"what": "checkpoint", "book": book})


def load_model(model: Any, path: Path) -> None:
    """Fill a new book Model from a file of `save_model`, or from any model file that the book's classes can express."""
    arrays, doc = _read(path)
    parts, loss = book_layers(store.model_from(path, arrays, doc))
    said = doc.get("book", {})
    try:
        optimizer, accuracy = _optimizer(said.get("optimizer")), _accuracy(said.get("accuracy"), loss)
        for part in parts:
            model.add(part)
        model.set(loss=loss, optimizer=optimizer, accuracy=accuracy)
        model.finalize()
        for i, layer in enumerate(model.trainable_layers):
            for name in MEMORY:
                kept = arrays.get(f"{PREFIX}{i}.{name}")
                if kept is None:
                    continue
                if kept.shape != getattr(layer, "weights" if name.startswith("weight") else "biases").shape:
                    raise FileError(f"{path} contradicts itself: {PREFIX}{i}.{name} has the shape {kept.shape}.")
                setattr(layer, name, kept)
    except store.DAMAGE as error:
        what = error if isinstance(error, PellucidError) else f"{type(error).__name__}: {error}"
        raise FileError(f"The book's settings in {path} cannot be read. {what}") from None


def save_parameters(pairs: Pairs, path: Path) -> None:
    """Write (weights, biases) of each trainable layer."""
    arrays: dict[str, Array] = {}
    for i, (weights, biases) in enumerate(pairs):
        arrays |= {f"{i}.weights": weights, f"{i}.biases": biases}
    store.write(path, arrays, {"format": store.FORMAT, "what": "book parameters", "layers": len(pairs)})


def load_parameters(path: Path) -> Pairs:
    """(weights, biases) of each layer in a file of `save_parameters`, or of a model file."""
    arrays, doc = _read(path)
    if doc.get("what") == "book parameters":
        count = sum(name.endswith(".weights") for name in arrays)
        try:
            return [(arrays[f"{i}.weights"], arrays[f"{i}.biases"]) for i in range(count)]
        except KeyError as missing:
            raise FileError(f"{path} is incomplete: it holds no {missing}.") from None
    twin = store.model_from(path, arrays, doc)
    return [(layer.W, layer.b[None]) for layer in twin.layers if hasattr(layer, "W")]


def _read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            pickled = file.read(1) == b"\x80"
    except OSError:
        pickled = False  # store.read says what is wrong with the path
    if pickled:
        try:
            return store.read(path)  # a header whose length begins with that byte
        except FileError:
            raise FileError(
                f"{path} looks like a pickle, as the book's own save writes it. Reading one runs whatever code it "
                "holds, so it is not read. Where it was made, write np.savez of model.get_parameters() and give the "
                "numbers to set_parameters here."
            ) from None
    return store.read(path)


def _settings(thing: Any) -> dict[str, Any] | None:
    """A settings object as plain data: its class's name and its numbers."""
    if thing is None:
        return None
    numbers = {k: v.item() if isinstance(v, np.generic) else v for k, v in vars(thing).items()}
    plain = {k: v for k, v in numbers.items() if v is None or isinstance(v, bool | int | float)}
    return {"kind": type(thing).__name__} | {k: v for k, v in plain.items() if not k.startswith("accumulated")}


def _optimizer(said: Any) -> Any:
    if said is None:
        return None
    given = {name: value for name, value in said.items() if name not in ("kind", *PROGRESS)}
    optimizer = OPTIMIZERS[said["kind"]](**given)
    optimizer.iterations = int(said["iterations"])
    optimizer.current_learning_rate = float(said["current_learning_rate"])
    return optimizer


def _accuracy(said: Any, loss: Any) -> Accuracy | None:
    if said is None:
        return None
    if said["kind"] == "Accuracy_Regression":
        regression = Accuracy_Regression()
        regression.precision = None if said["precision"] is None else float(said["precision"])
        return regression
    if said["kind"] == "Accuracy_Categorical":
        return Accuracy_Categorical(binary=bool(said["binary"]))
    raise FileError(f"The book has no {said['kind']}.")
