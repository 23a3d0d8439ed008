"""Every loss of the table: the gradient is that of the value it reports, and both are the naive twin's."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.losses import ClassLoss, ElementwiseLoss
from tests.cases import LOSSES, ONE_OUTPUT
from tests.tools import frozen, slope

every_loss = pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.name)
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def report(loss: pl.Loss, z: np.ndarray, t: np.ndarray, w: np.ndarray | None = None) -> tuple[float, np.ndarray]:
    """The value that is reported, and its gradient."""
    tally, cache = loss.forward(z, t, w)
    return tally.mean, loss.backward(cache)


def test_every_loss_is_in_the_table():
    public = {c for c in vars(pl).values() if inspect.isclass(c) and issubclass(c, pl.Loss)} - {pl.Loss}
    assert public <= {type(case.make()) for case in LOSSES}


@every_loss
def test_value_and_gradient_are_those_of_the_naive_twin(case):
    z, t, w = case.draw()
    value, dz = report(case.make(), z, t, w)
    twin_value, twin_dz = case.twin(z.tolist(), t.tolist(), [1.0] * len(z) if w is None else w.tolist())
    assert value == pytest.approx(twin_value, rel=1e-13)
    np.testing.assert_allclose(dz, np.array(twin_dz), rtol=1e-12, atol=1e-15)


@every_loss
def test_gradient_is_the_derivative_of_the_reported_value(case):
    z, t, w = case.draw()
    loss = case.make()
    _, dz = report(loss, z, t, w)
    np.testing.assert_allclose(dz, slope(lambda z: report(loss, z, t, w)[0], z), rtol=1e-6, atol=1e-9)


@every_loss
def test_the_whole_model_passes_the_gradient_check(case):
    _, t, w = case.draw(6)
    x = np.random.default_rng(1).normal(size=(6, 4))
    last = [pl.Sigmoid()] if case.scores.__name__ in ("probabilities", "shares") else []
    model = pl.Model(
        pl.Dense(int(np.prod(case.shape))), pl.Tanh(), pl.Reshape(case.shape), pl.Dense(case.shape[-1]), *last,
        loss=case.make(), input_shape=(4,), seed=2,
    )  # fmt: skip
    found = pl.check_gradients(model, x, t, w)
    assert found.ok, str(found)


@every_loss
def test_two_batches_of_different_length_add_up_to_the_whole(case):
    z, t, w = case.draw(7)
    loss = case.make()
    tally, cache = loss.forward(z, t, w)
    dz, total, n, pieces = loss.backward(cache), 0.0, 0.0, []
    for at in (slice(0, 4), slice(4, 7)):
        part, cache = loss.forward(z[at], t[at], None if w is None else w[at])
        total, n = total + part.total, n + part.n
        pieces.append(part.n * loss.backward(cache))
    assert total / n == pytest.approx(tally.mean, rel=1e-13)
    np.testing.assert_allclose(np.concatenate(pieces) / n, dz, rtol=1e-12, atol=1e-15)


@every_loss
@both_types
def test_arguments_are_not_written_to(case, dtype):
    z, t, w = case.draw()
    z, t, w = frozen(z.astype(dtype)), frozen(t), None if w is None else frozen(w)
    before = z.copy(), t.copy()
    loss = case.make()
    _, cache = loss.forward(z, t, w)
    first = loss.backward(cache).copy()
    np.testing.assert_array_equal(loss.backward(cache), first)  # twice: the same bits, so the cache was not written to
    np.testing.assert_array_equal(z, before[0])
    np.testing.assert_array_equal(t, before[1])


@every_loss
@both_types
def test_gradient_and_answer_have_the_scores_type_and_shape(case, dtype):
    z, t, w = case.draw()
    z = z.astype(dtype)
    loss = case.make()
    _, cache = loss.forward(z, t, w)
    dz = loss.backward(cache)
    assert dz.dtype == cache["y"].dtype == loss.link(z).dtype == dtype
    assert dz.shape == cache["y"].shape == z.shape
    assert not {key for key, a in cache.items() if key != "weights" and getattr(a, "dtype", dtype) == np.float64} or (
        dtype == np.float64
    )
    np.testing.assert_allclose(cache["y"], loss.link(z), rtol=1e-5)


@every_loss
def test_float32_agrees_with_float64(case):
    z, t, w = case.draw()
    loss = case.make()
    value, dz = report(loss, z, t, w)
    value32, dz32 = report(loss, z.astype(np.float32), t, w)
    assert value32 == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(dz32, dz, rtol=2e-4, atol=2e-6)


@every_loss
def test_a_weight_of_two_counts_as_the_sample_twice(case):
    z, t, _ = case.draw()
    loss = case.make()
    again = np.array([0, 0, 1, 2, 3, 3, 4])
    value, dz = report(loss, z[again], t[again])
    weighted, dz_weighted = report(loss, z, t, np.array([2.0, 1.0, 1.0, 2.0, 1.0]))
    assert weighted == pytest.approx(value, rel=1e-13)
    together = np.stack([dz[again == n].sum(axis=0) for n in range(5)])
    np.testing.assert_allclose(dz_weighted, together, rtol=1e-12, atol=1e-15)


@every_loss
def test_a_batch_without_weight_teaches_nothing(case):
    z, t, _ = case.draw()
    loss = case.make()
    tally, cache = loss.forward(z, t, np.zeros(len(z)))
    assert (tally.total, tally.n) == (0.0, 0.0)
    np.testing.assert_array_equal(loss.backward(cache), 0.0)


# ---- far out ---------------------------------------------------------------------------------------------------------

of_scores = [c for c in LOSSES if c.scores.__name__ not in ("probabilities", "shares")]
of_probabilities = [c for c in LOSSES if c.scores.__name__ in ("probabilities", "shares")]


@pytest.mark.parametrize("case", of_scores, ids=lambda case: case.name)
@both_types
def test_scores_of_ten_thousand_are_finite_and_their_gradient_is_that_of_the_value(case, dtype):
    z, t, w = case.draw()
    rng = np.random.default_rng(3)
    z = rng.choice([-1e4, 1e4], z.shape) + rng.integers(-50, 50, z.shape)  # far apart in a row, or close together
    loss = case.make()
    value, dz = report(loss, z.astype(dtype), t, w)
    assert np.isfinite(value)
    assert np.isfinite(dz).all()
    if dtype == np.float64:
        exact = slope(lambda z: report(loss, z, t, w)[0], z, h=1e-3)
        np.testing.assert_allclose(dz, exact, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", of_probabilities, ids=lambda case: case.name)
@both_types
def test_probabilities_of_zero_and_one_are_finite_and_their_gradient_is_that_of_the_value(case, dtype):
    z, t, w = case.draw()
    z = np.random.default_rng(3).integers(0, 2, z.shape).astype(dtype)  # 0 and 1, right ones and wrong ones
    loss = case.make()
    value, dz = report(loss, z, t, w)
    assert np.isfinite(value)
    np.testing.assert_array_equal(dz, 0.0)  # beyond the clip the value does not change
    z = z.astype(np.float64)
    np.testing.assert_array_equal(slope(lambda z: report(loss, z, t, w)[0], z, h=1e-9), 0.0)


@pytest.mark.parametrize("case", of_probabilities, ids=lambda case: case.name)
def test_probabilities_close_to_the_clip_have_the_gradient_of_the_value(case):
    z, t, w = case.draw()
    z = np.where(np.random.default_rng(3).random(z.shape) < 0.5, 2e-7, 1.0 - 2e-7)
    loss = case.make()
    _, dz = report(loss, z, t, w)
    np.testing.assert_allclose(dz, slope(lambda z: report(loss, z, t, w)[0], z, h=1e-11), rtol=1e-4, atol=1e-4)


def test_a_hopeless_score_costs_exactly_its_distance():
    value, dz = report(pl.SoftmaxCrossEntropy(), np.array([[1e4, -1e4]]), np.array([1]))
    assert value == 2e4
    assert dz.tolist() == [[1.0, -1.0]]
    value, dz = report(pl.SigmoidCrossEntropy(), np.array([[-1e4]]), np.array([[1.0]]))
    assert value == 1e4
    assert dz.tolist() == [[-1.0]]


# ---- targets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [pl.SoftmaxCrossEntropy, pl.CategoricalCrossEntropy])
@pytest.mark.parametrize("class_weights", [None, [0.5, 1.0, 2.5]])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 3.0, 0.5])])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.uint8, np.bool_])
@given(shape=st.sampled_from([(4, 3), (4, 2, 3)]), seed=st.integers(0, 99))
def test_class_ids_are_one_hot_rows(loss, class_weights, weights, kind, shape, seed):
    rng = np.random.default_rng(seed)
    z = rng.dirichlet(np.ones(3), shape[:-1])
    t = rng.integers(0, 3, shape[:-1])
    value, dz = report(loss(class_weights), z, t, weights)
    value_hot, dz_hot = report(loss(class_weights), z, np.eye(3, dtype=kind)[t], weights)
    assert value_hot == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(dz_hot, dz, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.float32, np.float64])
def test_class_ids_of_every_type_mean_the_same(kind):
    z, t = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    expected, dz = report(pl.SoftmaxCrossEntropy(), z, t)
    for ids in (t.astype(kind), t.astype(kind)[:, None]):
        value, other = report(pl.SoftmaxCrossEntropy(), z, ids)
        assert value == expected
        np.testing.assert_array_equal(other, dz)


@pytest.mark.parametrize("case", ONE_OUTPUT, ids=lambda case: case.name)
def test_targets_of_one_output_are_not_broadcast(case):
    z, t, _ = case.draw(4)
    value, dz = report(case.make(), z, t)
    column, dz_column = report(case.make(), z, t[:, None])
    assert value == column
    assert dz.shape == (4, 1)
    np.testing.assert_array_equal(dz, dz_column)


@pytest.mark.parametrize("case", ONE_OUTPUT, ids=lambda case: case.name)
@pytest.mark.parametrize("shape", [(4,), (1,), (4, 1), (1, 3), (3, 4)])
def test_targets_of_another_shape_are_refused_with_both_shapes_drawn(case, shape):
    with pytest.raises(pl.ShapeError, match=r"(?s)targets.*outputs.*\(4, 3\)"):
        case.make().forward(np.full((4, 3), 0.5), np.ones(shape))


def test_class_targets_that_cannot_be_meant_are_refused():
    z = np.zeros((3, 2))
    with pytest.raises(pl.DataError, match=r"sample 1 is 2, but the network has 2 outputs.* the last .* 3 units"):
        pl.SoftmaxCrossEntropy().forward(z, np.array([0, 2, 1]))
    with pytest.raises(pl.DataError, match="label of sample 2 is -1"):
        pl.SoftmaxCrossEntropy().forward(z, np.array([0, 1, -1]))
    with pytest.raises(pl.DataError, match=r"hold 0\.5 at sample 1.*MeanSquaredError"):
        pl.SoftmaxCrossEntropy().forward(z, np.array([0.0, 0.5, 1.0]))
    with pytest.raises(pl.ShapeError, match="class ids, one a sample"):
        pl.SoftmaxCrossEntropy().forward(z, np.zeros((3, 3)))
    with pytest.raises(pl.ShapeError, match="class ids, one a sample"):
        pl.CategoricalCrossEntropy().forward(z, np.zeros(4, int))


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan")])
def test_huber_refuses_a_delta_that_is_not_above_zero(delta):
    with pytest.raises(pl.UsageError, match="delta is above 0"):
        pl.Huber(delta).forward(np.zeros((1, 1)), np.zeros((1, 1)))


# ---- two losses that are one function --------------------------------------------------------------------------------


def test_softmax_layer_and_categorical_cross_entropy_are_the_fused_loss():
    x, t = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 2, 1, 0])
    fused = pl.Model(pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,), dtype=np.float64)
    apart = pl.Model(pl.Dense(3), pl.Softmax(), loss=pl.CategoricalCrossEntropy(), input_shape=(4,), dtype=np.float64)
    assert apart.loss_and_grad(x, t).mean == pytest.approx(fused.loss_and_grad(x, t).mean, rel=1e-13)
    np.testing.assert_allclose(apart.grad, fused.grad, rtol=1e-12)
    np.testing.assert_allclose(apart.predict(x), fused.predict(x), rtol=1e-13)


def test_sigmoid_layer_and_binary_cross_entropy_are_the_fused_loss():
    x, t = np.random.default_rng(0).normal(size=(6, 4)), np.eye(3)[[0, 1, 2, 2, 1, 0]]
    fused = pl.Model(pl.Dense(3), loss=pl.SigmoidCrossEntropy(), input_shape=(4,), dtype=np.float64)
    apart = pl.Model(pl.Dense(3), pl.Sigmoid(), loss=pl.BinaryCrossEntropy(), input_shape=(4,), dtype=np.float64)
    assert apart.loss_and_grad(x, t).mean == pytest.approx(fused.loss_and_grad(x, t).mean, rel=1e-13)
    np.testing.assert_allclose(apart.grad, fused.grad, rtol=1e-12)
    np.testing.assert_allclose(apart.predict(x), fused.predict(x), rtol=1e-13)


def test_the_defaults_are_the_documented_ones():
    assert pl.Huber() == pl.Huber(delta=1.0)
    assert pl.BinaryCrossEntropy() == pl.BinaryCrossEntropy(eps=1e-7)
    assert pl.CategoricalCrossEntropy() == pl.CategoricalCrossEntropy(class_weights=None, eps=1e-7)


def test_every_loss_is_of_numbers_or_of_classes():
    for case in LOSSES:
        assert isinstance(case.make(), ElementwiseLoss) != isinstance(case.make(), ClassLoss)
