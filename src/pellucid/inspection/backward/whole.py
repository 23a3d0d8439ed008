"""The gradient of all parameters of somebody's network beside nudges of its own loss.

Two forms of networks are known: with layers and a loss, as in the book's chapter 18, and with `params`, `loss(x, t)`
and `gradient(x, t)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.backward.calling import TRAINING, Chance, call, offer, twin
from pellucid.inspection.backward.judge import Exhibit, Judgement, judge
from pellucid.inspection.backward.losses import LossSubject
from pellucid.inspection.backward.matching import Scene
from pellucid.inspection.backward.mistakes import UNKNOWN
from pellucid.inspection.backward.nudge import jacobian
from pellucid.inspection.backward.objects import STRENGTHS
from pellucid.inspection.backward.report import ArrayReport, BackwardReport, Finding
from pellucid.inspection.backward.suspects import TRUE, Lineup
from pellucid.inspection.backward.trial import EXACT

BATCHES = (3, 5, 7)  # how many samples the whole network is checked with


def whole_object(network: Any, x: Array, t: Array, seed: int) -> BackwardReport | None:
    """The gradient of all parameters beside nudges of the network's own loss."""
    judged: dict[str, list[Exhibit]] = {}
    rng = np.random.default_rng([seed, 29])
    for n in [n for n in BATCHES if n <= len(x)] or [len(x)]:
        body, probe = twin(network), twin(network)
        reader = _Dictionary if isinstance(vars(network).get("params"), Mapping) else _Layered
        one, other = reader(body), reader(probe)
        before: dict[str, Array] = {}
        for again in (False, True):
            a, b = (x[:n], t[:n]) if not again else (x[-n:], t[-n:])
            state = one.chance.state()
            said = one.gradient(a.copy(), b.copy())
            for name, value in other.params().items():
                loss = partial(_loss_at, other, name, a, b, state)
                truth = jacobian(loss, value, loss(value), False, rng).pull(np.ones(1))
                other.put(name, value)
                lineup = Lineup()
                lineup.add(TRUE, "", truth, cost=0)
                lineup.add("turned", "transposed", truth.T)
                stale = truth + before[name] if name in before and before[name].shape == truth.shape else truth
                lineup.add("stale", "stale gradient added", stale, scaled=False)
                K = t[:1].size if t.ndim > 1 else 1
                judged.setdefault(name, []).append(Exhibit(said.get(name), truth, lineup, Scene(n, K, EXACT, 1e-9)))
            before = {name: np.array(v, np.float64) for name, v in said.items()}
    if not judged:
        return None
    return report_of("whole", {name: judge(name, several) for name, several in judged.items()}, "")


def _loss_at(network: _Dictionary | _Layered, name: str, x: Array, t: Array, state: Any, value: Array) -> Array:
    """The loss for another value of one parameter, with the random numbers of `state`."""
    network.chance.put(state)
    network.put(name, value)
    return np.asarray([network.loss(x.copy(), t.copy())])


class _Dictionary:
    """A network with params, loss(x, t) and gradient(x, t), all by name."""

    def __init__(self, network: Any) -> None:
        self.network, self.chance = network, Chance(network)

    def params(self) -> dict[str, Array]:
        return {k: np.array(v, np.float64) for k, v in self.network.params.items()}

    def put(self, name: str, value: Array) -> None:
        self.network.params[name][...] = value

    def loss(self, x: Array, t: Array) -> float:
        return float(self.network.loss(x, t))

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        said = self.network.gradient(x, t)
        return {k: np.array(v) for k, v in said.items() if k in self.network.params}


def _cost(layer: Any) -> float:
    """What a layer's weights cost by the strengths that it holds, under the book's names."""
    total = 0.0
    for array, stem in STRENGTHS.items():
        w = getattr(layer, array, None)
        if w is not None:
            total += float(getattr(layer, f"{stem}_l1", 0) or 0) * float(np.abs(w).sum())
            total += float(getattr(layer, f"{stem}_l2", 0) or 0) * float((w * w).sum())
    return total


class _Layered:
    """A network in the book's form: layers, a loss, forward and backward."""

    def __init__(self, network: Any) -> None:
        self.network, self.chance = network, Chance(network, *network.layers)

    def _at(self, name: str) -> tuple[Any, str]:
        i, attribute = name.split(".", 1)
        return self.network.layers[int(i)], attribute

    def params(self) -> dict[str, Array]:
        found = {}
        for i, layer in enumerate(self.network.layers):
            for name in ("weights", "biases", "W", "b"):
                value = getattr(layer, name, None)
                if isinstance(value, np.ndarray) and value.dtype == np.float64:
                    found[f"{i}.{name}"] = value.copy()
        return found

    def put(self, name: str, value: Array) -> None:
        layer, attribute = self._at(name)
        getattr(layer, attribute)[...] = value

    def _forward(self, x: Array) -> Array:
        out = call(self.network.forward, [x], offer(TRAINING, True), "forward")
        return np.asarray(out if out is not None else self.network.layers[-1].output)

    def loss(self, x: Array, t: Array) -> float:
        loss = self.network.loss
        value = LossSubject(loss).fresh().forward(self._forward(x), t)
        cost = getattr(loss, "regularization_loss", None)
        if cost is None:
            return value + sum(_cost(layer) for layer in self.network.layers)
        try:
            return value + float(cost())
        except Exception:  # chapter 14's form wants a layer
            return value + sum(float(cost(layer)) for layer in self.network.layers if hasattr(layer, "weights"))

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        self.network.backward(self._forward(x), t)
        said = {}
        for name in self.params():
            layer, attribute = self._at(name)
            if hasattr(layer, "d" + attribute):
                said[name] = np.array(getattr(layer, "d" + attribute))
        return said


def report_of(name: str, judgements: Mapping[str, Judgement], how: str) -> BackwardReport:
    """A report of judgements by array."""
    rows, found = [], dict[str, list[str]]()
    for array, j in judgements.items():
        verdict: Any = {"right": "right", "wrong": "wrong"}.get(j.verdict, "not checked")
        rows.append(ArrayReport(array, verdict, j.compared, j.error, j.mistakes, j.note))
        if verdict == "wrong":
            for mistake in j.mistakes or (UNKNOWN,):
                found.setdefault(mistake, []).append(array)
    evidence = {m: tuple(line for a in where for line in judgements[a].evidence)[:6] for m, where in found.items()}
    findings = tuple(Finding(m, tuple(where), evidence[m]) for m, where in found.items())
    return BackwardReport(name, how, tuple(rows), findings)
