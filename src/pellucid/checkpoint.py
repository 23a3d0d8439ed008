"""A training at rest, in one file: the model file plus the optimizer's state, the random states and the position.

Train 10 epochs, or train 4, stop, load, train 6: the same bits, also when the stop was inside an epoch. The order of
the samples follows from the seed and the epoch, so it is not saved; what was drawn for dropout and augmentation comes
from two streams whose states are.
"""

from __future__ import annotations

import os
import tempfile  # noqa: F401 - for the examples
import zlib
from typing import Any

import numpy as np

from pellucid.base.errors import DataError, FileError
from pellucid.base.tally import Tally
from pellucid.data.batches import Data
from pellucid.describe import describe
from pellucid.events import History
from pellucid.kernels import active
from pellucid.store import document, read, tensors, write
from pellucid.train import Best, Training

SLOT = "optimizer."  # prefixes of the tensors that a model file does not have
BEST = "best."


def save_checkpoint(training: Training, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint of a training that is between two events.

    Args:
        training: the training.
        path: where; an existing file is replaced only once the new one is complete.

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
            "batch_size": training.batch_size,
            "seed": training.seed,
            "augment": repr(training.augment),
            "clip": training.clip,
            "sums": {name: [tally.total, tally.n] for name, tally in training.sums.items()},
            "noise": training.noise.bit_generator.state,
            "augmentation": training.augmentation.bit_generator.state,
            "optimizer_rng": optimizer.rng.bit_generator.state if hasattr(optimizer, "rng") else None,
            "data": fingerprint(training.data),
            "best": None if best is None else [best.value, best.epoch],
        },
    }
    write(path, arrays, doc)


def resume(training: Training, path: str | os.PathLike[str]) -> Training:
    """Put a training that has just been made where the checkpoint's was; it goes on from there to the same bits.

    Args:
        training: a new training of an equal model on the same data, with the same arguments (`epochs` may differ).
        path: the checkpoint.

    Raises:
        FileError: if the checkpoint is damaged or of another network.
        DataError: if the data, the batch size or another argument differ, since then the result would too.

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
    arrays, doc = read(path)
    if doc.get("what") != "checkpoint":
        raise FileError(f"{path} is a model file, not a checkpoint: it does not hold the state of a training.")
    model, optimizer = training.model, training.optimizer
    _same(training, doc, path)
    try:
        said: dict[str, Any] = doc["training"]
        for name, own in tensors(model).items():
            own[...] = arrays[name]
        for name in optimizer.vectors:
            getattr(optimizer, name)[...] = arrays[SLOT + name]
        optimizer.t = said["t"]
        if said["optimizer_rng"] is not None:
            optimizer.rng.bit_generator.state = said["optimizer_rng"]  # type: ignore[attr-defined]
        training.noise.bit_generator.state = said["noise"]
        training.augmentation.bit_generator.state = said["augmentation"]
        training.epoch, training.batch, training.step = said["epoch"], said["batch"], said["step"]
        training.sums = {name: Tally(*pair) for name, pair in said["sums"].items()}
        if said["best"] is not None:
            value, epoch = said["best"]
            training.best = Best(value, epoch, arrays[BEST + "theta"].copy(), arrays[BEST + "buffers"].copy())
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"The checkpoint {path} is incomplete: {type(error).__name__}: {error}.") from None
    training.history = History(doc["history"])
    model.history = training.history
    return training


def _same(training: Training, doc: dict[str, Any], path: Any) -> None:
    """Refuse a checkpoint of another training, naming everything that differs."""
    here = document(training.model) | {"optimizer": describe(training.optimizer)}
    differ = [
        f"{key} (checkpoint {doc.get(key)!r}, now {here[key]!r})"
        for key in ("layers", "loss", "input_shape", "dtype", "penalty", "prepare", "optimizer")
        if doc.get(key) != here[key]
    ]
    now = {
        "batch_size": training.batch_size,
        "seed": training.seed,
        "augment": repr(training.augment),
        "clip": training.clip,
        "data": fingerprint(training.data),
    }
    said = doc.get("training", {})
    differ += [f"{key} (checkpoint {said.get(key)!r}, now {now[key]!r})" for key in now if said.get(key) != now[key]]
    kernels = doc.get("versions", {}).get("kernels")
    if kernels != active().NAME:
        differ.append(f"kernels (checkpoint {kernels}, now {active().NAME}; set PELLUCID_KERNELS={kernels})")
    if differ:
        raise DataError(
            f"The checkpoint {path} is of another training, so going on from it would not give the same result. "
            "What differs: " + "; ".join(differ) + ". Use the same options and data, or start afresh without it."
        )


def fingerprint(data: Data) -> str:
    """A short name of a data set's content: the same data have the same, and almost no other.

    >>> fingerprint(Data(np.zeros((2, 3)), np.array([0, 1])))
    '2x3 float64 b92763a8'
    """
    digest = 0
    for array in (data.x, data.t, data.weights):
        if array is not None:
            for i in range(0, len(array), 4096):
                digest = zlib.crc32(np.ascontiguousarray(array[i : i + 4096]).data, digest)
    return f"{'x'.join(map(str, data.x.shape))} {data.x.dtype} {digest:08x}"
