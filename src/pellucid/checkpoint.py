"""A training at rest, in one file: the model file plus the optimizer's state, the random states and the position.

Train 10 epochs, or train 4, stop, load, train 6: the same bits, also when the stop was inside an epoch. The order of
the samples follows from the seed and the epoch, so it is not saved; what was drawn for dropout and augmentation comes
from two streams whose states are.
"""

from __future__ import annotations

import os
import re
import reprlib
import tempfile  # noqa: F401 - for the examples
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Rows
from pellucid.base.errors import DataError, FileError, UsageError
from pellucid.base.tally import Tally
from pellucid.data.batches import Data
from pellucid.describe import describe
from pellucid.kernels import active
from pellucid.metrics import metric_name
from pellucid.store import CHECKPOINT_ONLY, DAMAGE, compare, document, history, read, tensors, write
from pellucid.train import Best, Training

SLOT, BEST = CHECKPOINT_ONLY  # prefixes of the tensors that a model file does not have
MOST_DIFFERENCES = 6  # more are counted, not listed
SHORT = reprlib.Repr()
SHORT.maxstring = 72  # room for a chain of augmentations


def save_checkpoint(training: Training, path: str | os.PathLike[str], arguments: dict[str, Any] | None = None) -> None:
    """Write a checkpoint of a training that is between two events.

    Args:
        training: the training.
        path: where; an existing file is replaced only once the new one is complete.
        arguments: what `arguments_of(training)` gave, for who writes many: it reads all the data. Default that.

    >>> import pellucid as pl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = pl.Model(pl.Dense(1), input_shape=(1,))
    ...     training = pl.train(model, ([[0.0], [1.0]], [0.0, 1.0]), epochs=2, batch_size=1)
    ...     stop = [event for event in training if isinstance(event, pl.EpochDone) and event.epoch == 1]
    ...     pl.save_checkpoint(training, f"{folder}/checkpoint.safetensors")
    """
    optimizer, best = training.optimizer, training.best
    arrays = tensors(training.model)
    arrays |= {SLOT + name: getattr(optimizer, name) for name in optimizer.vectors}
    if best is not None:
        arrays |= {BEST + "theta": best.theta, BEST + "buffers": best.buffers}
    doc = document(training.model) | {
        "what": "checkpoint",
        "optimizer": describe(optimizer),
        "training": {
            "epoch": training.epoch,
            "batch": training.batch,
            "step": training.step,
            "t": optimizer.t,
            "arguments": arguments_of(training) if arguments is None else arguments,
            "sums": {name: [tally.total, tally.n] for name, tally in training.sums.items()},
            "noise": training.noise.bit_generator.state,
            "augmentation": training.augmentation.bit_generator.state,
            "optimizer_rng": optimizer.rng.bit_generator.state if hasattr(optimizer, "rng") else None,
            "best": None if best is None else [best.value, best.epoch],
        },
    }
    write(path, arrays, doc)


def resume(training: Training, path: str | os.PathLike[str], arguments: dict[str, Any] | None = None) -> Training:
    """Put a training that has just been made where the checkpoint's was; it goes on from there to the same bits.

    Args:
        training: a new training of an equal model on the same data, with the same arguments (`epochs` may differ).
        path: the checkpoint.
        arguments: what `arguments_of(training)` gave, for who resumes often. Default that.

    Raises:
        FileError: if the checkpoint is damaged or of another network.
        DataError: if the data, the batch size or another argument differ, since then the result would too.
        UsageError: if the training is already under way.

    >>> import pellucid as pl
    >>> def start(epochs):
    ...     model = pl.Model(pl.Dense(1), input_shape=(1,))
    ...     return pl.train(model, ([[0.0], [1.0]], [0.0, 1.0]), epochs=epochs, batch_size=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = start(epochs=2); events = list(first)
    ...     pl.save_checkpoint(first, f"{folder}/checkpoint.safetensors")
    ...     second = pl.resume(start(epochs=5), f"{folder}/checkpoint.safetensors"); events = list(second)
    >>> whole = start(epochs=5); events = list(whole)
    >>> bool((second.model.theta == whole.model.theta).all()), second.history == whole.history
    (True, True)
    """
    if training.step or training.epoch:
        raise UsageError(
            f"resume needs a training that has just been made, but this one has done {training.step} steps. "
            "Make a new one: pl.resume(pl.train(model, data, ...), path)."
        )
    arrays, doc = read(path)
    if doc.get("what") != "checkpoint":
        raise FileError(f"{path} is a model file, not a checkpoint: it does not hold the state of a training.")
    model, optimizer = training.model, training.optimizer
    try:
        differ = _differences(training, doc, arguments_of(training) if arguments is None else arguments)
        moved, memory = ({}, {}) if differ else _position(training, arrays, doc, path)
    except DAMAGE as error:
        raise FileError(f"The checkpoint {path} is damaged: {type(error).__name__}: {error}.") from None
    if differ:
        more = len(differ) - MOST_DIFFERENCES
        raise DataError(
            f"The checkpoint {path} is of another training, so going on from it would not give the same result. "
            f"What differs: {'; '.join(differ[:MOST_DIFFERENCES])}{f'; and {more} more' if more > 0 else ''}. "
            "Use the same options and data, or start afresh without it."
        )
    for name, own in tensors(model).items():  # from here on nothing can fail: the training is moved wholly or not
        own[...] = arrays[name]
    for name in optimizer.vectors:
        getattr(optimizer, name)[...] = arrays[SLOT + name]
    for thing, values in ((optimizer, memory), (training, moved)):
        for name, value in values.items():
            setattr(thing, name, value)
    model.history = training.history
    return training


