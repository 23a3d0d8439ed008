"""The sick: one table. Each has one thing wrong with it, and the doctor must name that first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import pellucid as pl
from tests.sick import data as draw
from tests.sick.case import SetUp, network
from tests.sick.layers import Averaging, Square

CE, MSE, YES = pl.SoftmaxCrossEntropy, pl.MeanSquaredError, pl.SigmoidCrossEntropy
Made = tuple[pl.Model, pl.Data, dict[str, Any]]


def classes(
    *layers: pl.Layer, loss: pl.Loss | None = None, data: pl.Data | None = None, lr: float = 0.02, **told: Any
) -> Made:
    """A classification of three clouds in four dimensions."""
    data = draw.clouds() if data is None else data
    model = network(*layers, loss=loss or CE(), inputs=data.x.shape[1:])
    return model, data, {"optimizer": pl.Adam(lr), "epochs": 40, "batch_size": 32, **told}


def values(*layers: pl.Layer, loss: pl.Loss | None = None, data: pl.Data | None = None, **told: Any) -> Made:
    """A regression of two inputs."""
    data = draw.curve() if data is None else data
    model = network(*layers, loss=loss or MSE(), inputs=data.x.shape[1:])
    return model, data, {"optimizer": pl.Adam(0.02), "epochs": 40, "batch_size": 32, **told}


def usual(bend: Callable[[], pl.Layer] = pl.ReLU, out: int = 3, **settings: Any) -> list[pl.Layer]:
    return [pl.Dense(16, **settings), bend(), pl.Dense(out)]


def with_weights(made: Made, change: Callable[[pl.Model], None]) -> Made:
    change(made[0])
    return made


def _nan(model: pl.Model) -> None:
    model.theta[5] = np.nan


def _dead(model: pl.Model) -> None:
    model.layers[0].b[:] = -20.0


def _thousandfold(data: pl.Data) -> pl.Data:
    return replace(data, x=data.x * np.array([1.0, 1.0, 1e-3, 1.0], np.float32))


def _in_dollars(data: pl.Data) -> pl.Data:
    return replace(data, t=200_000 + 80_000 * data.t)


def _seen_before(made: Made) -> Made:
    model, data, told = made
    return model, data[:180], {**told, "validation": data[100:]}


def _shuffled(data: pl.Data) -> pl.Data:
    return replace(data, t=np.random.default_rng(3).permutation(data.t))


SICK: tuple[SetUp, ...] = (
    SetUp("Softmax, then SoftmaxCrossEntropy", lambda: classes(*usual(), pl.Softmax()), "softmax twice"),
    SetUp(
        "Sigmoid, then SigmoidCrossEntropy",
        lambda: classes(*usual(out=1), pl.Sigmoid(), loss=YES(), data=draw.rings()),
        "sigmoid twice",
    ),
    SetUp("ReLU behind the scores", lambda: classes(*usual(), pl.ReLU()), "relu before the loss"),
    SetUp("Tanh behind the scores", lambda: classes(*usual(), pl.Tanh()), "bounded scores"),
    SetUp("Dropout behind the scores", lambda: classes(*usual(), pl.Dropout(0.5)), "dropout before the loss"),
    SetUp(
        "scores into CategoricalCrossEntropy",
        lambda: classes(*usual(), loss=pl.CategoricalCrossEntropy()),
        "scores instead of probabilities",
    ),
    SetUp(
        "scores into BinaryCrossEntropy",
        lambda: classes(*usual(out=1), loss=pl.BinaryCrossEntropy(), data=draw.rings()),
        "scores instead of probabilities",
    ),
    SetUp(
        "one output into SoftmaxCrossEntropy",
        lambda: classes(*usual(out=1), data=replace(draw.rings(), t=np.zeros(300, np.int64))),
        "softmax over one output",
    ),
    SetUp(
        "Softmax behind a single unit",
        lambda: values(*usual(out=1), pl.Softmax(), data=replace(draw.rings(), classes=())),
        "softmax over one output",
    ),
    SetUp(
        "squared error on one-hot rows",
        lambda: classes(*usual(), loss=MSE(), data=draw.one_hot(draw.clouds())),
        "squared error on classes",
    ),
    SetUp("squared error on class ids", lambda: classes(*usual(out=1), loss=MSE()), "squared error on classes"),
    SetUp("a sigmoid for values above 1", lambda: values(*usual(out=1), pl.Sigmoid()), "targets out of reach"),
    SetUp(
        "dense layers without a bend", lambda: classes(pl.Dense(16), pl.Dense(16), *usual()), "no bend between layers"
    ),
    SetUp(
        "batch norm with batches of one",
        lambda: classes(pl.Dense(16), pl.BatchNorm(), pl.ReLU(), pl.Dense(3), batch_size=1),
        "batch norm on one sample",
    ),
    SetUp(
        "batch norm with a last batch of one",
        lambda: classes(
            pl.Dense(16),
            pl.BatchNorm(),
            pl.ReLU(),
            pl.Dense(3),
            data=draw.clouds(285)[:225],
            batch_size=32,
            validation=draw.clouds(285)[225:],
        ),
        "batch norm on one sample",
    ),
    SetUp(
        "bytes that were not divided",
        lambda: classes(*usual(), data=replace(draw.clouds(), x=100 * draw.clouds().x)),
        "unscaled inputs",
    ),
    SetUp(
        "a column a thousand times smaller",
        lambda: classes(*usual(), data=_thousandfold(draw.clouds())),
        "unscaled inputs",
    ),
    SetUp(
        "years as they are",
        lambda: classes(*usual(), data=replace(draw.clouds(), x=2000 + 10 * draw.clouds().x)),
        "unscaled inputs",
    ),
    SetUp("prices in dollars", lambda: values(*usual(out=1), data=_in_dollars(draw.curve())), "unscaled targets"),
    SetUp(
        "initial weights of deviation 3",
        lambda: classes(*usual(init=pl.Normal(3.0))[:2], pl.Dense(3, init=pl.Normal(3.0))),
        "loss too high at the start",
    ),
    SetUp(
        "all weights 0",
        lambda: classes(pl.Dense(16, init="zeros"), pl.Tanh(), pl.Dense(3, init="zeros")),
        "units all alike",
    ),
    SetUp(
        "all weights 0.1",
        lambda: classes(pl.Dense(16, init=pl.Constant(0.1)), pl.ReLU(), pl.Dense(3, init=pl.Constant(0.1))),
        "units all alike",
    ),
    SetUp("a weight that is nan", lambda: with_weights(classes(*usual()), _nan), "weights not finite"),
    SetUp("biases of -20 before ReLU", lambda: with_weights(classes(*usual()), _dead), "dead units"),
    SetUp(
        "tanh with weights of deviation 8",
        lambda: classes(pl.Dense(16, init=pl.Normal(8.0)), pl.Tanh(), pl.Dense(3, init="glorot")),
        "saturated units",
    ),
    SetUp(
        "ten sigmoid layers",
        lambda: classes(*[p for _ in range(10) for p in (pl.Dense(12, init="glorot"), pl.Sigmoid())], pl.Dense(3)),
        "vanishing gradients",
    ),
    SetUp(
        "weights too large, twelve layers deep",
        lambda: classes(*[p for _ in range(12) for p in (pl.Dense(16, init=pl.Normal(0.8)), pl.ReLU())], pl.Dense(3)),
        "exploding gradients",
    ),
    SetUp(
        "a recurrent layer that doubles its state",
        lambda: classes(pl.SimpleRNN(16, recurrent_init=pl.Normal(0.75)), pl.Dense(2), data=draw.sequences(steps=40)),
        "exploding gradients",
    ),
    SetUp("a layer that forgets a factor 2", lambda: classes(pl.Dense(16), Square(), pl.Dense(3)), "wrong gradient"),
    SetUp(
        "a layer that averages over the batch", lambda: classes(Averaging(16), pl.ReLU(), pl.Dense(3)), "wrong gradient"
    ),
    SetUp("SGD at a rate of 30", lambda: classes(*usual(), optimizer=pl.SGD(30.0)), "learning rate too high"),
    SetUp("Adam at a rate of 5", lambda: classes(*usual(), lr=5.0), "learning rate too high"),
    SetUp(
        "SGD at a rate of 3 for values", lambda: values(*usual(out=1), optimizer=pl.SGD(3.0)), "learning rate too high"
    ),
    SetUp("Adam at a rate of 1e-6", lambda: classes(*usual(), lr=1e-6), "learning rate too low"),
    SetUp(
        "Adam at a rate of 1e-7, slow data",
        lambda: classes(pl.Dense(32), pl.ReLU(), pl.Dense(3), data=pl.datasets.spiral(), lr=1e-7),
        "learning rate too low",
    ),
    SetUp(
        "SGD at a rate of 1e-4, slow data",
        lambda: classes(pl.Dense(32), pl.ReLU(), pl.Dense(3), data=pl.datasets.spiral(), optimizer=pl.SGD(1e-4)),
        "learning rate too low",
    ),
    SetUp(
        "a schedule that counts epochs",
        lambda: classes(*usual(), optimizer=pl.Adam(pl.cosine(0.02, 20))),
        "rate falls too soon",
    ),
    SetUp("clip far below the gradient", lambda: classes(*usual(), optimizer=pl.SGD(0.1), clip=1e-4), "clip too tight"),
    SetUp(
        "a penalty of 1",
        lambda: (lambda m, d, k: (pl.Model(*usual(), loss=CE(), input_shape=(4,), penalty=pl.L2(1.0)), d, k))(
            *classes(*usual())
        ),
        "penalty too strong",
    ),
    SetUp(
        "dropout of 0.9 behind both layers",
        lambda: classes(*[p for _ in range(2) for p in (pl.Dense(16), pl.ReLU(), pl.Dropout(0.9))], pl.Dense(3)),
        "dropout too strong",
    ),
    SetUp(
        "a straight line for xor", lambda: classes(pl.Dense(2), data=pl.datasets.xor(120)), "cannot learn eight samples"
    ),
    SetUp("validation samples that were learned", lambda: _seen_before(classes(*usual())), "validation leaks"),
    SetUp(
        "labels in another order than the inputs",
        lambda: classes(*usual(), data=_shuffled(draw.clouds())),
        "labels do not follow inputs",
    ),
    SetUp(
        "one label in six wrong",
        lambda: classes(*usual(), data=draw.noisy(draw.clouds(400, apart=5.0), 0.16), epochs=8),
        "label noise",
    ),
    SetUp(
        "forty samples, a thousand parameters",
        lambda: classes(
            pl.Dense(64),
            pl.ReLU(),
            pl.Dense(3),
            data=draw.clouds(50, d=20, apart=0.5),
            epochs=150,
            validation=draw.clouds(200, d=20, apart=0.5)[50:],
        ),
        "overfitting",
    ),
)
