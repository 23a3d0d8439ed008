"""What the options' words mean, and what is used where nothing was said."""

from __future__ import annotations

from dataclasses import dataclass

import pellucid as pl

LOSSES: dict[str, type[pl.Loss]] = {
    "softmax-cross-entropy": pl.SoftmaxCrossEntropy,
    "categorical-cross-entropy": pl.CategoricalCrossEntropy,
    "sigmoid-cross-entropy": pl.SigmoidCrossEntropy,
    "binary-cross-entropy": pl.BinaryCrossEntropy,
    "mse": pl.MeanSquaredError,
    "mae": pl.MeanAbsoluteError,
    "huber": pl.Huber,
}
OPTIMIZERS: dict[str, type[pl.Optimizer]] = {
    "random-search": pl.RandomSearch,
    "sgd": pl.SGD,
    "adagrad": pl.AdaGrad,
    "rmsprop": pl.RMSprop,
    "adam": pl.Adam,
    "adamw": pl.AdamW,
}
ACTIVATIONS: dict[str, type[pl.Layer]] = {
    "relu": pl.ReLU,
    "leaky-relu": pl.LeakyReLU,
    "elu": pl.ELU,
    "gelu": pl.GELU,
    "silu": pl.SiLU,
    "tanh": pl.Tanh,
    "sigmoid": pl.Sigmoid,
}
SCHEDULES = ("exponential", "constant", "inverse", "cosine", "one-cycle")
USUAL_RATE = {"sgd": 0.1, "adagrad": 0.02, "random-search": 0.05}  # others: 0.003


@dataclass(frozen=True)
class Usual:
    """What is used where nothing was said, by the kind of data."""

    hidden: tuple[int, ...] = (64, 32)
    activation: str = "relu"
    epochs: int = 100
    batch_size: int = 32
    lr: float | None = None  # None: the optimizer's usual rate
    decay: float = 0.97  # what the rate is multiplied by after each epoch
    shift: int = 0
    l2: float = 0.0


USUAL: dict[str, Usual] = {
    "digits": Usual((128,), epochs=30, batch_size=64, lr=0.005, decay=0.9, shift=1),
    "pictures": Usual((128,), epochs=10, batch_size=128, lr=0.003, decay=0.75),
    "spiral": Usual((64, 64), epochs=300, lr=0.01, decay=0.985, l2=3e-4),
    "vertical": Usual((16,), epochs=60, decay=0.95),
    "xor": Usual((16,), epochs=100, lr=0.01),
    "moons": Usual((32,), epochs=100, lr=0.01),
    "sine": Usual((64, 64), "tanh", epochs=200, lr=0.005, decay=0.98),
}
# tables, by how many rows there are to learn from: few rows are seen often, and held back by a penalty
TABLES: tuple[tuple[float, Usual], ...] = (
    (500, Usual(epochs=200, batch_size=16, lr=0.01, decay=0.985, l2=5e-3)),
    (2_000, Usual(epochs=100, lr=0.01, decay=0.97, l2=5e-3)),
    (50_000, Usual((128, 64), epochs=80, batch_size=64, lr=0.01, decay=0.936, l2=2e-4)),
    (float("inf"), Usual((128, 64), epochs=30, batch_size=256, lr=0.01, decay=0.86, l2=1e-5)),
)


def usual_for(name: str, data: pl.Data) -> Usual:
    """The usual choices for this data."""
    if name in USUAL:
        return USUAL[name]
    if data.x.ndim >= 3:
        return USUAL["pictures"]
    return next(usual for rows, usual in TABLES if len(data) < rows)
