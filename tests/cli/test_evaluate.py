"""`pellucid evaluate`: the figures that training gave, on the part that was asked for, by the columns' names."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli.report import by_class, in_words
from tests.cli.tools import Told, files, run

NAMES = ("no", "perhaps", "yes")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def evaluate(*words: Any) -> Told:
    return run("evaluate", *words)


def table(
    path: str, columns: str = "abc", answer: str = "label", place: int = 3, header: bool = True, **keep: Any
) -> None:
    """Fifty rows whose label follows from a and b; the columns in any order, the answer at any place."""
    rng = np.random.default_rng(0)
    rows = []
    for x in rng.normal([5, 0, -100], [3, 1, 50], (50, 3)):
        k = int(x[0] > 4) + int(x[0] / 3 + x[1] > 2)
        if NAMES[k] in keep.get("only", NAMES):
            cells = [f"{x['abc'.index(name)]:.4f}" for name in columns]
            cells.insert(place, keep.get("names", NAMES)[k])
            rows.append(cells)
    head = list(columns)
    head.insert(place, answer)
    with Path(path).open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows] if header else rows)


@pytest.fixture
def trained() -> str:
    table("table.csv")
    run("train", "table.csv", "--epochs", 30, "--output", "model").done()
    return "model"


# ---- the same figures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("digits", "--layers", "16,10"), ("spiral",), ("sine",), ("moons", "--loss", "mse")])
def test_the_figures_are_those_of_training(words: tuple[str, ...]) -> None:
    done = run("train", *words, "--epochs", 2, "--output", "model", "--json").done().last
    told = evaluate("model", words[0], "--json").done()
    (event,) = told.events
    assert event["event"] == "evaluated"
    figures = {key: value for key, value in event.items() if f"test_{key}" in done}
    assert len(figures) == 2
    assert figures == {key.removeprefix("test_"): value for key, value in done.items() if key.startswith("test_")}
    assert told.err == ""


def test_the_parts_are_the_parts() -> None:
    run("train", "digits", "--layers", "16,10", "--epochs", 1).done()
    model = pl.load("digits.safetensors")
    train, test = pl.datasets.digits()
    found = {}
    for part, data in (("train", train), ("test", test)):
        event = evaluate("digits.safetensors", "digits", "--part", part, "--json").done().last
        assert event["samples"] == len(data)
        assert event["accuracy"] == model.evaluate(data.x, data.t)["accuracy"]
        assert event["loss"] == pytest.approx(model.evaluate(data.x, data.t)["loss"])
        found[part] = event
    whole = evaluate("digits.safetensors", "digits", "--part", "all", "--json").done().last
    assert whole["samples"] == 5000
    expected = (4000 * found["train"]["accuracy"] + 1000 * found["test"]["accuracy"]) / 5000
    assert whole["accuracy"] == pytest.approx(expected)
    said = evaluate("digits.safetensors", "digits", "--part", "train").done().lines
    assert said[0] == "data      digits: 4,000 samples, the train part"
    assert said[2].startswith("train     accuracy ")


def test_which_points_of_a_toy_is_the_seeds_choice() -> None:
    run("train", "spiral", "--epochs", 2, "--seed", 5).done()
    same = evaluate("spiral.safetensors", "spiral", "--seed", 5, "--json").last
    other = evaluate("spiral.safetensors", "spiral", "--json").last
    assert same["accuracy"] != other["accuracy"]


def test_a_model_from_python_is_measured_too() -> None:
    data, test = pl.datasets.digits()
    model = pl.Model(
        pl.Dense(10), loss=pl.SoftmaxCrossEntropy(), input_shape=(784,), prepare=pl.Pixels((784,))
    )  # without class names
    model.fit(data.x, data.t, epochs=1, verbose=False)
    model.save("model")
    event = evaluate("model", "digits", "--json").done().last
    assert event["accuracy"] == model.evaluate(test.x, test.t)["accuracy"]


def test_what_is_printed(trained: str) -> None:
    told = evaluate(trained, "table.csv").done()
    assert told.lines[0] == "data      table.csv: 50 samples"
    assert told.lines[2].startswith("all       accuracy ")
    table_at = told.lines.index("What it is (row) and what was answered (column):")
    assert told.lines[table_at + 1].split() == [*NAMES, "right"]
    counts = [int(c) for row in told.lines[table_at + 2 : table_at + 5] for c in row.split()[1:4] if c != "."]
    assert sum(counts) == 50
    assert told.err == ""


# ---- columns and classes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"columns": "cab"},
        {"place": 0},
        {"columns": "bca", "place": 1},
        {"header": False},
        {"header": False, "place": 1},
        {"only": ("no", "yes")},
    ],
    ids=str,
)
def test_columns_and_classes_are_found_by_their_names(trained: str, options: dict[str, Any]) -> None:
    table("other.csv", **options)
    target = () if options.get("header", True) else ("--target", options.get("place", 3))
    event = evaluate(trained, "other.csv", *target, "--json").done().last
    whole = evaluate(trained, "table.csv", "--json").done().last
    if "only" in options:
        model = pl.load(trained)
        data = pl.datasets.load("table.csv")[0]
        keep = data.t != 1
        assert event["samples"] == keep.sum() < 50
        assert event["accuracy"] == model.evaluate(data.x[keep], data.t[keep])["accuracy"]
    else:
        assert (event["accuracy"], event["loss"]) == (whole["accuracy"], whole["loss"])


def test_more_columns_do_no_harm_and_fewer_are_named(trained: str) -> None:
    rows = [line.split(",") for line in Path("table.csv").read_text().split()]
    with Path("more.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["z", *rows[0]], *[["7", *row] for row in rows[1:]]])
    assert evaluate(trained, "more.csv", "--json").done().last["samples"] == 50
    table("fewer.csv", columns="ac", place=2)
    evaluate(trained, "fewer.csv").error(3, "lacks columns", ": b.")


def test_a_model_of_a_table_without_a_header() -> None:
    table("bare.csv", header=False)
    run("train", "bare.csv", "--target", -1, "--epochs", 30, "--output", "model").done()
    bare = evaluate("model", "bare.csv", "--target", -1, "--json").done().last
    table("named.csv")
    assert evaluate("model", "named.csv", "--json").done().last["accuracy"] == bare["accuracy"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("model", "unknown.csv"), 3, ["maybe", "knows only no, perhaps, yes"]),
        (("model", "values.csv"), 3, ["learned classes", "measured values"]),
        (("model", "digits"), 3, ["knows only no, perhaps, yes"]),
        (("model", "none.csv"), 3, ["none.csv"]),
        (("none", "table.csv"), 3, ["none", "No such file"]),
        (("table.csv", "table.csv"), 3, ["table.csv", "not a model file"]),
        (("model", "words.csv"), 3, ["words.csv", "row 2 (line 3 of the file), column 2 ('b')", "'two'"]),
        (("model", "table.csv", "--target", "colour"), 3, ["colour"]),
        (("model", "table.csv", "--part", "half"), 2, ["'half'"]),
        (("model",), 2, ["DATA"]),
        ((".", "table.csv"), 3, ["Is a directory"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_measured_is_refused(trained: str, words: tuple[str, ...], code: int, said: list[str]) -> None:
    table("unknown.csv", names=("no", "maybe", "yes"))
    table("values.csv", names=("0.5", "1.25", "3.5"))
    Path("words.csv").write_text("a,b,c,label\n1,2,3,no\n1,two,3,yes\n")
    before = files(Path())
    told = evaluate(*words).error(code, *said)
    assert told.out == ""
    assert files(Path()) == before


def test_values_are_measured_as_values() -> None:
    table("values.csv", names=("0.5", "1.25", "3.5"))
    table("classes.csv")
    run("train", "values.csv", "--epochs", 60, "--output", "model").done()
    event = evaluate("model", "values.csv", "--json").done().last
    assert event["r2"] > 0.5
    assert "accuracy" not in event
    evaluate("model", "classes.csv").error(3, "learned values", "classes")


# ---- parts -----------------------------------------------------------------------------------------------------------


def test_one_column_becomes_two_and_other_counts_are_refused() -> None:
    model = pl.Model(pl.Dense(1), loss=pl.SigmoidCrossEntropy(), input_shape=(2,), classes=("no", "yes"))
    np.testing.assert_allclose(by_class(model, np.array([[0.25], [1.0]])), [[0.75, 0.25], [0.0, 1.0]])
    model.classes = ("a", "b", "c")
    with pytest.raises(pl.DataError, match="3 classes"):
        by_class(model, np.array([[0.25]]))


def test_a_score_is_no_probability() -> None:
    values = pl.Model(pl.Dense(2), input_shape=(2,), classes=("no", "yes"))
    shares = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(2,), classes=("no", "yes"))
    assert in_words(values)(1.037) == "1.04"
    assert in_words(shares)(0.5) == "50 %"
