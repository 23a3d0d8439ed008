"""`pellucid train --record` and `pellucid replay`: any step again, opened, branched off from, and two runs compared."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection.recordfile import EVENTS, RUN, checkpoints, digest
from tests.cli.tools import Told, files, run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording `a.run` of a small training, made by the command."""
    folder = tmp_path_factory.mktemp("replay")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("train", "digits", "--layers", "16,10", "--epochs", 2, "--dropout", 0.1, "--record", "a.run").done()
    return folder


@pytest.fixture(autouse=True)
def _beside_the_recording(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(place / "a.run", tmp_path / "a.run")
    monkeypatch.chdir(tmp_path)


def replay(*words: Any, **options: Any) -> Told:
    return run("replay", *words, **options)


LAST = 114  # 3,600 samples in batches of 64, twice


def test_training_says_where_it_was_recorded_and_how_to_go_back(place: Path) -> None:
    told = run("train", "digits", "--layers", "16,10", "--epochs", 1, "--record", "b.run").done()
    assert f"recorded  b.run: steps 0 to {LAST // 2}, " in told.out
    assert "  pellucid replay b.run --step 29" in told.out
    events = run("train", "xor", "--epochs", 2, "--record", "c.run", "--json").done().events
    assert events[-1]["event"] == "recorded"
    assert (events[-1]["folder"], events[-1]["first"]) == ("c.run", 0)
    said = json.loads((place / "a.run" / RUN).read_text())
    assert said["command"] == "pellucid train digits --layers 16,10 --epochs 2 --dropout 0.1 --record a.run"
    assert (said["options"]["dropout"], said["options"]["keep_best"]) == (0.1, False)


def test_the_recorded_training_is_that_of_the_command_without(place: Path) -> None:
    run("train", "digits", "--layers", "16,10", "--epochs", 2, "--dropout", 0.1, "--output", "plain.safetensors").done()
    assert (pl.load("plain.safetensors").theta == pl.load(place / "digits.safetensors").theta).all()
    told = replay("a.run", "--step", LAST, "--output", "again.safetensors").done()
    assert (pl.load("again.safetensors").theta == pl.load("plain.safetensors").theta).all()
    assert "saved     again.safetensors: the model as it was after step 114" in told.out


def test_alone_it_shows_what_is_there() -> None:
    told = replay("a.run").done()
    assert told.lines[0] == "recording a.run: the training ran to its end"
    assert told.lines[1].startswith("command   pellucid train digits --layers 16,10")
    assert "steps     0 to 114, 57 an epoch; " in told.out
    assert told.err == ""
    digests = [row["digest"] for row in pl.open_recording("a.run").epochs]
    assert all(any(line.endswith(name) for line in told.lines) for name in digests)
    shown = replay("a.run", "--json").done().last
    assert (shown["event"], shown["last"], shown["cut"]) == ("recording", LAST, "")
    assert len(shown["losses"]) == LAST
    assert [row["digest"] for row in shown["epochs"]] == digests


def test_a_step_is_rebuilt_and_proved() -> None:
    told = replay("a.run", "--step", 70).done()
    epoch = pl.open_recording("a.run").epochs[1]
    assert told.lines[0] == "step      70: batch 13 of 57 in epoch 2"
    assert told.lines[1].startswith("rebuilt   from the checkpoint at step ")
    assert f"digest {epoch['digest']} at step 114, the end of epoch 2: as recorded" in told.out
    shown = replay("a.run", "--step", 70, "--json").done().last
    assert shown["loss"] == pl.open_recording("a.run").losses[69]
    assert shown["proof"]["ok"]
    assert [LAST, "the end of epoch 2", epoch["digest"]] in shown["proof"]["marks"]
    assert "before the first step" in replay("a.run", "--step", 0).done().out


def test_a_number_of_that_very_step_is_opened() -> None:
    told = replay("a.run", "--step", 70, "--explain", "0.dense.W[406,12]", "--depth", 2).done()
    assert "dL/dW[406, 12] of 0.dense = " in told.out
    assert "step 70 of Adam, rate 0.0" in told.out
    assert "the batch of step 70: training samples " in told.out
    assert "nudge it: " in told.out
    step, explained = replay("a.run", "--step", 70, "--explain", "loss", "--json").done().events
    assert explained["line"]["value"] == pytest.approx(step["loss"], rel=1e-6)
    assert len(explained["samples"]) == 64
    moved = replay("a.run", "--step", 70, "--explain", "0.dense.W.step[406,12]").done()
    assert "-lr mh / (sqrt(vh) + eps)" in moved.out


def test_a_branch_is_recorded_and_set_beside_its_parent() -> None:
    told = replay("a.run", "--branch", 70, "--lr", 0.001, "-o", "b.run").done()
    assert "branch    of a.run, after step 70 of 114: --lr 0.001" in told.lines[0]
    assert "settings      optimizer.lr.lr: 0.005 / 0.001" in told.out
    assert "first step    71: rate " in told.out
    assert "pellucid replay --diff a.run b.run" in told.out
    branch = json.loads(Path("b.run", RUN).read_text())
    assert branch["parent"] == {"folder": "a.run", "step": 70}
    assert branch["options"]["lr"] == 0.001
    assert replay("b.run", "--step", 90).done().lines[0] == "step      90: batch 33 of 57 in epoch 2"
    diff = replay("--diff", "a.run", "b.run").done()
    assert "first array   after step 71, 0.dense.W[" in diff.out
    assert "B             b.run, steps 70 to 114, branched off from a.run after step 70" in diff.out
    shown = replay("--diff", "a.run", "b.run", "--json").done().last
    assert (shown["step"], shown["same"], shown["data"]) == (71, False, [])
    unchanged = replay("a.run", "--branch", 70).done()
    assert "nothing is changed" in unchanged.out
    assert "the same, to the bit, from step 71 to 114" in unchanged.out
    assert Path("a-70.run").is_dir()
    told = replay("a.run", "--branch", 70).error(3, "a-70.run holds a recording already", "(--output), or remove this")
    assert "--resume" not in told.err


def test_everything_can_be_verified() -> None:
    assert f"verified  {LAST} steps recomputed: every loss and all " in replay("a.run", "--verify").done().out
    lines = Path("a.run", EVENTS).read_text()
    loss = pl.open_recording("a.run").losses[49]
    Path("a.run", EVENTS).write_text(lines.replace(f'"loss": {loss!r}', '"loss": 0.5'))
    told = replay("a.run", "--verify")
    assert told.code == 1
    assert "Step 50 of a.run came out otherwise than it was recorded" in told.out
    replay("a.run", "--step", 50).error(3, "its loss is", "not 0.5")
    assert "step      50" in replay("a.run", "--step", 50, "--inexact").done().out


def test_patience_and_the_best_weights_are_part_of_it() -> None:
    train = ("train", "digits", "--layers", "8,10", "--epochs", 9, "--lr", 0.1, "--patience", 1, "--keep-best")
    run(*train, "--record", "b.run").done()
    recording = pl.open_recording("b.run")
    assert recording.lines.end is not None
    assert "has not improved for 1 epochs" in recording.lines.end["reason"]
    best = min(recording.epochs, key=lambda row: row["val_loss"])
    step = best["step"]
    assert replay("b.run", "--step", step, "--json").done().last["digest"] == best["digest"]
    assert digest(pl.load("digits.safetensors")) == best["digest"]
    assert replay("b.run", "--verify").done()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_stopped_and_killed_recordings_go_on() -> None:
    train = ("train", "digits", "--layers", "16,10", "--seed", 5)
    command = [sys.executable, "-m", "pellucid", *map(str, train), "--epochs", "5000", "--record", "b.run", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"epoch": 2' in line:
                process.send_signal(signal.SIGINT)
                break
        process.stdout.read()
    assert process.returncode == 130
    recording = pl.open_recording("b.run")
    assert recording.steps[-1] == recording.checkpoints[-1]
    assert recording.lines.end is not None
    assert recording.lines.end["reason"] == "left"
    done = len(recording.epochs)
    whole = (*train, "--epochs", done + 2)
    run(*whole, "--record", "whole.run", "--output", "whole.safetensors").done()
    told = run(*whole, "--record", "b.run", "--output", "b.safetensors", "--resume").done()
    assert f"resumed   after {done} epochs" in told.out
    assert (pl.load("b.safetensors").theta == pl.load("whole.safetensors").theta).all()
    assert pl.open_recording("b.run").diff(pl.open_recording("whole.run")).same
    assert (
        "There is no recording at c.run yet" in run(*train, "--epochs", 1, "--record", "c.run", "--resume").done().err
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("a.run", "--step", 115), 2, ("no step 115", "0 to 114")),
        (("a.run", "--step", 0, "--explain", "loss"), 2, ("no step 0", "1 to 114")),
        (("a.run", "--step", 5, "--explain", "0.dens.W[1,2]"), 2, ("0.dens.W", "Did you mean 0.dense.W")),
        (("a.run", "--step", 5, "--explain", "0.dense.W[784,0]"), 2, ("(784, 16)",)),
        (("a.run", "--branch", 114), 2, ("nothing is left to train",)),
        (("a.run", "--branch", 5, "--lr", -1), 2, ("learning rate is -1",)),
        (("a.run", "--branch", 5, "--step", 5), 2, ("two different things",)),
        (("a.run", "--lr", 0.1), 2, ("--lr needs --branch N",)),
        (("a.run", "--explain", "loss"), 2, ("--explain needs --step N",)),
        (("a.run", "--output", "x"), 2, ("--output needs",)),
        ((), 2, ("Name a recording",)),
        (("none.run",), 3, ("none.run is not there",)),
        (("--diff", "a.run", "none.run"), 3, ("none.run is not there",)),
        (("a.run", "--step", 5, "--data", "spiral"), 3, ("not the data", "3600x28x28 uint8")),
    ],
)
def test_what_cannot_be_meant_is_refused(words: tuple[Any, ...], code: int, said: tuple[str, ...]) -> None:
    before = files(Path())
    replay(*words).error(code, *said)
    assert files(Path()) == before


