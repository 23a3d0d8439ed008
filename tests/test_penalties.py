"""Penalties: the gradient is that of the value, and they reach the arrays they are meant for and no others."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from hypothesis.extra.numpy import arrays as drawn

import pellucid as pl
from pellucid.penalties import Both
from tests.tools import frozen, slope

ALL = [pl.L2(0.3), pl.L1(0.3), pl.L1(0.1) + pl.L2(0.2), pl.L1(0.1) + pl.L2(0.2) + pl.L2(0.3)]
every_penalty = pytest.mark.parametrize("penalty", ALL, ids=repr)
weights = drawn(
    np.float64, array_shapes(max_dims=2, max_side=4), elements=st.floats(-3, 3).filter(lambda a: abs(a) > 1e-3)
)


def naive(penalty: pl.Penalty, w: list[float]) -> float:
    if isinstance(penalty, Both):
        return naive(penalty.first, w) + naive(penalty.second, w)
    return penalty.strength * sum(a * a if isinstance(penalty, pl.L2) else abs(a) for a in w)


def test_every_penalty_is_in_the_list():
    public = {c for c in vars(pl).values() if inspect.isclass(c) and issubclass(c, pl.Penalty)} - {pl.Penalty}
    assert public <= {type(penalty) for penalty in ALL}


@every_penalty
@given(w=weights)
def test_the_gradient_is_the_derivative_of_the_value(penalty, w):
    assert penalty.value(w) == pytest.approx(naive(penalty, w.ravel().tolist()), rel=1e-12)
    np.testing.assert_allclose(penalty.gradient(w), slope(penalty.value, w), rtol=1e-6, atol=1e-8)


@every_penalty
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_keeps_the_type_and_shape_and_the_weights(penalty, dtype):
    w = frozen(np.array([[1.0, -2.0], [0.0, 3.0]], dtype))
    assert penalty.gradient(w).dtype == dtype
    assert penalty.gradient(w).shape == w.shape
    assert isinstance(penalty.value(w), float)


def test_l1_has_no_pull_at_exactly_zero():
    assert pl.L1(1.0).gradient(np.zeros(2)).tolist() == [0.0, 0.0]


def test_a_whole_models_penalty_is_on_the_weights_and_not_on_the_biases():
    model = pl.Model(pl.Dense(3), pl.ReLU(), pl.Dense(2), input_shape=(4,), penalty=pl.L2(0.5), dtype=np.float64)
    plain = model.copy()
    plain.penalties = []
    model.theta[:] = plain.theta[:] = np.random.default_rng(0).normal(size=model.theta.size)
    x, t = np.random.default_rng(1).normal(size=(5, 4)), np.zeros((5, 2))
    with_it, without = model.loss_and_grad(x, t), plain.loss_and_grad(x, t)
    W0, W1 = model.layers[0].W, model.layers[2].W
    assert with_it.mean == pytest.approx(without.mean + 0.5 * ((W0**2).sum() + (W1**2).sum()), rel=1e-12)
    difference = model.grad - plain.grad
    for path, slot in model.slots.items():
        expected = 2 * 0.5 * model.theta[slot.at] if path.endswith(".W") else 0.0
        np.testing.assert_allclose(difference[slot.at], expected, atol=1e-14, err_msg=path)


def test_a_layers_own_penalties_reach_its_own_arrays():
    model = pl.Model(
        pl.Dense(3, penalty=pl.L1(0.1), bias_penalty=pl.L2(0.2)), pl.Dense(2), input_shape=(4,), dtype=np.float64
    )
    model.theta[:] = np.random.default_rng(0).normal(size=model.theta.size)
    model.grad[:] = 0.0
    value = model.add_penalties()
    first = model.layers[0]
    assert value == pytest.approx(0.1 * np.abs(first.W).sum() + 0.2 * (first.b**2).sum(), rel=1e-12)
    np.testing.assert_allclose(first.dW, 0.1 * np.sign(first.W))
    np.testing.assert_allclose(first.db, 0.4 * first.b)
    assert not model.layers[1].dW.any()
    assert not model.layers[1].db.any()


def test_both_add_up_in_evaluate_as_in_training():
    model = pl.Model(pl.Dense(2, penalty=pl.L1(0.1)), input_shape=(3,), penalty=pl.L2(0.2), dtype=np.float64)
    x, t = np.random.default_rng(1).normal(size=(5, 3)), np.zeros((5, 2))
    W = model.layers[0].W
    penalty = 0.1 * np.abs(W).sum() + 0.2 * (W**2).sum()
    data_loss = ((x @ W + model.layers[0].b) ** 2).mean()
    assert model.loss_and_grad(x, t).mean == pytest.approx(data_loss + penalty, rel=1e-12)
    assert model.evaluate(x, t)["loss"] == pytest.approx(data_loss + penalty, rel=1e-12)
    weights = np.linspace(0.5, 2.0, 5)
    weighted = (((x @ W) ** 2).mean(axis=1) * weights).sum() / weights.sum()
    assert model.loss_and_grad(x, t, weights=weights).mean == pytest.approx(weighted + penalty, rel=1e-12)


def test_the_penalty_does_not_depend_on_the_batch():
    model = pl.Model(pl.Dense(2), input_shape=(3,), penalty=pl.L2(0.2), dtype=np.float64)
    x = np.zeros((8, 3))
    losses = [model.loss_and_grad(x[:n], np.zeros((n, 2))).mean for n in (1, 3, 8)]
    assert losses == pytest.approx([0.2 * float((model.layers[0].W ** 2).sum())] * 3, rel=1e-12)


@pytest.mark.parametrize("penalty", [pl.L1(-0.1), pl.L2(-0.1), pl.L2(float("nan"))], ids=repr)
def test_a_negative_strength_is_refused(penalty):
    model = pl.Model(pl.Dense(1), input_shape=(1,), penalty=penalty)
    with pytest.raises(pl.UsageError, match="strength is 0 or more"):
        model.loss_and_grad(np.ones((1, 1)), np.ones((1, 1)))
