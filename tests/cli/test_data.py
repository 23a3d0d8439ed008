"""`pellucid data`: what is listed, shown, fetched and found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli import portrait
from pellucid.cli.data import Bars
from pellucid.datasets import places, transfer
from pellucid.datasets.catalog import CATALOG, ENTRIES
from tests.cli.tools import run, screen
from tests.datasets.files import published
from tests.datasets.server import Mirror, mirror, status, whole
from tests.datasets.test_fetch import publish

pytest.importorskip("filelock", reason="needs the data extra: pip install 'pellucid[data]'")
pytest.importorskip("platformdirs", reason="needs the data extra: pip install 'pellucid[data]'")
TITANIC = b"survived,sex,age,deck\n0,male,22,\n1,female,,C\n1,female,26,C\n0,male,35,\n"
ALWAYS = [entry.name for entry in ENTRIES if not entry.files]


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without data, whose downloads go to a folder of the test."""
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(places, "SYSTEM", ())
    monkeypatch.setattr(places, "_scikit", lambda: None)
    monkeypatch.setattr(transfer, "PAUSE", 0.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror that has titanic."""
    with mirror() as there:
        publish(monkeypatch, "titanic", [there.address + "/"], titanic__csv=TITANIC)
        there.put("titanic.csv", whole(TITANIC))
        yield there


def test_list_has_a_line_for_every_set() -> None:
    told = run("data", "list").done()
    assert [line.split()[0] for line in told.lines] == ["name", *CATALOG]
    here = {line.split()[0]: line for line in told.lines}
    assert "built in" in here["iris"]
    assert "drawn" in here["moons"]
    assert "  no  " in here["mnist"]
    assert "CC BY-SA 3.0" in here["mnist"]
    assert run("data").done().out == told.out


def test_list_fits_a_terminal() -> None:
    lines = screen(run("data", "list", terminal=True, columns=80).done().out)
    assert max(map(len, lines)) <= 80
    assert sum(bool(line) for line in lines) == len(CATALOG) + 1


def test_list_for_programs() -> None:
    sets = {event["data"]: event for event in run("data", "list", "--json").done().events}
    assert list(sets) == list(CATALOG)
    assert sets["mnist"]["here"] is False
    assert sets["mnist"]["size"] == 11594722
    assert sets["iris"]["here"] is True


@pytest.mark.parametrize("name", ALWAYS)
def test_show_of_every_set_that_is_always_here(name) -> None:
    out = run("data", "show", name).done().out
    entry = CATALOG[name]
    for words in (entry.what, entry.licence, entry.source, "How many there are of each", "Some of them"):
        assert words in out


def test_show_counts_classes_and_names_what_is_missing() -> None:
    told = run("data", "show", "penguins")
    assert "missing   bill_length_mm in 2; bill_depth_mm in 2; flipper_length_mm in 2; body_mass_g in 2; sex in 11" in (
        told.done().lines
    )
    assert "answer    species: one of 3 classes" in told.lines
    bars = {line.split()[0]: line.count("█") for line in told.lines if "█" in line}
    assert bars == {"Adelie": 30, "Chinstrap": 13, "Gentoo": 24}
    (event,) = run("data", "show", "penguins", "--json").done().events
    assert event["missing"] == {
        "bill_length_mm": 2,
        "bill_depth_mm": 2,
        "flipper_length_mm": 2,
        "body_mass_g": 2,
        "sex": 11,
    }
    assert event["classes"] == {"train": {"Adelie": 152, "Chinstrap": 68, "Gentoo": 124}}
    assert (event["licence"], event["samples"]) == ("CC0", {"train": 344})


def test_show_draws_pictures_rows_and_points() -> None:
    digits = run("data", "show", "digits", "--samples", 2).done().out
    assert digits.count("█") > 200
    assert "  0                              1" in digits
    rows = run("data", "show", "iris", "--samples", 4).done().lines[-4:]
    assert [row.split()[0] for row in rows] == ["setosa", "versicolor", "virginica", "setosa"]
    assert rows[0].split()[1:] == ["5.1", "3.5", "1.4", "0.2"]
    assert "o is 0, + is 1" in run("data", "show", "moons").done().lines[-1]
    none = run("data", "show", "iris", "--samples", 0).done().out
    assert "Some of them" not in none
    narrow = run("data", "show", "wine", columns=60, terminal=True).done().out
    assert max(map(len, screen(narrow))) <= 60
    assert "..." in narrow


def test_show_of_values() -> None:
    lines = run("data", "show", "sine").done().lines
    assert "answer    a value, from -1 to 1, 0 on average" in lines
    assert sum("█" in line for line in lines) == portrait.BINS
    assert run("data", "show", "sine", "--json").done().last["values"]["most"] == 1.0


def test_show_of_a_file(tmp_path) -> None:
    (tmp_path / "pets.csv").write_text("weight,kind\n4.5,cat\n30,dog\n")
    told = run("data", "show", tmp_path / "pets.csv", "--target", "kind").done()
    assert "answer    kind: one of 2 classes" in told.lines
    assert "licence" not in told.out
    run("data", "show", tmp_path / "nothing.csv").error(3, "nothing.csv")


def test_show_of_published_sets(monkeypatch) -> None:
    monkeypatch.setenv("PELLUCID_DATA", str(published()))
    mnist = run("data", "show", "mnist").done().out
    assert "as published" in mnist
    assert "60,000 to learn from, 10,000 to be judged on" in mnist
    (event,) = run("data", "show", "california_housing", "--json").done().events
    assert event["missing"] == {"total_bedrooms": 207}
    assert event["values"]["most"] == 500001
    assert run("data", "show", "cifar10", "--json").done().last["shape"] == [32, 32, 3]


def test_a_set_that_is_not_here_says_so_and_how_to_get_it(server) -> None:
    for words in (("data", "show", "titanic"), ("data", "path", "titanic"), ("train", "titanic")):
        run(*words).error(3, "titanic is not on this machine", "pellucid data fetch titanic", "none stated")
    told = run("data", "show", "titanic")
    assert "here      not on this machine" in told.lines
    assert server.asked == []


def test_fetch_then_everything_else_works(server, tmp_path) -> None:
    folder = tmp_path / "data" / "tables"
    told = run("data", "fetch", "titanic", "iris").done()
    assert told.lines == [
        f"{'':10}titanic.csv (0.1 kB)",
        f"fetched   titanic: {folder}",
        "here      iris: in the package",
    ]
    assert run("data", "fetch", "titanic").done().lines == [f"here      titanic: {folder}"]
    assert run("data", "path", "titanic").done().out == f"{folder}\n"
    assert "missing   age in 1; deck in 2" in run("data", "show", "titanic").done().lines
    assert len(server.asked) == 1
    (folder / "titanic.csv").write_text("survived,age\n0,1\n1,2\n")
    assert f"here      {folder}; titanic.csv: not as published" in run("data", "show", "titanic").done().lines
    run("data", "fetch", "titanic").done()
    assert (folder / "titanic.csv").read_bytes() == TITANIC


def test_fetch_for_programs_and_at_a_terminal(server) -> None:
    told = run("data", "fetch", "titanic", "--json").done()
    assert told.kinds == ["fetching", "fetched"]
    assert told.events[0] == {"event": "fetching", "what": "titanic.csv", "total": len(TITANIC)}
    assert told.last["new"] is True
    Path(told.last["folder"], "titanic.csv").unlink()
    assert "fetched" in "\n".join(screen(run("data", "fetch", "titanic", terminal=True).done().out))


def test_a_stop_from_the_keyboard_keeps_what_came(server, monkeypatch) -> None:
    def stop(*said: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Bars, "__call__", stop)
        told = run("data", "fetch", "titanic")
    assert told.code == 130
    assert "goes on from there" in told.err
    run("data", "fetch", "titanic").done()
    assert len(server.asked) == 1  # the whole of this small file had come


def test_what_cannot_be_fetched(server) -> None:
    run("data", "fetch", "iris", "titanik").error(3, "no data set 'titanik'", "titanic")
    server.put("titanic.csv", status(404))
    told = run("data", "fetch", "titanic", "--json").error(3, "answered 404")
    assert told.last["event"] == "error"


def test_path_of_what_is_built_in() -> None:
    assert (Path(run("data", "path", "penguins").done().out.strip()) / "penguins.csv").is_file()
    run("data", "path", "moons").error(3, "moons has no folder")
    run("data", "path", "nothing").error(3, "no data set 'nothing'")
    run("data", "lst").error(2, "lst")


def test_train_takes_a_name(tmp_path) -> None:
    model = tmp_path / "iris.safetensors"
    told = run("train", "iris", "--epochs", 30, "--output", model, "--json").done()
    assert told.last["test_accuracy"] >= 0.9
    assert run("evaluate", model, "iris", "--json").done().last["samples"] == 150
    named = run("train", "iris", "--target", "species", "--epochs", 30, "--output", model, "--json").done()
    assert named.last["test_accuracy"] == told.last["test_accuracy"]
    run("train", "iris", "--target", "petal").error(2, "target of iris is known: species", "pellucid data path iris")
    run("train", "digits", "--target", "label").error(2, "for tables only", "digits is none")


def data(x: np.ndarray, t: list[float], classes: tuple[str, ...] = ()) -> pl.Data:
    return pl.Data(x, np.array(t), classes)


def test_odd_data_are_drawn_too() -> None:
    many = data(np.zeros((60, 1)), list(range(50)) + [0] * 10, tuple(f"class {i}" for i in range(50)))
    lines = portrait.balance(many, None, unicode=False)
    assert len(lines) == portrait.MOST_BARS
    assert lines[0].split()[-1] == "#" * portrait.BAR
    flat = data(np.full((4, 3, 3, 5), 7.0), [1.0, 1.0, 1.0, 1.0])
    assert portrait.describe(flat, None)[1] == "one is    a picture of 3x3 with 5 channels, from 7.0 to 7.0"
    assert portrait.samples(flat, 2, True, 80)
    assert len(portrait.balance(flat, None, True)) == portrait.BINS
    assert portrait.samples(data(np.zeros((2, 1, 1, 1, 1)), [0.0, 1.0]), 2, True, 80) == []
    gaps = pl.Data(np.array([[1.0, np.nan]]), np.array([0.5]), columns=("a", "b"))
    assert portrait.missing(gaps) == {"b": 1}
    assert portrait.table(gaps, np.array([0]), 80)[1].split() == ["0.5", "1", "-"]


def test_show_takes_a_table_of_words_by_its_path(tmp_path: Path) -> None:
    table = tmp_path / "pets.csv"
    table.write_text("animal,weight,kept\ncat,4,yes\ndog,20,yes\nfox,,no\n")
    told = run("data", "show", table, "--target", "kept").done()
    assert "1 number and 1 word: animal, weight" in told.out
    assert "weight in 1" in told.out
