"""The doctor names what is wrong with sick set-ups first, says nothing about healthy ones, and changes nothing."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection.ladder import proving
from pellucid.inspection.ladder.case import Case, Clock, OutOfTime
from pellucid.inspection.ladder.change import drops, rebuilt, unrestrained
from pellucid.inspection.ladder.climb import LADDER
from pellucid.inspection.ladder.course import course
from pellucid.inspection.ladder.rates import Tried, advised, examine
from pellucid.inspection.proof import Proof, sparkline
from tests.sick.case import SetUp
from tests.sick.corpus import SICK, classes, usual
from tests.sick.data import clouds
from tests.sick.healthy import HEALTHY
from tests.sick.layers import Stairs

PAGE = Path(__file__).resolve().parents[1] / "docs" / "doctor.md"


@cache
def examined(says: str) -> pl.Diagnosis:
    return next(one for one in (*SICK, *HEALTHY) if one.says == says).examine(prove=True)


@pytest.mark.parametrize("one", SICK, ids=lambda one: one.says)
def test_what_is_wrong_is_named_first(one: SetUp) -> None:
    diagnosis = examined(one.says)
    assert not diagnosis.ok
    assert diagnosis.names[0] == one.expected, str(diagnosis)
    finding = diagnosis.findings[0]
    assert finding.says.endswith(".")
    assert finding.evidence
    assert finding.cure
    assert finding.code
    assert finding.name in str(diagnosis)


@pytest.mark.parametrize("one", HEALTHY, ids=lambda one: one.says)
def test_nothing_is_said_about_a_healthy_training(one: SetUp) -> None:
    diagnosis = examined(one.says)
    assert diagnosis.ok, str(diagnosis)
    assert diagnosis.left_out == ()
    assert [looked.what for looked in diagnosis.looked] == list(LADDER)


def test_the_corpus_is_large_and_varied() -> None:
    names = {one.expected for one in SICK}
    assert len(SICK) >= 30
    assert len(HEALTHY) >= 30
    assert len(names) >= 25
    assert len({one.says for one in (*SICK, *HEALTHY)}) == len(SICK) + len(HEALTHY)


def test_the_table_in_the_docs_is_what_is_found() -> None:
    rows = dict(re.findall(r"^\| ([^|]+?) \| `([^`]*)` \|", PAGE.read_text("utf-8"), re.M))
    assert rows == {one.says: examined(one.says).names[0] for one in SICK}, "run python scripts/make_sick.py"
    healthy = re.findall(r"^- (.*)$", PAGE.read_text("utf-8").partition("<!-- begin healthy -->")[2], re.M)
    assert healthy == [one.says for one in HEALTHY], "run python scripts/make_sick.py"


# ---- promises ----------------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_diagnosis() -> None:
    one = SICK[30]
    first, second = examined(one.says), one.examine(prove=True)
    assert first.as_dict() == second.as_dict()
    assert str(first) == str(second)


def test_nothing_about_the_model_the_optimizer_or_the_data_changes() -> None:
    model, data, told = classes(pl.Dense(8), pl.BatchNorm(), pl.ReLU(), pl.Dropout(0.1), pl.Dense(3), epochs=5)
    x, t = data.x.copy(), data.t.copy()
    theta, buffers, grad = model.theta.copy(), model.buffers.copy(), model.grad.copy()
    optimizer = told["optimizer"]
    settings = repr(optimizer), optimizer.t, dict(vars(optimizer))
    pl.doctor(model, data, **told, prove=True, seconds=None)
    assert (model.theta == theta).all()
    assert (model.buffers == buffers).all()
    assert (model.grad == grad).all()
    assert model.history == []
    assert (repr(optimizer), optimizer.t, dict(vars(optimizer))) == settings
    assert (data.x == x).all()
    assert (data.t == t).all()


def test_what_does_not_fit_into_the_time_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    one = HEALTHY[0]
    now = iter(range(10**9))
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    diagnosis = one.examine(seconds=100.0)  # every look at the clock is a second: enough for the first experiments
    assert diagnosis.looked
    assert {left.says for left in diagnosis.left_out} == {"the time was over"}
    assert [x.what for x in (*diagnosis.looked, *diagnosis.left_out)] == list(LADDER)
    assert "not looked at: the time was over" in str(diagnosis)
    whole = {looked.what: looked.says for looked in examined(one.says).looked}
    assert all(whole[looked.what] == looked.says for looked in diagnosis.looked)  # what was looked at is the same


def test_a_clock_that_is_over_ends_a_short_training() -> None:
    model, data, told = classes(*usual())
    case = Case(model, data, data, told["optimizer"], clock=Clock.of(-1.0))
    with pytest.raises(OutOfTime):
        course(case, 5)


def test_a_short_training_leaves_its_case_as_it_was() -> None:
    model, data, told = classes(*usual())
    case, theta = Case(model, data, data, told["optimizer"]), model.theta.copy()
    done = course(case, 5, {"loss": lambda m: case.loss_of(m, data)}, every=2)
    assert (model.theta == theta).all()
    assert case.optimizer.t == 0
    assert done.at == [0, 2, 4, 5]
    assert len(done.losses) == 5
    assert done.measured["loss"][-1] < done.measured["loss"][0]
    assert 0.0 < done.moved < 0.2


def test_the_advised_rate_is_the_lowest_that_is_about_as_good_and_not_wild() -> None:
    curve = [Tried(0.1, 0.9, 1e-3), Tried(1.0, 0.5, 1e-2), Tried(10.0, 0.45, 9e-2), Tried(100.0, 0.1, 0.8)]
    assert advised(curve, 1.0).factor == 1.0
    assert advised([*curve[2:], Tried(1e3, float("inf"), float("inf"))], 1.0).factor == 10.0
    slow = [Tried(10.0**k, loss, 1e-3) for k, loss in zip(range(-1, 3), (1.0, 0.99, 0.91, 0.9), strict=True)]
    assert advised(slow, 1.0).factor == 10.0  # by what it gains: 1.0 is hardly more than 0.9, and yet no gain at all
    assert advised(slow, 0.5).factor == 100.0  # none gains anything: the best


@pytest.mark.parametrize("lr", [1e-9, 1e-7, 3e-6])
def test_a_rate_that_is_too_low_is_raised(lr: float) -> None:
    model, data, told = classes(pl.Dense(64), pl.ReLU(), pl.Dense(3), data=pl.datasets.spiral(), lr=lr)
    case = Case(model, data, data, told["optimizer"], epochs=200)
    found = examine(case).found
    assert found is not None
    assert found.finding.name == "learning rate too low"
    assert found.cured.peak > 1e-4


def test_a_diagnosis_is_plain_values() -> None:
    diagnosis = examined(SICK[0].says)
    said = json.loads(json.dumps(diagnosis.as_dict()))
    assert said["ok"] is False
    assert said["findings"][0]["name"] == "softmax twice"
    assert len(said["findings"][0]["proof"]["before"]) == len(said["findings"][0]["proof"]["steps"])
    assert {looked["what"] for looked in said["looked"]} == set(LADDER)
    assert diagnosis["softmax twice"] is diagnosis.findings[0]
    with pytest.raises(KeyError, match="softmax twice"):
        diagnosis["overfitting"]


def test_what_does_not_fit_at_all_is_an_error() -> None:
    model, data, _ = classes(*usual())
    with pytest.raises(pl.ShapeError):
        pl.doctor(model, data.x[:, :3], data.t)
    with pytest.raises(pl.DataError, match="label"):
        pl.doctor(model, data.x, data.t + 5)
    with pytest.raises(pl.DataError, match="nan"):
        pl.doctor(model, np.where(data.x > 1, np.nan, data.x), data.t)
    with pytest.raises(pl.UsageError, match="no parameters"):
        pl.doctor(pl.Model(pl.Flatten(), input_shape=4), data.x, data.x)
    for name in ("epochs", "batch_size"):
        with pytest.raises(pl.UsageError, match=name):
            pl.doctor(model, data, **{name: 0})


def test_two_things_that_are_wrong_are_both_found_the_cause_first() -> None:
    data = clouds()
    model = pl.Model(*usual(), pl.Softmax(), loss=pl.SoftmaxCrossEntropy(), input_shape=4)
    diagnosis = pl.doctor(model, 50 * data.x, data.t, optimizer=pl.Adam(3.0), epochs=40, batch_size=32, prove=True)
    assert diagnosis.names == ("softmax twice", "unscaled inputs", "learning rate too high")
    marked = [looked.what for looked in diagnosis.looked if looked.found]
    assert marked == ["last layer and loss", "inputs", "learning rate"]
    first, *others = (finding.proof for finding in diagnosis.findings)
    assert first is not None
    assert first.says.endswith("the findings below are not cured here.")  # its cure alone is not enough
    assert all(proof is not None and proof.helped for proof in others)


def test_numbers_of_any_size_and_rates_of_any_height_are_told_apart() -> None:
    model = pl.Model(pl.Dense(64), pl.ReLU(), pl.Dense(1), input_shape=4)
    x = clouds().x
    told = {"optimizer": pl.SGD(1e3), "batch_size": 32, "seconds": None}
    names = pl.doctor(model, 1e30 * x.astype(float), 1e20 * x[:, 0].astype(float), **told).names
    assert names == ("unscaled inputs", "unscaled targets", "learning rate too high")
    assert pl.doctor(
        model, x, np.ones(240), optimizer=pl.Adam(0.02), seconds=None
    ).ok  # nothing to learn, nothing wrong


def test_sequences_with_an_answer_a_step_are_examined() -> None:
    x = np.random.default_rng(0).integers(0, 5, (150, 6))
    layers = pl.Embedding(5, 8), pl.GRU(12, sequence=True), pl.Dense(5)
    model = pl.Model(*layers, loss=pl.SoftmaxCrossEntropy(), input_shape=(6,))
    diagnosis = pl.doctor(model, x, np.roll(x, 1, axis=1), optimizer=pl.Adam(0.02), batch_size=32, seconds=None)
    assert diagnosis.ok, str(diagnosis)
    assert diagnosis.left_out == ()


def test_a_function_without_a_slope_passes_no_gradient_but_is_no_mistake() -> None:
    """Stairs' backward says 0, and 0 is what nudges find nearly everywhere: the network cannot learn, rightly."""
    diagnosis = pl.doctor(*classes(pl.Dense(8), Stairs(), pl.Dense(3))[:2], optimizer=pl.Adam(0.02), seconds=None)
    assert "wrong gradient" not in diagnosis.names


