"""Networks as plain data and back: what a model file, a checkpoint and a TOML description say.

A description is a dict with a "kind" and the constructor's arguments:

    {"kind": "Dense", "units": 128, "init": "he"}

Only the kinds listed here can be named, each argument is checked against the constructor, and nothing is ever
evaluated: a file from a stranger can describe a strange network but cannot run code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import numpy as np

from pellucid import layers, losses, optim, penalties, schedules
from pellucid.base import init
from pellucid.base.errors import DataError
from pellucid.data import prepare
from pellucid.layers import Layer


def _public(module: Any, names: str) -> dict[str, type]:
    return {name: getattr(module, name) for name in names.split()}


KINDS: dict[str, type] = {
    **_public(layers, "Dense ReLU LeakyReLU ELU Sigmoid Tanh GELU SiLU Softmax Dropout Flatten Reshape"),
    **_public(layers, "Sequential Residual Concat"),
    **_public(losses, "MeanSquaredError MeanAbsoluteError Huber BinaryCrossEntropy SigmoidCrossEntropy"),
    **_public(losses, "CategoricalCrossEntropy SoftmaxCrossEntropy"),
    **_public(penalties, "L1 L2 Both"),
    **_public(init, "Constant Normal LeCun He Glorot Orthogonal"),
    **_public(optim, "RandomSearch SGD AdaGrad RMSprop Adam AdamW"),
    **_public(schedules, "constant inverse_decay step_decay exponential cosine warmup one_cycle"),
    **_public(prepare, "Pixels Standardize"),
}


def describe(thing: Any) -> Any:
    """A layer, loss, penalty, schedule or preparation as plain data; arguments at their default are left out.

    >>> describe(layers.Dense(10, penalty=penalties.L2(1e-4)))
    {'kind': 'Dense', 'units': 10, 'penalty': {'kind': 'L2', 'strength': 0.0001}}
    """
    if is_dataclass(thing) and not isinstance(thing, type):
        said: dict[str, Any] = {"kind": type(thing).__name__}
        for f in _arguments(type(thing)):
            value = getattr(thing, f.name)
            if f.default is MISSING or value != f.default:
                said[f.name] = describe(value)
        return said
    if isinstance(thing, tuple | list):
        return [describe(item) for item in thing]
    if isinstance(thing, np.generic):
        return thing.item()
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    raise DataError(
        f"{thing!r} cannot be written down as plain data, so a model that holds it cannot be saved. "
        "Use Pellucid's own objects (a schedule such as pl.cosine instead of a function), or a dataclass of yours."
    )


def rebuild(said: Any, extra: Iterable[type] = (), where: str = "description") -> Any:
    """The object that `describe` described.

    Args:
        said: the description.
        extra: your own classes that it may name besides Pellucid's.
        where: what to call it in an error.

    Raises:
        DataError: for an unknown kind or an argument that the kind does not have, with what there is.

    >>> rebuild({"kind": "Dense", "units": 10})
    Dense(units=10, init='he', bias=True, penalty=None, bias_penalty=None)
    """
    if isinstance(said, list):
        return tuple(rebuild(item, extra, f"{where}[{i}]") for i, item in enumerate(said))
    if not isinstance(said, dict):
        return said
    kinds = KINDS | {cls.__name__: cls for cls in extra}
    kind = said.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise DataError(f"{where}: there is no kind {kind!r}. The kinds are {', '.join(sorted(kinds))}.")
    cls = kinds[kind]
    names = {f.name for f in _arguments(cls)}
    given = {key: rebuild(value, extra, f"{where}.{key}") for key, value in said.items() if key != "kind"}
    if unknown := set(given) - names:
        raise DataError(
            f"{where}: {kind} has no argument {', '.join(map(repr, sorted(unknown)))}; "
            f"it has {', '.join(sorted(names)) or 'none'}."
        )
    inner = next((name for name in ("layers", "branches") if name in names), None)
    try:
        if inner is not None and issubclass(cls, Layer):
            parts = given.pop(inner, ())
            return cls(*parts, **given)
        return cls(**given)
    except TypeError as error:
        raise DataError(f"{where}: {kind} cannot be made of {said!r}: {error}.") from None


def _arguments(cls: type) -> list[Field[Any]]:
    return [f for f in fields(cls) if f.init]
