"""A training that is watched says what goes wrong, once each, and is otherwise the same training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pellucid as pl
from tests.sick.corpus import SICK, classes, usual
from tests.sick.data import clouds
from tests.sick.healthy import HEALTHY


def noticed(made: Any, **more: Any) -> list[str]:
    model, data, told = made
    events = pl.watch(pl.train(model, data, **{**told, **more}))
    return [event.finding.name for event in events if isinstance(event, pl.Noticed)]


def sick(says: str) -> Any:
    return next(one for one in SICK if one.says == says).make()


def test_watching_changes_nothing_and_adds_only_what_was_noticed() -> None:
    plain, watched = classes(*usual(), epochs=5), classes(*usual(), epochs=5)
    before = list(pl.train(plain[0], plain[1], **plain[2]))
    after = list(pl.watch(pl.train(watched[0], watched[1], **watched[2])))
    assert (plain[0].theta == watched[0].theta).all()
    assert plain[0].history == watched[0].history
    assert [type(event) for event in before] == [type(event) for event in after]


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("SGD at a rate of 30", "loss out of bounds"),
        ("Adam at a rate of 5", "loss out of bounds"),
        ("Adam at a rate of 1e-6", "loss not falling"),
        ("biases of -20 before ReLU", "dead units"),
        ("a straight line for xor", "plateau"),
        ("a schedule that counts epochs", "plateau"),
        ("one output into SoftmaxCrossEntropy", "loss not falling"),
    ],
)
def test_what_goes_wrong_is_said_once(says: str, name: str) -> None:
    names = noticed(sick(says))
    assert name in names
    assert len(set(names)) == len(names)


def test_overfitting_is_noticed_where_it_begins() -> None:
    model, data, told = sick("forty samples, a thousand parameters")
    for event in pl.watch(pl.train(model, data, **told)):
        if isinstance(event, pl.Noticed) and event.finding.name == "overfitting begins":
            break
    rows = model.history
    held = [row["val_loss"] for row in rows]
    best = int(np.argmin(held))
    assert 5 <= len(rows) - 1 - best <= 10
    assert f"lowest after epoch {best + 1}" in event.text
    assert event.finding.curves["validation loss"] == tuple(held)


def test_a_rate_that_makes_the_loss_jump_is_noticed() -> None:
    assert noticed(classes(*usual(), epochs=80, optimizer=pl.SGD(3.0), batch_size=8))[:1] == ["learning rate too high"]


def test_a_loss_that_climbs_within_bounds_is_noticed() -> None:
    steps = [pl.StepDone(i, 1, 1.0 + 0.01 * i + (i % 2), 0.5) for i in range(1, 400)]
    found = [event for event in pl.watch(steps) if isinstance(event, pl.Noticed)]
    assert [event.finding.name for event in found] == ["learning rate too high"]
    assert "0.05" in found[0].text


@pytest.mark.parametrize("one", [h for h in HEALTHY if h.says != "a trained network"][:16], ids=lambda one: one.says)
def test_nothing_is_said_about_a_healthy_training(one: Any) -> None:
    model, data, told = one.make()
    learn, held = pl.split(data, 0.2)
    assert noticed((model, learn, told), validation=held) == []


def test_it_can_stand_around_others_and_around_any_events() -> None:
    model, data, told = sick("Adam at a rate of 1e-6")
    training = pl.train(model, data, validation=clouds()[:60], **told)
    events = list(pl.watch(pl.early_stop(training, 100), training))
    assert any(isinstance(event, pl.Noticed) for event in events)
    steps = [pl.StepDone(i, 1, 1.0 if i < 5 else 1e6, 0.1) for i in range(1, 20)]
    found = [event for event in pl.watch(steps) if isinstance(event, pl.Noticed)]
    assert [event.finding.name for event in found] == ["loss out of bounds"]
    assert "step 5" in found[0].text


def test_fit_prints_what_was_noticed_like_any_note(capsys: pytest.CaptureFixture[str]) -> None:
    from pellucid.fit import _say

    _say(pl.Noticed("The loss is out of bounds.", pl.Finding("loss out of bounds", "")), 1, 1)
    assert capsys.readouterr().out == "note: The loss is out of bounds.\n"


def test_a_resumed_training_remembers_its_epochs(tmp_path: Any) -> None:
    model, data, told = classes(*usual(), epochs=4)
    training = pl.train(model, data, **told)
    list(training)
    pl.save_checkpoint(training, tmp_path / "c.safetensors")
    model, data, told = classes(*usual(), epochs=6)
    again = pl.resume(pl.train(model, data, **told), tmp_path / "c.safetensors")
    from pellucid.inspection.watch import Watcher

    assert [row["epoch"] for row in Watcher(again).rows] == [1, 2, 3, 4]
