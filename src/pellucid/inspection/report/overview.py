"""The summary: what was trained on what, how it ended, the network layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from pellucid.base.arrays import Shape
from pellucid.data.batches import Data
from pellucid.describe import describe
from pellucid.inspection.report.html import clean, code, counted, esc, facts, figure, number, para, table, tag
from pellucid.inspection.report.judged import Judged
from pellucid.inspection.report.subject import Subject
from pellucid.inspection.summary import answer_kind, loss_name, summary
from pellucid.layers.compose import walk
from pellucid.model import Model

ROWS, CLASSES = 80, 20


def overview(subject: Subject, judged: Judged | None) -> str:
    """The section's inside."""
    parts = (
        [tag("ul", "".join(tag("li", esc(note)) for note in subject.notes), class_="notes")] if subject.notes else []
    )
    parts.append(headlines(subject, judged))
    parts.append(facts(_facts(subject, judged)))
    if subject.model is not None:
        parts.append(table("The network, layer by layer", ("layer", "output", "parameters"), _layers(subject.model)))
        notes = [line for line in summary(subject.model).splitlines() if line.startswith("note: ")]
        parts += [para(line.removeprefix("note: "), "soft") for line in notes]
        if subject.model.prepare is not None:
            parts.append(_prepare(subject.model))
    return "".join(parts)


def headlines(subject: Subject, judged: Judged | None) -> str:
    """The few numbers that are asked for first."""
    found: list[tuple[str, str]] = []
    if judged is not None:
        found = [(f"{name.replace('_', ' ')}, {judged.part}", figure(name, v)) for name, v in judged.figures.items()]
        found = found[1:] + found[:1]  # the loss says least
    if subject.model is not None:
        found.append(("parameters", f"{subject.model.theta.size:,}"))
    if subject.recording is not None:
        found.append(("steps", f"{len(subject.recording.losses):,}"))
    if subject.rows:
        found.append(("epochs", f"{subject.rows[-1].get('epoch', len(subject.rows)):,}"))
    return tag("dl", "".join(f"<div><dt>{esc(n)}</dt><dd>{esc(v)}</dd></div>" for n, v in found), class_="headlines")


def _facts(subject: Subject, judged: Judged | None) -> Iterator[tuple[str, str]]:
    model, recording = subject.model, subject.recording
    if recording is not None:
        yield "Ended", esc(ended(subject))
        said = recording.run["training"]
        yield "Data", f"{esc(clean(recording.run.get('data')))}: {said['samples']:,} samples to train on"
    elif subject.training is not None:
        yield "Data", f"{esc(clean(subject.training.name))}: {counted(len(subject.training), 'sample')} to train on"
    if judged is not None:
        some = "" if judged.of == len(judged.data) else f", of which {len(judged.data):,} were asked"
        yield "Judged on", f"the {esc(judged.part)} part, {counted(judged.of, 'sample')}{some}: {_shape(judged.data)}"
        if judged.kind == "classes":
            counts = np.bincount(judged.truth, minlength=len(judged.classes))
            rows = [f"{name} ({int(n):,})" for name, n in zip(judged.classes, counts, strict=True)]
            more = f", and {len(rows) - CLASSES} more" * (len(rows) > CLASSES)
            yield "Classes", esc(", ".join(rows[:CLASSES]) + more)
    if model is not None:
        yield "Loss", f"{esc(loss_name(model.loss))}; predict gives {esc(answer_kind(model))}"
        if model.penalty is not None:
            yield "Penalty", esc(repr(model.penalty))
    if recording is not None:
        optimizer = dict(recording.run["optimizer"])
        kind = clean(optimizer.pop("kind", "?"))
        yield "Optimizer", esc(f"{kind}({', '.join(f'{k}={_short(v)}' for k, v in optimizer.items())})")
        arguments = recording.run["training"]["arguments"]
        yield (
            "Batches",
            f"{esc(arguments.get('batch_size'))} samples a step, {said['steps_per_epoch']:,} steps an epoch",
        )
        seconds = sum(line["seconds"] for line in recording.lines.digests.values())
        yield "Time", f"about {number(seconds)} s of training, as far as it was recorded" if seconds else ""


def ended(subject: Subject) -> str:
    """How a recorded training ended, in words."""
    assert subject.recording is not None
    end = subject.recording.lines.end
    if end is None:
        return "it was killed, or was still running when this page was made"
    if end["event"] == "diverged":
        return clean(end.get("text") or f"it diverged at step {end['step']}", 600)
    words = {"done": "the training ran to its end", "left": "it was stopped", "interrupted": "it was interrupted"}
    return clean(words.get(end.get("reason", ""), f"stopped: {end.get('reason')}"), 300)


def _short(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{k}={_short(v)}" for k, v in value.items() if k != "kind")
        return f"{value.get('kind', '')}({inside})"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shape(data: Data) -> str:
    if data.x.dtype.names is not None:
        return counted(len(data.x.dtype.names), "column")
    if data.x.ndim == 2:
        return counted(data.x.shape[1], "number") + " each"
    return esc(" x ".join(map(str, data.x.shape[1:]))) + f" of {esc(data.x.dtype)}"


def _layers(model: Model) -> list[tuple[str, str, str]]:
    rows = [("input", _dims(model.input_shape), "")]
    for path, layer, shape in walk(model.net, (1, *model.input_shape)):
        own = sum(prod(p.shape) for p in layer.params(shape).values())
        rows.append((path, _dims(layer.output_shape(shape)[1:]), f"{own:,}" if own else ""))
    if len(rows) > ROWS:
        left_out = len(rows) - ROWS
        rows = [*rows[: ROWS // 2], (f"... {left_out} layers more", "", ""), *rows[-ROWS // 2 :]]
    return [*rows, ("all", str(model.dtype), f"{model.theta.size:,}")]


def _dims(shape: Shape) -> str:
    return "(" + ", ".join(["N", *map(str, shape)]) + ")"


def _prepare(model: Model) -> str:
    text = describe(model.prepare)
    if not isinstance(text, dict):
        return ""
    kind = clean(text.pop("kind"))
    if kind == "Table":
        return tag("h3", "Before the first layer") + code(clean(model.prepare, 4000), "What is done to a row")
    short = {k: v if not isinstance(v, list) or len(v) <= 4 else f"{len(v)} numbers" for k, v in text.items()}
    return para(f"Before the first layer: {kind}({', '.join(f'{k}={v}' for k, v in short.items())})")
