"""From what was typed to a training: the data, the network, the optimizer, and what was chosen where nothing was said.

Everything that is chosen is listed here and printed when training starts, so that nobody has to guess it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

import pellucid as pl
from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.cli.augmenting import Augmenting, border, build_augment, check_pictures_for
from pellucid.cli.folders import file_names, groups_by, is_folder
from pellucid.cli.network import build_model, sizes
from pellucid.cli.tables import check_classes, check_table_options, inferred_for, table_lines, times_of
from pellucid.cli.usual import OPTIMIZERS, USUAL_RATE, Usual, usual_for
from pellucid.data.batches import check_finite
from pellucid.datasets import Stream
from pellucid.datasets.infer import Inferred
from pellucid.inspection.summary import loss_name
from pellucid.losses import ClassLoss
from pellucid.model import Metric, default_metrics


@dataclass(frozen=True)
class Options(Augmenting):
    """What was typed; None where nothing was. The fields are the command's options, beside those for pictures."""

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
    standardize: bool = False
    seed: int = 0
    target: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    size: int | None = None
    grey: bool = False
    digits: bool | None = None
    group_by: str | None = None
    stream: bool | None = None


@dataclass(frozen=True)
class Plan:
    """A training ready to start, and the parts of the data beside it."""

    training: pl.Training
    data: pl.Data
    validation: pl.Data | None
    test: pl.Data
    test_is_fresh: bool  # the test part came with the data, instead of being set aside from it
    lines: tuple[str, ...]  # what was chosen, in words
    inferred: Inferred | None = None  # what was found about a table's columns


def make_plan(options: Options, loaded: tuple[pl.Data, pl.Data | None], model: pl.Model | None = None) -> Plan:
    """Everything that a training needs, from the options and the loaded data, around a model if there is one."""
    usual, fresh = usual_for(options.data, loaded[0]), loaded[1] is not None
    data, validation, test = divide(options, loaded)
    check_pictures_for(options, usual.shift, data, options.data)
    if options.enlarge is not None:
        if isinstance(data, Stream):
            raise UsageError(
                f"--enlarge makes copies in memory, and {options.data} stays on the disk. Read it whole with "
                "--no-stream, or change its batches instead: --shift 1."
            )
        data = pl.enlarge(data, int(options.enlarge), fill=border(data.x))
    inferred = inferred_for(options, data) if model is None else None
    if model is None:
        model = build_model(options, usual, data, inferred.table if inferred else None)
    data, test = with_targets(model, data), with_targets(model, test)
    validation = with_targets(model, validation) if validation is not None else None
    epochs = usual.epochs if options.epochs is None else options.epochs
    batch_size = usual.batch_size if options.batch_size is None else options.batch_size
    full = model.prepare.full if isinstance(model.prepare, pl.Pixels | pl.Digits) else None
    augment, changes = build_augment(options, usual.shift, data, options.data, full)
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
        augment=augment,
        clip=options.clip,
    )
    what = "pictures" if data.x.ndim >= 3 else "samples"
    kind = f"{len(data.classes)} classes" if data.classes else "values to predict"
    size = f"{what} of {'x'.join(map(str, data.x.shape[1:])) or '1'}, {kind}" if inferred is None else "rows of a table"
    if isinstance(model.prepare, pl.Digits) and is_folder(options.data):
        size += "; each cut out, fitted into 20x20 and centred, as MNIST's digits were"
    lines = (
        f"data      {options.data}: {len(data):,} to train, {len(validation) if validation else 0:,} to validate, "
        f"{len(test):,} to test; {size}",
        *((f"stream    {data.words()}",) if isinstance(data, Stream) else ()),
        *(table_lines(inferred, data, options.target is None) if inferred else ()),
        f"network   {sizes(model)} ({model.theta.size:,} parameters), {loss_name(model.loss)}",
        f"training  {epochs} epoch{'s' * (epochs > 1)}, batches of {batch_size}, {words}"
        + (f", each picture {options.enlarge} times, shifted" if options.enlarge is not None else "")
        + (f", pictures {', '.join(changes)}" if changes else "")
        + (f", dropout {options.dropout:g}" if options.dropout else "")
        + (f", penalty {model.penalty!r}" if model.penalty is not None else ""),
    )
    return Plan(training, data, validation, test, fresh, lines, inferred)


def divide(options: Options, loaded: tuple[pl.Data, pl.Data | None]) -> tuple[pl.Data, pl.Data | None, pl.Data]:
    """The loaded data as they are used: to learn from, to choose by (if anything), to be judged on."""
    data, test = loaded
    for part in (data, test):
        if part is not None:
            check_finite(part)
    check_table_options(options, data)
    if test is not None:
        learn, choose = _parts(options, data, "--validation", options.validation, seed=options.seed)
        return learn, choose, test
    check_classes(data)
    _share("--test", options.test)
    if options.group_by is not None:
        groups = groups_by(options.group_by, file_names(options.data))
        if options.validation == 0:
            learn, test = pl.split(data, options.test, options.seed + 1, groups=groups)
            return learn, None, test
        validation = _share("--validation", options.validation) * (1.0 - options.test)  # a share of the rest
        return pl.three_parts(data, validation, options.test, options.seed, groups=groups)
    data, test = _aside(options, data, options.test, seed=options.seed + 1)
    learn, choose = _parts(options, data, "--validation", options.validation, seed=options.seed)
    return learn, choose, test


def _parts(options: Options, data: pl.Data, option: str, share: float, seed: int) -> tuple[pl.Data, pl.Data | None]:
    return _aside(options, data, _share(option, share), seed) if share != 0 else (data, None)


def _aside(options: Options, data: pl.Data, share: float, seed: int) -> tuple[pl.Data, pl.Data]:
    """The data without a share of them, and that share: chosen by chance, by whole groups, or the latest."""
    groups = None if options.group is None else data.x[options.group]
    return pl.split(data, share, seed, groups=groups, times=None if options.time is None else times_of(options, data))


def _share(option: str, share: float) -> float:
    if not 0 < share < 1:
        raise UsageError(f"{option} is a share of the samples, above 0 and below 1, not {share:g}; 0.1 is common.")
    return share


def with_targets(model: pl.Model, data: pl.Data) -> pl.Data:
    """The data with targets that the model's loss takes: class ids, or one-hot rows for a loss of numbers.

    One output for two classes is a yes-or-no answer, whose targets are the ids 0 and 1 themselves.
    """
    if not data.classes or isinstance(model.loss, ClassLoss) or data.t.ndim > 1 or model.output_shape == (1,):
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
    if options.decay is not None and options.schedule not in ("exponential", "inverse"):
        raise UsageError(f"--decay belongs to the schedules exponential and inverse; {options.schedule} has none.")
    steps = ceil(samples / max(batch_size, 1))
    decay = usual.decay if options.decay is None else options.decay
    schedule: Any
    if options.schedule == "exponential":
        if not 0 < decay <= 1:
            raise UsageError(f"--decay multiplies the rate after each epoch: 0 < decay <= 1, not {decay}.")
        schedule, words = pl.exponential(lr, decay ** (1 / steps)), f"rate {lr:g}, times {decay:g} every epoch"
    elif options.schedule == "inverse":
        decay = 1e-3 if options.decay is None else decay
        if not decay >= 0:
            raise UsageError(f"--decay divides the rate by 1 + decay * step, so it is 0 or more, not {decay:g}.")
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
