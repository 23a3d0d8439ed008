"""What training says: records that print and compare, and a history that is rows and columns."""

from __future__ import annotations

import pytest

import pellucid as pl


def test_an_epochs_row_has_everything_but_the_clock():
    event = pl.EpochDone(2, 64, 0.5, {"accuracy": 0.9}, 0.6, {"accuracy": 0.8}, 0.01, seconds=1.23)
    assert list(event.row().items()) == [
        ("epoch", 2), ("loss", 0.5), ("accuracy", 0.9), ("val_loss", 0.6), ("val_accuracy", 0.8), ("lr", 0.01),
    ]  # fmt: skip
    assert list(pl.EpochDone(1, 32, 0.5).row()) == ["epoch", "loss", "lr"]


def test_events_are_plain_records():
    assert pl.StepDone(1, 1, 0.5, 0.1) == pl.StepDone(1, 1, 0.5, 0.1) != pl.StepDone(2, 1, 0.5, 0.1)
    assert repr(pl.Noted("scale your inputs")) == "Noted(text='scale your inputs')"
    assert all(
        isinstance(event, pl.Event)
        for event in (pl.StepDone(1, 1, 0.5, 0.1), pl.EpochDone(1, 1, 0.5), pl.Noted("a"), pl.Stopped("b"))
    )


def test_a_history_is_a_list_of_rows_and_a_table_of_columns():
    history = pl.History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "val_loss": 0.6}])
    assert history["loss"] == [0.5, 0.4]
    assert history["val_loss"] == [None, 0.6]
    assert history[-1]["epoch"] == 2
    assert history[:1] == [{"epoch": 1, "loss": 0.5}]
    assert len(history) == 2
    assert history == [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "val_loss": 0.6}]


def test_an_unknown_column_is_named_with_the_known_ones():
    with pytest.raises(KeyError, match="'accuracy' is not in this history; it has epoch, loss"):
        _ = pl.History([{"epoch": 1, "loss": 0.5}])["accuracy"]
    assert pl.History()["loss"] == []
