"""Training: what it reports is what evaluate reports, what it does follows from its seed, and how it ends."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import pellucid as pl
from pellucid.fit import better

RNG = np.random.default_rng(0)
IDS = np.arange(50) % 3
X = (RNG.normal(size=(50, 4)) + 2.0 * np.eye(3, 4)[IDS]).astype(np.float32)
XV = (RNG.normal(size=(21, 4)) + 2.0 * np.eye(3, 4)[np.arange(21) % 3]).astype(np.float32)
TV = np.arange(21) % 3


def classifier(*extra: pl.Layer, **options) -> pl.Model:
    options = {"loss": pl.SoftmaxCrossEntropy(), "input_shape": (4,)} | options
    return pl.Model(pl.Dense(8), pl.Tanh(), *extra, pl.Dense(3), **options)


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


# ---- what it reports -------------------------------------------------------------------------------------------------


def test_training_learns_and_reports_every_step_and_epoch():
    model = classifier()
    events = list(pl.train(model, (X, IDS), optimizer=pl.Adam(0.02), epochs=30, batch_size=16, metrics=[pl.accuracy]))
    steps, epochs = of(events, pl.StepDone), of(events, pl.EpochDone)
    assert [e.step for e in steps] == list(range(1, 121))  # 50 samples are 3 batches of 16 and one of 2
    assert [e.epoch for e in steps] == [1 + i // 4 for i in range(120)]
    assert [(e.epoch, e.step) for e in epochs] == [(i, 4 * i) for i in range(1, 31)]
    assert epochs[-1].loss < 0.3 < epochs[0].loss
    assert epochs[-1].metrics["accuracy"] > 0.9
    assert epochs[0].val_loss is None
    assert model.history == [e.row() for e in epochs]
    assert all(e.seconds > 0 for e in epochs)


def test_at_rest_the_epochs_figures_are_those_of_evaluate():
    """With a rate of 0 nothing moves, so the means over the batches, the short last one too, are those of the whole."""
    model = classifier(dtype=np.float64, penalty=pl.L2(0.01))
    weights = np.linspace(0.5, 2.0, 50)
    history = model.fit(pl.Data(X, IDS, weights=weights), optimizer=pl.SGD(0.0), epochs=2, batch_size=16, verbose=False)
    found = model.evaluate(X, IDS, weights=weights)
    for row in history:
        assert row["loss"] == pytest.approx(found["loss"], rel=1e-12)
        assert row["accuracy"] == pytest.approx(found["accuracy"], rel=1e-12)


def test_the_validation_figures_are_those_of_evaluate():
    model = classifier(pl.Dropout(0.5))
    history = model.fit(X, IDS, epochs=3, validation=(XV, TV), verbose=False)
    found = model.evaluate(XV, TV)
    assert (history[-1]["val_loss"], history[-1]["val_accuracy"]) == (found["loss"], found["accuracy"])
    assert list(history[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr"]


def test_a_steps_loss_is_that_before_the_update():
    model = classifier(dtype=np.float64)
    before = model.evaluate(X, IDS)["loss"]
    step = next(e for e in pl.train(model, (X, IDS), epochs=1, batch_size=50) if isinstance(e, pl.StepDone))
    assert step.loss == pytest.approx(before, rel=1e-12)
    assert step.lr == 1e-3


def test_metrics_of_every_kind_are_reported_by_name():
    metrics = [pl.f1, partial(pl.top_k_accuracy, k=2)]
    history = classifier().fit(X, IDS, epochs=1, metrics=metrics, validation=(XV, TV), verbose=False)
    assert {"f1", "top_k_accuracy", "val_f1", "val_top_k_accuracy"} <= history[0].keys()
    assert classifier().fit(X, IDS, epochs=1, metrics=[], verbose=False)[0].keys() == {"epoch", "loss", "lr"}


def test_a_share_for_validation_is_set_aside():
    seen = []

    def remember(x, rng):
        seen.append(x[:, 0].copy())
        return x

    x = np.arange(40, dtype=np.float32)[:, None] / 40
    history = pl.Model(pl.Dense(1), input_shape=(1,)).fit(
        x, x, epochs=2, validation=0.25, augment=remember, batch_size=7, verbose=False
    )
    assert "val_loss" in history[0]
    assert len(np.unique(np.concatenate(seen))) == 30


def test_the_share_for_validation_follows_the_seed():
    rest, aside = pl.split(pl.Data(X, IDS), 0.2, seed=3)
    explicit, by_share = classifier(), classifier()
    explicit.fit(rest, epochs=2, validation=aside, seed=3, verbose=False)
    by_share.fit(X, IDS, epochs=2, validation=0.2, seed=3, verbose=False)
    assert by_share.history == explicit.history
    default = classifier().fit(X, IDS, epochs=2, validation=0.2, verbose=False)
    assert default == classifier().fit(X, IDS, epochs=2, validation=0.2, seed=0, verbose=False) != by_share.history


def test_about_twenty_lines_are_printed(capsys):
    classifier().fit(X * 100, IDS, epochs=100, validation=(XV, TV))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("note: The inputs were not scaled")
    assert 20 <= len(lines) <= 23
    assert lines[1].startswith("epoch   1/100  loss ")
    assert "val_accuracy" in lines[-1]
    assert lines[-1].startswith("epoch 100/100")
    classifier().fit(X, IDS, epochs=3, verbose=False)
    assert capsys.readouterr().out == ""


# ---- what it does ----------------------------------------------------------------------------------------------------


def test_every_epoch_shows_every_sample_once_in_another_order():
    shown = []

    def remember(x, rng):
        shown.append(x[:, 0].tolist())
        return x

    x = np.arange(10, dtype=np.float32)[:, None]
    list(pl.train(pl.Model(pl.Dense(1), input_shape=(1,)), (x, x), epochs=2, batch_size=4, augment=remember))
    assert [len(batch) for batch in shown] == [4, 4, 2, 4, 4, 2]
    first, second = ([n for batch in epoch for n in batch] for epoch in (shown[:3], shown[3:]))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second != sorted(second)


def test_augmentation_gets_raw_training_input_and_nothing_else():
    pictures = RNG.integers(0, 256, (20, 3, 3)).astype(np.uint8)
    t, given = np.arange(20) % 2, []

    def invert(x, rng):
        given.append((x.dtype, x.shape[1:], bool(isinstance(rng, np.random.Generator))))
        return 255 - x

    def trained(augment, x):
        model = pl.Model(
            pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(9,), prepare=pl.Pixels((9,)), dtype=np.float64
        )
        history = model.fit(x, t, epochs=2, batch_size=8, augment=augment, validation=(pictures, t), verbose=False)
        return model, history

    augmented, history = trained(invert, pictures)
    assert set(given) == {(np.dtype(np.uint8), (3, 3), True)}
    assert len(given) == 6  # three batches, two epochs; never the validation
    plain, plain_history = trained(None, 255 - pictures)
    np.testing.assert_array_equal(augmented.theta, plain.theta)
    assert history == plain_history


def test_the_same_seed_gives_the_same_bits():
    def trained(**options):
        model = classifier(pl.Dropout(0.3))
        history = model.fit(
            X, IDS, epochs=3, batch_size=16, validation=(XV, TV), verbose=False,
            augment=lambda x, rng: x + rng.normal(size=x.shape).astype(np.float32), **options,
        )  # fmt: skip
        return model.theta.tobytes(), history

    assert trained(seed=1) == trained(seed=1)
    assert trained(seed=1) != trained(seed=2)


def test_the_order_does_not_depend_on_how_much_noise_the_layers_draw():
    def shown(*layers):
        out = []

        def remember(x, rng):
            out.append(x[:, 0].tolist())
            return x

        list(pl.train(classifier(*layers), (X, IDS), epochs=2, batch_size=16, augment=remember))
        return out

    assert shown() == shown(pl.Dropout(0.5)) == shown(pl.Dropout(0.5), pl.Dropout(0.1))


def test_dropout_drops_anew_at_every_step():
    model = pl.Model(pl.Dropout(0.5), pl.Dense(1, bias=False), input_shape=(4,), dtype=np.float64)
    masks = []
    for event in pl.train(model, (np.ones((1, 4)), [[1e6]]), optimizer=pl.SGD(1e-9), epochs=20):
        if isinstance(event, pl.StepDone):
            masks.append(tuple((model.layers[1].dW != 0).ravel()))
    assert len(set(masks)) > 5


def test_to_stop_is_to_leave_the_loop_and_to_go_on_is_to_ask_again():
    model, training = classifier(), None
    training = pl.train(model, (X, IDS), epochs=2, batch_size=16, seed=3)
    for event in training:
        if isinstance(event, pl.StepDone) and event.step == 3:
            break
    assert (training.step, training.epoch, training.batch) == (3, 0, 3)
    paused = model.theta.copy()
    rest = list(training)
    assert len(of(rest, pl.StepDone)) == 5
    assert not np.array_equal(paused, model.theta)
    in_one_go = classifier()
    list(pl.train(in_one_go, (X, IDS), epochs=2, batch_size=16, seed=3))
    np.testing.assert_array_equal(model.theta, in_one_go.theta)


def test_clipping_bounds_the_step():
    model = classifier()
    before = model.theta.copy()
    list(pl.train(model, (X * 100, IDS), optimizer=pl.SGD(1.0), epochs=1, batch_size=50, clip=0.01))
    assert float(np.linalg.norm(model.theta - before)) == pytest.approx(0.01, rel=1e-4)


def test_random_search_learns_without_a_gradient():
    model = classifier()
    history = model.fit(X, IDS, optimizer=pl.RandomSearch(0.1), epochs=60, batch_size=50, verbose=False)
    assert np.diff(history["loss"]).max() < 1e-6  # the same batch in another order differs in its last bits
    assert history["loss"][-1] < 0.8 * history["loss"][0]


@pytest.mark.parametrize(
    "optimizer",
    [
        pl.SGD(0.3), pl.SGD(0.05, 0.9), pl.SGD(0.05, 0.9, True), pl.AdaGrad(0.2), pl.RMSprop(0.02), pl.Adam(0.02),
        pl.AdamW(0.02),
    ],
    ids=repr,
)  # fmt: skip
def test_every_optimizer_learns(optimizer):
    history = classifier().fit(X, IDS, optimizer=optimizer, epochs=30, batch_size=16, verbose=False)
    assert history["accuracy"][-1] > 0.85


def test_an_optimizer_may_be_used_again():
    optimizer = pl.Adam(0.02)
    first, second = classifier(), classifier()
    for model in (first, second):
        model.fit(X, IDS, optimizer=optimizer, epochs=2, verbose=False)
    np.testing.assert_array_equal(first.theta, second.theta)


def test_weights_count_as_repeated_samples():
    weights = np.where(IDS == 0, 3.0, 1.0)
    again = np.concatenate([np.arange(50), *[np.flatnonzero(IDS == 0)] * 2])
    weighted, repeated = classifier(dtype=np.float64), classifier(dtype=np.float64)
    for model, data in ((weighted, (X, IDS, weights)), (repeated, (X[again], IDS[again]))):
        list(pl.train(model, data, optimizer=pl.Adam(0.01), epochs=5, batch_size=len(again)))
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-9, atol=1e-12)


def test_targets_of_every_form_train_the_same():
    thetas = []
    for t in (IDS, IDS.astype(np.uint8), IDS[:, None], np.eye(3)[IDS], np.eye(3, dtype=int)[IDS]):
        model = classifier(dtype=np.float64)
        model.fit(X, t, epochs=2, batch_size=16, verbose=False)
        thetas.append(model.theta)
    for theta in thetas[1:]:
        np.testing.assert_allclose(theta, thetas[0], rtol=1e-9, atol=1e-12)


def test_float32_stays_float32_through_a_training_with_float64_data():
    model = pl.Model(pl.Dense(3), pl.Sigmoid(), pl.Dense(2), input_shape=(4,))
    weights = np.linspace(0.5, 2.0, 50)
    list(pl.train(model, (X.astype(np.float64), RNG.normal(size=(50, 2)), weights), epochs=2, clip=1.0))
    assert model.theta.dtype == model.grad.dtype == model.layers[0].W.dtype == np.float32
    assert np.shares_memory(model.layers[0].W, model.theta)


# ---- how it ends -----------------------------------------------------------------------------------------------------


def memorising() -> dict:
    """A training whose validation gets worse: the validation's labels are wrong."""
    return {"optimizer": pl.Adam(0.05), "batch_size": 50, "validation": (X, (IDS + 1) % 3), "verbose": False}


