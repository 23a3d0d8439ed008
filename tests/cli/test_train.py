"""`pellucid train`: what it says, what each option does, what it leaves behind, and how it ends if it cannot go on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli.network import dense_layers, preparation
from pellucid.cli.plan import Options, make_plan
from pellucid.cli.telling import figure, position, say_line
from pellucid.cli.usual import ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, TABLES, USUAL
from tests.cli.tools import Told, files, run, screen


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(*words: Any, **options: Any) -> Told:
    return run("train", *words, **options)


SMALL = ("digits", "--layers", "16,10", "--epochs", 2)


# ---- what it says ----------------------------------------------------------------------------------------------------


def test_in_json_there_is_an_event_a_line_and_nothing_else(tmp_path: Path) -> None:
    told = train("digits", "--epochs", 2, "--json").done()
    assert told.err == ""
    assert told.kinds == ["start", "epoch", "epoch", "done"]
    start, first, second, done = told.events
    assert (start["samples"], start["epochs"], start["seed"], start["epochs_done"]) == (3600, 2, 0, 0)
    assert start["layers"] == [{"kind": "Dense", "units": 128}, {"kind": "ReLU"}, {"kind": "Dense", "units": 10}]
    assert (start["parameters"], start["loss"]) == (101_770, "SoftmaxCrossEntropy")
    for epoch in (first, second):
        assert {"event", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"} <= epoch.keys()
    assert [first["epoch"], second["epoch"]] == [1, 2]
    assert second["loss"] < first["loss"]
    assert 0 < done["test_accuracy"] < 1
    assert done["model"] == "digits.safetensors"
    assert (done["epochs"], done["stopped"]) == (2, False)
    assert list(files(tmp_path)) == ["digits.safetensors"]
    model = pl.load("digits.safetensors")
    _, test = pl.datasets.digits()
    assert model.evaluate(test.x, test.t)["accuracy"] == done["test_accuracy"]
    assert [row["loss"] for row in model.history] == [first["loss"], second["loss"]]
    assert model.classes == tuple("0123456789")


def test_for_people_everything_is_said() -> None:
    told = train(*SMALL).done()
    assert told.err == ""
    lines = told.lines
    assert lines[0].startswith("data      digits: 3,600 to train, 400 to validate, 1,000 to test; pictures of 28x28")
    assert lines[1] == "network   784-16-10 with relu (12,730 parameters), SoftmaxCrossEntropy"
    assert lines[2].startswith("training  2 epochs, batches of 64, Adam with rate 0.005, times 0.9 every epoch")
    assert lines[4].split("  ")[0] == "epoch"
    assert [line.split()[0] for line in lines[5:7]] == ["1/2", "2/2"]
    assert re.search(r"^test      accuracy \d\d\.\d % \([\d,]+ of 1,000 right\), loss \d\.\d{4}$", told.out, re.M)
    table = lines[lines.index("What it is (row) and what was answered (column):") + 1 :][:11]
    assert sum(int(cell) for row in table[1:] for cell in row.split()[1:11] if cell != ".") == 1000
    assert "(a wrong one among them)" in told.out
    assert "WRONG: " in told.out
    assert told.out.count("█") > 100
    assert re.search(r"^saved     digits\.safetensors \(\d+ kB\)$", told.out, re.M)
    assert "  pellucid predict digits.safetensors my_digit.png" in told.out
    assert lines[-1] == "          train longer: the same command with --epochs 4"
    right = re.search(r"\(([\d,]+) of", told.out)
    evaluated = run("evaluate", "digits.safetensors", "digits").done()
    assert right is not None
    assert f"({right[1]} of 1,000 right)" in evaluated.out


def test_what_is_suggested_next_works(tmp_path: Path) -> None:
    (tmp_path / "my flowers.csv").write_text(flowers())
    told = train("my flowers.csv", "--target", "kind", "--epochs", 1, "--seed", 3).done()
    suggested = [line.strip() for line in told.lines if line.strip().startswith("pellucid ")]
    assert suggested == [
        "pellucid predict 'my flowers.safetensors' new_rows.csv",
        "pellucid evaluate 'my flowers.safetensors' 'my flowers.csv' --target kind",
    ]
    run("evaluate", "my flowers.safetensors", "my flowers.csv", "--target", "kind").done()
    told = train("spiral", "--epochs", 1, "--seed", 3).done()
    assert "  pellucid evaluate spiral.safetensors spiral --seed 3" in told.out
    figure = re.search(r"accuracy [\d.]+ % .*$", told.out, re.M)
    assert figure is not None
    assert figure[0] in run("evaluate", "spiral.safetensors", "spiral", "--seed", 3).out


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_at_a_terminal_no_line_is_wider_than_it(columns: int) -> None:
    told = train(*SMALL, "--dropout", 0.1, "--l1", 1e-5, columns=columns, terminal=True).done()
    lines = screen(told.out)
    assert max(map(len, lines)) <= columns
    assert any("training" in line and "━" in line for line in lines)  # the bar
    epochs = [line for line in lines if re.match(r" *[12]/2 .* \d\.\d\d$", line)]
    assert len(epochs) == 2
    begins = [i for i, line in enumerate(lines) if line.startswith(("data ", "network ", "training  "))]
    for i in range(begins[0], begins[-1]):
        assert i in begins or lines[i].startswith(" " * 10)  # what does not fit goes on beside the margin
    assert "  pellucid predict digits.safetensors my_digit.png" in "\n".join(lines)


def test_figures_stay_in_their_columns() -> None:
    assert [figure(v) for v in (0.0, 0.5, 123.45678, 99_999.0, 1e9, -1e9)] == [
        "0.0000",
        "0.5000",
        "123.4568",
        "1e+05",
        "1e+09",
        "-1e+09",
    ]
    told = train("digits", "--layers", "16,10", "--epochs", 2, "--optimizer", "sgd", "--lr", 1e5).done()
    rows = [line for line in told.lines if re.match(r" *(epoch|\d/2) ", line)]
    assert len(rows) == 3
    assert len({len(row) for row in rows}) == 1


def test_positions_in_words() -> None:
    class At:
        epoch, batch = 1, 0

    assert position(At) == "1 epoch"  # type: ignore[arg-type]
    At.epoch, At.batch = 3, 1
    assert position(At) == "3 epochs and 1 batch"  # type: ignore[arg-type]
    At.batch = 12
    assert position(At) == "3 epochs and 12 batches"  # type: ignore[arg-type]
    assert callable(say_line)


# ---- what the options do ---------------------------------------------------------------------------------------------


def kinds(model: pl.Model) -> list[str]:
    return [layer.kind for layer in model.layers]


@pytest.fixture(scope="module")
def plain() -> pl.Model:
    """moons, with nothing said but --epochs 3."""
    before = Path.cwd()
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            train("moons", "--epochs", 3).done()
            return pl.load("moons.safetensors")
        finally:
            os.chdir(before)


EFFECTS: dict[str, tuple[tuple[Any, ...], Callable[[pl.Model, Told], bool]]] = {
    "layers": (("--layers", "5,4,2"), lambda m, told: [w.size for w in _biases(m)] == [5, 4, 2]),
    "one layer": (("--layers", "2"), lambda m, told: kinds(m) == ["dense"]),
    "lr": (("--lr", 0.02), lambda m, told: m.history[0]["lr"] == pytest.approx(0.02 * 0.97)),
    "no decay": (("--decay", 1), lambda m, told: m.history["lr"] == [0.01] * 3),
    "constant": (("--schedule", "constant"), lambda m, told: m.history["lr"] == [0.01] * 3),
    "inverse": (
        ("--schedule", "inverse", "--decay", 0.5),
        lambda m, told: m.history[2]["lr"] == pytest.approx(0.01 / (1 + 0.5 * 18)),
    ),
    "cosine": (("--schedule", "cosine"), lambda m, told: m.history[2]["lr"] == 0.0),
    "one-cycle": (("--schedule", "one-cycle"), lambda m, told: m.history[2]["lr"] == pytest.approx(1e-6)),
    "batch size": (("--batch-size", 180), lambda m, told: "batches of 180" in told.out),
    "epochs": (("--epochs", 4), lambda m, told: len(m.history) == 4),
    "validation": (("--validation", 0.5), lambda m, told: "100 to train, 100 to validate" in told.out),
    "no validation": (("--validation", 0), lambda m, told: set(m.history[0]) == {"epoch", "loss", "accuracy", "lr"}),
    "dropout": (("--dropout", 0.5), lambda m, told: kinds(m) == ["dense", "relu", "dropout", "dense"]),
    "l1": (("--l1", 0.01), lambda m, told: m.penalty == pl.L1(0.01)),
    "l2": (("--l2", 0.01), lambda m, told: m.penalty == pl.L2(0.01)),
    "l1 and l2": (("--l1", 0.01, "--l2", 0.02), lambda m, told: m.penalty == pl.L1(0.01) + pl.L2(0.02)),
    "clip": (("--clip", 0.01), lambda m, told: True),
    "seed": (("--seed", 1), lambda m, told: m.seed == 1),
    "patience": (
        ("--patience", 1, "--epochs", 200),
        lambda m, told: "stopped   val_loss has not improved for 1 epochs" in told.out and len(m.history) < 200,
    ),
    "keep-best": (
        ("--keep-best", "--epochs", 60, "--lr", 0.2),
        lambda m, told: bool(re.search(r"^note      The weights are those of epoch \d+, the best", told.out, re.M)),
    ),
    "momentum": (("--optimizer", "sgd", "--momentum", 0.9), lambda m, told: "SGD with rate 0.1" in told.out),
}


def _biases(model: pl.Model) -> list[Any]:
    return [layer.b for layer in model.layers if isinstance(layer, pl.Dense)]


@pytest.mark.parametrize("option", EFFECTS)
def test_every_option_has_an_effect(option: str, plain: pl.Model) -> None:
    words, holds = EFFECTS[option]
    epochs = () if "--epochs" in words else ("--epochs", 3)
    told = train("moons", *epochs, *words).done()
    model = pl.load("moons.safetensors")
    assert holds(model, told)
    assert model.theta.tobytes() != plain.theta.tobytes()


def test_nothing_said_twice_gives_the_same_bits(plain: pl.Model) -> None:
    train("moons", "--epochs", 3).done()
    assert pl.load("moons.safetensors").theta.tobytes() == plain.theta.tobytes()


def test_momentum_is_momentum() -> None:
    found = set()
    for words in ((), ("--momentum", 0.5), ("--momentum", 0.9)):
        train("moons", "--epochs", 2, "--optimizer", "sgd", *words).done()
        found.add(pl.load("moons.safetensors").theta.tobytes())
    assert len(found) == 3


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_the_one_that_was_named(name: str) -> None:
    train("moons", "--epochs", 1, "--activation", name).done()
    assert type(pl.load("moons.safetensors").layers[1]) is ACTIVATIONS[name]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns(name: str) -> None:
    words = ("--decay", 1.0) if name == "random-search" else ()
    told = train("vertical", "--epochs", 40, "--optimizer", name, *words, "--json").done()
    losses = [event["loss"] for event in told.events if event["event"] == "epoch"]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_explained(name: str) -> None:
    told = train("moons", "--epochs", 2, "--schedule", name).done()
    assert re.search(r"Adam with rate ", told.out)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_learns_classes(name: str) -> None:
    told = train("vertical", "--epochs", 30, "--loss", name, "--json").done()
    assert told.events[0]["loss"] == LOSSES[name].__name__
    assert told.last["test_accuracy"] > 0.6
    losses = [event["loss"] for event in told.events if event["event"] == "epoch"]
    assert losses[-1] < losses[0]
    told = run("evaluate", "vertical.safetensors", "vertical", "--json").done()
    assert told.last["accuracy"] > 0.6


@pytest.mark.parametrize("loss", ["sigmoid-cross-entropy", "binary-cross-entropy"])
def test_two_classes_may_be_one_yes_or_no_answer(loss: str, tmp_path: Path) -> None:
    told = train("moons", "--layers", "16,1", "--loss", loss, "--epochs", 40, "--json").done()
    assert told.last["test_accuracy"] > 0.8
    assert pl.load("moons.safetensors").output_shape == (1,)
    evaluated = run("evaluate", "moons.safetensors", "moons", "--json").done()
    assert evaluated.last["accuracy"] == told.last["test_accuracy"]
    assert evaluated.last["loss"] == told.last["test_loss"]
    (tmp_path / "ask.csv").write_text("x,y\n0,1\n1,-0.5\n")
    asked = run("predict", "moons.safetensors", "ask.csv", "--json").done().events
    for event in asked:
        assert sum(event["probabilities"].values()) == pytest.approx(1.0)
    assert [event["class"] for event in asked] == ["0", "1"]
    table = run("evaluate", "moons.safetensors", "moons").done().out
    assert re.search(r"^  1 +\d+ +\d+ +\d+ %$", table, re.M)


def test_pictures_are_shifted_anew() -> None:
    found = set()
    for shift in (0, 1, 2):
        told = train(*SMALL, "--shift", shift).done()
        assert (f"shifted by up to {shift} pixel" in told.out) is (shift > 0)
        found.add(pl.load("digits.safetensors").theta.tobytes())
    assert len(found) == 3


def test_standardized_pixels_have_mean_0_and_deviation_1() -> None:
    train(*SMALL, "--standardize", "--validation", 0).done()
    data, _ = pl.datasets.digits()
    x = pl.load("digits.safetensors").prepared(data.x)
    assert abs(float(x.mean(dtype=np.float64))) < 1e-5
    assert float(x.std(dtype=np.float64)) == pytest.approx(1.0, abs=1e-5)
    told = run("evaluate", "digits.safetensors", "digits", "--json").done()
    assert told.last["accuracy"] > 0.8


def test_output_is_where_it_was_said(tmp_path: Path) -> None:
    told = train("moons", "--epochs", 1, "--output", "a/b/model.bin", "--json").done()
    assert told.last["model"] == "a/b/model.bin"
    assert list(files(tmp_path)) == ["a/b/model.bin"]
    assert pl.load("a/b/model.bin").classes == ("0", "1")


@pytest.mark.parametrize("name", [name for name in USUAL if name not in ("pictures", "table", "digits")])
def test_every_toy_trains(name: str) -> None:
    told = train(name, "--epochs", 2, "--json").done()
    assert told.kinds == ["start", "epoch", "epoch", "done"]
    assert ("test_accuracy" in told.last) is (name != "sine")
    text = train(name, "--epochs", 2).done().out
    assert "test      " in text
    assert ("right" in text) is (name != "sine")
    assert ("r2" in text) is (name == "sine")


# ---- data of one's own -----------------------------------------------------------------------------------------------


def flowers(rows: int = 60) -> str:
    """A table of two measurements, on very different scales, and a kind that follows from them."""
    rng = np.random.default_rng(0)
    lines = ["size,weight,kind"]
    for i in range(rows):
        k = i % 3
        lines.append(f"{k + 0.2 * rng.normal():.3f},{1000 * k + 100 * rng.normal():.1f},{('iris', 'rose', 'tulip')[k]}")
    return "\n".join(lines) + "\n"


def test_a_table_of_classes(tmp_path: Path) -> None:
    (tmp_path / "flowers.csv").write_text(flowers())
    told = train("flowers.csv", "--target", "kind", "--epochs", 40, "--json").done()
    assert told.last["test_accuracy"] == 1.0
    model = pl.load("flowers.safetensors")
    assert model.classes == ("iris", "rose", "tulip")
    assert isinstance(model.prepare, pl.Table)
    assert (model.prepare.names, model.prepare.target) == (("size", "weight"), "kind")
    assert [event["samples"] for event in told.events[:1]] == [49]
    told = train("flowers.csv", "--target", "kind", "--epochs", 1, "--test", 0.5)
    assert "27 to train, 3 to validate, 30 to test" in told.out
    assert "iris" in told.out


def test_a_table_of_values(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    rows = [f"{a:.4f},{b:.4f},{2 * a - b:.4f}" for a, b in x]
    (tmp_path / "line.csv").write_text("a,b,y\n" + "\n".join(rows))
    told = train("line.csv", "--epochs", 60, "--json").done()
    assert told.last["test_r2"] > 0.95
    assert "test_accuracy" not in told.last
    text = train("line.csv", "--epochs", 2).done().out
    assert re.search(r"^test      r2 -?\d\.\d{4}, mean absolute error ", text, re.M)
    for loss in ("mae", "huber"):
        assert train("line.csv", "--epochs", 40, "--loss", loss, "--json").done().last["test_r2"] > 0.8


def test_which_rows_are_set_aside_follows_from_the_seed(tmp_path: Path) -> None:
    (tmp_path / "flowers.csv").write_text(flowers())
    data = pl.datasets.load("flowers.csv", target="kind")
    plans = [make_plan(Options("flowers.csv", seed=seed), data) for seed in (0, 0, 1)]
    first, same, other = ([part.x.tobytes() for part in (p.data, p.validation, p.test) if part] for p in plans)
    assert first == same
    assert not set(first) & set(other)
    whole = np.concatenate([plans[0].data.x, plans[0].validation.x, plans[0].test.x])  # type: ignore[union-attr]
    np.testing.assert_array_equal(np.sort(whole, axis=0), np.sort(data[0].x, axis=0))


ARRAYS: dict[str, tuple[dict[str, Any], str, str]] = {
    "small pictures": ({"x": np.arange(60 * 64).reshape(60, 8, 8) % 17, "t": np.arange(60) % 3}, "8x8, 3 c", "WRONG"),
    "bytes to 16": (
        {"x": (np.arange(60 * 64).reshape(60, 8, 8) % 17).astype(np.uint8), "t": np.arange(60) % 3},
        "pictures of 8x8",
        "WRONG",
    ),
    "fractions": ({"x": np.random.default_rng(0).random((60, 5, 9)), "t": np.arange(60) % 2}, "5x9, 2 classes", "test"),
    "large pictures": ({"x": np.zeros((20, 50, 90), np.uint8) + 9, "t": np.arange(20) % 2}, "50x90, 2 c", "WRONG"),
    "colours": ({"x": np.zeros((20, 6, 6, 3), np.uint8) + 9, "t": np.arange(20) % 2}, "6x6x3, 2 classes", "test"),
    "rows": (
        {"x": 1e4 * np.random.default_rng(0).normal(size=(40, 3)), "t": np.arange(40) % 2},
        "3, 2 classes",
        "test",
    ),
    "words": ({"x": np.eye(20), "t": np.array(["no", "yes"] * 10)}, "20, 2 classes", "yes"),
    "two values": ({"x": np.eye(20), "t": np.random.default_rng(0).normal(size=(20, 2))}, "values to predict", "r2"),
    "one number": ({"x": np.linspace(0, 1, 20), "t": np.linspace(0, 2, 20) + 0.01}, "samples of 1, values", "r2"),
    "one-hot": ({"x": np.eye(20), "t": np.eye(4)[np.arange(20) % 4]}, "20, 4 classes", "test"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_every_shape_train_and_are_measured(name: str) -> None:
    arrays, said, shown = ARRAYS[name]
    np.savez("data.npz", **arrays)
    told = train("data.npz", "--epochs", 2, columns=80).done()
    assert said in told.out
    assert shown in told.out
    assert "not scaled" not in told.out
    assert all(len(line) <= 80 for line in told.lines if "│" in line or "▒" in line)
    run("evaluate", "data.safetensors", "data.npz").done()
    np.save("ask.npy", arrays["x"][:3])
    assert len(run("predict", "data.safetensors", "ask.npy", "--json").done().events) == 3


def test_pictures_are_divided_by_their_white() -> None:
    def full(x: Any) -> float:
        prepare = preparation(pl.Data(x, np.zeros(len(x), int), ("a",)), (4,))
        return float(prepare.full)

    assert full(np.full((3, 2, 2), 255, np.uint8)) == 255
    assert full(np.full((3, 2, 2), 200, np.uint8)) == 255  # dim, but bytes
    assert full(np.full((3, 2, 2), 16, np.uint8)) == 16
    assert full(np.full((3, 2, 2), 0.5)) == 0.5
    assert full(np.zeros((3, 2, 2), np.uint8)) == 1


def test_a_folder_of_idx_files(tmp_path: Path) -> None:
    def idx(name: str, array: Any) -> None:
        head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        (tmp_path / "mnist" / name).write_bytes(head + array.astype(np.uint8).tobytes())

    (tmp_path / "mnist").mkdir()
    data, test = pl.datasets.digits()
    idx("train-images-idx3-ubyte", data.x[:300])
    idx("train-labels-idx1-ubyte", data.t[:300])
    idx("t10k-images-idx3-ubyte", test.x[:50])
    idx("t10k-labels-idx1-ubyte", test.t[:50])
    told = train("mnist/", "--epochs", 1, "--layers", "8,10").done()
    assert "270 to train, 30 to validate, 50 to test; pictures of 28x28, 10 classes" in told.out
    assert "my_digit.png" in told.out
    assert pl.load("mnist.safetensors").prepare.digit  # type: ignore[union-attr]


# ---- networks in TOML ------------------------------------------------------------------------------------------------

DENSE10 = '[[layers]]\nkind = "Dense"\nunits = 10\n'
GOOD_TOML = {
    "residual": (
        '[[layers]]\nkind = "Dense"\nunits = 12\ninit = "glorot"\n'
        '[[layers]]\nkind = "Residual"\nlayers = [{kind = "Dense", units = 12}, {kind = "Tanh"}]\n' + DENSE10,
        ["dense", "residual", "dense"],
        "SoftmaxCrossEntropy",
    ),
    "shape and loss": (
        'input_shape = [28, 28]\nloss = "mse"\n[[layers]]\nkind = "Flatten"\n' + DENSE10,
        ["flatten", "dense"],
        "MeanSquaredError",
    ),
    "loss as a table": (
        DENSE10 + '[[layers]]\nkind = "Softmax"\n[loss]\nkind = "CategoricalCrossEntropy"\neps = 1e-6\n',
        ["dense", "softmax"],
        "CategoricalCrossEntropy",
    ),
    "penalty and dropout": (
        '[[layers]]\nkind = "Dropout"\ndrop = 0.1\n[[layers]]\nkind = "Dense"\nunits = 10\n'
        'penalty = {kind = "L2", strength = 1e-4}\n',
        ["dropout", "dense"],
        "SoftmaxCrossEntropy",
    ),
}


@pytest.mark.parametrize("name", GOOD_TOML)
def test_a_network_from_a_file(name: str, tmp_path: Path) -> None:
    text, layers, loss = GOOD_TOML[name]
    (tmp_path / "net.toml").write_text(text)
    told = train("digits", "--layers", "net.toml", "--epochs", 1, "--json").done()
    assert told.events[0]["loss"] == loss
    assert told.last["test_accuracy"] > 0.5
    assert kinds(pl.load("digits.safetensors")) == layers


BAD_TOML: list[tuple[str, int, list[str]]] = [
    ('[[layers]]\nkind = "Dens"\n', 3, ["net.toml: layers[0]", "Did you mean Dense?"]),
    ('[[layers]]\nkind = "Dense"\nunits = "ten"\n', 3, ["units", "'ten'"]),
    ('[[layers]]\nkind = "Dense"\nunit = 10\n', 3, ["'unit'", "units"]),
    ('[[layers]\nkind = "Dense"\n', 3, ["not valid TOML", "line 1"]),
    ("layers = []\n", 3, ["no layers", "[[layers]]"]),
    ("", 3, ["no layers"]),
    ("layers = 3\n", 3, ["no layers"]),
    ("layers = [1]\n", 3, ["layers[0]", "no layer"]),
    ("layers = " + "[" * 2000 + "]" * 2000 + "\n", 3, ["net.toml"]),
    ('[[layers]]\nkind = "L2"\nstrength = 1\n', 3, ["layers[0]", "no layer"]),
    ('input_shape = "784"\n' + DENSE10, 3, ["input_shape", "'784'"]),
    ("input_shape = [28, 27]\n" + DENSE10, 2, ["(N,  28, 27)", "(N, 784)", "^^^"]),
    ('[[layers]]\nkind = "Dense"\nunits = 9\n', 2, ["(N,  9)", "(N, 10)", "^^"]),
    ("input_shape = [28, 28]\n" + DENSE10, 2, ["(N, 28, 10)", "(N, 10)"]),
    ('[[layers]]\nkind = "Reshape"\nshape = [28, 27]\n' + DENSE10, 2, ["0.reshape", "756", "784"]),
    ('[[layers]]\nkind = "Dropout"\ndrop = 1.0\n' + DENSE10, 2, ["0.dropout", "1.0"]),
    ('loss = "cross"\n' + DENSE10, 3, ["'cross'", "softmax-cross-entropy"]),
    (DENSE10 + '[loss]\nkind = "Dense"\nunits = 3\n', 3, ["loss"]),
    ("epochs = 3\n" + DENSE10, 3, ["epochs"]),
    ("\udcff", 3, ["not valid TOML"]),
]


@pytest.mark.parametrize(("text", "code", "words"), BAD_TOML, ids=lambda value: str(value)[:30])
def test_a_bad_network_file_is_refused(text: str, code: int, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    train("digits", "--layers", "net.toml", "--epochs", 1).error(code, *words)
    assert list(files(tmp_path)) == ["net.toml"]


# ---- refusals --------------------------------------------------------------------------------------------------------

WRONG: list[tuple[tuple[Any, ...], int, list[str]]] = [
    (("digits", "--batch-size", 0), 2, ["batch_size", "not 0"]),
    (("digits", "--batch-size", -3), 2, ["batch_size", "not -3"]),
    (("digits", "--batch-size", "many"), 2, ["'many'"]),
    (("digits", "--epochs", 0), 2, ["epochs", "not 0"]),
    (("digits", "--lr", -1), 2, ["--lr", "-1"]),
    (("digits", "--lr", "nan"), 2, ["--lr", "nan"]),
    (("digits", "--lr", "fast"), 2, ["'fast'"]),
    (("digits", "--layers", "64,9"), 2, ["(N,  9)", "(N, 10)", "^^", "--layers 64,10"]),
    (("digits", "--layers", "64,,10"), 2, ["'64,,10'"]),
    (("digits", "--layers", ""), 2, ["--layers ''"]),
    (("digits", "--layers", "64,0,10"), 2, ["'64,0,10'"]),
    (("digits", "--layers", "none.toml"), 3, ["none.toml", "No such file"]),
    (("moons", "--layers", "8,1"), 2, ["(N, 1)", "(N, 2)"]),
    (("digits", "--activation", "swish"), 2, ["'swish'"]),
    (("digits", "--loss", "hinge"), 2, ["'hinge'"]),
    (("digits", "--optimizer", "lion"), 2, ["'lion'"]),
    (("sine", "--loss", "softmax-cross-entropy"), 2, ["needs class labels", "mse"]),
    (("sine", "--loss", "sigmoid-cross-entropy"), 2, ["needs class labels", "mse"]),
    (("digits", "--schedule", "cosine", "--decay", 0.5), 2, ["--decay"]),
    (("digits", "--decay", 0), 2, ["--decay"]),
    (("digits", "--decay", 1.5), 2, ["--decay"]),
    (("digits", "--schedule", "inverse", "--decay", -1), 2, ["--decay"]),
    (("digits", "--momentum", 0.9), 2, ["--momentum", "sgd"]),
    (("digits", "--optimizer", "sgd", "--momentum", 1), 2, ["momentum"]),
    (("digits", "--validation", 1), 2, ["--validation"]),
    (("digits", "--validation", -0.1), 2, ["--validation"]),
    (("digits", "--validation", "nan"), 2, ["--validation"]),
    (("table.csv", "--test", 0), 2, ["--test"]),
    (("digits", "--dropout", 1), 2, ["0 <= drop < 1"]),
    (("digits", "--dropout", -0.5), 2, ["0 <= drop < 1"]),
    (("digits", "--l1", -1), 2, ["--l1"]),
    (("digits", "--l2", -1), 2, ["--l2"]),
    (("digits", "--l2", "nan"), 2, ["--l2"]),
    (("digits", "--clip", 0), 2, ["clip"]),
    (("digits", "--shift", -1), 2, ["--shift"]),
    (("digits", "--shift", 28), 2, ["--shift", "28x28"]),
    (("moons", "--shift", 1), 2, ["--shift", "(2,)"]),
    (("digits", "--patience", 0), 2, ["--patience"]),
    (("digits", "--patience", 2, "--validation", 0), 2, ["--validation cannot be 0"]),
    (("digits", "--keep-best", "--validation", 0), 2, ["--validation cannot be 0"]),
    (("digits", "--seed", -1), 2, ["--seed"]),
    (("digits", "--seed", 1.5), 2, ["--seed"]),
    (("digits", "--target", 3), 2, ["target"]),
    (("digits", "--resume"), 2, ["--checkpoint DIR"]),
    (("digits", "extra"), 2, ["extra"]),
    ((), 2, ["DATA"]),
    (("digitz",), 3, ["'digitz'", "digits"]),
    (("none.csv",), 3, ["none.csv"]),
    (("table.csv", "--target", "colour"), 3, ["'colour'", "a, b, y"]),
    (("table.csv", "--output", "table.csv"), 2, ["holds the data"]),
    (("inf.csv",), 3, ["row 3 (line 4 of the file), column 2 ('b')", "'inf'", "finite"]),
    (("lone.csv",), 3, ["class 'owl'", "'y'", "one row only (row 3)"]),
    (("nan.npz",), 3, ["nan", "row 4, column 1"]),
    (("digits", "--output", "table.csv/model.safetensors"), 3, ["table.csv is not a folder"]),
    (("digits", "--output", "table.csv/a/b/model.safetensors"), 3, ["table.csv is not a folder"]),
    (("digits", "--output", "."), 2, ["directory"]),
    (("digits", "--checkpoint", "table.csv/runs"), 3, ["table.csv is not a folder"]),
    (("digits", "--checkpoint", "table.csv"), 2, ["table.csv"]),
]


@pytest.mark.parametrize(("words", "code", "said"), WRONG, ids=[" ".join(map(str, words)) for words, *_ in WRONG])
def test_what_cannot_be_is_refused_before_training(
    words: tuple[Any, ...], code: int, said: list[str], tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("a,b,y\n" + "1,2,0\n3,4,1\n" * 10)
    (tmp_path / "inf.csv").write_text("a,b,y\n1,2,0\n3,4,1\n5,inf,0\n7,8,1\n")
    (tmp_path / "lone.csv").write_text("a,b,y\n1,2,cat\n3,4,cat\n5,6,owl\n")
    np.savez(tmp_path / "nan.npz", x=np.where(np.arange(40).reshape(10, 4) == 17, np.nan, 0.0), t=np.arange(10) % 2)
    before = files(tmp_path)
    told = train(*words)
    told.error(code, *said)
    assert told.out == ""
    assert files(tmp_path) == before
    told = train(*words, "--json").error(code)
    assert (told.kinds, told.last["code"]) == (["error"], code)


def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    train("moons", "--epochs", 1, "--output", "pipe").error(3, "no ordinary file")
    assert (tmp_path / "pipe").is_fifo()


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    train("moons", "--epochs", 1, "--output", "open/model.safetensors").done()  # whatever is imported late, is now
    place = tmp_path / "locked"
    place.mkdir()
    place.chmod(0o555)
    root, chain = os.geteuid() == 0, [tmp_path, *tmp_path.parents]
    modes = {folder: folder.stat().st_mode for folder in chain if root and not folder.stat().st_mode & 0o001}
    for folder in modes:
        folder.chmod(modes[folder] | 0o711)
    if root:
        os.seteuid(65534)  # the superuser may write anywhere, and acts as nobody meanwhile
    try:
        train("moons", "--epochs", 1, "--output", "locked/model.safetensors").error(3, "may not write into")
        train("moons", "--epochs", 1, "--checkpoint", "locked/a/b").error(3, "may not write into")
    finally:
        if root:
            os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)
    assert list(files(tmp_path)) == ["open/model.safetensors"]


def test_a_training_that_diverges_ends_with_4_and_says_where(tmp_path: Path) -> None:
    words = ("digits", "--loss", "mse", "--optimizer", "sgd", "--lr", 1e30, "--layers", "16,10", "--epochs", 2)
    told = train(*words, "--checkpoint", "runs").error(4, "diverged at step", "learning rate", "try ")
    assert re.search(r"first number that is not finite is in (the output of layer|the parameter) \d\.", told.err)
    assert files(tmp_path) == {}
    told = train(*words, "--json").error(4)
    assert told.kinds == ["start", "error"]
    assert told.last["code"] == 4


def test_unscaled_inputs_are_named_as_the_cause() -> None:
    np.savez(
        "far.npz", x=1e6 * np.random.default_rng(0).normal(size=(50, 3)), t=np.random.default_rng(1).normal(size=50)
    )
    (Path("net.toml")).write_text('[[layers]]\nkind = "Dense"\nunits = 1\n')
    told = train("far.npz", "--layers", "net.toml", "--epochs", 2).done()  # the command line scales them
    assert "not scaled" not in told.out


# ---- pauses ----------------------------------------------------------------------------------------------------------

PAUSED = ("moons", "--dropout", 0.2, "--optimizer", "sgd", "--momentum", 0.9)


def test_resumed_training_gives_the_same_file(tmp_path: Path) -> None:
    train(*PAUSED, "--epochs", 6, "--output", "whole").done()
    train(*PAUSED, "--epochs", 4, "--output", "part", "--checkpoint", "runs").done()
    assert (tmp_path / "runs" / "checkpoint.safetensors").exists()
    told = train(*PAUSED, "--epochs", 6, "--output", "rest", "--checkpoint", "runs", "--resume").done()
    assert told.lines[0] == "resumed   after 4 epochs, from runs/checkpoint.safetensors"
    assert [line.split()[0] for line in told.lines if re.match(r" *\d/6 ", line)] == ["5/6", "6/6"]
    assert (tmp_path / "rest").read_bytes() == (tmp_path / "whole").read_bytes()
    told = train(*PAUSED, "--epochs", 6, "--output", "again", "--checkpoint", "runs", "--resume", "--json").done()
    assert told.kinds == ["start", "done"]
    assert told.events[0]["epochs_done"] == 6
    assert (tmp_path / "again").read_bytes() == (tmp_path / "whole").read_bytes()


def test_with_patience_and_the_best_weights_too(tmp_path: Path) -> None:
    words = (*PAUSED, "--lr", 0.5, "--patience", 5, "--keep-best")
    whole = train(*words, "--epochs", 60, "--output", "whole", "--json").done()
    assert whole.last["epochs"] < 60
    best = next(event["text"] for event in whole.events if event["event"] == "note")
    for pause in (2, whole.last["epochs"] - 2):
        train(*words, "--epochs", pause, "--output", "part", "--checkpoint", f"runs{pause}").done()
        rest = train(
            *words, "--epochs", 60, "--output", "rest", "--checkpoint", f"runs{pause}", "--resume", "--json"
        ).done()
        assert (tmp_path / "rest").read_bytes() == (tmp_path / "whole").read_bytes()
        assert best in [event.get("text") for event in rest.events]


def test_resume_without_a_checkpoint_starts_afresh_and_says_so(tmp_path: Path) -> None:
    told = train(*PAUSED, "--epochs", 2, "--checkpoint", "runs", "--resume", "--json").done()
    assert told.err == "Note: There is no checkpoint at runs/checkpoint.safetensors yet, so training starts afresh.\n"
    assert told.kinds == ["start", "epoch", "epoch", "done"]
    resumed = (tmp_path / "moons.safetensors").read_bytes()
    train(*PAUSED, "--epochs", 2).done()
    assert (tmp_path / "moons.safetensors").read_bytes() == resumed


def test_a_checkpoint_that_will_be_replaced_is_mentioned() -> None:
    train(*PAUSED, "--epochs", 1, "--checkpoint", "runs").done()
    told = train(*PAUSED, "--epochs", 1, "--checkpoint", "runs").done()
    assert "--resume would go on from it" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--batch-size", 16), "batch_size (checkpoint 32, now 16)"),
        (("--layers", "9,2"), "layers[0].units (checkpoint 32, now 9)"),
        (("--lr", 0.2), "optimizer.lr.lr (checkpoint 0.1, now 0.2)"),
        (("--dropout", 0.3), "layers[2].drop (checkpoint 0.2, now 0.3)"),
        (("--seed", 4), "seed (checkpoint 0, now 4)"),
        (("--clip", 4), "clip (checkpoint None, now 4.0)"),
        (("--validation", 0.2), "data (checkpoint '180x2"),
    ],
)
def test_another_training_does_not_go_on_from_it(words: tuple[Any, ...], said: str, tmp_path: Path) -> None:
    train(*PAUSED, "--epochs", 2, "--checkpoint", "runs").done()
    before = files(tmp_path)
    train(*PAUSED, "--epochs", 3, "--checkpoint", "runs", "--resume", *words).error(3, "What differs", said)
    assert files(tmp_path) == before


def test_a_cut_checkpoint_is_refused_and_training_afresh_is_possible(tmp_path: Path) -> None:
    train(*PAUSED, "--epochs", 2, "--checkpoint", "runs").done()
    path = tmp_path / "runs" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    train(*PAUSED, "--epochs", 3, "--checkpoint", "runs", "--resume").error(3, "checkpoint.safetensors", "cut")
    train(*PAUSED, "--epochs", 3, "--checkpoint", "runs").done()
    assert pl.load(path).history[-1]["epoch"] == 3


LONG = ("train", "digits", "--epochs", "12", "--layers", "64,10", "--dropout", "0.1", "--json", "--checkpoint", "runs")


ONE_THREAD = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pellucid", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ONE_THREAD)


def after_epochs(process: subprocess.Popen[str], count: int, then: int) -> tuple[list[dict[str, Any]], str, int]:
    """The events up to the signal and after it, what stood on stderr, and the exit code."""
    assert process.stdout is not None
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if sum(event["event"] == "epoch" for event in events) == count:
            process.send_signal(then)
            break
    rest, err = process.communicate(timeout=60)
    return events + [json.loads(line) for line in rest.splitlines()], err, process.returncode


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model file of the long training, run without a pause in a process of its own."""
    folder = tmp_path_factory.mktemp("whole")
    command = [sys.executable, "-m", "pellucid", *LONG]
    subprocess.run(command, cwd=folder, capture_output=True, check=True, env=ONE_THREAD)
    return (folder / "digits.safetensors").read_bytes()


