"""A recorded training: any step of it again to the bit, whatever it was made of, and however its recording ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection.recorder import Recorder
from pellucid.inspection.recordfile import EVENTS, RUN, checkpoint_path, checkpoints, read_lines
from pellucid.inspection.recordspace import Space
from pellucid.kernels import active
from pellucid.store import read, write

Array = Any
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (30, 6, 6)).astype(np.uint8)
T = (X[:, 2, 2].astype(int) + X[:, 3, 3]) // 171
DATA = pl.Data(X, T, ("low", "middle", "high"))
VALIDATION = pl.Data(X[::3].copy() + np.uint8(1), T[::3], DATA.classes)
PER_EPOCH, EPOCHS = 4, 5  # three batches of 8 and one of 6
LAST = PER_EPOCH * EPOCHS


def network(*layers: pl.Layer) -> pl.Model:
    chosen = layers or (pl.Dense(7), pl.BatchNorm(), pl.ReLU(), pl.Dropout(0.3), pl.Dense(3))
    return pl.Model(
        *chosen,
        loss=pl.SoftmaxCrossEntropy(),
        input_shape=(36,),
        penalty=pl.L2(1e-4),
        prepare=pl.Pixels((36,), picture=(6, 6)),
        classes=DATA.classes,
    )


def start(model: pl.Model | None = None, epochs: int = EPOCHS, **options: Any) -> pl.Training:
    chosen: dict[str, Any] = {
        "optimizer": pl.Adam(pl.warmup(5, pl.cosine(0.02, 40))),
        "batch_size": 8,
        "validation": VALIDATION,
        "metrics": (pl.accuracy,),
        "augment": pl.Shift(1),
        "clip": 1.0,
        "seed": 3,
    }
    return pl.train(model or network(), DATA, epochs=epochs, **chosen | options)


def opened(folder: Path, **options: Any) -> pl.Recording:
    return pl.open_recording(folder, DATA, validation=VALIDATION, **options)


def often(monkeypatch: pytest.MonkeyPatch, every: int = 3) -> None:
    """A checkpoint after every so many steps, however fast they are: the clock of the recorder ticks once an event."""
    monkeypatch.setattr(Recorder, "wait", property(lambda self: 0.0 if self.training.step % every == 0 else 1e9))


def states(training: pl.Training, best: bool = False) -> dict[int, dict[str, Array]]:
    """Everything that a training without a recorder is after each of its steps, the end of an epoch included."""
    found: dict[int, dict[str, Array]] = {0: state(training)}
    events = pl.keep_best(training, training) if best else training
    for event in events:
        if isinstance(event, pl.StepDone | pl.EpochDone):
            found[training.step] = state(training)
            if training.step == training.epochs * training.steps_per_epoch and isinstance(event, pl.EpochDone):
                break  # before keep_best gives the best weights back
    return found


def state(training: pl.Training) -> dict[str, Array]:
    optimizer = training.optimizer
    said = {"theta": training.model.theta.copy(), "buffers": training.model.buffers.copy()}
    said |= {name: getattr(optimizer, name).copy() for name in optimizer.vectors}
    said["noise"] = np.array(list(training.noise.bit_generator.state["state"].values()), dtype=object)
    said["augmentation"] = np.array(list(training.augmentation.bit_generator.state["state"].values()), dtype=object)
    said["place"] = np.array([training.epoch, training.batch, training.step, optimizer.t])
    said["sums"] = np.array([[v.total, v.n] for v in training.sums.values()])
    if training.best is not None:
        said |= {"best": training.best.theta, "best_of": np.array([training.best.value, training.best.epoch])}
    return said


def same(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return a.keys() == b.keys() and all(a[k].shape == b[k].shape and (a[k] == b[k]).all() for k in a)


# ---- any step, to the bit --------------------------------------------------------------------------------------------

TRAININGS: dict[str, Callable[[], pl.Training]] = {
    "everything": start,
    "plain": lambda: start(network(pl.Dense(3)), augment=None, clip=None, validation=None, metrics=()),
    "random_search": lambda: start(optimizer=pl.RandomSearch(0.05)),
    "momentum": lambda: start(optimizer=pl.SGD(pl.inverse_decay(0.1, 0.01), momentum=0.9)),
    "chain": lambda: start(augment=pl.Chain(pl.Flip(), pl.Shift(1)), optimizer=pl.AdamW(0.01)),
    "mixed": lambda: start(augment=pl.Chain(pl.Rotate(10), pl.Noise(0.1), pl.Mixup(0.2)), metrics=()),
    "weighted": lambda: pl.train(
        network(), pl.Data(X, T, DATA.classes, weights=np.linspace(0, 1, 30)), epochs=EPOCHS, batch_size=8
    ),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_every_step_is_rebuilt_to_the_bit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    often(monkeypatch)
    wanted, training = states(TRAININGS[name]()), TRAININGS[name]()
    events = list(pl.record(training, tmp_path / "a.run"))
    assert [type(e) for e in events if not isinstance(e, pl.Noted)] == [
        kind for _ in range(EPOCHS) for kind in (*[pl.StepDone] * PER_EPOCH, pl.EpochDone)
    ]
    recording = pl.open_recording(tmp_path / "a.run", training.data, validation=training.validation)
    assert recording.steps == range(LAST + 1)
    assert recording.checkpoints == [0, 3, 6, 9, 12, 15, 18, 20]
    assert read(checkpoint_path(recording.folder, 12))[1]["training"]["batch"] == 0  # after the epoch's end
    for step in recording.steps:
        assert same(state(recording.at(step)), wanted[step]), f"step {step}"
    found = recording.verify()
    assert found.ok
    assert found.steps == LAST
    assert len(found.marks) == 8 + EPOCHS
    assert [row["loss"] for row in recording.epochs] == training.history["loss"]


def test_what_is_rebuilt_goes_on_to_the_same_end(tmp_path: Path) -> None:
    training = start()
    list(pl.record(training, tmp_path / "a.run"))
    again = opened(tmp_path / "a.run").at(6)
    list(again)
    assert same(state(again), state(training))
    assert again.history == training.history


def test_the_best_weights_are_kept_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    often(monkeypatch, every=7)
    wanted, training = states(start(), best=True), start()
    list(pl.record(pl.keep_best(training, training), tmp_path / "a.run", training))
    assert training.best is not None
    assert (training.model.theta == training.best.theta).all()  # given back at the end
    recording = opened(tmp_path / "a.run")
    for step in (*range(3, 9), LAST):
        assert same(state(recording.at(step)), wanted[step]), f"step {step}"


def test_early_stopping_ends_the_recording_with_its_reason(tmp_path: Path) -> None:
    training = start(network(pl.Dense(3)), epochs=50, optimizer=pl.SGD(0.0))
    list(pl.record(pl.early_stop(training, patience=2), tmp_path / "a.run", training))
    recording = opened(tmp_path / "a.run")
    assert recording.steps[-1] == 3 * PER_EPOCH == recording.checkpoints[-1]
    assert recording.lines.end == {
        "event": "end", "step": 12, "reason": "val_loss has not improved for 2 epochs"
    }  # fmt: skip
    assert same(state(recording.at(12)), state(training))


def test_the_trace_of_a_step_is_that_step(tmp_path: Path) -> None:
    training = start()
    losses = [e.loss for e in pl.record(training, tmp_path / "a.run") if isinstance(e, pl.StepDone)]
    recording = opened(tmp_path / "a.run")
    for step in (1, 4, 6):
        trace, before, after = recording.trace(step), recording.at(step - 1), recording.at(step)
        assert (trace.step, trace.loss) == (step, losses[step - 1])
        assert trace.update is not None
        assert (trace.update.before["theta"] == before.model.theta).all()
        assert (trace.update.after["theta"] == after.model.theta).all()
        assert (trace.update.after["v"] == after.optimizer.v).all()  # type: ignore[attr-defined]
        assert trace.update.t == step
        line = pl.ledger(trace, "0.dense.W.step[20,3]")
        moved = after.model.layers[0].W[20, 3] - before.model.layers[0].W[20, 3]  # type: ignore[attr-defined]
        assert float(line.value) == pytest.approx(float(moved), rel=1e-3)
        assert (np.sort(trace.scores.t) == np.sort(T[recording.samples(step)])).all()
    assert (trace.scores.t == T[recording.samples(step)]).all()


def test_a_branch_is_the_same_up_to_there_and_another_from_there(tmp_path: Path) -> None:
    list(pl.record(start(), tmp_path / "a.run"))
    recording = opened(tmp_path / "a.run")
    branch = recording.branch(6, lr=0.002, epochs=EPOCHS + 1)
    assert same(state(branch), state(recording.at(6)))
    assert branch.optimizer.lr == pl.warmup(5, pl.cosine(0.002, 40))
    list(pl.record(branch, tmp_path / "b.run", parent=("a.run", 6)))
    second = opened(tmp_path / "b.run")
    assert second.steps == range(6, LAST + PER_EPOCH + 1)
    assert second.run["parent"] == {"folder": "a.run", "step": 6}
    assert same(state(second.at(24)), state(branch))
    assert second.verify().ok
    found = recording.diff(second)
    assert found.step == 7
    assert "rate" in found.says
    assert found.settings == ("optimizer.lr.then.lr: 0.02 / 0.002", "epochs: 5 / 6")
    assert (found.data, found.versions, found.same) == ((), (), False)
    assert found.array.startswith("after step 7, 0.dense.W[")
    same_again = recording.branch(6)
    list(pl.record(same_again, tmp_path / "c.run"))
    unchanged = recording.diff(opened(tmp_path / "c.run"))
    assert unchanged.same
    assert "the same, to the bit, from step 7 to 20" in str(unchanged)


def test_a_branch_with_another_optimizer_begins_it_afresh(tmp_path: Path) -> None:
    list(pl.record(start(), tmp_path / "a.run"))
    recording = opened(tmp_path / "a.run")
    branch = recording.branch(6, optimizer=pl.SGD(0.1, momentum=0.5), clip=0.5)
    assert (branch.optimizer.t, branch.clip, branch.step) == (0, 0.5, 6)
    assert next(branch).lr == 0.1  # type: ignore[attr-defined]
    with pytest.raises(pl.UsageError, match="nothing is left to train"):
        recording.branch(LAST)
    with pytest.raises(pl.UsageError, match="its own learning rate"):
        recording.branch(6, lr=0.1, optimizer=pl.SGD(0.1))
    with pytest.raises(pl.UsageError, match="clip"):
        recording.branch(6, clip=0.0)
    with pytest.raises(pl.UsageError, match=r"learning rate is -0\.2"):
        recording.branch(6, lr=-1.0)


def test_diff_finds_the_first_array_of_another_seed(tmp_path: Path) -> None:
    other = network()
    other.theta[5] += 1e-3
    for name, model in (("a", network()), ("b", other)):
        list(pl.record(start(model, epochs=2), tmp_path / f"{name}.run"))
    found = opened(tmp_path / "a.run").diff(opened(tmp_path / "b.run"))
    assert found.step == 1
    assert found.array.startswith("after step 0, 0.dense.W[0, 5]: ")
    assert "(1 of its 252 numbers differ)" in found.array
    assert found.settings == ()


# ---- what is wrong is said before anything is computed --------------------------------------------------------------


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taken") / "a.run"
    with pytest.MonkeyPatch.context() as patch:
        often(patch)
        list(pl.record(start(), folder))
    return folder


@pytest.fixture
def folder(taken: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(taken, tmp_path / "a.run"))


@pytest.mark.parametrize("step", [-1, 21, 10**9, True, 2.0, "3"])
def test_a_step_out_of_range_is_refused_with_the_range(step: Any, folder: Path) -> None:
    with pytest.raises(pl.UsageError, match="its steps are 0 to 20"):
        opened(folder).at(step)
    with pytest.raises(pl.UsageError, match="its steps are 1 to 20"):
        opened(folder).trace(0)


def test_other_data_are_refused(folder: Path) -> None:
    with pytest.raises(pl.DataError, match=r"not the data that .*data \(recorded 30x6x6 uint8 \w+, given 29x6x6"):
        pl.open_recording(folder, DATA[:29], validation=VALIDATION)
    with pytest.raises(pl.DataError, match=r"validation \(recorded 10x6x6 uint8 \w+, given None"):
        pl.open_recording(folder, DATA)
    with pytest.raises(pl.UsageError, match="the data are needed"):
        pl.open_recording(folder).at(3)


def test_other_versions_are_told_and_other_numbers_found(folder: Path) -> None:
    run = json.loads((folder / RUN).read_text())
    run["versions"]["numpy"] = "1.0"
    (folder / RUN).write_text(json.dumps(run))
    recording = opened(folder)
    assert recording.differs() == [f"numpy (recorded with 1.0, now {np.__version__})"]
    assert recording.verify().ok
    lines = (folder / EVENTS).read_text().replace(f'"loss": {recording.losses[4]!r}', '"loss": 0.125')
    (folder / EVENTS).write_text(lines)
    recording = opened(folder)
    assert not recording.verify().ok
    with pytest.raises(pl.DataError, match=r"Step 5 .*its loss is .*, not 0\.125. What differs: numpy \(recorded"):
        recording.at(5)
    assert recording.at(5, exact=False).step == 5
    assert recording.at(6).step == 6  # which has a checkpoint of its own


def test_other_kernels_are_refused(folder: Path) -> None:
    for path in checkpoints(folder).values():
        content = path.read_bytes()
        name = b"reference" if b'kernels\\": \\"reference' in content else b"jit"
        path.write_bytes(content.replace(b'kernels\\": \\"' + name, b'kernels\\": \\"' + b"x" * len(name)))
    with pytest.raises(pl.DataError, match=r"kernels .checkpoint x+, now .* Set PELLUCID_KERNELS=x+ and ask"):
        opened(folder).at(5)


def test_a_changed_checkpoint_is_found_by_its_digest(folder: Path) -> None:
    path = checkpoint_path(folder, 6)
    arrays, doc = read(path)
    arrays["0.dense.W"][0, 0] += np.float32(1e-6)
    write(path, arrays, doc)
    found = opened(folder).prove(6)
    assert not found.ok
    assert re.search(r"Step 6 of .* the digest of its weights is \w+, not \w+\. What differs: nothing", str(found))
    path.unlink()
    assert opened(folder).prove(6).ok


@pytest.mark.parametrize("step", [0, 6])
@pytest.mark.parametrize("what", ["memory", "t", "noise"])
def test_a_changed_optimizer_or_random_state_is_found(what: str, step: int, folder: Path) -> None:
    assert opened(folder).verify().ok
    path = checkpoint_path(folder, step)
    arrays, doc = read(path)
    if what == "memory":
        arrays["optimizer.v"][:200] = 0.5
    elif what == "t":
        doc["training"]["t"] += 1
    else:
        doc["training"]["noise"] = np.random.default_rng(99).bit_generator.state
    write(path, arrays, doc)
    for found in (opened(folder).verify(), opened(folder).prove(step)):
        assert re.search(rf"Step {step} of .* the digest of its optimizer's state and random states is", str(found))
    lines = (folder / EVENTS).read_text()
    (folder / EVENTS).write_text(re.sub(r' "state": "\w+",', "", lines))  # as it was recorded before there was one
    assert opened(folder).at(step, exact=True).step == step


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no recording: it has no run.json"),
        ("{", "is damaged: it is not JSON"),
        ("[]", "does not say its schema"),
        ('{"schema": 99}', "recorded by a newer Pellucid"),
        ('{"schema": 1, "first": "x"}', "is damaged: its 'first' is 'x'"),
    ],
)
def test_a_damaged_document_is_refused(content: str | None, words: str, folder: Path) -> None:
    (folder / RUN).unlink() if content is None else (folder / RUN).write_text(content)
    with pytest.raises(pl.FileError, match=words):
        pl.open_recording(folder)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(pl.FileError, match="is not there"):
        pl.open_recording(tmp_path / "none.run")


def test_own_functions_have_to_be_given_again(tmp_path: Path) -> None:
    def share(y: Array, t: Array) -> float:
        return 0.5

    def noisy(x: Array, rng: np.random.Generator) -> Array:
        return x + rng.integers(0, 2, x.shape).astype(np.uint8)

    list(pl.record(start(metrics=(share,), augment=noisy), tmp_path / "a.run"))
    with pytest.raises(pl.UsageError, match=r"metrics share: give them, metrics="):
        opened(tmp_path / "a.run", augment=noisy)
    with pytest.raises(pl.UsageError, match=r"augmentation of your own, .*noisy.*: give it, augment="):
        opened(tmp_path / "a.run", metrics=[share])
    assert opened(tmp_path / "a.run", metrics=[share], augment=noisy).verify().ok


# ---- cut, killed, stopped, resumed -----------------------------------------------------------------------------------


def test_cut_lines_leave_what_is_whole(folder: Path) -> None:
    whole, content = opened(folder), (folder / EVENTS).read_bytes()
    for length in range(0, len(content), 97):
        (folder / EVENTS).write_bytes(content[:length])
        recording = opened(folder)
        kept = recording.losses
        assert kept == whole.losses[: len(kept)]
        mid = content[length - 1 : length] != b"\n"
        assert bool(recording.cut) == (length == 0 or mid or len(kept) < LAST)
        assert recording.steps == range(LAST + 1)  # the last checkpoint is there
    (folder / EVENTS).write_bytes(content[:-1])
    assert "events.jsonl is cut" in opened(folder).cut  # the last line lacks its end, so it may lack more
    (folder / EVENTS).write_bytes(content)
    wanted = state(opened(folder).at(17))
    (folder / EVENTS).unlink()
    recording = opened(folder)
    assert "events.jsonl is missing" in recording.cut
    assert same(state(recording.at(17)), wanted)


def test_without_its_later_checkpoints_it_reaches_to_its_last_line(folder: Path) -> None:
    content = (folder / EVENTS).read_bytes().splitlines(keepends=True)
    at = next(i for i, raw in enumerate(content) if b'"step", "step": 8,' in raw)
    (folder / EVENTS).write_bytes(b"".join(content[: at + 1]) + b'{"event": "st')
    for step, path in checkpoints(folder).items():
        if step > 6:
            path.unlink()
    recording = opened(folder)
    assert recording.steps == range(9)
    assert recording.at(8).step == 8
    with pytest.raises(pl.UsageError, match=r"its steps are 0 to 8 \(line \d+ of events.jsonl is cut or damaged"):
        recording.at(9)


def test_a_cut_checkpoint_is_passed_over(folder: Path) -> None:
    wanted = state(opened(folder).at(10))
    for step in (6, 9):
        path = checkpoint_path(folder, step)
        path.write_bytes(path.read_bytes()[:-100])
    assert same(state(opened(folder).at(10)), wanted)
    for path in checkpoints(folder).values():
        path.write_bytes(b"")
    with pytest.raises(pl.FileError, match="no checkpoint that is whole"):
        opened(folder).at(10)


def test_without_its_first_checkpoint_it_says_from_where_on_it_can_be_had(folder: Path) -> None:
    checkpoint_path(folder, 0).unlink()
    path = checkpoint_path(folder, 3)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(pl.FileError, match=r"no checkpoint that is whole at or before step 5, .* From step 6 on"):
        opened(folder).at(5)
    assert opened(folder).at(7).step == 7


def test_without_its_lines_it_says_that_nothing_can_be_compared(folder: Path) -> None:
    content = (folder / EVENTS).read_bytes()
    (folder / EVENTS).write_bytes(b"")
    recording = opened(folder)
    assert recording.cut == "events.jsonl is empty"
    assert not recording.verify().ok
    assert "Nothing was recorded to compare with" in str(recording.verify())
    assert "Nothing was recorded to compare with" in str(recording.prove(5))
    assert recording.at(5).step == 5
    (folder / EVENTS).write_bytes(b"".join(content.splitlines(keepends=True)[:3]))
    ends = len(opened(folder).losses)
    assert opened(folder).cut == f"events.jsonl ends at step {ends}, and there is a checkpoint of step {LAST}"


def test_lines_that_lie_are_not_believed(folder: Path) -> None:
    content = (folder / EVENTS).read_bytes().splitlines(keepends=True)
    for bad in (
        b"[]\n",
        b'{"event": "step", "step": 99, "epoch": 1, "loss": 0, "lr": 0}\n',
        b'{"event": "step"}\n',
        b"\xff\n",
    ):
        (folder / EVENTS).write_bytes(b"".join([*content[:4], bad, *content[4:]]))
        lines = read_lines(folder / EVENTS, 0)
        assert len(lines.steps) == 3
        assert "line 5" in lines.cut


def test_leaving_the_loop_keeps_everything_up_to_there(tmp_path: Path) -> None:
    training = start()
    for event in pl.record(training, tmp_path / "a.run"):
        if isinstance(event, pl.StepDone) and event.step == 8:  # the last of its epoch, whose end was not reached
            break
    recording = opened(tmp_path / "a.run")
    assert recording.checkpoints == [0, 8]
    assert recording.lines.end == {"event": "end", "step": 8, "reason": "left"}
    whole = start()
    list(pl.record(whole, tmp_path / "b.run"))
    assert same(state(recording.at(8)), state(opened(tmp_path / "b.run").at(8)))
    second = start()
    list(pl.record(second, tmp_path / "a.run", resume=True))
    assert same(state(second), state(whole))
    assert opened(tmp_path / "a.run").diff(opened(tmp_path / "b.run")).same
    assert opened(tmp_path / "a.run").verify().ok
    assert [part["step"] for part in opened(tmp_path / "a.run").run["resumed"]] == [8]


@pytest.mark.parametrize("stop", [1, 4, 6])
def test_resuming_leaves_out_what_came_after_the_last_checkpoint(
    stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often(monkeypatch)
    whole = start()
    list(pl.record(whole, tmp_path / "whole.run"))
    training = start()
    events = pl.record(training, tmp_path / "a.run")
    while training.step < stop:
        next(events)
    shutil.copytree(tmp_path / "a.run", tmp_path / "killed.run")
    second = start()
    list(pl.record(second, tmp_path / "killed.run", resume=True))
    assert same(state(second), state(whole))
    recording = opened(tmp_path / "killed.run")
    assert recording.verify().ok
    assert recording.losses == opened(tmp_path / "whole.run").losses
    assert len(recording.epochs) == EPOCHS
    events.close()  # type: ignore[attr-defined]


def test_resuming_from_a_checkpoint_of_ones_own(tmp_path: Path) -> None:
    training = start()
    for event in pl.record(training, tmp_path / "a.run"):
        if isinstance(event, pl.EpochDone) and event.epoch == 2:
            pl.save_checkpoint(training, tmp_path / "own.safetensors")
    second = pl.resume(start(epochs=EPOCHS + 1), tmp_path / "own.safetensors")
    list(pl.record(second, tmp_path / "a.run", resume=True))
    recording = opened(tmp_path / "a.run")
    assert recording.steps == range(LAST + PER_EPOCH + 1)
    assert recording.verify().ok
    third = pl.resume(start(), tmp_path / "own.safetensors")
    list(pl.record(third, tmp_path / "later.run"))
    assert opened(tmp_path / "later.run").steps == range(8, LAST + 1)
    fourth = start()
    next(fourth)
    with pytest.raises(pl.FileError, match="reaches from step 8 to 20, and the training is at step 1"):
        pl.record(fourth, tmp_path / "later.run", resume=True)


@pytest.mark.parametrize("kind", [pl.StepDone, pl.EpochDone])
def test_going_back_in_a_recording_leaves_out_what_came_after(
    kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often(monkeypatch)
    training = start()
    for event in pl.record(training, tmp_path / "a.run"):
        if isinstance(event, kind) and training.step == 8:  # before and after the end of the second epoch
            pl.save_checkpoint(training, tmp_path / "own.safetensors")
    second = pl.resume(start(), tmp_path / "own.safetensors")
    events = pl.record(second, tmp_path / "a.run", resume=True)
    while second.step < 10:
        next(events)
    recording = opened(tmp_path / "a.run")
    assert recording.steps == range(11)
    assert max(recording.checkpoints) <= 10
    list(events)
    recording = opened(tmp_path / "a.run")
    assert [row["epoch"] for row in recording.epochs] == [1, 2, 3, 4, 5]
    assert recording.verify().ok
    assert same(state(second), state(training))


def test_a_recording_is_not_mixed_with_another(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(pl.FileError, match="holds a recording already"):
        pl.record(start(), folder)
    with pytest.raises(pl.DataError, match="batch_size"):
        pl.record(start(batch_size=5), folder, resume=True)
    under_way = start(batch_size=5)
    next(under_way)
    with pytest.raises(pl.DataError, match=r"another training: .*batch_size"):
        pl.record(under_way, folder, resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / EVENTS).write_text("mine")
    with pytest.raises(pl.FileError, match=r"is no recording \(it holds events.jsonl\)"):
        pl.record(start(), tmp_path / "mine")
    assert (tmp_path / "mine" / EVENTS).read_text() == "mine"
    with pytest.raises(pl.UsageError, match="needs to know the training"):
        pl.record(iter([]), tmp_path / "b.run")
    with pytest.raises(pl.UsageError, match="above 0"):
        pl.record(start(), tmp_path / "b.run", megabytes=0)


def test_a_training_that_diverges_is_recorded_up_to_there(tmp_path: Path) -> None:
    training = start(network(pl.Dense(3)), optimizer=pl.SGD(1e30), augment=None, clip=None)
    with pytest.raises(pl.Diverged):
        list(pl.record(training, tmp_path / "a.run"))
    recording = opened(tmp_path / "a.run")
    assert recording.lines.end is not None
    assert recording.lines.end["event"] == "diverged"
    assert recording.lines.end["step"] == recording.steps[-1] + 1
    assert recording.checkpoints == [0]  # the state in the middle of the broken step is no state
    assert recording.at(recording.steps[-1]).step == recording.steps[-1]


SCRIPT = """
import sys, pellucid as pl
sys.path.insert(0, {root!r})
from tests.test_record import start
for event in pl.record(start(epochs=100000), {folder!r}, within=0.02, resume=True):
    pass
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process at once")
def test_a_kill_at_any_moment_leaves_a_recording_that_goes_on(tmp_path: Path) -> None:
    root, folder = str(Path(__file__).resolve().parents[1]), tmp_path / "a.run"
    script = SCRIPT.format(root=root, folder=str(folder))
    environ = dict(os.environ) | {"PELLUCID_KERNELS": active().NAME}
    before, moments = 0, np.random.default_rng().random(3) * 0.3
    for moment in moments:
        process = subprocess.Popen([sys.executable, "-c", script], env=environ, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            lines = read_lines(folder / EVENTS, 0) if (folder / EVENTS).exists() else None
            if lines is not None and len(lines.steps) > before + 40:
                break
            time.sleep(0.02)
        time.sleep(moment)
        process.kill()
        said = process.communicate()[1]
        assert process.returncode == -signal.SIGKILL, said
        recording = opened(folder)
        last = recording.steps[-1]
        assert last > before, f"moments {moments}"
        assert max(recording.checkpoints) <= last
        before = last
    assert recording.prove(last).ok


# ---- how much room, and what is given up ---------------------------------------------------------------------------


def test_a_full_recording_thins_out_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    often(monkeypatch, every=1)
    list(pl.record(start(epochs=2), tmp_path / "size.run"))
    one = max(path.stat().st_size for path in checkpoints(tmp_path / "size.run").values())
    most = 5.5 * one + 12_000
    training = start(epochs=8)
    said = []
    for event in pl.record(training, tmp_path / "a.run", megabytes=most / 1e6):
        assert sum(p.stat().st_size for p in (tmp_path / "a.run").rglob("*") if p.is_file()) <= most
        said += [event.text] if isinstance(event, pl.Noted) else []
    recording = opened(tmp_path / "a.run")
    assert 2 <= len(recording.checkpoints) <= 5
    assert (recording.checkpoints[0], recording.checkpoints[-1]) == (0, 32)
    assert "every second checkpoint went. A step is now rebuilt in up to about" in said[0]
    assert recording.verify().ok
    assert recording.at(21).step == 21


def test_no_room_at_all_is_said_and_the_training_goes_on(tmp_path: Path) -> None:
    with pytest.raises(pl.UsageError, match=r"needs room for two checkpoints.*--record-size"):
        pl.record(start(), tmp_path / "a.run", megabytes=0.001)
    assert not (tmp_path / "a.run").exists()
    training, said = start(epochs=400), []
    recorder_size = 0.040
    for event in pl.record(training, tmp_path / "a.run", megabytes=recorder_size, within=0.02):
        said += [event.text] if isinstance(event, pl.Noted) else []
    assert training.epoch == 400
    assert any("is full (0.04 MB" in text for text in said)
    recording = opened(tmp_path / "a.run")
    assert 0 < recording.steps[-1] < 1600
    assert recording.prove(recording.steps[-1]).ok


def test_a_disk_that_fails_ends_the_recording_and_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often(monkeypatch)
    training, said = start(), []
    events = pl.record(training, tmp_path / "a.run")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    for event in events:
        said += [event.text] if isinstance(event, pl.Noted) else []
        if isinstance(event, pl.StepDone) and event.step == 5:
            monkeypatch.setattr("pellucid.inspection.recorder.save_checkpoint", full)
    assert training.epoch == EPOCHS
    assert "ends at step 6, the training goes on" in said[-1]
    assert "No space left" in said[-1]
    assert opened(tmp_path / "a.run").at(6).step == 6


def test_the_first_checkpoint_always_stays(tmp_path: Path) -> None:
    space = Space(tmp_path, 1000.0)
    space.kept = {0: 400, 5: 400}
    assert space.make_room(500, 0)
    assert list(space.kept) == [0]
    assert not space.make_room(700, 0)
    assert list(space.kept) == [0]
