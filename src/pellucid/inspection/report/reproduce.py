"""How to have all of it again: the exact command, what it ran on, the digests, and where to go from here."""

from __future__ import annotations

import contextlib
import shlex
from typing import Any

from pellucid.base.errors import DataError
from pellucid.describe import rebuild
from pellucid.inspection.recordfile import digest, versions
from pellucid.inspection.report.html import clean, code, esc, facts, para, table, tag
from pellucid.inspection.report.subject import Subject


def reproduce(subject: Subject) -> str:
    """The section's inside."""
    return _of_recording(subject) if subject.recording is not None else _of_model(subject)


def _of_recording(subject: Subject) -> str:
    recording = subject.recording
    assert recording is not None
    run = recording.run
    said: dict[str, Any] = run["training"]["arguments"]
    parts, command = [], str(run.get("command") or "")
    if command:
        parts += [tag("h3", "The command"), code(command, "The command that made it")]
    else:
        parts.append(para("It was recorded from Python: the script that called pl.record makes it again."))
    again = [str(part.get("command") or "from Python") for part in run["resumed"]]
    if again:
        parts += [para("It was interrupted and went on, by:"), code("\n".join(again), "The commands that went on")]
    if parent := run.get("parent"):
        parts.append(para(f"It is a branch of {_parent(parent)}."))
    parts.append(facts(_same(subject, said)))
    parts.append(_versions(run["versions"], versions()))
    parts += [
        tag("h3", "Any step again"),
        code("\n".join(_replays(subject, bool(command))), "How to go back to a step"),
    ]
    parts.append(
        para("A step that is replayed is compared with the recording: its loss and its weights, to the bit.", "soft")
    )
    return "".join(parts)


def _parent(parent: Any) -> str:
    if isinstance(parent, dict):
        return f"{clean(parent.get('folder'))}, after its step {parent.get('step')}"
    return f"{clean(parent[0])}, after its step {parent[1]}"


def _same(subject: Subject, said: dict[str, Any]) -> list[tuple[str, str]]:
    recording = subject.recording
    assert recording is not None
    pairs = [
        ("Seed of the training", esc(said.get("seed"))),
        ("Seed of the weights", esc(recording.run["model"].get("seed"))),
        ("Training samples", esc(said.get("data"))),
        ("Validation samples", esc(said.get("validation") or "none")),
        ("Augmentation", esc(_constructed(said.get("augment")))),
    ]
    if subject.step is not None:
        last = next((e["digest"] for e in reversed(recording.epochs) if e.get("step") == subject.step), "")
        pairs.append((f"Weights after step {subject.step}", f"digest {esc(last)}" if last else ""))
    return pairs


def _constructed(said: Any) -> str:
    """What was described as plain data, as one would write it: Shift(pixels=1, fill=0.0)."""
    with contextlib.suppress(DataError):  # a class of the user's is not known here: its description must do
        return repr(rebuild(said)) if said else "none"
    return str(said)


def _versions(then: dict[str, Any], now: dict[str, Any]) -> str:
    rows = [
        (name.replace("_", " "), clean(then.get(name, "none")), clean(now.get(name, "none")))
        for name in dict.fromkeys([*then, *now])
    ]
    return table(
        "What it ran on, and what this page was made on",
        ("what", "recorded with", "page made with"),
        rows,
        kind="words",
    )


def _replays(subject: Subject, by_command: bool) -> list[str]:
    recording = subject.recording
    assert recording is not None
    steps, place = recording.steps, shlex.quote(clean(subject.file, 400))
    middle = steps[len(steps) // 2]
    if not by_command:
        name = repr(clean(subject.file, 400))
        return [
            f"recording = pl.open_recording({name}, (x, t))",
            f"recording.at({middle})        # the training after this step",
            f"pl.ledger(recording.trace({max(middle, steps[0] + 1)}), 'loss')",
            f"recording.branch({middle}, lr=...)",
        ]
    weight = (
        next((path for path in subject.model.slots if path.endswith(".W")), "") if subject.model is not None else ""
    )
    lines = [f"pellucid replay {place} --step {middle}"]
    if weight and subject.model is not None and len(steps) > 1:
        spot = ",".join("0" for _ in subject.model.slots[weight].shape)
        lines.append(f"pellucid replay {place} --step {max(middle, steps[0] + 1)} --explain '{weight}[{spot}]'")
    return [*lines, f"pellucid replay {place} --branch {middle} --lr 0.001", f"pellucid replay {place} --verify"]


def _of_model(subject: Subject) -> str:
    """A model file remembers what it is, not how it was trained: what can be asked again is said."""
    model = subject.model
    assert model is not None
    name = "" if subject.data is None or subject.data.name == "data" else clean(subject.data.name, 400)
    place, data = shlex.quote(clean(subject.file, 400)), shlex.quote(name)
    parts = [para("A model file holds the network, not the training. `pellucid train --record` keeps every step.")]
    if subject.file and name:
        lines = [f"pellucid report {place} {data}", f"pellucid evaluate {place} {data}",
                 f"pellucid explain {place} --data {data} --loss"]  # fmt: skip
        parts += [tag("h3", "The same again"), code("\n".join(lines), "Commands")]
    parts.append(facts([("Seed of the weights", esc(model.seed)), ("Weights", f"digest {digest(model)}")]))
    now = versions()
    rows = [(name.replace("_", " "), clean(value)) for name, value in now.items()]
    return "".join(parts) + table("What this page was made with", ("what", "version"), rows, kind="words")
