"""A model: what it is made of, how it is asked, how it is copied, and what it says when something does not fit."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl

both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def classifier(**options) -> pl.Model:
    options = {"loss": pl.SoftmaxCrossEntropy(), "input_shape": (4,)} | options
    return pl.Model(pl.Dense(8), pl.Tanh(), pl.Residual(pl.Dense(8), pl.ReLU()), pl.Dense(3), **options)


X = np.random.default_rng(0).normal(size=(10, 4))
IDS = np.arange(10) % 3


# ---- the heart -------------------------------------------------------------------------------------------------------


def test_the_reported_loss_is_the_mean_over_the_samples():
    model = classifier(dtype=np.float64)
    p = model.predict(X)
    tally = model.loss_and_grad(X, IDS)
    assert tally.n == 10
    assert tally.mean == pytest.approx(-np.log(p[np.arange(10), IDS]).mean(), rel=1e-12)
    assert model.evaluate(X, IDS)["loss"] == pytest.approx(tally.mean, rel=1e-12)


def test_one_step_down_the_gradient_is_as_good_as_the_gradient_says():
    model = classifier(dtype=np.float64)
    before = model.loss_and_grad(X, IDS).mean
    h, length = 1e-4, float(model.grad @ model.grad)
    model.theta -= h * model.grad
    assert before - model.loss_and_grad(X, IDS).mean == pytest.approx(h * length, rel=1e-3)


def test_the_gradient_is_overwritten_and_not_added_up():
    model = classifier()
    model.loss_and_grad(X, IDS)
    first = model.grad.copy()
    model.grad[:] = np.nan
    model.loss_and_grad(X, IDS)
    np.testing.assert_array_equal(model.grad, first)


@both_types
def test_everything_has_the_models_type(dtype):
    model = classifier(dtype=dtype)
    model.loss_and_grad(X, IDS)
    assert model.theta.dtype == model.grad.dtype == model.buffers.dtype == model.predict(X).dtype == dtype
    assert model.decays().dtype == dtype
    assert all(step.y.dtype == dtype for step in model.forward_backward(X, IDS, pl.Run(keep=True))[1]["tape"])


def test_a_kept_pass_has_every_array_and_the_chain_closes():
    model = classifier(dtype=np.float64)
    _, cache, loss_cache = model.forward_backward(X, IDS, pl.Run(keep=True))
    tape = cache["tape"]
    np.testing.assert_array_equal(tape[0].x, X)
    for lower, upper in pairwise(tape):
        assert lower.y is upper.x
        assert lower.dy is upper.dx
    np.testing.assert_array_equal(tape[-1].dy, model.loss.backward(loss_cache))
    assert len(tape[2].cache["tape"]) == 2


def test_the_first_layer_is_not_asked_for_what_nobody_needs(monkeypatch):
    asked = []
    backward = pl.Dense.backward
    monkeypatch.setattr(pl.Dense, "backward", lambda self, dy, cache: asked.append(self) or backward(self, dy, cache))
    model = classifier()
    model.loss_and_grad(X, IDS)
    assert {id(layer) for layer in asked} == {id(model.layers[3]), id(model.layers[2].layers[0])}


def test_without_keeping_the_tape_is_used_up():
    model = classifier()
    _, cache, _ = model.forward_backward(X, IDS, pl.Run())
    assert cache["tape"] == []


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.bool_, np.float16, np.float32, np.float64])
def test_inputs_of_every_real_type_are_taken(kind):
    model = classifier()
    x = (X > 0).astype(kind)
    np.testing.assert_array_equal(model.predict(x), model.predict(x.astype(np.float32)))


# ---- evaluate and predict --------------------------------------------------------------------------------------------


@given(batch_size=st.integers(1, 12))
def test_evaluate_and_predict_do_not_depend_on_the_batch_size(batch_size):
    model = classifier(dtype=np.float64, penalty=pl.L2(0.01))
    weights = np.linspace(0.5, 2.0, 10)
    whole = model.evaluate(X, IDS, weights=weights)
    parts = model.evaluate(X, IDS, weights=weights, batch_size=batch_size)
    assert parts == pytest.approx(whole, rel=1e-12)
    assert whole["loss"] == pytest.approx(model.loss_and_grad(X, IDS, weights=weights).mean, rel=1e-12)
    np.testing.assert_allclose(model.predict(X, batch_size), model.predict(X), rtol=1e-12)


def test_evaluate_takes_ids_and_one_hot_and_names_what_it_measures():
    model = classifier(dtype=np.float64)
    found = model.evaluate(X, IDS)
    assert found.keys() == {"loss", "accuracy"}
    assert model.evaluate(X, np.eye(3)[IDS]) == pytest.approx(found)
    assert model.evaluate(X.tolist(), IDS.tolist()) == found
    assert model.evaluate(X, IDS, metrics=[pl.f1, pl.recall]).keys() == {"loss", "f1", "recall"}
    assert found["accuracy"] == pl.accuracy(model.predict(X), IDS)


def test_predict_gives_what_a_person_reads():
    assert np.allclose(classifier().predict(X).sum(axis=1), 1.0)
    yes_or_no = pl.Model(pl.Dense(2), loss=pl.SigmoidCrossEntropy(), input_shape=(4,))
    assert ((yes_or_no.predict(X) > 0) & (yes_or_no.predict(X) < 1)).all()
    values = pl.Model(pl.Dense(2), input_shape=4, dtype=np.float64)
    np.testing.assert_allclose(values.predict(X), X @ values.layers[0].W + values.layers[0].b)
    assert values.predict(X[:0]).shape == (0, 2)


def test_evaluate_and_predict_drop_nothing():
    model = pl.Model(pl.Dense(8), pl.Dropout(0.9), pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,))
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    assert model.evaluate(X, IDS) == model.evaluate(X, IDS)


def test_the_preparation_is_applied_to_raw_input():
    raw = np.random.default_rng(0).integers(0, 256, (5, 2, 2)).astype(np.uint8)
    model = pl.Model(pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,), prepare=pl.Pixels((4,)))
    plain = model.copy()
    plain.prepare = None
    np.testing.assert_array_equal(model.predict(raw), plain.predict(raw.reshape(5, 4) * np.float32(1 / 255)))
    assert model.evaluate(raw, [0, 1, 2, 0, 1])["loss"] > 0


@pytest.mark.parametrize(("x", "t"), [(X, IDS[:9]), (X[:0], IDS[:0])])
def test_evaluate_needs_as_many_targets_as_inputs(x, t):
    with pytest.raises(pl.DataError, match="as many targets as inputs"):
        classifier().evaluate(x, t)


# ---- seeds -----------------------------------------------------------------------------------------------------------


def test_the_first_weights_follow_from_the_seed():
    assert classifier(seed=1).theta.tolist() == classifier(seed=1).theta.tolist()
    assert classifier(seed=1).theta.tolist() != classifier(seed=2).theta.tolist()
    first = pl.Model(pl.Dense(2), input_shape=(2,), dtype=np.float64).theta
    pinned = [-1.2778189032171612, 1.4381028091382575, 0.9735376032263944, -1.0780614751708946, 0.0, 0.0]
    np.testing.assert_allclose(first, pinned, rtol=1e-15)


def test_float32_weights_are_the_rounded_float64_ones():
    np.testing.assert_array_equal(classifier().theta, classifier(dtype=np.float64).theta.astype(np.float32))


# ---- copy ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [pl.Model.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copy_is_the_same_and_independent(duplicate):
    model = classifier(penalty=pl.L2(0.1), classes=("a", "b", "c"))
    model.fit(X, IDS, epochs=2, verbose=False)
    twin = duplicate(model)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    np.testing.assert_array_equal(twin.grad, model.grad)
    assert twin.history == model.history
    assert twin.history is not model.history
    assert (twin.classes, twin.penalty, twin.loss, twin.slots) == (
        model.classes, model.penalty, model.loss, model.slots,
    )  # fmt: skip
    assert repr(twin) == repr(model)
    theta = model.theta.copy()
    twin.fit(X, IDS, epochs=2, verbose=False)
    np.testing.assert_array_equal(model.theta, theta)
    assert len(model.history) == 2


@pytest.mark.parametrize("duplicate", [pl.Model.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copys_layers_look_into_its_own_vector(duplicate):
    model = classifier()
    twin = duplicate(model)
    mine, others = model.layers[2].layers[0], twin.layers[2].layers[0]
    assert mine is not others
    for vector, name in ((twin.theta, "W"), (twin.theta, "b"), (twin.grad, "dW"), (twin.grad, "db")):
        view = getattr(others, name)
        assert np.shares_memory(view, vector)
        assert not np.shares_memory(view, getattr(mine, name))
        vector[:] = 7.0
        assert (view == 7.0).all()
    assert not (mine.W == 7.0).any()


def test_a_copy_of_a_copy_and_of_another_type():
    model = classifier()
    twin = model.copy(np.float64)
    assert twin.theta.dtype == twin.layers[0].W.dtype == twin.predict(X).dtype == np.float64
    assert model.dtype == np.float32
    np.testing.assert_array_equal(twin.theta, model.theta)
    np.testing.assert_array_equal(twin.copy(np.float32).copy().theta, model.theta)
    np.testing.assert_allclose(twin.predict(X), model.predict(X), rtol=1e-4)


# ---- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((10, 3), r"input_shape=\(3,\)"),
        ((4,), r"one sample without a batch: give x\[None\]"),
        ((10, 2, 2), r"x\.reshape\(len\(x\), 4\)"),
    ],
)
def test_an_input_of_another_shape_is_drawn_with_advice(shape, advice):
    for ask in (classifier().predict, lambda x: classifier().loss_and_grad(x, IDS)):
        with pytest.raises(pl.ShapeError, match=rf"(?s)cannot take this input.*given.*expected.*{advice}"):
            ask(np.zeros(shape))


def test_a_layer_that_does_not_fit_is_named():
    with pytest.raises(pl.ShapeError, match=r"Layer 1\.reshape does not fit.*\n.*input"):
        pl.Model(pl.Dense(3), pl.Reshape((2, 2)), input_shape=(4,))
    with pytest.raises(pl.UsageError, match=r"Layer 0\.dense does not fit.*whole number of units"):
        pl.Model(pl.Dense(0), input_shape=(4,))


def test_what_is_not_a_model_is_refused():
    with pytest.raises(pl.UsageError, match="at least one layer"):
        pl.Model(input_shape=(4,))
    with pytest.raises(pl.UsageError, match="is not a layer"):
        pl.Model(pl.Dense, input_shape=(4,))
    with pytest.raises(pl.UsageError, match="real numbers: dtype float32 or float64"):
        pl.Model(pl.Dense(2), input_shape=(4,), dtype=np.int32)
    with pytest.raises(pl.DataError, match="holds <U1 values"):
        classifier().predict(np.array([["a"] * 4]))


def test_targets_that_do_not_fit_are_refused_before_training():
    with pytest.raises(pl.DataError, match="label of sample 2 is 3, but the network has 3 outputs"):
        classifier().evaluate(X[:3], [0, 1, 3])
    with pytest.raises(pl.ShapeError, match="compares number with number"):
        pl.Model(pl.Dense(2), input_shape=(4,)).evaluate(X, IDS)


def test_a_model_shows_its_layers():
    assert repr(pl.Model(pl.Dense(8), pl.ReLU(), pl.Dropout(0.5), pl.Dense(3), input_shape=(4,))) == (
        "Model(Dense(8), ReLU(), Dropout(0.5), Dense(3); 67 parameters)"
    )


def test_half_precision_is_refused_because_no_kernel_computes_in_it():
    with pytest.raises(pl.UsageError, match="not float16"):
        pl.Model(pl.Dense(1), input_shape=(1,), dtype=np.float16)