def _position(
    training: Training, arrays: dict[str, Array], doc: dict[str, Any], path: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes of the training and of its optimizer that the checkpoint sets, once its tensors are checked."""
    model, optimizer, said = training.model, training.optimizer, doc["training"]
    wanted = {name: own.shape for name, own in tensors(model).items()}
    wanted |= {SLOT + name: model.theta.shape for name in optimizer.vectors}
    best = None
    if said["best"] is not None:
        wanted |= {BEST + "theta": model.theta.shape, BEST + "buffers": model.buffers.shape}
    compare(path, arrays, wanted, model.dtype)
    if said["best"] is not None:
        value, when = said["best"]
        best = Best(float(value), int(when), arrays[BEST + "theta"], arrays[BEST + "buffers"])
    counts = {name: said[name] for name in ("epoch", "batch", "step", "t")}
    if not all(type(n) is int and n >= 0 for n in counts.values()) or counts["batch"] > training.steps_per_epoch:
        raise DataError(f"its position cannot be {counts}")
    memory: dict[str, Any] = {"t": counts.pop("t")}
    if hasattr(optimizer, "rng"):
        memory["rng"] = _stream(said["optimizer_rng"])
    return counts | {
        "noise": _stream(said["noise"]),
        "augmentation": _stream(said["augmentation"]),
        "sums": {name: Tally(float(total), float(n)) for name, (total, n) in said["sums"].items()},
        "best": best,
        "history": history(doc),
    }, memory


def _stream(state: Any) -> np.random.Generator:
    """A random stream in the state that a checkpoint says."""
    rng = np.random.default_rng(0)
    rng.bit_generator.state = state
    return rng


def arguments_of(training: Training) -> dict[str, Any]:
    """What a training must share with a checkpoint so that going on from it gives the same result."""
    return {
        "batch_size": training.batch_size,
        "seed": training.seed,
        "augment": _told(training.augment),
        "clip": training.clip,
        "metrics": [metric_name(f) for f in training.metrics],
        "data": fingerprint(training.data),
        "validation": None if training.validation is None else fingerprint(training.validation),
    }


def _told(augment: Any) -> Any:
    """An augmentation as plain data; a plain function, or a chain that holds one, by its text."""
    try:
        return describe(augment)
    except DataError:
        return re.sub(" at 0x[0-9a-f]+", "", repr(augment))  # a function's address changes


def _differences(training: Training, doc: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What a checkpoint's training and this one do not share, each with its place."""
    here = document(training.model) | {"optimizer": describe(training.optimizer)}
    differ: list[str] = []
    for key in ("layers", "loss", "input_shape", "dtype", "penalty", "prepare", "optimizer"):
        differ += differences(doc[key], here[key], key)
    for key in now:
        differ += differences(doc["training"]["arguments"].get(key), now[key], key)
    kernels = doc["versions"]["kernels"]
    if kernels != active().NAME:
        differ.append(f"kernels (checkpoint {kernels}, now {active().NAME}; set PELLUCID_KERNELS={kernels})")
    return differ


def differences(then: Any, now: Any, where: str) -> Iterator[str]:
    """What two descriptions do not share, each with its place.

    >>> list(differences({"kind": "Dense", "units": 9}, {"kind": "Dense", "units": 10}, "layers[0]"))
    ['layers[0].units (checkpoint 9, now 10)']
    """
    if isinstance(then, dict) and isinstance(now, dict) and then.get("kind") == now.get("kind"):
        for key in sorted(then.keys() | now.keys()):
            if key in then and key in now:
                yield from differences(then[key], now[key], f"{where}.{key}")
            else:
                a, b = (SHORT.repr(said[key]) if key in said else "its default" for said in (then, now))
                yield f"{where}.{key} (checkpoint {a}, now {b})"
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for i, (a, b) in enumerate(zip(then, now, strict=True)):
            yield from differences(a, b, f"{where}[{i}]")
    elif isinstance(then, list) and isinstance(now, list):
        yield f"{where} (checkpoint has {len(then)}, now {len(now)})"
    elif then != now:
        a, b = (said["kind"] if isinstance(said, dict) and "kind" in said else SHORT.repr(said) for said in (then, now))
        yield f"{where} (checkpoint {a}, now {b})"


def fingerprint(data: Data) -> str:
    """A short name of a data set's content: the same data have the same, and almost no other.

    >>> fingerprint(Data(np.zeros((2, 3)), np.array([0, 1])))
    '2x3 float64 b92763a8'
    """
    digest = 0
    arrays: tuple[Any, ...] = (data.x, data.t, data.weights, data.mask)
    for array in arrays:
        if isinstance(array, Rows):
            digest = zlib.crc32(array.mark(), digest)
        elif array is not None:
            for i in range(0, len(array), 4096):
                digest = zlib.crc32(np.ascontiguousarray(array[i : i + 4096]).data, digest)
    return f"{'x'.join(map(str, data.x.shape))} {data.x.dtype} {digest:08x}"
