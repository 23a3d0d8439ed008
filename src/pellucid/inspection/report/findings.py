"""What the doctor found: each finding with its evidence, its cure as code and its curves. Nothing is said too."""

from __future__ import annotations

from pellucid.base.errors import PellucidError
from pellucid.inspection.broke import Broke, where_it_broke
from pellucid.inspection.doctor import Diagnosis, doctor
from pellucid.inspection.finding import Finding
from pellucid.inspection.proof import Proof
from pellucid.inspection.report.chart import Series, lines
from pellucid.inspection.report.curves import chart
from pellucid.inspection.report.html import clean, code, counted, esc, number, opened, para, table, tag
from pellucid.inspection.report.subject import Subject

POINTS = 40  # of a curve in its table


def examine(subject: Subject, seconds: float, prove: bool = False) -> Diagnosis | str:
    """Ask the doctor about the training as it began, or about the model; or a sentence on why it was not asked."""
    if not seconds:
        return "The doctor was not asked: no time was given to it."
    if subject.training is None or subject.model is None:
        return "The doctor was not asked: it needs the samples that were trained on."
    try:
        if subject.recording is None:
            return doctor(subject.model, subject.training, prove=prove, seconds=seconds)
        began = subject.at(subject.recording.steps[0])
        return doctor(
            began.model, began.data, optimizer=began.optimizer, epochs=began.epochs, batch_size=began.batch_size,
            validation=began.validation, augment=began.augment, clip=began.clip, seed=began.seed, prove=prove,
            seconds=seconds,
        )  # fmt: skip
    except PellucidError as error:
        return f"The doctor could not look at this training. {clean(error, 400)}"


def break_of(subject: Subject) -> Broke | None:
    """Of a training that diverged: the first number that was not finite."""
    recording = subject.recording
    end = None if recording is None else recording.lines.end
    if recording is None or end is None or end["event"] != "diverged" or not subject.can_recompute:
        return None
    try:
        return where_it_broke(recording)
    except PellucidError as error:
        subject.notes.append(f"Where it broke could not be found. {clean(error, 400)}")
        return None


def findings(diagnosis: Diagnosis | str, broke: Broke | None, subject: Subject) -> str:
    """The section's inside."""
    first = _broke(broke) if broke is not None else ""
    return first + (para(diagnosis) if isinstance(diagnosis, str) else _diagnosis(diagnosis, subject))


def _broke(broke: Broke) -> str:
    """Where the training ended in a number that is not finite, and what likely helps."""
    lines = [line for line in str(broke).splitlines() if not line.startswith(("   ", *"123456789"))]
    parts = [tag("h3", "Where it broke"), *(para(line) for line in lines)]
    causes = [one.says + (f" {one.cure}" if one.cure else "") for one in broke.causes]
    if causes:
        parts.append(para("Likely causes, the most likely first:"))
        parts.append(tag("ol", "".join(tag("li", esc(text)) for text in causes)))
    parts += [code(one.code, f"The cure of {one.name} as code") for one in broke.causes[:1] if one.code]
    return tag("article", "".join(parts), class_="finding")


def _diagnosis(diagnosis: Diagnosis, subject: Subject) -> str:
    what = "the training as it began" if subject.recording is not None else "the network and its samples"
    looked = f"The doctor looked at {what}, in {counted(len(diagnosis.looked), 'experiment')}"
    count = len(diagnosis.findings)
    said = "and found nothing." if diagnosis.ok else f"and has {counted(count, 'finding')}" + (
        ", causes first." if count > 1 else ".")  # fmt: skip
    parts = [para(f"{looked}, {said}", None if diagnosis.ok else "alert")]
    parts += [_finding(one) for one in diagnosis.findings]
    if diagnosis.looked:
        rows = [(looked.what, looked.says) for looked in diagnosis.looked]
        parts.append(opened("What was looked at", _experiments("The doctor's experiments", "what it showed", rows)))
    if diagnosis.left_out:
        rows = [(looked.what, looked.says) for looked in diagnosis.left_out]
        left = _experiments("Experiments that were not made", "why not", rows)
        parts.append(opened("What was not looked at, and why", left))
    return "".join(parts)


def _experiments(caption: str, what: str, rows: list[tuple[str, str]]) -> str:
    return table(caption, ("experiment", what), rows, kind="words long")


def _finding(found: Finding) -> str:
    parts = [tag("h3", esc(found.name)), para(found.says)]
    if found.evidence:
        parts.append(tag("ul", "".join(tag("li", esc(text)) for text in found.evidence)))
    if found.cure:
        parts.append(para(f"Cure: {found.cure}"))
    if found.code:
        parts.append(code(found.code, f"The cure of {found.name} as code"))
    parts += [_curve(found.name, name, values) for name, values in found.curves.items() if len(values) > 1]
    if found.proof is not None:
        parts.append(_proof(found.name, found.proof))
    return tag("article", "".join(parts), class_="finding")


def _proof(finding: str, proof: Proof) -> str:
    """The cure, tried: both curves, and their numbers."""
    steps = tuple(map(float, proof.steps))
    both = [Series("without", steps, proof.before), Series("with", steps, proof.after)]
    said = f"The cure was tried: {proof.says}"
    rows = [(f"{s:,}", number(a), number(b)) for s, a, b in zip(proof.steps, proof.before, proof.after, strict=False)]
    heads = ("step", "without the cure", "with it")
    return chart(lines(proof.measure, said, both, "step"), said) + opened(
        "Both as a table", table(f"{finding}: the cure, tried", heads, rows))  # fmt: skip


def _curve(finding: str, name: str, values: tuple[float, ...]) -> str:
    """A finding's curve, and its numbers."""
    places = tuple(float(i + 1) for i in range(len(values)))
    said = f"{name}: from {number(values[0])} to {number(values[-1])}"
    every = -(-len(values) // POINTS)
    rows = [(f"{i + 1:,}", number(values[i])) for i in range(0, len(values), every)]
    drawn = chart(lines(name, f"{said}.", [Series(name, places, values)], "number"), f"{said}.")
    return drawn + opened(f"{name} as a table", table(f"{finding}: {name}", ("number", name), rows))
