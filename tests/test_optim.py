"""Every optimizer of the table against its naive twin, step by step; and what an optimizer refuses."""

from __future__ import annotations

import inspect
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn

import pellucid as pl
from pellucid import kernels
from tests.cases import DECAYS, OPTIMIZERS, START, STEPS, problem_gradient, problem_loss

every_optimizer = pytest.mark.parametrize("case", OPTIMIZERS, ids=lambda case: case.name)
every_kernel = pytest.mark.parametrize(
    "kernel",
    ["reference", pytest.param("jit", marks=pytest.mark.skipif(not kernels.available(), reason="numba is missing"))],
)


def walk(optimizer: pl.Optimizer, dtype: type = np.float64, steps: int = STEPS) -> np.ndarray:
    """The parameters after each step on the small problem of the table, (steps, P)."""
    theta, path = np.array(START, dtype), []
    optimizer.start(theta, np.array(DECAYS, dtype), seed=0)
    for _ in range(steps):
        grad = np.array(problem_gradient(theta.tolist()), dtype)
        optimizer.step(theta, grad, loss=lambda: problem_loss(theta.tolist()))
        path.append(theta.copy())
    return np.array(path)


def test_every_optimizer_is_in_the_table():
    public = {c for c in vars(pl).values() if inspect.isclass(c) and issubclass(c, pl.Optimizer)} - {pl.Optimizer}
    assert public <= {type(case.make(0.1)) for case in OPTIMIZERS}


@every_optimizer
@every_kernel
@pytest.mark.parametrize("scheduled", [False, True])
def test_every_step_is_that_of_the_naive_twin(case, kernel, scheduled):
    kernels.use(kernel)
    path = walk(case.make(case.schedule() if scheduled else case.lr))
    rate = case.twin_schedule if scheduled else lambda step: case.lr
    twin = list(case.twin(list(START), problem_gradient, rate, STEPS))
    np.testing.assert_allclose(path, np.array(twin), rtol=1e-12, atol=1e-14)


@every_optimizer
def test_the_problem_gets_better_and_float32_stays_float32(case):
    path = walk(case.make(case.lr), np.float32)
    assert path.dtype == np.float32
    assert problem_loss(path[-1].tolist()) < problem_loss(START)
    optimizer = case.make(case.lr)
    optimizer.start(np.zeros(3, np.float32))
    assert all(getattr(optimizer, name).dtype == np.float32 for name in optimizer.vectors)


@every_optimizer
def test_the_gradient_is_not_written_to_and_theta_moves_in_place(case):
    optimizer = case.make(case.lr)
    theta = np.array(START)
    view = theta[1:3]
    grad = np.array(problem_gradient(START))
    grad.flags.writeable = False
    optimizer.start(theta)
    for _ in range(3):
        optimizer.step(theta, grad, loss=lambda: problem_loss(theta.tolist()))
    assert view.tolist() == theta[1:3].tolist() != START[1:3]
    assert optimizer.t == 3


@every_optimizer
def test_start_forgets_the_past(case):
    optimizer = case.make(case.lr)
    np.testing.assert_array_equal(walk(optimizer), walk(optimizer))


@every_optimizer
def test_a_rate_of_zero_moves_nothing(case):
    np.testing.assert_array_equal(walk(case.make(0.0), steps=3), np.array([START] * 3))


