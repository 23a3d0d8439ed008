"""Train 10, or train 4, stop, load, train 6: the same bits, wherever the stop was and whoever goes on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid import kernels
from pellucid.checkpoint import differences, fingerprint
from tests import forge

Array = Any
EPOCHS, BATCH = 10, 8

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (30, 6, 6)).astype(np.uint8)
T = (X[:, 2, 2].astype(int) + X[:, 3, 3]) // 171
DATA = pl.Data(X, T, ("low", "middle", "high"))
VALIDATION = pl.Data(X[::3].copy() + np.uint8(1), T[::3], DATA.classes)
STEPS = 4  # an epoch: three batches of 8 and one of 6

OPTIMIZERS: dict[str, Callable[[], pl.Optimizer]] = {
    "random_search": lambda: pl.RandomSearch(0.05),
    "sgd": lambda: pl.SGD(0.1),
    "sgd_momentum": lambda: pl.SGD(pl.inverse_decay(0.1, 0.01), momentum=0.9),
    "sgd_nesterov": lambda: pl.SGD(0.05, momentum=0.9, nesterov=True),
    "adagrad": lambda: pl.AdaGrad(0.05),
    "rmsprop": lambda: pl.RMSprop(pl.exponential(0.01, 0.98)),
    "adam": lambda: pl.Adam(pl.warmup(5, pl.cosine(0.02, 40))),
    "adamw": lambda: pl.AdamW(pl.one_cycle(0.02, 40), weight_decay=0.1),
}


def network(units: int = 7, **options: Any) -> pl.Model:
    chosen: dict[str, Any] = {
        "loss": pl.SoftmaxCrossEntropy(),
        "input_shape": (36,),
        "penalty": pl.L2(1e-4),
        "prepare": pl.Pixels((36,), picture=(6, 6)),
        "classes": DATA.classes,
    }
    layers = options.pop("layers", None) or [pl.Dense(units), pl.ReLU(), pl.Dropout(0.3), pl.Dense(3)]
    return pl.Model(*layers, **chosen | options)


def start(optimizer: str = "adam", epochs: int = EPOCHS, model: pl.Model | None = None, **options: Any) -> pl.Training:
    chosen: dict[str, Any] = {
        "batch_size": BATCH,
        "validation": VALIDATION,
        "metrics": (pl.accuracy,),
        "augment": pl.Shift(1),
        "clip": 5.0,
        "seed": 3,
        "optimizer": options.pop("optimizer_", None) or OPTIMIZERS[optimizer](),
    }
    options = chosen | options
    data = options.pop("data", DATA)
    return pl.train(model or network(), data, epochs=epochs, **options)


def state(training: pl.Training) -> dict[str, Any]:
    """Everything that must be the same: the numbers to the bit, the history, the random streams."""
    optimizer, model = training.optimizer, training.model
    return {
        "theta": model.theta.tobytes(),
        "buffers": model.buffers.tobytes(),
        "vectors": {name: getattr(optimizer, name).tobytes() for name in optimizer.vectors},
        "t": optimizer.t,
        "history": list(training.history),
        "same history": training.history is model.history,
        "position": (training.epoch, training.batch, training.step),
        "streams": [training.noise.bit_generator.state, training.augmentation.bit_generator.state],
        "search": optimizer.rng.bit_generator.state if isinstance(optimizer, pl.RandomSearch) else None,
    }


def run_to(events: Iterable[pl.Event], there: Callable[[pl.Event], bool]) -> None:
    for event in events:
        if there(event):
            return
    raise AssertionError("the training ended before the stop")


STOPS: dict[str, Callable[[pl.Event], bool]] = {
    "end of epoch 4": lambda e: isinstance(e, pl.EpochDone) and e.epoch == 4,
    "end of epoch 1": lambda e: isinstance(e, pl.EpochDone) and e.epoch == 1,
    "inside epoch 5": lambda e: isinstance(e, pl.StepDone) and e.step == 4 * STEPS + 2,
    "after the first step": lambda e: isinstance(e, pl.StepDone) and e.step == 1,
    "before an epoch's end": lambda e: isinstance(e, pl.StepDone) and e.step == 4 * STEPS,
    "before the last epoch's end": lambda e: isinstance(e, pl.StepDone) and e.step == EPOCHS * STEPS,
    "at the end": lambda e: isinstance(e, pl.EpochDone) and e.epoch == EPOCHS,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.safetensors"


# ---- the same bits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_pause_changes_nothing(optimizer: str, stop: str, file: Path) -> None:
    whole = start(optimizer)
    for _ in whole:
        pass
    assert len(whole.history) == EPOCHS
    assert all(0 <= row["val_accuracy"] <= 1 for row in whole.history)
    first = start(optimizer)
    run_to(first, STOPS[stop])
    pl.save_checkpoint(first, file)
    second = pl.resume(start(optimizer), file)
    assert state(second) == state(first)
    assert second.sums == first.sums
    for _ in second:
        pass
    assert state(second) == state(whole)
    for _ in first:  # the one that was saved may go on as well
        pass
    assert state(first) == state(whole)


@pytest.mark.parametrize("stop", ["end of epoch 4", "inside epoch 5", "before an epoch's end"])
def test_a_pause_keeps_what_is_not_trained_too(stop: str, file: Path) -> None:
    """Batch normalisation's running mean and variance are buffers: no gradient moves them, every batch does."""

    def fresh() -> pl.Training:
        return start("sgd_momentum", model=network(layers=[pl.Dense(7), pl.BatchNorm(), pl.ReLU(), pl.Dense(3)]))

    whole, first = fresh(), fresh()
    for _ in whole:
        pass
    assert whole.model.buffers.size > 0
    run_to(first, STOPS[stop])
    pl.save_checkpoint(first, file)
    second = pl.resume(fresh(), file)
    assert state(second) == state(first)
    for _ in second:
        pass
    assert state(second) == state(whole)


