"""An optimizer: let it walk with known gradients and compare with the published formula, step by step.

The gradients are of sizes from 1 to 1e-8, because epsilon shows only beside small ones and the bias correction only in
the first steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.inspection.backward.calling import parameters, required
from pellucid.inspection.backward.driving import UPDATE, drive, name_of
from pellucid.inspection.backward.mistakes import UNKNOWN
from pellucid.inspection.backward.optimizer_rules import FORMULAS, PAPERS, Settings, Variant, mistaken, published, walk
from pellucid.inspection.backward.report import ArrayReport, BackwardReport, Finding
from pellucid.optim import Optimizer, RandomSearch

STEPS, DRAWS, SIZES = 7, 3, (1.0, 0.3, 1e-2, 1e-3, 1e-4, 1e-6, 1e-7, 1e-8)
EPSILONS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-10, 1e-12, 1e-4, 1e-3, 1e-16, 0.0)
NAMES = {
    "lr": ("learning_rate", "lr", "eta", "step_size", "alpha", "learningrate"),
    "momentum": ("momentum", "mu", "gamma"),
    "nesterov": ("nesterov",),
    "rho": ("rho", "decay_rate", "gamma", "beta", "smoothing"),
    "beta1": ("beta1", "beta_1", "b1", "betas"),
    "beta2": ("beta2", "beta_2", "b2", "betas"),
    "eps": ("eps", "epsilon", "e"),
    "decay": ("decay",),
    "weight_decay": ("weight_decay",),
}


def is_optimizer(thing: Any) -> bool:
    """Whether this looks like an optimizer: it updates, and has neither forward nor backward."""
    if isinstance(thing, Optimizer) or (isinstance(thing, type) and issubclass(thing, Optimizer)):
        return True
    if isinstance(thing, tuple):
        return False
    plain = not hasattr(thing, "forward") and not hasattr(thing, "backward")
    words = ("adam", "sgd", "momentum", "rmsprop", "adagrad", "nesterov", "optim")
    named = any(word in name_of(thing).lower() for word in words)
    return plain and (any(hasattr(thing, n) for n in ("update_params", *UPDATE[:-1])) or (callable(thing) and named))


def check_optimizer(thing: Any, args: tuple[Any, ...] | None, seed: int) -> BackwardReport:
    """Check an optimizer.

    Args:
        thing: an object, its class, or a function (w, dw, config).
        args: with which a class is made, or None.
        seed: the gradients follow from it.
    """
    if isinstance(thing, type):
        thing = thing(*(args if args is not None else ([0.05] if required(thing) else [])))
    name = name_of(thing)
    if isinstance(thing, RandomSearch):
        raise UsageError("RandomSearch has no formula to be compared with: it draws its steps.")
    settings, rule = read_settings(thing), which_rule(thing)
    if not settings.lr:
        raise UsageError(f"{name}'s learning rate is 0: it does not move, and nothing can be compared.")
    walks, touched = [], False
    for draw in range(DRAWS):
        rng = np.random.default_rng([seed, draw])
        scale = np.array(SIZES)
        w = 0.1 * rng.standard_normal(scale.size)
        gradients = [scale * rng.standard_normal(scale.size) * rng.uniform(0.5, 1.5) for _ in range(STEPS + draw)]
        said, wrote = drive(thing, w, gradients)
        walks.append((w, gradients, said))
        touched = touched or wrote
    return _report(name, rule, settings, walks, touched)


def read_settings(thing: Any) -> Settings:
    """The optimizer's numbers, from its attributes or the defaults of its arguments.

    >>> from pellucid.optim import SGD
    >>> read_settings(SGD(0.5, momentum=0.9)).momentum
    0.9
    """
    held = dict(getattr(thing, "__dict__", {}))
    held |= {p.name: p.default for p in parameters(thing) if p.default is not p.empty} if not held else {}
    held = {k.lower().strip("_"): v for k, v in held.items()}
    found: dict[str, Any] = {}
    for name, names in NAMES.items():
        key = next((n for n in names if isinstance(held.get(n), int | float | tuple | list)), None)
        if key is None or (name == "momentum" and key == "gamma" and "rms" in name_of(thing).lower()):
            continue
        value = held[key]
        found[name] = value[0 if name == "beta1" else 1] if isinstance(value, tuple | list) else value
    if "lr" in found and "alpha" in held and "lr" not in held and "rms" in name_of(thing).lower():
        found.pop("lr")
    rate = held.get("lr") if callable(held.get("lr")) else None
    schedule = tuple(float(rate(step)) for step in range(STEPS + DRAWS)) if rate is not None else ()
    return Settings(**found, learned=(*found, *(["lr"] if schedule else [])), schedule=schedule)


def which_rule(thing: Any) -> str:
    """Which published rule it is meant to be, by its name or by its numbers."""
    low, s = name_of(thing).lower(), read_settings(thing)
    for rule in ("adam", "rmsprop", "adagrad"):
        if rule in low:
            return rule
    if "sgd" in low or "momentum" in low or "nesterov" in low or "descent" in low:
        return "sgd"
    if "beta1" in s.learned and "beta2" in s.learned:
        return "adam"
    return "rmsprop" if "rho" in s.learned and "eps" in s.learned else "adagrad" if "eps" in s.learned else "sgd"


Walk = tuple[Array, Sequence[Array], Sequence[Array]]


def _apart(variant: Variant, s: Settings, walks: Sequence[Walk]) -> float:
    """The largest difference of a walk from the variant's, relative to how far each number has moved."""
    worst = 0.0
    for w, gradients, said in walks:
        moved, true = np.asarray(said) - w, np.asarray(walk(variant, s, w, gradients)) - w
        if "lr" not in s.learned:  # every rule's steps grow with the rate, so an unknown rate is found by their length
            with np.errstate(all="ignore"):
                true = true * abs(float(np.vdot(moved, true) / np.vdot(true, true)))
        size = np.maximum(np.abs(moved), np.abs(true))
        noise = 1e-14 * (1.0 + np.abs(w))
        with np.errstate(all="ignore"):
            error = np.where(np.abs(moved - true) <= noise, 0.0, np.abs(moved - true) / (size + 1e-300))
        worst = max(worst, float(np.max(np.where(np.isfinite(error), error, np.inf))))
    return worst


