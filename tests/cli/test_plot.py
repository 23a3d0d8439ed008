"""`pellucid plot`: the pictures of a saved network as files and as text; and what is asked wrongly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from tests.cli.tools import Told, run, stand_beside


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of digits, one of moons, one with a convolution and one that learned values."""
    folder = tmp_path_factory.mktemp("plot")
    run("train", "digits", "--epochs", 1, "--layers", "12,10", "--output", folder / "digits").done()
    run("train", "moons", "--epochs", 2, "--output", folder / "moons").done()
    run("train", "sine", "--epochs", 2, "--output", folder / "sine").done()
    pl.Model(pl.Conv2D(2, 3), pl.Flatten(), pl.Dense(2), input_shape=(5, 5, 1)).save(folder / "conv")
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_beside(place, tmp_path, monkeypatch)


def plot(*words: Any, **options: Any) -> Told:
    return run("plot", *words, **options)


_, TEST = pl.datasets.digits()


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("curves", "digits"), "Learning curves"),
        (("confusion", "digits", "digits"), "Confusion matrix"),
        (("boundary", "moons", "moons"), "What the network says in the plane"),
        (("weights", "digits"), "Weights of 0.dense.W (784, 12)"),
        (("weights", "digits", "--layer", "2.dense.b"), "Weights of 2.dense.b (10,)"),
        (("filters", "conv"), "Weights of 0.conv2d.W (3, 3, 1, 2)"),
        (("surface", "moons", "moons", "--samples", 9), "The loss around the weights"),
        (("histograms", "digits", "digits", "--of", "gradients"), "Gradients"),
    ],
)
def test_every_kind_has_a_text_that_needs_no_matplotlib(
    words: tuple[Any, ...], start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    told = plot(*words, "--text").done()
    assert told.lines[0] == start
    assert len(told.lines) > 4
    failed = plot(*words)
    failed.error(2, "pip install 'pellucid[plot]'", "--text")
    assert not list(Path().glob("*.png"))


def test_the_text_has_the_numbers_of_the_library() -> None:
    told = plot("confusion", "digits", "digits", "--text").done()
    assert told.out.rstrip("\n") == pl.plot.Confusion.of(pl.load("digits"), TEST.x, TEST.t).text()


def test_a_picture_is_written_and_what_it_says_is_printed() -> None:
    pytest.importorskip("matplotlib", reason="figures are drawn with matplotlib, the extra plot")
    told = plot("curves", "digits").done()
    assert told.lines == [pl.plot.Curves.of(pl.load("digits")).says, "written   curves.png"]
    assert Path("curves.png").read_bytes().startswith(b"\x89PNG")
    plot("histograms", "moons", "moons", "-o", "deep/spread.svg").done()
    assert "<title>Activations</title>" in Path("deep/spread.svg").read_text("utf-8")


def test_a_map_of_a_layer_by_its_last_hidden_one_if_none_is_named() -> None:
    pytest.importorskip("sklearn", reason="principal components are scikit-learn's, the extra plot")
    told = plot("map", "digits", "digits", "--samples", 60, "--text").done()
    assert told.lines[0] == "What 1.relu makes of 60 samples: principal components"
    assert (
        plot("map", "digits", "digits", "--samples", 60, "--layer", "input", "--text")
        .done()
        .lines[0]
        .startswith("What input makes of 60 samples")
    )


def test_samples_are_spread_over_the_part_and_the_rest_of_the_options_are_heard() -> None:
    told = plot("confusion", "digits", "digits", "--part", "train", "--samples", 10, "--json", "--text").done()
    train, _ = pl.datasets.digits()
    at = np.linspace(0, len(train) - 1, 10).round().astype(int)
    picture = pl.plot.Confusion.of(pl.load("digits"), train.x[at], train.t[at])
    event = told.last
    assert (event["event"], event["kind"], event["says"], event["file"]) == ("plotted", "confusion", picture.says, None)
    cells = [row[1:-1] for row in event["tables"][0]["rows"]]
    assert cells == picture.C.tolist()
    one, two = (plot("surface", "moons", "moons", "--samples", 5, "--text", "--seed", s).done().out for s in (1, 2))
    assert "seed 1" in one
    assert one.splitlines()[4:] != two.splitlines()[4:]


def test_what_is_asked_wrongly() -> None:
    plot("boundary", "moons").error(2, "name the data", "pellucid plot boundary MODEL")
    plot("boundary", "digits", "digits", "--text").error(2, "(N, 2)")
    plot("confusion", "sine", "sine", "--text").error(2, "learns values")
    plot("filters", "digits", "--text").error(2, "no convolution", "0.dense, 1.relu, 2.dense")
    plot("weights", "digits", "--layer", "7.dense", "--text").error(2, "no weights '7.dense'", "Did you mean")
    plot("curves", "conv", "--text").error(2, "no epoch")
    plot("curves", "digits", "-o", "curves.gif").error(2, "curves.gif", ".png, .svg, .pdf")
    plot("curves", "nothing").error(3, "nothing")
    plot("confusion", "digits", "moons", "--text").error(2, "do not have the size")
