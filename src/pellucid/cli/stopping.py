"""Stopping a training and going on with it. Ctrl-C is a question, not a blow: what was learned so far is kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli.environment import Environment
from pellucid.cli.telling import position, say_line

if TYPE_CHECKING:
    from pellucid.cli.plan import Plan


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C asks for a stop after the present step, when everything is whole; a second one ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def go_on(env: Environment, plan: Plan, file: Path, asked: bool) -> None:
    """Go on from the checkpoint, if that is asked for and it is there."""
    import pellucid as pl

    if asked and file.exists():
        pl.resume(plan.training, file)
        say_line(env, f"resumed   after {position(plan.training)}, from {file}")
    elif asked:
        env.warn(f"There is no checkpoint at {file} yet, so training starts afresh.")
    elif file.exists():
        env.warn(f"The checkpoint at {file} will be replaced after the first epoch; --resume would go on from it.")