def test_early_stop_ends_after_so_many_epochs_without_progress():
    model = classifier()
    history = model.fit(X, IDS, epochs=100, patience=3, **memorising())
    assert history["val_loss"].index(min(history["val_loss"])) == len(history) - 4
    assert len(history) < 100


def test_early_stop_says_why():
    training = pl.train(classifier(), (X, IDS), epochs=50, optimizer=pl.Adam(0.05), validation=(X, (IDS + 1) % 3))
    events = list(pl.early_stop(training, 2))
    assert events[-1] == pl.Stopped("val_loss has not improved for 2 epochs")
    assert len(of(events, pl.EpochDone)) < 50


def test_progress_resets_the_patience_and_the_past_counts():
    epochs = [pl.EpochDone(i + 1, i + 1, loss) for i, loss in enumerate([5.0, 6.0, 4.0, 4.5, 4.6, 1.0])]
    assert [e.epoch for e in of(pl.early_stop(epochs, 2, "loss"), pl.EpochDone)] == [1, 2, 3, 4, 5]
    assert len(of(pl.early_stop(epochs, 3, "loss"), pl.EpochDone)) == 6
    past = [e.row() for e in epochs[:4]]
    assert [e.epoch for e in of(pl.early_stop(epochs[4:], 2, "loss", past), pl.EpochDone)] == [5]
    assert of(pl.early_stop(epochs[5:], 2, "loss", [e.row() for e in epochs[:5]]), pl.EpochDone) == []


