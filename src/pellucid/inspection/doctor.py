"""What is wrong with a training, found by experiments, each with its evidence and a cure that can be tried.

    diagnosis = pl.doctor(model, x, t, optimizer=pl.SGD(10.0))
    print(diagnosis)

The experiments stand in `ladder/`, one idea a file. Every one is made on copies: the model, the optimizer and the data are
afterwards as they were.
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
    eight, gradient, labels, layers, overfit, pairs, proving, rates, restraint, scale, shuffled, start, structure, units,
)  # fmt: skip
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
class Diagnosis:
    """What the doctor found, and what was looked at.

    Args:
        findings: what is wrong, causes before their consequences.
        looked: each experiment with what it showed, in the order of the ladder.
        left_out: experiments that were not made, and why.

    >>> diagnosis = Diagnosis((Finding("softmax twice", "The softmax is taken twice."),), (("inputs", "0 to 1"),), ())
    >>> diagnosis.ok, diagnosis.names
    (False, ('softmax twice',))
    """

    findings: tuple[Finding, ...]
    looked: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...] = ()

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
        width = max((len(name) for name, _ in (*self.looked, *self.left_out)), default=0)
        lines = [f"{name:<{width}}  {said}" for name, said in self.looked]
        lines += [f"{name:<{width}}  not looked at: {why}" for name, why in self.left_out]
        if self.ok:
            return "\n".join([*lines, "", "Nothing was found."])
        count = len(self.findings)
        head = f"{count} finding{'s' * (count > 1)}" + (", causes first" if count > 1 else "") + ":"
        return "\n".join([*lines, "", head, *(f"\n{i}. {finding}" for i, finding in enumerate(self.findings, 1))])

    def as_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values, for JSON."""
        return {
            "ok": self.ok,
            "findings": [finding.as_dict() for finding in self.findings],
            "looked": [{"what": what, "says": says} for what, says in self.looked],
            "left_out": [{"what": what, "why": why} for what, why in self.left_out],
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

    Give the arguments that `model.fit` would get. Each experiment stands on those before: what was found is cured on the
    copy first, so that a consequence is not reported as a cause. The same arguments give the same findings.

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
    >>> model = pl.Model(pl.Dense(16), pl.ReLU(), pl.Dense(3), pl.Softmax(), loss=pl.SoftmaxCrossEntropy(), input_shape=2)
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
    findings: list[Finding] = []
    looked: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = []
    stopped = ""
    for name, rung in LADDER.items():
        told(name)
        if stopped:
            left_out.append((name, f"{stopped!r} would be behind it"))
            continue
        try:
            for says, found in _examined(rung, case):
                looked[:] = [(n, s) for n, s in looked if n != name] + [(name, says)]
                if found is None:
                    break
                proof = None
                if prove and found.cured is not None:
                    told(f"the cure of {found.finding.name!r}")
                    proof = proving.prove(case, found)
                findings.append(replace(found.finding, proof=proof))
                stopped = found.finding.name if found.stops else ""
                if found.cured is None:
                    break
                case = found.cured
        except OutOfTime:
            left_out.append((name, "the time was over"))
        except PellucidError as error:
            left_out.append((name, str(error).splitlines()[0]))
    return Diagnosis(tuple(findings), tuple(looked), tuple(left_out))


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