def test_killed_and_resumed_it_gives_the_same_file(uninterrupted: bytes, tmp_path: Path) -> None:
    events, _, code = after_epochs(started(*LONG), 3, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert "done" not in [event["event"] for event in events]
    assert "digits.safetensors" not in files(tmp_path)
    events, err, code = after_epochs(started(*LONG, "--resume"), 99, signal.SIGKILL)
    assert (code, err) == (0, "")
    assert 2 <= events[0]["epochs_done"] < 12
    assert (tmp_path / "digits.safetensors").read_bytes() == uninterrupted


def test_ctrl_c_stops_after_the_step_saves_and_can_be_resumed(uninterrupted: bytes, tmp_path: Path) -> None:
    events, err, code = after_epochs(started(*LONG), 2, signal.SIGINT)
    assert (code, err) == (130, "")
    assert events[-1]["event"] == "done"
    assert events[-1]["stopped"] is True
    assert 2 <= events[-1]["epochs"] < 12
    stopped = pl.load("digits.safetensors")
    assert stopped.theta.tobytes() == pl.load("runs/checkpoint.safetensors").theta.tobytes()
    events, err, code = after_epochs(started(*LONG, "--resume"), 99, signal.SIGKILL)
    assert (code, err) == (0, "")
    assert (tmp_path / "digits.safetensors").read_bytes() == uninterrupted
    assert sorted(files(tmp_path)) == ["digits.safetensors", "runs/checkpoint.safetensors"]


def test_ctrl_c_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: the signal comes with the third step."""
    from pellucid.train import Training

    step = Training._step

    def interrupted(self: Training, at: Any) -> Any:
        if self.step == 2:
            signal.raise_signal(signal.SIGINT)
        return step(self, at)

    monkeypatch.setattr(Training, "_step", interrupted)
    before = signal.getsignal(signal.SIGINT)
    told = train(*PAUSED, "--epochs", 5, "--checkpoint", "runs")
    assert told.code == 130
    assert told.err == ""
    assert "stopped   by you after 0 epochs and 3 batches; what was learned so far is kept" in told.lines
    assert told.lines[-1] == "          go on where you stopped: the same command with --resume"
    assert signal.getsignal(signal.SIGINT) is before
    with monkeypatch.context() as undisturbed:
        undisturbed.setattr(Training, "_step", step)
        told = train(*PAUSED, "--epochs", 5, "--checkpoint", "runs", "--resume", "--output", "rest").done()
        assert told.lines[0] == "resumed   after 0 epochs and 3 batches, from runs/checkpoint.safetensors"
        train(*PAUSED, "--epochs", 5, "--output", "whole").done()
    assert Path("rest").read_bytes() == Path("whole").read_bytes()
    told = train(*PAUSED, "--epochs", 5)
    assert told.code == 130
    assert "train longer" in told.lines[-1]


def test_a_second_ctrl_c_ends_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pellucid.train import Training

    step = Training._step

    def impatient(self: Training, at: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return step(self, at)

    monkeypatch.setattr(Training, "_step", impatient)
    train(*PAUSED, "--epochs", 5).error(130, "Stopped.")
    assert files(tmp_path) == {}


# ---- parts -----------------------------------------------------------------------------------------------------------


def test_the_usual_choices_are_complete() -> None:
    layers = dense_layers(Options("x"), TABLES[0][1], (3,), pl.SoftmaxCrossEntropy())
    assert [layer.kind for layer in layers] == ["dense", "relu", "dense", "relu", "dense"]
    for usual in USUAL.values():
        assert usual.activation in ACTIVATIONS
