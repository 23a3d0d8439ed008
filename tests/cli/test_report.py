"""`pellucid report`: a page of a recording or of a model, written whole or not at all."""

from __future__ import annotations

import re
import shlex
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import pellucid as pl
from pellucid.inspection.recordfile import RUN, checkpoints
from tests.cli.tools import Told, run
from tests.test_report import check, table


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording `a.run` and the model of its training."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("train", "digits", "--layers", "8,10", "--epochs", 1, "--batch-size", 256, "--record", "a.run").done()
    return folder


@pytest.fixture(autouse=True)
def _beside_the_recording(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(place / "a.run", tmp_path / "a.run")
    shutil.copy(place / "digits.safetensors", tmp_path)
    monkeypatch.chdir(tmp_path)


def report(*words: Any, **options: Any) -> Told:
    return run("report", *words, "--doctor", 0, **options)


def page(name: str) -> pl.Page:
    found = pl.Page(Path(name).read_text("utf-8"))
    check(found)
    return found


def test_a_recording_becomes_a_page() -> None:
    told = report("a.run", "--steps", 6).done()
    assert told.err == ""
    made = page("a.html")
    assert told.lines == [f"written   a.html: {made.size / 1e6:.2f} MB, opens in any browser, offline"]
    assert "pellucid train digits --layers 8,10 --epochs 1 --batch-size 256 --record a.run" in made.html
    recording = pl.open_recording("a.run")
    rows = table(made, "The chosen steps")[1:]
    assert [int(row[0]) for row in rows] == [0, *sorted({int(row[0]) for row in rows[1:]})]
    assert (len(rows), int(rows[-1][0])) == (6, recording.steps[-1])
    accuracy = re.search(r"test +accuracy ([\d.]+ %)", run("evaluate", "digits.safetensors", "digits").done().out)
    assert accuracy is not None
    assert f"<dt>accuracy, test</dt><dd>{accuracy[1]}</dd>" in made.html


def test_the_commands_that_a_page_names_run() -> None:
    report("a.run", "--steps", 3).done()
    block = re.search(r'aria-label="How to go back to a step"><code>(.*?)</code>', page("a.html").html, re.DOTALL)
    assert block is not None
    commands = unescape(block[1]).splitlines()
    assert len(commands) == 4
    for command in commands:
        words = shlex.split(command)
        assert words[:3] == ["pellucid", "replay", "a.run"]
        run(*words[1:], *(["--output", "branch.run"] if "--branch" in words else [])).done()


def test_a_model_becomes_a_page_without_steps() -> None:
    told = report("digits.safetensors", "digits", "-o", "m.html", "--json").done()
    assert told.last["event"] == "reported"
    assert (told.last["file"], told.last["bytes"]) == ("m.html", page("m.html").size)
    assert "Step by step" not in page("m.html").html
    assert "pellucid evaluate digits.safetensors digits" in page("m.html").html


def test_without_its_data_it_shows_what_was_written_down() -> None:
    said = Path("a.run", RUN).read_text()
    Path("a.run", RUN).write_text(said.replace('"data": "digits"', '"data": "gone.csv"'))
    told = report("a.run").done()
    assert "No step of a.run is recomputed, because its data could not be had." in told.err
    assert any("were not at hand" in line for line in told.lines)
    assert "Step by step" in page("a.html").html
    report("a.run", "nowhere.csv").error(3, "nowhere.csv")


def test_a_recording_without_checkpoints() -> None:
    for path in checkpoints(Path("a.run")).values():
        path.unlink()
    told = report("a.run").done()
    assert any("no checkpoint that is whole" in line for line in told.lines)
    assert table(page("a.html"), "The chosen steps")[1:]


def test_a_small_page_says_what_was_left_out() -> None:
    told = report("a.run", "--size", 0.15, "--steps", 5).done()
    assert page("a.html").size <= 0.15e6
    gone = [line for line in told.lines if line.startswith("left out  ")]
    assert gone
    assert all(line.removeprefix("left out  ") in unescape(page("a.html").html) for line in gone)


def test_what_cannot_be_meant() -> None:
    report("nope.run").error(3, "nope.run is not there")
    report("digits.safetensors").error(2, "name the samples")
    report("a.run", "-o", "digits.safetensors").error(2, "written as .html or .htm")
    Path("taken.html").mkdir()
    report("a.run", "-o", "taken.html").error(3, "is no ordinary file")
    report("a.run", "--size", 0.001, "-o", "tiny.html").error(2, "even with everything left out")
    assert not Path("tiny.html").exists()
    Path("digits.safetensors").write_bytes(b"cut")
    report("digits.safetensors", "digits").error(3, "digits.safetensors")
