"""What `pellucid replay` does and says: a recording in a page, one step of it, two beside each other."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pellucid as pl
from pellucid.base.errors import DataError, FileError, PellucidError, UsageError
from pellucid.cli.environment import Environment
from pellucid.cli.status import Status
from pellucid.cli.telling import MARGIN, figure, say_line
from pellucid.inspection.recompute import NotTheSame
from pellucid.inspection.recordfile import digest
from pellucid.inspection.sparkline import sparkline

if TYPE_CHECKING:
    from pellucid.cli.plan import Options, Plan

EPOCHS = 20  # rows of epochs that are printed; of more, the first and the last


# ---- opening ---------------------------------------------------------------------------------------------------------


def options_of(recording: pl.Recording, data: str | None = None) -> Options:
    """The options of the command that was recorded, with the data where they are now."""
    from pellucid.cli.plan import Options

    said = recording.run.get("options")
    if not isinstance(said, dict) or "data" not in said:
        raise UsageError(
            f"{recording.folder} was recorded from Python, and no command knows its data. Open it there: "
            f"pl.open_recording({str(recording.folder)!r}, (x, t)).at(step)."
        )
    known = {f.name for f in fields(Options)}
    chosen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in said.items() if k in known}
    place = said.get("place")
    if data is not None:
        chosen["data"] = data
    elif place and not Path(chosen["data"]).exists() and Path(place).exists():
        chosen["data"] = place
    elif place and not Path(chosen["data"]).exists():
        raise DataError(
            f"{chosen['data']}, which {recording.folder} was recorded with, is not there. If it has moved, say where "
            "it is now: --data PATH."
        )
    return Options(**chosen)


def open_with_data(folder: str, data: str | None = None) -> tuple[pl.Recording, Plan]:
    """A recording that can be recomputed, and the command's plan, with its data and its parts."""
    from pellucid.cli.plan import make_plan
    from pellucid.cli.tables import load_any

    recording = pl.open_recording(folder)
    options = options_of(recording, data)
    loaded = load_any(options.data, options.target, options.seed, on_disk=options.stream, options=options)
    try:
        training = (plan := make_plan(options, loaded)).training
    except PellucidError as error:
        recorded = recording.run["training"]["arguments"]["data"]
        raise DataError(
            f"{options.data} holds not the data that {folder} was recorded with (shape, type and digest: {recorded}), "
            f"because they do not go with its options. {error}"
        ) from None
    return pl.open_recording(folder, training.data, validation=training.validation), plan


def warn_of(env: Environment, recording: pl.Recording) -> None:
    """What is not as it was, before anything is recomputed."""
    if recording.cut:
        env.warn(f"{recording.folder} is not whole: {recording.cut}.")
    if differ := recording.differs():
        env.warn(f"Not everything is as it was when {recording.folder} was recorded: {'; '.join(differ)}.")


def shows_blocks(env: Environment) -> bool:
    """Whether the output can show blocks."""
    return (env.stdout.encoding or "").lower().startswith("utf")


# ---- a recording in a page -------------------------------------------------------------------------------------------


