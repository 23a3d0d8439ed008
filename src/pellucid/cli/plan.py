"""From what was typed to a training: the data, the network, the optimizer, and what was chosen where nothing was said.

Everything that is chosen is listed here and printed when training starts, so that nobody has to guess it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np

import pellucid as pl
from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import UsageError, draw_shapes
from pellucid.cli.usual import ACTIVATIONS, LOSSES, OPTIMIZERS, USUAL_RATE, Usual, usual_for
from pellucid.data.batches import check_finite
from pellucid.losses import ClassLoss
from pellucid.model import Metric, default_metrics


@dataclass(frozen=True)
class Options:
    """What was typed; None where nothing was. The fields are the command's options."""

    data: str
    layers: str | None = None
    activation: str | None = None
    loss: str | None = None
    optimizer: str = "adam"
    lr: float | None = None
    schedule: str = "exponential"
    decay: float | None = None
    momentum: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    validation: float = 0.1
    test: float = 0.1
    dropout: float = 0.0
    l1: float = 0.0
    l2: float | None = None
    clip: float | None = None
    shift: int | None = None
    seed: int = 0
    target: str | None = None


@dataclass(frozen=True)
class Plan:
    """A training ready to start, and the parts of the data beside it."""

    training: pl.Training
    data: pl.Data
    validation: pl.Data | None
    test: pl.Data
    test_is_fresh: bool  # the test part came with the data, instead of being set aside from it
    lines: tuple[str, ...]  # what was chosen, in words


def make_plan(options: Options, loaded: tuple[pl.Data, pl.Data | None]) -> Plan:
    """Everything that a training needs, from the options and the loaded data."""
    data, test = loaded
    for part in (data, test):
        if part is not None:
            check_finite(part)
    usual = usual_for(options.data, data)
    fresh = test is not None
    if test is None:
        data, test = pl.split(data, _share("--test", options.test), seed=options.seed + 1)
    validation = None
    if options.validation != 0:
        data, validation = pl.split(data, _share("--validation", options.validation), seed=options.seed)
    model = build_model(options, usual, data)
    data, test = with_targets(model, data), with_targets(model, test)
    validation = with_targets(model, validation) if validation is not None else None
    epochs = usual.epochs if options.epochs is None else options.epochs
    batch_size = usual.batch_size if options.batch_size is None else options.batch_size
    shift = usual.shift if options.shift is None else options.shift
    if shift and data.x.ndim < 3:
        raise UsageError(f"--shift moves pictures, and {options.data} holds rows of {data.x.shape[1:]} numbers.")
    optimizer, words = build_optimizer(options, usual, len(data), batch_size, epochs)
    training = pl.train(
        model,
        data,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        validation=validation,
        metrics=metrics_for(model),
        seed=options.seed,
        augment=pl.Shift(shift) if shift else None,
        clip=options.clip,
    )
    what = "pictures" if data.x.ndim >= 3 else "samples"
    kind = f"{len(data.classes)} classes" if data.classes else "values to predict"
    lines = (
        f"data      {options.data}: {len(data):,} to train, {len(validation) if validation else 0:,} to validate, "
        f"{len(test):,} to test; {what} of {'x'.join(map(str, data.x.shape[1:])) or '1'}, {kind}",
        f"network   {sizes(model)} ({model.theta.size:,} parameters), {type(model.loss).__name__}",
        f"training  {epochs} epochs, batches of {batch_size}, {words}"
        + (f", pictures shifted by up to {shift} pixel{'s' * (shift > 1)}" if shift else "")
        + (f", dropout {options.dropout:g}" if options.dropout else "")
        + (f", penalty {model.penalty!r}" if model.penalty is not None else ""),
    )
    return Plan(training, data, validation, test, fresh, lines)


def _share(option: str, share: float) -> float:
    if not 0 < share < 1:
        raise UsageError(f"{option} is a share of the samples, above 0 and below 1, not {share:g}; 0.1 is common.")
    return share


