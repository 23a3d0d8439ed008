"""Gradients sample by sample: each is that of the sample alone, together they are the batch's, and blame reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection import factors as room
from pellucid.inspection.neighbours import outputs
from pellucid.inspection.trace import NoSuchPath

RNG = np.random.default_rng(0)
N = 7


def model(*layers: Any, shape: Any, **options: Any) -> pl.Model:
    return pl.Model(*layers, input_shape=shape, dtype=np.float64, **options)


def classes(*layers: Any, shape: Any, **options: Any) -> pl.Model:
    options = {"loss": pl.SoftmaxCrossEntropy()} | options
    return model(*layers, pl.Dense(3), shape=shape, **options)


CASES: dict[str, Callable[[], pl.Model]] = {
    "dense": lambda: classes(pl.Dense(5), pl.Tanh(), shape=(4,)),
    "no bias": lambda: classes(pl.Dense(5, bias=False), pl.Tanh(), shape=(4,)),
    "dense over time": lambda: classes(pl.Dense(5), pl.Tanh(), pl.Flatten(), shape=(6, 4)),
    "conv": lambda: classes(pl.Conv2D(4, 3), pl.Tanh(), pl.Flatten(), shape=(6, 5, 2)),
    "conv strided": lambda: classes(pl.Conv2D(4, (2, 3), stride=2, padding="same"), pl.Flatten(), shape=(7, 6, 3)),
    "conv dilated": lambda: classes(pl.Conv2D(2, 2, dilation=2, padding=1), pl.Flatten(), shape=(5, 6, 2)),
    "conv in groups": lambda: classes(pl.Conv2D(6, 3, groups=2), pl.Tanh(), pl.Flatten(), shape=(5, 5, 4)),
    "conv of each channel": lambda: classes(pl.Conv2D(4, 2, groups=4), pl.Flatten(), shape=(4, 4, 4)),
    "conv1d": lambda: classes(pl.Conv1D(4, 3, stride=2, padding=1), pl.Tanh(), pl.Flatten(), shape=(8, 3)),
    "transposed": lambda: classes(pl.ConvTranspose2D(2, 3, stride=2), pl.Tanh(), pl.Flatten(), shape=(3, 3, 4)),
    "two convs": lambda: classes(
        pl.Conv2D(3, 3), pl.ReLU(), pl.MaxPool2D(2), pl.Conv2D(4, 2), pl.Tanh(), pl.Flatten(), shape=(8, 8, 1)
    ),
    "batch norm": lambda: classes(pl.Dense(5), pl.BatchNorm(), pl.ReLU(), shape=(4,)),
    "dropout": lambda: classes(pl.Dense(5), pl.Dropout(0.5), pl.ReLU(), shape=(4,)),
    "residual": lambda: classes(pl.Dense(4), pl.Residual(pl.Dense(4), pl.Tanh()), shape=(4,)),
    "branches": lambda: classes(pl.Concat(pl.Dense(2), pl.Sequential(pl.Dense(3), pl.Tanh())), shape=(4,)),
    "after recurrence": lambda: classes(pl.LSTM(3), shape=(5, 2)),
    "class weights": lambda: classes(pl.Dense(5), shape=(4,), loss=pl.SoftmaxCrossEntropy([0.5, 1.0, 3.0])),
    "penalties": lambda: classes(pl.Dense(5, bias_penalty=pl.L1(0.1)), pl.Tanh(), shape=(4,), penalty=pl.L2(0.3)),
    "values": lambda: model(pl.Dense(5), pl.Tanh(), pl.Dense(2), shape=(4,)),
    "yes or no": lambda: model(pl.Dense(5), pl.Tanh(), pl.Dense(1), shape=(4,), loss=pl.SigmoidCrossEntropy()),
    "a class a step": lambda: model(pl.Dense(5), pl.Tanh(), pl.Dense(3), shape=(6, 4), loss=pl.SoftmaxCrossEntropy()),
}


def samples(net: pl.Model, count: int = N) -> tuple[Any, Any]:
    x = RNG.standard_normal((count, *net.input_shape))
    if isinstance(net.loss, pl.SoftmaxCrossEntropy):
        return x, RNG.integers(0, net.output_shape[-1], (count, *net.output_shape[:-1]))
    if isinstance(net.loss, pl.SigmoidCrossEntropy):
        return x, RNG.integers(0, 2, (count, 1))
    return x, RNG.standard_normal((count, *net.output_shape))


def made(name: str) -> pl.Model:
    net = CASES[name]()
    for path, slot in net.buffer_slots.items():  # running statistics that are not 0 and 1
        net.buffers[slot.at] = RNG.uniform(0.5, 2.0, slot.at.stop - slot.at.start)
        assert path.startswith("1.batchnorm")
    net.theta += 0.1 * RNG.standard_normal(net.theta.size)
    return net


def paths(net: pl.Model) -> list[str]:
    known = room.traceable(net)
    return [path for path in net.slots if path.rpartition(".")[0] in known]


def without_penalties(net: pl.Model, x: Any, t: Any, weights: Any = None) -> dict[str, Any]:
    """The batch's own gradient by array."""
    twin = net.copy()
    twin.penalties = []
    twin.loss_and_grad(x, t, weights=weights)
    return {path: twin.grad[slot.at].reshape(slot.shape).copy() for path, slot in twin.slots.items()}


