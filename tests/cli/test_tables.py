"""Tables on the command line: what is said about their columns, how the rows are divided, and what new rows are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli.tables import strange
from tests.cli.tools import Told, files, run
from tests.datasets.files import published

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(*words: Any, **options: Any) -> Told:
    return run("train", *words, **options)


def patients(path: str = "patients.csv", rows: int = 120, head: str = "", **change: str) -> str:
    """A table as a clinic keeps it: whether someone is ill follows from the fever and the cough."""
    rng = np.random.default_rng(0)
    names = ["id", "patient", "day", "fever", "cough", "weight", "ill", "diagnosis"]
    lines = [head or ",".join(names)]
    for i in range(rows):
        fever, cough = 36 + 4 * rng.random(), rng.choice(["none at all", "dry", "wet"])
        ill = fever > 38.5 or (cough == "wet" and fever > 37.5)
        cells = [
            str(i + 1),
            f"p{i // 4}",
            f"2024-{i // 10 + 1:02d}-01",
            f"{fever:.1f}",
            cough,
            f"{60 + 20 * rng.random():.0f}",
        ]
        cells[5] = "" if i % 10 == 0 else cells[5]
        cells += ["yes" if ill else "no", "influenza" if ill else "healthy"]
        lines.append(",".join(change.get(name, cell) for name, cell in zip(names, cells, strict=True)))
    Path(path).write_text("\n".join(lines) + "\n")
    return path


ILL = ("patients.csv", "--target", "ill")


# ---- what is said ----------------------------------------------------------------------------------------------------


def test_everything_that_was_found_is_said() -> None:
    patients()
    told = train(*ILL, "--epochs", 30).done()
    assert told.err == ""
    said = [line for line in told.lines if line and not line[0].isspace()]
    for line in (
        "data      patients.csv: 97 to train, 11 to validate, 12 to test; rows of a table",
        "missing   numbers are filled with the column's median and marked; a missing word is one more word",
        "left out  id: an identifier, another number in each row",
        "left out  day: dates (2024-01-01). What matters about them, such as the month, needs a column of its own",
        "warning   diagnosis: gives the answer away: it is ill under other names (healthy = no, influenza = yes). "
        "It is left out; --keep diagnosis uses it.",
    ):
        assert line in said, told.out
    assert re.search(r"^target    ill: 2 classes: no \(\d\d %\), yes \(\d\d %\)$", told.out, re.M)
    assert re.search(r"^numbers   fever, weight \(\d+ missing, median \d\d\)$", told.out, re.M)
    assert re.search(r"^words     patient \(30 words, by how common each is\), cough \(3\)$", told.out, re.M)
    assert re.search(r"^network   \d+-64-32-2 with relu \([\d,]+ parameters\), SoftmaxCrossEntropy$", told.out, re.M)
    assert re.search(r"^ +\(always answering '(no|yes)' would be right in \d\d\.\d %\)$", told.out, re.M)
    assert "  pellucid predict patients.safetensors new_rows.csv" in told.out
    events = train(*ILL, "--epochs", 1, "--json").done().events
    assert [event["event"] for event in events] == ["start", "columns", "epoch", "importance", "done"]
    assert events[1]["target"] == "ill"
    found = {column["name"]: column for column in events[1]["columns"]}
    assert (found["fever"]["kind"], found["fever"]["used"]) == ("number", True)
    assert (found["diagnosis"]["kind"], found["diagnosis"]["used"]) == ("category", False)


def test_columns_are_kept_and_dropped() -> None:
    patients()
    names = lambda: [column.name for column in pl.load("patients.safetensors").prepare.columns]  # noqa: E731
    train(*ILL, "--epochs", 1).done()
    assert names() == ["patient", "fever", "cough", "weight"]
    told = train(
        *ILL,
        "--epochs",
        1,
        "--keep",
        "diagnosis",
        "--keep",
        "id",
        "--drop",
        "weight",
        "--drop",
        "cough",
        "--drop",
        "patient",
    ).done()
    assert names() == ["id", "fever", "diagnosis"]
    assert "left out  weight: as you said" in told.out
    assert "warning   diagnosis: gives the answer away" in told.out
    assert "Is it known before the answer is?" in told.out


def test_a_guessed_target_is_said_to_be_guessed() -> None:
    patients(head="id,patient,day,fever,cough,weight,label,diagnosis")
    assert (
        "target    label (guessed by its name; --target names another): 2 classes" in train(ILL[0], "--epochs", 1).out
    )


@pytest.mark.parametrize(
    ("header", "guess"),
    [
        ("Survived,class,age", "Survived"),  # a class may be that of a cabin
        ("age,Class,fare", "Class"),
        ("species,island,mass", "species"),
        ("price,target,size", "target"),
        ("x,y,survived", "survived"),
        ("x,y,label", "label"),
        ("x,z,y", "y"),
    ],
)
def test_the_answer_is_guessed_by_its_name(header: str, guess: str) -> None:
    Path("table.csv").write_text(header + "\n" + "1,a,2\n3,b,4\n5,a,6\n" * 4)
    assert pl.datasets.read_table("table.csv").target == guess


def test_where_no_name_tells_the_answer_the_likely_columns_are_named() -> None:
    patients(head="id,patient,day,fever,cough,weight,ill,found")
    told = train(ILL[0]).error(3, "does not say which column is the answer", "--target COLUMN")
    assert "Of few different values are day (12), cough (3), weight (20), ill (2), found (2)." in told.err
    Path("two.csv").write_text("survived,species,age\n1,a,2\n")
    train("two.csv").error(3, "has several columns that may be the answer: survived and species")


def test_values_are_scaled_inside_and_reported_as_they_are() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    prices = 250_000 + 90_000 * x[:, 0] * (x[:, 1] > 0)
    rows = [f"{a:.3f},{'new' if b > 0 else 'old'},{p:.0f}" for (a, b), p in zip(x, prices, strict=True)]
    Path("houses.csv").write_text("size,state,price\n" + "\n".join(rows))
    told = train("houses.csv", "--target", "price").done()
    assert re.search(
        r"^target    price: values from -?[\d,]+ to [\d,]+, 2\d\d,\d\d\d on average; scaled inside", told.out, re.M
    )
    assert re.search(r"MeanSquaredError of \(target - 2\d\d,\d{3}\) / \d\d,\d{3}$", told.out, re.M)
    figures = re.search(r"^test      r2 (0\.\d+), mean absolute error ([\d,]+), loss", told.out, re.M)
    assert figures is not None
    assert float(figures[1]) > 0.9
    assert 0 < float(figures[2].replace(",", "")) < 30_000
    assert re.search(r"\(always saying the mean, 2\d\d,\d\d\d, would be off by \d\d,\d\d\d\)", told.out)
    Path("new.csv").write_text("state,size\nnew,1.0\nold,1.0\n")
    new, old = (event["values"][0] for event in run("predict", "houses.safetensors", "new.csv", "--json").done().events)
    assert new == pytest.approx(340_000, rel=0.1)
    assert old == pytest.approx(250_000, rel=0.1)
    for loss in ("mae", "huber"):
        assert train("houses.csv", "--target", "price", "--loss", loss, "--json").done().last["test_r2"] > 0.8


def test_whole_numbers_are_values_where_the_loss_is_of_values() -> None:
    x = np.random.default_rng(0).normal(size=200)
    rings = (10 + 4 * x).round().astype(int)
    rings[:2] = 40, 41  # seen once each
    Path("rings.csv").write_text("x,rings\n" + "\n".join(f"{a},{t}" for a, t in zip(x, rings, strict=True)))
    refused = train("rings.csv", "--target", "rings").error(
        3, "has one row only", "values and no classes", "--loss mse"
    )
    assert " 1 others" not in refused.err
    for loss in ("mse", "mae", "huber"):
        words = ("--target", "rings", "--loss", loss, "--layers", "8,1")
        told = train("rings.csv", *words, "--epochs", 1).done()
        assert "target    rings: values from" in told.out
        assert re.search(r"^test      r2 ", told.out, re.M)
    told = run("evaluate", "rings.safetensors", "rings.csv", "--json").done()
    assert told.last["samples"] == 200
    Path("pets.csv").write_text("x,kind\n" + "1,cat\n2,dog\n" * 20)
    assert "2 classes" in train("pets.csv", "--target", "kind", "--loss", "mse", "--epochs", 1).done().out


@pytest.mark.parametrize(("times", "said"), [(0, ""), (1, ", and so has 1 other."), (2, ", and so have 2 others.")])
def test_other_classes_of_one_row_are_counted(times: int, said: str) -> None:
    words = ["one", "two", "three"][: times + 1]
    Path("lone.csv").write_text("x,kind\n" + "1,cat\n2,dog\n" * 20 + "\n".join(f"3,{w}" for w in words) + "\n")
    text = re.sub(r"\s+", " ", train("lone.csv", "--target", "kind").error(3, "has one row only").err)
    assert "--loss" not in text
    assert f"){said or '.'} A class" in text


# ---- how the rows are divided ----------------------------------------------------------------------------------------


def test_rows_of_a_group_stay_together() -> None:
    patients()
    told = train(*ILL, "--epochs", 1, "--group", "patient").done()
    assert "left out  patient: it says which rows belong together" in told.out
    counts = re.search(r"(\d+) to train, (\d+) to validate, (\d+) to test", told.out)
    assert counts is not None
    assert [int(count) % 4 for count in counts.groups()] == [0, 0, 0]


def test_the_latest_rows_are_the_test() -> None:
    patients()
    told = train(*ILL, "--epochs", 1, "--time", "day").done()
    assert "left out  day: it says which rows are later" in told.out
    assert "100 to train, 10 to validate, 10 to test" in told.out  # ten rows a day
    patients("late.csv", day="31.3.2024")
    train("late.csv", "--target", "ill", "--time", "day").error(3, "'31.3.2024' in row 1", "year first")
    patients("once.csv", day="2024-03-31")
    train("once.csv", "--target", "ill", "--time", "day").error(2, "of one time")


def test_folds_judge_every_row_once_and_save_nothing(tmp_path: Path) -> None:
    patients()
    before = files(tmp_path)
    told = train(*ILL, "--folds", 4, "--epochs", 20).done()
    assert (
        told.lines[0]
        == "data      patients.csv: 120 rows in 4 folds; each is judged by a network that learned from the others"
    )
    assert len(re.findall(r"^fold \d/4 +30 rows  accuracy \d+\.\d %$", told.out, re.M)) == 4
    assert re.search(r"^all folds accuracy \d\d\.\d % \(\d+ of 120 right\), loss", told.out, re.M)
    assert re.search(r"^folds     accuracy .* on average, from .* to .*; nothing was saved$", told.out, re.M)
    events = train(*ILL, "--folds", 4, "--epochs", 20, "--json").done().events
    assert [event["event"] for event in events] == ["fold"] * 4 + ["done"]
    assert sum(event["samples"] for event in events[:4]) == 120
    assert events[-1]["mean"] == pytest.approx(np.mean(events[-1]["scores"]))
    assert events[-1]["mean"] == pytest.approx(np.mean([event["accuracy"] for event in events[:4]]))
    assert files(tmp_path) == before
    grouped = train(*ILL, "--folds", 3, "--epochs", 1, "--group", "patient", "--json").done().events
    assert all(event["samples"] % 4 == 0 for event in grouped[:3])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*ILL, "--folds", 1), 2, ["--folds"]),
        ((*ILL, "--folds", 500), 2, ["120 samples cannot be dealt out to 500 folds"]),
        ((*ILL, "--folds", 3, "--checkpoint", "runs"), 2, ["--folds saves nothing"]),
        ((*ILL, "--folds", 3, "--time", "day"), 2, ["Leave out --time"]),
        ((*ILL, "--group", "patient", "--time", "day"), 2, ["Give one of them"]),
        ((*ILL, "--group", "clinic"), 3, ["no column 'clinic' for --group", "fever"]),
        ((*ILL, "--keep", "clinic"), 3, ["no column 'clinic' to keep or drop"]),
        (("digits", "--group", "a"), 2, ["--group", "digits"]),
        (("patients.csv", "--target", "day", "--epochs", 1), 0, []),
        (("patients.csv", "--target", "id", "--drop", "fever", "--epochs", 1), 0, []),
        (("one.csv", "--target", "ill"), 3, ["'ill' holds 'yes' in every row"]),
        (("lone.csv", "--target", "ill"), 3, ["class 'perhaps' of column 'ill' has one row only (row 121)"]),
        (("lone.csv", "--target", "ill", "--folds", 3), 3, ["one row only (row 121)"]),
        (("empty.csv", "--target", "ill"), 3, ["no column to learn from", "id: an identifier", "weight"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_is_refused(words: tuple[Any, ...], code: int, said: list[str]) -> None:
    patients()
    patients("one.csv", ill="yes")
    text = Path(patients("lone.csv")).read_text()
    Path("lone.csv").write_text(text + "121,p9,2024-01-01,37,dry,70,perhaps,healthy\n")
    patients("empty.csv", patient="p", day="", fever="37", cough="dry", weight="70", diagnosis="")
    told = train(*words)
    if code:
        told.error(code, *said)
        assert told.out == ""
        assert not list(Path().glob("*.safetensors"))
    else:
        told.done()


# ---- new rows --------------------------------------------------------------------------------------------------------


@pytest.fixture
def trained() -> str:
    patients()
    train(*ILL, "--epochs", 60, "--output", "model", "--group", "patient").done()
    return "model"


def test_new_rows_are_found_by_name_in_any_order(trained: str) -> None:
    Path("new.csv").write_text("cough,doctor,weight,fever\ndry,Who,70,39.9\ndry,Who,,36.1\n")
    told = run("predict", trained, "new.csv").done()
    assert told.err == ""
    assert [line.split()[3] for line in told.lines] == ["yes", "no"]
    Path("turned.csv").write_text("fever,weight,cough\n39.9,70,dry\n36.1,?,dry\n")
    answers = [
        [event["probability"] for event in run("predict", trained, name, "--json").events]
        for name in ("new.csv", "turned.csv")
    ]
    assert answers[0] == answers[1]
    model = pl.load(trained)
    y = model.predict([{"fever": 39.9, "cough": "dry", "weight": 70}, {"fever": 36.1, "cough": "dry", "weight": None}])
    np.testing.assert_allclose(y.max(axis=1), answers[0], rtol=1e-6)


def test_what_training_never_saw_is_said_and_answered(trained: str) -> None:
    Path("new.csv").write_text("fever,weight,cough\n,70,dry\n38,70,barking\n38,70,howling\n")
    told = run("predict", trained, "new.csv").done()
    notes = re.sub(r"\s+", " ", told.err)
    assert "new.csv: fever is missing in 1 row, which it never was in training; 38 stands in for it." in re.sub(
        r"; 3\d[.\d]* s", "; 38 s", notes
    )
    assert (
        "cough is 'barking' (and 1 other new word) in 2 rows, which training never saw; it counts as none of" in notes
    )
    assert len(told.lines) == 3
    told = run("evaluate", trained, "patients.csv").done()
    assert told.err == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fever,cough\n38,dry\n", ["lacks columns that the network was trained on: weight"]),
        ("fever,weight,cough\n38,heavy,dry\n", ["row 1 (line 2 of the file), column 2 ('weight')", "'heavy'"]),
        ('fever,weight,cough\n"38,5",70,dry\n', ["row 1", "'38,5'", "38.5"]),
        ("fever,weight,cough\n38,70\n", ["row 1 (line 2", "2 cells"]),
        ("38,dry,70\n", ["no header", "fever, cough, weight"]),
        ("fever,fever,weight,cough\n1,2,3,4\n", ["2 columns 'fever'"]),
    ],
)
def test_new_rows_that_cannot_be_are_refused(trained: str, text: str, said: list[str]) -> None:
    Path("new.csv").write_text(text)
    run("predict", trained, "new.csv").error(3, "new.csv", *said)


def test_measuring_needs_the_same_columns_and_answers(trained: str) -> None:
    whole = run("evaluate", trained, "patients.csv", "--json").done().last
    assert (whole["samples"], whole["accuracy"] > 0.9) == (120, True)
    patients("renamed.csv", head="id,patient,day,fever,cough,weight,sick,diagnosis")
    run("evaluate", trained, "renamed.csv").error(3, "no column 'ill', the answer that the network learned", "--target")
    again = run("evaluate", trained, "renamed.csv", "--target", "sick", "--json").done().last
    assert again["accuracy"] == whole["accuracy"]
    patients("few.csv", rows=3)
    assert run("evaluate", trained, "few.csv", "--json").done().last["samples"] == 3


def test_resumed_training_of_a_table_gives_the_same_file() -> None:
    patients()
    train(*ILL, "--epochs", 4, "--output", "whole").done()
    train(*ILL, "--epochs", 2, "--output", "half", "--checkpoint", "runs").done()
    train(*ILL, "--epochs", 4, "--output", "half", "--checkpoint", "runs", "--resume").done()
    assert Path("whole").read_bytes() == Path("half").read_bytes()


def test_a_word_too_rare_in_training_is_not_said_to_be_unseen() -> None:
    x = np.array([("G",), ("T",), ("A",)], [("deck", "U1")])
    said = list(strange(x, pl.Table((pl.Category("deck", ("A", "B"), others=True),))))
    rare = "too rare in training for a column of its own, or new; it counts as one of the rare words."
    assert said == [f"deck is 'G' (and 1 more) in 2 rows, {rare}"]


def test_what_is_strange_about_rows_without_names_is_not_known() -> None:
    assert list(strange(np.zeros((2, 1)), pl.Table((pl.Number("a"),)))) == []


# ---- the published tables --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target", "figure", "least"),
    [
        ("titanic.csv", "survived", "mean", 0.80),
        ("iris.csv", None, "mean", 0.96),
        ("penguins.csv", "species", "mean", 0.97),
    ],
)
def test_the_figures_of_the_page_are_reached(name: str, target: str | None, figure: str, least: float) -> None:
    words = () if target is None else ("--target", target)
    done = train(published("tables", name), *words, "--folds", 5, "--json").done().last
    assert done[figure] >= least


def test_california_is_learned_in_its_own_unit() -> None:
    path = published("tables", "california_housing.csv")
    done = train(path, "--target", "median_house_value", "--json").done().last
    assert done["test_r2"] >= 0.80


def test_the_lines_of_the_page_are_those_that_are_printed() -> None:
    """Every block that begins with a command: what it prints up to the network, which no machine changes."""
    page = (ROOT / "docs" / "tables.md").read_text("utf-8")
    blocks = re.findall(r"^```text\n\$ pellucid (train [^\n]*)\n(.*?)^```", page, re.M | re.S)
    assert len(blocks) >= 3
    for command, printed in blocks:
        words = command.split()[1:]
        shutil.copy(published("tables", words[0]), words[0])
        told = train(*words, "--epochs", 1).done()
        expected = [
            line
            for line in printed.splitlines()
            if re.match(r"(data|target|numbers|yes/no|words|missing|left out|warning) ", line)
        ]
        assert len(expected) >= 4
        for line in expected:
            assert line in told.lines, command