# ---- cures -------------------------------------------------------------------------------------------------------

HELPS = (
    "softmax twice", "sigmoid twice", "bounded scores", "softmax over one output", "targets out of reach",
    "batch norm on one sample", "unscaled inputs", "unscaled targets", "loss too high at the start", "units all alike",
    "weights not finite", "dead units", "saturated units", "vanishing gradients", "exploding gradients",
    "learning rate too high", "learning rate too low", "rate falls too soon", "clip too tight", "penalty too strong",
    "dropout too strong", "cannot learn eight samples", "validation leaks", "overfitting",
)  # fmt: skip


@pytest.mark.parametrize("name", HELPS)
def test_the_cure_helps(name: str) -> None:
    one = next(one for one in SICK if one.expected == name)
    finding = examined(one.says)[name]
    assert finding.proof is not None
    assert finding.proof.helped, str(finding)
    assert np.isfinite(finding.proof.after).all()
    assert finding.proof.steps[0] == 0
    assert "without" in str(finding)


def test_a_proof_measures_what_both_have_in_common() -> None:
    proof = examined("squared error on class ids")["squared error on classes"].proof
    assert proof is not None
    assert proof.measure == "validation accuracy"
    assert proof.before[0] <= 1.0
    assert not proof.helped  # on so easy a task it makes no difference, and that is said
    assert proof.says.endswith("no difference so soon.")


