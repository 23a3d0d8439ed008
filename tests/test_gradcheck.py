"""The gradient check finds what is wrong, names it, and does not cry wolf at a kink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection.gradcheck import EVERYTHING

X = np.random.default_rng(0).normal(size=(6, 3))
IDS = np.array([0, 1, 2, 1, 0, 2])


# ---- layers and losses with the mistakes that people make ------------------------------------------------------------


@dataclass
class WrongSign(pl.Tanh):
    """dX = -dY (1 - Y^2): a minus too many."""

    def backward(self, dy, cache):
        return -super().backward(dy, cache)


@dataclass
class DividesByN(pl.Dense):
    """dW = X^T dY / N, although the loss has divided already."""

    def backward_params(self, dy, cache):
        super().backward_params(dy, cache)
        self.dW /= len(dy)


@dataclass
class TransposedUse(pl.Dense):
    """dX = dY W: fits only because W is square."""

    def backward(self, dy, cache):
        self.backward_params(dy, cache)
        return dy @ self.W


@dataclass
class ForgetsTheBiasSum(pl.Dense):
    """db = the first sample's dy, instead of the sum over the batch."""

    def backward_params(self, dy, cache):
        super().backward_params(dy, cache)
        self.db[:] = dy[0]


@dataclass
class ForgetsToWrite(pl.Dense):
    """dW stays what it was."""

    def backward_params(self, dy, cache):
        before = self.dW.copy()
        super().backward_params(dy, cache)
        self.dW[:] = before


@dataclass
class OneColumnWrong(pl.Dense):
    """The last column of dW is a tenth too large."""

    def backward_params(self, dy, cache):
        super().backward_params(dy, cache)
        self.dW[:, -1] *= 1.1


@dataclass(frozen=True)
class GradientNotDivided(pl.MeanSquaredError):
    """dY = 2 (Y - T): the value is a mean, the gradient is not."""

    def backward(self, cache):
        return super().backward(cache) * cache["n"]


@dataclass(frozen=True)
class ForgottenGradient(pl.L2):
    """The value counts, the gradient does not."""

    def gradient(self, w):
        return np.zeros_like(w)


def network(*layers: pl.Layer, **options) -> pl.Model:
    options = {"loss": pl.SoftmaxCrossEntropy(), "input_shape": (3,), "seed": 1} | options
    return pl.Model(*layers, **options)


def wrong_arrays(report: pl.Report) -> list[str]:
    return [row.path for row in report.rows if not row.ok and row.path != EVERYTHING]


@pytest.mark.parametrize(
    ("model", "x", "wrong"),
    [
        (network(pl.Dense(4), WrongSign(), pl.Dense(3)), X, ["0.dense.W", "0.dense.b"]),
        (network(DividesByN(3)), X, ["0.dividesbyn.W"]),
        (network(pl.Dense(4), TransposedUse(4), pl.Dense(3)), X, ["0.dense.W", "0.dense.b"]),
        (network(pl.Dense(4), pl.Tanh(), ForgetsTheBiasSum(3)), X, ["2.forgetsthebiassum.b"]),
        (network(pl.Dense(4), pl.Tanh(), ForgetsToWrite(3)), X, ["2.forgetstowrite.W"]),
        (network(pl.Dense(4), pl.Tanh(), OneColumnWrong(3)), X, ["2.onecolumnwrong.W"]),
        (network(pl.Dense(3), loss=GradientNotDivided()), X, ["0.dense.W", "0.dense.b"]),
        (network(pl.Dense(3), penalty=ForgottenGradient(0.1)), X, ["0.dense.W"]),
        (network(pl.Dense(4), pl.Residual(WrongSign()), pl.Dense(3)), X, ["0.dense.W", "0.dense.b"]),
    ],
    ids=["sign", "divided twice", "transposed", "bias sum", "not written", "one column", "loss", "penalty", "residual"],
)
def test_a_mistake_is_found_and_its_array_named(model, x, wrong):
    t = np.random.default_rng(1).normal(size=(6, 3)) if isinstance(model.loss, pl.MeanSquaredError) else IDS
    report = pl.check_gradients(model, x, t)
    assert not report.ok
    assert wrong_arrays(report) == wrong
    assert not report[EVERYTHING].ok
    text = str(report)
    assert text.endswith(f"The gradient is wrong in {', '.join(wrong)}.")
    for path in wrong:
        row = report[path]
        assert row.worst.verdict == "wrong"
        assert abs(row.worst.backward - row.worst.nudge) > 1e-6 * abs(row.worst.nudge)
        assert f"backward says {row.worst.backward:+.3g}" in text
        wrong_count = row.count("wrong")
        assert (f"({wrong_count} of {len(row.nudges)} comparisons are wrong)" in str(row)) == (wrong_count > 1)


