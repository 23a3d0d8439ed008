"""When a training broke: what the error says besides the array, and `pellucid replay DIR --broke`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pellucid as pl
from pellucid.cli.environment import Environment
from pellucid.cli.status import Status
from pellucid.cli.telling import MARGIN, say_line
from pellucid.inspection.broke import usual_until
from pellucid.inspection.causes import gentler

if TYPE_CHECKING:
    from pellucid.cli.taken import Taken


@contextmanager
def explained(training: pl.Training, taken: Taken | None) -> Iterator[None]:
    """If the training inside diverges, the error also says which sample it was, and how to go back."""
    try:
        yield
    except pl.Diverged as error:
        broke = pl.where_it_broke(training)
        lines = [str(error)]
        if broke is not None and broke.who:
            lines.append(f"It came from {broke.who}.")
        if taken is None:
            lines.append("With --record DIR, the training could be taken back to before it broke, and on from there.")
        else:
            recording = pl.open_recording(taken.folder)
            place, step = shlex.quote(str(taken.folder)), usual_until(recording.losses, recording.first)
            lines.append(
                f"It is recorded, and the last step with a usual loss is {step}. What broke, and on from there:"
            )
            lines.append(f"  pellucid replay {place} --broke")
            lines.append(f"  pellucid replay {place} --branch {step} --lr {_rate(training):g}")
        raise pl.Diverged("\n".join(lines)) from error


def _rate(training: pl.Training) -> float:
    highest = getattr(training.optimizer.lr, "lr", None)
    return gentler(float(training.optimizer.rate if highest is None else highest), training.optimizer)


def show_broken(env: Environment, folder: str, depth: int, data: str | None) -> Status:
    """The first number of a recording that is not finite, opened, with its likely causes."""
    from pellucid.cli.explain import show
    from pellucid.cli.replaying import open_with_data, warn_of

    recording, _ = open_with_data(folder, data)
    warn_of(env, recording)
    broke = pl.where_it_broke(recording)
    if broke is None:
        say_line(env, f"whole     every number is finite up to step {recording.steps[-1]}, where {folder} ends")
        env.event("broke", found=False)
        return Status.DONE
    env.say(str(broke))
    env.say("")
    show(env, broke.line, depth)
    env.say("")
    env.event("broke", found=True, **broke.document(), line=broke.line.document(depth))
    place, step = shlex.quote(folder), broke.healthy
    if step is not None:
        rate = _rate(recording.at(step))
        env.say(f"{'next':<{MARGIN}}on from the last usual step: pellucid replay {place} --branch {step} --lr {rate:g}")
    return Status.DONE
