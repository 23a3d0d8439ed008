"""The one table of cases: an entry for each layer, loss and optimizer, with its construction, shapes and naive twin.

Every check in tests/test_layers.py, tests/test_losses.py, tests/test_optim.py and tests/test_golden.py runs over all of
them. Who adds a layer adds a line here and a twin in tests/reference/.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import pellucid as pl
from pellucid.schedules import Schedule
from tests import cases_sequence, cases_vision
from tests.layer_case import NOISE as NOISE
from tests.layer_case import LayerCase as LayerCase
from tests.reference import layers as naive
from tests.reference import losses as naive_loss
from tests.reference import optim as naive_optim

Array = Any
Rng = np.random.Generator


# ---- layers ----------------------------------------------------------------------------------------------------------

LAYERS = [
    *cases_sequence.LAYERS,
    *cases_vision.LAYERS,
    LayerCase("dense", lambda: pl.Dense(3), (4,), naive.dense),
    LayerCase("dense_one_unit", lambda: pl.Dense(1, init="glorot"), (4,), naive.dense),
    LayerCase("dense_without_bias", lambda: pl.Dense(3, bias=False), (4,), naive.dense),
    LayerCase("dense_on_sequences", lambda: pl.Dense(3, init="lecun"), (2, 4), naive.dense),
    LayerCase("relu", lambda: pl.ReLU(), (4,), naive.relu),
    LayerCase("relu_on_pictures", lambda: pl.ReLU(), (2, 3, 2), naive.relu),
    LayerCase("leaky_relu", lambda: pl.LeakyReLU(0.2), (4,), naive.leaky_relu(0.2)),
    LayerCase("elu", lambda: pl.ELU(1.5), (4,), naive.elu(1.5)),
    LayerCase("sigmoid", lambda: pl.Sigmoid(), (4,), naive.sigmoid),
    LayerCase("tanh", lambda: pl.Tanh(), (4,), naive.tanh),
    LayerCase("silu", lambda: pl.SiLU(), (4,), naive.silu),
    LayerCase("gelu", lambda: pl.GELU(), (4,), naive.gelu),
    LayerCase("softmax", lambda: pl.Softmax(), (4,), naive.softmax),
    LayerCase("softmax_of_many", lambda: pl.Softmax(), (70,), naive.softmax),
    LayerCase("softmax_on_sequences", lambda: pl.Softmax(), (2, 4), naive.softmax),
    LayerCase("dropout", lambda: pl.Dropout(0.4), (4,), naive.dropout(0.4), rowwise=False, training=True),
    LayerCase("flatten", lambda: pl.Flatten(), (2, 3, 2), naive.reshape((2, 3, 2), (12,))),
    LayerCase("reshape", lambda: pl.Reshape((2, 3)), (6,), naive.reshape((6,), (2, 3))),
    LayerCase(
        "sequential",
        lambda: pl.Sequential(pl.Dense(3), pl.Tanh(), pl.Dense(2)),
        (4,),
        naive.sequential(_0_dense=naive.dense, _1_tanh=naive.tanh, _2_dense=naive.dense),
    ),
    LayerCase(
        "residual",
        lambda: pl.Residual(pl.Dense(3), pl.GELU(), pl.Dense(4)),
        (4,),
        naive.residual(_0_dense=naive.dense, _1_gelu=naive.gelu, _2_dense=naive.dense),
    ),
    LayerCase(
        "concat",
        lambda: pl.Concat(pl.Dense(2), pl.Sequential(pl.Dense(3), pl.Sigmoid()), pl.ReLU()),
        (4,),
        naive.concat(
            _0_dense=naive.dense,
            _1_sequential=naive.sequential(_0_dense=naive.dense, _1_sigmoid=naive.sigmoid),
            _2_relu=naive.relu,
        ),
    ),
    LayerCase(
        "concat_on_sequences",
        lambda: pl.Concat(pl.Dense(3), pl.Tanh()),
        (2, 4),
        naive.concat(_0_dense=naive.dense, _1_tanh=naive.tanh),
    ),
]


# ---- losses ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LossCase:
    """name; construction; one sample's scores' shape; how targets and scores are drawn; twin; with sample weights."""

    name: str
    make: Callable[[], pl.Loss]
    shape: tuple[int, ...]
    targets: Callable[[Rng, tuple[int, ...]], Array]
    twin: naive_loss.Loss
    scores: Callable[[Rng, tuple[int, ...]], Array] = lambda rng, shape: 2.0 * rng.normal(size=shape)
    weighted: bool = False

    def draw(self, n: int = 5, seed: int = 0) -> tuple[Array, Array, Array | None]:
        """Scores, targets, and weights or None."""
        rng = np.random.default_rng(seed)
        z, t = self.scores(rng, (n, *self.shape)), self.targets(rng, (n, *self.shape))
        return z, t, rng.uniform(0.5, 2.0, n) if self.weighted else None


def values(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.normal(size=shape)


def one_value(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.normal(size=shape[:-1])  # (N,) for outputs (N, 1)


def ids(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.integers(0, shape[-1], shape[:-1])


def one_hot(rng: Rng, shape: tuple[int, ...]) -> Array:
    return np.eye(shape[-1])[ids(rng, shape)]


def whole_one_hot(rng: Rng, shape: tuple[int, ...]) -> Array:
    return np.eye(shape[-1], dtype=np.int64)[ids(rng, shape)]


def shares(rng: Rng, shape: tuple[int, ...]) -> Array:
    t = rng.random(shape)
    return t / t.sum(axis=-1, keepdims=True)


def yes_or_no(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.integers(0, 2, shape)


def probabilities(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.uniform(0.05, 0.95, shape)


CLASS_WEIGHTS = [0.5, 1.0, 2.5]
CE = pl.SoftmaxCrossEntropy
softmax_ce = naive_loss.softmax_cross_entropy()
categorical_ce = naive_loss.categorical_cross_entropy(1e-7)

LOSSES = [
    LossCase("mse", pl.MeanSquaredError, (3,), values, naive_loss.mean_squared_error),
    LossCase("mse_weighted", pl.MeanSquaredError, (3,), values, naive_loss.mean_squared_error, weighted=True),
    LossCase("mse_on_pictures", pl.MeanSquaredError, (2, 3), values, naive_loss.mean_squared_error, weighted=True),
    LossCase("mae", pl.MeanAbsoluteError, (3,), values, naive_loss.mean_absolute_error),
    LossCase("mae_weighted", pl.MeanAbsoluteError, (3,), values, naive_loss.mean_absolute_error, weighted=True),
    LossCase("huber", lambda: pl.Huber(0.7), (3,), values, naive_loss.huber(0.7)),
    LossCase("huber_weighted", lambda: pl.Huber(0.7), (3,), values, naive_loss.huber(0.7), weighted=True),
    LossCase(
        "scaled_mse",
        lambda: pl.Scaled(mean=2.0, std=0.5),
        (3,),
        values,
        naive_loss.scaled(naive_loss.mean_squared_error, 2.0, 0.5),
        weighted=True,
    ),
    LossCase(
        "scaled_mae",
        lambda: pl.Scaled(pl.MeanAbsoluteError(), (2.0, 0.0, -7.5), (0.5, 1.0, 3.0)),
        (3,),
        values,
        naive_loss.scaled(naive_loss.mean_absolute_error, (2.0, 0.0, -7.5), (0.5, 1.0, 3.0)),
    ),
    LossCase("bce", pl.BinaryCrossEntropy, (3,), yes_or_no, naive_loss.binary_cross_entropy(1e-7), probabilities),
    LossCase(
        "bce_weighted", pl.BinaryCrossEntropy, (3,), shares, naive_loss.binary_cross_entropy(1e-7), probabilities, True
    ),
    LossCase("sigmoid_ce", pl.SigmoidCrossEntropy, (3,), yes_or_no, naive_loss.sigmoid_cross_entropy),
    LossCase(
        "sigmoid_ce_shares", pl.SigmoidCrossEntropy, (3,), shares, naive_loss.sigmoid_cross_entropy, weighted=True
    ),
    LossCase("categorical_ce", pl.CategoricalCrossEntropy, (3,), ids, categorical_ce, shares),
    LossCase("categorical_ce_one_hot", pl.CategoricalCrossEntropy, (3,), whole_one_hot, categorical_ce, shares, True),
    LossCase("categorical_ce_on_sequences", pl.CategoricalCrossEntropy, (2, 3), ids, categorical_ce, shares, True),
    LossCase(
        "categorical_ce_class_weights",
        lambda: pl.CategoricalCrossEntropy(CLASS_WEIGHTS),
        (3,),
        shares,
        naive_loss.categorical_cross_entropy(1e-7, CLASS_WEIGHTS),
        shares,
        weighted=True,
    ),
    LossCase("softmax_ce", CE, (3,), ids, softmax_ce),
    LossCase("softmax_ce_weighted", CE, (3,), ids, softmax_ce, weighted=True),
    LossCase("softmax_ce_one_hot", CE, (3,), one_hot, softmax_ce),
    LossCase("softmax_ce_whole_one_hot", CE, (3,), whole_one_hot, softmax_ce, weighted=True),
    LossCase("softmax_ce_shares", CE, (3,), shares, softmax_ce, weighted=True),
    LossCase("softmax_ce_unnormalised_shares", CE, (3,), probabilities, softmax_ce),
    LossCase(
        "softmax_ce_class_weights",
        lambda: CE(CLASS_WEIGHTS),
        (3,),
        ids,
        naive_loss.softmax_cross_entropy(CLASS_WEIGHTS),
    ),
    LossCase(
        "softmax_ce_class_and_sample_weights",
        lambda: CE(CLASS_WEIGHTS),
        (3,),
        shares,
        naive_loss.softmax_cross_entropy(CLASS_WEIGHTS),
        weighted=True,
    ),
    LossCase("softmax_ce_on_sequences", CE, (2, 3), ids, softmax_ce),
    LossCase("softmax_ce_on_sequences_weighted", CE, (2, 3), ids, softmax_ce, weighted=True),
    LossCase("softmax_ce_on_sequences_shares", CE, (2, 3), shares, softmax_ce, weighted=True),
    LossCase(
        "softmax_ce_on_sequences_class_weights",
        lambda: CE(CLASS_WEIGHTS),
        (2, 3),
        ids,
        naive_loss.softmax_cross_entropy(CLASS_WEIGHTS),
        weighted=True,
    ),
]
mse = naive_loss.mean_squared_error
ONE_OUTPUT = [  # the losses of numbers with targets (N,) and outputs (N, 1)
    LossCase("mse", pl.MeanSquaredError, (1,), one_value, mse),
    LossCase("mae", pl.MeanAbsoluteError, (1,), one_value, naive_loss.mean_absolute_error),
    LossCase("huber", lambda: pl.Huber(0.7), (1,), one_value, naive_loss.huber(0.7)),
    LossCase("scaled", lambda: pl.Scaled(mean=9.0, std=3.0), (1,), one_value, naive_loss.scaled(mse, 9.0, 3.0)),
    LossCase("bce", pl.BinaryCrossEntropy, (1,), one_value, naive_loss.binary_cross_entropy(1e-7), probabilities),
    LossCase("sigmoid_ce", pl.SigmoidCrossEntropy, (1,), one_value, naive_loss.sigmoid_cross_entropy),
]


# ---- optimizers ------------------------------------------------------------------------------------------------------

START = [0.8, -1.5, 0.3, 2.0, -0.4]
GOAL = [0.5, 0.25, -1.0, 1.5, 0.0]
CURVATURE = [1.0, 0.3, 3.0, 0.05, 10.0]
DECAYS = [1.0, 1.0, 0.0, 1.0, 0.0]
STEPS = 20


def problem_loss(theta: list[float]) -> float:
    """sum_i c_i (theta_i - g_i)^2 / 2 + theta_i^4 / 40"""
    return sum(c * (a - g) ** 2 / 2.0 + a**4 / 40.0 for a, g, c in zip(theta, GOAL, CURVATURE, strict=True))


def problem_gradient(theta: list[float]) -> list[float]:
    return [c * (a - g) + a**3 / 10.0 for a, g, c in zip(theta, GOAL, CURVATURE, strict=True)]


@dataclass(frozen=True)
class OptimizerCase:
    """name; construction from a rate or schedule; twin; the rate; is it also run with a falling rate."""

    name: str
    make: Callable[[float | Schedule], pl.Optimizer]
    twin: naive_optim.Walk
    lr: float = 0.05

    def schedule(self) -> Schedule:
        return pl.inverse_decay(self.lr, 0.2)

    def twin_schedule(self, step: int) -> float:
        return self.lr / (1.0 + 0.2 * step)


def random_tries() -> list[list[float]]:
    """The numbers that RandomSearch draws with seed 0."""
    from pellucid.base.seeds import stream

    rng = stream(0, "random search")
    return [rng.standard_normal(len(START)).tolist() for _ in range(STEPS)]


OPTIMIZERS = [
    OptimizerCase("random_search", pl.RandomSearch, naive_optim.random_search(random_tries(), problem_loss)),
    OptimizerCase("sgd", lambda lr: pl.SGD(lr), naive_optim.sgd()),
    OptimizerCase("sgd_momentum", lambda lr: pl.SGD(lr, momentum=0.9), naive_optim.sgd(0.9)),
    OptimizerCase("sgd_nesterov", lambda lr: pl.SGD(lr, 0.9, nesterov=True), naive_optim.sgd(0.9, nesterov=True)),
    OptimizerCase("adagrad", lambda lr: pl.AdaGrad(lr, eps=1e-6), naive_optim.adagrad(1e-6)),
    OptimizerCase("rmsprop", lambda lr: pl.RMSprop(lr, rho=0.8), naive_optim.rmsprop(0.8, 1e-8)),
    OptimizerCase("adam", lambda lr: pl.Adam(lr), naive_optim.adam(0.9, 0.999, 1e-8)),
    OptimizerCase("adam_other_betas", lambda lr: pl.Adam(lr, 0.8, 0.95, 1e-4), naive_optim.adam(0.8, 0.95, 1e-4)),
    OptimizerCase("adamw", lambda lr: pl.AdamW(lr, weight_decay=0.1), naive_optim.adam(0.9, 0.999, 1e-8, 0.1, DECAYS)),
]
