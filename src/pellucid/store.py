"""Model files and checkpoints: numbers and a description, in one safetensors file.

The tensors lie under their paths ("0.dense.W"); the header's metadata holds one JSON document with everything else.
There is no code in the file, and reading it runs none. Whatever it claims is checked against its own description and
its own length before memory is set aside. Writing is atomic: a temporary file, flushed to the disk, then renamed; if
anything goes wrong on the way, the old file is still there, whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import struct
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from pellucid._version import __version__
from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import DataError, FileError, PellucidError
from pellucid.base.params import Penalty
from pellucid.data import Digits, Pixels, Standardize, Table
from pellucid.describe import describe, rebuild
from pellucid.events import History
from pellucid.kernels import active
from pellucid.layers import Layer, Sequential
from pellucid.layers.compose import walk
from pellucid.losses import Loss
from pellucid.model import Model

FORMAT = 1  # the version of the description; a reader refuses what is newer
LONGEST_HEADER = 64 << 20  # bytes
MOST_AXES = 32
DTYPES = {"F32": "float32", "F64": "float64", "F16": "float16"}
CHECKPOINT_ONLY = ("optimizer.", "best.")  # beginnings of the tensors that a checkpoint has besides a model's
DAMAGE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, MemoryError)


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file.

    Args:
        model: what to save: layers, parameters, loss, preparation, class names, history.
        path: where; an existing file is replaced only once the new one is complete.

    Raises:
        FileError: if it cannot be written; the old file is untouched.
        DataError: if the model holds an object that cannot be written down as plain data.
    """
    write(path, tensors(model), document(model))


def load(path: str | os.PathLike[str], extra: Iterable[type] = ()) -> Model:
    """The model in a file, ready to predict or to train on.

    Args:
        path: a model file or a checkpoint.
        extra: classes of your own layers that the file may name.

    Raises:
        FileError: if the file is missing, cut, or not what it claims to be.

    >>> import tempfile
    >>> import pellucid as pl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = pl.Model(pl.Dense(2), input_shape=(3,))
    ...     model.save(f"{folder}/model.safetensors")
    ...     twin = pl.load(f"{folder}/model.safetensors")
    >>> bool((twin.theta == model.theta).all())
    True
    """
    arrays, doc = read(path)
    if doc.get("what") == "trace":
        raise FileError(f"{path} is a trace, not a model: pl.load_trace reads it.")
    return model_from(path, arrays, doc, extra)


def document(model: Model) -> dict[str, Any]:
    """Everything about a model but its numbers, as plain data."""
    return {
        "format": FORMAT,
        "what": "model",
        "layers": [describe(layer) for layer in model.layers],
        "loss": describe(model.loss),
        "input_shape": list(model.input_shape),
        "seed": model.seed,
        "dtype": str(model.dtype),
        "penalty": describe(model.penalty),
        "prepare": describe(model.prepare),
        "classes": [str(name) for name in model.classes],
        "history": list(model.history),
        "versions": {"pellucid": __version__, "numpy": np.__version__, "kernels": active().NAME},
    }


def tensors(model: Model) -> dict[str, Array]:
    """The model's parameters and buffers by their paths; views, not copies."""
    found = {path: model.theta[s.at].reshape(s.shape) for path, s in model.slots.items()}
    return found | {path: model.buffers[s.at].reshape(s.shape) for path, s in model.buffer_slots.items()}


def model_from(path: Any, arrays: dict[str, Array], doc: dict[str, Any], extra: Iterable[type] = ()) -> Model:
    """A model out of a description and its tensors. The two are compared before the model asks for memory."""
    try:
        layers, options = network(doc, extra)
        wanted = shapes(layers, options["input_shape"])
        compare(path, arrays, wanted, options["dtype"], CHECKPOINT_ONLY if doc["what"] == "checkpoint" else ())
        model = Model(*layers, **options)
        model.history = history(doc)
    except DAMAGE as error:
        said = error if isinstance(error, PellucidError) else f"{type(error).__name__}: {error}"
        raise FileError(f"The description in {path} does not make a network. {said}") from None
    for name, own in tensors(model).items():
        own[...] = arrays[name]
    return model


def network(doc: dict[str, Any], extra: Iterable[type] = ()) -> tuple[tuple[Layer, ...], dict[str, Any]]:
    """The layers and the other arguments of a model, each of the kind that it must be."""
    extra = tuple(extra)
    parts = {name: rebuild(doc[name], extra, name) for name in ("layers", "loss", "penalty", "prepare")}
    kinds: dict[str, Any] = {"layers": tuple, "loss": Loss, "penalty": Penalty | None}
    kinds["prepare"] = (Digits, Pixels, Standardize, Table, type(None), *extra)
    for name, kind in kinds.items():
        if not isinstance(parts[name], kind):
            raise DataError(f"{doc[name]!r} cannot be its {name}.")
    if not all(isinstance(layer, Layer) for layer in parts["layers"]):
        raise DataError("Its layers are not all layers.")
    size, names, seed = doc["input_shape"], doc["classes"], doc["seed"]
    if not isinstance(size, list) or not all(isinstance(n, int) and n >= 1 for n in size):
        raise DataError(f"{size!r} cannot be its input_shape.")
    if isinstance(parts["prepare"], Table) and [parts["prepare"].width] != size:
        raise DataError(f"Its table gives {parts['prepare'].width} numbers a row, and its input_shape is {size!r}.")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError("Its class names are not a list of names.")
    if doc["dtype"] not in DTYPES.values() or type(seed) is not int:
        raise DataError(f"{doc['dtype']!r} cannot be its dtype, or {seed!r} its seed.")
    options = {"input_shape": tuple(size), "seed": seed, "dtype": doc["dtype"], "classes": names}
    return parts.pop("layers"), parts | options


