"""Everything outside the program that a verb may touch, in one replaceable object.

A verb never prints. It tells its Environment what happened, and the Environment knows who listens: a person at a
terminal, a file, or a program that reads JSON. Tests put their own in its place.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.text import Text

WIDTH = 120  # columns where no terminal says how many there are


class _Console(Console):
    """A console that lets a broken pipe through, so that one place decides what becomes of it."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(stderr: bool = False, **options: Any) -> Console:
    """A console that prints text as it stands: no markup, no emoji codes, no coloured numbers."""
    made = _Console(stderr=stderr, markup=False, emoji=False, highlight=False, **options)
    if not made.is_terminal and "width" not in options and "COLUMNS" not in os.environ:
        made.width = WIDTH
    return made


class Environment:
    """Where a verb's words go.

    Args:
        stdout: what was asked for. Default the process's standard output.
        stderr: warnings and errors. Default the process's standard error.
        json: one JSON event a line on stdout, and nothing else there. Default false.
        debug: show the traceback of an error instead of one paragraph. Default false.

    >>> Environment(json=True).event("step", loss=float("nan"), shape=(2, 3))
    {"event": "step", "loss": null, "shape": [2, 3]}
    """

    def __init__(
        self, stdout: Console | None = None, stderr: Console | None = None, json: bool = False, debug: bool = False
    ) -> None:
        self.stdout = stdout or console()
        self.stderr = stderr or console(stderr=True)
        self.json = json
        self.debug = debug
        self.words: Sequence[str] = ()  # the command's own, once it is known

    @property
    def is_terminal(self) -> bool:
        """Whether a person watches: stdout is a terminal and nobody asked for JSON."""
        return self.stdout.is_terminal and not self.json

    def event(self, name: str, /, **fields: Any) -> None:
        """One JSON line on stdout, if JSON was asked for. A number that is not finite becomes null."""
        if self.json:
            line = json.dumps({"event": name} | {key: plain(value) for key, value in fields.items()}, allow_nan=False)
            self.stdout.file.write(line + "\n")
            self.stdout.file.flush()

    def say(self, *what: Any, style: str | None = None) -> None:
        """A line, or anything that rich can draw, for people; nowhere if JSON was asked for."""
        if not self.json:
            _print(self.stdout, *what, style=style)

    def warn(self, text: str) -> None:
        """A sentence on stderr that does not stop the work."""
        _print(self.stderr, Text.assemble(("Note: ", "bold yellow"), text))

    def error(self, message: str, code: int) -> None:
        """The paragraph of an error on stderr, and as an event if JSON was asked for."""
        _print(self.stderr, Text.assemble(("Error: ", "bold red"), message))
        self.event("error", message=message, code=int(code))

    @contextmanager
    def progress(self, what: str, total: float | None = None) -> Iterator[Callable[[float, str], None]]:
        """A bar for people at a terminal, nothing elsewhere. It vanishes when it is done.

            with env.progress("epoch 1", total=375) as show:
                show(12, "loss 0.31")

        Args:
            what: what is in progress.
            total: how much there is to do; None if that is not known.
        """
        if not self.is_terminal:
            yield _nowhere
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        left, right = TextColumn("{task.description}"), TextColumn("{task.fields[words]}")
        with Progress(left, BarColumn(), TimeRemainingColumn(), right, console=self.stdout, transient=True) as bar:
            task = bar.add_task(what, total=total, words="")

            def show(done: float, words: str) -> None:
                bar.update(task, completed=done, words=words)

            yield show


def _nowhere(done: float, words: str) -> None:
    pass


def _print(where: Console, *what: Any, style: str | None = None) -> None:
    """Words are wrapped at a terminal's edge only: in a file, a line stays a line."""
    whole = not where.is_terminal and all(isinstance(part, str | Text) for part in what)
    where.print(*what, style=style, soft_wrap=whole)
    where.file.flush()


def plain(value: Any) -> Any:
    """A value as JSON can hold it: arrays become lists, paths text, and NaN and infinity null.

    >>> plain({"a": (1, float("inf")), "b": None})
    {'a': [1, None], 'b': None}
    """
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # an array or one of its numbers, without importing NumPy to ask
        return plain(value.tolist())
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _set(name: str) -> Callable[[click.Context, click.Parameter, bool], bool]:
    def callback(context: click.Context, option: click.Parameter, value: bool) -> bool:
        environment = context.find_object(Environment)
        if value and environment is not None:
            setattr(environment, name, True)
        return value

    return callback


json_option = click.option(
    "--json",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set("json"),
    help="For programs: print one JSON object a line instead of words.",
)
debug_option = click.Option(
    ["--debug"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set("debug"),
    help="If something goes wrong, show where in the code (the traceback).",
)


def harden_output() -> None:
    """A letter that the terminal's encoding does not have becomes a question mark, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
