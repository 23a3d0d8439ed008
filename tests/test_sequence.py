"""What normalisation, embedding, recurrent layers and attention promise beyond the table, and what they refuse."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from tests.layer_case import LayerCase
from tests.oracle import sequence as oracle
from tests.oracle.tape import Num
from tests.reference import sequence as naive
from tests.tools import slope

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
        (lambda: pl.PositionalEncoding(), (3,), ("sequences", "(N, 3)", "(N, 3, 1)", "axis 2")),
        (lambda: pl.PositionalEncoding(0.0), (3, 2), ("above 0", "0.0")),
    ],
)
def test_embedding_refuses_what_cannot_be_meant(layer, shape, words):
    with pytest.raises(pl.UsageError, match=says(*words)):
        pl.Model(layer(), input_shape=shape)


def test_ids_that_the_models_type_cannot_tell_apart_are_refused():
    def look_up(vocabulary, token):
        model = pl.Model(pl.Embedding(vocabulary, 1), input_shape=(1,))
        return model.layers[0].forward(np.array([[token]], np.float16), pl.Run())[0]

    with pytest.raises(pl.UsageError, match=says("float16 cannot tell 2,049 ids apart", "float64")):
        look_up(2**11 + 1, 1)
    assert look_up(2**11, 2047).shape == (1, 1, 1)


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


# ---- recurrent layers and attention: masks ---------------------------------------------------------------------------

RECURRENT = {
    "simple_rnn": (pl.SimpleRNN, naive.simple_rnn, oracle.rnn),
    "gru": (pl.GRU, naive.gru, oracle.gru),
    "lstm": (pl.LSTM, naive.lstm, oracle.lstm),
}
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 1]])
SEQUENCES = np.random.default_rng(1).normal(size=(5, 4, 2))
every_kind = pytest.mark.parametrize("kind", RECURRENT)
all_or_last = pytest.mark.parametrize("sequence", [False, True])


def masked(make, twin, formula, x, mask):
    """A case that is run with a mask: the layer against its twin and its formula, and against nudges."""
    case = LayerCase("masked", make, x.shape[1:], twin)
    model = case.model()
    layer, run = model.layers[0], pl.Run(mask=mask)
    y, cache = layer.forward(x, run)
    dy = np.random.default_rng(2).normal(size=y.shape)
    dx = layer.backward(dy, cache)
    p = case.twin_parameters(model, x) | {"mask": mask.tolist()}
    np.testing.assert_allclose(y, np.array(twin.forward(x.tolist(), p)), rtol=1e-12, atol=1e-14)
    twin_dx, twin_grads = twin.backward(x.tolist(), p, dy.tolist())
    np.testing.assert_allclose(dx, np.array(twin_dx), rtol=1e-12, atol=1e-14)
    nums = {name: Num(values) for name, values in case.named(model, model.theta).items()}
    source = Num(x)
    expected = formula(source, nums | {"mask": mask.astype(bool)})
    np.testing.assert_allclose(y, expected.value, rtol=1e-12, atol=1e-14)
    expected.backward(dy)
    np.testing.assert_allclose(dx, source.grad, rtol=1e-11, atol=1e-13)
    for name, g in case.named(model, model.grad).items():
        np.testing.assert_allclose(g, np.array(twin_grads[name]), rtol=1e-12, atol=1e-14, err_msg=name)
        np.testing.assert_allclose(g, nums[name].grad, rtol=1e-11, atol=1e-13, err_msg=name)
    nudged = slope(lambda a: float((dy * layer.forward(a, run)[0]).sum()), x)
    np.testing.assert_allclose(dx, nudged, rtol=1e-6, atol=1e-8)
    return y, dx


@every_kind
@all_or_last
def test_a_masked_step_hands_its_state_on(kind, sequence):
    make, twin, step = RECURRENT[kind]
    y, dx = masked(
        lambda: make(3, sequence=sequence), twin(sequence), oracle.recurrent(step, sequence), SEQUENCES, MASK
    )
    assert not dx[MASK == 0].any()
    assert dx[0].all()
    assert not y[3].any()  # nothing was read: the state is the first one, 0
    if sequence:
        np.testing.assert_array_equal(y[1, 1], y[1, 3])


@pytest.mark.parametrize("causal", [False, True])
def test_nobody_looks_at_a_masked_step(causal):
    def make():
        return pl.MultiHeadAttention(2, causal=causal)

    x, mask = np.random.default_rng(1).normal(size=(3, 4, 4)), np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 1]])
    y, _ = masked(make, naive.attention(2, causal), oracle.attention(2, causal), x, mask)
    other = x.copy()
    other[1, 2:] = 100.0  # what is masked may be anything
    model = LayerCase("attention", make, (4, 4), naive.attention(2)).model()
    again, _ = model.layers[0].forward(other, pl.Run(mask=mask))
    np.testing.assert_allclose(again[1, :2], y[1, :2], rtol=1e-13)


def test_who_may_look_at_nothing_takes_nothing():
    model = pl.Model(pl.MultiHeadAttention(1, causal=True), input_shape=(3, 2), dtype=np.float64)
    layer, x = model.layers[0], np.random.default_rng(0).normal(size=(2, 3, 2))
    layer.bo[:] = [0.25, -0.5]
    mask = np.array([[False, True, True], [False, False, False]])  # padded on the left; all padding
    y, cache = layer.forward(x, pl.Run(mask=mask))
    np.testing.assert_array_equal(y[0, 0], layer.bo)
    np.testing.assert_array_equal(y[1], np.tile(layer.bo, (3, 1)))
    dx = layer.backward(np.ones_like(y), cache)
    assert np.isfinite(dx).all()
    assert np.isfinite(model.grad).all()
    assert not dx[1].any()


def test_a_causal_layer_does_not_see_the_future():
    model = pl.Model(pl.MultiHeadAttention(2, causal=True), input_shape=(5, 4), dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(1, 5, 4))
    y = model.predict(x)
    for t in range(1, 5):
        changed = x.copy()
        changed[:, t:] = -7.0
        np.testing.assert_array_equal(model.predict(changed)[:, :t], y[:, :t])
        assert (model.predict(changed)[:, t:] != y[:, t:]).all()


@every_kind
@all_or_last
def test_the_mask_value_is_the_same_as_a_mask_by_hand(kind, sequence):
    make = RECURRENT[kind][0]
    x = np.where(MASK[:, :, None], SEQUENCES, -1.0)
    x[0, 0, 0] = -1.0  # one feature alone does not skip a step
    by_hand, by_value = (
        pl.Model(make(3, sequence=sequence, mask_value=value), input_shape=(4, 2), dtype=np.float64)
        for value in (None, -1.0)
    )
    y, cache = by_hand.layers[0].forward(x, pl.Run(mask=MASK))
    other, other_cache = by_value.layers[0].forward(x, pl.Run())
    np.testing.assert_array_equal(other, y)
    np.testing.assert_array_equal(by_value.layers[0].backward(y, other_cache), by_hand.layers[0].backward(y, cache))
    np.testing.assert_array_equal(by_value.grad, by_hand.grad)
    both = by_value.layers[0].forward(x, pl.Run(mask=np.array([[1, 1, 0, 1]] * 5)))[0]  # a step counts if both say so
    hand = by_hand.layers[0].forward(x, pl.Run(mask=MASK * [[1, 1, 0, 1]]))[0]
    np.testing.assert_array_equal(both, hand)


@every_kind
def test_padding_with_an_embedding_changes_nothing(kind):
    """A sequence filled up with the pad id gives the state of the sequence as it was."""
    make = RECURRENT[kind][0]
    long, short = (
        pl.Model(pl.Embedding(6, 3, pad=0), make(4, mask_value=0.0), input_shape=(T,), dtype=np.float64) for T in (7, 3)
    )
    ids = np.array([[1, 5, 2], [3, 3, 4]])
    np.testing.assert_array_equal(long.predict(np.pad(ids, [(0, 0), (0, 4)])), short.predict(ids))
    assert pl.check_gradients(long, np.pad(ids, [(0, 0), (0, 4)]), np.ones((2, 4))).ok


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_sequences_of_several_lengths_are_pytorchs(kind):
    with np.load(Path(__file__).parent / "golden" / "torch_sequence.npz", allow_pickle=False) as stored:
        a = {key.removeprefix(f"short/{kind}/"): stored[key] for key in stored.files if key.startswith("short/")}
    model = pl.Model(RECURRENT[kind][0](3), input_shape=(4, 2), dtype=np.float64)
    for path, s in model.slots.items():
        model.theta[s.at] = a["p/" + path.split(".")[-1]].ravel()
    mask = np.arange(4) < a["short/lengths"][:, None]
    y, cache = model.layers[0].forward(a["x"], pl.Run(mask=mask))
    np.testing.assert_allclose(y, a["y"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(model.layers[0].backward(a["dy"], cache), a["dx"], rtol=1e-12, atol=1e-14)
    for path, s in model.slots.items():
        np.testing.assert_allclose(
            model.grad[s.at], a["dp/" + path.split(".")[-1]].ravel(), rtol=1e-12, atol=1e-14, err_msg=path
        )


# ---- recurrent layers and attention: what else they promise ----------------------------------------------------------


@every_kind
def test_the_last_output_of_all_is_the_only_one_of_the_last(kind):
    make = RECURRENT[kind][0]
    whole, last = (pl.Model(make(3, sequence=s), input_shape=(4, 2), dtype=np.float64) for s in (True, False))
    np.testing.assert_array_equal(whole.predict(SEQUENCES)[:, -1], last.predict(SEQUENCES))
    assert whole.output_shape == (4, 3)
    assert last.output_shape == (3,)


def test_an_lstm_remembers_at_first():
    model = pl.Model(pl.LSTM(2), input_shape=(3, 1))
    assert model.layers[0].b.tolist() == [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert not pl.Model(pl.LSTM(2, forget_bias=0.0), input_shape=(3, 1)).layers[0].b.any()


@every_kind
@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((), ("takes sequences", "(N,", "(N, 1, 1)", "pl.Reshape((1, 1))")),
        (
            (3,),
            ("takes sequences", "(N, 3)", "(N, 3, 1)", "axis 2", "numbers of a row", "pl.Reshape((3, 1))", "Embedding"),
        ),
        ((4, 3, 2), ("takes sequences", "(N, 4, 3, 2)", "(N, 4, 6)", "rows", "pl.Reshape((4, 6))")),
        ((0, 3), ("sequence of length 0", "(N, 0, 3)", "(N, 1, 3)", "axis 1")),
    ],
)
def test_recurrent_layers_refuse_what_is_no_sequence(kind, shape, words):
    with pytest.raises(pl.ShapeError, match=says(RECURRENT[kind][0].__name__, *words)):
        pl.Model(RECURRENT[kind][0](3), input_shape=shape)


@every_kind
@pytest.mark.parametrize("units", [0, -1, 2.5, "two"])
def test_recurrent_layers_refuse_units_that_cannot_be_meant(kind, units):
    with pytest.raises(pl.UsageError, match=says("whole number of units", repr(units))):
        pl.Model(RECURRENT[kind][0](units), input_shape=(3, 2))


@pytest.mark.parametrize("mask", [np.ones((5, 3)), np.ones(5), np.ones((5, 4, 2))])
def test_a_mask_of_another_shape_is_refused_with_both_shapes(mask):
    for make in (*(kind[0] for kind in RECURRENT.values()), pl.MultiHeadAttention):
        model = pl.Model(make(2), input_shape=(4, 2))
        drawn = ", ".join(map(str, mask.shape))
        with pytest.raises(pl.ShapeError, match=says("run.mask", drawn, "(5, 4")):
            model.layers[0].forward(SEQUENCES, pl.Run(mask=mask))


@pytest.mark.parametrize("value", [0.5, 2, -1, np.nan])
def test_a_mask_says_yes_or_no(value):
    mask = np.ones((5, 4))
    mask[3, 2] = value
    for make in (*(kind[0] for kind in RECURRENT.values()), pl.MultiHeadAttention):
        model = pl.Model(make(2), input_shape=(4, 2))
        with pytest.raises(pl.DataError, match=says("run.mask", "true or false", str(float(value)))):
            model.layers[0].forward(SEQUENCES, pl.Run(mask=mask))


@pytest.mark.parametrize("make", [*(kind[0] for kind in RECURRENT.values()), pl.MultiHeadAttention])
def test_no_samples_give_no_answers(make):
    model = pl.Model(make(2), input_shape=(4, 2))
    assert model.predict(np.zeros((0, 4, 2))).shape == (0, *model.output_shape)
    y, cache = model.net.forward(np.zeros((0, 4, 2), np.float32), pl.Run(training=True))
    assert model.net.backward(np.zeros_like(y), cache).shape == (0, 4, 2)
    assert not model.grad.any()


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (lambda: pl.MultiHeadAttention(3), (5, 8), ("8 features among 3 heads", "(N, 5, 8)", "(N, 5, 9)", "axis 2")),
        (lambda: pl.MultiHeadAttention(0), (5, 8), ("heads", "0")),
        (lambda: pl.MultiHeadAttention(2.0), (5, 8), ("heads", "2.0")),
        (lambda: pl.MultiHeadAttention(2), (8,), ("takes sequences", "(N, 8)")),
        (lambda: pl.MultiHeadAttention(2), (0, 8), ("sequence of length 0", "(N, 0, 8)", "(N, 1, 8)")),
    ],
)
def test_attention_refuses_what_cannot_be_meant(layer, shape, words):
    with pytest.raises(pl.UsageError, match=says(*words)):
        pl.Model(layer(), input_shape=shape)


def test_a_whole_network_of_sequences_is_saved_and_loaded(tmp_path: Path):
    model = pl.Model(
        pl.Embedding(9, 4, pad=0), pl.PositionalEncoding(),
        pl.Residual(pl.LayerNorm(), pl.MultiHeadAttention(2, causal=True)),
        pl.GRU(5, sequence=True), pl.SimpleRNN(4, sequence=True), pl.LSTM(3, mask_value=0.0), pl.Dense(2),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(6,),
    )  # fmt: skip
    x, t = np.random.default_rng(0).integers(0, 9, (20, 6)), np.arange(20) % 2
    model.fit(x, t, epochs=2, verbose=False)
    model.save(tmp_path / "model.safetensors")
    twin = pl.load(tmp_path / "model.safetensors")
    assert twin.layers == model.layers
    np.testing.assert_array_equal(twin.predict(x), model.predict(x))
    assert pl.check_gradients(model, x[:3], t[:3]).ok


@given(n=st.integers(1, 4), T=st.integers(1, 5), D=st.integers(1, 4), K=st.integers(1, 4), which=st.integers(0, 99))
def test_sequence_layers_of_any_shape_are_their_naive_twins(n, T, D, K, which):
    makes = [
        *((lambda make=make: make(K, sequence=bool(which % 2)), twin(bool(which % 2))) for make, twin, _ in
          RECURRENT.values()),
        (lambda: pl.MultiHeadAttention(D, causal=bool(which % 2)), naive.attention(D, bool(which % 2))),
        (lambda: pl.MultiHeadAttention(1), naive.attention(1)),
        (pl.LayerNorm, naive.layer_norm),
        (lambda: pl.GroupNorm(D), naive.group_norm(D)),
        (pl.PositionalEncoding, naive.positional_encoding),
    ]  # fmt: skip
    make, twin = makes[which % len(makes)]
    case = LayerCase("any", make, (T, D), twin)
    model, x = case.model(), case.inputs(n)
    y, cache = model.layers[0].forward(x, pl.Run())
    dy = np.random.default_rng(2).normal(size=y.shape)
    dx = model.layers[0].backward(dy, cache)
    p = case.twin_parameters(model, x)
    np.testing.assert_allclose(y, np.array(twin.forward(x.tolist(), p)), rtol=1e-10, atol=1e-12)
    twin_dx, twin_grads = twin.backward(x.tolist(), p, dy.tolist())
    np.testing.assert_allclose(dx, np.array(twin_dx), rtol=1e-9, atol=1e-11)
    for name, g in case.named(model, model.grad).items():
        np.testing.assert_allclose(g, np.array(twin_grads[name]), rtol=1e-9, atol=1e-11, err_msg=name)


@given(n=st.integers(1, 5), T=st.integers(1, 6), V=st.integers(1, 6), K=st.integers(1, 4), seed=st.integers(0, 99))
def test_embedding_of_any_shape_is_its_naive_twin(n, T, V, K, seed):
    pad = seed % V if seed % 2 else None
    case = LayerCase("any", lambda: pl.Embedding(V, K, pad=pad), (T,), naive.embedding(pad), ids=V)
    model, x = case.model(), case.inputs(n, seed=seed)
    y, cache = model.layers[0].forward(x, pl.Run())
    dy = np.random.default_rng(2).normal(size=y.shape)
    assert not model.layers[0].backward(dy, cache).any()
    p = case.twin_parameters(model, x)
    np.testing.assert_array_equal(y, np.array(case.twin.forward(x.tolist(), p)))
    twin_dW = np.array(case.twin.backward(x.tolist(), p, dy.tolist())[1]["W"])
    np.testing.assert_allclose(model.layers[0].dW, twin_dW, rtol=1e-12, atol=1e-14)


# ---- a mask by hand --------------------------------------------------------------------------------------------------

STEPS = 6
MASKED = np.arange(40)[:, None] % STEPS >= np.arange(STEPS)  # 1 to STEPS steps of each sample are real


def told_apart(*layers: pl.Layer) -> pl.Model:
    return pl.Model(*layers, pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(STEPS, 2))


def padded(fill: float) -> np.ndarray:
    """Sequences whose steps that are not real hold any number."""
    x = np.random.default_rng(3).normal(size=(40, STEPS, 2))
    x[~MASKED] = fill
    return x


def readers() -> list[pl.Layer]:
    return [pl.SimpleRNN(4), pl.GRU(4), pl.LSTM(4)]


@pytest.mark.parametrize("kind", range(3))
def test_fit_evaluate_and_predict_do_not_see_what_the_mask_hides(kind):
    t = np.arange(40) % 2
    ends = []
    for fill in (0.0, 7.0):
        model, data = told_apart(readers()[kind]), pl.Data(padded(fill), t, mask=MASKED)
        history = model.fit(data, epochs=2, batch_size=16, validation=0.25, verbose=False)
        figures = model.evaluate(data.x, t, batch_size=16, mask=MASKED)
        asked = [model.predict(data.x, batch_size=n, mask=MASKED.tolist()) for n in (16, 1024)]
        np.testing.assert_allclose(*asked, rtol=1e-5, atol=1e-6)
        ends.append((model.theta.copy(), history, figures, asked[0]))
    (a, *first), (b, *second) = ends
    np.testing.assert_array_equal(a, b)
    assert first[:2] == second[:2]
    np.testing.assert_array_equal(first[2], second[2])
    unmasked = told_apart(readers()[kind])
    unmasked.fit(padded(7.0), t, epochs=2, batch_size=16, verbose=False)
    assert np.abs(unmasked.theta - b).max() > 1e-4


def test_the_mask_given_to_fit_is_that_of_the_data():
    t, ends = np.arange(40) % 2, []
    for x, options in ((padded(1.0), {"mask": MASKED}), (pl.Data(padded(1.0), np.arange(40) % 2, mask=MASKED), {})):
        model = told_apart(pl.GRU(3))
        model.fit(x, None if isinstance(x, pl.Data) else t, epochs=1, verbose=False, **options)
        ends.append(model.theta)
    np.testing.assert_array_equal(*ends)


def test_a_mask_by_hand_is_a_mask_value_in_words_of_its_own():
    x, t = padded(0.0), np.arange(40) % 2
    by_hand, by_value = told_apart(pl.LSTM(3)), told_apart(pl.LSTM(3, mask_value=0.0))
    by_hand.fit(x, t, epochs=2, mask=MASKED, verbose=False)
    by_value.fit(x, t, epochs=2, verbose=False)
    np.testing.assert_array_equal(by_hand.theta, by_value.theta)


def test_some_of_the_data_have_their_own_part_of_the_mask():
    data = pl.Data(padded(0.0), np.arange(40), mask=MASKED)
    for part in (data[3:7], data[np.array([5, 1])], *pl.split(data, 0.3)):
        np.testing.assert_array_equal(part.mask, MASKED[part.t])


@pytest.mark.parametrize("mask", [np.ones((40, STEPS + 1)), np.ones(40), np.ones((39, STEPS)), np.ones((80, STEPS))])
def test_a_mask_that_does_not_fit_the_samples_is_drawn(mask):
    x, t, model = padded(0.0), np.arange(40) % 2, told_apart(pl.GRU(3))
    drawn = says("mask", ", ".join(map(str, mask.shape)), f"(40, {STEPS})", " ax")
    for ask in (
        lambda: pl.Data(x, t, mask=mask),
        lambda: model.fit(x, t, mask=mask),
        lambda: model.evaluate(x, t, batch_size=40, mask=mask),
        lambda: model.predict(x, batch_size=40, mask=mask),
    ):
        with pytest.raises(pl.ShapeError, match=drawn):
            ask()
    with pytest.raises(pl.ShapeError, match="samples, steps"):
        pl.Data(t, t, mask=np.ones(40))


def test_a_mask_that_nobody_would_read_is_refused():
    x, t = padded(0.0), np.arange(40) % 2
    model = told_apart(pl.Flatten())
    inside = told_apart(pl.Residual(pl.MultiHeadAttention(1)), pl.Flatten())
    inside.fit(x, t, epochs=1, mask=MASKED, verbose=False)
    for ask in (
        lambda: model.fit(x, t, mask=MASKED),
        lambda: model.fit(x, t, validation=pl.Data(x, t, mask=MASKED)),
        lambda: model.evaluate(x, t, mask=MASKED),
        lambda: model.predict(x, mask=MASKED),
    ):
        with pytest.raises(pl.UsageError, match="no layer of this network reads one"):
            ask()


def test_random_search_and_the_report_of_a_divergence_see_the_mask():
    x, t = padded(1e30), np.arange(40) % 2
    search = told_apart(pl.GRU(3))
    search.fit(x, t, epochs=1, mask=MASKED, optimizer=pl.RandomSearch(0.1), verbose=False)
    model = told_apart(pl.SimpleRNN(3))
    model.layers[-1].b[0] = np.inf
    with pytest.raises(pl.Diverged, match=r"the parameter 1\.dense\.b"):
        model.fit(x, t, epochs=1, mask=MASKED, verbose=False)
