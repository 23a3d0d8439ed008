"""A trace as a plain document: one safetensors file of every array, and in its header one JSON document.

The arrays lie under their paths ("0.dense.dW", "1.relu.cache.y"); the model's parameters are those that the forward
pass used. Each array is written once: that 1.relu's x is 0.dense's y stands in the document. Whole numbers are written
as float64, which holds them exactly, and read back as what they were. docs/trace.md describes the schema.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import FileError, PellucidError
from pellucid.describe import describe, rebuild
from pellucid.inspection.trace import Node, Scores, Trace, Update
from pellucid.layers.window import Window
from pellucid.optim import Optimizer
from pellucid.store import DAMAGE, document, model_from, read, tensors, write

SCHEMA = 1  # the version of what is described in docs/trace.md; a reader refuses what is newer
FOUR = ("x", "y", "dy", "dx")


class _Writer:
    """Collects arrays under their paths; one that was there before becomes a reference."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.same: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self._known: dict[tuple[int, tuple[int, ...], tuple[int, ...]], str] = {}

    def put(self, path: str, array: Array) -> None:
        """One array under a path."""
        key = (array.__array_interface__["data"][0], array.shape, array.strides)
        if array.size and self._known.setdefault(key, path) != path:
            self.same[path] = self._known[key]
            return
        if str(array.dtype) not in ("float64", "float32", "float16"):
            self.types[path] = str(array.dtype)
            array = array.astype(np.float64)
        self.arrays[path] = array

    def cache(self, path: str, cache: dict[str, Any]) -> dict[str, Any]:
        """A cache's arrays go to the arrays; the rest of it is given back as plain data."""
        rest = {}
        for name, value in cache.items():
            if isinstance(value, np.ndarray):
                self.put(f"{path}.cache.{name}", value)
            elif is_dataclass(value) and not isinstance(value, type):
                rest[name] = {"kind": type(value).__name__} | {f.name: getattr(value, f.name) for f in fields(value)}
            else:
                rest[name] = describe(value)
        return rest