def test_a_checkpoint_before_the_first_step(file: Path) -> None:
    whole, first = start(), start()
    pl.save_checkpoint(first, file)
    second = pl.resume(start(), file)
    assert [type(event).__name__ for event in second] == [type(event).__name__ for event in whole]
    assert state(second) == state(whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
def test_a_pause_after_every_third_step(dtype: Any, file: Path) -> None:
    def fresh() -> pl.Training:
        return start("adamw", epochs=3, model=network(dtype=dtype))

    whole = fresh()
    for _ in whole:
        pass
    steps, done = 0, False
    while not done:
        training = fresh()
        if file.exists():
            pl.resume(training, file)
        done = True
        for event in training:
            if isinstance(event, pl.StepDone) and event.step % 3 == 0:
                done = False
                break
        steps += 1
        pl.save_checkpoint(training, file)
    assert steps == 5
    assert state(training) == state(whole)


def test_epochs_may_be_more_than_was_planned(file: Path) -> None:
    whole = start("sgd_momentum", epochs=6)
    for _ in whole:
        pass
    first = start("sgd_momentum", epochs=4)
    for _ in first:
        pass
    pl.save_checkpoint(first, file)
    second = pl.resume(start("sgd_momentum", epochs=6), file)
    for _ in second:
        pass
    assert state(second) == state(whole)
    third = pl.resume(start("sgd_momentum", epochs=2), file)  # and fewer: there is nothing left to do
    assert list(third) == []
    assert state(third) == state(first)


def test_in_another_process(file: Path) -> None:
    whole = start()
    for _ in whole:
        pass
    first = start()
    run_to(first, STOPS["inside epoch 5"])
    pl.save_checkpoint(first, file)
    code = """
import hashlib, sys
import pellucid as pl
from tests.test_checkpoint import start
training = pl.resume(start(), sys.argv[1])
for event in training:
    pass
print(hashlib.sha256(training.model.theta.tobytes()).hexdigest(), training.history[-1])
"""
    root = Path(__file__).resolve().parents[1]
    environ = os.environ | {"PELLUCID_KERNELS": kernels.active().NAME}
    words = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=root, env=environ)
    assert (
        done.stdout.split() == f"{hashlib.sha256(whole.model.theta.tobytes()).hexdigest()} {whole.history[-1]}".split()
    )


def small(x: Array, rng: np.random.Generator) -> Array:
    """An augmentation that is a plain function."""
    return np.asarray(x * rng.uniform(0.9, 1.1), x.dtype)