def test_keep_best_gives_the_best_epochs_weights_back():
    model = classifier()
    data = memorising()
    training = pl.Training(
        model, (X, IDS), epochs=12, optimizer=data["optimizer"], batch_size=50, validation=data["validation"]
    )
    thetas, last = [], None
    for event in pl.keep_best(training, training):
        if isinstance(event, pl.EpochDone):
            thetas.append(model.theta.copy())
        last = event
    losses = training.history["val_loss"]
    best = losses.index(min(losses))
    assert best < 11
    np.testing.assert_array_equal(model.theta, thetas[best])
    assert last == pl.Noted(f"The weights are those of epoch {best + 1}, the best by val_loss.")
    assert model.evaluate(X, (IDS + 1) % 3)["loss"] == losses[best]


def test_fit_with_best_ends_with_the_best():
    model = classifier()
    history = model.fit(X, IDS, epochs=30, patience=3, best=True, **memorising())
    assert model.evaluate(X, (IDS + 1) % 3)["loss"] == min(history["val_loss"]) < history["val_loss"][-1]


def test_accuracy_is_better_when_more_and_loss_when_less():
    assert better("loss", 1.0, 2.0)
    assert better("val_mean_absolute_error", 1.0, 2.0)
    assert better("val_accuracy", 0.9, 0.8)
    assert better("r2", 0.9, 0.8)
    assert not better("val_loss", 2.0, 2.0)