def build_model(options: Options, usual: Usual, data: pl.Data) -> pl.Model:
    """The network that was asked for, or the usual one, around this data."""
    outputs = len(data.classes) or prod(data.t.shape[1:])
    named = LOSSES[options.loss] if options.loss else None
    if named is not None and issubclass(named, ClassLoss) and not data.classes:
        raise UsageError(
            f"--loss {options.loss} needs class labels, but the target of {options.data} is measured values. "
            "Use mse, mae or huber."
        )
    loss = (named or (pl.SoftmaxCrossEntropy if data.classes else pl.MeanSquaredError))()
    input_shape: Shape = (prod(data.x.shape[1:]),)
    if options.layers is not None and options.layers.endswith(".toml"):
        layers, loss, input_shape = read_toml(options.layers, loss, input_shape)
    else:
        hidden = parse_layers(options.layers, outputs, options.data) if options.layers else usual.hidden
        bend = ACTIVATIONS[options.activation or usual.activation]
        layers = []
        for units in hidden:
            layers += [pl.Dense(units), bend()]
            if options.dropout:
                layers.append(pl.Dropout(options.dropout))
        layers.append(pl.Dense(outputs))
        if isinstance(loss, pl.CategoricalCrossEntropy):
            layers.append(pl.Softmax())
        if isinstance(loss, pl.BinaryCrossEntropy):
            layers.append(pl.Sigmoid())
    l2 = usual.l2 if options.l2 is None else options.l2
    penalty: Any = pl.L2(l2) if l2 else None
    if options.l1:
        penalty = pl.L1(options.l1) + penalty if penalty is not None else pl.L1(options.l1)
    model = pl.Model(
        *layers,
        loss=loss,
        input_shape=input_shape,
        seed=options.seed,
        penalty=penalty,
        prepare=preparation(data, input_shape),
        classes=data.classes,
    )
    if model.output_shape != (outputs,):
        raise pl.ShapeError(
            f"The network's output does not fit {options.data}, which has {outputs} "
            f"{'classes' if data.classes else 'values a sample'}.\n"
            + draw_shapes((None, *model.output_shape), (None, outputs), "network", "data")
        )
    return model


def parse_layers(text: str, outputs: int, name: str) -> tuple[int, ...]:
    """ "128,64,10" as the hidden sizes (128, 64); the last number must be the number of outputs."""
    try:
        units = tuple(int(part) for part in text.split(","))
    except ValueError:
        units = ()
    if not units or min(units) < 1:
        raise UsageError(
            f"--layers {text!r} cannot be read. Write the units of each dense layer, such as 128,10, "
            "or the name of a .toml file that describes the network."
        )
    if units[-1] != outputs:
        raise pl.ShapeError(
            f"The last layer must have one unit for each answer, and {name} has {outputs}.\n"
            + draw_shapes((None, units[-1]), (None, outputs), "--layers", "expected")
            + f"\nWrite --layers {','.join(map(str, [*units[:-1], outputs]))}."
        )
    return units[:-1]


