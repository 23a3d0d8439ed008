"""The learning rate over the steps: where each schedule starts, turns and ends, and what it never does."""

from __future__ import annotations

import inspect
from itertools import pairwise
from math import cos, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid import schedules
from pellucid.schedules import as_schedule

ALL = {
    "constant": pl.constant(0.3),
    "inverse_decay": pl.inverse_decay(0.3, 0.01),
    "step_decay": pl.step_decay(0.3, every=10, factor=0.5),
    "exponential": pl.exponential(0.3, 0.99),
    "cosine": pl.cosine(0.3, 50, final=0.01),
    "warmup": pl.warmup(10, pl.cosine(0.3, 50)),
    "one_cycle": pl.one_cycle(0.3, 50),
}


def rates(schedule: schedules.Schedule, steps: int) -> list[float]:
    return [schedule(step) for step in range(steps)]


def test_every_schedule_is_tested_here():
    public = {name for name, c in vars(schedules).items() if inspect.isclass(c) and c.__module__ == schedules.__name__}
    assert public == ALL.keys()
    assert all(getattr(pl, name) is getattr(schedules, name) for name in public)


@pytest.mark.parametrize("name", ALL)
def test_rates_are_plain_numbers_above_zero_and_at_most_the_peak(name):
    found = rates(ALL[name], 200)
    assert all(type(rate) is float and 0.0 <= rate <= 0.3 + 1e-15 for rate in found)
    assert max(found) == pytest.approx(0.3)
    assert rates(ALL[name], 200) == found  # a schedule has no memory


@pytest.mark.parametrize("name", ["inverse_decay", "step_decay", "exponential", "cosine"])
def test_decays_start_at_the_rate_and_never_rise(name):
    found = rates(ALL[name], 200)
    assert found[0] == 0.3
    assert all(a >= b for a, b in pairwise(found))
    assert found[-1] < 0.3


def test_values():
    assert rates(pl.constant(0.1), 3) == [0.1] * 3
    assert pl.inverse_decay(1.0, 5e-7)(10_000) == 1.0 / 1.005  # the book's decay
    assert rates(pl.step_decay(1.0, 2, 0.5), 6) == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert rates(pl.exponential(1.0, 0.5), 4) == [1.0, 0.5, 0.25, 0.125]
    assert rates(pl.cosine(1.0, 2), 4) == pytest.approx([1.0, 0.5, 0.0, 0.0])
    assert rates(pl.cosine(1.0, 4, final=0.2), 6) == pytest.approx(
        [0.2 + 0.8 * (1 + cos(pi * i / 4)) / 2 for i in (0, 1, 2, 3, 4, 4)]
    )


@given(st.integers(1, 50), st.floats(1e-4, 1.0))
def test_warmup_rises_evenly_to_the_rate_and_then_starts_the_next_at_its_own_zero(steps, lr):
    after = pl.step_decay(lr, 3)
    schedule = pl.warmup(steps, after)
    np.testing.assert_allclose(rates(schedule, steps), [lr * (i + 1) / steps for i in range(steps)])
    assert rates(schedule, steps + 10)[steps:] == rates(after, 10)
    assert pl.warmup(steps, lr)(steps + 5) == lr


def test_one_cycle_rises_to_the_peak_and_falls_to_nearly_nothing():
    found = rates(pl.one_cycle(1.0, 100), 121)
    assert found[0] == pytest.approx(1 / 25)
    assert int(np.argmax(found)) == 30
    assert found[30] == 1.0
    assert all(a < b for a, b in pairwise(found[:31]))
    assert all(a > b for a, b in pairwise(found[30:101]))
    assert found[100:] == pytest.approx([1e-4] * 21)
    assert int(np.argmax(rates(pl.one_cycle(1.0, 100, rise=0.5), 100))) == 50


def test_a_number_is_a_constant_schedule_and_any_function_is_one():
    assert as_schedule(0.1) == pl.constant(0.1)
    assert as_schedule(1)(5) == 1.0

    def mine(step: int) -> float:
        return 1.0 / (step + 1)

    assert as_schedule(mine) is mine
    optimizer = pl.SGD(mine)
    theta = np.zeros(1)
    optimizer.start(theta)
    for step in range(4):
        assert optimizer.rate == mine(step)
        optimizer.step(theta, np.ones(1))
    assert theta[0] == pytest.approx(-(1 + 1 / 2 + 1 / 3 + 1 / 4))


def test_a_schedule_moves_the_rate_of_a_training():
    model = pl.Model(pl.Dense(1), input_shape=(1,))
    x = np.ones((6, 1), np.float32)
    events = list(pl.train(model, (x, x), optimizer=pl.SGD(pl.exponential(0.1, 0.5)), epochs=2, batch_size=2))
    assert [e.lr for e in events if isinstance(e, pl.StepDone)] == [0.1 * 0.5**i for i in range(6)]
    assert [e.lr for e in events if isinstance(e, pl.EpochDone)] == [0.1 * 0.5**3, 0.1 * 0.5**6]


def test_the_defaults_are_the_documented_ones():
    assert pl.step_decay(1.0, 5) == pl.step_decay(1.0, 5, factor=0.1)
    assert pl.cosine(1.0, 5) == pl.cosine(1.0, 5, final=0.0)
    assert pl.one_cycle(1.0, 5) == pl.one_cycle(1.0, 5, rise=0.3)


def test_schedules_are_equal_by_their_numbers():
    assert pl.cosine(0.1, 10) == pl.cosine(0.1, 10) != pl.cosine(0.1, 11)
    assert repr(pl.warmup(5, 0.1)) == "warmup(steps=5, then=0.1)"


@pytest.mark.parametrize("schedule", [pl.cosine(0.1, 0), pl.one_cycle(0.1, 0), pl.step_decay(0.1, every=0)])
def test_a_schedule_over_no_steps_is_refused_in_words(schedule):
    with pytest.raises(pl.UsageError, match="1 or more, not 0"):
        pl.SGD(schedule).start(np.zeros(1))


def test_one_cycle_that_only_rises_ends_at_its_lowest():
    assert pl.one_cycle(1.0, 10, rise=1.0)(11) == pytest.approx(1e-4)
