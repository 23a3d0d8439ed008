"""The steps of a recorded training one after the other: a slider, and for each chosen step what was and what was seen.

Every step is a `<details>` of its own, so that without a script all of them can be read. With it one stands open, and
the slider, the arrow keys and the two buttons say which.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log10

from pellucid.data.batches import Data
from pellucid.inspection.report.chart import place
from pellucid.inspection.report.curves import by_step
from pellucid.inspection.report.drawn import Drawer
from pellucid.inspection.report.html import counted, esc, facts, figure, number, opened, para, table, tag
from pellucid.inspection.report.moments import MEASURED, Moment
from pellucid.inspection.report.subject import Subject

LOW, HIGH, USUAL = 1e-6, 1e-1, 1e-3  # the ratios' scale, and what is common
WIDTH = 110
MOST_ARRAYS = 12


def scrubber(
    subject: Subject, found: Sequence[Moment], data: Data | None, classes: tuple[str, ...], looks: bool
) -> str:
    """The section's inside; without `looks`, numbers only."""
    seen = [moment.look for moment in found if moment.look is not None] if looks else []
    drawer = Drawer(seen, data, classes) if seen and data is not None else None
    assert subject.recording is not None
    chart = by_step(subject, cursor="cursor")
    losses, first = subject.recording.losses, subject.recording.first
    ends = (float(first + 1), float(first + max(len(losses), 1)))
    steps = subject.recording.steps
    few = counted(len(found), "step") if len(found) < len(steps) else "all its steps"
    said = f"The training has the steps {steps[0]:,} to {steps[-1]:,}; here are {few}. "
    said += "The loss of a step is that of its batch, before the update."
    if data is not None and found and found[-1].measured:
        said += f" Measured after each step: {counted(min(len(data), MEASURED), 'sample')} of the {subject.part} part."
    parts = [para(said)]
    parts.append(
        tag(
            "noscript",
            para("Without a script the slider is not there; each step below can be opened by itself.", "soft"),
        )
    )
    parts.append(_controls(found))
    side = chart
    if any(moment.ratios for moment in found):
        side += para(
            "Update / weights is how far the step moves an array, as a share of its length. The scale is logarithmic; "
            "the mark is at 0.001, which is common.", "soft",
        )  # fmt: skip
    if drawer is not None:
        side += drawer.shared() + para(drawer.legend(), "soft") + drawer.marks()
    each = "".join(_moment(moment, drawer, place(min(max(moment.step, ends[0]), ends[1]), ends)) for moment in found)
    parts.append(tag("div", tag("div", side) + tag("div", each, id="moments"), class_="stage"))
    parts.append(opened("The chosen steps as a table", _table(found), kind="twin"))
    return "".join(parts)


def words(moment: Moment) -> str:
    """A step in a sentence, for the live text."""
    said = [f"step {moment.step:,}" if moment.step else "before the first step", f"epoch {moment.epoch}"]
    if moment.loss is not None:
        said.append(f"loss {number(moment.loss)}")
    said += [f"{_short(name)} {figure(name, value)}" for name, value in moment.measured.items() if name != "loss"]
    return ", ".join(said)


def _short(name: str) -> str:
    return name.replace("_", " ")


def _controls(found: Sequence[Moment]) -> str:
    last = len(found) - 1
    slider = (
        f'<input id="scrub" type="range" min="0" max="{last}" value="{last}" step="1" '
        f'aria-valuetext="{esc(words(found[-1]))}">'
    )
    return (
        '<div id="controls" class="controls" hidden>'
        f'<label for="scrub">Step</label><button type="button" id="back">Earlier</button>{slider}'
        f'<button type="button" id="on">Later</button>'
        f'<output id="now" for="scrub" role="status">{esc(words(found[-1]))}</output></div>'
    )


def _moment(moment: Moment, drawer: Drawer | None, at: float) -> str:
    pairs = [("Epoch", f"{moment.epoch}"), ("Loss of its batch", esc(number(moment.loss)))]
    pairs += [(f"{_short(name)}, measured".capitalize(), esc(figure(name, v))) for name, v in moment.measured.items()]
    pairs.append(("Learning rate", esc(number(moment.rate))))
    inside = facts(pairs) + _ratios(moment)
    if drawer is not None and moment.look is not None:
        inside = drawer.draw(moment.look, moment.step) + inside
    head = words(moment)
    summary = tag("summary", esc(head[0].upper() + head[1:]))
    data = f'id="step-{moment.step}" data-x="{at:.1f}" data-says="{esc(head)}"'
    return f'<details class="moment" {data}>{summary}{inside}</details>'


def _ratios(moment: Moment) -> str:
    """A bar for each array on a logarithmic scale, and its number."""
    if not moment.ratios:
        return ""
    items = list(moment.ratios.items())
    rows = [(esc(path), f"{_bar(value)} {number(value)}") for path, value in items[:MOST_ARRAYS]]
    if len(items) > MOST_ARRAYS:
        rows.append((f"{len(items) - MOST_ARRAYS} more", "left out"))
    caption = f"Update against weights at step {moment.step}"
    return table(caption, ("array", "update / weights"), rows, raw=True, hide=True, kind="ratios")


def _bar(value: float) -> str:
    if not isfinite(value) or value <= 0:
        return ""
    part = (log10(value) - log10(LOW)) / (log10(HIGH) - log10(LOW))
    usual = WIDTH * (log10(USUAL) - log10(LOW)) / (log10(HIGH) - log10(LOW))
    long = WIDTH * min(max(part, 0.01), 1.0)
    return (
        f'<svg viewBox="0 0 {WIDTH} 14" width="{WIDTH}" height="14" aria-hidden="true" class="bar">'
        f'<rect class="fill" x="0" y="3" width="{long:.1f}" height="8" rx="2"/>'
        f'<line class="usual" x1="{usual:.1f}" x2="{usual:.1f}" y1="0" y2="14"/></svg>'
    )


def _table(found: Sequence[Moment]) -> str:
    """Every chosen step in a row: the slider's text twin."""
    measured = dict.fromkeys(name for moment in found for name in moment.measured)
    arrays = list(dict.fromkeys(path for moment in found for path in moment.ratios))[:MOST_ARRAYS]
    heads = ("step", "epoch", "loss of its batch", *(f"{_short(n)}, measured" for n in measured), "learning rate")
    rows = []
    for m in found:
        cells = [esc(figure(name, m.measured.get(name))) for name in measured]
        shares = [esc(number(m.ratios.get(path))) for path in arrays]
        link = f'<a href="#step-{m.step}">{m.step:,}</a>'
        rows.append((link, str(m.epoch), esc(number(m.loss)), *cells, esc(number(m.rate)), *shares))
    return table("The chosen steps", (*heads, *(f"update / weights, {path}" for path in arrays)), rows, raw=True)