def read_toml(path: str, loss: pl.Loss, input_shape: Shape) -> tuple[list[pl.Layer], pl.Loss, Shape]:
    """A network from a TOML file: `[[layers]]` tables with a kind, and optionally `loss` and `input_shape`."""
    try:
        said = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise pl.DataError(f"{path} could not be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise pl.DataError(f"{path} is not valid TOML: {error}.") from None
    if not isinstance(said.get("layers"), list) or not said["layers"]:
        raise pl.DataError(f'{path} describes no layers. Begin with [[layers]] and a line kind = "Dense".')
    if unknown := set(said) - {"layers", "loss", "input_shape"}:
        raise pl.DataError(f"{path} has {', '.join(sorted(unknown))}; it may have layers, loss and input_shape.")
    layers = [pl.rebuild(layer, where=f"{path}: layers[{i}]") for i, layer in enumerate(said["layers"])]
    if "loss" in said:
        loss = pl.rebuild(said["loss"], where=f"{path}: loss")
    shape = tuple(said.get("input_shape", input_shape))
    if prod(shape) != prod(input_shape):
        raise pl.ShapeError(
            f"{path}: the data do not have this input_shape.\n"
            + draw_shapes((None, *shape), (None, *input_shape), path, "data")
        )
    return layers, loss, shape


def preparation(data: pl.Data, shape: Shape) -> Any:
    """What is done to this raw data before the first layer, measured on the training part alone."""
    if data.x.dtype == np.uint8:
        return pl.Pixels(shape, picture=data.x.shape[1:], digit=looks_like_digits(data))
    if data.columns:
        return pl.Standardize.fit(data.x, data.columns)
    return None


def looks_like_digits(data: pl.Data) -> bool:
    """Whether these pictures are digits drawn the MNIST way: ten classes named by digits, and an empty frame."""
    if data.x.shape[1:] != (28, 28) or data.classes != tuple("0123456789"):
        return False
    few = data.x[:1000]
    frame = np.concatenate([few[:, 0], few[:, -1], few[:, :, 0], few[:, :, -1]], axis=1)  # (N, 112)
    return bool(frame.any(axis=1).mean() < 0.05)


def with_targets(model: pl.Model, data: pl.Data) -> pl.Data:
    """The data with targets that the model's loss takes: class ids, or one-hot rows for a loss of numbers."""
    if not data.classes or isinstance(model.loss, ClassLoss) or data.t.ndim > 1:
        return data
    return replace(data, t=one_hot(data.t, len(data.classes)))


def one_hot(t: Array, K: int) -> Array:
    """Class ids as rows with a single 1.

    >>> one_hot(np.array([1, 0]), 2)
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """
    return np.eye(K, dtype=np.float32)[t]


def metrics_for(model: pl.Model) -> tuple[Metric, ...]:
    """What is reported beside the loss: the accuracy wherever there are classes."""
    return (pl.accuracy,) if model.classes else default_metrics(model.loss)


def build_optimizer(
    options: Options, usual: Usual, samples: int, batch_size: int, epochs: int
) -> tuple[pl.Optimizer, str]:
    """The optimizer with its schedule, and both in words."""
    lr = options.lr
    if lr is None:
        lr = usual.lr if usual.lr is not None and options.optimizer.startswith("adam") else None
        lr = USUAL_RATE.get(options.optimizer, 0.003) if lr is None else lr
    if not lr >= 0:
        raise UsageError(f"--lr is {lr!r}, but a learning rate must be 0 or more; 0.001 is common for adam.")
    steps = ceil(samples / max(batch_size, 1))
    decay = usual.decay if options.decay is None else options.decay
    schedule: Any
    if options.schedule == "exponential":
        if not 0 < decay <= 1:
            raise UsageError(f"--decay multiplies the rate after each epoch: 0 < decay <= 1, not {decay}.")
        schedule, words = pl.exponential(lr, decay ** (1 / steps)), f"rate {lr:g}, times {decay:g} every epoch"
    elif options.schedule == "inverse":
        decay = 1e-3 if options.decay is None else decay
        schedule, words = pl.inverse_decay(lr, decay), f"rate {lr:g} / (1 + {decay:g} step)"
    elif options.schedule == "cosine":
        schedule, words = pl.cosine(lr, steps * epochs), f"rate {lr:g}, down to 0 along a cosine"
    elif options.schedule == "one-cycle":
        schedule, words = pl.one_cycle(lr, steps * epochs), f"rate up to {lr:g} and down again"
    else:
        schedule, words = lr, f"rate {lr:g}"
    kind = OPTIMIZERS[options.optimizer]
    extra: dict[str, Any] = {}
    if options.momentum is not None:
        if kind is not pl.SGD:
            raise UsageError(f"--momentum belongs to sgd; {options.optimizer} has its own memory.")
        extra["momentum"] = options.momentum
    return kind(lr=schedule, **extra), f"{kind.__name__} with {words}"


def sizes(model: pl.Model) -> str:
    """The network in a few characters, such as 784-128-10."""
    dense = [layer.units for layer in model.layers if isinstance(layer, pl.Dense)]
    bends = [layer.kind for layer in model.layers if not isinstance(layer, pl.Dense | pl.Dropout)]
    head = "x".join(map(str, model.input_shape))
    return "-".join([head, *map(str, dense)]) + (f" with {', '.join(dict.fromkeys(bends))}" if bends else "")
