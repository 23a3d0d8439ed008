"""From one rung to the next: each experiment in its order, and what it finds cured before the one after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pellucid.base.errors import PellucidError, UsageError
from pellucid.inspection.doctor import Diagnosis, Looked
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
from pellucid.inspection.ladder.case import Case, OutOfTime
from pellucid.inspection.ladder.rung import Found, Rung

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


def climb(case: Case, prove: bool = False, told: Callable[[str], None] = lambda what: None) -> Diagnosis:
    """Make the experiments in their order; `told` hears what is looked at next."""
    if not case.model.theta.size:
        raise UsageError(
            "This model has no parameters, so there is no training to examine: give it a layer such as Dense."
        )
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
            if name not in looked:  # else it had spoken, and only its second look was cut
                left_out.append(Looked(name, "the time was over"))
        except PellucidError as error:
            left_out.append(Looked(name, str(error).splitlines()[0]))
    findings = [_proved(*one, case, one is sick[-1], told) if prove else one[1].finding for one in sick]
    return Diagnosis(tuple(findings), tuple(looked.values()), tuple(left_out))


def _proved(before: Case, found: Found, healthy: Case, last: bool, told: Callable[[str], None]) -> Finding:
    """The finding with its cure tried, at the rate that was right in the end: a wrong one would hide what it does."""
    cured = found.cured
    if cured is None:
        return found.finding
    told(f"the cure of {found.finding.name!r}")
    if cured.optimizer is before.optimizer and cured.clip == before.clip:
        pace = {"optimizer": healthy.optimizer, "clip": healthy.clip}
        before, found = before.but(**pace), replace(found, cured=cured.but(**pace))
    try:
        return replace(found.finding, proof=proving.prove(before, found, last))
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