def show(env: Environment, folder: str) -> Status:
    """What is in a recording."""
    recording = pl.open_recording(folder)
    run, steps, rows = recording.run, recording.steps, recording.epochs
    end, parent = recording.lines.end, run.get("parent")
    warn_of(env, recording)
    layers = " ".join(
        layer["kind"] + (f"({layer['units']})" if "units" in layer else "") for layer in run["model"]["layers"]
    )
    said = run["training"]
    say_line(env, f"recording {recording.folder}: {_ended(recording)}", style="bold")
    if run.get("command"):
        say_line(env, f"command   {run['command']}")
    if parent:
        say_line(env, f"branch    of {parent['folder']}, after its step {parent['step']}")
    say_line(env, f"data      {run['data']}: {said['samples']:,} samples ({said['arguments']['data']})")
    say_line(env, f"network   {layers}, {run['model']['loss']['kind']}")
    versions = run["versions"]
    say_line(env, f"made with Pellucid {versions['pellucid']}, NumPy {versions['numpy']}, {versions['blas']} "
                  f"({versions['blas_kernels']} kernels), {versions['kernels']} kernels of ours")  # fmt: skip
    say_line(
        env,
        f"steps     {steps[0]} to {steps[-1]}, {said['steps_per_epoch']} an epoch; {len(recording.checkpoints)} "
        f"checkpoints, {recording.size / 1e6:.1f} MB; a step is at most {recording.seconds:.2g} s of training away",
    )
    env.say("")
    if recording.losses:
        say_line(env, f"loss      {sparkline(recording.losses, 60, unicode=shows_blocks(env))}  "
                      f"{figure(recording.losses[0])} to {figure(recording.losses[-1])}")  # fmt: skip
    _epochs(env, rows)
    env.event(
        "recording", folder=str(recording.folder), first=steps[0], last=steps[-1], checkpoints=recording.checkpoints,
        bytes=recording.size, seconds=recording.seconds, end=end, cut=recording.cut, differs=recording.differs(),
        parent=parent, command=run.get("command"), epochs=rows, losses=recording.losses,
    )  # fmt: skip
    if len(steps) > 1:
        middle = steps[len(steps) // 2]
        said = [("any step again:", f"--step {middle}"), ("branch off:", f"--branch {middle} --lr 0.001")]
        if end is not None and end["event"] == "diverged":
            said.insert(0, ("what broke:", "--broke"))
        for i, (what, words) in enumerate(said):
            env.say(f"{'' if i else 'next':<{MARGIN}}{what:<17}pellucid replay {folder} {words}")
    return Status.DONE


def _ended(recording: pl.Recording) -> str:
    end = recording.lines.end
    if end is None:
        return "it was killed, or is still running"
    if end["event"] == "diverged":
        return f"the training diverged at step {end['step']}"
    words = {"done": "the training ran to its end", "left": "it was stopped", "interrupted": "it was interrupted"}
    return words.get(end["reason"], f"stopped: {end['reason']}")


def _epochs(env: Environment, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    names = ["epoch", "step", *(n for n in rows[-1] if n not in ("epoch", "step", "digest", "best", "lr"))]
    env.say("  ".join(f"{name.replace('_', ' '):>{max(len(name), 8)}}" for name in names) + "  digest", style="bold")
    left_out = len(rows) - EPOCHS
    for i, row in enumerate(rows):
        if left_out > 0 and EPOCHS // 2 <= i < EPOCHS // 2 + left_out:
            if i == EPOCHS // 2:
                env.say(f"{'...':>8}  {left_out} epochs more")
            continue
        cells = []
        for name in names:
            value = row.get(name)
            text = str(value) if name in ("epoch", "step") else "none" if value is None else figure(value)
            text = f"{100 * value:.1f} %" if name.endswith("accuracy") and value is not None else text
            cells.append(f"{text:>{max(len(name), 8)}}")
        best = "  best so far" if row.get("best") and row["best"][1] == row["epoch"] else ""
        env.say("  ".join(cells) + f"  {row['digest']}{best}")


# ---- one step --------------------------------------------------------------------------------------------------------


def show_step(
    env: Environment,
    folder: str,
    step: int,
    explain: str | None,
    depth: int,
    output: str | None,
    data: str | None,
    exact: bool,
) -> Status:
    """Rebuild a step, prove it, and open a number of it."""
    recording, _ = open_with_data(folder, data)
    recording.check(step, after=recording.first if explain is not None else -1)
    warn_of(env, recording)
    proof = recording.prove(step) if exact else None
    if proof is not None and not proof.ok:
        raise NotTheSame(proof.trouble)
    start = time.perf_counter()
    training = recording.at(step, exact)
    seconds = time.perf_counter() - start
    model, near = training.model, max(s for s in recording.checkpoints if s <= step)
    per_epoch = training.steps_per_epoch
    place = "before the first step" if step == 0 else (
        f"batch {(step - 1) % per_epoch + 1} of {per_epoch} in epoch {(step - 1) // per_epoch + 1}")  # fmt: skip
    say_line(env, f"step      {step}: {place}", style="bold")
    say_line(env, f"rebuilt   from the checkpoint at step {near}, {step - near} steps recomputed, {seconds:.2f} s")
    line = recording.line(step)
    if line is not None:
        say_line(env, f"loss      {line['loss']!r} before its update, rate {line['lr']!r}")
    say_line(env, f"weights   digest {digest(model)}")
    for i, (at, what, name) in enumerate(() if proof is None else proof.marks):
        say_line(env, f"{'' if i else 'proof':<{MARGIN}}digest {name} at step {at}, {what}: as recorded")
    if proof is not None and not proof.marks:
        same = f"the loss of {proof.steps} steps: as recorded; no digest was recorded after this step"
        say_line(env, f"proof     {same if proof.steps else 'none, since nothing was recorded to compare with'}")
    env.event(
        "step", step=step, epoch=training.epoch, batch=training.batch, checkpoint=near, seconds=seconds,
        loss=None if line is None else line["loss"], lr=None if line is None else line["lr"], digest=digest(model),
        proof=None if proof is None else {"ok": proof.ok, "steps": proof.steps, "marks": proof.marks},
    )  # fmt: skip
    if output is not None:
        model.save(output)
        say_line(env, f"saved     {output}: the model as it was after step {step}")
    if explain is not None:
        explain_in(env, recording, step, explain, depth, exact)
    return Status.DONE


def explain_in(env: Environment, recording: pl.Recording, step: int, path: str, depth: int, exact: bool) -> None:
    """Open a number in the ledger of that very step."""
    from pellucid.cli.explain import _gradient_of, _nudged
    from pellucid.cli.explain import show as show_line
    from pellucid.cli.report import named

    trace = recording.trace(step, exact)
    net = named(trace.model)
    weight = path.partition("[")[0].strip() in net.slots
    line = pl.ledger(trace, _gradient_of(net, path) if weight else path)
    nudged = _nudged(line)
    samples = recording.samples(step)
    few = ", ".join(map(str, samples[:8])) + (", ..." if len(samples) > 8 else "")
    env.say("")
    env.say(
        f"the batch of step {step}: training samples {few}; loss {trace.loss:.6g}; weights before the update",
        style="dim",
    )
    show_line(env, line, depth)
    for text in [*_moved(trace, path, weight), *([str(nudged)] if nudged is not None else [])]:
        env.say(f"  {text}")
    nudge = None if nudged is None else {"value": float(nudged), "backward": nudged.backward, "digits": nudged.digits}
    env.event("explained", step=step, line=line.document(depth), nudge=nudge, samples=samples.tolist())


def _moved(trace: pl.Trace, path: str, weight: bool) -> list[str]:
    """How the step moved a weight, with the optimizer's state as it was."""
    from pellucid.inspection.tree import fmt

    if not weight or trace.update is None:
        return []
    line = pl.ledger(trace, path.partition("[")[0].strip() + ".step[" + path.partition("[")[2])
    assert line.at is not None
    _, _, at = line.at
    name, update = path.partition("[")[0].strip(), trace.update
    state = ", ".join(f"{k} {fmt(float(update.of(name, v)[at]))}" for k, v in update.after.items() if k != "theta")
    before, after = (float(update.of(name, part["theta"])[at]) for part in (update.before, update.after))
    said = f"step {update.t} of {type(update.optimizer).__name__}, rate {update.rate:g}: {state} -> "
    return [said + f"step {float(line.value):+.4g}, {name.rpartition('.')[2]} {fmt(before)} -> {fmt(after)}"]


# ---- everything, and two beside each other ---------------------------------------------------------------------------


def verify(env: Environment, folder: str, data: str | None) -> Status:
    """Recompute a whole recording."""
    recording, _ = open_with_data(folder, data)
    warn_of(env, recording)
    found = recording.verify()
    for at, what, name in found.marks:
        say_line(env, f"digest    {name} at step {at}, {what}: as recorded")
    say_line(env, f"{'verified' if found.ok else 'failed':<{MARGIN}}{found}", style="bold")
    env.event("verified", ok=found.ok, steps=found.steps, marks=found.marks, trouble=found.trouble)
    return Status.DONE if found.ok else Status.FAILED


def show_difference(env: Environment, a: str, b: str, data: str | None) -> Status:
    """Two recordings side by side."""
    opened = []
    for folder in (a, b):
        plain = pl.open_recording(folder)
        try:
            opened.append(open_with_data(folder, data)[0])
        except PellucidError as error:
            if isinstance(error, FileError) and plain.checkpoints:
                raise
            env.warn(f"Curves alone are compared, because the steps of {folder} cannot be recomputed: {error}")
            opened.append(plain)
        warn_of(env, plain)
    found = opened[0].diff(opened[1])
    env.say(f"{'A':<14}{found.a}")
    env.say(f"{'B':<14}{found.b}")
    env.say(found.text(shows_blocks(env)))
    env.event("difference", **found.document())
    return Status.DONE