@pytest.mark.parametrize("name", CASES)
def test_the_parts_add_up_to_the_batchs_gradient(name: str) -> None:
    net = made(name)
    x, t = samples(net)
    weights = RNG.uniform(0.0, 2.0, N)
    for w in (None, weights):
        wanted = without_penalties(net, x, t, w)
        for path in paths(net):
            parts = pl.per_sample_gradients(net, x, t, path, weights=w)
            assert parts.shape == (N, *wanted[path].shape)
            assert np.allclose(parts.sum(axis=0), wanted[path], rtol=1e-10, atol=1e-12), (path, w is None)


@pytest.mark.parametrize("name", [name for name in CASES if name != "class weights"])
def test_each_part_is_the_gradient_of_the_sample_alone(name: str) -> None:
    net = made(name)
    x, t = samples(net)
    alone = [without_penalties(net, x[n : n + 1], t[n : n + 1]) for n in range(N)]
    for path in paths(net):
        parts = pl.per_sample_gradients(net, x, t, path)
        assert np.allclose(parts, [one[path] / N for one in alone], rtol=1e-9, atol=1e-12), path


def test_with_class_weights_a_part_is_the_weighted_sample() -> None:
    net = made("class weights")
    x, t = samples(net)
    by_class, w = np.array([0.5, 1.0, 3.0]), RNG.uniform(0.5, 2.0, N)
    parts = pl.per_sample_gradients(net, x, t, "0.dense.W", weights=w)
    for n in range(N):
        alone = without_penalties(net, x[n : n + 1], t[n : n + 1])["0.dense.W"]  # its weight cancels in its own mean
        share = w[n] * by_class[t[n]] / (w * by_class[t]).sum()
        assert np.allclose(parts[n], alone * share, rtol=1e-9, atol=1e-12)


def test_the_model_stays_as_it_was_and_the_slices_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    net = made("batch norm")
    net.grad[:] = 7.0
    x, t = samples(net)
    weights = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 0.5, 1.0])  # a whole slice of nothing
    before = [vector.copy() for vector in (net.theta, net.grad, net.buffers)]
    whole = pl.per_sample_gradients(net, x, t, "0.dense", weights=weights)
    answer = pl.blame(net, x, t, answer=(x[0], t[0]), weights=weights).values
    monkeypatch.setattr(room, "PART", 3)
    assert np.allclose(pl.per_sample_gradients(net, x, t, "0.dense", weights=weights), whole, rtol=1e-10)
    assert np.allclose(pl.blame(net, x, t, answer=(x[0], t[0]), weights=weights).values, answer, rtol=1e-10)
    assert not whole[:3].any()
    for now, then in zip((net.theta, net.grad, net.buffers), before, strict=True):
        assert (now == then).all()
    assert not pl.per_sample_gradients(net, x, t, "0.dense", weights=np.zeros(N)).any()


def test_batch_norm_does_not_mix_samples_because_the_pass_is_a_prediction() -> None:
    net = made("batch norm")
    x, t = samples(net)
    parts = pl.per_sample_gradients(net, x, t, "0.dense.W")
    fewer = pl.per_sample_gradients(net, x[:3], t[:3], "0.dense.W")
    assert np.allclose(parts[:3] * N, fewer * 3, rtol=1e-10)


def test_a_masks_steps_are_skipped() -> None:
    net = made("after recurrence")
    x, t = samples(net)
    mask = RNG.random((N, 5)) > 0.3
    mask[:, 0] = True
    parts = pl.per_sample_gradients(net, x, t, "1.dense.W", mask=mask)
    assert np.allclose(parts.sum(axis=0), without_mask := _masked(net, x, t, mask), rtol=1e-9, atol=1e-12)
    assert without_mask.any()