def test_a_function_as_augmentation_is_known_by_its_name(file: Path) -> None:
    whole = start(augment=small)
    for _ in whole:
        pass
    first = start(augment=small)
    run_to(first, STOPS["inside epoch 5"])
    pl.save_checkpoint(first, file)
    header, doc, _ = forge.taken_apart(file)
    assert header
    assert doc["training"]["arguments"]["augment"] == "<function small>"
    second = pl.resume(start(augment=small), file)
    for _ in second:
        pass
    assert state(second) == state(whole)


def test_sample_weights_are_part_of_the_data(file: Path) -> None:
    weighted = pl.Data(X, T, DATA.classes, weights=np.linspace(0.5, 2.0, 30))
    first = start(data=weighted)
    run_to(first, STOPS["inside epoch 5"])
    pl.save_checkpoint(first, file)
    pl.resume(start(data=weighted), file)
    with pytest.raises(pl.DataError, match="data"):
        pl.resume(start(data=DATA), file)


def test_a_mask_is_part_of_the_data_and_training_goes_on_with_it(file: Path) -> None:
    rng = np.random.default_rng(1)
    x, t, mask = rng.normal(size=(20, 5, 2)), np.arange(20) % 2, rng.random((20, 5)) < 0.6

    def training(mask: Array | None) -> pl.Training:
        model = pl.Model(pl.LSTM(4), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(5, 2))
        data = pl.Data(x, t, mask=mask)
        return pl.train(model, data, optimizer=pl.Adam(0.01), epochs=4, batch_size=8, validation=data)

    whole, first = training(mask), training(mask)
    for _ in whole:
        pass
    for event in first:
        if isinstance(event, pl.StepDone) and event.step == 5:
            break
    pl.save_checkpoint(first, file)
    second = pl.resume(training(mask), file)
    for _ in second:
        pass
    assert state(second) == state(whole)
    for other in (None, ~mask):
        with pytest.raises(pl.DataError, match="data"):
            pl.resume(training(other), file)


# ---- with those who listen -------------------------------------------------------------------------------------------


def listened(training: pl.Training, patience: int = 3) -> Iterable[pl.Event]:
    stopping = pl.early_stop(training, patience, past=training.history)
    return pl.keep_best(stopping, training)


def restless(epochs: int = 30) -> pl.Training:
    """A training whose validation loss soon gets worse."""
    layers = [pl.Dense(9), pl.BatchNorm(), pl.ReLU(), pl.Dropout(0.3), pl.Dense(3)]
    return start(epochs=epochs, optimizer="adam", model=network(layers=layers, seed=1))


def test_the_best_weights_and_an_early_stop_survive_a_pause(file: Path) -> None:
    whole = restless()
    told = list(listened(whole))
    assert isinstance(told[-2], pl.Stopped)
    assert 5 < len(whole.history) < 30
    assert whole.best is not None
    assert whole.best.epoch == len(whole.history) - 3
    assert whole.model.theta.tobytes() == whole.best.theta.tobytes()
    for epoch in range(1, len(whole.history) + 1):
        for inside in (False, True):
            first = restless()

            def there(event: pl.Event, epoch: int = epoch, inside: bool = inside) -> bool:
                if inside:
                    return isinstance(event, pl.StepDone) and event.step == epoch * STEPS - 1
                return isinstance(event, pl.EpochDone) and event.epoch == epoch

            run_to(listened(first), there)
            pl.save_checkpoint(first, file)
            second = pl.resume(restless(), file)
            assert (second.best is None) == (first.best is None)
            rest = list(listened(second))
            assert rest[-2:] == told[-2:]
            assert second.model.theta.tobytes() == whole.model.theta.tobytes()
            assert second.model.buffers.tobytes() == whole.model.buffers.tobytes()
            assert second.history == whole.history
            assert second.best is not None
            assert (second.best.epoch, second.best.value) == (whole.best.epoch, whole.best.value)


def test_what_was_stopped_early_stays_stopped(file: Path) -> None:
    first = restless()
    events = listened(first)
    run_to(events, lambda event: isinstance(event, pl.EpochDone) and len(first.history) == _length())
    pl.save_checkpoint(first, file)
    second = pl.resume(restless(), file)
    kinds = [type(event).__name__ for event in listened(second)]
    assert kinds == ["Stopped", "Noted"]


