"""The command line's manners: help that comes at once, one paragraph for an error, its exit code, and JSON alone."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pellucid import cli
from pellucid._version import __version__
from pellucid.base.errors import DataError, Diverged, FileError, ShapeError, UsageError, draw_shapes
from pellucid.cli.environment import Environment, console, json_option, plain
from pellucid.cli.status import Status, paragraph, status_of

SOURCE = Path(cli.__file__).resolve().parents[1]


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Environment], object]], None]:
    """Put a function in as the verb `try`."""

    def put(work: Callable[[Environment], object]) -> None:
        @click.command()
        @json_option
        @click.pass_obj
        def command(env: Environment) -> object:
            return work(env)

        module = ModuleType("tried")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "tried", module)
        monkeypatch.setitem(cli.VERBS, "try", ("tried:command", "Try something."))

    return put


def raising(error: BaseException) -> Callable[[Environment], object]:
    def work(env: Environment) -> object:
        raise error

    return work


def json_lines(text: str) -> list[dict[str, Any]]:
    """Every line must be strict JSON: a bare NaN or Infinity is none."""

    def refuse(token: str) -> Any:
        raise AssertionError(f"{token} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


# ---- help -----------------------------------------------------------------------------------------------------------


def test_help_names_every_verb_and_loads_none_of_them() -> None:
    # A bare package stands in for pellucid itself, whose own imports are not the command line's affair.
    code = f"""
import sys, types
package = types.ModuleType("pellucid")
package.__path__ = [{str(SOURCE)!r}]
sys.modules["pellucid"] = package
from pellucid.cli import main
assert main(["--help"]) == 0
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *text, modules = done.stdout.splitlines()
    for name, (_, line) in cli.VERBS.items():
        assert any(row.split() == [name, *line.split()] for row in text)
    loaded = set(modules.split())
    assert "pellucid.cli" in loaded
    assert not loaded & {"numpy", "numba", "safetensors", "rich.progress", "rich.traceback"}
    assert not loaded & {where.partition(":")[0] for where, _ in cli.VERBS.values()}


def test_no_words_are_a_call_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == Status.DONE
    alone = capsys.readouterr().out
    assert cli.main(["-h"]) == Status.DONE
    assert alone == capsys.readouterr().out != ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == Status.DONE
    assert capsys.readouterr().out == f"pellucid {__version__}\n"


@pytest.mark.parametrize("name", list(cli.VERBS))
def test_every_verb_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == Status.DONE
    text = capsys.readouterr().out
    assert f"  pellucid {name}" in text.partition("Example")[2], "an example must stand in the help"
    command = cli.cli.get_command(click.Context(cli.cli), name)
    assert command is not None
    assert command.get_short_help_str(200) == cli.VERBS[name][1], "one verb, one line, wherever it is shown"
    assert "--debug" in text
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{option.opts} needs a sentence of help"


