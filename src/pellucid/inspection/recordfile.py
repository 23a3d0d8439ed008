"""What a recording is on the disk: `run.json`, `events.jsonl` and checkpoints, read with nothing taken on trust.

`run.json` is written once, when a recording begins, and says what was trained on what, with which versions. Each event
is one line of `events.jsonl`, handed to the system at once, so that a kill loses none; a line that was cut is not
there. A checkpoint appears whole or not at all. docs/replay.md lists every field.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pellucid._version import __version__
from pellucid.base.errors import FileError, PellucidError
from pellucid.datasets.stream import blocks_of
from pellucid.describe import describe
from pellucid.kernels import active
from pellucid.model import Model
from pellucid.store import document, read
from pellucid.train import Training

SCHEMA = 1  # the version of run.json and events.jsonl; a reader refuses what is newer
RUN, EVENTS, CHECKPOINTS = "run.json", "events.jsonl", "checkpoints"
MODEL = ("layers", "loss", "input_shape", "dtype", "seed", "penalty", "prepare", "classes")  # of the model's document
NAME = re.compile(r"step-(\d{1,15})\.safetensors")
KINDS = {"step": ("epoch", "loss", "lr"), "epoch": ("epoch", "loss", "digest"), "checkpoint": ("digest", "seconds")}


def digest(model: Model) -> str:
    """A short name of the exact bits of a model's parameters and buffers.

    >>> import pellucid as pl
    >>> digest(pl.Model(pl.Dense(1), input_shape=(1,))) == digest(pl.Model(pl.Dense(1), input_shape=(1,), seed=1))
    False
    """
    summed = hashlib.blake2b(digest_size=8)
    for vector in (model.theta, model.buffers):
        summed.update(np.ascontiguousarray(vector).data)
    return summed.hexdigest()


def state_digest(training: Training) -> str:
    """A short name of what else the next steps follow from: the optimizer's vectors, the random states and the step.

    >>> import pellucid as pl
    >>> training = pl.train(pl.Model(pl.Dense(1), input_shape=(1,)), ([[0.0], [1.0]], [0.0, 1.0]), epochs=2)
    >>> before = state_digest(training)
    >>> training.optimizer.v[0] += 1
    >>> state_digest(training) == before
    False
    """
    optimizer, streams = training.optimizer, [training.noise, training.augmentation]
    streams += [optimizer.rng] if hasattr(optimizer, "rng") else []
    said = [training.step, optimizer.t, [stream.bit_generator.state for stream in streams]]
    summed = hashlib.blake2b(json.dumps(said, sort_keys=True, default=describe).encode(), digest_size=8)
    for name in optimizer.vectors:
        summed.update(np.ascontiguousarray(getattr(optimizer, name)).data)
    return summed.hexdigest()


def versions() -> dict[str, Any]:
    """Everything outside of the training that can change the last bit of a number."""
    said = {"pellucid": __version__, "numpy": np.__version__, **_machine(), "kernels": active().NAME}
    if active().NAME == "jit":
        from importlib.metadata import version

        said["numba"] = version("numba")
    return said


@cache
def _machine() -> dict[str, Any]:
    from pellucid.inspection.machine import find_blas  # asked only here: with them comes much of the standard library
    from pellucid.inspection.processor import processor

    blas = find_blas()
    return {
        "blas": f"{blas.name} {blas.version}".strip(),
        "blas_kernels": blas.core,
        "blas_threads": blas.threads,
        "processor": processor().name,
    }


def changed(then: dict[str, Any], now: dict[str, Any], a: str = "recorded with", b: str = "now") -> list[str]:
    """What two lists of versions do not share, each in words.

    >>> changed({"numpy": "2.4.6", "kernels": "jit"}, {"numpy": "2.5.0", "kernels": "jit"})
    ['numpy (recorded with 2.4.6, now 2.5.0)']
    """
    return [
        f"{name.replace('_', ' ')} ({a} {then.get(name, 'none')}, {b} {now.get(name, 'none')})"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]


def finite(value: Any) -> Any:
    """A number as strict JSON can hold it: None where it is not finite.

    >>> finite(np.float64(0.5)), finite(float("nan")), finite(3)
    (0.5, None, 3)
    """
    if isinstance(value, int | str) or value is None:
        return value
    return float(value) if math.isfinite(value) else None


@dataclass
class Lines:
    """What `events.jsonl` holds, as far as it is whole.

    `steps` are the lines of the steps in their order, `epochs` those of the epochs, `digests` those of the checkpoints
    by step; `others` is the rest (thinned, diverged, end). `count` is how many lines were read, and `cut` says why
    reading ended too early, or is empty.
    """

    steps: list[dict[str, Any]] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    digests: dict[int, dict[str, Any]] = field(default_factory=dict)
    others: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    cut: str = ""

    @property
    def end(self) -> dict[str, Any] | None:
        """The line that says how it ended, or None: it was killed, or is still running."""
        return next((line for line in reversed(self.others) if line["event"] in ("end", "diverged")), None)


def read_lines(path: Path, first: int) -> Lines:
    """The events of a recording that begins after step `first`, up to the first line that is not whole."""
    found = Lines()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        found.cut = f"{path.name} is missing"
        return found
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror or error}.") from None
    pieces = content.split(b"\n")
    for i, raw in enumerate(pieces, start=1):
        if not raw:
            continue
        try:
            line = json.loads(raw)
            kind, step = line["event"], line["step"]
            if type(step) is not int or not all(name in line for name in KINDS.get(kind, ())) or i == len(pieces):
                raise ValueError  # the last piece has no end of line: it was cut
            if kind == "step" and step != first + len(found.steps) + 1:
                raise ValueError
        except (ValueError, LookupError, TypeError, RecursionError):
            found.cut = f"line {i} of {path.name} is cut or damaged, so what comes after step "
            found.cut += f"{first + len(found.steps)} was not read"
            break
        found.count = i
        if kind == "step":
            found.steps.append(line)
        elif kind == "epoch":
            found.epochs.append(line)
        elif kind == "checkpoint":
            found.digests[step] = line
        else:
            found.others.append(line)
    return found


def read_run(folder: Path) -> dict[str, Any]:
    """The document in `run.json`, once it is known to be one."""
    path = folder / RUN
    try:
        run: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        what = "is no recording: it has no run.json" if folder.is_dir() else "is not there"
        raise FileError(
            f"{folder} {what}. A recording is the folder that `pellucid train DATA --record DIR` or pl.record writes."
        ) from None
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is damaged: it is not JSON ({error}).") from None
    schema = run.get("schema") if isinstance(run, dict) else None
    if type(schema) is not int or schema < 1:
        raise FileError(f"{path} is damaged: it does not say its schema.")
    if schema > SCHEMA:
        raise FileError(
            f"{folder} was recorded by a newer Pellucid (schema {schema}; this one reads up to {SCHEMA}). "
            "Upgrade: pip install --upgrade pellucid."
        )
    kinds = {"first": int, "training": dict, "versions": dict, "model": dict, "optimizer": dict, "resumed": list}
    for name, kind in kinds.items():
        if not isinstance(run.get(name), kind):
            raise FileError(f"{path} is damaged: its {name!r} is {run.get(name)!r}.")
    if not isinstance(run["training"].get("arguments"), dict) or type(run["training"].get("epochs")) is not int:
        raise FileError(f"{path} is damaged: its 'training' is {run['training']!r}.")
    return run


def run_document(training: Training, arguments: dict[str, Any]) -> dict[str, Any]:
    """What `run.json` says about a training that begins to be recorded."""
    try:
        augment = None if training.augment is None else describe(training.augment)
    except PellucidError:  # a function of the user's, who has to give it again
        augment = {"kind": "", "repr": arguments["augment"]}
    model = document(training.model)
    return {
        "schema": SCHEMA,
        "what": "recording",
        "first": training.step,
        "model": {name: model[name] for name in MODEL},
        "optimizer": describe(training.optimizer),
        "data": training.data.name,
        "training": {
            "epochs": training.epochs,
            "steps_per_epoch": training.steps_per_epoch,
            "samples": len(training.data),
            "blocks": blocks_of(training.data),
            "arguments": arguments,
            "augment": augment,
        },
        "versions": versions(),
        "resumed": [],
    }


def checkpoints(folder: Path) -> dict[int, Path]:
    """The checkpoints of a recording by their step, in order."""
    place = folder / CHECKPOINTS
    names = [(NAME.fullmatch(p.name), p) for p in place.iterdir()] if place.is_dir() else []
    return dict(sorted((int(found[1]), path) for found, path in names if found))


def last_whole(folder: Path, most: float = math.inf) -> Path:
    """The last checkpoint, not after step `most`, that can be read."""
    there = checkpoints(folder)
    before, later = [step for step in there if step <= most], [step for step in there if step > most]
    if (found := _whole(there, before[::-1])) is not None:
        return there[found]
    if (found := _whole(there, later)) is not None:
        raise FileError(
            f"{folder} has no checkpoint that is whole at or before step {most}, so that step cannot be recomputed. "
            f"From step {found} on every step can: there is the first that is whole."
        )
    raise FileError(f"{folder} has no checkpoint that is whole, so nothing of it can be recomputed.")


def _whole(there: dict[int, Path], steps: list[int]) -> int | None:
    """The first of some steps whose checkpoint can be read."""
    for step in steps:
        with contextlib.suppress(FileError):
            read(there[step])
            return step
    return None


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / CHECKPOINTS / f"step-{step:09d}.safetensors"