def test_a_figure_that_is_not_reported_cannot_be_watched():
    training = pl.train(classifier(), (X, IDS), epochs=2)
    with pytest.raises(pl.UsageError, match=r"no 'val_loss' to watch; this training reports loss, lr.*Give validation"):
        list(pl.early_stop(training, 2))


# ---- what a person should know ---------------------------------------------------------------------------------------


def test_unscaled_inputs_are_noted_once():
    events = list(pl.train(classifier(), (X * 100, IDS), epochs=3, optimizer=pl.SGD(1e-6)))
    texts = [e.text for e in of(events, pl.Noted)]
    assert len(texts) == 1
    assert texts[0].startswith("The inputs were not scaled: they reach ")
    assert isinstance(events[0], pl.Noted)


def test_pixels_are_told_to_be_divided_and_types_to_be_converted():
    pixels = RNG.integers(0, 256, (9, 4)).astype(np.uint8)
    texts = [e.text for e in of(pl.train(classifier(), (pixels, IDS[:9]), epochs=1), pl.Noted)]
    assert "divide the pixels by 255" in texts[0]
    assert texts[1] == "The inputs are uint8; each batch is converted to float32."
    prepared = classifier(prepare=pl.Pixels((4,)))
    assert of(pl.train(prepared, (pixels, IDS[:9]), epochs=1), pl.Noted) == []
    assert of(pl.train(classifier(), (X, IDS), epochs=1), pl.Noted) == []


# ---- divergence ------------------------------------------------------------------------------------------------------


def diverge(model: pl.Model, x: np.ndarray, t: np.ndarray, **options) -> str:
    with pytest.raises(pl.Diverged) as caught:
        list(pl.train(model, (x, t), **({"epochs": 5} | options)))
    return str(caught.value)


def regression(*layers: pl.Layer, **options) -> pl.Model:
    return pl.Model(*layers, pl.Dense(1), input_shape=(4,), **options)


