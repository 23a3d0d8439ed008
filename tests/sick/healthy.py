"""The healthy: varied trainings with nothing wrong, about which the doctor must say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import pellucid as pl
from tests.sick import data as draw
from tests.sick.case import SetUp
from tests.sick.corpus import CE, MSE, YES, classes, usual, values


def _imbalanced() -> pl.Data:
    data = draw.clouds(600, apart=4.0)
    keep = np.flatnonzero((data.t != 2) | (np.arange(600) % 8 == 2))
    return data[keep]


def _rows() -> pl.Data:
    """A table: two numbers brought to 0 and 1, and a word as three columns."""
    rng = np.random.default_rng(0)
    n = 300
    word, number = rng.integers(0, 3, n), rng.normal(0, 1, (n, 2))
    t = (number[:, 0] + (word == 1) * 2 - 0.5 > 0).astype(np.int64)
    x = np.concatenate([number, np.eye(3)[word]], axis=1).astype(np.float32)
    return pl.Data(x, t, ("no", "yes"), columns=("a", "b", "w=0", "w=1", "w=2"))


def _bytes() -> pl.Data:
    data = draw.pictures()
    return replace(data, x=np.rint(255 * np.minimum(data.x, 1)).astype(np.uint8))


def _prepared() -> tuple[pl.Model, pl.Data, dict[str, object]]:
    data = _bytes()
    model = pl.Model(*usual(), loss=CE(), input_shape=(64,), prepare=pl.Pixels((64,)))
    return model, data, {"optimizer": pl.Adam(0.01), "epochs": 20, "batch_size": 32}


def _several_labels() -> pl.Data:
    data = draw.curve()
    return replace(data, t=np.stack([data.t[:, 0] > 0, data.x[:, 0] > 0], axis=1).astype(np.float32))


def _trained() -> tuple[pl.Model, pl.Data, dict[str, object]]:
    model, data, told = classes(*usual(), epochs=15)
    model.fit(data[:180], epochs=15, optimizer=pl.Adam(0.02), batch_size=32, verbose=False)
    return model, data[:180], {**told, "validation": data[180:]}


HEALTHY: tuple[SetUp, ...] = (
    SetUp("three clouds, one hidden layer", lambda: classes(*usual(), epochs=20)),
    SetUp("clouds that overlap", lambda: classes(*usual(), data=draw.clouds(400, apart=1.5), epochs=10)),
    SetUp("softmax regression without a hidden layer", lambda: classes(pl.Dense(3), epochs=20)),
    SetUp(
        "Softmax into CategoricalCrossEntropy",
        lambda: classes(*usual(), pl.Softmax(), loss=pl.CategoricalCrossEntropy(), epochs=20),
    ),
    SetUp("one-hot targets", lambda: classes(*usual(), data=draw.one_hot(draw.clouds()), epochs=20)),
    SetUp("SGD with momentum", lambda: classes(*usual(), optimizer=pl.SGD(0.05, momentum=0.9), epochs=20)),
    SetUp("a one-cycle schedule", lambda: classes(*usual(), optimizer=pl.Adam(pl.one_cycle(0.03, 120)), epochs=20)),
    SetUp("a yes or no with one output", lambda: classes(*usual(out=1), loss=YES(), data=draw.rings(), epochs=30)),
    SetUp(
        "Sigmoid into BinaryCrossEntropy",
        lambda: classes(*usual(out=1), pl.Sigmoid(), loss=pl.BinaryCrossEntropy(), data=draw.rings(), epochs=30),
    ),
    SetUp(
        "several yes-or-no answers a sample",
        lambda: classes(*usual(out=2), loss=YES(), data=_several_labels(), epochs=30),
    ),
    SetUp("values, tanh", lambda: values(*usual(pl.Tanh, out=1))),
    SetUp("values, the mean absolute error", lambda: values(*usual(out=1), loss=pl.MeanAbsoluteError())),
    SetUp("values that are noisy", lambda: values(*usual(out=1), data=draw.curve(noise=0.5), epochs=10)),
    SetUp(
        "prices, scaled by the loss",
        lambda: values(
            *usual(out=1),
            loss=pl.Scaled.fit(200_000 + 80_000 * draw.curve().t),
            data=replace(draw.curve(), t=200_000 + 80_000 * draw.curve().t),
        ),
    ),
    SetUp(
        "an autoencoder with a narrow middle",
        lambda: values(pl.Dense(2), pl.Dense(4), data=(lambda d: replace(d, t=d.x, classes=()))(draw.clouds())),
    ),
    SetUp(
        "a small convolution network",
        lambda: classes(
            pl.Conv2D(6, 3),
            pl.ReLU(),
            pl.MaxPool2D(2),
            pl.Flatten(),
            pl.Dense(3),
            data=draw.pictures(),
            epochs=12,
            batch_size=16,
        ),
    ),
    SetUp("pictures as bytes, prepared", _prepared),
    SetUp("a GRU over sequences", lambda: classes(pl.GRU(8), pl.Dense(2), data=draw.sequences(), epochs=10)),
    SetUp(
        "a SimpleRNN over sequences", lambda: classes(pl.SimpleRNN(8), pl.Dense(2), data=draw.sequences(), epochs=10)
    ),
    SetUp(
        "words through an embedding",
        lambda: classes(
            pl.Embedding(12, 4), pl.Flatten(), pl.Dense(16), pl.ReLU(), pl.Dense(2), data=draw.words(), epochs=5
        ),
    ),
    SetUp("batch norm", lambda: classes(pl.Dense(16), pl.BatchNorm(), pl.ReLU(), pl.Dense(3), epochs=10)),
    SetUp("layer norm and GELU", lambda: classes(pl.Dense(16), pl.LayerNorm(), pl.GELU(), pl.Dense(3), epochs=10)),
    SetUp("rows of a table", lambda: classes(*usual(out=2), data=_rows(), epochs=15)),
    SetUp("batches of four", lambda: classes(*usual(), lr=0.005, batch_size=4, epochs=5)),
    SetUp("a rare class that is told apart", lambda: classes(*usual(), data=_imbalanced(), epochs=10)),
    SetUp(
        "ten residuals deep",
        lambda: classes(
            pl.Dense(12),
            *[pl.Residual(pl.LayerNorm(), pl.Dense(12, init="glorot"), pl.Tanh()) for _ in range(10)],
            pl.LayerNorm(),
            pl.Dense(3),
            lr=0.003,
            epochs=10,
        ),
    ),
    SetUp(
        "six ReLU layers",
        lambda: classes(*[p for _ in range(6) for p in (pl.Dense(16), pl.ReLU())], pl.Dense(3), lr=0.005, epochs=10),
    ),
    SetUp("dropout of 0.3", lambda: classes(pl.Dense(32), pl.ReLU(), pl.Dropout(0.3), pl.Dense(3), epochs=20)),
    SetUp(
        "an ordinary penalty",
        lambda: (lambda m, d, k: (pl.Model(*usual(), loss=CE(), input_shape=(4,), penalty=pl.L2(1e-3)), d, k))(
            *classes(*usual(), epochs=20)
        ),
    ),
    SetUp("a clip that is rarely met", lambda: classes(*usual(), optimizer=pl.SGD(0.2), clip=5.0, epochs=20)),
    SetUp("a trained network", _trained),
    SetUp(
        "the book's spiral",
        lambda: classes(pl.Dense(64), pl.ReLU(), pl.Dense(3), data=pl.datasets.spiral(), lr=0.02, epochs=60),
    ),
    SetUp("moons", lambda: classes(pl.Dense(16), pl.Tanh(), pl.Dense(2), data=pl.datasets.moons(120), epochs=30)),
)

assert MSE