def _masked(net: pl.Model, x: Any, t: Any, mask: Any) -> Any:
    twin = net.copy()
    twin.loss_and_grad(x, t, pl.Run(mask=mask))
    return twin.layers[1].dW.copy()


def test_float32_stays_float32() -> None:
    net = pl.Model(pl.Dense(2), input_shape=(3,))
    assert pl.per_sample_gradients(net, np.ones((4, 3)), np.ones((4, 2)), "0.dense").dtype == np.float32


# ---- a weight --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dense", "dense over time", "conv strided", "conv in groups", "conv1d", "transposed"])
def test_one_weights_parts_are_those_of_the_whole(name: str) -> None:
    net = made(name)
    x, t = samples(net)
    for path in paths(net)[:2]:
        parts = pl.per_sample_gradients(net, x, t, path)
        for index in list(np.ndindex(*parts.shape[1:]))[::5]:
            found = pl.blame(net, x, t, f"{path}[{','.join(map(str, index))}]")
            assert np.allclose(found.values, parts[(slice(None), *index)], rtol=1e-9, atol=1e-13)
            assert found.total == pytest.approx(without_penalties(net, x, t)[path][index], rel=1e-9, abs=1e-12)


def test_the_samples_are_sorted_by_what_they_push() -> None:
    net = made("dense")
    x, t = samples(net, 30)
    found = pl.blame(net, x, t, "0.dense.W[2,-1]")
    assert (found.values == pl.blame(net, x, t, "0.dense.W[2,4]").values).all()
    plus, minus = found.plus(4), found.minus(4)
    assert found.values[plus].tolist() == sorted(found.values[found.values > 0], reverse=True)[:4]
    assert found.values[minus].tolist() == sorted(found.values[found.values < 0])[:4]
    assert abs(found.values[found.most(1)[0]]) == np.abs(found.values).max()
    assert len(found.plus(100)) == (found.values > 0).sum()
    text = str(found)
    assert text.startswith("dL/dW[2, 4] of 0.dense, by 30 samples\nsum ")
    assert "Those that push it down most" in text
    assert f"\n{plus[0]:>6}  " in text


# ---- an answer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("class weights", "a class a step")])
def test_the_scalar_products_are_those_of_the_gradients_themselves(name: str) -> None:
    net = made(name)
    x, t = samples(net)
    x1, t1 = samples(net, 1)
    found = pl.blame(net, x, t, answer=(x1[0], t1[0]))
    g = without_penalties(net, x1, t1)
    wanted = np.zeros(N)
    for n in range(N):
        alone = without_penalties(net, x[n : n + 1], t[n : n + 1])
        wanted[n] = sum(float((alone[path] * g[path]).sum()) for path in paths(net))
    assert np.allclose(found.values, wanted, rtol=1e-9, atol=1e-12)


def test_a_small_step_on_a_sample_changes_the_loss_by_what_was_said() -> None:
    net = made("two convs")
    x, t = samples(net)
    x1, t1 = samples(net, 1)
    found = pl.blame(net, x, t, answer=(x1[0], t1[0]))
    before, r = net.evaluate(x1, t1, ())["loss"], 1e-6
    for n in range(N):
        twin = net.copy()
        twin.loss_and_grad(x[n : n + 1], t[n : n + 1])
        twin.theta -= r * twin.grad
        change = (twin.evaluate(x1, t1, ())["loss"] - before) / r
        assert change == pytest.approx(-found.values[n], rel=1e-3, abs=1e-4)


def test_layers_can_be_chosen_and_what_is_left_out_is_said() -> None:
    net = made("batch norm")
    x, t = samples(net)
    both = pl.blame(net, x, t, answer=(x[0], t[0]))
    parts = [pl.blame(net, x, t, answer=(x[0], t[0]), layers=[path]) for path in ("0.dense", "3.dense")]
    assert np.allclose(both.values, parts[0].values + parts[1].values)
    assert (both.layers, both.left_out) == (("0.dense", "3.dense"), ("1.batchnorm",))
    assert parts[0].left_out == ("1.batchnorm", "3.dense")
    assert "over 0.dense, 3.dense; without 1.batchnorm" in both.text()
    assert both.values[0] > 0  # a sample speaks for itself


