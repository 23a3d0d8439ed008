"""Traces: the bits of a training step, the model left alone, every array by its path, files that come back whole."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.base.seeds import stream
from pellucid.inspection.trace import NoSuchPath
from tests.cases import LAYERS, LOSSES, OPTIMIZERS, LayerCase, LossCase, OptimizerCase
from tests.tools import arrays

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype(np.float32)
T = np.array([0, 2, 1, 1, 0, 2])


def network(**options: Any) -> pl.Model:
    options = {"loss": pl.SoftmaxCrossEntropy(), "input_shape": (4,), "seed": 1} | options
    return pl.Model(
        pl.Dense(5), pl.ReLU(), pl.Residual(pl.Dense(5), pl.Dropout(0.3)), pl.BatchNorm(), pl.Dense(3), **options
    )


def targets(model: pl.Model, n: int = 5) -> Any:
    return np.random.default_rng(1).normal(size=(n, *model.output_shape)).astype(model.dtype)


def same_bits(a: Any, b: Any) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


# ---- the same bits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.name)
def test_a_trace_has_the_bits_of_a_training_step(case: LayerCase, dtype: Any) -> None:
    model = case.model(dtype)
    x, t = case.inputs(dtype=dtype), targets(model)
    before = model.theta.copy(), model.grad.copy(), model.buffers.copy()
    found = pl.trace(model, x, t, pl.Adam(0.01), training=case.training, seed=3)
    assert all(same_bits(a, b) for a, b in zip(before, (model.theta, model.grad, model.buffers), strict=True))

    run = pl.Run(training=case.training, rng=stream(3, "noise"))
    tally, _, _ = model.forward_backward(x, t, run)
    assert found.loss == tally.mean
    assert same_bits(found.grad, model.grad)
    adam = pl.Adam(0.01)
    adam.start(model.theta, model.decays())
    adam.step(model.theta, model.grad)
    assert found.update is not None
    assert same_bits(found.update.after["theta"], model.theta)
    assert same_bits(found.update.after["m"], adam.m)
    for path, slot in model.slots.items():
        owner, _, name = path.rpartition(".")
        assert same_bits(found[f"{owner}.d{name}"].ravel(), model.grad[slot.at])
        assert same_bits(found[path].ravel(), before[0][slot.at])


@pytest.mark.parametrize("case", LOSSES, ids=lambda c: c.name)
def test_a_trace_has_the_bits_of_every_loss(case: LossCase) -> None:
    z, t, w = case.draw()
    model = pl.Model(pl.Flatten(), pl.Reshape(case.shape), loss=case.make(), input_shape=case.shape, dtype=np.float64)
    found = pl.trace(model, z, t, weights=w)
    tally, cache = model.loss.forward(z, model.loss.targets(t, z.shape), w)
    assert found.loss == tally.mean
    assert same_bits(found["loss.dz"], model.loss.backward(cache))
    assert same_bits(found["loss"].z, z)


@pytest.mark.parametrize("case", OPTIMIZERS, ids=lambda c: c.name)
def test_a_trace_goes_on_from_the_optimizers_own_state(case: OptimizerCase) -> None:
    model, optimizer = network(), case.make(0.05)
    optimizer.start(model.theta, model.decays(), seed=0)
    for _ in range(3):
        x = pl.trace(model, X, T, optimizer, apply=True)
    assert optimizer.t == 3
    state = {name: getattr(optimizer, name).copy() for name in optimizer.vectors}
    found = pl.trace(model, X, T, optimizer)
    assert found.update is not None
    assert x.update is not None
    assert found.update.t == 4
    assert same_bits(found.update.before["theta"], x.update.after["theta"])
    for name, array in state.items():
        assert same_bits(found.update.before[name], array)
        assert same_bits(getattr(optimizer, name), array)  # untouched


def test_a_traced_training_is_the_same_training() -> None:
    plain, watched = network(), network()
    adam = pl.Adam(0.01)
    usual = plain.fit(X, T, epochs=4, batch_size=4, optimizer=pl.Adam(0.01), verbose=False, clip=0.5)
    with pl.tracing(watched, adam) as traces:
        history = watched.fit(X, T, epochs=4, batch_size=4, optimizer=adam, verbose=False, clip=0.5)
    assert history == usual
    assert same_bits(plain.theta, watched.theta)
    assert same_bits(plain.buffers, watched.buffers)
    assert [t.step for t in traces] == list(range(1, 9))
    for one, next_ in pairwise(traces):
        assert one.update is not None
        assert same_bits(one.update.after["theta"], next_.theta)
        assert float(np.linalg.norm(one.update.grad)) <= 0.5 + 1e-6
    assert type(watched) is pl.Model
    assert type(adam) is pl.Adam
    assert same_bits(traces[2].model.theta, traces[2].theta)


def test_tracing_knows_a_training_and_can_be_sparing() -> None:
    model = network()
    training = pl.train(model, (X, T), optimizer=pl.SGD(0.1, momentum=0.9), epochs=10, batch_size=3)
    with pl.tracing(training, every=3, most=4) as traces:
        for _ in training:
            pass
    assert [t.step for t in traces] == [10, 13, 16, 19]
    assert all(t.update is not None and isinstance(t.update.optimizer, pl.SGD) for t in traces)
    assert traces[0].update is not None
    assert np.abs(traces[0].update.before["v"]).max() > 0


def test_a_copy_made_inside_the_block_is_its_own() -> None:
    model = network()
    with pl.tracing(model) as traces:
        twin = model.copy()
        twin.theta += 1.0
        twin.loss_and_grad(X, T, pl.Run(training=True, rng=np.random.default_rng(0)))
        assert traces == []
        model.loss_and_grad(X, T, pl.Run(training=True, rng=np.random.default_rng(0)))
    assert len(traces) == 1
    assert traces[0].update is None
    assert not same_bits(twin.grad, model.grad)
    with pytest.raises(NoSuchPath, match="without knowing the optimizer"):
        _ = traces[0]["0.dense.W.m"]


def test_an_error_inside_the_block_ends_it_too() -> None:
    model = network()
    with pytest.raises(ZeroDivisionError), pl.tracing(model):
        raise ZeroDivisionError
    assert type(model) is pl.Model
    with pytest.raises(pl.UsageError, match="1 or more"), pl.tracing(model, every=0):
        pass


# ---- paths -----------------------------------------------------------------------------------------------------------


def test_every_array_has_a_path() -> None:
    found = pl.trace(network(), X, T)
    assert found.paths == [
        "0.dense", "1.relu", "2.residual", "2.residual.0.dense", "2.residual.1.dropout", "3.batchnorm", "4.dense",
    ]  # fmt: skip
    assert same_bits(found["1.relu"].x, found["0.dense.y"])
    assert same_bits(found["1.relu.dy"], found["2.residual"].dx)
    assert same_bits(found["4.dense"].dy, found["loss"].dz)
    assert found["2.residual.0.dense"].W.shape == (5, 5)
    assert found["2.residual.1.dropout"].cache["mask"].shape == (6, 5)
    assert found["3.batchnorm.mean"].tolist() == [0.0] * 5  # before the pass moved it
    assert found.update is not None
    assert same_bits(found.update["0.dense.W"], found["0.dense.W.step"])
    assert "0.dense" in repr(found)
    assert "dW" in repr(found["0.dense"])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("0.dens", "Did you mean 0.dense"),
        ("0.dense.Q", "0.dense has no array 'Q'"),
        ("0.dense.dw", "Did you mean dW"),
        ("2.residual.0.dense.cache.y", "has no array"),
        ("loss.dzz", "Did you mean dz"),
        ("0.dense.W.mm", "Did you mean m"),
    ],
)
def test_an_unknown_path_gets_the_nearest_names(path: str, said: str) -> None:
    with pytest.raises(NoSuchPath, match=said):
        _ = pl.trace(network(), X, T)[path]


def test_bad_input_is_named() -> None:
    model = network()
    with pytest.raises(pl.ShapeError, match="given"):
        pl.trace(model, np.zeros((2, 7)), [0, 1])
    with pytest.raises(pl.DataError, match="label"):
        pl.trace(model, X, T + 3)
    with pytest.raises(pl.UsageError, match="as many targets"):
        pl.trace(model, X, T[:3])
    update = pl.trace(model, X, T).update
    assert update is not None
    with pytest.raises(NoSuchPath, match=r"0\.dense\.W"):
        _ = update["0.dense.w"]
    with pytest.raises(AttributeError, match="it has x, y"):
        _ = pl.trace(model, X, T)["0.dense"].nothing


def test_the_inputs_are_copied() -> None:
    x = X.copy()
    found = pl.trace(network(), x, T)
    x[:] = 0.0
    assert same_bits(found["0.dense"].x, X)


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.name)
def test_a_saved_trace_comes_back_whole(case: LayerCase, tmp_path: Path) -> None:
    model = case.model()
    found = pl.trace(model, case.inputs(), targets(model), training=case.training)
    found.save(tmp_path / "a.trace.safetensors")
    back = pl.load_trace(tmp_path / "a.trace.safetensors")
    assert back.paths == found.paths
    assert (back.loss, back.training, back.step) == (found.loss, found.training, found.step)
    for path, node in found.nodes.items():
        other = back[path]
        assert sorted(other.names) == sorted(node.names)
        for name in node.names:
            assert same_bits(other.owner.array(path, name), found.array(path, name)), f"{path}.{name}"
        assert sorted(other.cache) == sorted(node.cache)
        assert [v for v in other.cache.values() if not list(arrays(v))] == [
            v for v in (node.cache[k] for k in other.cache) if not list(arrays(v))
        ]
    assert back.update is not None
    assert found.update is not None
    assert same_bits(back.update.after["theta"], found.update.after["theta"])
    spot = (0,) * found["loss"].dz.ndim
    path = f"loss.dz[{','.join(map(str, spot))}]"
    assert pl.ledger(back, path).document() == pl.ledger(found, path).document()


def test_the_file_is_plain_and_holds_each_array_once(tmp_path: Path) -> None:
    found = pl.trace(network(), X, T, weights=np.ones(6))
    path = tmp_path / "a.trace.safetensors"
    found.save(path)
    from pellucid.store import read

    held, doc = read(path)
    json.dumps(doc, allow_nan=False)
    assert (doc["what"], doc["schema"]) == ("trace", 1)
    assert doc["same"]["1.relu.x"] == "0.dense.y"
    assert not set(doc["same"]) & set(held)
    assert pl.load_trace(path).weights is not None


def test_what_is_no_trace_is_refused(tmp_path: Path) -> None:
    model = network()
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(pl.FileError, match="is no trace"):
        pl.load_trace(tmp_path / "model.safetensors")
    with pytest.raises(pl.FileError):
        pl.load_trace(tmp_path / "nothing")
    from pellucid.store import read, write

    found = pl.trace(model, X, T)
    found.save(tmp_path / "a")
    held, doc = read(tmp_path / "a")
    for change, said in (
        ({"schema": 2}, "schema 2"),
        ({"caches": {}}, "damaged"),
        ({"same": []}, "damaged"),
        ({"update": {"optimizer": {"kind": "Dense", "units": 1}, "rate": 1.0, "t": 1, "vectors": []}}, "optimizer"),
    ):
        write(tmp_path / "b", held, doc | change)
        with pytest.raises(pl.FileError, match=said):
            pl.load_trace(tmp_path / "b")
    held.pop("1.relu.y")
    write(tmp_path / "b", held, doc)
    with pytest.raises(pl.FileError, match="damaged"):
        pl.load_trace(tmp_path / "b")
