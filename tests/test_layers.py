"""Every layer of the table: its promises, its naive twin, its gradient."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.layers.compose import walk
from tests.cases import LAYERS, LayerCase
from tests.reference import layers as naive
from tests.tools import arrays, frozen, slope

every_layer = pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
every_rowwise_layer = pytest.mark.parametrize("case", [c for c in LAYERS if c.rowwise], ids=lambda case: case.name)
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def pass_through(case: LayerCase, model: pl.Model, x: np.ndarray, dy: np.ndarray | None = None, **options: bool):
    """Forward and backward through the layer alone: y, dx, the gradients by name."""
    layer = model.layers[0]
    y, cache = layer.forward(x, case.run(**options))
    dx = layer.backward(np.ones_like(y) if dy is None else dy, cache)
    return y, dx, {name: g.copy() for name, g in case.named(model, model.grad).items()}


def some_dy(y: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)


def test_every_layer_is_in_the_table():
    public = {c for c in vars(pl).values() if inspect.isclass(c) and issubclass(c, pl.Layer)} - {pl.Layer}
    tested = {type(layer) for case in LAYERS for _, layer, _ in walk(case.model().net, (1, *case.shape))}
    assert public <= tested, f"no case for {[c.__name__ for c in public - tested]}"


@every_layer
def test_forward_and_backward_are_those_of_the_naive_twin(case):
    model, x = case.model(), case.inputs()
    y, cache = model.layers[0].forward(x, case.run())
    dy = some_dy(y)
    dx = model.layers[0].backward(dy, cache)
    p = case.twin_parameters(model, x)
    twin_y = case.twin.forward(x.tolist(), p)
    twin_dx, twin_grads = case.twin.backward(x.tolist(), p, dy.tolist())
    np.testing.assert_allclose(y, np.array(twin_y), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(dx, np.array(twin_dx), rtol=1e-12, atol=1e-14)
    grads = case.named(model, model.grad)
    assert grads.keys() == twin_grads.keys()
    for name, g in grads.items():
        np.testing.assert_allclose(g, np.array(twin_grads[name]), rtol=1e-12, atol=1e-14, err_msg=name)


@every_layer
def test_float32_agrees_with_the_naive_twin_as_far_as_float32_goes(case):
    model, x = case.model(np.float32), case.inputs(dtype=np.float32)
    y, cache = model.layers[0].forward(x, case.run())
    dy = some_dy(y)
    dx = model.layers[0].backward(dy, cache)
    p = case.twin_parameters(model, x)
    np.testing.assert_allclose(y, np.array(case.twin.forward(x.tolist(), p)), rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(dx, np.array(case.twin.backward(x.tolist(), p, dy.tolist())[0]), rtol=2e-5, atol=2e-6)


@every_layer
def test_backward_is_the_derivative_of_forward(case):
    model, x = case.model(), case.inputs(3)
    if x[0].size > 20:
        x = x[:1]
    layer = model.layers[0]
    c = some_dy(layer.forward(x, case.run())[0])
    _, dx, _ = pass_through(case, model, x, c)
    grad = model.grad.copy()

    def output(x: np.ndarray) -> float:
        return float(np.sum(c * layer.forward(x, case.run())[0]))

    def at(theta: np.ndarray) -> float:
        model.theta[:] = theta
        return output(x)

    np.testing.assert_allclose(dx, 0.0 if case.ids else slope(output, x), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(grad, slope(at, model.theta.copy()), rtol=1e-6, atol=1e-8)


@every_layer
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_agrees_with_the_reported_loss(case, weighted):
    below = () if case.ids else (pl.Dense(case.shape[-1]),)
    model = pl.Model(
        *below, case.make(), pl.Flatten(), pl.Dense(3), loss=pl.SoftmaxCrossEntropy(),
        input_shape=case.shape, seed=1, penalty=pl.L2(1e-3),
    )  # fmt: skip
    n = 5
    w = np.linspace(0.5, 2.0, n) if weighted else None
    report = pl.check_gradients(model, case.inputs(n), np.arange(n) % 3, w)
    assert report.ok, str(report)
    assert not any(row.count("on a kink") for row in report.rows), str(report)


@every_rowwise_layer
def test_two_batches_of_different_length_add_up_to_the_whole(case):
    model = pl.Model(
        case.make(), pl.Flatten(), pl.Dense(3), loss=pl.MeanSquaredError(), input_shape=case.shape, dtype=np.float64
    )
    x, t, w = case.inputs(7), np.random.default_rng(2).normal(size=(7, 3)), np.linspace(0.5, 2.0, 7)
    whole, grad = model.loss_and_grad(x, t, weights=w), model.grad.copy()
    total, n, sums = 0.0, 0.0, np.zeros_like(grad)
    for at in (slice(0, 4), slice(4, 7)):
        part = model.loss_and_grad(x[at], t[at], weights=w[at])
        total, n, sums = total + part.total, n + part.n, sums + part.n * model.grad
    assert n == pytest.approx(whole.n, rel=1e-12)
    assert total / n == pytest.approx(whole.mean, rel=1e-12)
    np.testing.assert_allclose(sums / n, grad, rtol=1e-10, atol=1e-13)


@every_layer
@both_types
def test_arguments_are_not_written_to(case, dtype):
    model, x = case.model(dtype), frozen(case.inputs(dtype=dtype))
    before = x.copy()
    layer = model.layers[0]
    y, cache = layer.forward(x, case.run())
    dy = frozen(some_dy(y))
    dy_before = dy.copy()
    layer.backward(dy, cache)
    layer.backward_params(dy, layer.forward(x, case.run())[1])
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(dy, dy_before)


@every_layer
def test_backward_overwrites_the_gradients(case):
    model, x = case.model(), case.inputs()
    pass_through(case, model, x)
    clean = model.grad.copy()
    model.grad[:] = np.nan
    pass_through(case, model, x)
    np.testing.assert_array_equal(model.grad, clean)


@every_layer
def test_backward_twice_on_a_kept_cache_gives_the_same_bits(case):
    model, x = case.model(), case.inputs()
    layer = model.layers[0]
    y, cache = layer.forward(x, case.run(keep=True))
    dy = some_dy(y)
    first, grad = layer.backward(dy, cache).copy(), model.grad.copy()
    model.grad[:] = np.nan
    np.testing.assert_array_equal(layer.backward(dy, cache), first)
    np.testing.assert_array_equal(model.grad, grad)


@every_layer
def test_keeping_the_tape_changes_no_bit(case):
    model, x = case.model(), case.inputs()
    y, dx, grads = pass_through(case, model, x)
    kept_y, kept_dx, kept_grads = pass_through(case, model, x, keep=True)
    np.testing.assert_array_equal(kept_y, y)
    np.testing.assert_array_equal(kept_dx, dx)
    assert all(np.array_equal(kept_grads[name], g) for name, g in grads.items())


@every_layer
def test_backward_params_writes_the_same_gradients(case):
    model, x = case.model(), case.inputs()
    layer = model.layers[0]
    y, cache = layer.forward(x, case.run())
    dy = some_dy(y)
    layer.backward(dy, cache)
    grad = model.grad.copy()
    model.grad[:] = np.nan
    layer.backward_params(dy, layer.forward(x, case.run())[1])
    np.testing.assert_array_equal(model.grad, grad)


@every_layer
@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_output_has_the_promised_shape(case, n):
    model, x = case.model(), case.inputs(n)
    y, dx, _ = pass_through(case, model, x)
    assert y.shape == model.layers[0].output_shape(x.shape) == (n, *model.output_shape)
    assert dx.shape == x.shape


@every_rowwise_layer
def test_a_batch_is_its_rows(case):
    model, x = case.model(), case.inputs()
    y, dx, _ = pass_through(case, model, x)
    for n in range(len(x)):
        row_y, row_dx, _ = pass_through(case, model, x[n : n + 1])
        np.testing.assert_allclose(row_y[0], y[n], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(row_dx[0], dx[n], rtol=1e-13, atol=1e-15)


@every_layer
@both_types
def test_numbers_keep_their_type(case, dtype):
    model, x = case.model(dtype), case.inputs(dtype=dtype)
    layer = model.layers[0]
    y, cache = layer.forward(x, case.run(keep=True))
    dx = layer.backward(some_dy(y), cache)
    assert y.dtype == dx.dtype == model.theta.dtype == model.grad.dtype == dtype
    inside = {a.dtype for a in arrays(cache) if a.dtype.kind == "f"}
    assert inside <= {np.dtype(dtype)}, f"the cache holds {inside}"


@pytest.mark.parametrize("case", [c for c in LAYERS if not c.ids], ids=lambda case: case.name)
def test_large_inputs_give_finite_outputs_and_gradients(case):
    for dtype in (np.float32, np.float64):
        model = case.model(dtype)
        x = np.where(case.inputs() > 0, 1e4, -1e4).astype(dtype)
        y, dx, grads = pass_through(case, model, x)
        assert all(np.isfinite(a).all() for a in (y, dx, *grads.values()))


@given(n=st.integers(1, 6), inside=st.lists(st.integers(1, 4), max_size=2), d=st.integers(1, 5), k=st.integers(1, 5))
def test_dense_of_any_shape_is_the_naive_twin(n, inside, d, k):
    case = LayerCase("dense", lambda: pl.Dense(k), (*inside, d), naive.dense)
    model, x = case.model(), case.inputs(n)
    y, dx, grads = pass_through(case, model, x)
    p = case.twin_parameters(model, x)
    twin_dx, twin_grads = naive.dense.backward(x.tolist(), p, np.ones_like(y).tolist())
    np.testing.assert_allclose(y, np.array(naive.dense.forward(x.tolist(), p)), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(dx, np.array(twin_dx), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(grads["W"], np.array(twin_grads["W"]), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(grads["b"], np.array(twin_grads["b"]), rtol=1e-12, atol=1e-13)


@given(n=st.integers(1, 6), shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), which=st.integers(0, 99))
def test_any_activation_of_any_shape_is_the_naive_twin(n, shape, which):
    plain = [
        c
        for c in LAYERS
        if c.name.split("_")[0] in ("relu", "leaky", "elu", "sigmoid", "tanh", "silu", "gelu", "softmax")
    ]
    case = dataclasses.replace(plain[which % len(plain)], shape=tuple(shape))
    model, x = case.model(), case.inputs(n)
    y, dx, _ = pass_through(case, model, x)
    np.testing.assert_allclose(y, np.array(case.twin.forward(x.tolist(), {})), rtol=1e-12, atol=1e-14)
    twin_dx, _ = case.twin.backward(x.tolist(), {}, np.ones_like(y).tolist())
    np.testing.assert_allclose(dx, np.array(twin_dx), rtol=1e-12, atol=1e-14)


# ---- what single layers promise beyond the table ---------------------------------------------------------------------


def test_relu_passes_nothing_back_at_exactly_zero():
    layer = pl.ReLU()
    _, cache = layer.forward(np.array([[0.0, -0.0, 1.0]]), pl.Run())
    assert layer.backward(np.ones((1, 3)), cache).tolist() == [[0.0, 0.0, 1.0]]


def test_softmax_has_the_whole_jacobian():
    layer = pl.Softmax()
    y, cache = layer.forward(np.array([[0.3, -1.0, 2.0]]), pl.Run())
    np.testing.assert_allclose(layer.backward(np.ones((1, 3)), cache), 0.0, atol=1e-16)  # the sum of a row is fixed
    dx = layer.backward(np.array([[1.0, 0.0, 0.0]]), cache)
    np.testing.assert_allclose(dx[0], y[0, 0] * (np.array([1.0, 0.0, 0.0]) - y[0]), rtol=1e-14)


def test_dropout_keeps_the_mean_and_drops_the_share():
    x = np.ones((400, 500), np.float32)
    y, _ = pl.Dropout(0.3).forward(x, pl.Run(training=True, rng=np.random.default_rng(0)))
    assert y.mean() == pytest.approx(1.0, abs=0.005)
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert np.unique(y).tolist() == pytest.approx([0.0, 1 / 0.7])


def test_dropout_lets_all_through_when_it_does_not_train():
    x = np.ones((2, 3))
    y, cache = pl.Dropout(0.5).forward(x, pl.Run())
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(pl.Dropout(0.5).backward(x, cache), x)


def test_dropout_in_training_needs_a_stream():
    with pytest.raises(pl.UsageError, match=r"pl\.Run\(training=True, rng="):
        pl.Dropout(0.5).forward(np.ones((2, 3)), pl.Run(training=True))


@pytest.mark.parametrize("drop", [-0.1, 1.0, 1.5, float("nan")])
def test_dropout_refuses_a_share_that_cannot_be_meant(drop):
    with pytest.raises(pl.UsageError, match="0 <= drop < 1"):
        pl.Model(pl.Dropout(drop), input_shape=(3,))


@pytest.mark.parametrize("units", [0, -3, 2.5, "ten"])
def test_dense_refuses_units_that_cannot_be_meant(units):
    with pytest.raises(pl.UsageError, match="whole number of units"):
        pl.Model(pl.Dense(units), input_shape=(3,))


def test_residual_and_reshape_draw_the_shapes_that_do_not_fit():
    with pytest.raises(pl.ShapeError, match=r"(?s)output.*\( *N, 4\).*input.*\( *N, 3\).*axis 1"):
        pl.Model(pl.Residual(pl.Dense(4)), input_shape=(3,))
    with pytest.raises(pl.ShapeError, match="6 numbers a sample out of 5"):
        pl.Model(pl.Reshape((2, 3)), input_shape=(5,))
    with pytest.raises(pl.ShapeError, match="all other axes must agree"):
        pl.Model(pl.Concat(pl.Flatten(), pl.Dense(2)), input_shape=(2, 3))
    with pytest.raises(pl.UsageError, match="at least one branch"):
        pl.Model(pl.Concat(), input_shape=(3,))


def test_the_defaults_are_the_documented_ones():
    assert pl.Dense(3) == pl.Dense(3, init="he", bias=True, penalty=None, bias_penalty=None)
    assert pl.LeakyReLU() == pl.LeakyReLU(slope=0.01)
    assert pl.ELU() == pl.ELU(alpha=1.0)


def test_layers_are_equal_by_their_arguments_and_show_them():
    assert pl.Dense(3) == pl.Dense(3)
    assert pl.Dense(3) != pl.Dense(4)
    assert repr(pl.Dropout(0.5)) == "Dropout(drop=0.5)"
    assert pl.Sequential(pl.ReLU()) == pl.Sequential(pl.ReLU())


def test_an_unbound_layer_says_that_it_has_no_arrays_yet():
    with pytest.raises(AttributeError, match=r"when a pl\.Model is built"):
        _ = pl.Dense(3).W
    with pytest.raises(AttributeError, match="no attribute 'weights'"):
        _ = pl.Dense(3).weights


def test_a_pure_prediction_keeps_no_tape():
    model = pl.Model(pl.Dense(3), pl.Residual(pl.Tanh()), input_shape=(2,))
    _, cache = model.net.forward(np.ones((1, 2), np.float32), pl.Run(tape=False))
    assert cache["tape"] == []
