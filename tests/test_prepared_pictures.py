"""Pictures before the first layer: sizes, channels, measured figures, and digits as MNIST would have them."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.base.arrays import Array
from pellucid.datasets import as_digit, resized

COLOURS = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3)).astype(np.uint8)
GREYS = COLOURS[..., 0]
DIGITS = pl.datasets.digits()[0].x[:20]


def test_each_channel_is_brought_to_mean_0_and_deviation_1() -> None:
    prepare = pl.Pixels.fit(COLOURS)
    y = prepare(COLOURS)
    assert y.shape == COLOURS.shape
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, atol=1e-5)
    by_hand = (COLOURS / 255.0 - prepare.mean) / prepare.std
    np.testing.assert_allclose(y, by_hand, atol=1e-5)
    np.testing.assert_allclose(pl.Pixels.fit(COLOURS, shape=(90,))(COLOURS), by_hand.reshape(40, 90), atol=1e-5)


def test_grey_pictures_have_one_mean() -> None:
    prepare = pl.Pixels.fit(GREYS, full=16.0)
    assert isinstance(prepare.mean, float)
    assert prepare.mean == pytest.approx(GREYS.mean() / 16)
    assert prepare.std == pytest.approx(GREYS.std() / 16)
    assert pl.Pixels.fit(np.full((4, 2, 2), 7, np.uint8)).std == 1.0, "what never changes is not divided by 0"


def test_only_what_it_was_fitted_on_counts() -> None:
    prepare = pl.Pixels.fit(COLOURS[:20])
    assert prepare == pl.Pixels.fit(COLOURS[:20].copy())
    assert prepare != pl.Pixels.fit(COLOURS)


@pytest.mark.parametrize("full", [255.0, 1.0, 16.0])
def test_pictures_of_another_size_are_brought_to_it(full: float) -> None:
    prepare = pl.Pixels((6 * 5 * 3,), full, (6, 5, 3))
    large = np.kron(COLOURS, np.ones((1, 3, 2, 1))) * (full / 255.0)
    y = prepare(large)
    small = np.stack([resized(p * (255.0 / full), (6, 5)) for p in large]) / 255.0
    np.testing.assert_allclose(y, small.reshape(40, -1), atol=1e-6)
    assert np.abs(y - COLOURS.reshape(40, -1) / 255.0).mean() < 0.12


def test_grey_and_coloured_pictures_are_asked_of_one_another() -> None:
    coloured = pl.Pixels((6, 5, 3), picture=(6, 5, 3))
    np.testing.assert_allclose(coloured(GREYS), np.repeat(GREYS[..., None], 3, axis=3) / 255.0, atol=1e-6)
    grey = pl.Pixels((30,), picture=(6, 5))
    brightness = COLOURS @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(grey(COLOURS), brightness.reshape(40, 30) / 255.0, atol=0.0021)


def test_rows_that_were_made_of_pictures_are_taken() -> None:
    prepare = pl.Pixels.fit(COLOURS)
    np.testing.assert_array_equal(prepare(COLOURS.reshape(40, -1)), prepare(COLOURS))


def test_a_size_that_no_network_has_makes_no_room() -> None:
    with pytest.raises(pl.ShapeError, match="do not have the size"):
        pl.Pixels((9,), picture=(1 << 30, 1 << 30))(COLOURS)


# ---- digits ----------------------------------------------------------------------------------------------------------


def drawings(x: Array) -> Array:
    """Digits as somebody draws them: dark on light, three times as large, not in the middle."""
    y = np.full((len(x), 110, 100), 255, np.uint8)
    y[:, 20:104, 3:87] = 255 - np.kron(x, np.ones((1, 3, 3), np.uint8))
    return y


def test_mnist_is_taken_as_it_is() -> None:
    np.testing.assert_allclose(pl.Digits()(DIGITS), DIGITS.reshape(20, 784) / 255.0, atol=1e-6)
    moved = np.roll(DIGITS, 2, axis=1)
    np.testing.assert_array_equal(pl.Digits((28, 28))(moved), pl.Pixels((28, 28))(moved))


@pytest.mark.parametrize("shape", [(784,), (28, 28), (28, 28, 1)])
def test_a_drawing_becomes_what_mnist_has(shape: tuple[int, ...]) -> None:
    y = pl.Digits(shape)(drawings(DIGITS))
    assert y.shape == (20, *shape)
    expected = np.stack([as_digit(p) for p in drawings(DIGITS)]).reshape(20, *shape) / 255.0
    np.testing.assert_allclose(y, expected, atol=1e-6)
    assert np.abs(y - pl.Digits(shape)(DIGITS)).mean() < 0.03


def test_each_picture_of_28x28_is_judged_by_itself() -> None:
    mixed = DIGITS.copy()
    mixed[::2] = 255 - mixed[::2]
    y = pl.Digits()(mixed)
    np.testing.assert_array_equal(y[1::2], pl.Digits()(DIGITS)[1::2])
    np.testing.assert_allclose(y[::2], [as_digit(p).ravel() / 255.0 for p in DIGITS[::2]], atol=1e-6)
    assert (mixed[0] == 255 - DIGITS[0]).all(), "the argument stays as it was"


def test_digits_in_colour_are_their_brightness() -> None:
    coloured = np.repeat(drawings(DIGITS)[..., None], 3, axis=3)
    np.testing.assert_allclose(pl.Digits()(coloured), pl.Digits()(drawings(DIGITS)), atol=0.01)


def test_digits_have_mean_0_and_deviation_1_if_they_are_fitted() -> None:
    y = pl.Digits.fit(DIGITS)(DIGITS)
    assert abs(float(y.mean())) < 1e-6
    assert float(y.std()) == pytest.approx(1, abs=1e-5)


def test_an_empty_picture_is_named() -> None:
    x = drawings(DIGITS[:3])
    x[1] = 255
    with pytest.raises(pl.DataError, match=r"Picture 1 of 3: The picture is empty"):
        pl.Digits()(x)


def test_a_model_of_digits_is_asked_about_drawings() -> None:
    train, test = pl.datasets.digits()
    model = pl.Model(pl.Dense(10), loss=pl.SoftmaxCrossEntropy(), input_shape=(784,), prepare=pl.Digits())
    model.fit(train.x, train.t, epochs=4, optimizer=pl.Adam(0.01), verbose=False)
    few = test[:200]
    plain, drawn = (float(model.evaluate(x, few.t)["accuracy"]) for x in (few.x, drawings(few.x)))
    assert plain > 0.85
    assert drawn > plain - 0.05


def test_the_summary_says_what_is_done() -> None:
    def said(prepare: pl.Pixels | pl.Digits) -> str:
        text = pl.Model(pl.Dense(2), input_shape=prepare.shape, prepare=prepare).summary()
        return next(line for line in text.splitlines() if line.startswith("before the first layer: "))

    assert said(pl.Digits()).endswith(
        "digits, cut out, fitted into 20x20, laid by their centre of mass into 28x28, light on dark; x / 255"
    )
    channels = pl.Pixels((90,), picture=(6, 5, 3), mean=(0.5, 0.25, 0.125), std=(0.1, 0.2, 0.3))
    assert said(channels).endswith("pictures, each brought to 6x5x3; (x / 255 - [0.5, 0.25, 0.125]) / [0.1, 0.2, 0.3]")
    assert said(pl.Pixels((9,))) == "before the first layer: Pixels(shape=[9])"


def test_a_drawing_is_seen_the_same_in_any_company():
    dim = ((255 - DIGITS) * 0.45).astype(np.uint8)  # dark on dim paper
    alone = pl.Digits()(dim)
    np.testing.assert_array_equal(pl.Digits()(np.concatenate([dim, DIGITS[:1]]))[: len(dim)], alone)
    assert np.abs(alone - pl.Digits()(DIGITS)).mean() < 0.05


def test_a_folder_s_network_centres_drawings_that_nobody_cut_out():
    corner = np.zeros_like(DIGITS)
    corner[:, :16, :16] = [resized(digit[4:24, 4:24], (16, 16)) for digit in DIGITS]
    drawn = pl.Digits((28, 28), drawn=True)
    np.testing.assert_array_equal(drawn(corner), pl.Digits((28, 28))(np.stack([as_digit(x) for x in corner])))
    np.testing.assert_array_equal(pl.Digits((28, 28))(corner), pl.Pixels((28, 28))(corner))  # as training moved them
    for moved in (DIGITS, np.roll(DIGITS, 2, axis=2), np.zeros_like(DIGITS)):  # what augmentation does stays
        np.testing.assert_array_equal(drawn(moved), pl.Digits((28, 28))(moved))


@pytest.mark.parametrize("prepare", [pl.Digits(), pl.Pixels((784,)), pl.Pixels((784,), 16.0)])
def test_fractions_for_a_network_of_bytes_are_refused(prepare):
    with pytest.raises(pl.DataError, match=r"hold fractions up to 1, and the network learned pixels from 0 to"):
        prepare(DIGITS / 255.0)
    with pytest.raises(pl.DataError, match="true and false"):
        prepare(DIGITS > 100)
    assert prepare(np.zeros((2, 28, 28))).shape == (2, 784)  # nothing on it, so nothing to mistake
    assert pl.Pixels((784,), 1.0)(DIGITS / 255.0).max() == 1.0
