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
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pellucid._version import __version__
from pellucid.base.arrays import Array
from pellucid.base.errors import FileError, PellucidError
from pellucid.describe import describe, rebuild
from pellucid.events import History
from pellucid.kernels import active
from pellucid.model import Model

FORMAT = 1  # the version of the description; a reader refuses what is newer
LONGEST_HEADER = 64 << 20  # bytes
DTYPES = {"F32": "float32", "F64": "float64", "F16": "float16"}


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
    """
    arrays, doc = read(path)
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
        "classes": list(model.classes),
        "history": list(model.history),
        "versions": {"pellucid": __version__, "numpy": np.__version__, "kernels": active().NAME},
    }


def tensors(model: Model) -> dict[str, Array]:
    """The model's parameters and buffers by their paths; views, not copies."""
    found = {path: model.theta[s.at].reshape(s.shape) for path, s in model.slots.items()}
    return found | {path: model.buffers[s.at].reshape(s.shape) for path, s in model.buffer_slots.items()}


def model_from(path: Any, arrays: dict[str, Array], doc: dict[str, Any], extra: Iterable[type] = ()) -> Model:
    """A model out of a description and its tensors."""
    try:
        model = Model(
            *rebuild(doc["layers"], extra, "layers"),
            loss=rebuild(doc["loss"], extra, "loss"),
            input_shape=tuple(doc["input_shape"]),
            seed=doc["seed"],
            dtype=doc["dtype"],
            penalty=rebuild(doc["penalty"], extra, "penalty"),
            prepare=rebuild(doc["prepare"], extra, "prepare"),
            classes=doc["classes"],
        )
    except (KeyError, TypeError, ValueError, MemoryError) as error:
        said = error if isinstance(error, PellucidError) else f"{type(error).__name__}: {error}"
        raise FileError(f"The description in {path} does not make a network. {said}") from None
    for name, own in tensors(model).items():
        if name not in arrays:
            raise FileError(f"{path} is incomplete: its description names a tensor {name}, which is not in the file.")
        if arrays[name].shape != own.shape:
            raise FileError(
                f"{path} contradicts itself: by its description {name} has shape {own.shape}, "
                f"in the file it has {arrays[name].shape}."
            )
        own[...] = arrays[name]
    model.history = History(doc.get("history", []))
    return model


# ---- bytes ----------------------------------------------------------------------------------------------------------


def write(path: str | os.PathLike[str], arrays: dict[str, Array], doc: dict[str, Any]) -> None:
    """One safetensors file of these arrays and this document, atomically."""
    from safetensors.numpy import save as to_bytes

    text = json.dumps(doc)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomically(path, to_bytes(whole, metadata={"pellucid": text}))


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Put `content` at `path`: afterwards it is there whole, or (with a FileError) the old file still is."""
    target = Path(path)
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            temporary = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        kept = " The file that was there before is untouched." if target.exists() else ""
        raise FileError(f"{target} could not be written: {error.strerror or error}.{kept}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the document of a file, once everything it claims has been checked."""
    claimed, text = _header(path)
    try:
        doc = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is damaged: its description is not JSON ({error}).") from None
    if not isinstance(doc, dict) or not isinstance(doc.get("format"), int):
        raise FileError(f"{path} is damaged: its description does not say its format.")
    if doc["format"] > FORMAT:
        raise FileError(
            f"{path} was written by a newer Pellucid (format {doc['format']}; this one reads up to {FORMAT}). "
            "Upgrade: pip install --upgrade pellucid."
        )
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(os.fspath(path))
    except (SafetensorError, ValueError, OSError) as error:
        raise FileError(f"{path} is damaged: {error}.") from None
    assert set(arrays) == claimed
    return arrays, doc


def _header(path: str | os.PathLike[str]) -> tuple[set[str], str]:
    """The names and the description that the file claims, checked against the file's length."""
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
        metadata = header.pop("__metadata__", {})
        text = metadata.get("pellucid")
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        for name, entry in header.items():
            begin, stop = entry["data_offsets"]
            wanted = int(np.prod(entry["shape"], dtype=object)) * np.dtype(DTYPES[entry["dtype"]]).itemsize
            if min([begin, *entry["shape"], 0]) < 0 or stop - begin != wanted:
                raise FileError(f"{path} contradicts itself: {name} of shape {entry['shape']} does not fill its bytes.")
    except OSError as error:
        if isinstance(error, PellucidError):
            raise
        raise FileError(f"{path} could not be read: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(f"{path} is damaged: its header cannot be read ({type(error).__name__}: {error}).") from None
    if end != size - 8 - length:
        raise FileError(f"{path} is damaged or cut: it claims {end} bytes of numbers and holds {size - 8 - length}.")
    if not isinstance(text, str):
        raise FileError(f"{path} holds tensors but no Pellucid description, so the network around them is not known.")
    return set(header), text
