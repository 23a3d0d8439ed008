"""A whole network with its loss: each part by itself, so that the mistake has a place, then all of it together.

If every part is right and the whole is wrong, the mistake is in how the parts are put together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.params import Penalty
from pellucid.base.run import Run
from pellucid.base.seeds import stream
from pellucid.inspection.backward.draws import targets_like
from pellucid.inspection.backward.judge import Exhibit, judge
from pellucid.inspection.backward.layers import check_layer
from pellucid.inspection.backward.loss_check import check_loss, some_pair
from pellucid.inspection.backward.losses import LossSubject
from pellucid.inspection.backward.matching import Scene
from pellucid.inspection.backward.nudge import jacobian
from pellucid.inspection.backward.objects import ObjectSubject
from pellucid.inspection.backward.ours import OurSubject
from pellucid.inspection.backward.report import ArrayReport, BackwardReport, Finding
from pellucid.inspection.backward.suspects import TRUE, Lineup
from pellucid.inspection.backward.trial import EXACT
from pellucid.inspection.backward.whole import BATCHES, report_of, whole_object
from pellucid.inspection.gradcheck import EVERYTHING, check_gradients
from pellucid.layers.compose import walk
from pellucid.layers.layer import Layer
from pellucid.model import Model


def is_network(thing: Any) -> bool:
    """Whether this is a network with its loss: a `pl.Model`, a list that ends in a loss, or an object that has both."""
    if isinstance(thing, Model | list) and thing:
        return True
    if isinstance(thing, type | tuple):
        return False
    held = getattr(thing, "__dict__", {})
    if "layers" in held and held.get("loss") is not None:
        return True
    return (
        isinstance(held.get("params"), Mapping)
        and callable(getattr(thing, "gradient", None))
        and callable(getattr(thing, "loss", None))
    )


def check_network(thing: Any, x: Any, t: Any, seed: int) -> BackwardReport:
    """Check a network.

    Args:
        thing: the network.
        x, t: inputs and targets; for a `pl.Model` they may be None.
        seed: the draws follow from it.
    """
    if isinstance(thing, Model):
        return check_model(thing, x, t, seed)
    if x is None or t is None:
        raise UsageError("A network is checked with inputs and targets: pl.check_backward(network, x, t).")
    x, t = np.asarray(x, np.float64), np.asarray(t)
    parts: list[tuple[str, BackwardReport]] = []
    layers, loss = (
        (thing[:-1], thing[-1])
        if isinstance(thing, list)
        else (getattr(thing, "layers", []), getattr(thing, "loss", None))
    )
    z = x
    for i, layer in enumerate(layers):
        name = f"{i}.{type(layer).__name__}"
        subject = OurSubject(layer, z) if isinstance(layer, Layer) else ObjectSubject(layer, z)
        parts.append((name, check_layer(subject, subject.x, seed)))
        body = subject.body(0)
        z = np.asarray(body.forward(z.copy()), np.float64)
    if loss is not None and not callable(getattr(loss, "__func__", None)):
        parts.append((f"loss.{type(loss).__name__}", check_loss(LossSubject(loss), z, t, seed)))
    whole = None if isinstance(thing, list) else whole_object(thing, x, t, seed)
    return _together(type(thing).__name__ if not isinstance(thing, list) else "network", parts, whole)


# ---- a pl.Model -----------------------------------------------------------------------------------------------------


def check_model(model: Model, x: Any, t: Any, seed: int) -> BackwardReport:
    """Check a `pl.Model`: every layer, the loss, the penalties, and the gradient of all parameters together."""
    rng = np.random.default_rng([seed, 19])
    exact = model.copy(dtype=np.float64)
    x = rng.standard_normal((max(BATCHES), *model.input_shape)) if x is None else np.asarray(x)
    ready = np.asarray(exact.prepared(x), np.float64)
    z = np.asarray(exact.net.forward(ready, _training(seed))[0], np.float64)
    if t is None:
        outputs, goal = some_pair(LossSubject(model.loss), None, rng)
        t = targets_like(goal, outputs, z, rng)
    t = np.asarray(t)
    if len(t) != len(x):
        raise UsageError(
            f"{len(x)} inputs and {len(t)} targets: a network is checked with as many of one as of the other."
        )
    parts = []
    for path, layer, shape in walk(exact.net, (1, *model.input_shape)):
        if layer.children():
            continue
        first = path.startswith("0.") and shape[1:] == model.input_shape
        own = ready[:6] if first else rng.standard_normal((5, *shape[1:]))
        parts.append((path, check_layer(OurSubject(layer, own), own, seed)))
    loss = LossSubject(exact.loss)
    loss_report = check_loss(loss, z, exact.loss.targets(t, z.shape), seed)
    parts.append((f"loss.{loss.name}", loss_report))
    for penalty in dict.fromkeys(p for _, p in model.penalties):
        parts.append((f"penalty.{type(penalty).__name__}", check_penalty(penalty, seed)))
    return _together("Model", parts, _whole_model(exact, x, t, seed))


def check_container(layer: Layer, whole: BackwardReport, x: Array, seed: int) -> BackwardReport:
    """Check a layer made of layers: if the whole of it is wrong, which of them is?

    Args:
        layer: a Sequential or the like.
        whole: the report on all of it.
        x: its inputs.
        seed: the draws follow from it.
    """
    rng = np.random.default_rng([seed, 37])
    parts = []
    for path, inner, shape in walk(layer, (1, *x.shape[1:])):
        if not inner.children():
            own = rng.standard_normal((5, *shape[1:])) if shape != (1, *x.shape[1:]) else x[:6]
            parts.append((path, check_layer(OurSubject(inner, own), own, seed)))
    return _together(whole.subject, parts, whole)


def _training(seed: int) -> Run:
    return Run(training=True, rng=stream(seed, "noise"))


def check_penalty(penalty: Penalty, seed: int) -> BackwardReport:
    """Check a penalty: its gradient beside nudges of its value."""
    exhibits = []
    for draw, size in enumerate(BATCHES):
        w = np.random.default_rng([seed, draw, 23]).standard_normal((size, 2)) + 0.1

        def value(a: Array, w: Array = w) -> Array:
            return np.asarray([penalty.value(a)])

        truth = jacobian(value, w, value(w), False, np.random.default_rng(0)).pull(np.ones(1))
        lineup = Lineup()
        lineup.add(TRUE, "", truth, cost=0)
        lineup.add("none", "regulariser missing", 0.0 * truth, scaled=False)
        lineup.add("twice", "regulariser doubled", 2.0 * truth, scaled=False)
        exhibits.append(Exhibit(np.array(penalty.gradient(w.copy())), truth, lineup, Scene(1, 1, EXACT, 1e-9)))
    j = judge("gradient", exhibits)
    return report_of(type(penalty).__name__, {"gradient": j}, "gradient beside nudges of value")


def _whole_model(model: Model, x: Array, t: Array, seed: int) -> BackwardReport:
    """All parameters at once, in batches of several sizes."""
    exhibits: dict[str, list[Exhibit]] = {}
    for n in [n for n in BATCHES if n <= len(x)] or [len(x)]:
        for row in check_gradients(model, x[:n], t[:n], seed=seed, numbers=12).rows:
            nudges = [nudge for nudge in row.nudges if nudge.verdict != "on a kink" and nudge.at is not None]
            if row.path == EVERYTHING or not nudges:
                continue
            truth, said = np.array([g.nudge for g in nudges]), np.array([g.backward for g in nudges])
            slot = model.slots[row.path]
            w = model.theta[slot.at].reshape(slot.shape)
            cost = sum((p.gradient(w) for at, p in model.penalties if at == slot.at), np.zeros(slot.shape))
            part = np.array([cost[g.at] for g in nudges if g.at is not None])
            lineup = Lineup()
            lineup.add(TRUE, "", truth, cost=0)
            if np.any(part):
                lineup.add("none", "regulariser missing", truth - part, scaled=False)
                lineup.add("twice", "regulariser doubled", truth + part, scaled=False)
            scene = Scene(n, int(np.prod(model.output_shape)), 1e-5, 1e-8 * (1.0 + float(np.abs(said).max())))
            exhibits.setdefault(row.path, []).append(Exhibit(said, truth, lineup, scene))
    return report_of("whole", {path: judge(path, several) for path, several in exhibits.items()}, "")


# ---- one report of many ---------------------------------------------------------------------------------------------


def _together(name: str, parts: Sequence[tuple[str, BackwardReport]], whole: BackwardReport | None) -> BackwardReport:
    """One report: the parts' rows with their places, and the whole's mistakes only if no part has any."""
    rows, found = [], dict[str, list[Finding]]()
    for place, report in parts:
        for row in report.arrays:
            rows.append(
                ArrayReport(f"{place}.{row.name}", row.verdict, row.numbers, row.error, row.mistakes, row.remark)
            )
        for f in report.findings:
            here = Finding(f.name, tuple(f"{place}.{a}" for a in f.arrays), f.evidence, f.repair)
            found.setdefault(f.name, []).append(here)
    notes: tuple[str, ...] = ()
    if whole is not None:
        if found and not whole.ok:
            notes = ("What the parts did wrong arrives in the gradients of the whole network, which are wrong too.",)
        else:
            rows += [
                ArrayReport(f"whole.{r.name}", r.verdict, r.numbers, r.error, r.mistakes, r.remark)
                for r in whole.arrays
            ]
            for f in whole.findings:
                found.setdefault(f.name, []).append(
                    Finding(f.name, tuple(f"whole.{a}" for a in f.arrays), f.evidence, f.repair)
                )
    merged = []
    for mistake, several in found.items():
        arrays = tuple(a for f in several for a in f.arrays)
        evidence = tuple(line for f in several for line in f.evidence)
        repair = "\n".join(dict.fromkeys(line for f in several for line in f.repair.splitlines()))
        merged.append(Finding(mistake, arrays, evidence, repair))
    how = f"each of {len(parts)} parts by itself" + (", then the whole" if whole is not None else "")
    return BackwardReport(name, how, tuple(rows), tuple(merged), notes)