def test_the_module_is_the_command_line_too() -> None:
    done = subprocess.run([sys.executable, "-m", "pellucid", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"pellucid {__version__}\n"


# ---- exit codes and errors ------------------------------------------------------------------------------------------

ERRORS = [
    (UsageError("a batch of 0"), Status.USAGE),
    (ShapeError("783 is not 784"), Status.USAGE),
    (DataError("row 3 holds nan"), Status.DATA),
    (FileError("digits.safetensors was cut"), Status.DATA),
    (FileNotFoundError(2, "No such file or directory", "digits.csv"), Status.DATA),
    (PermissionError(13, "Permission denied", "digits.csv"), Status.DATA),
    (MemoryError("Unable to allocate 4 TiB."), Status.DATA),
    (Diverged("0.dense.W at step 7"), Status.DIVERGED),
    (ZeroDivisionError("division by zero"), Status.FAILED),
    (KeyboardInterrupt(), Status.STOPPED),
    (click.Abort(), Status.STOPPED),
]


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_is_one_paragraph_and_its_code(
    error: BaseException, status: Status, verb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    verb(raising(error))
    assert cli.main(["try"]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: ")
    assert shown.err.count("\n") == 1
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda value: type(value).__name__)
def test_in_json_an_error_is_an_event_as_well(
    error: BaseException, status: Status, verb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    verb(raising(error))
    assert cli.main(["try", "--json"]) == status
    shown = capsys.readouterr()
    (event,) = json_lines(shown.out)
    assert event == {"event": "error", "message": shown.err.removeprefix("Error: ").rstrip("\n"), "code": status}


def test_the_paragraph_says_what_the_error_says() -> None:
    assert paragraph(DataError("row 3 holds nan")) == "row 3 holds nan"
    assert "digits.csv" in paragraph(FileNotFoundError(2, "No such file or directory", "digits.csv"))
    assert "--debug" in paragraph(KeyError("x"))
    assert "bug in Pellucid" in paragraph(KeyError("x"))
    assert "4 TiB" in paragraph(MemoryError("Unable to allocate 4 TiB."))


def test_codes_are_the_documented_numbers_with_a_sentence_each() -> None:
    assert [int(code) for code in Status] == [0, 1, 2, 3, 4, 130, 141]
    assert all(code.sentence.endswith(".") for code in Status)
    assert len({code.sentence for code in Status}) == len(Status)
    assert status_of(BrokenPipeError()) is Status.UNREAD


@pytest.mark.parametrize("words", [["--debug", "try"], ["try", "--debug"]])
def test_debug_shows_where(words: list[str], verb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    verb(raising(DataError("row 3 holds nan")))
    assert cli.main(words) == Status.DATA
    text = capsys.readouterr().err
    assert "Traceback (most recent call last)" in text
    assert "raise error" in text
    assert text.splitlines()[-1] == "Error: row 3 holds nan"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], "There is no verb 'trian'. Did you mean train?"),
        (["zzz"], "There is no verb 'zzz'. The verbs are "),
        (["system", "--tnue"], "--tnue"),
        (["system", "extra"], "extra"),
        (["--jsno"], "--jsno"),
    ],
)
def test_wrong_usage_is_code_2_with_the_usage_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == Status.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Usage: pellucid ")
    assert said in shown.err.splitlines()[-1]
    assert cli.main([*words, "--json"]) == Status.USAGE
    (event,) = json_lines(capsys.readouterr().out)
    assert event["code"] == 2
    assert said.split()[0] in event["message"]


def test_a_verb_may_end_with_a_code(verb: Any) -> None:
    verb(lambda env: Status.FAILED)
    assert cli.main(["try"]) == 1
    verb(lambda env: None)
    assert cli.main(["try"]) == 0


@pytest.mark.parametrize("words", [["system"], ["system", "--json"], ["--help"]])
def test_a_reader_that_goes_away_is_no_error(words: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pellucid", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()  # long before the first line comes
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == Status.UNREAD
    assert said == ""


# ---- what is printed ------------------------------------------------------------------------------------------------


def test_in_json_words_go_nowhere_and_warnings_to_stderr(verb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def work(env: Environment) -> None:
        env.say("for people")
        env.warn("a note")
        with env.progress("working", total=2) as show:
            show(1, "half")
        env.event("step", loss=math.nan, path=Path("a") / "b", array=np.array([1.5, np.inf], np.float32), k=np.int64(3))

    verb(work)
    assert cli.main(["try", "--json"]) == 0
    shown = capsys.readouterr()
    path = os.path.join("a", "b")
    assert json_lines(shown.out) == [{"event": "step", "loss": None, "path": path, "array": [1.5, None], "k": 3}]
    assert shown.err == "Note: a note\n"


def test_for_people_there_is_no_json(verb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def work(env: Environment) -> None:
        env.event("step", loss=1.0)
        env.say("loss 1.0")

    verb(work)
    assert cli.main(["try"]) == 0
    assert capsys.readouterr().out == "loss 1.0\n"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_is_told_the_line_is_strict_json(value: Any) -> None:
    out = _Screen()
    Environment(console(file=out), json=True).event("told", value=value)
    (event,) = json_lines(out.text)
    assert event == {"event": "told", "value": json.loads(json.dumps(plain(value)))}


def test_a_line_in_a_file_stays_as_it_is(verb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = "These do not fit.\n" + draw_shapes((32, 783), (None, 784))
    long = "word " * 100 + "end"

    def work(env: Environment) -> None:
        env.say(long)
        env.say("[bold]a[/bold] :smile: x[3]")
        raise ShapeError(drawn)

    verb(work)
    assert cli.main(["try"]) == Status.USAGE
    shown = capsys.readouterr()
    assert shown.out == f"{long}\n[bold]a[/bold] :smile: x[3]\n"
    assert shown.err == f"Error: {drawn}\n"


def in_a_terminal(width: int = 60) -> Environment:
    return Environment(
        console(force_terminal=True, width=width, color_system="standard", file=_Screen()),
        console(force_terminal=True, width=width, color_system="standard", file=_Screen()),
    )


class _Screen:
    """A file that is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def test_at_a_terminal_words_wrap_between_words_and_a_bar_moves() -> None:
    env = in_a_terminal()
    env.say("word " * 20)
    with env.progress("epoch 1", total=10) as show:
        show(5, "loss 0.31")
    text = env.stdout.file.text  # type: ignore[attr-defined]
    assert all(re.fullmatch(r"(word ?)+", line) for line in text.splitlines()[:2])
    assert "epoch 1" in text
    assert "loss 0.31" in text


@pytest.mark.parametrize("plainly", [False, True])
def test_no_color_is_respected(plainly: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if plainly:
        monkeypatch.setenv("NO_COLOR", "1")
    env = in_a_terminal()
    env.error("what happened", 3)
    text = env.stderr.file.text  # type: ignore[attr-defined]
    colours = re.findall(r"\x1b\[[0-9;]*3[0-7]m", text)
    assert bool(colours) is not plainly
    assert "what happened" in text


def test_the_librarys_warnings_become_notes(verb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def work(env: Environment) -> None:
        warnings.simplefilter("always")
        warnings.warn("the batch norm saw one sample", stacklevel=1)

    verb(work)
    assert cli.main(["try"]) == 0
    assert capsys.readouterr().err == "Note: the batch norm saw one sample\n"


def test_a_letter_that_the_output_cannot_hold_is_replaced() -> None:
    code = "from pellucid.cli.environment import *; harden_output(); Environment().say('a ─ b')"
    environ = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout == "a ? b\n"


def test_consoles_can_be_replaced() -> None:
    out, err = Console(record=True, file=_Screen()), Console(record=True, file=_Screen())  # type: ignore[arg-type]
    env = Environment(out, err)
    assert cli.main(["system", "--tune", "--forget"], env) == Status.USAGE
    assert out.export_text() == ""
    assert "choose one of them" in err.export_text()
