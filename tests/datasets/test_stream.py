"""Data sets that stay on the disk: the right rows, an order from seed and epoch alone, little memory, the same bits."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import load, rawfile, stream
from pellucid.datasets.measure import measured, reaches
from pellucid.datasets.ondisk import OnDisk
from pellucid.datasets.rawfile import RawFile
from pellucid.datasets.windows import Order
from tests.cli.tools import run
from tests.datasets.files import ROOT

N, D = 500, 6


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 7 rows, 5 of them in a window, so that 500 rows are many windows."""
    monkeypatch.setattr(rawfile, "BLOCK", 7 * D * 4)
    monkeypatch.setattr(rawfile, "WINDOW", 5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return saved(tmp_path)


def saved(folder: Path, x: Any = None, t: Any = None, name: str = "big_x.npy") -> Path:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, D)).astype(np.float32) if x is None else x
    np.save(folder / name, x)
    answers = (x.reshape(len(x), -1).sum(axis=1) > 0).astype(np.int64) if t is None else t
    np.save(folder / name.replace("x", "t"), answers)
    return folder / name


def model(seed: int = 0) -> pl.Model:
    layers = (pl.Dense(8), pl.ReLU(), pl.Dropout(0.2), pl.Dense(2))
    return pl.Model(*layers, loss=pl.SoftmaxCrossEntropy(), input_shape=(D,), classes=("0", "1"), seed=seed)


def training(data: pl.Data, epochs: int, **options: Any) -> pl.Training:
    return pl.train(model(), data, epochs=epochs, batch_size=16, optimizer=pl.Adam(0.01), seed=3, **options)


# ---- the order ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "block", "window"), [*itertools.product([1, 13, 14, 100], [1, 4, 200], [1, 3, 99])])
def test_an_order_shows_every_row_once_and_keeps_windows_together(n: int, block: int, window: int) -> None:
    order = Order(n, block, window, seed=1, epoch=2)
    rows = order[0:n]
    assert sorted(rows.tolist()) == list(range(n))
    assert (order.rows(order.places(np.arange(n))) == np.arange(n)).all()
    for w, (begin, end) in enumerate(itertools.pairwise(order.bounds.tolist())):
        pieces = order.pieces(w)
        assert len(pieces) <= window
        assert sorted(rows[begin:end].tolist()) == sorted(r for a, b in pieces for r in range(a, b))
        laid = [r for a, b in pieces for r in range(a, b)]
        assert order.rows(np.arange(begin, end)).tolist() == laid
    cuts = [order[i : i + 5].tolist() for i in range(0, n, 5)]
    assert [*itertools.chain(*cuts)] == rows.tolist(), "a slice does not depend on those before it"


def test_the_order_follows_from_seed_and_epoch() -> None:
    drawn = {(s, e): tuple(Order(60, 4, 3, s, e)[0:60].tolist()) for s in (0, 1) for e in (0, 1)}
    assert len(set(drawn.values())) == 4
    assert tuple(Order(60, 4, 3, 1, 1)[0:60].tolist()) == drawn[1, 1]


def test_neighbours_are_parted_and_windows_differ_between_epochs() -> None:
    order = Order(1000, 10, 8, 0, 0)[0:1000]
    assert np.mean(np.abs(np.diff(order)) == 1) < 0.05
    windows = [Order(40, 10, 8, 0, epoch).mixed(0).tolist() for epoch in (0, 1)]
    assert windows[0] != windows[1], "a window is mixed anew, whatever blocks are in it"
    together = [set(Order(1000, 10, 8, 0, epoch)[0:80].tolist()) for epoch in (0, 1)]
    assert len(together[0] & together[1]) < 40


# ---- the rows -------------------------------------------------------------------------------------------------------

