"""Networks as plain data and back: what a model file, a checkpoint and a TOML description say.

A description is a dict with a "kind" and the constructor's arguments:

    {"kind": "Dense", "units": 128, "init": "he"}

Only the kinds listed here can be named, each argument is checked against the constructor, and nothing is ever
evaluated: a file from a stranger can describe a strange network but cannot run code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from pellucid import data, layers, losses, optim, penalties, schedules
from pellucid.base import init
from pellucid.base.errors import DataError


def _public(module: Any, names: str) -> dict[str, type]:
    return {name: getattr(module, name) for name in names.split()}


KINDS: dict[str, type] = {
    **_public(layers, "Dense ReLU LeakyReLU ELU Sigmoid Tanh GELU SiLU Softmax Dropout Flatten Reshape"),
    **_public(layers, "Conv1D Conv2D ConvTranspose2D MaxPool2D AvgPool2D GlobalAvgPool2D UpSample2D SpatialDropout2D"),
    **_public(layers, "Sequential Residual Concat"),
    **_public(layers, "BatchNorm LayerNorm GroupNorm Embedding PositionalEncoding"),
    **_public(layers, "SimpleRNN GRU LSTM MultiHeadAttention"),
    **_public(losses, "MeanSquaredError MeanAbsoluteError Huber BinaryCrossEntropy SigmoidCrossEntropy"),
    **_public(losses, "CategoricalCrossEntropy SoftmaxCrossEntropy Scaled"),
    **_public(penalties, "L1 L2 Both"),
    **_public(init, "Constant Normal LeCun He Glorot Orthogonal"),
    **_public(optim, "RandomSearch SGD AdaGrad RMSprop Adam AdamW"),
    **_public(schedules, "constant inverse_decay step_decay exponential cosine warmup one_cycle"),
    **_public(data, "Pixels Standardize Table Number Category Frequency"),
    **_public(data, "Chain Shift Flip Rotate Scale Shear Crop Elastic Noise Stroke Cutout Mixup"),
}


def describe(thing: Any) -> Any:
    """A layer, loss, schedule, preparation, augmentation, ... as plain data; arguments at their default are left out.

    >>> describe(layers.Dense(10, penalty=penalties.L2(1e-4)))
    {'kind': 'Dense', 'units': 10, 'penalty': {'kind': 'L2', 'strength': 0.0001}}
    """
    if is_dataclass(thing) and not isinstance(thing, type):
        said: dict[str, Any] = {"kind": type(thing).__name__}
        for f in _arguments(type(thing)):
            value = describe(getattr(thing, f.name))
            if f.default is MISSING or value != describe(f.default):
                said[f.name] = value
        return said
    if isinstance(thing, np.ndarray | np.generic):
        thing = thing.tolist()
    if isinstance(thing, tuple | list):
        return [describe(item) for item in thing]
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
        DataError: for an unknown kind, an argument that the kind does not have, or a value of the wrong type.

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
        near = get_close_matches(str(kind), kinds, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"The kinds are {', '.join(sorted(kinds))}."
        raise DataError(
            f"{where}: there is no kind {kind!r}. {hint} A class of your own is made known with extra=[TheClass]."
        )
    cls = kinds[kind]
    names = {f.name for f in _arguments(cls)}
    given = {key: rebuild(value, extra, f"{where}.{key}") for key, value in said.items() if key != "kind"}
    if unknown := set(given) - names:
        raise DataError(
            f"{where}: {kind} has no argument {', '.join(map(repr, sorted(unknown)))}; "
            f"it has {', '.join(sorted(names)) or 'none'}."
        )
    hints = get_type_hints(cls) if KINDS.get(kind) is cls else {}  # a class of the user's checks its own arguments
    for name, value in given.items():
        if name in hints and not fits(value, hints[name]):
            wanted = hints[name].__name__ if isinstance(hints[name], type) else hints[name]
            raise DataError(f"{where}: {kind}'s {name} cannot be {said[name]!r}; its type is {wanted}.")
    inner = next((name for name in ("layers", "branches", "steps") if name in names), None)
    try:
        if inner is not None and not cls.__dataclass_params__.init:  # type: ignore[attr-defined]
            parts = given.pop(inner, ())  # Sequential(*layers) and its like
            return cls(*parts, **given)
        return cls(**given)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {kind} cannot be made of {said!r}: {error}.") from None


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the type that an annotation names; of several, one is enough.

    >>> fits(3, float), fits("3", float), fits((1, 2), tuple[int, ...]), fits(None, str | None), fits(True, int)
    (True, False, True, True, False)
    """
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return any(fits(value, one) for one in inside)
    if origin in (tuple, Sequence):
        return isinstance(value, tuple) and all(fits(item, inside[0]) for item in value)
    if origin is Callable:
        return callable(value)
    if hint is bool:
        return isinstance(value, int) and value in (0, 1)
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool)
    return not isinstance(hint, type) or isinstance(value, hint)


def _arguments(cls: type) -> list[Field[Any]]:
    return [f for f in fields(cls) if f.init]
