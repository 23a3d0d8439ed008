"""The drawn data sets: the book's numbers, and nothing outside touched."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import moons, sine, spiral, vertical, xor


def test_spiral_is_the_books() -> None:
    data = spiral(100, 3, seed=0)
    assert data.x.shape == (300, 2)
    np.testing.assert_allclose(data.x[1], [0.00299556, 0.00964661], atol=5e-9)
    np.testing.assert_allclose(data.x[299], [-0.94278876, 0.33339068], atol=5e-9)
    assert data.x.sum() == pytest.approx(-15.34763395559485, abs=1e-12)
    assert data.t.tolist() == [0] * 100 + [1] * 100 + [2] * 100
    assert data.classes == ("0", "1", "2")


def test_vertical_is_the_books() -> None:
    data = vertical(100, 3, seed=0)
    np.testing.assert_allclose(data.x[0], [0.17640524, 0.6883151], atol=5e-8)
    np.testing.assert_allclose(data.x[200:].mean(axis=0), [2 / 3, 0.5], atol=0.03)
    assert np.bincount(data.t).tolist() == [100, 100, 100]


def test_sine_is_the_books() -> None:
    data = sine()
    assert data.x.shape == data.t.shape == (1000, 1)
    assert data.classes == ()
    np.testing.assert_array_equal(data.x[:, 0], np.arange(1000) / 1000)
    np.testing.assert_allclose(data.t, np.sin(2 * np.pi * data.x))


def test_xor_and_moons_lie_where_they_should() -> None:
    square, halves = xor(400, noise=0.1, seed=3), moons(200, noise=0.0, seed=3)
    corner = np.rint(square.x).astype(int)
    assert ((corner[:, 0] ^ corner[:, 1]) == square.t).mean() > 0.99
    upper, lower = halves.x[halves.t == 0], halves.x[halves.t == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0)
    np.testing.assert_allclose(np.hypot(*(lower - [1.0, 0.5]).T), 1.0)


@pytest.mark.parametrize("make", [spiral, vertical, xor, moons])
def test_a_seed_is_a_data_set(make) -> None:
    np.testing.assert_array_equal(make(seed=5).x, make(seed=5).x)
    assert not np.array_equal(make(seed=5).x, make(seed=6).x)
    assert make().t.dtype == np.int64


def test_no_global_state_is_touched() -> None:
    before = np.random.get_state()  # noqa: NPY002 - the global state is what is tested
    for make in (spiral, vertical, xor, moons):
        make(10, seed=1)
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: spiral(0),
        lambda: spiral(classes=0),
        lambda: spiral(seed=-1),
        lambda: vertical(2.5),
        lambda: sine(0),
        lambda: xor(noise=-1.0),
        lambda: xor(seed=-1),
        lambda: moons(noise=float("nan")),
    ],
)
def test_nonsense_is_refused(make) -> None:
    with pytest.raises(pl.UsageError):
        make()
