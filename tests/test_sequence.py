"""What normalisation, embedding, recurrent layers and attention promise beyond the table, and what they refuse."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 6))
IDS = np.arange(12) % 3


def says(*words: str) -> str:
    """A pattern: these words, in this order, with anything between them."""
    return "(?s)" + ".*".join(re.escape(word) for word in words)


# ---- normalisation ---------------------------------------------------------------------------------------------------


def normed(**options) -> pl.Model:
    options = {"loss": pl.SoftmaxCrossEntropy(), "input_shape": (6,)} | options
    return pl.Model(pl.Dense(4), pl.BatchNorm(), pl.Tanh(), pl.Dense(3), **options)


def test_training_gives_mean_0_and_variance_1_and_evaluation_the_running_numbers():
    model = pl.Model(pl.BatchNorm(1.0, eps=1e-12), input_shape=(6,), dtype=np.float64)
    x = 3.0 + 2.0 * X
    y, _ = model.layers[0].forward(x, pl.Run(training=True))
    np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=0), 1.0, rtol=1e-9)
    np.testing.assert_allclose(model.layers[0].mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.layers[0].var, x.var(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(model.predict(x), (x - x.mean(axis=0)) / x.std(axis=0, ddof=1), rtol=1e-9)


def test_evaluation_changes_no_running_number_and_training_moves_them_by_momentum():
    model = normed(dtype=np.float64)
    before = model.buffers.copy()
    model.predict(X)
    model.evaluate(X, IDS)
    model.loss_and_grad(X, IDS)
    np.testing.assert_array_equal(model.buffers, before)
    model.loss_and_grad(X, IDS, pl.Run(training=True))
    h = X @ model.layers[0].W + model.layers[0].b
    np.testing.assert_allclose(model.layers[1].mean, 0.1 * h.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.layers[1].var, 0.9 + 0.1 * h.var(axis=0, ddof=1), rtol=1e-12)


def test_the_gradient_check_neither_moves_the_running_numbers_nor_depends_on_them():
    model = normed()
    model.buffers[:] = np.linspace(0.3, 2.0, model.buffers.size)
    before, theta = model.buffers.copy(), model.theta.copy()
    report = pl.check_gradients(model, X, IDS)
    assert report.ok, str(report)
    np.testing.assert_array_equal(model.buffers, before)
    np.testing.assert_array_equal(model.theta, theta)
    model.buffers[:] = np.nan
    assert str(pl.check_gradients(model, X, IDS)) == str(report)


def test_a_copy_has_running_numbers_of_its_own():
    model = normed()
    model.loss_and_grad(X, IDS, pl.Run(training=True))
    twin = model.copy()
    np.testing.assert_array_equal(twin.buffers, model.buffers)
    assert np.shares_memory(twin.layers[1].mean, twin.buffers)
    assert not np.shares_memory(twin.buffers, model.buffers)
    before = model.buffers.copy()
    twin.loss_and_grad(X, IDS, pl.Run(training=True))
    np.testing.assert_array_equal(model.buffers, before)
    assert not np.array_equal(twin.buffers, before)
    assert model.copy(np.float64).layers[1].var.dtype == np.float64


def test_a_file_keeps_the_running_numbers(tmp_path: Path):
    model = normed()
    model.fit(X, IDS, epochs=3, batch_size=4, verbose=False)
    model.save(tmp_path / "model.safetensors")
    twin = pl.load(tmp_path / "model.safetensors")
    assert twin.layers == model.layers
    np.testing.assert_array_equal(twin.buffers, model.buffers)
    assert list(twin.buffer_slots) == ["1.batchnorm.mean", "1.batchnorm.var"]
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))


def test_a_training_that_is_saved_and_resumed_has_the_same_running_numbers(tmp_path: Path):
    def training(epochs: int) -> pl.Training:
        return pl.train(normed(), (X, IDS), epochs=epochs, batch_size=5, validation=(X, IDS))

    whole = training(4)
    list(whole)
    part = training(2)
    list(part)
    pl.save_checkpoint(part, tmp_path / "half")
    rest = training(4)
    pl.resume(rest, tmp_path / "half")
    list(rest)
    assert rest.model.buffers.tobytes() == whole.model.buffers.tobytes()
    assert rest.model.theta.tobytes() == whole.model.theta.tobytes()
    assert rest.history == whole.history


def test_the_best_weights_come_back_with_their_running_numbers():
    model = normed()
    training = pl.train(model, (X, IDS), optimizer=pl.SGD(30.0), epochs=6, validation=(X, IDS))  # too fast: it climbs
    seen = []
    for event in pl.keep_best(training, training):
        if isinstance(event, pl.EpochDone):
            seen.append((event.val_loss, model.buffers.copy()))
    best = min(range(6), key=lambda i: seen[i][0])
    assert best != 5, "the last epoch must not be the best one, or nothing is put back"
    np.testing.assert_array_equal(model.buffers, seen[best][1])
    assert model.evaluate(X, IDS)["loss"] == pytest.approx(seen[best][0], rel=1e-6)


def test_batch_norm_refuses_to_train_on_one_number_a_feature():
    model = normed()
    with pytest.raises(pl.ShapeError, match=says("one number a feature", "(1, 4)", "(2, 4)", "batch_size")):
        model.loss_and_grad(X[:1], IDS[:1], pl.Run(training=True))
    assert np.isfinite(model.predict(X[:1])).all()
    with pytest.raises(pl.ShapeError, match="leaves no batch of one"):
        model.fit(X[:9], IDS[:9], epochs=1, batch_size=4, verbose=False)  # the last batch has one sample
    y, _ = pl.Model(pl.BatchNorm(), input_shape=(2, 3)).layers[0].forward(np.ones((1, 2, 3)), pl.Run(training=True))
    assert np.isfinite(y).all()  # one sample, but two numbers a feature


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (lambda: pl.BatchNorm(0.0), (3,), ("0 < momentum <= 1", "0.0")),
        (lambda: pl.BatchNorm(1.5), (3,), ("0 < momentum <= 1", "1.5")),
        (lambda: pl.BatchNorm(), (), ("BatchNorm needs a last axis",)),
        (lambda: pl.LayerNorm(), (), ("LayerNorm needs a last axis",)),
        (lambda: pl.LayerNorm(eps=0.0), (3,), ("above 0", "0.0")),
        (lambda: pl.GroupNorm(0), (4,), ("1 or more", "0")),
        (lambda: pl.GroupNorm(3), (2, 2, 4), ("4 channels into 3 groups", "(N, 2, 2, 4)", "6", "axis 3")),
    ],
)
def test_normalisation_refuses_what_cannot_be_meant(layer, shape, words):
    with pytest.raises(pl.UsageError, match=says(*words)):
        pl.Model(layer(), input_shape=shape)


def test_norms_of_a_constant_are_their_shift():
    for layer in (pl.LayerNorm(), pl.GroupNorm(2), pl.BatchNorm()):
        model = pl.Model(layer, input_shape=(4,))
        model.layers[0].b[:] = 2.0
        y, _ = model.layers[0].forward(np.full((3, 4), 7.0, np.float32), pl.Run(training=True))
        np.testing.assert_array_equal(y, 2.0)


# ---- embedding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([[0, 1, 2], [2, 5, 0]], ("no row for 5", "[1, 1]", "5 rows", "0 to 4")),
        ([[0, -1, 2]], ("no row for -1", "[0, 1]")),
        ([[0.0, 1.0, 2.5]], ("no row for 2.5", "[0, 2]", "whole numbers")),
        ([[np.nan, 1.0, 2.0]], ("no row for nan", "[0, 0]")),
        ([[np.inf, 1.0, 2.0]], ("no row for inf", "[0, 0]")),
    ],
)
def test_an_id_outside_the_table_is_refused_with_its_place(ids, words):
    model = pl.Model(pl.Embedding(5, 2), input_shape=(3,))
    with pytest.raises(pl.DataError, match=says(*words)):
        model.predict(np.array(ids))


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (lambda: pl.Embedding(0, 2), (3,), ("vocabulary", "0")),
        (lambda: pl.Embedding(5, 2.5), (3,), ("units", "2.5")),
        (lambda: pl.Embedding(5, 2, pad=5), (3,), ("pad", "0 to 4", "5")),
        (lambda: pl.PositionalEncoding(), (3,), ("sequences", "(N, 3)", "(N, N, N)")),
        (lambda: pl.PositionalEncoding(0.0), (3, 2), ("above 0", "0.0")),
    ],
)
def test_embedding_refuses_what_cannot_be_meant(layer, shape, words):
    with pytest.raises(pl.UsageError, match=says(*words)):
        pl.Model(layer(), input_shape=shape)


def test_ids_that_the_models_type_cannot_tell_apart_are_refused():
    big = pl.Embedding(2**11 + 1, 1)
    model = pl.Model(big, input_shape=(1,), dtype=np.float16)
    with pytest.raises(pl.UsageError, match=says("float16 cannot tell 2,049 ids apart", "float64")):
        model.predict([[1]])
    assert pl.Model(pl.Embedding(2**11, 1), input_shape=(1,), dtype=np.float16).predict([[2047]]).shape == (1, 1, 1)


def test_rows_that_were_not_looked_up_have_no_gradient():
    model = pl.Model(pl.Embedding(100, 3), input_shape=(2,), dtype=np.float64)
    layer = model.layers[0]
    _, cache = layer.forward(np.array([[7.0, 7.0], [3.0, 99.0]]), pl.Run())
    layer.backward_params(np.ones((2, 2, 3)), cache)
    assert layer.dW[7].tolist() == [2.0, 2.0, 2.0]
    assert np.flatnonzero(layer.dW.any(axis=1)).tolist() == [3, 7, 99]


def test_ids_are_not_called_unscaled():
    model = pl.Model(pl.Embedding(100, 2), pl.Flatten(), pl.Dense(1), input_shape=(2,))
    notes = [event.text for event in pl.train(model, ([[50, 99]], [1.0]), epochs=1) if isinstance(event, pl.Noted)]
    assert notes == ["The inputs are int64; each batch is converted to float32."]
