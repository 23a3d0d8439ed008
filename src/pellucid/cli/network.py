"""From --layers to a network around the data: the layers, the loss, and what is done to the raw data before them."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import pellucid as pl
from pellucid.base.arrays import Rows, Shape
from pellucid.base.errors import UsageError, draw_shapes
from pellucid.cli.folders import is_folder
from pellucid.cli.usual import ACTIVATIONS, LOSSES, Usual
from pellucid.datasets.measure import measured, reaches
from pellucid.diverged import BIG
from pellucid.losses import ClassLoss

if TYPE_CHECKING:
    from pellucid.cli.plan import Options

FAINT = 63  # bytes that reach no further are not meant to go up to 255


def build_model(options: Options, usual: Usual, data: pl.Data, table: pl.Table | None = None) -> pl.Model:
    """The network that was asked for, or the usual one, around this data; for records with what was inferred."""
    named = LOSSES[options.loss] if options.loss else None
    if named is not None:
        _check_loss(options, named, data)
    loss = (named or (pl.SoftmaxCrossEntropy if data.classes else pl.MeanSquaredError))()
    input_shape: Shape = (prod(data.x.shape[1:]) if table is None else table.width,)
    if options.layers is not None and options.layers.endswith(".toml"):
        layers, loss, input_shape = read_toml(options, loss, input_shape)
    else:
        layers = dense_layers(options, usual, outputs_for(loss, data), loss)
    model = pl.Model(
        *layers,
        loss=scaled(loss, data),
        input_shape=input_shape,
        seed=options.seed,
        penalty=_penalty(options, usual),
        prepare=table or _drawn(preparation(data, input_shape, options.standardize), options.data),
        classes=data.classes,
    )
    outputs = outputs_for(loss, data)
    if model.output_shape not in [(K,) for K in outputs]:
        raise pl.ShapeError(
            f"The network's output does not fit {options.data}, which has {outputs[0]} "
            f"{'classes' if data.classes else 'values a sample'}.\n"
            + draw_shapes((None, *model.output_shape), (None, outputs[0]), "network", "data")
        )
    return model


def scaled(loss: pl.Loss, data: pl.Data) -> pl.Loss:
    """The loss, with a target of large numbers brought to about 1 inside, as measured on the training part."""
    sized = isinstance(loss, pl.MeanSquaredError | pl.MeanAbsoluteError | pl.Huber) and not data.classes
    if sized and (data.columns or float(np.abs(data.t).max()) > BIG):
        return pl.Scaled.fit(data.t, loss)  # type: ignore[arg-type]
    return loss


def outputs_for(loss: pl.Loss, data: pl.Data) -> tuple[int, ...]:
    """How many outputs there can be, the usual number first: two classes may also be one yes-or-no answer."""
    if len(data.classes) == 2 and isinstance(loss, pl.SigmoidCrossEntropy | pl.BinaryCrossEntropy):
        return 2, 1
    return (len(data.classes) or prod(data.t.shape[1:]),)


def _check_loss(options: Options, loss: type[pl.Loss], data: pl.Data) -> None:
    """Refuse a loss of classes for measurements."""
    shares = issubclass(loss, pl.SigmoidCrossEntropy | pl.BinaryCrossEntropy)
    values_are_shares = not data.classes and shares and data.t.min() >= 0 and data.t.max() <= 1
    if not data.classes and (issubclass(loss, ClassLoss) or shares) and not values_are_shares:
        raise UsageError(
            f"--loss {options.loss} needs class labels, but the target of {options.data} is measured values. "
            "Use mse, mae or huber."
        )


def _penalty(options: Options, usual: Usual) -> Any:
    l1, l2 = options.l1, usual.l2 if options.l2 is None else options.l2
    for name, strength in (("--l1", l1), ("--l2", l2)):
        if not strength >= 0:
            raise UsageError(f"{name} is {strength:g}, but it must be 0 or more: less would reward large weights.")
    parts = [kind(strength) for kind, strength in ((pl.L1, l1), (pl.L2, l2)) if strength]
    return parts[0] + parts[1] if len(parts) == 2 else parts[0] if parts else None


def dense_layers(options: Options, usual: Usual, outputs: Sequence[int], loss: pl.Loss) -> list[pl.Layer]:
    """Dense layers with a bend after each hidden one, and what the loss wants behind the last."""
    units = (*usual.hidden, outputs[0])
    if options.layers is not None:
        units = parse_layers(options.layers, outputs, options.data)
    bend = ACTIVATIONS[options.activation or usual.activation]
    layers: list[pl.Layer] = []
    for count in units[:-1]:
        layers += [pl.Dense(count), bend()]
        if options.dropout:
            layers.append(pl.Dropout(options.dropout))
    layers.append(pl.Dense(units[-1]))
    if isinstance(loss, pl.CategoricalCrossEntropy):
        layers.append(pl.Softmax())
    if isinstance(loss, pl.BinaryCrossEntropy):
        layers.append(pl.Sigmoid())
    return layers


def parse_layers(text: str, outputs: Sequence[int], name: str) -> tuple[int, ...]:
    """ "128,64,10" as (128, 64, 10); the last number must be a number of outputs that there can be."""
    try:
        units = tuple(int(part) for part in text.split(","))
    except ValueError:
        units = ()
    if not units or min(units) < 1:
        raise UsageError(
            f"--layers {text!r} cannot be read. Write the units of each dense layer, such as 128,10, "
            "or the name of a .toml file that describes the network."
        )
    if units[-1] not in outputs:
        raise pl.ShapeError(
            f"The last layer must have one unit for each answer, and {name} has {outputs[0]}.\n"
            + draw_shapes((None, units[-1]), (None, outputs[0]), "--layers", "expected")
            + f"\nWrite --layers {','.join(map(str, [*units[:-1], outputs[0]]))}."
        )
    return units


def read_toml(options: Options, loss: pl.Loss, input_shape: Shape) -> tuple[list[pl.Layer], pl.Loss, Shape]:
    """A network from a TOML file: `[[layers]]` tables with a kind, and optionally `loss` and `input_shape`."""
    path = str(options.layers)
    for option, given in (("--activation", options.activation), ("--dropout", options.dropout)):
        if given:
            raise UsageError(f"{option} does nothing beside {path}, which names every layer. Write the layers there.")
    try:
        said = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise pl.DataError(f"{path} could not be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise pl.DataError(f"{path} is not valid TOML: {error}.") from None
    if not isinstance(said.get("layers"), list) or not said["layers"]:
        raise pl.DataError(f'{path} describes no layers. Begin with [[layers]] and a line kind = "Dense".')
    if unknown := set(said) - {"layers", "loss", "input_shape"}:
        raise pl.DataError(f"{path} has {', '.join(sorted(unknown))}; it may have layers, loss and input_shape.")
    layers = [pl.rebuild(layer, where=f"{path}: layers[{i}]") for i, layer in enumerate(said["layers"])]
    for i, layer in enumerate(layers):
        if not isinstance(layer, pl.Layer):
            raise pl.DataError(f"{path}: layers[{i}] is {layer!r}, which is no layer.")
    if "loss" in said:
        if options.loss is not None:
            raise UsageError(f"--loss {options.loss} does nothing beside {path}, which has a loss. Keep one of them.")
        loss = _toml_loss(said["loss"], path)
    shape = said.get("input_shape", list(input_shape))
    if not isinstance(shape, list) or not all(type(n) is int for n in shape):
        raise pl.DataError(f"{path}: input_shape is a list of whole numbers, such as [28, 28], not {shape!r}.")
    if prod(shape) != prod(input_shape):
        raise pl.ShapeError(
            f"{path}: the data do not have this input_shape.\n"
            + draw_shapes((None, *shape), (None, *input_shape), path, "data")
        )
    return layers, loss, tuple(shape)


def _toml_loss(said: Any, path: str) -> pl.Loss:
    """A loss by its name on the command line, or as a table with a kind."""
    loss = LOSSES[said]() if isinstance(said, str) and said in LOSSES else pl.rebuild(said, where=f"{path}: loss")
    if not isinstance(loss, pl.Loss):
        raise pl.DataError(
            f"{path}: loss cannot be {said!r}. Write one of {', '.join(LOSSES)}; or a table [loss] with a kind."
        )
    return loss


def _drawn(prepare: Any, data: str) -> Any:
    """The preparation of a folder of drawings also takes new ones that nobody has cut out."""
    return replace(prepare, drawn=True) if isinstance(prepare, pl.Digits) and is_folder(data) else prepare


def preparation(data: pl.Data, shape: Shape, standardize: bool = False) -> Any:
    """What is done to this raw data before the first layer, measured on the training part alone."""
    if isinstance(data.x, Rows):
        return _preparation_on_disk(data, shape, standardize)
    top = max(float(data.x.max()), -float(data.x.min()))
    if data.x.dtype == np.uint8 or data.x.ndim > 2:
        full = 255.0 if data.x.dtype == np.uint8 and top > FAINT else top or 1.0
        if looks_like_digits(data):
            return pl.Digits.fit(data.x, shape) if standardize else pl.Digits(shape)
        return pl.Pixels.fit(data.x, shape, full) if standardize else pl.Pixels(shape, full, data.x.shape[1:])
    if data.columns or top > BIG or standardize:
        return pl.Standardize.fit(data.x, data.columns)
    return None


def _preparation_on_disk(data: pl.Data, shape: Shape, standardize: bool) -> Any:
    """The same for samples that stay on the disk, in one pass at most: bytes need none if they are bright."""
    x = data.x
    bright = x.dtype == np.uint8 and not standardize and reaches(x, FAINT)
    found = None if bright else measured(x)
    top = 255.0 if found is None else max(float(found.most.max()), -float(found.least.min()))
    if x.dtype == np.uint8 or x.ndim > 2:
        full = 255.0 if x.dtype == np.uint8 and top > FAINT else top or 1.0
        prepare = pl.Digits(shape) if looks_like_digits(data) else pl.Pixels(shape, full, x.shape[1:])
        if not standardize or found is None:
            return prepare
        channels = x.shape[3] if x.ndim == 4 and isinstance(prepare, pl.Pixels) else 1
        means, stds = (v.reshape(-1, channels) for v in (found.mean, found.std))
        mean = means.mean(axis=0)
        std = np.sqrt((stds**2 + (means - mean) ** 2).mean(axis=0))  # of all pixels, out of each one's
        std[std == 0.0] = full
        given = [tuple((v / full).tolist()) if channels > 1 else float(v[0] / full) for v in (mean, std)]
        return replace(prepare, mean=given[0], std=given[1])  # type: ignore[arg-type]
    if found is not None and (data.columns or top > BIG or standardize):
        return pl.Standardize(tuple(found.mean.tolist()), tuple(found.std.tolist()), data.columns)
    return None


def looks_like_digits(data: pl.Data) -> bool:
    """Whether these pictures are digits drawn the MNIST way: bytes, classes named by digits, and an empty frame."""
    if data.x.shape[1:] != (28, 28) or data.x.dtype != np.uint8 or not set(data.classes) <= set("0123456789"):
        return False
    few = data.x[:1000]
    frame = np.concatenate([few[:, 0], few[:, -1], few[:, :, 0], few[:, :, -1]], axis=1)  # (N, 112)
    return bool(frame.any(axis=1).mean() < 0.05)


def sizes(model: pl.Model) -> str:
    """The network in a few characters, such as 784-128-10."""
    dense = [layer.units for layer in model.layers if isinstance(layer, pl.Dense)]
    bends = [layer.kind for layer in model.layers if not isinstance(layer, pl.Dense | pl.Dropout)]
    head = "x".join(map(str, model.input_shape))
    return "-".join([head, *map(str, dense)]) + (f" with {', '.join(dict.fromkeys(bends))}" if bends else "")
