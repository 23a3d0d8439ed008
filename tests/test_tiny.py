"""One screen that runs everything once, in about a second: run it before each commit."""

from __future__ import annotations

import numpy as np

import pellucid as pl


def test_classes_from_raw_pixels_to_a_file_and_back(tmp_path):
    rng = np.random.default_rng(0)
    t = np.arange(240) % 3
    x = np.zeros((240, 6, 6), np.uint8)  # a bright bar: at the top, in the middle, at the bottom
    x[np.arange(240), 2 * t] = 255
    x = np.where(rng.random(x.shape) < 0.1, rng.integers(0, 256, x.shape), x).astype(np.uint8)
    rest, aside = pl.split(pl.Data(x, t, classes=("top", "middle", "bottom")), 0.25)
    model = pl.Model(
        pl.Dense(24, penalty=pl.L1(1e-5)), pl.GELU(), pl.Dropout(0.1), pl.Residual(pl.Dense(24), pl.ReLU()),
        pl.Concat(pl.Dense(4), pl.Tanh()), pl.Dense(3),
        loss=pl.SoftmaxCrossEntropy(class_weights=(1.0, 1.0, 2.0)), input_shape=(36,), penalty=pl.L2(1e-5),
        prepare=pl.Pixels((36,)), classes=rest.classes,
    )  # fmt: skip
    assert pl.check_gradients(model, x[:6], t[:6]).ok
    history = model.fit(
        rest, epochs=12, batch_size=32, optimizer=pl.AdamW(pl.warmup(10, pl.cosine(1e-2, 70))), validation=aside,
        augment=pl.Shift(0), metrics=[pl.accuracy, pl.f1], patience=10, best=True, clip=5.0, verbose=False,
    )  # fmt: skip
    assert max(history["val_accuracy"]) > 0.95
    assert model.evaluate(aside.x, aside.t)["accuracy"] > 0.95
    assert "GELU" in repr(model)
    assert "1.gelu" in model.summary()
    model.save(tmp_path / "bars.safetensors")
    np.testing.assert_array_equal(pl.load(tmp_path / "bars.safetensors").predict(aside.x), model.predict(aside.x))


def test_values_and_yes_or_no_answers_with_every_optimizer():
    x = np.linspace(-1, 1, 128)[:, None]
    for optimizer in (
        pl.RandomSearch(0.05), pl.SGD(0.1, momentum=0.9), pl.AdaGrad(0.1), pl.RMSprop(0.01), pl.Adam(0.02),
    ):  # fmt: skip
        for loss, t in ((pl.MeanSquaredError(), 2 * x), (pl.Huber(), 2 * x), (pl.SigmoidCrossEntropy(), x > 0.2)):
            model = pl.Model(pl.Dense(8), pl.Tanh(), pl.Dense(1), loss=loss, input_shape=(1,))
            history = model.fit(x, t, epochs=40, batch_size=32, optimizer=optimizer, verbose=False)
            assert history["loss"][-1] < 0.7 * history["loss"][0], f"{optimizer} {loss}"
