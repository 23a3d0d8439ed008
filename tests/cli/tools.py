"""The command line as the tests use it: run in this process, with what it said and its exit code."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pellucid import cli
from pellucid.cli.environment import Environment, console

COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of output, each of which must be strict JSON."""
        return [json.loads(line, parse_constant=_refuse) for line in self.out.splitlines()]

    @property
    def kinds(self) -> list[str]:
        return [event["event"] for event in self.events]

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1]

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def error(self, code: int, *words: str) -> Told:
        """Check that it ended with this code and one paragraph that says these words, and not with a bug."""
        assert self.code == code, self.err
        said = self.err[self.err.rindex("Error: ") :]
        assert self.err.count("Error: ") == 1
        for word in words:
            assert word in said
        assert "Traceback" not in self.err
        assert "bug in Pellucid" not in self.err
        return self

    def done(self) -> Told:
        assert self.code == 0, self.err
        return self


def _refuse(token: str) -> Any:
    raise AssertionError(f"{token} is not JSON")


def run(*words: Any, columns: int = 120, terminal: bool = False) -> Told:
    """`pellucid WORDS...` in this process, as in a pipe or as at a terminal."""
    options: dict[str, Any] = {"width": columns}
    if terminal:
        options |= {"force_terminal": True, "color_system": "standard"}
    out, err = io.StringIO(), io.StringIO()
    env = Environment(console(file=out, **options), console(file=err, **options))
    code = cli.main([str(word) for word in words], env)
    return Told(code, out.getvalue(), err.getvalue())


def screen(text: str) -> list[str]:
    """The lines of a terminal's text, without colours; what a progress bar overwrote is a line too."""
    return COLOURS.sub("", text).replace("\r", "\n").split("\n")


def files(folder: Path) -> dict[str, bytes]:
    """Every file in a folder and its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stand_beside(place: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this folder, in which the models of `place` lie too."""
    for model in place.iterdir():
        (folder / model.name).symlink_to(model)
    monkeypatch.chdir(folder)