def test_targets_are_said_in_words() -> None:
    net = classes(shape=(4,), classes=("ant", "bee", "cat"))
    x, t = samples(net)
    for form in (t, np.eye(3)[t]):
        found = pl.blame(net, x, form, "0.dense.b[1]")
        assert [found.said(n) for n in range(N)] == [("ant", "bee", "cat")[k] for k in t]
    values = made("values")
    x, t = samples(values)
    assert pl.blame(values, x, t, "0.dense.b[1]").said(0) == ", ".join(f"{v:.4g}" for v in t[0])


def test_what_is_asked_wrongly() -> None:
    net, rnn = made("dense"), made("after recurrence")
    x, t = samples(net)
    with pytest.raises(NoSuchPath, match="Did you mean"):
        pl.per_sample_gradients(net, x, t, "0.dens")
    with pytest.raises(pl.UsageError, match=r"dense layers and convolutions. Those of this model are 1\.dense"):
        pl.per_sample_gradients(rnn, *samples(rnn), next(iter(rnn.slots)))
    with pytest.raises(pl.UsageError, match="give one of them"):
        pl.blame(net, x, t)
    with pytest.raises(pl.UsageError, match="give one of them"):
        pl.blame(net, x, t, "0.dense.W[0,0]", answer=(x[0], t[0]))
    for weight in ("0.dense.W", "0.dense.W[4,0]", "0.dense.W[0]", "0.dense.W[0,0,0]"):
        with pytest.raises(pl.UsageError, match=r"has the shape \(4, 5\)"):
            pl.blame(net, x, t, weight)
    with pytest.raises(NoSuchPath, match=r"no dense layer.*Did you mean"):
        pl.blame(net, x, t, answer=(x[0], t[0]), layers=["1.dense"])
    with pytest.raises(pl.DataError, match="without a batch axis"):
        pl.blame(net, x, t, answer=(x[:1], t[:1]))
    with pytest.raises(pl.DataError, match="inputs but 3 targets"):
        pl.per_sample_gradients(net, x, t[:3], "0.dense")
    only = model(pl.LSTM(3), shape=(5, 2))
    with pytest.raises(pl.UsageError, match="no dense layer and no convolution"):
        pl.blame(only, np.zeros((2, 5, 2)), np.zeros((2, 3)), answer=(np.zeros((5, 2)), np.zeros(3)))


def test_gradients_that_would_not_fit_are_refused_before_memory_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 1000)
    net = made("dense")
    with pytest.raises(pl.DataError, match=r"7 gradients of shape \(4, 5\).*pl\.blame"):
        pl.per_sample_gradients(net, *samples(net), "0.dense")


# ---- neighbours ------------------------------------------------------------------------------------------------------


def test_the_nearest_samples_in_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    net = made("two convs")
    x, among = RNG.standard_normal((3, 8, 8, 1)), RNG.standard_normal((20, 8, 8, 1))
    monkeypatch.setattr("pellucid.inspection.neighbours.PART", 6)
    for path, index in (("2.maxpool2d", 2), ("5.flatten", 5)):
        found = pl.nearest(net, path, x, among, count=4)
        y = []
        for batch in (x, among):
            for layer in net.layers[: index + 1]:
                batch, _ = layer.forward(batch, pl.Run())
            y.append(batch.reshape(len(batch), -1))
        far = np.linalg.norm(y[0][:, None] - y[1][None], axis=-1)
        assert (found.at == np.argsort(far, axis=1)[:, :4]).all()
        assert np.allclose(found.far, np.sort(far, axis=1)[:, :4])
    same = pl.nearest(net, "input", among[5:6], among, count=1)
    assert (same.at.tolist(), same.far.tolist()) == ([[5]], [[0.0]])
    assert "nearest 1" in str(same)
    inner = made("residual")
    assert outputs(inner, "1.residual.0.dense", np.zeros((2, 4))).shape == (2, 4)


def test_neighbours_asked_for_wrongly() -> None:
    net = made("dense")
    for count in (0, 3, True):
        with pytest.raises(pl.UsageError, match="1 to 2 of them"):
            pl.nearest(net, "input", np.zeros((1, 4)), np.zeros((2, 4)), count=count)
    with pytest.raises(NoSuchPath, match="Did you mean"):
        pl.nearest(net, "0.dens", np.zeros((1, 4)), np.zeros((2, 4)), count=1)
    with pytest.raises(pl.DataError, match="not all finite"):
        pl.nearest(net, "0.dense", np.full((1, 4), np.inf), np.zeros((2, 4)), count=1)
