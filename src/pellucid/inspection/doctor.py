"""What is wrong with a training, found by experiments, each with its evidence and a cure that can be tried.

    diagnosis = pl.doctor(model, x, t, optimizer=pl.SGD(10.0))
    print(diagnosis)

The experiments stand in `ladder/`, one idea a file. Every one is made on copies: the model, the optimizer and the
data are afterwards as they were.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pellucid.base.errors import PellucidError
from pellucid.data.augment import Augment
from pellucid.data.batches import as_data, check_finite
from pellucid.data.split import split
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder import (
    eight,
    gradient,
    labels,
    layers,
    overfit,
    pairs,
    proving,
    rates,
    restraint,
    scale,
    shuffled,
    start,
    structure,
    units,
)
from pellucid.inspection.ladder.case import Case, Clock, OutOfTime
from pellucid.inspection.ladder.rung import Found, Rung
from pellucid.model import Model
from pellucid.optim import Adam, Optimizer
from pellucid.train import check_count

LADDER: dict[str, Rung] = {
    "weights": start.finite,
    "last layer and loss": pairs.examine,
    "layers": structure.examine,
    "inputs": scale.inputs,
    "targets": scale.targets,
    "gradient": gradient.examine,
    "gradients by layer": layers.examine,
    "loss at the start": start.loss,
    "units at the start": start.alike,
    "units": units.examine,
    "schedule": rates.schedule,
    "clip": rates.clip,
    "restraint": restraint.examine,
    "learning rate": rates.examine,
    "eight samples": eight.examine,
    "shuffled labels": shuffled.examine,
    "labels": labels.examine,
    "overfitting": overfit.examine,
}


@dataclass(frozen=True)
class Looked:
    """One experiment: what was looked at, what it showed, and what was found in it."""

    what: str
    says: str
    found: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found, and what was looked at.

    Args:
        findings: what is wrong, causes before their consequences.
        looked: each experiment with what it showed, in the order of the ladder.
        left_out: experiments that were not made, and why.

    >>> diagnosis = Diagnosis((Finding("softmax twice", "The softmax is taken twice."),), (Looked("inputs", "0 to 1"),))
    >>> diagnosis.ok, diagnosis.names
    (False, ('softmax twice',))
    """

    findings: tuple[Finding, ...]
    looked: tuple[Looked, ...]
    left_out: tuple[Looked, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.findings

    @property
    def names(self) -> tuple[str, ...]:
        """The findings' names, causes first."""
        return tuple(finding.name for finding in self.findings)

    def __getitem__(self, name: str) -> Finding:
        """The finding of this name."""
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"{name!r} was not found; there are {', '.join(self.names) or 'no findings'}")

    def __str__(self) -> str:
        lines = self.lines()
        if self.ok:
            return "\n".join([*lines, "", "Nothing was found."])
        count = len(self.findings)
        head = f"{count} finding{'s' * (count > 1)}" + (", causes first" if count > 1 else "") + ":"
        return "\n".join([*lines, "", head, *(f"\n{i}. {finding}" for i, finding in enumerate(self.findings, 1))])

    def lines(self) -> list[str]:
        """What was looked at, a line each; those in which something was found begin with a mark."""
        width = max((len(one.what) for one in (*self.looked, *self.left_out)), default=0)
        lines = [f"{'!' if one.found else ' '} {one.what:<{width}}  {one.says}" for one in self.looked]
        return lines + [f"  {one.what:<{width}}  not looked at: {one.says}" for one in self.left_out]

    def as_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values, for JSON."""
        return {
            "ok": self.ok,
            "findings": [finding.as_dict() for finding in self.findings],
            "looked": [{"what": one.what, "says": one.says, "found": list(one.found)} for one in self.looked],
            "left_out": [{"what": one.what, "why": one.says} for one in self.left_out],
        }


def doctor(
    model: Model,
    x: Any,
    t: Any = None,
    *,
    optimizer: Optimizer | None = None,
    epochs: int = 10,
    batch_size: int = 128,
    validation: Any = None,
    augment: Augment | None = None,
    clip: float | None = None,
    seed: int = 0,
    prove: bool = False,
    seconds: float | None = 60.0,
) -> Diagnosis:
    """Look for what is wrong with a training before it is made: about twenty short experiments on copies.

    Give the arguments that `model.fit` would get. Each experiment stands on those before: what was found is cured on
    the copy first, so that a consequence is not reported as a cause. The same arguments give the same findings.

    Args:
        model: the network, fresh or trained. It is not changed.
        x, t: inputs and targets; or x alone, a `pl.Data` or a pair.
        optimizer: how the parameters are to move. Default `Adam(1e-3)`.
        epochs, batch_size, augment, clip, seed: as for `pl.train`.
        validation: samples that are only measured. Default a fifth of the samples, set aside.
        prove: try each cure: a short training without it and with it, both curves kept in the finding. Default false.
        seconds: about how long it may take; experiments that do not fit are left out, and it is said which. Default 60.
            None: as long as it takes.

    >>> import numpy as np
    >>> import pellucid as pl
    >>> data = pl.datasets.vertical()
    >>> layers = pl.Dense(16), pl.ReLU(), pl.Dense(3), pl.Softmax()
    >>> model = pl.Model(*layers, loss=pl.SoftmaxCrossEntropy(), input_shape=2)
    >>> diagnosis = pl.doctor(model, data, optimizer=pl.Adam(0.01), epochs=50)
    >>> diagnosis.names
    ('softmax twice',)
    >>> print(diagnosis["softmax twice"].code)
    pl.Model(..., pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), ...)
    """
    data = as_data(x, t)
    check_count("epochs", epochs, "it is how often every sample is to be seen")
    check_count("batch_size", batch_size, "32 to 512 are common")
    check_finite(data)
    if validation is None:
        data, validation = split(data, 0.2, seed)
    case = Case(
        model.copy(), data, as_data(validation, name="validation"), copy.deepcopy(optimizer or Adam(1e-3)), epochs,
        batch_size, clip, augment, seed, Clock.of(seconds),
    )  # fmt: skip
    return climb(case, prove)


def climb(case: Case, prove: bool = False, told: Callable[[str], None] = lambda what: None) -> Diagnosis:
    """Make the experiments in their order; `told` hears what is looked at next."""
    case.prepared(case.probe[:1])  # what does not fit at all is an error, and no finding
    sick: list[tuple[Case, Found]] = []
    looked: dict[str, Looked] = {}
    left_out: list[Looked] = []
    stopped = ""
    for name, rung in LADDER.items():
        if stopped:
            left_out.append(Looked(name, f"{stopped!r} would be behind it"))
            continue
        told(name)
        try:
            for says, found in _examined(rung, case):
                before = looked.get(name, Looked(name, says))
                looked[name] = before if found is None else replace(before, found=(*before.found, found.finding.name))
                if found is None:
                    break
                sick.append((case, found))
                stopped = found.finding.name if found.stops else ""
                if found.cured is not None:
                    case = found.cured
        except OutOfTime:
            left_out.append(Looked(name, "the time was over"))
        except PellucidError as error:
            left_out.append(Looked(name, str(error).splitlines()[0]))
    findings = [found.finding if not prove else _proved(before, found, case, told) for before, found in sick]
    return Diagnosis(tuple(findings), tuple(looked.values()), tuple(left_out))


def _proved(before: Case, found: Found, healthy: Case, told: Callable[[str], None]) -> Finding:
    """The finding with its cure tried, at the rate that was right in the end: a wrong one would hide what it does."""
    cured = found.cured
    if cured is None:
        return found.finding
    told(f"the cure of {found.finding.name!r}")
    if cured.optimizer is before.optimizer and cured.clip == before.clip:
        pace = {"optimizer": healthy.optimizer, "clip": healthy.clip}
        before, found = before.but(**pace), replace(found, cured=cured.but(**pace))
    try:
        return replace(found.finding, proof=proving.prove(before, found))
    except OutOfTime:
        return found.finding


def _examined(rung: Rung, case: Case) -> Iterator[tuple[str, Found | None]]:
    """What a rung says, and again with what it found cured, until it finds nothing more."""
    known: set[str] = set()
    while True:
        seen = rung(case)
        found = seen.found if seen.found is None or seen.found.finding.name not in known else None
        if not known or found is not None:
            yield seen.says, found
        if found is None or found.cured is None:
            return
        known.add(found.finding.name)
        case = found.cured
