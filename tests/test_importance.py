"""Permutation importance: what matters comes first, in the target's own unit, and twins are shuffled together."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.base.arrays import Array
from tests.cli.tools import run

RNG = np.random.default_rng


def linear(weights: list[float], x: Array) -> pl.Model:
    """A model that computes x @ weights and nothing else."""
    model = pl.Model(pl.Dense(1), input_shape=(len(weights),), dtype=np.float64)
    model.theta[:] = [*weights, 0.0]
    return model


def test_the_loss_of_a_column_is_what_the_formula_says() -> None:
    x = RNG(0).normal(size=(4000, 3))
    weights = [5.0, 0.0, -2.0]
    t = x @ weights
    found = pl.importance(linear(weights, x), x, t, repeats=3)
    assert [share.name for share in found] == ["column 0", "column 2", "column 1"]
    assert found.figure == "mean absolute error"
    assert found.value == pytest.approx(0, abs=1e-12)
    # |w (x - x')| of two independent normal numbers has the mean |w| 2 / sqrt(pi)
    assert found["column 0"].loss == pytest.approx(5 * 2 / np.sqrt(np.pi), rel=0.05)
    assert found["column 2"].loss == pytest.approx(2 * 2 / np.sqrt(np.pi), rel=0.05)
    assert found["column 1"].loss == found["column 1"].spread == 0.0
    assert 0 < found["column 0"].spread < 0.2


def test_what_says_the_same_is_shuffled_together() -> None:
    x = RNG(1).normal(size=(1000, 3))
    x[:, 1] = x[:, 0] + 0.1 * x[:, 1]
    t = x @ [1.0, 1.0, 1.0]
    model = linear([1.0, 1.0, 1.0], x)
    found = pl.importance(model, x, t)
    assert [share.columns for share in found] == [("column 0", "column 1"), ("column 2",)]
    assert found["column 1"] is found["column 0"]
    assert found["column 1"].loss == pytest.approx(2 * found["column 2"].loss, rel=0.1)
    alone = pl.importance(model, x, t, together=1.0)
    assert len(tuple(alone)) == 3
    assert alone["column 0"].loss == pytest.approx(alone["column 2"].loss, rel=0.1)


def test_one_that_follows_from_another_belongs_to_it() -> None:
    who = RNG(3).choice(["man", "woman", "child"], 400)
    x = np.empty(400, [("man", "U3"), ("who", "U5"), ("fare", "f8")])
    x["who"], x["man"], x["fare"] = who, np.where(who == "man", "yes", "no"), RNG(4).normal(size=400)
    prepare = pl.Table.fit(x)
    model = pl.Model(pl.Dense(1), input_shape=prepare.width, prepare=prepare)
    found = pl.importance(model, x, x["fare"])
    assert {share.columns for share in found} == {("man", "who"), ("fare",)}, "who tells man; man does not tell who"


def test_the_arguments_stay_as_they_are_and_the_seed_decides() -> None:
    x = RNG(0).normal(size=(200, 3))
    before = x.copy()
    model = linear([1.0, 2.0, 3.0], x)
    first, again, other = (pl.importance(model, x, x.sum(axis=1), seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(x, before)
    assert first == again
    assert first != other


def table() -> tuple[pl.Data, pl.Model]:
    rng = RNG(2)
    x = np.empty(300, [("weight", "f8"), ("coat", "U5"), ("noise", "f8"), ("fur", "U5")])
    x["weight"], x["noise"] = rng.normal(size=300), rng.normal(size=300)
    x["coat"] = rng.choice(["grey", "brown"], 300)
    x["fur"] = np.where(x["coat"] == "grey", "long", "short")
    t = ((x["weight"] > 0) ^ (x["coat"] == "grey")).astype(int)
    data = pl.Data(x, t, ("cat", "dog"), columns=x.dtype.names or (), target="kind")
    prepare = pl.Table.fit(x)
    model = pl.Model(
        pl.Dense(16), pl.ReLU(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(),
        input_shape=prepare.width, prepare=prepare, classes=data.classes,
    )  # fmt: skip
    model.fit(data, epochs=60, batch_size=32, optimizer=pl.Adam(0.02), verbose=False)
    return data, model


def test_columns_of_a_table_are_shuffled_raw() -> None:
    data, model = table()
    found = pl.importance(model, data.x, data.t)
    assert (found.figure, found.samples) == ("accuracy", 300)
    assert {found.shares[0].columns, found.shares[1].columns} == {("weight",), ("coat", "fur")}
    assert found["coat"].loss > 0.3
    assert found["weight"].loss > 0.3
    assert abs(found["noise"].loss) < 0.05
    assert found.value == pytest.approx(model.evaluate(data.x, data.t)["accuracy"])
    lines = str(found).splitlines()
    assert lines[0].endswith("█" * 30)
    assert "coat, fur" in str(found)
    assert found.lines(1) == lines[:1] or len(found.lines(1)) == 1
    dicts = [dict(zip(data.columns, row.tolist(), strict=True)) for row in data.x]
    assert pl.importance(model, dicts, data.t) == found
    one_hot = np.eye(2)[data.t]
    assert pl.importance(model, data.x, one_hot) == found


def test_what_cannot_be_asked_is_refused() -> None:
    x = RNG(0).normal(size=(20, 3))
    model = linear([1.0, 2.0, 3.0], x)
    with pytest.raises(pl.DataError, match="as many targets as rows"):
        pl.importance(model, x, x[:5, 0])
    with pytest.raises(pl.UsageError, match="repeats is how often"):
        pl.importance(model, x, x[:, 0], repeats=0)
    pictures = pl.Model(pl.Dense(1), input_shape=(784,), prepare=pl.Pixels((784,)))
    with pytest.raises(pl.DataError, match="looks at the columns of a table"):
        pl.importance(pictures, np.zeros((3, 28, 28)), np.zeros(3))
    with pytest.raises(pl.UsageError, match="There is no column 'typo'"):
        pl.importance(model, x, x[:, 0])["typo"]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_rows_are_enough(count: int) -> None:
    x = RNG(0).normal(size=(count, 3))
    assert len(tuple(pl.importance(linear([1.0, 2.0, 3.0], x), x, x[:, 0]))) == 3


# ---- on the command line ---------------------------------------------------------------------------------------------


def test_a_training_says_which_columns_mattered(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = run("train", "penguins", "--epochs", 30).done()
    at = next(i for i, line in enumerate(told.lines) if line.startswith("columns "))
    assert told.lines[at].startswith(
        "columns   by how much the share of right answers falls if these are shuffled, on the"
    )
    assert told.lines[at + 1].startswith("            bill_length_mm ")
    assert "█" in told.lines[at + 1]
    events = run("evaluate", "penguins.safetensors", "penguins", "--columns", "--json").done().events
    found = next(event for event in events if event["event"] == "importance")
    assert (found["figure"], found["samples"]) == ("accuracy", 344)
    assert found["columns"][0]["names"] == ["bill_length_mm"]
    assert "importance" not in run("evaluate", "penguins.safetensors", "penguins", "--json").done().kinds


def test_values_are_told_in_their_own_unit(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = RNG(0).normal(size=(300, 3))
    rows = [f"{a:.4f},{b:.4f},{250_000 + 90_000 * a + 9_000 * c:.0f}" for a, b, c in x]
    (tmp_path / "houses.csv").write_text("size,luck,price\n" + "\n".join(rows))
    told = run("train", "houses.csv", "--epochs", 30, "--json").done()
    found = next(event for event in told.events if event["event"] == "importance")
    assert found["columns"][0]["names"] == ["size"]
    assert 60_000 < found["columns"][0]["loss"] < 140_000, "two houses differ by 100,000 on average"
    assert abs(found["columns"][1]["loss"]) < 10_000
    said = run("evaluate", "houses.safetensors", "houses.csv", "--columns").done().out
    assert "columns   by how much the mean absolute error of price grows if these are shuffled, on the 300 rows" in said


def test_pictures_have_no_columns(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "importance" not in run("train", "digits", "--epochs", 1, "--layers", "8,10", "--json").done().kinds
    run("evaluate", "digits.safetensors", "digits", "--columns").error(2, "--columns is for tables with named columns")
