"""Three levels of zoom agree for every layer and loss that they cover, and a wrong one is found out."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid import kernels
from pellucid.inspection import loops
from pellucid.inspection.neurons import CHAINS, LAYERS, PICTURES
from pellucid.inspection.zoom import LOSSES, Disagree
from tests.cases import LOSSES as CASES
from tests.cases import LossCase

X = np.random.default_rng(0).normal(size=(5, 4))
BENDS = [pl.ReLU(), pl.LeakyReLU(0.2), pl.ELU(1.5), pl.Sigmoid(), pl.Tanh(), pl.SiLU(), pl.GELU(), pl.Softmax(),
         pl.Dropout(0.5), pl.Flatten()]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bend", BENDS, ids=lambda layer: layer.kind)
def test_every_bend_agrees_at_all_levels(bend: pl.Layer, dtype: Any) -> None:
    model = pl.Model(pl.Dense(4), bend, pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,), dtype=dtype)
    found = pl.zoom(model, X, [0, 1, 2, 1, 0], verbose=False)
    assert found.ok
    assert {"0.dense.dW", "0.dense.dx", "2.dense.db", "loss", "loss.dz"} <= set(found.errors)
    assert all(error < 1e-12 for error, _ in found.errors.values())
    assert [level.dtype for level in found.levels] == ["float64", "float64", str(np.dtype(dtype))]
    kernels.use("")  # the fastest, as the third level has them
    trace = pl.trace(model, X, [0, 1, 2, 1, 0], training=False)
    for path, array in found.levels[2].arrays.items():
        assert np.array_equal(array, trace.loss if path == "loss" else trace[path])


@pytest.mark.parametrize("case", [c for c in CASES if len(c.shape) == 1 and not c.weighted], ids=lambda c: c.name)
def test_every_loss_agrees_at_all_levels(case: LossCase) -> None:
    z, t, _ = case.draw()
    model = pl.Model(pl.Flatten(), loss=case.make(), input_shape=case.shape, dtype=np.float64)
    if getattr(model.loss, "class_weights", None) is not None:
        with pytest.raises(pl.UsageError, match="no plain loops for the loss"):
            pl.zoom(model, z, t, verbose=False)
        return
    assert pl.zoom(model, z, t, verbose=False).ok


NETS = {
    "plain": [pl.Conv2D(3, 3), pl.ReLU(), pl.MaxPool2D()],
    "same": [pl.Conv2D(2, (2, 3), stride=(1, 2), padding="same", dilation=(2, 1)), pl.Tanh()],
    "groups": [pl.Conv2D(4, 2, groups=2, bias=False), pl.BatchNorm(), pl.SpatialDropout2D(0.5)],
    "overlapping": [pl.MaxPool2D(3, stride=1, padding=1), pl.AvgPool2D(3, stride=2, padding="same")],
    "residual": [pl.Conv2D(3, 3, padding=1), pl.Residual(pl.BatchNorm(), pl.ReLU(), pl.Conv2D(3, 3, padding="same"))],
    "inside": [pl.Sequential(pl.Conv2D(2, 2), pl.ELU()), pl.Softmax()],
}


@pytest.mark.parametrize("whole", [False, True], ids=["flat", "mean"])
@pytest.mark.parametrize("name", NETS)
def test_pictures_agree_at_all_levels(name: str, whole: bool) -> None:
    rng = np.random.default_rng(1)
    end = pl.GlobalAvgPool2D() if whole else pl.Flatten()
    layers = [copy.deepcopy(layer) for layer in NETS[name]]
    model = pl.Model(*layers, end, pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(6, 5, 2))
    model.theta[:] = rng.normal(size=model.theta.size)  # a bias of 0 and a scale of 1 would hide a mistake
    model.buffers[:] = rng.uniform(0.5, 2.0, size=model.buffers.size)
    found = pl.zoom(model, rng.normal(size=(3, 6, 5, 2)), [0, 2, 1], verbose=False)
    assert found.ok
    assert all(error < 1e-12 for error, _ in found.errors.values())
    gradients = {f"{layer}.d{name}" for layer, _, name in (path.rpartition(".") for path in model.slots)}
    assert gradients <= set(found.errors)


def test_all_that_is_covered_is_tried() -> None:
    tried = {type(layer) for net in NETS.values() for layer in net} | {pl.GlobalAvgPool2D}
    assert set(PICTURES) | set(CHAINS) | {pl.BatchNorm, pl.SpatialDropout2D} <= tried
    assert {type(bend) for bend in BENDS} | {pl.Dense} | tried == set(LAYERS)
    assert {type(case.make()) for case in CASES} == set(LOSSES)


def test_it_prints_a_table_and_puts_the_kernels_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = kernels.active()
    model = pl.Model(pl.Flatten(), pl.Dense(2), pl.Sigmoid(), input_shape=(2, 2), prepare=None)
    report = pl.zoom(model, X.reshape(5, 2, 2), np.zeros((5, 2)))
    assert kernels.active() is before
    text = capsys.readouterr().out
    assert text == f"{report}\n"
    assert text.splitlines()[0].endswith(f"neurons / layers  neurons / fast ({kernels.use('').NAME})")
    assert "1.dense.dW" in text
    assert text.rstrip().endswith("All three levels agree.")


def test_a_wrong_level_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets_the_bias(x: Any, W: Any, b: Any) -> Any:
        return [[sum(v * W[d][k] for d, v in enumerate(row)) for k in range(len(b))] for row in x]

    model = pl.Model(pl.Dense(3), input_shape=(4,))
    model.layers[0].b[:] = 1.0
    monkeypatch.setattr(loops, "dense_forward", forgets_the_bias)
    with pytest.raises(Disagree, match=r"0\.dense\.y .* WRONG"):
        pl.zoom(model, X, np.zeros((5, 3)))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: pl.Model(pl.UpSample2D(2), pl.Flatten(), input_shape=(3, 3, 1)), "no plain loops for 0.upsample2d"),
        (
            lambda: pl.Model(pl.Residual(pl.GroupNorm(1)), pl.Flatten(), input_shape=(3, 3, 1)),
            r"no plain loops for 0\.residual\.0\.groupnorm",
        ),
        (lambda: pl.Model(pl.Conv2D(1, 2), input_shape=(3, 3, 1)), "one row a sample"),
        (lambda: pl.Model(pl.Dense(1), input_shape=(4,), penalty=pl.L2(0.1)), "penalties"),
        (lambda: pl.Model(pl.Dense(1), pl.Flatten(), input_shape=(2, 2)), "Flatten"),
        (lambda: pl.Model(pl.Dense(5000), pl.Dense(1000), pl.Dense(1), input_shape=(4,)), "samples at most"),
    ],
)
def test_what_it_does_not_cover_is_refused(model: Any, said: str) -> None:
    net = model()
    with pytest.raises(pl.UsageError, match=said):
        pl.zoom(net, np.zeros((5, *net.input_shape)), np.zeros((5, 1)))


@pytest.mark.parametrize(
    ("place", "value", "said"), [("x", np.nan, "nan in x at row 2, column 1"), ("t", np.inf, "inf in t at row 2")]
)
def test_numbers_that_are_not_finite_are_refused_with_their_place(place: str, value: float, said: str) -> None:
    model, before = pl.Model(pl.Dense(1), input_shape=(4,)), kernels.active()
    x, t = X.copy(), np.zeros((5, 1))
    (x if place == "x" else t)[2, 1 if place == "x" else 0] = value
    with pytest.raises(pl.DataError, match=f"^The batch holds {said}"):
        pl.zoom(model, x, t)
    assert kernels.active() is before
