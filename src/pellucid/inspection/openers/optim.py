"""Openers of the update: "0.dense.W.m[2,3]", and how a step, a moment and the new weight are made.

Of every parameter P there are `P.g` (the gradient that the optimizer was given, after clipping), `P.m` and whatever
else the optimizer keeps, each also as `P.m.before`, `P.step` (how far it moved) and `P.after` (the new parameter).
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.openers.view import EXTRA, ROOTS, SCALES, Index, View
from pellucid.inspection.openings import Column, Given, Opening, Sum
from pellucid.inspection.trace import NoSuchPath, Trace, nearest
from pellucid.optim import SGD, AdaGrad, Adam, AdamW, RMSprop


def split(trace: Trace, owner: str, name: str) -> tuple[str, str] | None:
    """("0.dense.W", "m.before") of a name such as "W.m.before", or None if it is none of the update's."""
    param, dot, rest = name.partition(".")
    path = f"{owner}.{param}"
    return (path, rest) if dot and path in trace.model.slots else None


def find(trace: Trace, owner: str, name: str) -> Array | None:
    """An array of the update."""
    found = split(trace, owner, name)
    if found is None:
        return None
    path, rest = found
    update = trace.update
    if update is None:
        raise NoSuchPath(
            f"This trace has no update, so it has no {owner}.{name}: it was recorded without knowing the optimizer."
        )
    vectors = {"g": update.grad, "step": update.step, "after": update.after["theta"], "before": update.before["theta"]}
    vectors |= {k: a for k, a in update.after.items() if k != "theta"}
    vectors |= {f"{k}.before": a for k, a in update.before.items() if k != "theta"}
    if rest not in vectors:
        raise NoSuchPath(f"The update has no {owner}.{name}. {nearest(rest, list(vectors))}")
    return update.of(path, vectors[rest])


def root(trace: Trace, owner: str, name: str, at: Index) -> Opening | None:
    """How a number of the update is made."""
    found = split(trace, owner, name)
    if found is None:
        return None
    v = View(trace, owner)
    param, _, rest = name.partition(".")
    if rest == "before":
        return Sum(f"{param}", (v.pick(param, *at),))
    if rest.endswith(".before"):
        return Given("what the optimizer remembered of the steps before")
    if rest == "g":
        return _gradient(v, param, at)
    if rest == "after":
        return Sum("W + step", (v.pick(param, *at),), (v.pick(f"{param}.step", *at),))
    return _formula(v, param, rest, at)


def _gradient(v: View, param: str, at: Index) -> Sum:
    """dW, shortened if the whole gradient was too long."""
    update, d = v.trace.update, v.pick(f"d{param}", *at)
    assert update is not None
    before, after = float(np.linalg.norm(v.trace.grad)), float(np.linalg.norm(update.grad))
    if before == 0.0 or np.array_equal(v.trace.grad, update.grad, equal_nan=True):
        return Sum(f"d{param}", (d,))
    return Sum("dW * limit / length", (v.number("limit/length", after / before, "the gradient was shortened"), d))


def _formula(v: View, param: str, rest: str, at: Index) -> Opening:
    update = v.trace.update
    assert update is not None
    f, lr = update.optimizer, v.number("lr", update.rate, f"the learning rate of step {update.t}")

    def of(name: str) -> Column:
        return v.pick(f"{param}.{name}", *at)

    g, minus = of("g"), v.number("-1", -1.0)
    if rest == "step":
        if isinstance(f, SGD):
            rolled = ((v.number("momentum", f.momentum), of("v")),) if f.momentum and f.nesterov else ()
            if f.momentum and not f.nesterov:
                return Sum("v", (of("v"),))
            return Sum("momentum v - lr g" if rolled else "-lr g", *rolled, (minus, lr, g))
        if isinstance(f, AdaGrad | RMSprop):
            root_ = sqrt(float(of("s").values[0])) + f.eps
            s = v.line(f"{param}.s", at)
            rate = v.function(lambda i: "1/(sqrt(s) + eps)", 1.0 / root_, f"1 / (sqrt(s) + {f.eps:g})", lambda i: [s])
            return Sum("-lr g / (sqrt(s) + eps)", (minus, lr, g, rate))
        if isinstance(f, Adam):
            return _adam(v, f, param, at, lr)
        return Given(f"what {type(f).__name__} made of it" if f else "the optimizer is not known")
    if isinstance(f, SGD):
        if not f.momentum:
            return Given("0: without momentum nothing is remembered")
        return Sum("momentum v - lr g", (v.number("momentum", f.momentum), of("v.before")), (minus, lr, g))
    if isinstance(f, AdaGrad):
        return Sum("s + g^2", (of("s.before"),), (g, g))
    if isinstance(f, RMSprop):
        keep, new = v.number("rho", f.rho), v.number("(1 - rho)", 1.0 - f.rho)
        return Sum("rho s + (1 - rho) g^2", (keep, of("s.before")), (new, g, g))
    if isinstance(f, Adam):
        b, name = (f.beta1, "beta1") if rest == "m" else (f.beta2, "beta2")
        keep, new = v.number(name, b), v.number(f"(1 - {name})", 1.0 - b)
        power, added = ("g", (g,)) if rest == "m" else ("g^2", (g, g))
        return Sum(f"{name} {rest} + (1 - {name}) {power}", (keep, of(f"{rest}.before")), (new, *added))
    return Given("what the optimizer remembers")


def _adam(v: View, f: Adam, param: str, at: Index, lr: Column) -> Sum:
    """-lr mh / (sqrt(vh) + eps); AdamW shrinks the weight first."""
    update = v.trace.update
    assert update is not None
    t, m, minus = update.t, v.pick(f"{param}.m", *at), v.number("-1", -1.0)
    square = v.line(f"{param}.v", at)
    small = 1.0 / (sqrt(max(square.value, 0.0) / (1.0 - f.beta2**t)) + f.eps)
    fair = v.number("1/(1 - beta1^t)", 1.0 / (1.0 - f.beta1**t), f"m began at 0; t = {t}")
    rate = v.function(lambda i: "1/(sqrt(vh) + eps)", small, f"vh = v / (1 - beta2^{t})", lambda i: [square])
    found = Sum("-lr mh / (sqrt(vh) + eps)", (minus, lr, fair, m, rate))
    if isinstance(f, AdamW) and v.trace.model.slots[f"{v.owner}.{param}"].decay:
        decay = v.number("weight_decay", f.weight_decay)
        found = found + Sum("-lr weight_decay W", (minus, lr, decay, v.pick(param, *at)))
    return found


def scale_of(trace: Trace, owner: str, name: str, at: Index) -> float:
    """A step is the difference of two parameters, each rounded: its terms add up as exactly as those are."""
    found = split(trace, owner, name)
    if found is None or found[1] != "step" or trace.update is None:
        return 0.0
    return abs(float(trace.update.of(found[0], trace.update.before["theta"])[at]))


EXTRA["update"] = find
ROOTS["update"] = root
SCALES["update"] = scale_of