def _length() -> int:
    training = restless()
    for _ in listened(training):
        pass
    return len(training.history)


def test_a_loss_that_is_no_number_is_never_the_best() -> None:
    losses = [float("nan"), 3.0, float("nan"), 2.0, float("nan"), 2.5]
    epochs = [pl.EpochDone(i, i, 1.0, val_loss=loss) for i, loss in enumerate(losses, start=1)]
    training = start()
    list(pl.keep_best(iter(epochs), training))
    assert training.best is not None
    assert (training.best.epoch, training.best.value) == (4, 2.0)
    told = list(pl.early_stop(iter(epochs), 2))
    assert told[-1] == pl.Stopped("val_loss has not improved for 2 epochs")
    assert len(told) == 7


# ---- refusals --------------------------------------------------------------------------------------------------------

OTHERS: dict[str, tuple[Callable[[], pl.Training], str]] = {
    "units": (lambda: start(model=network(units=8)), "layers[0].units (checkpoint 7, now 8)"),
    "dropout": (
        lambda: start(model=network(layers=[pl.Dense(7), pl.ReLU(), pl.Dropout(0.2), pl.Dense(3)])),
        "layers[2].drop (checkpoint 0.3, now 0.2)",
    ),
    "activation": (
        lambda: start(model=network(layers=[pl.Dense(7), pl.Tanh(), pl.Dropout(0.3), pl.Dense(3)])),
        "layers[1] (checkpoint ReLU, now Tanh)",
    ),
    "depth": (lambda: start(model=network(layers=[pl.Dense(7), pl.Dense(3)])), "layers (checkpoint has 4, now 2)"),
    "init": (
        lambda: start(model=network(layers=[pl.Dense(7, "lecun"), pl.ReLU(), pl.Dropout(0.3), pl.Dense(3)])),
        "layers[0].init (checkpoint its default, now 'lecun')",
    ),
    "loss": (
        lambda: start(model=network(loss=pl.SoftmaxCrossEntropy((1.0, 2.0, 3.0)))),
        "loss.class_weights (checkpoint its default, now [1.0, 2.0, 3.0])",
    ),
    "penalty": (lambda: start(model=network(penalty=pl.L2(2e-4))), "penalty.strength (checkpoint 0.0001, now 0.0002)"),
    "no penalty": (lambda: start(model=network(penalty=None)), "penalty (checkpoint L2, now None)"),
    "preparation": (
        lambda: start(model=network(prepare=pl.Pixels((36,), full=100.0, picture=(6, 6)))),
        "prepare.full (checkpoint its default, now 100.0)",
    ),
    "type": (lambda: start(model=network(dtype=np.float64)), "dtype (checkpoint 'float32', now 'float64')"),
    "optimizer": (lambda: start("adamw"), "optimizer (checkpoint Adam, now AdamW)"),
    "rate": (
        lambda: start(optimizer_=pl.Adam(pl.warmup(6, pl.cosine(0.02, 40)))),
        "optimizer.lr.steps (checkpoint 5, now 6)",
    ),
    "batch size": (lambda: start(batch_size=9), "batch_size (checkpoint 8, now 9)"),
    "seed": (lambda: start(seed=4), "seed (checkpoint 3, now 4)"),
    "augmentation": (lambda: start(augment=None), "augment (checkpoint Shift, now None)"),
    "a chain": (
        lambda: start(augment=pl.Chain(pl.Flip(vertical=True), pl.Shift(1))),
        "augment (checkpoint Shift, now Chain)",
    ),
    "clip": (lambda: start(clip=None), "clip (checkpoint 5.0, now None)"),
    "metrics": (lambda: start(metrics=()), "metrics (checkpoint has 1, now 0)"),
    "one pixel": (lambda: start(data=_with_one_pixel_changed()), "data (checkpoint '30x6x6 uint8 "),
    "one label": (lambda: start(data=pl.Data(X, np.where(np.arange(30) == 7, (T + 1) % 3, T))), "data (checkpoint"),
    "fewer": (lambda: start(data=DATA[:29]), "now '29x6x6 uint8 "),
    "validation": (lambda: start(validation=DATA[:9]), "validation (checkpoint '10x6x6 uint8"),
    "no validation": (lambda: start(validation=None), "now None)"),
}


