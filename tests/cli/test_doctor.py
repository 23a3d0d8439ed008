"""`pellucid doctor`: what it says about a training that was described, and about a network that was saved."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import pellucid as pl
from pellucid.cli import doctor as verb
from pellucid.cli.plan import Options
from tests.cli.tools import files, run, screen

SMALL = ("moons", "--layers", "16,2", "--epochs", 30)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_healthy_training_gets_no_finding(tmp_path: Path) -> None:
    told = run("doctor", *SMALL).done()
    assert told.err == ""
    assert told.lines[0].startswith("data      moons: ")
    assert told.lines[-1] == "Nothing was found."
    assert "  learning rate  " in told.out
    assert files(tmp_path) == {}


def test_a_sick_training_gets_a_finding_with_options_as_its_cure_and_ends_with_1() -> None:
    told = run("doctor", *SMALL, "--lr", 30)
    assert told.code == 1
    assert "\n! learning rate" in told.out
    assert "\n1. learning rate too high: With a rate of 30 " in told.out
    assert "\n      --lr 0." in told.out
    assert told.lines[-1] == "1 finding. --prove tries each cure."
    cure = next(line.strip() for line in told.lines if line.strip().startswith("--lr"))
    run("doctor", *SMALL, *cure.split()).done()  # the cure, typed as it stands


def test_the_cure_is_tried_and_drawn() -> None:
    told = run("doctor", *SMALL, "--lr", 30, "--prove")
    assert told.code == 1
    proof = told.lines.index(next(line for line in told.lines if line.startswith("  proof: ")))
    assert "validation loss" in told.lines[proof]
    assert told.lines[proof + 2].split()[0] == "without"
    assert told.lines[proof + 3].split()[0] == "with"
    assert told.lines[-1] == "1 finding."


def test_in_json_there_is_an_event_a_line() -> None:
    told = run("doctor", *SMALL, "--lr", 1e-8, "--prove", "--json")
    assert told.code == 1
    assert told.kinds[0] == "start"
    assert told.kinds[-1] == "done"
    finding = next(event for event in told.events if event["event"] == "finding")
    assert finding["name"] == "learning rate too low"
    assert finding["proof"]["helped"] is True
    assert told.last == {"event": "done", "ok": False, "findings": ["learning rate too low"]}
    looked = [event for event in told.events if event["event"] == "looked"]
    assert [event["what"] for event in looked if event["found"]] == ["learning rate"]


def test_a_saved_network_is_examined_on_its_data() -> None:
    run("train", *SMALL).done()
    told = run("doctor", "moons.safetensors", "moons", "--epochs", 10).done()
    assert "network   2-16-2 with relu (82 parameters)" in told.out
    model = pl.load("moons.safetensors")
    model.layers[0].b[:] = -50.0
    model.save("dead.safetensors")
    told = run("doctor", "dead.safetensors", "moons", "--epochs", 10)
    assert told.code == 1
    assert "1. dead units: 100 % of the units of 1.relu" in told.out


def test_a_table_with_words_is_examined_by_a_description_and_by_a_model() -> None:
    told = run("doctor", "penguins", "--epochs", 20, "--lr", 50)
    assert told.code == 1
    assert "target    species" in told.out
    run("train", "penguins", "--epochs", 10).done()
    told = run("doctor", "penguins.safetensors", "penguins", "--epochs", 10).done()
    assert "network   8-" in told.out or "network   " in told.out
    assert told.lines[-1] == "Nothing was found."


def test_what_does_not_fit_into_the_time_is_said() -> None:
    told = run("doctor", "digits", "--seconds", 0.1)
    assert "not looked at: the time was over" in told.out


def test_what_cannot_be_meant_is_refused() -> None:
    run("train", *SMALL).done()
    run("doctor", "moons", "moons", "moons").error(2, "Give DATA, or MODEL and DATA")
    run("doctor", "moons.safetensors").error(2, "name the data too", "pellucid doctor moons.safetensors DATA")
    run("doctor", "moons.safetensors", "moons", "--layers", "8,2").error(2, "--layers describes a network")
    run("doctor", "moons", "--validation", 0).error(2, "--validation cannot be 0")
    run("doctor", "moons", "--seconds", 0).error(2, "--seconds")
    run("doctor", "nothing.csv").error(3, "nothing.csv")
    run("doctor", "nothing.safetensors", "moons").error(3, "nothing.safetensors")
    run("train", "sine", "--epochs", 1).done()
    run("doctor", "sine.safetensors", "moons").error(3, "The model learned values")


def test_every_option_that_describes_a_training_is_there() -> None:
    fields = {field.name for field in dataclasses.fields(Options)} - {"data"}
    assert set(verb.OPTIONS) == fields
    assert {option.name for option in verb.SHARED} == fields
    assert fields >= verb.NETWORK


def test_training_says_what_was_noticed() -> None:
    told = run("train", "moons", "--layers", "16,2", "--lr", 1e-8, "--epochs", 30).done()
    assert "note      After" in told.out
    told = run("train", "moons", "--layers", "16,2", "--lr", 1e-8, "--epochs", 30, "--json").done()
    found = [event for event in told.events if event["event"] == "finding"]
    assert [event["name"] for event in found] == ["loss not falling"]


@pytest.mark.parametrize("columns", [60, 100])
def test_at_a_terminal_what_does_not_fit_goes_on_after_a_margin(columns: int) -> None:
    lines = screen(run("doctor", *SMALL, "--lr", 30, "--prove", columns=columns, terminal=True).out)
    assert max(map(len, lines)) <= columns
    assert any(line.startswith("! learning rate") for line in lines)
    begin = next(i for i, line in enumerate(lines) if line.startswith("1. learning rate too high"))
    assert lines[begin + 1].startswith("   ")
