"""What the page says: everything is found out once, then written in as much detail as there is room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pellucid.base.errors import PellucidError
from pellucid.inspection.broke import Broke
from pellucid.inspection.doctor import Diagnosis
from pellucid.inspection.report.amounts import Amounts
from pellucid.inspection.report.behind import Behind
from pellucid.inspection.report.confusion import confusion, errors, several
from pellucid.inspection.report.curves import curves
from pellucid.inspection.report.findings import break_of, examine, findings
from pellucid.inspection.report.html import clean, counted, figure, para
from pellucid.inspection.report.judged import Judged, judge
from pellucid.inspection.report.ledgers import Opened, ledgers
from pellucid.inspection.report.ledgers import lines as opened_lines
from pellucid.inspection.report.moments import Moment, moments
from pellucid.inspection.report.overview import overview
from pellucid.inspection.report.reproduce import reproduce
from pellucid.inspection.report.scrubber import scrubber
from pellucid.inspection.report.subject import Subject, Told, subject_of
from pellucid.layers.layer import Layer


@dataclass(frozen=True)
class Found:
    """Everything that was found out for the page."""

    subject: Subject
    judged: Judged | None
    behind: Behind | None
    moments: list[Moment]
    diagnosis: Diagnosis | str
    opened: list[Opened]
    broke: Broke | None


def find(run: Any, data: Any, part: str, training: Any, steps: int, doctor: float, prove: bool, told: Told) -> Found:
    """Find everything out: ask the network, recompute steps, ask the doctor, open numbers."""
    told("reading")
    subject = subject_of(run, data, part, training)
    judged = behind = None
    if subject.model is not None and subject.data is not None:
        told("asking the network")
        try:
            judged = judge(subject.model, subject.data, subject.part)
            behind = Behind(subject.model, judged.data)
        except PellucidError as error:
            subject.notes.append(f"The answers could not be judged. {clean(error, 400)}")
            subject.data = None
    walked = moments(subject, steps, told)
    told("opening numbers")
    opened = opened_lines(subject, judged)
    told("asking the doctor")
    return Found(subject, judged, behind, walked, examine(subject, doctor, prove), opened, break_of(subject))


def lede(found: Found) -> str:
    """The page in a line, below its title."""
    model, judged = found.subject.model, found.judged
    said = []
    if model is not None:
        said.append(f"{clean(', '.join(map(_short, model.layers)), 120)}: {counted(model.theta.size, 'parameter')}")
    if judged is not None:
        name, value = list(judged.figures.items())[-1]
        said.append(f"{name.replace('_', ' ')} {figure(name, value)} on {counted(judged.of, 'sample')} ({judged.part})")
    return "; ".join(said) or "What could be read of this training"


def _short(layer: Layer) -> str:
    """A layer in a word: Dense 128, ReLU."""
    size = getattr(layer, "units", getattr(layer, "filters", None))
    return type(layer).__name__ + (f" {size}" if isinstance(size, int) else "")


def sections(found: Found, amounts: Amounts) -> list[tuple[str, str, str]]:
    """The sections: key, heading, inside."""
    subject, judged = found.subject, found.judged
    parts = [
        ("summary", "Summary", overview(subject, judged)),
        ("curves", "Curves", curves(subject)),
        ("findings", "The doctor's findings", findings(found.diagnosis, found.broke, subject)),
        _mistakes(judged, found.behind, amounts),
    ]
    if found.moments:
        some = found.moments[:: amounts.steps]
        some = some if some[-1] is found.moments[-1] else [*some, found.moments[-1]]
        classes = judged.classes if judged is not None and judged.kind == "classes" else ()
        inside = scrubber(subject, some, subject.data, classes, amounts.looks)
        parts.append(("steps", "Step by step", inside))
    parts.append(("ledgers", "Numbers, opened", ledgers(found.opened, amounts.depth, amounts.terms)))
    parts.append(("again", "How to have it again", reproduce(subject)))
    return parts


def _mistakes(judged: Judged | None, behind: Behind | None, amounts: Amounts) -> tuple[str, str, str]:
    if judged is None or behind is None:
        return (
            "mistakes",
            "Answers",
            para("There are no answers to judge: samples with known answers were not at hand."),
        )
    if judged.kind == "classes":
        return "mistakes", "Confusion matrix", confusion(judged, behind, amounts.behind)
    if judged.kind == "several":
        return "mistakes", "Answers, output by output", several(judged)
    if judged.kind == "values":
        return "mistakes", "How far off the answers are", errors(judged, behind, max(amounts.behind, 1))
    figures = ", ".join(f"{name.replace('_', ' ')} {figure(name, v)}" for name, v in judged.figures.items())
    return "mistakes", "Answers", para(f"An answer is given for each time step. On the {judged.part} part: {figures}.")