def _with_one_pixel_changed() -> pl.Data:
    x = X.copy()
    x[29, 5, 5] ^= 1
    return pl.Data(x, T, DATA.classes)


@pytest.fixture(scope="module")
def paused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "checkpoint.safetensors"
    training = start()
    run_to(training, STOPS["inside epoch 5"])
    pl.save_checkpoint(training, path)
    return path


CHAIN = pl.Chain(pl.Flip(), pl.Shift(2))


def test_a_pause_in_a_training_with_several_augmentations_changes_nothing(file: Path) -> None:
    whole = start(augment=CHAIN)
    run_to(whole, STOPS["at the end"])
    first = start(augment=CHAIN)
    run_to(first, STOPS["inside epoch 5"])
    pl.save_checkpoint(first, file)
    second = pl.resume(start(augment=pl.Chain(pl.Flip(), pl.Shift(2))), file)
    run_to(second, STOPS["at the end"])
    assert state(second) == state(whole)
    assert state(whole)["theta"] != state(first)["theta"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (pl.Shift(2), "augment (checkpoint Chain, now Shift)"),
        (pl.Chain(pl.Shift(2), pl.Flip()), "augment.steps[0] (checkpoint Flip, now Shift)"),
        (pl.Chain(pl.Flip(vertical=True), pl.Shift(2)), "augment.steps[0].vertical (checkpoint its default, now True)"),
        (pl.Chain(pl.Flip(), pl.Shift(3)), "augment.steps[1].pixels (checkpoint 2, now 3)"),
        (pl.Chain(pl.Flip()), "augment.steps (checkpoint has 2, now 1)"),
    ],
)
def test_another_chain_is_refused_and_what_differs_is_named(other: Any, words: str, file: Path) -> None:
    first = start(augment=CHAIN)
    run_to(first, STOPS["after the first step"])
    pl.save_checkpoint(first, file)
    with pytest.raises(pl.DataError) as caught:
        pl.resume(start(augment=other), file)
    assert words in str(caught.value)


@pytest.mark.parametrize("what", OTHERS)
def test_another_training_is_refused_and_what_differs_is_named(what: str, paused: Path) -> None:
    make, said = OTHERS[what]
    training, before = make(), state(make())
    with pytest.raises(pl.DataError) as caught:
        pl.resume(training, paused)
    assert said in str(caught.value)
    assert str(paused) in str(caught.value)
    assert str(caught.value).count("(checkpoint") == 1, "one thing differs, one thing is named"
    assert state(training) | {"same history": False} == before | {"same history": False}


def test_many_differences_are_counted(paused: Path) -> None:
    training = start("sgd", model=network(units=8, penalty=None, dtype=np.float64), batch_size=9, seed=4, clip=None)
    with pytest.raises(pl.DataError, match=r"; and \d more\.") as caught:
        pl.resume(training, paused)
    assert str(caught.value).count("(checkpoint") == 6


def test_other_kernels_are_refused_with_the_way_back(paused: Path, tmp_path: Path) -> None:
    path = forge.changed(paused, tmp_path / "other.safetensors", versions__kernels="abacus")
    with pytest.raises(pl.DataError, match="set PELLUCID_KERNELS=abacus"):
        pl.resume(start(), path)


def test_a_training_under_way_is_not_moved(paused: Path) -> None:
    training = start()
    run_to(training, STOPS["after the first step"])
    before = state(training)
    with pytest.raises(pl.UsageError, match="has done 1 steps"):
        pl.resume(training, paused)
    assert state(training) == before


def test_a_model_file_is_no_checkpoint_but_a_checkpoint_is_a_model_file(paused: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    network().save(path)
    with pytest.raises(pl.FileError, match="not a checkpoint"):
        pl.resume(start(), path)
    training = pl.resume(start(), paused)
    model = pl.load(paused)
    assert model.theta.tobytes() == training.model.theta.tobytes()
    assert model.history == training.history
    assert model.predict(X).tobytes() == training.model.predict(X).tobytes()


def test_a_cut_checkpoint_is_refused_and_training_from_scratch_is_still_possible(paused: Path, tmp_path: Path) -> None:
    whole = start()
    for _ in whole:
        pass
    content, cut = paused.read_bytes(), tmp_path / "cut.safetensors"
    for length in (0, 8, 100, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:length])
        training = start()
        with pytest.raises(pl.FileError, match="cut"):
            pl.resume(training, cut)
        if length == len(content) // 2:
            for _ in training:
                pass
            assert state(training) == state(whole)
    with pytest.raises(pl.FileError, match="No such file"):
        pl.resume(start(), tmp_path / "none.safetensors")