def test_a_mistake_in_few_of_many_numbers_is_found_by_the_direction():
    model = network(OneColumnWrong(200), pl.Tanh(), pl.Dense(3))
    report = pl.check_gradients(model, X, IDS, numbers=1)
    assert wrong_arrays(report) == ["0.onecolumnwrong.W"]
    assert "along a random direction: backward says" in str(report)


def test_the_worst_number_has_its_index_and_both_values():
    model = network(pl.Dense(4), pl.Tanh(), OneColumnWrong(3))
    worst = pl.check_gradients(model, X, IDS)["2.onecolumnwrong.W"].worst
    assert worst.at is not None
    assert worst.at[1] == 2
    assert worst.backward == pytest.approx(1.1 * worst.nudge, rel=1e-5)
    assert str(worst).startswith(f"at {list(worst.at)}: backward says ")


# ---- right is right --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_right_network_of_everything_passes(dtype):
    model = network(
        pl.Dense(6, penalty=pl.L1(1e-3)), pl.GELU(), pl.Dropout(0.3), pl.Residual(pl.Dense(6), pl.SiLU()),
        pl.Concat(pl.Dense(2), pl.Sigmoid()), pl.Dense(3, bias=False), dtype=dtype, penalty=pl.L2(1e-3),
    )  # fmt: skip
    report = pl.check_gradients(model, X, IDS, np.linspace(0.5, 2.0, 6))
    assert report.ok, str(report)
    assert [row.path for row in report.rows] == [EVERYTHING, *model.slots]
    assert str(report).endswith("The gradient is right.")
    assert all(row.error < 1e-6 for row in report.rows)


def test_the_reported_loss_is_that_of_training():
    model = network(pl.Dense(3), penalty=pl.L2(0.1))
    report = pl.check_gradients(model, X, IDS)
    assert report.loss == pytest.approx(model.copy(np.float64).loss_and_grad(X, IDS).mean, rel=1e-12)
    assert f"{report.loss:.6g}" in str(report).splitlines()[0]


def test_the_model_is_not_touched():
    model = network(pl.Dense(4), pl.ReLU(), pl.Dense(3))
    model.grad[:] = 7.0
    theta = model.theta.copy()
    pl.check_gradients(model, X, IDS)
    np.testing.assert_array_equal(model.theta, theta)
    assert (model.grad == 7.0).all()
    assert model.dtype == np.float32


def test_the_same_seed_checks_the_same_numbers():
    model = network(pl.Dense(40), pl.Dropout(0.5), pl.Dense(3))
    assert pl.check_gradients(model, X, IDS, seed=1) == pl.check_gradients(model, X, IDS, seed=1)
    first, second = (pl.check_gradients(model, X, IDS, seed=seed)["0.dense.W"] for seed in (1, 2))
    assert [nudge.at for nudge in first.nudges] != [nudge.at for nudge in second.nudges]


def test_all_of_few_and_some_of_many_numbers_are_checked():
    model = network(pl.Dense(40), pl.Tanh(), pl.Dense(3))
    report = pl.check_gradients(model, X, IDS, numbers=10)
    assert [(row.checked, row.size) for row in report.rows] == [(0, 283), (10, 120), (10, 40), (10, 120), (3, 3)]
    assert "10 of 120 numbers checked" in str(report)
    ats = [nudge.at for nudge in report["0.dense.W"].nudges]
    assert len(set(ats)) == len(ats)
    largest = np.abs(_gradient(model)["0.dense.W"]).argmax()
    assert np.unravel_index(largest, (3, 40)) in ats


def _gradient(model: pl.Model) -> dict[str, np.ndarray]:
    twin = model.copy(np.float64)
    twin.loss_and_grad(X, IDS)
    return {path: twin.grad[s.at] for path, s in twin.slots.items()}


def test_raw_inputs_are_prepared_as_for_training():
    raw = (X * 50 + 100).round()
    prepare = pl.Standardize.fit(raw)
    with_preparation = network(pl.Dense(3), prepare=prepare)
    assert pl.check_gradients(with_preparation, raw, IDS).loss == pytest.approx(
        pl.check_gradients(network(pl.Dense(3)), prepare(raw), IDS).loss, rel=1e-12
    )


