"""Where it broke: the first number that is not finite, its sample, the causes in order, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection.broke import usual_until
from pellucid.inspection.causes import gentler
from tests.cli.tools import run

Array = Any
RNG = np.random.default_rng(0)
X, T = RNG.standard_normal((12, 3)).astype(np.float32), RNG.standard_normal((12, 1)).astype(np.float32)


@dataclass(eq=False)
class Log(pl.Layer):
    """y = log x, which has no answer below 0."""

    def forward(self, x: Array, run: pl.Run) -> tuple[Array, dict[str, Array]]:
        return np.log(x), {"x": x}

    def backward(self, dy: Array, cache: dict[str, Array]) -> Array:
        return dy / cache["x"]


@dataclass(eq=False)
class Steep(pl.Layer):
    """y = x with a backward that overflows."""

    def forward(self, x: Array, run: pl.Run) -> tuple[Array, dict[str, Array]]:
        return x, {}

    def backward(self, dy: Array, cache: dict[str, Array]) -> Array:
        return dy * np.float32(np.inf)


def network(*layers: pl.Layer, **options: Any) -> pl.Model:
    return pl.Model(*(layers or (pl.Dense(4), pl.ReLU(), pl.Dense(1))), input_shape=(3,), **options)


def names(broke: pl.Broke) -> list[str]:
    return [cause.name for cause in broke.causes]


def found(model: pl.Model, x: Array = X, t: Array = T, **options: Any) -> pl.Broke:
    broke = pl.where_it_broke(model, x, t, **options)
    assert broke is not None
    return broke


def test_a_healthy_step_has_nothing_broken() -> None:
    model = network()
    before = model.theta.copy()
    assert pl.where_it_broke(model, X, T) is None
    assert (model.theta == before).all()
    with pytest.raises(pl.UsageError, match="needs the batch"):
        pl.where_it_broke(model)


def test_the_first_output_that_overflows_with_its_sample_and_its_inputs() -> None:
    model = network()
    model.layers[2].W[1, 0] = 3e38  # type: ignore[attr-defined]
    x = X.copy()
    x[7] = 100.0
    model.layers[0].W[:, 1] = 1.0  # type: ignore[attr-defined]
    broke = found(model, x)
    assert (broke.path, broke.value) == ("2.dense.y", np.inf)
    y = pl.trace(model, x, T)["2.dense.y"]
    assert broke.place == tuple(np.argwhere(~np.isfinite(y))[0])
    assert broke.count == (~np.isfinite(y)).sum()
    assert broke.row == broke.place[0]
    assert f"It came from row {broke.row} of the batch." in str(broke)
    largest = max(broke.line.terms, key=lambda term: abs(term.value))
    assert largest.label == f"x[{broke.row}, 1] × W[1, 0]"
    assert broke.document()["causes"][0]["name"] == names(broke)[0] == "unscaled inputs"


@pytest.mark.parametrize(("which", "path"), [("x", "0.dense.x"), ("t", "loss.t")])
def test_data_that_are_not_finite(which: str, path: str) -> None:
    x, t = X.copy(), T.copy()
    (x if which == "x" else t)[5, 0] = np.nan
    broke = found(network(), x, t)
    assert (broke.path, broke.row, broke.place) == (path, 5, (5, 0))
    assert names(broke) == ["data not finite"]
    assert np.isnan(broke.line.value)


def test_weights_that_were_broken_before() -> None:
    model = network()
    model.layers[2].b[0] = np.nan  # type: ignore[attr-defined]
    broke = found(model)
    assert (broke.path, broke.row, names(broke)) == ("2.dense.b", None, ["weights not finite"])


def test_a_layer_that_makes_it_of_ordinary_numbers_is_the_first_suspect() -> None:
    broke = found(network(pl.Dense(4), Log(), pl.Dense(1)))
    assert (broke.path, names(broke)[0]) == ("1.log.y", "the layer itself")
    assert "Layer 1.log made it of ordinary numbers" in broke.causes[0].says


def test_a_backward_that_overflows_is_found_after_the_loss() -> None:
    broke = found(network(pl.Dense(4), Steep(), pl.Dense(1)))
    assert broke.path == "1.steep.dx"
    assert broke.what == "the gradient of layer 1.steep's inputs"


def test_inside_a_residual_the_inner_layer_is_named() -> None:
    inner = pl.Residual(pl.Dense(3), Log(), pl.Dense(3))
    broke = found(network(inner, pl.Dense(1)))
    assert broke.path == "0.residual.1.log.y"


def test_the_loss_and_the_sample_whose_own_loss_it_was() -> None:
    t = T.copy()
    t[[4, 9]] = 1e30
    broke = found(network(), X, t)
    assert (broke.path, broke.row, broke.place) == ("loss", 4, ())
    assert broke.what == "the loss (MeanSquaredError)"
    assert names(broke)[0] == "unscaled targets"
    model = network(penalty=pl.L2(1.0))
    model.layers[0].W[0, 0] = 1e25  # type: ignore[attr-defined]
    assert found(model, X * 0).what == "the penalty on the weights"


def test_the_optimizers_memory_and_the_weights_after_the_step() -> None:
    t = T + 1e15
    broke = found(network(), X * 1e5, t, optimizer=pl.RMSprop(0.1))
    assert broke.what.startswith("RMSprop's s of ")
    assert broke.line.value == np.inf
    broke = found(network(), X, T, optimizer=pl.SGD(1e39))
    assert broke.what.endswith(", after the step")
    assert names(broke)[0] == "learning rate too high"
    assert broke.causes[0].code == "optimizer=pl.SGD(0.1), on the command line --lr 0.1"


def start(optimizer: pl.Optimizer, batch_size: int = 4, **options: Any) -> pl.Training:
    return pl.train(network(), (X, T), optimizer=optimizer, epochs=20, batch_size=batch_size, **options)


def recorded(folder: Path, training: pl.Training) -> pl.Recording:
    with pytest.raises(pl.Diverged) as error:
        list(pl.record(training, folder))
    assert "pl.where_it_broke" in error.value.__notes__[0]
    return pl.open_recording(folder, (X, T))


def test_in_a_recording_it_is_that_very_step_and_there_is_a_way_back(tmp_path: Path) -> None:
    training = start(pl.SGD(50.0))
    recording = recorded(tmp_path / "a.run", training)
    broke = pl.where_it_broke(recording)
    assert broke is not None
    assert broke.step == recording.steps[-1] + 1
    assert broke.trace.step == broke.step
    assert broke.sample == recording_samples(training)[broke.row]
    assert broke.healthy == usual_until(recording.losses)
    assert f"The last step with a usual loss is {broke.healthy}." in str(broke)
    assert "learning rate too high" in names(broke)
    cause = broke.causes[names(broke).index("learning rate too high")]
    assert cause.evidence[0].startswith("the largest parameter is ")
    assert cause.curves["loss"] == tuple(recording.losses)
    again = recording.branch(broke.healthy, lr=gentler(50.0, training.optimizer))
    list(again)
    assert again.history[-1]["loss"] < 10
    alone = pl.where_it_broke(training)
    assert alone is not None
    assert (alone.path, alone.place, alone.sample) == (broke.path, broke.place, broke.sample)


def recording_samples(training: pl.Training) -> Array:
    """The samples of the batch at which a training stands."""
    from pellucid.data.batches import order

    at = training.batch * training.batch_size
    return order(len(training.data), training.seed, training.epoch)[at : at + training.batch_size]


@pytest.mark.parametrize("batch_size", [4, 12])
def test_weights_that_an_update_broke_are_traced_back_to_that_step(batch_size: int, tmp_path: Path) -> None:
    rate = 1e39  # the gradient is ordinary, the step is not; noticed in the next step or at the end of the epoch
    recording = recorded(tmp_path / "a.run", start(pl.SGD(rate), batch_size))
    assert recording.steps[-1] == 1
    broke = pl.where_it_broke(recording)
    assert broke is not None
    assert broke.step == 1
    assert broke.path.endswith(".after")
    assert broke.healthy == 0


def test_a_recording_without_anything_broken(tmp_path: Path) -> None:
    list(pl.record(start(pl.SGD(0.01)), tmp_path / "a.run"))
    assert pl.where_it_broke(pl.open_recording(tmp_path / "a.run", (X, T))) is None
    with pytest.raises(pl.UsageError, match="the data are needed"):
        pl.where_it_broke(pl.open_recording(tmp_path / "a.run"))


@pytest.mark.parametrize(
    ("losses", "first", "step"),
    [
        ([], 0, 0),
        ([2.3], 0, 0),
        ([2.3, 2.0, 1.0, 9.0], 0, 2),
        ([2.3, 2.0, 1.0, 9.0], 100, 102),
        ([0.1] * 60 + [0.2, 0.5, 2.0], 0, 59),  # every later loss is above the first one
        ([2.3] + [0.1] * 60 + [0.2, 0.5, 2.0], 0, 61),
        ([float("nan"), 1.0], 0, 0),
    ],
)
def test_the_last_usual_step(losses: list[float], first: int, step: int) -> None:
    assert usual_until(losses, first) == step


def test_the_command_says_the_sample_and_the_way_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train = ("train", "sine", "--optimizer", "sgd", "--lr", 30, "--momentum", 0.9)
    run(*train).error(4, "Training diverged at step", "It came from row", "training sample", "With --record DIR")
    told = run(*train, "--record", "a.run").error(4, "pellucid replay a.run --broke", "--branch 0 --lr 0.01")
    assert "With --record DIR" not in told.err
    shown = run("replay", "a.run").done()
    assert "the training diverged at step" in shown.lines[0]
    assert "what broke:      pellucid replay a.run --broke" in shown.out
    broke = run("replay", "a.run", "--broke").done()
    assert "1. learning rate too high: The learning rate was 2" in broke.out
    assert "pellucid replay a.run --branch 0 --lr 0.01" in broke.out
    event = run("replay", "a.run", "--broke", "--json").done().last
    assert (event["found"], event["healthy"]) == (True, 0)
    assert event["line"]["terms"]
    run("replay", "a.run", "--branch", 0, "--lr", 0.01, "--epochs", 3).done()
    run("train", "xor", "--epochs", 2, "--record", "b.run").done()
    assert "every number is finite up to step" in run("replay", "b.run", "--broke").done().out