DAMAGE: list[tuple[str, Any]] = [
    ("training", None),
    ("training__epoch", -1),
    ("training__epoch", "4"),
    ("training__batch", 5),
    ("training__t", 1.5),
    ("training__noise", {"bit_generator": "MT19937"}),
    ("training__noise", None),
    ("training__augmentation__state__state", "x"),
    ("training__sums", {"loss": 3}),
    ("training__sums", None),
    ("training__best", [1.0, 2]),
    ("training__best", 7),
    ("training__arguments", None),
    ("versions", None),
    ("history", [1]),
    ("layers", None),
]


@pytest.mark.parametrize(("where", "value"), DAMAGE, ids=[f"{w}={v}" for w, v in DAMAGE])
def test_a_damaged_checkpoint_leaves_the_training_as_it_was(
    where: str, value: Any, paused: Path, tmp_path: Path
) -> None:
    training, untouched = start(), state(start())
    with pytest.raises((pl.FileError, pl.DataError)):
        pl.resume(training, forge.changed(paused, tmp_path / "bad.safetensors", **{where: value}))
    assert state(training) | {"same history": False} == untouched | {"same history": False}


def test_a_vector_of_another_length_is_not_stretched(paused: Path, tmp_path: Path) -> None:
    header, doc, numbers = forge.taken_apart(paused)
    last = max(header, key=lambda name: header[name]["data_offsets"])
    begin, _ = header[last]["data_offsets"]
    header[last] |= {"shape": [1], "data_offsets": [begin, begin + 4]}
    path = tmp_path / "short.safetensors"
    path.write_bytes(forge.put_together(header, doc, numbers[: begin + 4]))
    with pytest.raises(pl.FileError, match=r"of shape \(1,\)"):
        pl.resume(start(), path)


def test_a_rate_that_cannot_be_written_down_is_refused_before_anything_is_written(file: Path) -> None:
    training = start(optimizer_=pl.SGD(lambda step: 0.1))
    run_to(training, STOPS["after the first step"])
    with pytest.raises(pl.DataError, match="schedule"):
        pl.save_checkpoint(training, file)
    assert list(file.parent.iterdir()) == []


def test_a_failure_leaves_the_checkpoint_before(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = start()
    run_to(training, STOPS["after the first step"])
    pl.save_checkpoint(training, file)
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    next(training)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(pl.FileError, match="untouched"):
        pl.save_checkpoint(training, file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_differences_names_places() -> None:
    assert list(differences(1, 1, "a")) == []
    assert list(differences([1, [2, 3]], [1, [2, 4]], "a")) == ["a[1][1] (checkpoint 3, now 4)"]
    assert list(differences({"kind": "A", "b": 1}, {"kind": "A"}, "x")) == ["x.b (checkpoint 1, now its default)"]
    (long,) = differences("a" * 1000, "b", "x")
    assert len(long) < 100


def test_a_fingerprint_sees_every_number() -> None:
    assert fingerprint(DATA) == fingerprint(pl.Data(X.copy(), T.copy()))
    found = {fingerprint(DATA), fingerprint(_with_one_pixel_changed()), fingerprint(DATA[:29])}
    found |= {fingerprint(pl.Data(X.astype(np.int16), T)), fingerprint(pl.Data(X.reshape(30, 36), T))}
    found |= {fingerprint(pl.Data(X, 2 - T)), fingerprint(pl.Data(X, T, weights=np.ones(30)))}
    assert len(found) == 7
    assert fingerprint(pl.Data(np.asfortranarray(X), T)) == fingerprint(DATA)
    tall = np.arange(10_000.0)[:, None]
    other = tall.copy()
    other[9_999] += 1
    assert fingerprint(pl.Data(tall, tall)) != fingerprint(pl.Data(other, tall))
