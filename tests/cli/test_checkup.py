"""The doctor of data on the command line: before a training, and asked by itself."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from tests.cli.tools import run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def leaky(path: str = "leaky.npz") -> str:
    """Digits of which 60 test pictures are training pictures moved by a pixel."""
    train, test = pl.datasets.digits()
    x = test.x[:200].copy()
    x[:60] = np.roll(train.x[:60], 1, axis=2)
    np.savez(path, x_train=train.x[:800], y_train=train.t[:800], x_test=x, y_test=test.t[:200])
    return path


def clinic(path: str = "clinic.csv", rows: int = 120) -> str:
    """A table with a column twice, one of a single word, one that tells the answer, and one with gaps."""
    rng = np.random.default_rng(0)
    lines = ["fever,again,ward,pulse,ill,found"]
    for i in range(rows):
        fever = 36 + 4 * rng.random()
        ill = fever + 2 * rng.random() > 39
        pulse = "" if i % 9 == 0 else f"{60 + 40 * rng.random():.1f}"
        lines.append(f"{fever:.3f},{1.8 * round(fever, 3) + 32:.4f},A,{pulse},{'ny'[ill]},{('well', 'flu')[ill]}")
    Path(path).write_text("\n".join(lines) + "\n")
    return path


def test_a_training_says_what_is_wrong_and_goes_on() -> None:
    told = run("train", leaky(), "--epochs", 1).done()
    at = next(i for i, line in enumerate(told.lines) if line.startswith("warning "))
    # some of the 60 are validation samples now
    assert re.fullmatch(
        r"warning   near-duplicates across the split: 5\d of 200 test samples \(2\d %\) are nearly equal to one of the "
        r"training part\.",
        told.lines[at],
    )
    assert re.fullmatch(r"          5\d are equal after a move by a pixel", told.lines[at + 1])
    assert told.lines[at + 2].startswith("          test sample 0 is training sample 0, 1 is training sample 1")
    assert told.lines[at + 4].startswith("          what helps: Remove copies, or divide before copying")
    assert told.lines[at - 1].startswith("training ")
    assert told.lines[at + 6].split() == ["epoch", "loss", "accuracy", "val", "loss", "val", "accuracy", "seconds"]
    assert Path("leaky.safetensors").exists()
    assert "duplicates" not in run("train", "leaky.npz", "--epochs", 1, "--no-check").done().out


def test_a_program_hears_it_as_events() -> None:
    told = run("train", leaky(), "--epochs", 1, "--json").done()
    assert told.kinds == ["start", "finding", "epoch", "done"]
    finding = told.events[1]
    assert finding["name"] == "near-duplicates across the split"
    assert finding["evidence"][0].endswith("are equal after a move by a pixel")
    assert "of 200 test samples" in finding["says"]
    assert finding["cure"]
    assert finding["code"].startswith("pl.split(")


def test_of_a_table_nothing_is_said_twice() -> None:
    told = run("train", clinic(), "--target", "ill", "--epochs", 1).done()
    assert told.out.count("found: gives the answer away") == 1
    assert told.out.count("left out  ward: the same in every row") == 1
    assert [line for line in told.lines if line.startswith("warning ")] == [
        "warning   found: gives the answer away: it is ill under other names (flu = y, well = n). It is left out; "
        "--keep found uses it.",
        "warning   duplicate columns: 1 column says what another says: again is fever in another unit.",
    ]
    assert "          what helps: Leave it out (--drop again)" in told.lines
    again = run("train", "clinic.csv", "--target", "ill", "--epochs", 1, "--drop", "again").done()
    assert "duplicate" not in again.out
    folds = run("train", "clinic.csv", "--target", "ill", "--epochs", 1, "--folds", 3).done()
    assert folds.out.count("again is fever in another unit") == 1


def test_a_number_that_stands_for_a_missing_cell_is_said_before_a_training() -> None:
    text = Path(clinic()).read_text().replace(",,", ",-999,")
    Path("clinic.csv").write_text(text)
    told = run("train", "clinic.csv", "--target", "ill", "--epochs", 1).done()
    said = [line for line in told.lines if line.startswith("warning   numbers for missing values: ")]
    assert len(said) == 1
    assert re.search(r"Numbers stand for missing cells: pulse is -999 in 1\d rows\.$", said[0])


def test_what_is_healthy_is_trained_without_a_word() -> None:
    for name in ("iris", "spiral", "penguins"):
        told = run("train", name, "--epochs", 1, "--json").done()
        assert "finding" not in told.kinds


def test_a_resumed_training_does_not_say_it_again() -> None:
    words = ("train", leaky(), "--checkpoint", "here")
    run(*words, "--epochs", 1).done()
    assert "duplicates" not in run(*words, "--epochs", 2, "--resume").done().out


def test_data_are_checked_without_a_training() -> None:
    told = run("data", "check", clinic(), "--target", "ill")
    assert told.code == 1
    assert told.lines[0].startswith("data      clinic.csv: 97 training, 11 validation, 12 test; looked at in ")
    said = [line.split(":")[0] for line in told.lines if line.startswith("warning ")]
    assert said == [
        f"warning   {name}" for name in ("missing values", "target leak", "constant columns", "duplicate columns")
    ]
    assert told.lines[-1].startswith("found     4 findings; looked for: missing values, numbers for missing values, ")
    assert not list(Path().glob("*.safetensors"))


def test_healthy_data_have_the_exit_code_0() -> None:
    told = run("data", "check", "iris").done()
    assert told.lines[-1].startswith("found     nothing; looked for: missing values, ")
    told = run("data", "check", "iris", "--json").done()
    assert told.kinds == ["checked"]
    assert told.last["found"] == []
    assert told.last["samples"] == {"training": 121, "validation": 14, "test": 15}
    assert "near-duplicates across the split" in told.last["looked"]


def test_data_that_cannot_be_read_are_an_error() -> None:
    run("data", "check", "nowhere.csv").error(3, "There is no data set 'nowhere.csv'")
    run("data", "check", clinic()).error(3, "does not say which column is the answer")
    run("data", "check", "clinic.csv", "--target", "ill", "--group", "ward").error(2, "All samples are of one group")