def test_without_prove_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(proving, "prove", never)
    assert SICK[0].examine().findings[0].proof is None


def test_curves_are_drawn_on_one_scale() -> None:
    assert sparkline([1, 2, 3], (1, 8)) == "▁▂▃"
    assert len(sparkline(list(range(1000)))) == 40
    assert sparkline([5.0, 5.0]) == "▁▁"
    wide = Proof("validation loss", (0, 1), (1.0, 1e6), (1.0, 0.1), True, "Better.")
    assert "each bar a factor" in str(wide)
    broken = str(Proof("validation loss", (0, 1), (1.0, float("nan")), (1.0, 0.1), True, "Better."))
    assert "×  1, then not finite" in broken
    refused = str(Proof("validation loss", (0, 1), (float("nan"),), (1.0, 0.1), True, "Better."))
    assert "×  refused" in refused


# ---- changing a network ------------------------------------------------------------------------------------------


def test_a_network_is_rebuilt_with_its_weights_where_they_fit() -> None:
    model = pl.Model(pl.Dense(4), pl.ReLU(), pl.Dense(3), pl.Softmax(), loss=pl.SoftmaxCrossEntropy(), input_shape=2)
    model.theta += 1.0
    same, fresh = rebuilt(model), rebuilt(model, fresh=True)
    assert (same.theta == model.theta).all()
    assert (fresh.theta != model.theta).any()
    same.theta += 1.0
    assert (same.theta != model.theta).any()  # arrays of its own


def test_what_holds_a_network_back_is_taken_away_also_inside_containers() -> None:
    inner = pl.Residual(pl.Dense(4, penalty=pl.L2(0.1)), pl.Dropout(0.5))
    model = pl.Model(inner, pl.Dense(2), input_shape=4, penalty=pl.L1(0.1))
    free = unrestrained(model)
    assert drops(model) == [0.5]
    assert drops(free) == [0.0]
    assert len(model.penalties) == 3
    assert free.penalties == []
    assert (free.theta == model.theta).all()
