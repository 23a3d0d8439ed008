"""The published update rules, each with switches for the mistakes that people make in it.

With all switches off a rule is its paper's formula. Where the literature has several forms (velocity with or without
the learning rate in it, Adam with the correction folded into the rate), each form counts as right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from pellucid.base.arrays import Array


@dataclass(frozen=True)
class Settings:
    """The numbers of an optimizer."""

    lr: float = 1.0
    momentum: float = 0.0
    nesterov: bool = False
    rho: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    decay: float = 0.0
    weight_decay: float = 0.0
    learned: tuple[str, ...] = ()  # which of them were read from the code
    schedule: tuple[float, ...] = ()  # the rates, if they change from step to step


@dataclass(frozen=True)
class Variant:
    """A rule with its switches.

    Args:
        rule: "sgd", "adagrad", "rmsprop" or "adam".
        mistakes: what is wrong with it; empty for a published form.
        sign: -1 to walk uphill; memory: -1 for momentum of the wrong sign.
        m, v: what is done with the bias of m and of v: "divide", "multiply", "nothing", "late".
        inside: epsilon stands in the root; root: there is a root; squared: the gradient is squared.
        form: which of the published forms.
    """

    rule: str
    mistakes: tuple[str, ...] = ()
    sign: float = 1.0
    memory: float = 1.0
    m: str = "divide"
    v: str = "divide"
    inside: bool = False
    root: bool = True
    squared: bool = True
    form: str = ""
    note: str = field(default="", compare=False)


FORMULAS = {
    "sgd": "v = momentum * v - lr * g;   w += v",
    "adagrad": "s += g**2;   w -= lr * g / (np.sqrt(s) + eps)",
    "rmsprop": "s = rho * s + (1 - rho) * g**2;   w -= lr * g / (np.sqrt(s) + eps)",
    "adam": (
        "m = beta1 * m + (1 - beta1) * g;   v = beta2 * v + (1 - beta2) * g**2        # t counts from 1\n"
        "w -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)"
    ),
}
PAPERS = {
    "sgd": "momentum (Polyak 1964; Sutskever et al. 2013)",
    "adagrad": "AdaGrad (Duchi et al. 2011)",
    "rmsprop": "RMSprop (Tieleman and Hinton 2012)",
    "adam": "Adam (Kingma and Ba 2015)",
}


def published(rule: str, s: Settings) -> Iterator[Variant]:
    """The forms that count as right."""
    yield Variant(rule)
    if rule == "sgd" and s.momentum:
        yield Variant(rule, form="mean", note="the velocity is a running mean of the gradient")
        yield Variant(rule, form="ahead")
        yield Variant(rule, form="outside")
    if rule == "adam":
        yield Variant(rule, form="folded", note="the correction is folded into the rate, section 2 of the paper")


def mistaken(rule: str, s: Settings) -> list[Variant]:
    """The wrong ones, the simplest first."""
    switches: list[list[tuple[str, dict[str, object]]]] = [[("", {}), ("sign", {"sign": -1.0})]]
    if rule == "sgd":
        switches.append([("", {}), ("momentum sign", {"memory": -1.0})])
        forms = [""] + (["mean", "ahead", "outside"] if s.momentum else [])
    else:
        switches.append([("", {}), ("epsilon inside the root", {"inside": True})])
        switches.append([("", {}), ("root missing", {"root": False}), ("gradient not squared", {"squared": False})])
        forms = ["", "folded"] if rule == "adam" else [""]
    if rule == "adam":
        bias: list[tuple[str, dict[str, object]]] = [("", {})]
        for name, how in (("multiplied", "multiply"), ("missing", "nothing")):
            for which in (("m", "v"), ("m",), ("v",)):
                note = "" if len(which) == 2 else f"that of {which[0]}"
                switch: dict[str, object] = dict.fromkeys(which, how)
                bias.append((f"bias correction {name}", switch | {"note": note}))
        bias.append(
            ("bias correction multiplied", {"m": "multiply late", "v": "multiply late", "note": "and t counts from 0"})
        )
        bias.append(("step counted from 0", {"m": "late", "v": "late"}))
        switches.append(bias)
        switches.append([("", {}), ("momentum sign", {"memory": -1.0})])
    found = []
    for choice in product(*switches):
        names = tuple(name for name, _ in choice if name)
        options = {k: v for _, part in choice for k, v in part.items()}
        if names and len(names) <= 2:
            found += [replace(Variant(rule, names, form=form), **options) for form in forms]  # type: ignore[arg-type]
    return sorted(found, key=lambda variant: len(variant.mistakes))


def walk(variant: Variant, s: Settings, w: Array, gradients: Sequence[Array]) -> list[Array]:
    """Where w is after each step.

    >>> walk(Variant("sgd"), Settings(lr=0.5), np.array([1.0]), [np.array([1.0])] * 2)
    [array([0.5]), array([0.])]
    """
    m, v, out, w = np.zeros_like(w), np.zeros_like(w), [], w.copy()
    for t, g in enumerate(gradients, 1):
        lr = variant.sign * (s.schedule[t - 1] if s.schedule else s.lr / (1.0 + s.decay * (t - 1)))
        if s.weight_decay:
            g = g + s.weight_decay * w if variant.form == "coupled" else g
            w = w - (0.0 if variant.form == "coupled" else lr * s.weight_decay * w)
        square = g * g if variant.squared else np.abs(g)
        with np.errstate(all="ignore"):
            if variant.rule == "sgd":
                w, m = _sgd(variant, s, lr, w, m, g)
            elif variant.rule == "adam":
                m = variant.memory * s.beta1 * m + (1.0 - s.beta1) * g
                v = s.beta2 * v + (1.0 - s.beta2) * square
                w = w - lr * _adam(variant, s, m, v, t)
            else:
                v = v + square if variant.rule == "adagrad" else s.rho * v + (1.0 - s.rho) * square
                w = w - lr * g / _below(variant, v, s.eps)
        out.append(w.copy())
    return out


def _sgd(variant: Variant, s: Settings, lr: float, w: Array, v: Array, g: Array) -> tuple[Array, Array]:
    mu = variant.memory * s.momentum
    if variant.form == "mean":
        v = mu * v + (1.0 - s.momentum) * g
        return w - lr * v, v
    if variant.form == "outside":
        v = mu * v + g
        return w - lr * (g + mu * v if s.nesterov else v), v
    v = mu * v - lr * g
    return w + (mu * v - lr * g if s.nesterov != (variant.form == "ahead") else v), v


def _below(variant: Variant, v: Array, eps: float) -> Array:
    if not variant.root:
        return np.asarray(v + eps)
    return np.asarray(np.sqrt(v + eps) if variant.inside else np.sqrt(v) + eps)


def _adam(variant: Variant, s: Settings, m: Array, v: Array, t: int) -> Array:
    a, b = 1.0 - s.beta1**t, 1.0 - s.beta2**t
    if variant.form == "folded":
        late = "late" in variant.m
        a, b = (1.0 - s.beta1 ** (t - 1), 1.0 - s.beta2 ** (t - 1)) if late else (a, b)
        rate = {"divide": np.sqrt(b) / a, "late": np.sqrt(b) / a if a else np.inf, "nothing": 1.0}.get(
            variant.m, a / np.sqrt(b) if b else 0.0
        )
        return np.asarray(m * rate / _below(variant, v, s.eps))
    return np.asarray(
        _corrected(m, variant.m, a, s.beta1, t) / _below(variant, _corrected(v, variant.v, b, s.beta2, t), s.eps)
    )


def _corrected(m: Array, how: str, bias: float, beta: float, t: int) -> Array:
    if how == "nothing":
        return m
    if how.startswith("multiply"):
        return m * (1.0 - beta ** (t - 1) if "late" in how else bias)
    return np.asarray(m / (bias if how == "divide" else 1.0 - beta ** (t - 1)))