def save_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write a trace; what `trace.save(path)` calls.

    Raises:
        FileError: if it cannot be written.
    """
    w, model, scores, update = _Writer(), trace.model, trace.scores, trace.update
    kept = tensors(model)
    buffers = {p: trace.nodes[p.rpartition(".")[0]].params[p.rpartition(".")[2]] for p in model.buffer_slots}
    for name, array in {**kept, **buffers}.items():
        w.arrays[name] = array
    w.put("x", trace.x)
    for name in ("weights", "mask"):
        if getattr(trace, name) is not None:
            w.put(name, np.asarray(getattr(trace, name)))
    caches = {}
    for node in trace.nodes.values():
        for name in FOUR:
            w.put(f"{node.path}.{name}", getattr(node, name))
        caches[node.path] = w.cache(node.path, node.cache)
    w.put("grad", trace.grad)
    for name in ("z", "t", "dz"):
        w.put(f"loss.{name}", getattr(scores, name))
    caches["loss"] = w.cache("loss", scores.cache)
    if update is not None:
        w.put("update.grad", update.grad)
        for when in ("before", "after"):
            for name, array in getattr(update, when).items():
                w.put(f"update.{when}.{name}", array)
    doc = document(model) | {
        "what": "trace",
        "schema": SCHEMA,
        "history": [],
        "loss_value": trace.loss,
        "scores": {"total": scores.total, "n": scores.n},
        "training": trace.training,
        "noise": trace.noise,
        "step": trace.step,
        "caches": caches,
        "same": w.same,
        "types": w.types,
        "update": None if update is None else _said(update),
    }
    write(path, w.arrays, doc)


def _said(update: Update) -> dict[str, Any]:
    """An update without its arrays."""
    known = {"optimizer": describe(update.optimizer), "rate": update.rate, "t": update.t}
    return known | {"vectors": list(update.before)}


def load_trace(path: str | os.PathLike[str], extra: Iterable[type] = ()) -> Trace:
    """Read a trace that `trace.save` wrote; every number in it can be opened as before.

    Args:
        path: the file.
        extra: classes of your own layers that the file may name.

    Raises:
        FileError: if it is no trace, or damaged, or of a newer schema.

    >>> import tempfile
    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), input_shape=(3,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pl.trace(model, np.ones((1, 3)), [[1.0, 0.0]]).save(f"{folder}/step.trace.safetensors")
    ...     trace = pl.load_trace(f"{folder}/step.trace.safetensors")
    >>> trace["0.dense"].dW.shape
    (3, 2)
    """
    arrays, doc = read(path)
    if doc.get("what") != "trace":
        raise FileError(
            f"{path} is no trace: it is a {doc.get('what')}. Traces are written by trace.save(); see pl.load."
        )
    if type(doc.get("schema")) is not int or doc["schema"] > SCHEMA:
        said = f"{path} has a trace of schema {doc.get('schema')}; this Pellucid reads up to {SCHEMA}."
        raise FileError(f"{said} Upgrade: pip install --upgrade pellucid.")
    try:
        return _trace_of(path, arrays, doc, extra)
    except DAMAGE as error:
        if isinstance(error, PellucidError):
            raise FileError(f"The trace in {path} cannot be used. {error}") from None
        raise FileError(f"The trace in {path} is damaged: {type(error).__name__}: {error}.") from None


def _trace_of(path: Any, arrays: dict[str, Array], doc: dict[str, Any], extra: Iterable[type]) -> Trace:
    extra = tuple(extra)
    own = {name for name in arrays if _is_models(name)}
    model = model_from(path, {name: arrays[name] for name in own}, doc | {"what": "model"}, extra)

    def get(name: str) -> Array:
        array = arrays[doc["same"].get(name, name)]
        kind = doc["types"].get(doc["same"].get(name, name))
        return array if kind is None else array.astype(np.dtype(kind))

    def cache(owner: str) -> dict[str, Any]:
        start = f"{owner}.cache."
        known = [name for name in (*arrays, *doc["same"]) if name.startswith(start)]
        rest = {name: _plain(value) for name, value in doc["caches"][owner].items()}
        return {name[len(start) :]: get(name) for name in known} | rest

    grad = get("grad")
    named: dict[str, dict[str, Array]] = {}
    parameters, gradients = (model.slots, model.theta.copy(), ""), (model.slots, grad, "d")
    for slots, vector, d in (parameters, gradients, (model.buffer_slots, model.buffers.copy(), "")):
        for name, slot in slots.items():
            owner, _, last = name.rpartition(".")
            named.setdefault(owner, {})[d + last] = vector[slot.at].reshape(slot.shape)
    nodes = {}
    for owner in doc["caches"]:
        if owner != "loss":
            x, y, dy, dx = (get(f"{owner}.{name}") for name in FOUR)
            nodes[owner] = Node(owner, x, y, dy, dx, cache(owner), named.get(owner, {}))
    z, t, dz = (get(f"loss.{name}") for name in ("z", "t", "dz"))
    scores = Scores(z, t, dz, cache("loss"), doc["scores"]["total"], doc["scores"]["n"])
    optional = {n: get(n) if n in arrays or n in doc["same"] else None for n in ("weights", "mask")}
    trace = Trace(
        model,
        nodes,
        scores,
        doc["loss_value"],
        model.theta.copy(),
        grad,
        x=get("x"),
        training=doc["training"],
        noise=doc["noise"],
        step=doc["step"],
        **optional,
    )
    if doc["update"] is not None:
        said = doc["update"]
        before, after = ({name: get(f"update.{w}.{name}") for name in said["vectors"]} for w in ("before", "after"))
        optimizer = rebuild(said["optimizer"], extra, "optimizer")
        if not isinstance(optimizer, Optimizer | None):
            raise FileError(f"{said['optimizer']!r} is no optimizer.")
        used = get("update.grad")
        trace.update = Update(optimizer, said["rate"], said["t"], used, before, after, dict(model.slots))
    return trace


def _is_models(name: str) -> bool:
    """Whether a tensor is a parameter or buffer of the model: "2.residual.0.dense.W" and no array of the pass."""
    first, _, last = name.rpartition(".")
    parts = first.split(".")
    pairs = len(parts) >= 2 and len(parts) % 2 == 0 and all(part.isdigit() for part in parts[::2])
    return pairs and last not in FOUR


def _plain(value: Any) -> Any:
    """What a cache held besides arrays: lists were tuples, and a window is a window again."""
    if isinstance(value, dict) and value.get("kind") == "Window":
        return Window(**{name: _plain(part) for name, part in value.items() if name != "kind"})
    return tuple(_plain(part) for part in value) if isinstance(value, list) else value