@every_optimizer
@pytest.mark.parametrize("lr", [-0.1, float("nan"), lambda step: -1.0])
def test_a_learning_rate_below_zero_is_refused(case, lr):
    with pytest.raises(pl.UsageError, match=r"learning rate is .* must be 0 or more"):
        case.make(lr).start(np.zeros(2))


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        (pl.SGD(0.1, momentum=1.0), "momentum"),
        (pl.SGD(0.1, momentum=-0.1), "momentum"),
        (pl.RMSprop(0.1, rho=1.0), "rho"),
        (pl.Adam(0.1, beta1=1.0), "beta1"),
        (pl.Adam(0.1, beta2=-0.5), "beta2"),
        (pl.Adam(0.1, eps=-1e-8), "eps"),
        (pl.AdaGrad(0.1, eps=float("nan")), "eps"),
        (pl.AdamW(0.1, weight_decay=-0.1), "weight_decay"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(optimizer, name):
    with pytest.raises(pl.UsageError, match=rf"{type(optimizer).__name__}'s {name} is"):
        optimizer.start(np.zeros(2))


def test_random_search_needs_the_loss():
    optimizer = pl.RandomSearch(0.1)
    optimizer.start(np.zeros(2))
    with pytest.raises(pl.UsageError, match="needs loss="):
        optimizer.step(np.zeros(2), np.zeros(2))


def test_random_search_never_gets_worse_and_follows_its_seed():
    def losses(seed: int) -> list[float]:
        optimizer, theta, out = pl.RandomSearch(0.3), np.array(START), []
        optimizer.start(theta, seed=seed)
        for _ in range(50):
            optimizer.step(theta, theta, loss=lambda: problem_loss(theta.tolist()))
            out.append(problem_loss(theta.tolist()))
        return out

    assert losses(1) == sorted(losses(1), reverse=True)
    assert losses(1) == losses(1) != losses(2)


def test_adams_first_step_has_the_length_of_the_rate_whatever_the_gradients_size():
    for size in (1e-3, 1.0, 1e6):
        theta, optimizer = np.zeros(2), pl.Adam(0.1)
        optimizer.start(theta)
        optimizer.step(theta, np.array([size, -size]))
        np.testing.assert_allclose(theta, [-0.1, 0.1], rtol=1e-4)


def test_adamw_decays_weights_but_not_biases():
    theta, optimizer = np.array([1.0, 1.0]), pl.AdamW(0.1, weight_decay=0.5)
    optimizer.start(theta, np.array([1.0, 0.0]))
    optimizer.step(theta, np.zeros(2))
    assert theta.tolist() == [0.95, 1.0]


def test_adamw_in_a_model_leaves_the_biases_alone():
    model = pl.Model(pl.Dense(3), pl.Dense(2), input_shape=(4,))
    decays = model.decays()
    assert {path: bool(decays[s.at].all()) for path, s in model.slots.items()} == {
        "0.dense.W": True, "0.dense.b": False, "1.dense.W": True, "1.dense.b": False,
    }  # fmt: skip
    assert set(decays.tolist()) == {0.0, 1.0}


def test_the_defaults_are_the_documented_ones():
    assert pl.SGD() == pl.SGD(0.01, momentum=0.0, nesterov=False)
    assert pl.AdaGrad() == pl.AdaGrad(0.01, eps=1e-8)
    assert pl.RMSprop() == pl.RMSprop(0.001, rho=0.9, eps=1e-8)
    assert pl.Adam() == pl.Adam(0.001, beta1=0.9, beta2=0.999, eps=1e-8)
    assert pl.AdamW() == pl.AdamW(0.001, 0.9, 0.999, 1e-8, weight_decay=0.01)
    assert pl.Adam().t == 0


def test_optimizers_are_equal_by_their_settings():
    assert pl.Adam(0.1) == pl.Adam(0.1) != pl.Adam(0.2)
    assert repr(pl.SGD(0.1, momentum=0.9)) == "SGD(lr=0.1, momentum=0.9, nesterov=False)"


@given(g=drawn(np.float64, st.integers(1, 20), elements=st.floats(-1e3, 1e3)), limit=st.floats(0.01, 10.0))
def test_clipping_keeps_the_direction_and_bounds_the_length(g, limit):
    before = g.copy()
    length = pl.clip_norm(g, limit)
    assert length == pytest.approx(sqrt(sum(a * a for a in before.tolist())), rel=1e-12)
    assert float(np.sqrt(g @ g)) <= limit * (1 + 1e-12) or length <= limit
    if length <= limit:
        np.testing.assert_array_equal(g, before)
    else:
        np.testing.assert_allclose(g, before * (limit / length), rtol=1e-12)


def test_vectors_that_are_walked_side_by_side_lie_apart_in_a_page_and_on_a_cache_line() -> None:
    first, optimizer = pl.Model(pl.Dense(3), input_shape=(5,)), pl.Adam()
    for model in (first, first.copy()):
        optimizer.start(model.theta)
        at = [array.ctypes.data for array in (model.theta, model.grad, optimizer.m, optimizer.v)]
        assert all(place % 64 == 0 for place in at)
        assert len({place % 4096 for place in at}) == 4
