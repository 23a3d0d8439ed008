"""The summary says what is there: every layer once, every parameter counted, and what a person should know."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import pellucid as pl
from tests.cases import LAYERS, LayerCase


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
def test_every_parameter_is_counted_once_and_every_layer_named(case: LayerCase) -> None:
    model = case.model()
    head, given, *rows = model.summary().splitlines()
    rows = [row for row in rows if re.match(r"[\d.]+\w", row) and "parameters" not in row]
    assert head.split() == ["layer", "output", "parameters"]
    assert given.split()[0] == "input"
    counts = [int(row.rsplit(maxsplit=1)[1]) for row in rows if row.split(")")[1].strip()]
    assert sum(counts) == model.theta.size
    names = [row.split()[0] for row in rows]
    assert len(set(names)) == len(names)
    assert {path.rsplit(".", 1)[0] for path in model.slots} <= set(names)
    assert f"{model.theta.size:,} parameters, float64" in model.summary()


def test_the_shapes_are_those_that_come_out() -> None:
    model = pl.Model(
        pl.Flatten(),
        pl.Dense(6),
        pl.Residual(pl.Dense(3), pl.Tanh(), pl.Dense(6)),
        pl.Concat(pl.Dense(2), pl.Sequential(pl.Dense(4), pl.ReLU())),
        pl.Reshape((3, 2)),
        input_shape=(5, 2),
    )
    lines = model.summary().splitlines()
    found = {line.split()[0]: line[line.index("(") : line.index(")") + 1] for line in lines[1:-2]}
    assert found == {
        "input": "(N, 5, 2)",
        "0.flatten": "(N, 10)",
        "1.dense": "(N, 6)",
        "2.residual": "(N, 6)",
        "2.residual.0.dense": "(N, 3)",
        "2.residual.1.tanh": "(N, 3)",
        "2.residual.2.dense": "(N, 6)",
        "3.concat": "(N, 6)",
        "3.concat.0.dense": "(N, 2)",
        "3.concat.1.sequential": "(N, 4)",
        "3.concat.1.sequential.0.dense": "(N, 4)",
        "3.concat.1.sequential.1.relu": "(N, 4)",
        "4.reshape": "(N, 3, 2)",
    }
    assert len({line.index("(") + len(found[line.split()[0]]) for line in lines[1:-2]}) == 1  # one right edge


@pytest.mark.parametrize(
    ("units", "size"), [(1, "12 bytes"), (100, "1.2 kB"), (333, "4 kB"), (100_000, "1.2 MB"), (10_000_000, "120 MB")]
)
def test_memory_in_words(units: int, size: str) -> None:
    summary = pl.Model(pl.Dense(units, init="zeros"), input_shape=(2,)).summary()
    assert f"{3 * units:,} parameters, float32, {size}" in summary


def test_what_is_around_the_network_is_said() -> None:
    model = pl.Model(
        pl.Dense(3),
        loss=pl.SoftmaxCrossEntropy(),
        input_shape=(40,),
        penalty=pl.L2(1e-4),
        prepare=pl.Standardize((0.0,) * 40, (1.0,) * 40),
        classes=[f"class {k}" for k in range(20)],
        dtype=np.float64,
    )
    model.history = pl.History([{"epoch": 7, "loss": 0.123456, "val_loss": math.nan, "lr": 1e-3}])
    text = model.summary()
    for words in (
        "before the first layer: Standardize(mean=40 numbers, std=40 numbers)",
        "penalty on all weights: L2(strength=0.0001)",
        "loss: SoftmaxCrossEntropy; predict gives probabilities",
        "classes: class 0, class 1, ",
        ", class 11, ...",
        "trained for 7 epochs: loss 0.1235, val_loss nan, lr 0.001",
    ):
        assert words in text
    assert "class 12" not in text


@pytest.mark.parametrize(
    ("layers", "loss", "answer", "note"),
    [
        ((), pl.SoftmaxCrossEntropy(), "probabilities", None),
        ((pl.Softmax,), pl.SoftmaxCrossEntropy(), "probabilities", "taken twice"),
        ((pl.Softmax,), pl.CategoricalCrossEntropy(), "probabilities", "stabler"),
        ((), pl.MeanSquaredError(), "values", None),
        ((pl.Softmax,), pl.MeanSquaredError(), "probabilities", None),
        ((), pl.SigmoidCrossEntropy(), "a probability for each output", None),
        ((pl.Sigmoid,), pl.BinaryCrossEntropy(), "a probability for each output", "stabler"),
    ],
)
def test_what_predict_gives_and_what_to_know(
    layers: tuple[type[pl.Layer], ...], loss: pl.Loss, answer: str, note: str | None
) -> None:
    model = pl.Model(pl.Dense(2), *(layer() for layer in layers), loss=loss, input_shape=(3,))
    lines = model.summary().splitlines()
    assert f"loss: {type(loss).__name__}; predict gives {answer}" in lines
    notes = [line for line in lines if line.startswith("note:")]
    assert len(notes) == (note is not None)
    assert note is None or note in notes[0]
    y = model.predict(np.ones((1, 3)))
    if answer == "probabilities":
        assert y.sum() == pytest.approx(1.0)
    if answer != "values":
        assert y.min() >= 0.0
        assert y.max() <= 1.0


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (pl.MaxPool2D(), (13, 11, 1), "last 1 row and 1 column of its input"),
        (pl.AvgPool2D((3, 2)), (11, 8, 1), "last 2 rows of its input"),
        (pl.Conv2D(1, 2, stride=3), (8, 10, 1), "last 1 column of its input"),
        (pl.Conv1D(1, 2, stride=4), (9, 1), "last 1 step of its input"),
        (pl.MaxPool2D(), (12, 10, 1), ""),
        (pl.MaxPool2D(padding="same"), (13, 11, 1), ""),
        (pl.Conv2D(1, 3, stride=2, padding=1), (28, 28, 1), ""),  # the rest is padding
        (pl.Conv2D(1, 1, stride=2), (6, 6, 1), ""),  # every second one, as was asked for
    ],
)
def test_what_no_window_of_a_layer_sees_is_said(layer: pl.Layer, shape: tuple[int, ...], words: str) -> None:
    text = pl.Model(layer, input_shape=shape).summary()
    assert ("does not see" in text) == bool(words)
    if words:
        assert f"note: 0.{layer.kind} does not see the {words}" in text


def test_a_layer_inside_another_is_named_by_its_path() -> None:
    model = pl.Model(pl.Sequential(pl.Conv2D(2, 3), pl.MaxPool2D()), input_shape=(13, 13, 1))
    assert "note: 0.sequential.1.maxpool2d does not see" in model.summary()
