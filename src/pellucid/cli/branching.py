"""`pellucid replay DIR --branch N --lr X`: another training from a recorded step on, recorded as well."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pellucid as pl
from pellucid.cli.broken import explained
from pellucid.cli.environment import Environment
from pellucid.cli.replaying import open_with_data, options_of, shows_blocks, warn_of
from pellucid.cli.status import Status
from pellucid.cli.taken import Taken
from pellucid.cli.telling import MARGIN
from pellucid.cli.train import train_on


def branch_off(
    env: Environment,
    folder: str,
    step: int,
    changes: dict[str, Any],
    output: str | None,
    data: str | None,
    megabytes: float,
    exact: bool,
) -> Status:
    """Train on from after a step with something changed, to the end; the two are then shown side by side."""
    recording, plan = open_with_data(folder, data)
    recording.check(step)
    warn_of(env, recording)
    training = recording.branch(step, **changes, exact=exact)
    place = Path(output) if output else Path(folder).with_name(f"{Path(folder).name.removesuffix('.run')}-{step}.run")
    said = recording.run["options"]
    options = replace(options_of(recording, data), **changes)
    patience, keep_best = said.get("patience"), bool(said.get("keep_best"))
    words = ", ".join(f"--{name} {value:g}" for name, value in changes.items()) or "nothing is changed"
    lines = (
        f"branch    of {folder}, after step {step} of {recording.steps[-1]}: {words}",
        f"training  on to {training.epochs} epochs, {training.optimizer!r}",
    )
    plan = replace(plan, training=training, lines=lines)
    taken = Taken(env, place, megabytes, options, patience, keep_best, parent=(folder, step))
    with explained(training, taken):
        stopped = train_on(env, plan, None, patience, keep_best, taken)
    found = replace(recording.diff(pl.open_recording(place)), array="")  # which --diff finds, by recomputing
    env.say("")
    env.say(f"{'A':<14}{found.a}")
    env.say(f"{'B':<14}{found.b}")
    env.say(found.text(shows_blocks(env)))
    env.event("difference", **found.document())
    env.say("")
    taken.tell()
    env.say(f"{'':<{MARGIN}}where they part, and in which array first:")
    env.say(f"{'':<{MARGIN}}  pellucid replay --diff {shlex.quote(folder)} {shlex.quote(str(place))}")
    return Status.STOPPED if stopped else Status.DONE
