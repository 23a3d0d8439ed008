"""What the layers for pictures promise beyond the table: bad input in words, ties, parts of a batch, files."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.layers import correlate
from pellucid.layers.window import place

PICTURE_LAYERS = [
    pl.Conv2D(2, 3),
    pl.ConvTranspose2D(2, 3),
    pl.MaxPool2D(),
    pl.AvgPool2D(),
    pl.GlobalAvgPool2D(),
    pl.UpSample2D(),
    pl.SpatialDropout2D(0.5),
]


def refusal(layer: pl.Layer, shape: tuple[int, ...]) -> str:
    with pytest.raises(pl.UsageError) as caught:
        pl.Model(layer, input_shape=shape)
    return str(caught.value)


WINDOW_LAYERS = PICTURE_LAYERS[:4]


@pytest.mark.parametrize("layer", WINDOW_LAYERS, ids=lambda layer: layer.kind)
def test_channels_first_is_recognised_and_the_way_out_is_said(layer):
    text = refusal(layer, (3, 32, 32))
    assert "(N, channels, height, width)" in text
    assert "given     (N,  3, 32, 32)" in text
    assert "expected  (N, 32, 32,  3)" in text
    assert "x.transpose(0, 2, 3, 1)" in text
    assert "input_shape=(32, 32, 3)" in text


def test_grey_pictures_with_the_channel_first_are_recognised():
    assert "input_shape=(28, 28, 1)" in refusal(pl.Conv2D(2, 3), (1, 28, 28))
    assert "input_shape=(28, 28, 1)" in refusal(pl.Conv2D(2, 3, padding="same"), (1, 28, 28))


def test_a_small_feature_map_is_not_taken_for_channels_first():
    assert pl.Model(pl.Conv2D(2, (1, 3)), input_shape=(1, 32, 32)).output_shape == (1, 30, 2)
    assert pl.Model(pl.MaxPool2D(), input_shape=(4, 8, 8)).output_shape == (2, 4, 8)
    assert pl.Model(pl.GlobalAvgPool2D(), input_shape=(3, 32, 32)).output_shape == (32,)
    assert pl.Model(pl.Conv2D(2, 1), input_shape=(3, 4, 32)).output_shape == (3, 4, 2)
    assert pl.Model(pl.Conv2D(2, 3, padding="same"), input_shape=(4, 4, 64)).output_shape == (4, 4, 2)


def test_a_batch_with_the_channels_first_is_told_from_one_to_be_reshaped():
    model = pl.Model(pl.Conv2D(2, 3), input_shape=(6, 5, 3))
    with pytest.raises(pl.ShapeError, match=r"x\.transpose\(0, 2, 3, 1\)"):
        model.predict(np.zeros((2, 3, 6, 5)))


@pytest.mark.parametrize("layer", PICTURE_LAYERS, ids=lambda layer: layer.kind)
@pytest.mark.parametrize(
    ("shape", "drawn", "way_out"),
    [
        ((28, 28), "expected  (N, 28, 28, 1)", "pl.Reshape((28, 28, 1))"),
        ((784,), "expected  (N,  28, 28, 1)", "pl.Reshape((28, 28, 1))"),
        ((10,), "given     (N, 10)", "pl.Reshape((height, width, channels))"),
        ((2, 8, 8, 3), "given     (N, 2, 8, 8, 3)", "pl.Reshape((height, width, channels))"),
    ],
    ids=["grey", "row", "no_square", "five_axes"],
)
def test_what_is_no_batch_of_pictures_is_drawn_with_the_way_out(layer, shape, drawn, way_out):
    text = refusal(layer, shape)
    assert "takes pictures (N, height, width, channels)" in text
    assert drawn in text
    assert way_out in text


def test_conv1d_takes_sequences():
    assert "Pictures go into pl.Conv2D" in refusal(pl.Conv1D(2, 3), (8, 8, 3))
    text = refusal(pl.Conv1D(2, 3), (8,))
    assert "three axes; it was given 2" in text
    assert "pl.Reshape((times, channels))" in text


@pytest.mark.parametrize(
    ("layer", "shape", "sizes", "least"),
    [
        (pl.Conv2D(2, 5), (4, 6, 1), "5 x 5 is larger than the picture of 4 x 6", "(N, 5, 6, 1)"),
        (pl.Conv2D(2, 7, padding=1), (4, 6, 1), "7 x 7 is larger than the picture of 6 x 8 (with", "(N, 5, 6, 1)"),
        (pl.Conv2D(2, 3, dilation=3), (6, 9, 1), "3 x 3, which dilation 3 x 3 stretches to 7 x 7,", "(N, 7, 9, 1)"),
        (pl.Conv1D(2, 6), (5, 2), "the window of 6 is longer than the sequence of 5", "(N, 6, 2)"),
        (pl.MaxPool2D(3), (2, 4, 1), "3 x 3 is larger than the picture of 2 x 4", "(N, 3, 4, 1)"),
        (pl.AvgPool2D((1, 5)), (3, 4, 1), "1 x 5 is larger than the picture of 3 x 4", "(N, 3, 5, 1)"),
    ],
    ids=["conv", "padded", "dilated", "sequence", "max", "avg"],
)
def test_a_window_larger_than_the_padded_picture_is_drawn(layer, shape, sizes, least):
    text = refusal(layer, shape)
    assert sizes in text
    assert f"given     (N, {', '.join(map(str, shape))})" in text
    assert f"at least  {least}" in text
    axis = next(a for a, (have, need) in enumerate(zip(shape, sizes_of(least), strict=True)) if have != need) + 1
    assert text.split("\n")[3].endswith(f"axis {axis}")
    assert 'padding="same"' in text


@pytest.mark.parametrize("layer", [pl.Conv2D(2, 1), pl.MaxPool2D(1), pl.GlobalAvgPool2D(), pl.UpSample2D()])
def test_a_picture_without_a_pixel_is_refused(layer):
    text = refusal(layer, (4, 0, 1))
    assert "without a pixel" in text
    assert "given     (N, 4, 0, 1)\n  at least  (N, 4, 1, 1)" in text


@pytest.mark.parametrize("padding", ["valid", "same", 1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize(("size", "kernel", "dilation"), [(11, 2, 1), (12, 3, 2), (5, 5, 1), (7, 1, 1)])
def test_what_no_window_reaches_is_counted(size, kernel, dilation, stride, padding):
    at = place("Conv2D", (1, size, size + 1, 1), kernel, stride, padding, dilation)
    for axis in (0, 1):
        reach = max(dilation * (kernel - 1) + 1, stride)  # with what a long stride leaves out after a window
        covered = {i * stride + k - at.pads[axis][0] for i in range(at.out[axis]) for k in range(reach)}
        assert at.unseen[axis] == len(set(range(at.inside[axis])) - covered)
        assert padding != "same" or at.unseen[axis] == 0


def sizes_of(drawn: str) -> list[int]:
    """(N, 5, 6, 1) -> [5, 6, 1]"""
    return [int(size) for size in drawn.strip("()").split(", ")[1:]]


def test_groups_must_cut_channels_and_filters_without_a_rest():
    text = refusal(pl.Conv2D(4, 3, groups=2), (8, 8, 5))
    assert "cannot cut 5 channels into groups=2" in text
    assert "given     (N, 8, 8, 5)" in text
    assert "expected  (N, 8, 8, 6)" in text
    assert "share 5 filters among groups=2: take 6 filters" in refusal(pl.Conv2D(5, 3, groups=2), (8, 8, 4))
    assert "cannot cut 3 channels into groups=2" in refusal(pl.Conv1D(4, 3, groups=2), (8, 3))


@pytest.mark.parametrize("value", [0, -1, 1.5, "two", True, (1, 2, 3), (1, 0)])
@pytest.mark.parametrize("name", ["kernel", "stride", "dilation"])
def test_a_window_is_of_whole_numbers(name, value):
    text = refusal(pl.Conv2D(**({"filters": 2, "kernel": 3} | {name: value})), (8, 8, 1))
    assert f"{name} is a whole number of 1 or more" in text
    assert repr(value) in text


@pytest.mark.parametrize("value", [0, -1, 1.5, (2, 2)])
@pytest.mark.parametrize("name", ["filters", "kernel", "stride", "dilation", "groups"])
def test_conv1d_is_of_whole_numbers(name, value):
    assert f"Conv1D: {name} is a whole number of 1 or more, not {value!r}" in refusal(
        pl.Conv1D(**({"filters": 2, "kernel": 3} | {name: value})), (8, 2)
    )


@pytest.mark.parametrize("layer", [pl.Conv2D(2, 3, padding="full"), pl.MaxPool2D(padding="full")])
def test_padding_has_two_names(layer):
    assert 'padding is "valid", "same" or a number, not \'full\'' in refusal(layer, (8, 8, 1))


def test_padding_is_not_negative_and_pooling_never_sees_padding_alone():
    assert "padding is a whole number of 0 or more" in refusal(pl.Conv2D(2, 3, padding=-1), (8, 8, 1))
    assert "hold nothing of the picture" in refusal(pl.MaxPool2D(2, padding=2), (8, 8, 1))
    assert "hold nothing of the picture" in refusal(pl.AvgPool2D(2, padding=(0, 2)), (8, 8, 1))
    text = refusal(pl.ConvTranspose2D(2, 3, padding=2), (2, 2, 1))
    assert "padding  (4, 4)" in text
    assert "picture  (4, 4)" in text


@pytest.mark.parametrize("drop", [-0.1, 1.0, float("nan")])
def test_spatial_dropout_refuses_a_share_that_cannot_be_meant(drop):
    assert "0 <= drop < 1" in refusal(pl.SpatialDropout2D(drop), (4, 4, 2))


def test_the_error_names_the_layer_in_the_model():
    with pytest.raises(pl.ShapeError, match=r"Layer 2\.conv2d does not fit"):
        pl.Model(pl.Conv2D(2, 3), pl.MaxPool2D(), pl.Conv2D(2, 5), input_shape=(9, 9, 1))


# ---- what is not bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_same_gives_one_place_for_each_step(size, stride, kernel):
    model = pl.Model(pl.Conv2D(1, kernel, stride, "same"), input_shape=(size, size, 1))
    assert model.output_shape == (-(-size // stride), -(-size // stride), 1)


def test_pixels_that_fill_no_window_get_no_gradient():
    x = np.random.default_rng(0).normal(size=(1, 5, 5, 1))
    for layer in (pl.MaxPool2D(), pl.AvgPool2D()):
        y, cache = layer.forward(x, pl.Run())
        dx = layer.backward(np.ones_like(y), cache)
        assert not dx[:, 4].any()
        assert not dx[:, :, 4].any()
        assert dx.sum() == pytest.approx(4.0)


def test_the_first_of_equal_numbers_wins_row_by_row():
    x = np.array([[0.0, 7.0], [7.0, 7.0]]).reshape(1, 2, 2, 1)
    y, cache = pl.MaxPool2D().forward(x, pl.Run())
    assert y.ravel().tolist() == [7.0]
    assert pl.MaxPool2D().backward(np.ones_like(y), cache).ravel().tolist() == [0.0, 1.0, 0.0, 0.0]


def test_padding_never_wins_and_a_nan_is_not_hidden():
    x = -np.ones((1, 3, 3, 1))
    assert (pl.MaxPool2D(3, 1, "same").forward(x, pl.Run())[0] == -1.0).all()
    x[0, 1, 1, 0] = np.nan
    assert np.isnan(pl.MaxPool2D(3, 1, "same").forward(x, pl.Run())[0]).all()


@pytest.mark.parametrize("part", [1, 1000, 10_000])
def test_the_size_of_the_parts_changes_no_number(monkeypatch, part):
    """Parts of one picture, of two, of three; the last one shorter."""
    results = []
    for size in (1 << 30, part):
        monkeypatch.setattr(correlate, "PART", size)
        model = pl.Model(pl.Conv2D(4, 3, padding=1, groups=2), input_shape=(6, 5, 2), dtype=np.float64)
        x = np.random.default_rng(0).normal(size=(7, 6, 5, 2))
        layer = model.layers[0]
        y, cache = layer.forward(x, pl.Run())
        dx = layer.backward(np.random.default_rng(1).normal(size=y.shape), cache)
        results.append([y, dx, model.grad.copy()])
    for whole, parts in zip(*results, strict=True):
        np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-13)


def test_spatial_dropout_drops_whole_channels_and_keeps_the_mean():
    x = np.ones((200, 2, 3, 50), np.float32)
    y, _ = pl.SpatialDropout2D(0.3).forward(x, pl.Run(training=True, rng=np.random.default_rng(0)))
    assert (y == y[:, :1, :1]).all()
    assert y.mean() == pytest.approx(1.0, abs=0.02)
    assert np.unique(y).tolist() == pytest.approx([0.0, 1 / 0.7])
    np.testing.assert_array_equal(pl.SpatialDropout2D(0.3).forward(x, pl.Run())[0], x)


def test_the_first_weights_keep_the_size_of_the_numbers():
    x = np.random.default_rng(0).normal(size=(20, 12, 12, 16)).astype(np.float32)
    for layer in (pl.Conv2D(32, 3, init="lecun"), pl.Conv2D(32, 3, groups=4, init="lecun"),
                  pl.ConvTranspose2D(32, 4, 2, init="lecun")):  # fmt: skip
        y = pl.Model(layer, input_shape=x.shape[1:]).predict(x)
        assert y[:, 4:-4, 4:-4].std() == pytest.approx(1.0, abs=0.15), layer


def test_an_empty_batch_has_an_empty_answer():
    model = lenet()
    assert model.predict(np.zeros((0, 12, 12, 1), np.float32)).shape == (0, 2)


def lenet() -> pl.Model:
    return pl.Model(
        pl.Conv2D(4, 3), pl.ReLU(), pl.MaxPool2D(), pl.Conv2D(8, 3, padding="same"), pl.ReLU(), pl.MaxPool2D(),
        pl.Flatten(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(12, 12, 1),
    )  # fmt: skip


def test_a_small_network_tells_lying_from_standing_strokes_wherever_they_are():
    rng = np.random.default_rng(0)
    x, t = np.zeros((300, 12, 12, 1), np.float32), np.arange(300) % 2
    for picture, lying in zip(x, t, strict=True):
        a, b = rng.integers(0, 12), rng.integers(0, 7)
        picture[(a, slice(b, b + 6)) if lying else (slice(b, b + 6), a)] = 1.0
    model = lenet()
    model.fit(x[:200], t[:200], epochs=8, batch_size=20, optimizer=pl.Adam(0.01))
    assert model.evaluate(x[200:], t[200:])["accuracy"] >= 0.98


def test_a_file_brings_back_a_network_of_every_layer(tmp_path):
    model = pl.Model(
        pl.Conv2D(4, (3, 2), stride=(1, 2), padding="same", groups=2, penalty=pl.L2(1e-3)),
        pl.SpatialDropout2D(0.2), pl.MaxPool2D(2, padding="same"), pl.UpSample2D((2, 1)),
        pl.ConvTranspose2D(3, 2, 2), pl.AvgPool2D((2, 1)), pl.GlobalAvgPool2D(), pl.Reshape((3, 1)),
        pl.Conv1D(2, 2), pl.Flatten(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(8, 8, 2),
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 2)).astype(np.float32)
    model.save(tmp_path / "all.safetensors")
    again = pl.load(tmp_path / "all.safetensors")
    assert again.layers == model.layers
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    report = pl.check_gradients(model.copy(np.float64), x.astype(np.float64), np.array([0, 1, 0]))
    assert report.ok, str(report)