KINDS = ["u1", "<f4", ">f4", "<i8", ">i2", "?", "<f8"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [0, 2])
def test_whatever_is_asked_for_is_what_an_array_gives(kind: str, threads: int, tmp_path: Path) -> None:
    x = np.random.default_rng(1).integers(0, 2, (83, 3, 2)).astype(kind)
    data = stream(saved(tmp_path, x), threads=threads)
    assert data.x.shape == x.shape
    assert data.x.dtype == np.dtype(kind).newbyteorder("=")
    asked = [3, -1, slice(None), slice(5, 60), slice(70, 999), slice(9, 2), slice(80, 2, -7), [4, 4, 82, 0, -2], []]
    asked += [np.arange(83) % 3 == 0, np.array([[1, 2], [80, 4]]), np.int64(7)]
    for laid in (False, True):
        if laid:
            data.order(0, 0)
        for at in asked:
            index = np.array(at, np.int64) if isinstance(at, list) else at
            assert (data.x[index] == x[index]).all(), at
            assert data.x[index].shape == x[index].shape
            assert data.x[index].dtype.isnative
    for at in ([83], [-84, 0]):
        with pytest.raises(IndexError, match="83 rows"):
            data.x[np.array(at)]


def test_one_number_a_sample_is_a_column(tmp_path: Path) -> None:
    data = stream(saved(tmp_path, np.arange(20.0)))
    assert data.x[3:5].tolist() == [[3.0], [4.0]]


