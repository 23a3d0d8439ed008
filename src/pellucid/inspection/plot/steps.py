"""Following one weight while an optimizer moves it: the numbers are read from the optimizer itself, after each step."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.inspection.trace import NoSuchPath, nearest
from pellucid.model import Model
from pellucid.optim import SGD, AdaGrad, Adam, Optimizer, RMSprop


def usual() -> dict[str, Optimizer]:
    """The optimizers that are compared where none are given."""
    return {
        "SGD": SGD(0.1),
        "SGD, momentum": SGD(0.1, momentum=0.9),
        "AdaGrad": AdaGrad(0.1),
        "RMSprop": RMSprop(0.1),
        "Adam": Adam(0.1),
    }


def named(optimizers: Mapping[str, Optimizer] | Sequence[Optimizer] | None) -> dict[str, Optimizer]:
    if optimizers is None:
        return usual()
    if isinstance(optimizers, Mapping):
        found = dict(optimizers)
    else:
        names = [_short(rule) for rule in optimizers]
        twice = len(set(names)) < len(names)
        found = {
            f"{i}. {name}" if twice else name: r for i, (name, r) in enumerate(zip(names, optimizers, strict=True), 1)
        }
    if not found:
        raise UsageError("optimizer_paths compares optimizers, and none was given.")
    return found


def _short(rule: Optimizer) -> str:
    """An optimizer by its rate and what is not usual about it: "SGD 0.1, momentum 0.9"."""
    rate = f" {rule.lr:g}" if isinstance(rule.lr, int | float) else ""
    others = [f for f in fields(rule) if f.init and f.name != "lr" and getattr(rule, f.name) != f.default]
    return ", ".join([type(rule).__name__ + rate, *(f"{f.name} {getattr(rule, f.name):g}" for f in others)])


def alone(rule: Optimizer, start: float, steps: int, slope: Callable[[int, float], float]) -> dict[str, Array]:
    theta = np.array([start], float)
    return follow(rule, theta, steps, lambda i, w: np.array([slope(i, float(w[0]))]), 0, None)


def follow(
    rule: Optimizer,
    theta: Array,
    steps: int,
    gradient: Callable[[int, Array], Array],
    at: int,
    decays: Array | None,
) -> dict[str, Array]:
    """The numbers of one place of theta while a copy of this optimizer moves it."""
    own = copy.deepcopy(rule)
    own.start(theta, decays)
    found: dict[str, list[float]] = {}
    with np.errstate(all="ignore"):  # a rate that is too high is something to see, not to be warned about
        for i in range(steps):
            grad = np.array(gradient(i, theta))
            before = float(theta[at])
            own.step(theta, grad)
            numbers = {"g": float(grad[at]), "dw": float(theta[at]) - before, "w": float(theta[at])}
            for name, value in (numbers | _state(own, at)).items():
                found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def _state(rule: Optimizer, at: int) -> dict[str, float]:
    """The optimizer's own numbers for one place, after its step t."""
    if isinstance(rule, Adam):
        m, v = float(rule.m[at]), float(rule.v[at])
        return {"m": m, "mh": m / (1.0 - rule.beta1**rule.t), "v": v, "vh": v / (1.0 - rule.beta2**rule.t)}
    if isinstance(rule, SGD):
        return {"velocity": float(rule.v[at])} if rule.momentum else {}
    if isinstance(rule, RMSprop):
        return {"v": float(rule.s[at])}
    return {"s": float(rule.s[at])} if isinstance(rule, AdaGrad) else {}


def place(model: Model, path: str) -> int:
    """The place in theta of a weight such as "0.dense.W[3,1]"."""
    name, bracket, inside = path.partition("[")
    if name not in model.slots:
        raise NoSuchPath(f"The model has no weights {name!r}. {nearest(name, list(model.slots))}")
    slot = model.slots[name]
    numbers = tuple(map(int, re.findall(r"-?\d+", inside)))
    fits = bracket and len(numbers) == len(slot.shape)
    if not fits or not all(-n <= i < n for i, n in zip(numbers, slot.shape, strict=True)):
        raise UsageError(f"{path!r} is no single weight: {name} has the shape {slot.shape}, so write {name}[...].")
    inner = int(np.ravel_multi_index([i % n for i, n in zip(numbers, slot.shape, strict=True)], slot.shape))
    return int(slot.at.start) + inner
