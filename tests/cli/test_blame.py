"""`pellucid blame`: the samples of `pl.blame` and `pl.nearest`, with their pictures; and what is asked wrongly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from tests.cli.tools import Told, run, stand_beside


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of digits, one of moons and one that learned values."""
    folder = tmp_path_factory.mktemp("blame")
    run("train", "digits", "--epochs", 1, "--layers", "12,10", "--output", folder / "digits").done()
    run("train", "moons", "--epochs", 2, "--output", folder / "moons").done()
    run("train", "sine", "--epochs", 2, "--output", folder / "sine").done()
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_beside(place, tmp_path, monkeypatch)


def blame(*words: Any) -> Told:
    return run("blame", *words)


TRAIN, TEST = pl.datasets.digits()


def test_an_answer_has_its_samples_for_and_against_with_pictures() -> None:
    told = blame("digits", "--wrong", "--count", 2).done()
    net = pl.load("digits")
    answers = net.predict(TEST.x).argmax(axis=1)
    first = int(np.argmax(answers != TEST.t))
    assert told.lines[0].startswith(f"digits, sample {first}: the answer is {answers[first]} (")
    assert told.lines[0].endswith(f"WRONG: it is {TEST.t[first]}")
    found = pl.blame(net, TRAIN.x, TRAIN.t, answer=(TEST.x[first], TEST.t[first]))
    named = [int(n) for n in re.findall(r"#(\d+): ", told.out)]
    assert named == [*found.plus(2), *found.minus(2)]
    for n in named:
        assert f"#{n}: {TRAIN.t[n]}  {found.values[n]:+.3g}" in told.out
    assert "asked of 4,000 training samples, over 0.dense, 2.dense" in told.out
    assert "Those that help this answer most:" in told.out
    assert "Those that speak against it most:" in told.out
    assert any(mark in told.out for mark in ("█", "#"))


def test_a_weight_and_the_samples_that_push_it() -> None:
    told = blame("digits", "--weight", "0.dense.W[406,3]", "--count", 3, "--json").done()
    found = pl.blame(pl.load("digits"), TRAIN.x, TRAIN.t, "0.dense.W[406,3]")
    event = told.last
    assert (event["event"], event["total"]) == ("blamed", pytest.approx(found.total))
    assert [one["sample"] for one in event["plus"]] == found.plus(3).tolist()
    assert [one["value"] for one in event["minus"]] == found.values[found.minus(3)].tolist()
    said = blame("digits", "--weight", "0.dense.W[406,3]").done()
    assert said.lines[0].startswith("dL/dW[406, 3] of 0.dense, by 4,000 training samples of digits; the sum is ")


def test_the_neighbours_in_a_layer() -> None:
    told = blame("digits", "--sample", 3, "--nearest", "1.relu", "--count", 2, "--json").done()
    near = pl.nearest(pl.load("digits"), "1.relu", TEST.x[3:4], TRAIN.x, 2)
    assert told.last["samples"] == near.at[0].tolist()
    assert told.last["distances"] == near.far[0].tolist()
    said = blame("digits", "--sample", 3, "--nearest", "1.relu", "--count", 2).done()
    assert f"#{near.at[0, 0]}: {TRAIN.t[near.at[0, 0]]}  {near.far[0, 0]:.3g} away" in said.out


def test_samples_that_are_no_pictures_are_lines_and_values_are_said() -> None:
    told = blame("moons", "--data", "moons", "--sample", 1, "--layer", "0.dense", "--count", 2).done()
    assert "over 0.dense" in told.out
    assert len(re.findall(r"^  #\d+: \S+ +[+-]\d", told.out, re.MULTILINE)) == 4
    values = blame("sine", "--data", "sine", "--sample", 1, "--count", 1).done()
    assert re.match(r"sine, sample 1: the answer is -?[\d.]+(e-\d+)?, the target ", values.lines[0])


def test_what_is_asked_wrongly() -> None:
    blame("digits", "--weight", "0.dense.W[0,0]", "--nearest", "1.relu").error(2, "give one of them")
    blame("digits", "--sample", 1000).error(2, "--sample runs to 999")
    blame("digits", "--weight", "0.dense.W").error(2, "no single weight", "(784, 12)")
    blame("digits", "--nearest", "1.rel").error(2, "Did you mean 1.relu")
    blame("digits", "--layer", "1.relu").error(2, "no dense layer")
    blame("sine", "--data", "sine", "--wrong").error(2, "learned values")
    blame("nothing").error(3, "nothing")