def test_parts_of_parts_stay_on_the_disk(file: Path) -> None:
    x = np.load(file)
    data = stream(file)
    odd, third = data[np.arange(1, N, 2)], np.arange(0, N // 2, 3)
    part = odd[third][5:40]
    assert isinstance(part, type(data))
    assert isinstance(part.x, OnDisk)
    expected = np.arange(1, N, 2)[third][5:40]
    assert (part.x[:] == x[expected]).all()
    assert (part.t == data.t[expected]).all()
    assert (data[np.array([9, 3, 4, 5, 3])].x[:] == x[[9, 3, 4, 5, 3]]).all()
    assert (data[data.t == 1].x[:] == x[data.t == 1]).all()
    order = part.order(0, 1)
    assert (part.x[order[0:9]] == x[expected][order[0:9]]).all()
    assert repr(part) == "Stream(35 samples of (6,) float32, 2 classes)"


def test_a_piece_is_read_in_one_go_where_scraps_are_wanted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[tuple[int, int]] = []
    plain = RawFile.read
    monkeypatch.setattr(RawFile, "read", lambda self, a, out: reads.append((a, len(out))) or plain(self, a, out))
    data = stream(file)
    x, kept = np.load(file), np.flatnonzero(np.arange(N) % 10 != 4)
    assert (data[kept].x[0:90] == x[kept[:90]]).all()
    assert reads == [(0, 100)]
    reads.clear()
    assert (data[np.arange(0, N, 50)].x[:] == x[::50]).all()
    assert len(reads) == 10
    reads.clear()
    rest, aside = pl.split(data, 0.1)
    assert len(aside.x[:]) == 50
    assert sum(count for _, count in reads) == 50, "what is set aside is read without the rest"
    assert len(rest) == 450


def test_a_split_is_in_proportion_everywhere(tmp_path: Path) -> None:
    t = np.repeat([0, 1, 2], [700, 200, 100])  # class by class, as files often are
    data = stream(saved(tmp_path, np.arange(1000.0)[:, None], t))
    rest, aside = pl.split(data, 0.1, seed=5)
    assert np.bincount(aside.t).tolist() == [70, 20, 10]
    assert sorted([*rest.x[:].ravel(), *aside.x[:].ravel()]) == list(range(1000))
    assert pl.split(data, 0.1, seed=5)[1].x[:].tolist() == aside.x[:].tolist()
    assert pl.split(data, 0.1, seed=6)[1].x[:].tolist() != aside.x[:].tolist()
    parts = pl.three_parts(data, 0.2, 0.1)
    assert [len(part) for part in parts] == [700, 200, 100]
    assert len(np.unique(np.concatenate([part.x[:].ravel() for part in parts]))) == 1000
    for share, sizes in ((1e-9, (999, 1)), (1 - 1e-9, (1, 999)), (0.5, (500, 500))):
        assert tuple(map(len, pl.split(data, share))) == sizes
    latest = pl.split(data, 0.1, times=np.arange(1000)[::-1])[1]
    assert latest.x[:].ravel().tolist() == list(range(100))
    grouped = pl.split(data, 0.3, groups=t)
    assert not set(grouped[0].t) & set(grouped[1].t)


# ---- training -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
def test_loading_ahead_changes_no_bit(file: Path, threads: int) -> None:
    found = []
    for count in (0, threads):
        learn, check = pl.split(stream(file, threads=count), 0.1)
        run_ = training(learn, 3, validation=check, metrics=[pl.accuracy])
        events = [replace(e, seconds=0.0) if isinstance(e, pl.EpochDone) else e for e in run_]
        found.append((run_.model.theta.tobytes(), events, run_.history))
    assert found[0] == found[1]


@pytest.mark.parametrize("stop", [13 * 4, 13 * 4 + 5])
def test_resuming_a_stream_gives_the_same_bits(file: Path, tmp_path: Path, stop: int) -> None:
    """Train 4, stop (also in the middle of an epoch), load, train on: the same as without the pause."""
    data = stream(file)[:200]
    whole = training(data, 10)
    assert whole.steps_per_epoch == 13
    assert list(whole)
    first = training(data, 10)
    for event in first:
        if isinstance(event, pl.StepDone) and event.step == stop:
            break
    pl.save_checkpoint(first, tmp_path / "c.safetensors")
    second = pl.resume(training(stream(file, threads=2)[:200], 10), tmp_path / "c.safetensors")
    assert list(second)
    assert second.model.theta.tobytes() == whole.model.theta.tobytes()
    assert second.history == whole.history


def test_a_checkpoint_knows_its_stream(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = training(stream(file), 2)
    next(first)
    pl.save_checkpoint(first, tmp_path / "c.safetensors")
    x = np.load(file)
    with pytest.raises(pl.DataError, match="data"):
        pl.resume(training(stream(file)[1:], 2), tmp_path / "c.safetensors")
    x[0, 0] += 1
    np.save(file, x)
    with pytest.raises(pl.DataError, match="data"):
        pl.resume(training(stream(file), 2), tmp_path / "c.safetensors")
    saved(tmp_path)
    assert stream(file)[:100].x.mark() == stream(file)[:100].x.mark() != stream(file)[1:101].x.mark()
    monkeypatch.setattr(rawfile, "WINDOW", 4)
    with pytest.raises(pl.DataError, match="data"):
        pl.resume(training(stream(file), 2), tmp_path / "c.safetensors")


def test_a_small_stream_learns_as_well_as_an_array(file: Path) -> None:
    figures = []
    for data in (stream(file), load(file)[0]):
        net = model()
        net.fit(data, epochs=30, batch_size=16, optimizer=pl.Adam(0.01), verbose=False, validation=0.1)
        figures.append(net.evaluate(data.x, data.t)["accuracy"])
        assert net.predict(data.x).shape == (N, 2)
        assert net.predict(data.x, batch_size=7).tolist() == pytest.approx(net.predict(np.load(file)), abs=1e-6)
    assert min(figures) > 0.93


def test_little_is_in_memory_at_a_time(file: Path) -> None:
    data = stream(file, threads=1)
    most = 0
    for _ in training(data, 2):
        arrays = [*data.x.held.values(), *(coming.out for coming in data.x.coming.values())]
        most = max(most, sum(len(array) for array in arrays))
    assert most <= 3 * 35, "two windows for a batch that lies in both, and one on its way"


def test_the_next_window_is_there_before_it_is_wanted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With threads, no step waits for a window that was not begun before it: only the first of all is."""
    begun: list[Any] = []
    plain = OnDisk._window

    def watched(self: OnDisk, w: int) -> Any:
        if w not in self.held:
            begun.append(w in self.coming)
        return plain(self, w)

    monkeypatch.setattr(OnDisk, "_window", watched)
    list(training(stream(file, threads=1), 3))
    windows = len(Order(N, 7, 5, 0, 0).bounds) - 1
    assert begun == [False] + [True] * (3 * windows - 1)


def test_slices_in_between_change_nothing(file: Path) -> None:
    """Reading here and there while an epoch is under way, where what comes could be mistaken."""
    x, data = np.load(file), stream(file, threads=2)
    for epoch in range(3):
        order = data.order(0, epoch)
        for i in range(0, N, 40):
            rows = order[i : i + 40]
            assert (data.x[rows] == x[rows]).all()
            for at in (slice(0, epoch + 1), slice(epoch, epoch + 1), slice(i, i + 3), slice(i + 3, i + 6)):
                assert (data.x[at] == x[at]).all()


def test_an_error_of_a_thread_reaches_the_step(file: Path) -> None:
    x = np.load(file)
    x[321, 2] = np.nan
    np.save(file, x)
    for threads in (0, 2):
        with pytest.raises(pl.DataError, match=r"big_x.npy holds nan in x at row 321, column 2"):
            list(training(stream(file, threads=threads), 1))


def test_no_thread_without_being_asked_for(file: Path) -> None:
    before = threading.active_count()
    list(training(stream(file), 1))
    assert threading.active_count() == before


def test_a_file_that_shrinks_is_said(file: Path) -> None:
    data = stream(file)
    os.truncate(file, 5000)
    with pytest.raises(pl.DataError, match="became shorter"):
        data.x[:]


def test_nothing_asks_for_all_of_a_large_one_by_accident(tmp_path: Path) -> None:
    file = sparse(tmp_path / "huge_x.npy", (1_000_000, 784))
    np.save(tmp_path / "huge_t.npy", np.zeros(1_000_000, np.uint8))
    data, _ = load(file)
    assert isinstance(data, pl.datasets.Stream), "by itself, because it is large"
    assert isinstance(load(saved(tmp_path))[0].x, np.ndarray)
    with pytest.raises(pl.UsageError, match="784,000,000 bytes"):
        np.asarray(data.x)


def sparse(path: Path, shape: tuple[int, ...]) -> Path:
    """A .npy file of bytes that are all 0 and take no room."""
    with path.open("wb") as out:
        head = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(out, head)
        out.truncate(out.tell() + int(np.prod(shape)))
    return path


def test_a_recording_of_a_stream_goes_back_to_its_steps(file: Path, tmp_path: Path, monkeypatch) -> None:
    """Its batches are those of the blocks, its steps are recomputed to the bit, and a trace is of the right samples."""
    data = stream(file)[:200]
    run_, shown = training(data, 3), list[list[int]]()
    plain = OnDisk.__getitem__

    def watched(x: OnDisk, at: Any) -> Any:
        if x is data.x and isinstance(at, np.ndarray):
            shown.append(at.tolist())
        return plain(x, at)

    with monkeypatch.context() as watching:
        watching.setattr(OnDisk, "__getitem__", watched)
        for _ in pl.record(run_, tmp_path / "run"):
            pass
    recording = pl.open_recording(tmp_path / "run", stream(file)[:200])
    for step in (1, 13, 14, 30):
        assert recording.samples(step).tolist() == shown[step - 1]
    whole = training(stream(file)[:200], 3)
    for event in whole:
        if isinstance(event, pl.StepDone) and event.step == 30:
            break
    assert recording.at(30).model.theta.tobytes() == whole.model.theta.tobytes()


def test_where_a_stream_broke_is_found_in_its_own_batch(file: Path) -> None:
    data = stream(file)
    broken = training(data, 1)
    for _ in zip(range(9), broken, strict=False):
        pass
    broken.model.theta[0] = np.inf
    with pytest.raises(pl.Diverged):
        next(broken)
    assert "parameter" in str(pl.where_it_broke(broken))


def test_copies_of_a_stream_are_refused(file: Path) -> None:
    with pytest.raises(pl.UsageError, match=r"big_x.npy stays on the disk"):
        pl.enlarge(stream(file), 5)


# ---- what a pass over it measures -----------------------------------------------------------------------------------


def test_one_pass_measures_what_numpy_measures(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.datasets.measure.PIECE", 1000)
    x = np.load(file).astype(np.float64)
    found = measured(stream(file).x)
    for name, wanted in (
        ("mean", x.mean(axis=0)),
        ("std", x.std(axis=0)),
        ("least", x.min(axis=0)),
        ("most", x.max(0)),
    ):
        assert np.allclose(getattr(found, name), wanted, rtol=1e-12), name
    assert reaches(x, 3.0)
    assert not reaches(x, float(np.abs(x).max()))
    assert reaches(-x, float(-x.min()) - 1e-9)


# ---- the command line -----------------------------------------------------------------------------------------------


def test_a_npy_file_trains_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rawfile, "BLOCK", 20_000)
    monkeypatch.chdir(tmp_path)
    digits, _ = pl.datasets.digits()
    digits = digits[::4]
    saved(tmp_path, digits.x, digits.t, "x_train.npy")
    for x, words in ((), ("stay",)), (("--no-stream",), ()), (("--stream",), ("stay on the disk", "thread")):
        told = run("train", "x_train.npy", "--epochs", 3, *x).done()
        assert "810 to train, 90 to validate, 100 to test; pictures of 28x28, 10 classes" in told.out
        assert ("stream    " in told.out) == (x == ("--stream",))
        assert all(word in told.out for word in words if x)
    net = pl.load("x_train.safetensors")
    assert net.prepare == pl.Pixels((784,), picture=(28, 28), digit=True)
    told = run("evaluate", "x_train.safetensors", "x_train.npy").done()
    accuracy = float(re.search(r"accuracy ([\d.]+) %", told.out).group(1))
    assert accuracy > 75
    saved(tmp_path, digits.x[:50], digits.t[:50], "x_test.npy")
    assert "1,000 samples" not in run("evaluate", "x_train.safetensors", "x_train.npy").done().out
    assert "50 to test" in run("train", "x_train.npy", "--epochs", 1, "--stream", "--standardize").done().out
    memory = run("train", "x_train.npy", "--epochs", 1, "--standardize", "--validation", 0).done()
    on_disk = run(
        "train", "x_train.npy", "--epochs", 1, "--standardize", "--validation", 0, "--stream", "--output", "d"
    )
    assert on_disk.done()
    ours, theirs = pl.load("x_train.safetensors").prepare, pl.load("d").prepare
    assert (ours.mean, ours.std) == pytest.approx((theirs.mean, theirs.std))
    assert memory.code == 0


def test_columns_of_a_stream_are_standardized_on_the_training_part(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(100.0, 50.0, (N, D))
    saved(tmp_path, x, (x[:, 0] > 100).astype(np.int64))
    run("train", "big_x.npy", "--stream", "--epochs", 2, "--validation", 0).done()
    prepare = pl.load("big_x.safetensors").prepare
    learn, _ = pl.split(stream("big_x.npy"), 0.1, seed=1)
    assert prepare.mean == pytest.approx(learn.x[:].mean(axis=0))
    assert prepare.std == pytest.approx(learn.x[:].std(axis=0))
    assert prepare.mean != pytest.approx(x.mean(axis=0), rel=1e-6)


def test_resuming_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path)
    common = ("train", "big_x.npy", "--stream", "--batch-size", 16, "--checkpoint", "c")
    run(*common, "--epochs", 4).done()
    assert "resumed" in run(*common, "--epochs", 10, "--resume", "--output", "a").done().out
    run("train", "big_x.npy", "--stream", "--batch-size", 16, "--epochs", 10, "--output", "b").done()
    assert pl.load("a").theta.tobytes() == pl.load("b").theta.tobytes()


@pytest.mark.parametrize("command", [("xor", "--stream"), ("set.npz", "--stream"), ("mnist", "--stream")])
def test_what_cannot_be_streamed_is_said(command: tuple[str, str], tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("set.npz", x=np.zeros((4, 2)), t=np.arange(4) % 2)
    run("train", *command).error(2, "is read whole", ".npy file")


BAD = {
    "big_x.npy": "none of big_t.npy, big_y.npy, big_labels.npy, big_targets.npy is beside it",
    "numbers.npy": "numbers_x.npy beside numbers_t.npy",
}


@pytest.mark.parametrize("name", BAD)
def test_missing_targets_are_said(name: str, tmp_path: Path) -> None:
    np.save(tmp_path / name, np.zeros((4, 2)))
    run("train", tmp_path / name).error(3, name, BAD[name])


def test_the_names_of_targets(tmp_path: Path) -> None:
    x, t = np.zeros((4, 2)), np.array(["cat", "dog", "dog", "cat"])
    for name, other in (
        ("X.npy", "y.npy"),
        ("train images.npy", "train labels.npy"),
        ("a-inputs.v2.npy", "a-t.v2.npy"),
    ):
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        np.save(folder / name, x)
        np.save(folder / other, t)
        data = stream(folder / name)
        assert (data.classes, data.t.tolist()) == (("cat", "dog"), [0, 1, 1, 0])


@pytest.mark.parametrize("stream_", ["--stream", "--no-stream"])
def test_bad_arrays_are_refused_in_words(tmp_path: Path, stream_: str) -> None:
    def bad(*words: str, x: Any = None, t: Any = None, change: Any = None) -> None:
        path = saved(tmp_path, x, t)
        if change is not None:
            path.write_bytes(change(path.read_bytes()))
        run("train", path, stream_).error(3, "big_", *words)

    bad("500 inputs but 499 targets", t=np.zeros(499, np.int64))
    bad("nan", x=np.full((500, 2), np.nan), t=np.arange(500) % 2)
    bad("not numbers", x=np.array(["a", "b"] * 10), t=np.arange(20) % 2)
    bad("empty", x=np.zeros((0, 2)), t=np.zeros(0, np.int64))
    bad("cut short", change=lambda raw: raw[:-1])
    bad("goes on", change=lambda raw: raw + b"1")
    bad("never read", x=np.array([{}, {}], object), t=np.arange(2))
    bad("label", t=np.full(500, -1))
    if stream_ == "--stream":
        bad("np.ascontiguousarray", x=np.asfortranarray(np.zeros((20, 3))), t=np.arange(20) % 2)


# ---- memory ---------------------------------------------------------------------------------------------------------

LIMITED = """
import resource, sys
import numpy as np
import pellucid as pl

def pages():
    return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()

model = pl.Model(pl.Dense(16), pl.ReLU(), pl.Dense(10), loss=pl.SoftmaxCrossEntropy(), input_shape=(784,),
                 prepare=pl.Pixels((784,)))
model.predict(np.zeros((2048, 28, 28), np.uint8))
limit = pages() + (224 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
data = pl.datasets.load(sys.argv[1], stream=sys.argv[2] == "stream")[0]
learn, check = pl.split(data, 0.02)
for event in pl.train(model, learn, epochs=1, batch_size=4096, validation=check):
    pass
print(event.epoch, event.step)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures and limits memory as Linux does")
def test_a_file_larger_than_the_memory_that_is_there(tmp_path: Path) -> None:
    """300 MB are learned by a process that may ask for 224 MB more; read whole, they are refused in words."""
    rows = 400_000
    file = sparse(tmp_path / "big_x.npy", (rows, 28, 28))
    np.save(tmp_path / "big_y.npy", (np.arange(rows) % 10).astype(np.uint8))
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OPENBLAS_NUM_THREADS": "1"}
    environment |= {"PELLUCID_KERNELS": "reference"}
    command = [sys.executable, "-c", LIMITED, str(file)]
    done = subprocess.run([*command, "stream"], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["1", "96"], done.stderr
    done = subprocess.run([*command, "whole"], capture_output=True, text=True, env=environment, check=False)
    assert "more than this machine has memory for" in done.stderr