def test_too_high_a_rate_is_named_with_the_parameter_and_the_step():
    text = diverge(regression(pl.Dense(5)), X, X[:, :1], optimizer=pl.SGD(1e39))
    assert (
        "diverged at step 1: the first number that is not finite is in the parameter 0.dense.W after the update" in text
    )
    assert "the learning rate 1e+39 is too high: try 0.1" in text
    assert "clip=1.0" in text
    text = diverge(regression(pl.Dense(5)), X, X[:, :1], optimizer=pl.SGD(1e39), batch_size=20)
    assert "at step 2" in text
    assert "0.dense.W" in text


def test_an_overflow_in_a_layer_names_the_layer_and_the_place():
    x = X.copy()
    x[:, 1] = 3e38
    text = diverge(regression(pl.Residual(pl.Dense(4, init=pl.Normal(5.0)))), x, X[:, :1], optimizer=pl.SGD(0.1))
    assert "step 1" in text
    assert "the output of layer 0.residual.0.dense, at [" in text
    assert "of 200 numbers)" in text
    assert text.index("the inputs reach 3e+38: scale them") < text.index("learning rate")


def test_an_overflow_in_the_loss_alone_says_so():
    text = diverge(regression(), X, X[:, :1], optimizer=pl.SGD(1e22))
    assert "step 2" in text
    assert "the loss (MeanSquaredError), although all its inputs are finite" in text


def test_divergence_in_the_very_last_step_is_noticed():
    text = diverge(regression(), X, X[:, :1], optimizer=pl.SGD(1e39), epochs=1)
    assert "diverged at step 1" in text


def test_a_divergence_is_an_arithmetic_error_and_no_warning():
    with pytest.raises(ArithmeticError, match="Likely causes, most likely first"):
        regression().fit(X, X[:, 0], optimizer=pl.SGD(1e30), epochs=3, verbose=False)


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"batch_size": 0}, "batch_size is a whole number, 1 or more, not 0"),
        ({"batch_size": 2.5}, "batch_size is a whole number, 1 or more, not 2.5"),
        ({"batch_size": True}, "batch_size is a whole number"),
        ({"epochs": 0}, "epochs is a whole number, 1 or more, not 0"),
        ({"epochs": -3}, "epochs is a whole number, 1 or more, not -3"),
        ({"clip": 0.0}, "clip .* must be above 0, not 0.0"),
        ({"clip": -1.0}, "clip .* must be above 0"),
        ({"optimizer": pl.SGD(-0.1)}, "learning rate is -0.1, but it must be 0 or more"),
        ({"patience": 0}, "patience is a whole number, 1 or more, not 0"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_arguments_that_cannot_be_meant_are_refused(options, text):
    with pytest.raises(pl.UsageError, match=text):
        classifier().fit(X, IDS, **({"epochs": 2, "verbose": False} | options))


def test_a_batch_may_be_larger_than_the_data():
    history = classifier().fit(X, IDS, epochs=1, batch_size=10_000, verbose=False)
    assert len(history) == 1


def test_bad_data_are_refused_before_the_first_step():
    x = X.copy()
    x[7, 2] = np.nan
    model = classifier()
    theta = model.theta.copy()
    with pytest.raises(pl.DataError, match="data holds nan in x at row 7, column 2"):
        model.fit(x, IDS, verbose=False)
    with pytest.raises(pl.DataError, match="validation holds nan in x at row 7"):
        model.fit(X, IDS, validation=(x, IDS), verbose=False)
    with pytest.raises(pl.DataError, match="label of sample 4 is 9"):
        model.fit(X[:6], [0, 1, 2, 0, 9, 1], verbose=False)
    with pytest.raises(pl.DataError, match="50 inputs but 49 targets"):
        model.fit(X, IDS[1:], verbose=False)
    np.testing.assert_array_equal(model.theta, theta)


def test_inputs_of_another_shape_are_drawn():
    with pytest.raises(pl.ShapeError, match=r"(?s)given +\(50, 3\).*expected +\( N, 4\)"):
        classifier().fit(X[:, :3], IDS, verbose=False)


def test_validation_that_does_not_fit_is_refused_before_training_starts():
    x, t = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    model = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(2,))
    with pytest.raises(pl.ShapeError, match="cannot take this input"):
        pl.train(model, (x, t), epochs=1, validation=(np.zeros((4, 3)), t))
    with pytest.raises(pl.DataError, match="label of sample 1 is 7"):
        pl.train(model, (x, t), epochs=1, validation=(x, np.array([0, 7, 0, 1])))
