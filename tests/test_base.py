"""Floor 0: sums, stable functions, the normal distribution, tallies, seeds, initial weights, parameters, errors."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from hypothesis.extra.numpy import arrays as drawn

import pellucid as pl
from pellucid.base.arrays import max_last, sum_last, sum_rows
from pellucid.base.errors import draw_shapes
from pellucid.base.init import NAMED, find_init
from pellucid.base.normal import normal_cdf, normal_pdf
from pellucid.base.params import Allocator
from pellucid.base.seeds import stream
from pellucid.base.stable import log_softmax, log_sum_exp, sigmoid, softmax, softplus
from pellucid.base.tally import Tally

both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
EXTREMES = [0.0, 1e-300, 1e-8, 0.1, 1.0, 3.7, 20.0, 36.0, 700.0, 1e4, 1e300]
EVERYWHERE = np.array([*(-a for a in EXTREMES), *EXTREMES])
EPS = 2.0**-52


# ---- arrays ----------------------------------------------------------------------------------------------------------


@given(x=drawn(np.float64, array_shapes(min_dims=1, max_dims=4, max_side=5), elements=st.floats(-1e6, 1e6)))
def test_the_sums_are_numpys(x):
    np.testing.assert_allclose(sum_rows(x), x.reshape(-1, x.shape[-1]).sum(axis=0), rtol=1e-12, atol=1e-6)
    np.testing.assert_allclose(sum_last(x)[..., 0], x.sum(axis=-1), rtol=1e-12, atol=1e-6)
    np.testing.assert_array_equal(max_last(x), x.max(axis=-1, keepdims=True))


@pytest.mark.parametrize("shape", [(1, 3), (5, 1), (5, 64), (5, 65), (2, 3, 4), (7,)])
@both_types
def test_the_sums_keep_the_type_and_the_shape(shape, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    assert sum_rows(x).dtype == sum_last(x).dtype == max_last(x).dtype == dtype
    assert sum_rows(x).shape == shape[-1:]
    assert sum_last(x).shape == max_last(x).shape == (*shape[:-1], 1)


# ---- stable ----------------------------------------------------------------------------------------------------------


def exact_sigmoid(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a)) if a >= 0 else math.exp(a) / (1.0 + math.exp(a))


def test_sigmoid_is_the_textbooks_without_its_overflow():
    # tanh's form is exact to the last bit of 1, not to the last bit of a tiny probability; nothing here needs that
    np.testing.assert_allclose(sigmoid(EVERYWHERE), [exact_sigmoid(a) for a in EVERYWHERE], rtol=0, atol=2 * EPS)
    x = np.linspace(-50, 50, 1001)
    np.testing.assert_allclose(sigmoid(x), [exact_sigmoid(a) for a in x], rtol=0, atol=2 * EPS)
    np.testing.assert_allclose(sigmoid(x) + sigmoid(-x), 1.0, rtol=0, atol=2 * EPS)


def test_softplus_is_exact_to_the_last_digits_everywhere():
    def exact(a: float) -> float:
        return a + math.log1p(math.exp(-a)) if a > 0 else math.log1p(math.exp(a))

    np.testing.assert_allclose(softplus(EVERYWHERE), [exact(a) for a in EVERYWHERE], rtol=4 * EPS)


@given(
    x=drawn(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 70)), elements=st.floats(-1e4, 1e4)),
    c=st.integers(-1000, 1000),
)
def test_softmax_is_the_textbooks_and_ignores_a_common_shift(x, c):
    p = softmax(x)
    for row, given_row in zip(p, x.tolist(), strict=True):
        e = [math.exp(a - max(given_row)) for a in given_row]
        np.testing.assert_allclose(row, [a / math.fsum(e) for a in e], rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(p.sum(axis=-1), 1.0, rtol=1e-13)
    np.testing.assert_allclose(softmax(x + c), p, rtol=1e-10, atol=1e-300)


@given(x=drawn(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 70)), elements=st.floats(-1e4, 1e4)))
def test_log_softmax_and_log_sum_exp_are_finite_and_exact(x):
    for n, row in enumerate(x.tolist()):
        top = max(row)
        exact = top + math.log(math.fsum(math.exp(a - top) for a in row))
        assert log_sum_exp(x)[n, 0] == pytest.approx(exact, rel=1e-13, abs=1e-13)
        np.testing.assert_allclose(log_softmax(x)[n], [a - exact for a in row], rtol=1e-12, atol=1e-11)


@both_types
def test_the_stable_functions_are_finite_at_every_finite_number_and_keep_the_type(dtype):
    x = np.array([[-1e4, 0.0, 1e4], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4]], dtype)
    for f in (sigmoid, softplus, softmax, log_softmax, log_sum_exp, normal_cdf, normal_pdf):
        assert np.isfinite(f(x)).all(), f.__name__
        assert f(x).dtype == dtype, f.__name__


# ---- normal ----------------------------------------------------------------------------------------------------------


def test_normal_cdf_is_erfcs_to_the_last_digits_in_the_tails_too():
    x = np.linspace(-37.0, 9.0, 9201)
    exact = np.array([0.5 * math.erfc(-a / math.sqrt(2.0)) for a in x.tolist()])
    error = np.abs(normal_cdf(x) - exact) / exact
    middle = np.abs(x) <= 1.0
    assert error[middle].max() <= 1e-15
    # Far out e^(-x^2 / 2) turns a last digit of x into x^2 last digits of the result; erfc itself can do no more.
    assert (error <= EPS * (5.0 + 2.0 * x * x))[x > -37.0].all()
    assert np.abs(normal_cdf(x) - exact).max() <= 2 * EPS


def test_normal_cdf_far_out_is_exactly_0_or_1():
    np.testing.assert_array_equal(normal_cdf(np.array([-1e150, -50.0, 50.0, 1e150])), [0.0, 0.0, 1.0, 1.0])


def test_normal_cdf_in_float32_is_exact_to_float32():
    x = np.linspace(-9, 9, 2001, dtype=np.float32)
    exact = np.array([0.5 * math.erfc(-a / math.sqrt(2.0)) for a in x.tolist()])
    np.testing.assert_allclose(normal_cdf(x), exact, rtol=2e-5, atol=1e-7)
    assert normal_cdf(x).dtype == np.float32


def test_normal_pdf_is_the_density_and_the_slope_of_the_cdf():
    x = np.linspace(-6, 6, 121)
    np.testing.assert_allclose(normal_pdf(x), [NormalDist().pdf(a) for a in x.tolist()], rtol=1e-13)
    h = 1e-5
    np.testing.assert_allclose(normal_pdf(x), (normal_cdf(x + h) - normal_cdf(x - h)) / (2 * h), rtol=0, atol=1e-10)


# ---- tally -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(1, 100)), min_size=1, max_size=10))
def test_tallies_of_batches_add_up_to_the_mean_of_all(batches):
    whole = sum((Tally(mean * n, n) for mean, n in batches), Tally())
    n = sum(n for _, n in batches)
    assert whole.n == n
    assert whole.mean == pytest.approx(math.fsum(mean * n for mean, n in batches) / n, rel=1e-12, abs=1e-9)


def test_the_mean_of_nothing_is_nan():
    assert math.isnan(Tally().mean)
    assert (Tally() + Tally(3.0, 2)).mean == 1.5


# ---- seeds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ((0, "init"), [0.5551902840078924, 0.4931249141248184]),
        ((1, "init"), [0.9287628381543862, 0.8829311283268056]),
        ((0, "shuffle", 0), [0.7978902273275558, 0.869355423172248]),
        ((0, "shuffle", 1), [0.5449104439098573, 0.32623016753674394]),
        ((0, "noise"), [0.20105964132307785, 0.7990296072608388]),
        ((0, "augment"), [0.18920456032740762, 0.27380845648800456]),
        ((0, "split"), [0.30658072405581827, 0.5303951319189307]),
    ],
)
def test_a_named_stream_gives_the_same_numbers_for_ever(name, first):
    assert stream(*name).random(2).tolist() == first


@given(st.integers(0, 2**32), st.lists(st.text(max_size=4) | st.integers(0, 99), max_size=3))
def test_a_stream_is_known_by_its_seed_and_its_whole_name(seed, name):
    numbers = stream(seed, *name).random(4).tolist()
    assert stream(seed, *name).random(4).tolist() == numbers
    assert stream(seed + 1, *name).random(4).tolist() != numbers
    assert stream(seed, *name, "more").random(4).tolist() != numbers


def test_names_do_not_run_into_each_other():
    names = [("ab", "c"), ("a", "bc"), ("abc",), ("ab", "c", ""), ("", "ab", "c"), ("shuffle", 1), ("shuffle", 11)]
    assert len({stream(0, *name).random() for name in names}) == len(names)


def test_streams_have_nothing_to_do_with_each_other():
    a, b = stream(0, "init").normal(size=20_000), stream(0, "noise").normal(size=20_000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03


# ---- init ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        (pl.Normal(0.01), 0.01**2),
        (pl.LeCun(), 1 / 400),
        (pl.He(), 2 / 400),
        (pl.Glorot(), 2 / (400 + 300)),
        (pl.Orthogonal(), 1 / 400),
        (pl.Orthogonal(gain=2.0), 4 / 400),
    ],
    ids=repr,
)
def test_initial_weights_have_mean_0_and_the_promised_variance(init, variance):
    W = init(np.random.default_rng(0), (400, 300), 400, 300)
    assert W.shape == (400, 300)
    assert W.var() == pytest.approx(variance, rel=0.02)
    assert abs(W.mean()) < 4 * math.sqrt(variance / W.size)


def test_the_defaults_are_the_documented_ones():
    assert pl.Normal() == pl.Normal(std=0.01)
    assert pl.Constant() == pl.Constant(0.0)
    assert pl.Orthogonal() == pl.Orthogonal(gain=1.0)
    assert pl.Param((2,)) == pl.Param((2,), pl.Constant(0.0), fan=(1, 1), decay=True, penalty=None)


def test_glorot_stays_within_its_limit_and_fills_it():
    W = pl.Glorot()(np.random.default_rng(0), (40, 20), 40, 20)
    assert 0.095 < np.abs(W).max() * math.sqrt(60 / 6) * 0.1 <= 0.1


@given(st.integers(1, 8), st.integers(1, 8), st.floats(0.1, 3.0))
def test_orthogonal_vectors_are_orthonormal_times_the_gain(rows, columns, gain):
    W = pl.Orthogonal(gain)(np.random.default_rng(0), (rows, columns), rows, columns) / gain
    product = W.T @ W if rows >= columns else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_takes_all_axes_but_the_last_as_one():
    W = pl.Orthogonal()(np.random.default_rng(0), (3, 3, 2, 5), 18, 5)
    assert W.shape == (3, 3, 2, 5)
    np.testing.assert_allclose(W.reshape(18, 5).T @ W.reshape(18, 5), np.eye(5), atol=1e-12)


def test_he_keeps_the_size_of_numbers_through_many_relu_layers():
    model = pl.Model(*[layer for _ in range(20) for layer in (pl.Dense(256), pl.ReLU())], input_shape=(256,))
    x = np.random.default_rng(0).normal(size=(64, 256)).astype(np.float32)
    assert 0.2 < float((model.predict(x) ** 2).mean() / (x**2).mean()) < 5.0


def test_initialisers_are_found_by_name_or_given():
    assert [find_init(name) for name in ("zeros", "ones")] == [pl.Constant(0.0), pl.Constant(1.0)]
    assert find_init(pl.Normal(0.5)) == pl.Normal(0.5)
    with pytest.raises(pl.UsageError, match=r"no initialiser 'xavier'.*" + ".*".join(NAMED)):
        find_init("xavier")
    with pytest.raises(pl.UsageError, match="no initialiser 'heh'"):
        pl.Model(pl.Dense(2, init="heh"), input_shape=(2,))


# ---- params ----------------------------------------------------------------------------------------------------------


def test_every_parameter_and_gradient_is_a_view_of_one_vector():
    model = pl.Model(pl.Dense(3), pl.Residual(pl.Dense(3)), pl.Dense(2, bias=False), input_shape=(4,))
    dense, inner, last = model.layers[0], model.layers[1].layers[0], model.layers[2]
    model.theta[:], model.grad[:] = np.arange(model.theta.size), -np.arange(model.grad.size)
    owners = {"0.dense": dense, "1.residual.0.dense": inner, "2.dense": last}
    for path, slot in model.slots.items():
        owner = owners[path.rpartition(".")[0]]
        name = path.rpartition(".")[2]
        assert getattr(owner, name).ravel().tolist() == list(range(slot.at.start, slot.at.stop))
        assert getattr(owner, "d" + name).ravel().tolist() == [-i for i in range(slot.at.start, slot.at.stop)]
        getattr(owner, name)[...] = 0.0
        getattr(owner, "d" + name)[...] = 0.0
    assert not model.theta.any()
    assert not model.grad.any()


def test_the_slots_cover_the_vector_once_and_in_order():
    model = pl.Model(pl.Dense(3), pl.Concat(pl.Dense(2), pl.Dense(1)), input_shape=(4,))
    assert list(model.slots) == [
        "0.dense.W", "0.dense.b",
        "1.concat.0.dense.W", "1.concat.0.dense.b", "1.concat.1.dense.W", "1.concat.1.dense.b",
    ]  # fmt: skip
    edges = [0] + [slot.at.stop for slot in model.slots.values()]
    assert [slot.at.start for slot in model.slots.values()] == edges[:-1]
    assert edges[-1] == model.theta.size == 15 + 8 + 4


def test_a_layer_object_belongs_to_one_place_of_one_model():
    dense = pl.Dense(3)
    with pytest.raises(pl.UsageError, match=r"same Dense object stands at 2\.dense and earlier"):
        pl.Model(dense, pl.ReLU(), dense, input_shape=(3,))
    dense = pl.Dense(3)
    pl.Model(dense, input_shape=(3,))
    with pytest.raises(pl.UsageError, match=r"Dense at 0\.dense already belongs to a model.*model\.copy\(\)"):
        pl.Model(dense, input_shape=(3,))


def test_buffers_have_no_gradient():
    class Owner:
        pass

    owner, allocator = Owner(), Allocator(np.float32)
    allocator.ask(owner, "0.norm", "mean", pl.Param((2,), pl.Constant(3.0)), gradient=False)
    vector, _, slots = allocator.allocate(np.random.default_rng(0))
    assert vector.tolist() == owner.mean.tolist() == [3.0, 3.0]
    assert not hasattr(owner, "dmean")
    assert vector.dtype == np.float32
    assert slots[0].path == "0.norm.mean"


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_shape", "expected", "axes"),
    [
        ((32, 783), (None, 784), "axis 1"),
        ((32, 28, 27), (None, 28, 28), "axis 2"),
        ((2, 3), (None, 3, 4), "axis 2"),
        ((2, 3, 4), (None, 3), "axis 2"),
        ((5, 5), (6, 6), "axes 0, 1"),
        ((), (None, 3), "axis 1"),
    ],
)
def test_two_shapes_are_drawn_with_a_mark_under_what_differs(given_shape, expected, axes):
    lines = draw_shapes(given_shape, expected).splitlines()
    assert lines[0].strip().startswith("given")
    assert lines[1].strip().startswith("expected")
    assert lines[2].endswith(axes)
    assert "^" in lines[2]


def test_a_drawing_stands_in_columns():
    assert draw_shapes((128, 28, 27), (None, 28, 28), "images", "layer") == (
        "  images  (128, 28, 27)\n"
        "  layer   (  N, 28, 28)\n"
        "                    ^^  axis 2"
    )  # fmt: skip
    assert draw_shapes((5,), (7,)).splitlines()[:2] == ["  given     (5,)", "  expected  (7,)"]


def test_shapes_that_agree_are_drawn_without_a_mark():
    assert "^" not in draw_shapes((7, 3), (None, 3))


def test_every_error_is_a_pellucid_error_and_what_python_expects():
    for error, python in {
        pl.UsageError: ValueError, pl.ShapeError: ValueError, pl.DataError: ValueError,
        pl.FileError: OSError, pl.Diverged: ArithmeticError,
    }.items():  # fmt: skip
        assert issubclass(error, pl.PellucidError)
        assert issubclass(error, python)


# ---- run -------------------------------------------------------------------------------------------------------------


@both_types
def test_uniform_numbers_have_the_type_and_shape_of_their_model(dtype):
    u = pl.Run(training=True, rng=np.random.default_rng(0)).uniform(np.zeros((200, 50), dtype))
    assert u.dtype == dtype
    assert u.shape == (200, 50)
    assert 0.0 <= u.min() < 0.01
    assert 0.99 < u.max() < 1.0