def history(doc: dict[str, Any]) -> History:
    """The history in a document."""
    rows = doc["history"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError("Its history is not a list of epochs.")
    return History(rows)


def shapes(layers: Sequence[Layer], input_shape: Shape) -> dict[str, Shape]:
    """The shape of every tensor of a network, by path, without making any.

    >>> from pellucid.layers import Dense
    >>> shapes([Dense(10**12)], (2,))
    {'0.dense.W': (2, 1000000000000), '0.dense.b': (1000000000000,)}
    """
    net, x = Sequential(*layers), (1, *input_shape)
    net.output_shape(x)  # says what does not fit
    return {
        f"{path}.{name}": p.shape
        for path, layer, shape in walk(net, x)
        for name, p in (layer.params(shape) | layer.buffers(shape)).items()
    }


def compare(
    path: Any, arrays: dict[str, Array], wanted: dict[str, Shape], dtype: Any, also: tuple[str, ...] = ()
) -> None:
    """Refuse tensors that are not exactly those that are wanted; names that begin as in `also` may stand beside."""
    for name, shape in wanted.items():
        if name not in arrays:
            raise FileError(f"{path} is incomplete: its description names a tensor {name}, which is not in the file.")
        if arrays[name].shape != shape or arrays[name].dtype != dtype:
            raise FileError(
                f"{path} contradicts itself: by its description {name} is {dtype} of shape {shape}, "
                f"in the file it is {arrays[name].dtype} of shape {arrays[name].shape}."
            )
    if unknown := [name for name in arrays if name not in wanted and not name.startswith(also)]:
        raise FileError(f"{path} contradicts itself: it holds {', '.join(unknown[:4])}, which its description lacks.")


# ---- bytes ----------------------------------------------------------------------------------------------------------


def write(path: str | os.PathLike[str], arrays: dict[str, Array], doc: dict[str, Any]) -> None:
    """One safetensors file of these arrays and this document, atomically. What cannot be read again is not written."""
    from safetensors.numpy import save as to_bytes

    for name, array in arrays.items():
        if str(array.dtype) not in DTYPES.values():
            raise DataError(f"{name} is {array.dtype}, which a model file cannot hold; it holds float64, 32 or 16.")
    text = json.dumps(doc, default=describe)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = to_bytes(whole, metadata={"pellucid": text})
    if struct.unpack("<Q", content[:8])[0] > LONGEST_HEADER:
        raise DataError(
            f"The description of this model is {len(text):,} bytes long, more than a model file's {LONGEST_HEADER:,}. "
            "Most of it is likely the history: model.history.clear() forgets that."
        )
    write_atomically(path, content)


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Put `content` at `path`: afterwards it is there whole, or (with a FileError) the old file still is."""
    target, there = Path(os.path.realpath(path)), False  # a link stays a link: the file it leads to is replaced
    try:
        there = target.exists()
        if there and not target.is_file():
            raise FileError(f"{target} is no ordinary file, so it is not replaced by one. Give another name.")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.part")
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:  # also Ctrl-C: nothing half-written stays
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        if isinstance(error, PellucidError):
            raise
        kept = " The file that was there before is untouched." if there else ""
        raise FileError(f"{target} could not be written: {error.strerror or error}.{kept}") from error


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the document of a file, once everything it claims has been checked."""
    try:
        doc = json.loads(_header(path))
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is damaged: its description is not JSON ({error}).") from None
    version = doc.get("format") if isinstance(doc, dict) else None
    if type(version) is not int or version < 1:
        raise FileError(f"{path} is damaged: its description does not say its format.")
    if version > FORMAT:
        raise FileError(
            f"{path} was written by a newer Pellucid (format {version}; this one reads up to {FORMAT}). "
            "Upgrade: pip install --upgrade pellucid."
        )
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(os.fspath(path))
    except (SafetensorError, OSError, *DAMAGE) as error:
        raise FileError(f"{path} is damaged: {error}.") from None
    return arrays, doc


def _header(path: str | os.PathLike[str]) -> str:
    """The description in a file, once what its header claims has been checked against the file's length."""
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else -1
            if not 0 < length <= min(LONGEST_HEADER, size - 8):
                raise FileError(
                    f"{path} is not a model file, or it was cut: it is {size} bytes long and claims a header of "
                    f"{max(length, 0)}. Model files end in .safetensors and are made by model.save()."
                )
            header = json.loads(file.read(length))
        text = header.pop("__metadata__", {}).get("pellucid")
        if not isinstance(text, str):
            raise FileError(
                f"{path} holds tensors but no Pellucid description, so the network around them is not known."
            )
        for name, entry in header.items():
            shape, (begin, stop) = entry["shape"], entry["data_offsets"]
            sound = len(shape) <= MOST_AXES and all(type(n) is int and 0 <= n <= size for n in (begin, stop, *shape))
            if not sound or stop - begin != prod(shape) * np.dtype(DTYPES[entry["dtype"]]).itemsize:
                raise FileError(f"{path} contradicts itself: the shape of {name} does not fill its bytes.")
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except OSError as error:
        if isinstance(error, PellucidError):
            raise
        raise FileError(f"{path} could not be read: {error.strerror or error}.") from None
    except DAMAGE as error:
        raise FileError(f"{path} is damaged: its header cannot be read ({type(error).__name__}: {error}).") from None
    if end != size - 8 - length:
        raise FileError(f"{path} is damaged or cut: it claims {end} bytes of numbers and holds {size - 8 - length}.")
    return text
