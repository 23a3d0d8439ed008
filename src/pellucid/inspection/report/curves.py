"""The curves of a training: its figures by epoch, its loss by step, and all of it as tables."""

from __future__ import annotations

from typing import Any

from pellucid.inspection.plot.learning import Curves, words
from pellucid.inspection.report.chart import Series, lines, said_of
from pellucid.inspection.report.html import esc, grid, opened, para, tag
from pellucid.inspection.report.subject import Subject


def curves(subject: Subject) -> str:
    """The section's inside."""
    parts, charts, found = [], [], None
    if subject.rows:
        found = Curves.of(_known(subject.rows))
        parts.append(para(found.says))
        charts = [_panel(found, base, names) for base, names in found.panels().items()]
    if subject.recording is not None and len(subject.recording.losses) > 1:
        charts.insert(1 if charts else 0, by_step(subject))
    if not any(charts):
        return para("There are no curves: no step of this training is known.")
    if len(subject.rows) == 1:
        parts.append(para("One epoch is a point, not a curve; the loss by step shows its course.", "soft"))
    parts.append(tag("div", "".join(charts), class_="charts"))
    if found is not None:
        tables = "".join(grid(one) for one in found.tables())
        parts.append(opened("The same as a table, epoch by epoch", tables, kind="twin"))
    return "".join(parts)


def _known(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if v is None or isinstance(v, int | float)} for row in rows]


def _panel(found: Curves, base: str, names: list[str]) -> str:
    percent = base.endswith("accuracy")
    series = [
        Series(
            "validation" if name.startswith("val_") else "training",
            tuple(map(float, found.epochs)),
            found.columns[name],
        )
        for name in names
    ]
    what = "learning rate" if base == "lr" else words(base)
    said = "; ".join(said_of(one, "epoch", percent) for one in series)
    said = f"{what[0].upper()}{what[1:]}: {said.removeprefix('training ') if len(series) == 1 else said}."
    return chart(lines(what, f"By epoch. {said}", series, "epoch", percent=percent), said)


def by_step(subject: Subject, cursor: str | None = None) -> str:
    """The loss of every step's batch."""
    assert subject.recording is not None
    losses, first = subject.recording.losses, subject.recording.first
    one = Series("loss", tuple(float(first + i + 1) for i in range(len(losses))), tuple(losses))
    said = f"The loss of each step's batch, before its update: {said_of(one, 'step').removeprefix('loss ')}."
    return chart(lines("loss by step", said, [one], "step", cursor=cursor), said)


def chart(drawn: str, caption: str) -> str:
    """A chart and its sentence."""
    return tag("figure", drawn + tag("figcaption", esc(caption)), class_="graph") if drawn else ""