def test_a_large_loss_is_no_mistake():
    t = 1e4 * np.random.default_rng(1).normal(size=(6, 3))
    report = pl.check_gradients(network(pl.Dense(4), pl.Tanh(), pl.Dense(3), loss=pl.MeanSquaredError()), X, t)
    assert report.loss > 1e7
    assert report.ok, str(report)


def test_unscaled_inputs_and_saturated_layers_are_no_mistake():
    for scale in (1e-3, 30.0, 255.0):
        report = pl.check_gradients(network(pl.Dense(8), pl.Tanh(), pl.Dense(3)), X * scale, IDS)
        assert report.ok, f"{scale}\n{report}"
    deep = network(*[layer for _ in range(5) for layer in (pl.Dense(4), pl.Sigmoid())], pl.Dense(3))
    assert pl.check_gradients(deep, X, IDS).ok


# ---- kinks -----------------------------------------------------------------------------------------------------------


def test_a_relu_at_exactly_zero_is_a_kink_and_no_mistake():
    model = network(pl.Dense(4), pl.ReLU(), pl.Dense(3))
    x = X.copy()
    x[0] = 0.0  # with biases of 0, every unit's input is exactly 0 for this sample
    report = pl.check_gradients(model, x, IDS)
    assert report.ok, str(report)
    verdicts = [nudge.verdict for nudge in report["0.dense.b"].nudges if nudge.at is not None]
    assert verdicts == ["on a kink"] * 4
    assert report["0.dense.W"].count("on a kink") == 0
    assert "0.dense.b       on a kink  no derivative here" in str(report)
    assert "No mistake was found; on a kink: " in str(report)


def test_a_penalty_at_a_weight_of_zero_is_a_kink_and_no_mistake():
    model = network(pl.Dense(3), penalty=pl.L1(0.1))
    model.theta[:2] = 0.0
    row = pl.check_gradients(model, X, IDS)["0.dense.W"]
    found = {nudge.at: nudge.verdict for nudge in row.nudges if nudge.at is not None}
    assert found[0, 0] == found[0, 1] == "on a kink"
    assert list(found.values()).count("right") == 7
    assert row.ok


def test_an_error_of_exactly_zero_is_a_kink_of_the_absolute_error():
    model = network(pl.Dense(1), loss=pl.MeanAbsoluteError())
    t = model.copy(np.float64).predict(X)
    report = pl.check_gradients(model, X, t)
    assert {nudge.verdict for row in report.rows for nudge in row.nudges} == {"on a kink"}
    assert not report.ok  # nothing was wrong, but nothing could be told either
    assert str(report).endswith("The gradient could not be confirmed.")


@pytest.mark.parametrize("loss", [pl.Huber(0.5), pl.MeanAbsoluteError()])
def test_a_corner_nearby_is_not_a_mistake(loss):
    model = network(pl.Dense(1), loss=loss)
    y = model.copy(np.float64).predict(X)
    for distance in (0.5, 0.5 + 3e-6, -0.5 + 3e-7, 3e-6, -3e-7):
        report = pl.check_gradients(model, X, y - distance)
        assert not any(row.count("wrong") for row in report.rows), f"{distance}\n{report}"


def test_a_wrong_number_beside_a_kink_is_still_wrong():
    model = network(pl.Dense(4), WrongSign(), pl.ReLU(), ForgetsTheBiasSum(3))
    x = X.copy()
    x[0] = 0.0
    report = pl.check_gradients(model, x, IDS)
    assert not report["3.forgetsthebiassum.b"].ok
    assert not report["0.dense.W"].ok
    assert not report.ok


def test_a_minimum_is_not_taken_for_a_kink():
    model = network(pl.Dense(1), loss=pl.MeanSquaredError())
    report = pl.check_gradients(model, X, model.copy(np.float64).predict(X))
    assert {nudge.verdict for row in report.rows for nudge in row.nudges} == {"right"}
    assert report.ok


# ---- what cannot be checked ------------------------------------------------------------------------------------------


def test_a_model_without_parameters_is_refused():
    with pytest.raises(pl.UsageError, match="no parameters"):
        pl.check_gradients(network(pl.Tanh()), X, IDS)


def test_a_loss_that_is_not_finite_is_refused():
    model = network(pl.Dense(3))
    model.theta[0] = np.nan
    with pytest.raises(pl.UsageError, match="only where it is finite"):
        pl.check_gradients(model, X, IDS)


def test_an_unknown_row_is_named_with_the_known_ones():
    report = pl.check_gradients(network(pl.Dense(3)), X, IDS)
    with pytest.raises(KeyError, match=r"1\.dense\.W.*0\.dense\.W"):
        _ = report["1.dense.W"]
