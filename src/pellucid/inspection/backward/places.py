"""Where an object keeps its arrays, as attributes or in a dict or list, and where the gradient of each may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.base.arrays import Array

Place = tuple[str, Any]  # ("weights", None) is an attribute, ("params", "W") an item of one


def get(thing: Any, place: Place) -> Any:
    """What stands at a place."""
    name, key = place
    return getattr(thing, name) if key is None else getattr(thing, name)[key]


def put(thing: Any, place: Place, value: Any) -> None:
    """Write to a place."""
    name, key = place
    if key is None:
        setattr(thing, name, value)
    else:
        getattr(thing, name)[key] = value


def places(thing: Any) -> dict[Place, Array]:
    """Every array of real numbers that the object holds, as an attribute or in a dict or list of it."""
    names = [n for n in vars(thing) if not n.startswith("__")] if hasattr(thing, "__dict__") else []
    names += [n for kind in type(thing).__mro__ for n, v in vars(kind).items() if isinstance(v, property)]
    found: dict[Place, Array] = {}
    for name in dict.fromkeys(names):
        try:
            value = getattr(thing, name)
        except Exception:  # a property that is not ready yet
            continue
        items: list[tuple[Any, Any]] = [(None, value)]
        if isinstance(value, Mapping):
            items = list(value.items())
        elif isinstance(value, list):
            items = list(enumerate(value))
        for key, one in items:
            if isinstance(one, np.ndarray) and one.dtype.kind == "f" and one.size:
                found[name, key] = one
    return found


def gradient_places(place: Place) -> list[Place]:
    """Where the gradient of what stands here may be."""
    name, key = place
    if key is not None:
        keys = [key] if isinstance(key, int) else [key, f"d{key}", f"grad_{key}", f"{key}_grad"]
        return [(n, k) for n in ("grads", "gradients", "grad") for k in keys] + [("d" + name, key)]
    low = {"weights": ["dW", "dw"], "biases": ["db"]}.get(name, [])
    forms = [
        "d{}",
        "d_{}",
        "{}_grad",
        "grad_{}",
        "{}_gradient",
        "{}_gradients",
        "grad{}",
        "d{}s",
        "delta_{}",
        "nabla_{}",
    ]
    return [(n, None) for n in [*(form.format(name) for form in forms), *low]]


def written(place: Place) -> str:
    """The place as it is written in code, without the object: "grads['W']"."""
    return place[0] if place[1] is None else f"{place[0]}[{place[1]!r}]"


def has(thing: Any, place: Place) -> bool:
    """Whether something stands there."""
    try:
        return get(thing, place) is not None
    except (AttributeError, KeyError, IndexError, TypeError):
        return False
