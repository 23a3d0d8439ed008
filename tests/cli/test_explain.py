"""`pellucid explain`: the same numbers as `pl.ledger`, as a tree, as JSON and as a page; and what is asked wrongly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from tests.cli.tools import Told, run, screen, stand_beside


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of digits, one of moons with dropout, and one that learned values."""
    folder = tmp_path_factory.mktemp("explain")
    run("train", "digits", "--epochs", 2, "--layers", "16,10", "--output", folder / "digits").done()
    run("train", "moons", "--epochs", 3, "--dropout", 0.3, "--output", folder / "moons").done()
    run("train", "sine", "--epochs", 3, "--output", folder / "sine").done()
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_beside(place, tmp_path, monkeypatch)


def explain(*words: Any, **options: Any) -> Told:
    return run("explain", *words, **options)


_, TEST = pl.datasets.digits()


def test_a_weights_gradient_is_opened_by_sample() -> None:
    told = explain("digits", "--sample", 3, "--batch", 4, "--weight", "0.dense.W[406,12]").done()
    trace = pl.trace(pl.load("digits"), TEST.x[3:7], TEST.t[3:7])
    assert told.lines[0].startswith("digits, test part: samples 3 to 6 (6, 7, 7, 8); loss ")
    assert told.lines[0].endswith("; as in training")
    assert told.lines[1] == f"dL/dW[406, 12] of 0.dense = {trace['0.dense.dW'][406, 12]:.4g}".replace(" = 0.0", " = 0")
    assert told.lines[2] == "  = sum_n x[n, 406] dy[n, 12]"
    assert len(re.findall(r"^  x\[\d, 406\] × dy\[\d, 12\]  .* = ", told.out, re.MULTILINE)) == 4
    assert "computed by layers/dense.py: np.dot(" in told.out
    assert "dW has the shape of W: (784, 16)" in told.out
    assert "a first step of Adam(0.001): m " in told.out
    assert "nudge it: [L(w + h) - L(w - h)] / 2h = " in told.out
    assert explain("digits", "--sample", 3, "--batch", 4, "--weight", "0.dense.dW[406,12]").out == told.out


def test_an_output_is_that_of_the_prediction() -> None:
    told = explain("digits", "--sample", 3, "--output", 7).done()
    net = pl.load("digits")
    y = net.predict(TEST.x[3:4])[0]
    assert f"the answer is {net.classes[int(y.argmax())]}, with {100 * y.max():.3g} %" in told.out
    assert f"output 7 is the score of 7, which gets {100 * y[7]:.3g} %" in told.out
    assert "as in a prediction" in told.lines[0]
    assert told.lines[1].startswith("y[0, 7] of 2.dense = ")


def test_a_unit_the_loss_and_any_other_number() -> None:
    assert explain("digits", "--unit", "1.relu[5]").done().lines[1].startswith("y[0, 5] of 1.relu = ")
    loss = explain("digits", "--loss", "--batch", 3).done()
    assert loss.lines[1].startswith("loss = ")
    assert loss.out.count("1/N × rows[") == 3
    other = explain("digits", "--number", "2.dense.dx[0,5]").done()
    assert other.lines[1].startswith("dL/dx[0, 5] of 2.dense = ")


