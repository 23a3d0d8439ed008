"""Letting somebody's optimizer walk, in whatever form it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.inspection.backward.calling import call, offer, parameters, same_numbers, twin
from pellucid.inspection.backward.objects import method
from pellucid.optim import Optimizer

UPDATE = ("update", "step", "apply", "apply_gradients", "optimize", "__call__")
Driver = Callable[[Any, Array, Sequence[Array]], tuple[list[Array], bool]]


def drive(thing: Any, w: Array, gradients: Sequence[Array]) -> tuple[list[Array], bool]:
    """Where it goes, and whether it wrote to a gradient; the first form of calling that moves anything is its own."""
    said: Exception | None = None
    for driver in _drivers(thing):
        try:
            path, touched = driver(twin(thing), w.copy(), gradients)
        except Exception as error:  # another form may fit
            said = error
            continue
        if not np.array_equal(path[-1], w):
            return path, touched
    raise UsageError(
        f"{name_of(thing)} does not move any parameters in a form that is known: update_params(layer), update(params, "
        f"grads) with dicts, lists or arrays, step(theta, grad), or a function (w, dw). The last error: {said}."
    )


def _drivers(thing: Any) -> list[Driver]:
    if isinstance(thing, Optimizer):
        return [_ours]
    if hasattr(thing, "update_params"):
        return [_book]
    return [
        lambda o, w, g: _grouped(o, w, g, lambda a: {"W": a}, lambda p: p["W"]),
        lambda o, w, g: _grouped(o, w, g, lambda a: [a], lambda p: p[0]),
        lambda o, w, g: _grouped(o, w, g, lambda a: a, lambda p: p),
        _function,
    ]


def _ours(optimizer: Optimizer, w: Array, gradients: Sequence[Array]) -> tuple[list[Array], bool]:
    optimizer.start(w)
    path, touched = [], False
    for g in gradients:
        given = g.copy()
        optimizer.step(w, given)
        touched = touched or not same_numbers(given, g)
        path.append(w.copy())
    return path, touched


def _book(optimizer: Any, w: Array, gradients: Sequence[Array]) -> tuple[list[Array], bool]:
    half = len(w) // 2
    layer = SimpleNamespace(weights=w[:half].reshape(2, -1).copy(), biases=w[half:].reshape(1, -1).copy())
    path, touched = [], False
    for g in gradients:
        layer.dweights, layer.dbiases = g[:half].reshape(2, -1).copy(), g[half:].reshape(1, -1).copy()
        for name in ("pre_update_params", "update_params", "post_update_params"):
            if hasattr(optimizer, name):
                call(getattr(optimizer, name), [layer], {}, name) if name == "update_params" else getattr(
                    optimizer, name
                )()
        now = np.concatenate([np.ravel(layer.dweights), np.ravel(layer.dbiases)])
        touched = touched or not same_numbers(now, g)
        path.append(np.concatenate([np.ravel(layer.weights), np.ravel(layer.biases)]))
    return path, touched


def _grouped(
    optimizer: Any, w: Array, gradients: Sequence[Array], pack: Callable[[Array], Any], unpack: Callable[[Any], Array]
) -> tuple[list[Array], bool]:
    function = method(optimizer, UPDATE)
    names = [p.name.lower() for p in parameters(function)]
    swapped = bool(names) and names[0] in ("grads", "grad", "gradients", "gradient", "dw", "g", "dparams")
    params, path, touched = pack(w), [], False
    for g in gradients:
        given = g.copy()
        packed = pack(given)
        pair = [packed, params] if swapped else [params, packed]
        returned = call(function, pair, {}, "update")
        if isinstance(returned, type(params)) and len(returned) == len(params):
            params = returned
        touched = touched or not same_numbers(given, g)
        path.append(np.array(unpack(params), np.float64).ravel().copy())
    return path, touched


def _function(function: Any, w: Array, gradients: Sequence[Array]) -> tuple[list[Array], bool]:
    state: Any = None
    path, touched = [], False
    for g in gradients:
        given = g.copy()
        result = call(function, [w, given], offer(("config", "state", "cache"), state), "the function")
        if isinstance(result, tuple):
            result, state = result[0], result[1]
        w = np.array(w if result is None or isinstance(result, Mapping) else result, np.float64)
        touched = touched or not same_numbers(given, g)
        path.append(w.copy())
    return path, touched


def name_of(thing: Any) -> str:
    """What it is called: the name of a function or of a class."""
    return str(getattr(thing, "__name__", type(thing).__name__))
