"""`pellucid suite`: the table, its exit codes, what is missing or fails, a kill and what comes after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from pellucid.cli import suite as verb
from pellucid.cli.environment import Environment, console
from pellucid.datasets import places
from pellucid.recipes import RECIPES, Row, plot
from pellucid.recipes import suite as suite_module
from tests.cli.tools import Told, run, screen
from tests.test_recipes import stripes

IRIS = next(recipe for recipe in RECIPES if recipe.name == "iris")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without data, and a folder to work in."""
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(places, "SYSTEM", ())
    monkeypatch.setattr(places, "_scikit", lambda: None)
    monkeypatch.setattr(plot, "picture", lambda *_: b"drawn")
    monkeypatch.chdir(tmp_path)


def suite(*words: Any, **options: Any) -> Told:
    return run("suite", *words, **options)


def test_list_shows_the_recipes_and_which_sets_are_here(tmp_path: Path) -> None:
    lines = suite("--list").done().lines
    assert [line.split()[0] for line in lines] == ["name", *[recipe.name for recipe in RECIPES]]
    here = {line.split()[0]: line.split()[2] for line in lines[1:]}
    assert (here["iris"], here["digits-cnn"], here["mnist-cnn"]) == ("yes", "yes", "no")
    stripes(tmp_path / "data" / "mnist")
    events = suite("--list", "--only", "mnist", "--json").done().events
    assert [(event["recipe"], event["here"]) for event in events] == [("mnist-dense", True), ("mnist-cnn", True)]
    assert not (tmp_path / "suite").exists()


def test_a_set_is_a_row_and_the_aim_decides(tmp_path: Path) -> None:
    told = suite("--only", "iris").done()
    assert told.lines[0].split() == ["set", "network", "params", "epochs", "seconds", "test", "before", "aim"]
    row = told.lines[1].split()
    assert row[:4] == ["iris", "4-64-32-3", "2,499", "200"]
    assert float(row[5]) >= 96
    assert row[7:] == ["96.7", "96"]
    assert "aims      1 of 1 reached" in told.lines
    assert "before    iris 96.7: a home-made library of layers, dense" in told.lines
    assert (tmp_path / "suite" / "suite.md").is_file()
    again = suite("--only", "iris", "--resume").done()
    assert any(line.startswith("kept") and line.endswith(": iris") for line in again.lines)
    assert again.lines[1] == told.lines[1]
    suite("--only", "iris", "--quick", "--output", "suite").error(2, "full run", "--output")
    assert "iris in suite: replaced when done again; --resume" in suite("--only", "iris").done().err


def test_an_aim_that_is_missed_is_exit_1_but_not_with_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hard = replace(IRIS, aim=0.999, epochs=20)
    monkeypatch.setattr(suite_module, "RECIPES", (hard,))
    told = suite("--only", "iris")
    assert told.code == 1
    assert any(line.startswith("aims      0 of 1 reached; not iris (9") for line in told.lines)
    quick = suite("--only", "iris", "--quick").done()
    assert quick.lines[0].startswith("quick     small parts of the sets, few epochs")
    assert not any(line.startswith("aims") for line in quick.lines)


def test_missing_and_failing_sets_are_said_and_the_others_go_on(tmp_path: Path) -> None:
    stripes(tmp_path / "data" / "mnist")
    next((tmp_path / "data" / "mnist").glob("t10k-labels*")).write_bytes(b"")
    told = suite("--quick", "--only", "malaria,mnist-dense,iris", terminal=True, columns=80)
    assert told.code == 1
    lines = [line.rstrip() for line in screen(told.out)]
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "malaria not on this machine: pellucid data fetch malaria" in text
    assert "mnist-dense FAILED:" in text
    assert "t10k-labels" in text
    assert "missing malaria. To get them: pellucid data fetch malaria" in text
    assert "96.67 %" in text or "iris 4-64-32-3" in text
    fine = suite("--quick", "--only", "malaria,iris").done()  # what is missing does not fail
    assert "pellucid data fetch malaria" in fine.out
    suite("--quick", "--only", "malaria").error(3, "None of these sets", "pellucid data fetch malaria")


def test_tiny_sets_give_rows_for_programs(tmp_path: Path) -> None:
    stripes(tmp_path / "data" / "mnist", train=300)
    told = suite("--quick", "--only", "mnist,iris", "--json", "-o", "out").done()
    assert told.kinds[0] == "start"
    assert told.events[0]["recipes"] == ["iris", "mnist-dense", "mnist-cnn"]
    found = {event["recipe"]: event for event in told.events if event["event"] == "result"}
    assert found["mnist-dense"]["score"] > 0.8
    assert found["mnist-cnn"]["judged"] == 40
    assert found["iris"]["reached"] is None
    epochs = [event for event in told.events if event["event"] == "epoch" and event["recipe"] == "iris"]
    assert len(epochs) == 5 * IRIS.quick.epochs
    assert epochs[-1]["fold"] == 5
    assert told.last == {
        "event": "done", "quick": True, "reached": [], "missed": [], "failed": [], "missing": [], "output": "out"
    }  # fmt: skip
    models = sorted(path.stem for path in (tmp_path / "out").glob("*.safetensors"))
    assert models == ["mnist-cnn", "mnist-dense"]
    stored = json.loads((tmp_path / "out" / "suite.json").read_text())
    assert [row["score"] for row in stored["rows"]] == [found[row["name"]]["score"] for row in stored["rows"]]


def test_what_cannot_be_meant() -> None:
    suite("--only", "irs").error(2, "Did you mean iris")
    suite("--only", "irs", "--list").error(2, "Did you mean iris")
    Path("file").write_text("")
    assert suite("--only", "iris", "--output", "file").code == 2
    suite("--only", "iris", "--output", "file/out").error(3, "is not a folder")


def test_values_have_their_error_below_and_wide_numbers_fit() -> None:
    row = Row(
        "california", "california_housing", "done", "", "14-128-64-1", 1_010_241, 80, 1, 12_345.6, 100, 10, "folds",
        "r2", 0.8286, 31828.4, "dollars", 0.8, (("0.75", "somebody"),),
    )  # fmt: skip
    out = StringIO()
    verb.tell_row(Environment(console(file=out, width=80, force_terminal=True)), row)
    lines = [line.rstrip() for line in screen(out.getvalue())]
    assert lines[0].split() == [
        "california", "14-128-64-1", "1.01", "M", "80", "12,346", "R2", "0.829", "0.75", "0.80"
    ]  # fmt: skip
    assert lines[1].strip() == "off by 31,828 dollars on average"


def test_a_kill_loses_only_the_set_under_way(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pellucid", "suite", "--quick", "--only", "iris,digits-cnn", "--json", "-o", "out"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "set" and json.loads(line)["recipe"] == "digits-cnn":
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    stored = json.loads((tmp_path / "out" / "suite.json").read_text())
    assert [row["name"] for row in stored["rows"]] == ["iris"]
    told = suite("--quick", "--only", "iris", "-o", "out", "--resume", "--json").done()
    (event,) = [event for event in told.events if event["event"] == "result"]
    assert event["kept"] is True
    assert event["score"] == stored["rows"][0]["score"]


def test_a_stop_from_the_keyboard_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(recipe: Any, quick: bool) -> Any:
        if recipe.name == "digits-dense":
            raise KeyboardInterrupt
        yield from carried(recipe, quick)

    carried = suite_module.carry_out
    monkeypatch.setattr(suite_module, "carry_out", stop)
    told = suite("--quick", "--only", "iris,digits")
    assert told.code == 130
    assert "kept in suite-quick; the same command with --resume" in told.err