def test_what_differs_is_told_before_anything_is_recomputed() -> None:
    said = json.loads(Path("a.run", RUN).read_text())
    said["versions"]["blas"] = "Some BLAS 1.0"
    Path("a.run", RUN).write_text(json.dumps(said))
    for words in (("a.run",), ("a.run", "--step", 5), ("a.run", "--verify")):
        assert (
            "Not everything is as it was when a.run was recorded: blas (recorded with Some BLAS" in replay(*words).err
        )
    content = Path("a.run", EVENTS).read_bytes()
    Path("a.run", EVENTS).write_bytes(content[: len(content) // 2])
    told = replay("a.run").done()
    assert "a.run is not whole: line " in told.err
    assert told.lines[0] == "recording a.run: it was killed, or is still running"
    for path in checkpoints(Path("a.run")).values():
        path.write_bytes(b"")
    replay("a.run", "--step", 5).error(3, "no checkpoint that is whole")
    assert replay("a.run").code == 0


def test_without_its_lines_nothing_is_called_as_recorded() -> None:
    Path("a.run", EVENTS).write_bytes(b"")
    told = replay("a.run", "--step", 20).done()
    assert "proof     none, since nothing was recorded to compare with" in told.out
    assert "a.run is not whole: events.jsonl is empty" in told.err
    told = replay("a.run", "--verify")
    assert told.code == 1
    assert "failed    Nothing was recorded to compare with" in told.out


def test_the_step_that_diverged_is_opened_by_broke() -> None:
    run("train", "sine", "--epochs", 50, "--lr", 1e30, "--optimizer", "sgd", "--record", "div.run")
    step = pl.open_recording("div.run").lines.others[-1]["step"]
    replay("div.run", "--step", step).error(2, f"At step {step} the training diverged", "replay div.run --broke")


def test_a_recording_from_python_shows_itself_and_says_how_it_is_opened() -> None:
    x = np.linspace(-1, 1, 8)[:, None]
    training = pl.train(pl.Model(pl.Dense(1), input_shape=(1,)), (x, 2 * x), epochs=2, batch_size=4)
    list(pl.record(training, "b.run"))
    assert "steps     0 to 4" in replay("b.run").done().out
    replay("b.run", "--step", 2).error(2, "was recorded from Python", "pl.open_recording('b.run', (x, t)).at(step)")
    told = replay("--diff", "a.run", "b.run").done()
    assert "Curves alone are compared" in told.err
    assert "layers[0].units: 16 / 1" in told.out


def test_data_that_moved_are_found_where_they_are_said_to_be() -> None:
    rows = ["a,b,c"] + [f"{i},{i * i % 7},{'yes' if i % 3 else 'no'}" for i in range(60)]
    Path("here").mkdir()
    Path("here/t.csv").write_text("\n".join(rows) + "\n")
    run("train", "here/t.csv", "--target", "c", "--epochs", 2, "--record", "b.run").done()
    assert replay("b.run", "--step", 2).done()
    Path("here").rename("there")
    replay("b.run", "--step", 2).error(3, "here/t.csv", "If it has moved", "--data PATH")
    assert "Curves alone are compared" in replay("--diff", "b.run", "b.run").done().err
    assert replay("b.run", "--step", 2, "--data", "there/t.csv").done()
    Path("there/t.csv").write_text("\n".join(rows[:-1]) + "\n")
    replay("b.run", "--step", 2, "--data", "there/t.csv").error(3, "not the data")


def test_recording_options_that_cannot_be_meant() -> None:
    run("train", "digits", "--record", "a.run").error(3, "holds a recording already", "--resume")
    run("train", "digits", "--record", "b.run", "--record-size", 0.1).error(2, "room for two checkpoints")
    assert not Path("b.run").exists()
    run("train", "digits", "--folds", 2, "--record", "b.run").error(2, "--folds saves nothing")
    Path("file").write_text("mine")
    told = run("train", "digits", "--record", "file")
    assert told.code in (2, 3)
    assert Path("file").read_text() == "mine"