def test_depth_says_how_much_is_opened() -> None:
    lengths = [len(explain("digits", "--output", 7, "--depth", d).done().lines) for d in (1, 2, 3, 4)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[3]
    deepest = explain("digits", "--output", 7, "--depth", 12).done().out
    assert re.search(r"x\[0, \d+\] × W\[\d+, \d+\]", deepest)


def test_what_dropout_drew_is_shown_and_the_seed_decides_it() -> None:
    number = "2.dropout.y[0,3]"
    seen = {explain("moons", "--data", "moons", "--number", number, "--seed", s).done().out for s in range(6)}
    assert any("drawn in this pass" in out or "× M" in out for out in seen)
    assert len(seen) > 1
    assert "nothing is dropped" in explain("moons", "--data", "moons", "--unit", "2.dropout[3]").done().out


def test_a_regression_can_be_explained() -> None:
    told = explain("sine", "--data", "sine", "--sample", 5, "--output", 0).done()
    assert "y[0, 0] of" in told.lines[1]
    assert "the answer is" not in told.out


def test_json_is_the_document_and_nothing_else() -> None:
    told = explain("digits", "--sample", 3, "--weight", "0.dense.W[406,12]", "--json").done()
    assert told.kinds == ["explained"]
    trace = pl.trace(pl.load("digits"), TEST.x[3:4], TEST.t[3:4])
    line = pl.ledger(trace, "0.dense.dW[406,12]")
    assert told.last["line"] == line.document(3)
    assert told.last["line"]["value"] == float(trace["0.dense.dW"][406, 12])
    assert told.last["line"]["terms"][0]["factors"][0]["label"] == "x[0, 406]"
    assert told.last["nudge"]["backward"] == line.value
    assert explain("digits", "--loss", "--json").done().last["nudge"] is None


def test_a_terminal_gets_a_tree() -> None:
    told = explain("digits", "--output", 7, terminal=True).done()
    lines = screen(told.out)
    assert any(line.startswith(("├──", "└──")) for line in lines)
    assert "\x1b[" in told.out
    plain = explain("digits", "--output", 7).done().out
    for words in re.findall(r"x\[0, \d+\] × W\[\d+, 7\]", plain):
        assert words in "\n".join(lines)


def test_a_page_and_the_trace_can_be_kept(tmp_path: Path) -> None:
    told = explain("digits", "--weight", "0.dense.W[406,12]", "--html", "a.html", "--save", "a.trace").done()
    page = Path("a.html").read_text("utf-8")
    assert "<details>" in page
    assert "<svg" in page
    assert "<script" not in page
    assert "as in training" in page
    assert "written   a.html" in told.out
    trace = pl.load_trace("a.trace")
    with pytest.raises(pl.FileError, match=r"a.trace is a trace, not a model: pl.load_trace reads it"):
        pl.load("a.trace")
    twin = pl.trace(pl.load("digits"), TEST.x[:1], TEST.t[:1])
    assert np.array_equal(trace.grad, twin.grad)


def test_bad_input_is_answered_in_one_paragraph() -> None:
    explain("digits", "--weight", "0.dense.W[900,12]").error(2, "shape is (784, 16)", "[783, 15]")
    explain("digits", "--weight", "0.dens.W[1,1]").error(2, "Did you mean 0.dense.W")
    explain("digits", "--weight", "0.dense.Q[1,1]").error(2, "Did you mean 0.dense.")
    explain("digits", "--output", 10).error(2, "no output 10", "0 to 9")
    explain("digits", "--unit", "1.relu").error(2, "such as 1.relu[5]")
    explain("digits", "--unit", "1.rel[5]").error(2, "1.relu")
    explain("digits", "--unit", "1.relu[16]").error(2, "(1, 16)")
    explain("digits", "--sample", 1000, "--loss").error(2, "1,000 samples", "last sample is 999")
    explain("digits").error(2, "nothing was given")
    explain("digits", "--loss", "--output", 3).error(2, "--loss and --output were given")
    explain("digits", "--data", "moons", "--loss").error(2, "(N, 784)")
    explain("digits", "--data", "sine", "--loss").error(3, "learned classes")
    explain("nothing", "--loss").error(3, "nothing")


def test_a_table_with_a_column_of_words_is_read_as_the_model_knows_it() -> None:
    colours = ("green", "red", "blue")
    rows = [f"{i % 7},{colours[i % 3]},{'yes' if i % 3 else 'no'}" for i in range(60)]
    Path("tab.csv").write_text("a,col,y\n" + "\n".join(rows) + "\n")
    run("train", "tab.csv", "--target", "y", "--epochs", 2, "--output", "tab.safetensors").done()
    told = explain("tab.safetensors", "--data", "tab.csv", "--target", "y", "--batch", 4, "--loss").done()
    assert told.lines[0].startswith("tab.csv, test part: samples 0 to 3 (no, yes, yes, no); loss ")
    assert explain("tab.safetensors", "--data", "tab.csv", "--batch", 4, "--loss").done().out == told.out