def _report(name: str, rule: str, s: Settings, walks: Sequence[Walk], touched: bool) -> BackwardReport:
    steps = sum(len(g) for _, g, _ in walks)
    how = f"{steps} steps beside {PAPERS[rule]}, with gradients from 1 to 1e-8"
    choices = [s] if "eps" in s.learned or rule == "sgd" else [_with(s, eps=e) for e in EPSILONS]
    choices += [
        _with(c, momentum=m)
        for c in choices[:1]
        for m in (0.9, 0.5, 0.99)
        if rule == "sgd" and "momentum" not in s.learned
    ]
    choices += [
        _with(c, rho=r) for c in choices for r in (0.99, 0.95, 0.999) if rule == "rmsprop" and "rho" not in s.learned
    ]
    rows: list[ArrayReport] = []
    findings: list[Finding] = []
    numbers = sum(len(g) * len(w) for w, g, _ in walks)
    tolerance = 1e-5 if all(np.asarray(said).dtype == np.float64 for _, _, said in walks) else 1e-3
    right = _first(_right(rule, s), choices, walks, tolerance)
    if right is not None:
        variant, error = right
        rows.append(ArrayReport("update", "right", numbers, error, remark=variant.note))
    else:
        wrong = _first(mistaken(rule, s), choices, walks, tolerance)
        names = wrong[0].mistakes if wrong else ()
        note = wrong[0].note if wrong else ""
        rows.append(ArrayReport("update", "wrong", numbers, _apart(Variant(rule), choices[0], walks), names, note))
        evidence = _evidence(Variant(rule), choices[0], walks[0])
        if wrong:
            evidence += (f"With exactly this mistake all {steps} steps agree.",)
        findings += [Finding(n, ("update",), evidence, FORMULAS[rule]) for n in names or (UNKNOWN,)]
    if touched:
        rows.append(ArrayReport("gradient", "wrong", mistakes=("argument overwritten",), remark="by the update"))
        said = "The update writes to the gradient, which belongs to the layer."
        findings.append(
            Finding(
                "argument overwritten",
                ("gradient",),
                (said,),
                "g = g.copy()        # or an expression without +=, *= on g",
            )
        )
    return BackwardReport(name, how, tuple(rows), tuple(findings), (), "update")


def _with(s: Settings, **changes: Any) -> Settings:
    return replace(s, **changes)


def _right(rule: str, s: Settings) -> list[Variant]:
    found = list(published(rule, s))
    if s.weight_decay:
        found += [Variant(v.rule, form="coupled", note="weight decay is added to the gradient") for v in found[:1]]
    return found


def _first(
    variants: Sequence[Variant], choices: Sequence[Settings], walks: Sequence[Walk], tolerance: float
) -> tuple[Variant, float] | None:
    for variant in variants:
        for s in choices:
            if "momentum sign" in variant.mistakes and variant.rule == "sgd" and not s.momentum:
                continue
            error = _apart(variant, s, walks)
            if error <= tolerance:
                return variant, error
    return None


def _evidence(variant: Variant, s: Settings, walk_: Walk) -> tuple[str, ...]:
    w, gradients, said = walk_
    true = walk(variant, s, w, gradients)
    lines = []
    for step in (1, 2):
        moved, right = said[step - 1] - w, true[step - 1] - w
        at = int(np.argmax(np.abs(moved - right) / (np.abs(moved) + np.abs(right) + 1e-300)))
        lines.append(
            f"Step {step}: a weight with gradient {gradients[step - 1][at]:+.3g} has moved by {moved[at]:+.4g}; by "
            f"the published formula by {right[at]:+.4g}."
        )
    return tuple(lines)
