"""Against PyTorch's frozen answers: layers, losses, optimizers, schedules, and one whole training.

The numbers were written by scripts/make_golden*.py, in float64. Two libraries that add in another order differ in the
last digits, so single operations must agree to a relative 1e-12, and a training of 30 steps to 1e-10.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from tests.cases import LAYERS, LOSSES, OPTIMIZERS, START, STEPS, problem_gradient

FILES = sorted((Path(__file__).parent / "golden").glob("torch*.npz"))
GOLDEN: dict[str, np.ndarray] = {}
for file in FILES:
    with np.load(file, allow_pickle=False) as stored:
        GOLDEN |= {key: stored[key] for key in stored.files}
EXACT = {"rtol": 1e-12, "atol": 1e-14}


def below(prefix: str) -> dict[str, np.ndarray]:
    """The arrays under this prefix, under the rest of their names."""
    return {key[len(prefix) :]: a for key, a in GOLDEN.items() if key.startswith(prefix)}


def names(kind: str) -> set[str]:
    return {key.split("/")[1] for key in GOLDEN if key.startswith(kind + "/")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_file_says_who_made_it_and_is_small(file):
    with np.load(file, allow_pickle=False) as stored:
        assert str(stored["version/torch"]).startswith("2.")
    assert file.stat().st_size < 300_000


@pytest.mark.parametrize(
    ("kind", "known", "without"),
    [
        ("layer", {case.name for case in LAYERS}, set()),
        (
            "loss",
            {case.name for case in LOSSES},
            {  # torch has no such thing, or divides by another number
                "categorical_ce_one_hot", "categorical_ce_class_weights", "softmax_ce_whole_one_hot",
                "softmax_ce_unnormalised_shares", "softmax_ce_class_and_sample_weights",
                "softmax_ce_on_sequences_class_weights", "scaled_mse", "scaled_mae",
            },
        ),
        ("optimizer", {case.name for case in OPTIMIZERS}, {"random_search"}),
    ],
    ids=["layer", "loss", "optimizer"],
)  # fmt: skip
def test_every_case_of_the_table_has_its_answer(kind, known, without):
    assert names(kind) == known - without


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
def test_layer(case):
    a = below(f"layer/{case.name}/")
    model = case.model()
    p = case.named(model, model.theta)
    assert {f"p/{name}" for name in p} == {key for key in a if key.startswith("p/")}
    for name, view in p.items():
        view[:] = a[f"p/{name}"]
    for name, view in case.buffers(model).items():
        view[:] = a[f"buffer/{name}"]
    y, cache = model.layers[0].forward(a["x"], case.run())
    np.testing.assert_allclose(y, a["y"], **EXACT)
    np.testing.assert_allclose(model.layers[0].backward(a["dy"], cache), 0.0 if case.ids else a["dx"], **EXACT)
    for name, g in case.named(model, model.grad).items():
        np.testing.assert_allclose(g, a[f"dp/{name}"], **EXACT, err_msg=name)
    for name, view in case.buffers(model).items():
        np.testing.assert_allclose(view, a[f"after/{name}"], **EXACT, err_msg=name)


@pytest.mark.parametrize("case", [c for c in LOSSES if c.name in names("loss")], ids=lambda case: case.name)
def test_loss(case):
    a = below(f"loss/{case.name}/")
    loss = case.make()
    tally, cache = loss.forward(a["z"], a["t"], a.get("w"))
    assert tally.mean == pytest.approx(float(a["value"]), rel=1e-12)
    np.testing.assert_allclose(loss.backward(cache), a["dz"], **EXACT)


@pytest.mark.parametrize("case", [c for c in OPTIMIZERS if c.name in names("optimizer")], ids=lambda case: case.name)
def test_optimizer(case):
    for key, lr in (("", case.lr), ("/scheduled", case.schedule())):
        if f"optimizer/{case.name}{key}" not in GOLDEN:
            assert "momentum" in case.name or "nesterov" in case.name or case.name == "adam_other_betas"
            continue
        optimizer, theta = case.make(lr), np.array(START)
        optimizer.start(theta)
        for step in range(STEPS):
            optimizer.step(theta, np.array(problem_gradient(theta.tolist())))
            np.testing.assert_allclose(
                theta, GOLDEN[f"optimizer/{case.name}{key}"][step], rtol=1e-11, atol=1e-13, err_msg=f"step {step}"
            )


SCHEDULES = {
    "cosine": pl.cosine(1.0, 29, final=0.02),
    "step_decay": pl.step_decay(1.0, every=7, factor=0.3),
    "exponential": pl.exponential(1.0, 0.9),
    "warmup": pl.warmup(8, 1.0),
    "one_cycle": pl.one_cycle(1.0, steps=49, rise=14 / 49),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name):
    assert SCHEDULES.keys() == names("schedule")
    rates = GOLDEN[f"schedule/{name}"]
    np.testing.assert_allclose([SCHEDULES[name](step) for step in range(len(rates))], rates, rtol=1e-12, atol=1e-14)


def test_one_whole_training(monkeypatch):
    a = below("training/")
    orders = a["orders"]
    monkeypatch.setattr(pl.Data, "order", lambda data, seed, epoch: orders[epoch])
    sizes = [a["x"].shape[1], *(len(a[f"first/{2 * i}.dense.b"]) for i in range(3))]
    assert [a[f"first/{2 * i}.dense.W"].shape for i in range(3)] == list(pairwise(sizes))
    model = pl.Model(
        pl.Dense(sizes[1]), pl.ReLU(), pl.Dense(sizes[2]), pl.Tanh(), pl.Dense(sizes[3]),
        loss=pl.SoftmaxCrossEntropy(), input_shape=a["x"].shape[1:], dtype=np.float64,
    )  # fmt: skip
    for path, slot in model.slots.items():
        model.theta[slot.at] = a[f"first/{path}"].ravel()
    events = list(pl.train(model, (a["x"], a["t"]), optimizer=pl.Adam(0.01), epochs=len(orders), batch_size=20))
    curve = [event.loss for event in events if isinstance(event, pl.StepDone)]
    np.testing.assert_allclose(curve, a["curve"], rtol=1e-10)
    for path, slot in model.slots.items():
        np.testing.assert_allclose(model.theta[slot.at], a[f"last/{path}"].ravel(), rtol=1e-9, atol=1e-11, err_msg=path)
    epochs = [event.loss for event in events if isinstance(event, pl.EpochDone)]
    counts = [20, 20, 20, 20, 16]
    means = [np.average(a["curve"][5 * i : 5 * i + 5], weights=counts) for i in range(len(orders))]
    np.testing.assert_allclose(epochs, means, rtol=1e-10)  # the short last batch counts for 16, not for 20
    assert epochs[-1] < 0.6 * epochs[0]
