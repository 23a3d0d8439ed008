"""Optimizers in three forms: the book's, with dicts of parameters, and a function that carries its state."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
KINDS = ("sgd", "momentum", "adagrad", "rmsprop", "adam")


class Rule:
    """One array's update, with one mistake or none."""

    def __init__(self, kind: str, mistake: str, lr: float, eps: float) -> None:
        self.kind, self.mistake, self.lr, self.eps = kind, mistake, lr, eps
        self.state: dict[Any, Any] = {}

    def __call__(self, key: Any, w: Array, g: Array, t: int) -> Array:
        """How far w is to move; t counts from 1."""
        zero = np.zeros_like(w)
        m, v = self.state.get(key, (zero, zero))
        wrong = self.mistake
        lr = -self.lr if wrong == "sign" else self.lr
        if self.kind == "sgd":
            step = -lr * g
        elif self.kind == "momentum":
            m = (-0.9 if wrong == "momentum sign" else 0.9) * m - lr * g
            step = m
        else:
            if self.kind == "adam":
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + (1 - 0.999) * g * g
                a, b = 1 - 0.9**t, 1 - 0.999**t
                mh, vh = m / a, v / b
                if wrong == "bias correction multiplied":
                    mh, vh = m * a, v * b
                if wrong == "bias correction multiplied, of m":
                    mh = m * a
                if wrong == "bias correction missing":
                    mh, vh = m, v
            else:
                v = v + g * g if self.kind == "adagrad" else 0.9 * v + (1 - 0.9) * g * g
                mh, vh = g, v
            inside = wrong == "epsilon inside the root"
            step = -lr * mh / (np.sqrt(vh + self.eps) if inside else np.sqrt(vh) + self.eps)
        self.state[key] = (m, v)
        if wrong == "argument overwritten":
            g *= 0.5
        return step


MISTAKES = {
    "sign": KINDS,
    "momentum sign": ("momentum",),
    "epsilon inside the root": ("adagrad", "rmsprop", "adam"),
    "bias correction multiplied": ("adam",),
    "bias correction multiplied, of m": ("adam",),
    "bias correction missing": ("adam",),
    "argument overwritten": KINDS,
}


def _settings(thing: Any, kind: str, lr: float, eps: float) -> None:
    thing.learning_rate = lr
    if kind == "momentum":
        thing.momentum = 0.9
    if kind in ("adagrad", "rmsprop", "adam"):
        thing.epsilon = eps
    if kind == "rmsprop":
        thing.rho = 0.9
    if kind == "adam":
        thing.beta_1, thing.beta_2 = 0.9, 0.999


def book(kind: str, mistake: str = "", lr: float = 0.05, eps: float = 1e-7) -> Any:
    """pre_update_params, update_params(layer), post_update_params."""

    class Optimizer:
        def __init__(self) -> None:
            _settings(self, kind, lr, eps)
            self.iterations = 0
            self.rule = Rule(kind, mistake, lr, eps)

        def pre_update_params(self) -> None:
            pass

        def update_params(self, layer: Any) -> None:
            layer.weights += self.rule("weights", layer.weights, layer.dweights, self.iterations + 1)
            layer.biases += self.rule("biases", layer.biases, layer.dbiases, self.iterations + 1)

        def post_update_params(self) -> None:
            self.iterations += 1

    Optimizer.__name__ = f"Optimizer_{_name(kind)}"
    return Optimizer()


def with_dicts(kind: str, mistake: str = "", lr: float = 0.05, eps: float = 1e-7) -> Any:
    """update(params, grads) with dicts, in place."""

    class Optimizer:
        def __init__(self) -> None:
            _settings(self, kind, lr, eps)
            self.t = 0
            self.rule = Rule(kind, mistake, lr, eps)

        def update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
            self.t += 1
            for key in params:
                params[key] += self.rule(key, params[key], grads[key], self.t)

    Optimizer.__name__ = _name(kind)
    return Optimizer()


def function(kind: str, mistake: str = "", lr: float = 0.05, eps: float = 1e-7) -> Any:
    """(w, dw, config) -> (w, config)."""

    def update(w: Array, dw: Array, config: Any = None) -> tuple[Array, Any]:
        config = config or {"rule": Rule(kind, mistake, lr, eps), "t": 0}
        config["t"] += 1
        return w + config["rule"]("w", w, dw, config["t"]), config

    update.__name__ = _name(kind).lower()
    return update


def _name(kind: str) -> str:
    return {"sgd": "SGD", "momentum": "Momentum", "adagrad": "Adagrad", "rmsprop": "RMSprop", "adam": "Adam"}[kind]
