"""Folders of pictures that stay on the disk: the same pictures, decoded when their window comes."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import images, load, picture_folder, picturefiles, scratch, stream
from tests.cli.tools import run

Image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty pictures of red and blue squares of many sizes, PNG and JPEG; seven at a time are decoded."""
    monkeypatch.setattr(picturefiles, "WINDOW", 7)
    rng = np.random.default_rng(0)
    for k, name in enumerate(("red", "blue")):
        (tmp_path / "squares" / name).mkdir(parents=True)
        for i in range(30):
            pixels = rng.integers(0, 90, (*rng.integers(8, 30, 2), 3), np.uint8)
            pixels[..., 2 * k] += 120
            Image.fromarray(pixels).save(tmp_path / "squares" / name / f"{i:02}.{'png' if i % 3 else 'jpg'}")
    return tmp_path / "squares"


def network(size: int = 12) -> pl.Model:
    shape = (size, size, 3)
    return pl.Model(
        pl.Flatten(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=shape, prepare=pl.Pixels(shape)
    )


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("threads", [0, 3])
def test_the_same_pictures_both_ways(folder: Path, grey: bool, threads: int) -> None:
    whole = picture_folder(folder, size=12, grey=grey)
    data = stream(folder, threads=threads, size=12, grey=grey)
    assert (data.classes, data.t.tolist()) == (whole.classes, whole.t.tolist())
    assert (data.x[:] == whole.x).all()
    order = data.order(0, 0)
    rows = order[0:60]
    assert sorted(rows.tolist()) == list(range(60))
    assert len(set((rows[:10] // 30).tolist())) == 2, "any order at all, not class by class"
    for i in range(0, 60, 9):
        assert (data.x[order[i : i + 9]] == whole.x[rows[i : i + 9]]).all()
    part = data[rows[:20]]
    assert (part.x[3:9] == whole.x[rows[3:9]]).all()


def test_a_split_takes_its_share_of_every_class(folder: Path) -> None:
    rest, aside = pl.split(stream(folder), 0.2)
    assert np.bincount(aside.t).tolist() == [6, 6]
    assert np.bincount(rest.t).tolist() == [24, 24]


def test_decoding_ahead_changes_no_bit(folder: Path) -> None:
    found = []
    for threads in (0, 1, 3):
        net = network()
        learn, check = pl.split(stream(folder, threads=threads, size=12), 0.2)
        history = net.fit(learn, epochs=3, batch_size=5, validation=check, verbose=False, augment=pl.Flip())
        found.append((net.theta.tobytes(), history))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("room", ["there is room", "no room", "no folder", "the disk is full"])
@pytest.mark.parametrize("threads", [0, 2])
def test_a_picture_is_decoded_once_if_it_can_be_kept(folder: Path, threads: int, room: str, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(folder.parent))
    if room == "no room":
        monkeypatch.setattr(
            shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(9, 9, 60 * 48 * 48 * 3 * 2 - 1)
        )
    elif room == "no folder":
        monkeypatch.setenv("TMPDIR", str(folder / "red" / "01.png"))
    elif room == "the disk is full":
        monkeypatch.setattr(scratch, "tempfile", Full)
    files: list[Path] = []
    plain = picturefiles.read_colours
    monkeypatch.setattr(picturefiles, "read_colours", lambda file: files.append(file) or plain(file))
    data = stream(folder, threads=threads)
    files.clear()
    net = network(48)
    for _ in pl.train(net, data, epochs=3, batch_size=8):
        pass
    assert len(set(files)) == 60
    if threads and room == "there is room":
        assert len(files) == 60
    else:
        few = 60 + 60 * 3  # the notes before training look at the first thousand, too
        assert few <= len(files) <= few + 7, "a window for a fourth epoch may be begun"
    assert (data.x[:] == picture_folder(folder).x).all()
    assert [place.name for place in folder.parent.iterdir()] == ["squares"], "nothing has a name"


class Full:
    """A disk that is full."""

    @staticmethod
    def TemporaryFile(dir: Path, buffering: int) -> Any:
        out = tempfile.TemporaryFile(dir=dir, buffering=buffering)  # noqa: SIM115 - closed below

        class File:
            def __getattr__(self, name: str) -> Any:
                return getattr(out, name)

            def write(self, raw: bytes) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

        return File()


def test_a_bad_picture_in_the_middle_is_named(folder: Path) -> None:
    (folder / "blue" / "17.png").write_bytes(b"no picture")
    for threads in (0, 2):
        with pytest.raises(pl.DataError, match=r"blue/17.png is not a picture"):
            list(pl.train(network(48), stream(folder, threads=threads), epochs=1))
    run("train", folder, "--stream", "--epochs", 1).error(3, "17.png")


def test_pictures_that_are_gone_are_named(folder: Path) -> None:
    data = stream(folder)
    (folder / "red" / "04.png").unlink()
    with pytest.raises(pl.DataError, match=r"There is no file .*04.png"):
        data.x[:]
    with pytest.raises(pl.DataError, match=r"04.png cannot be read"):
        data.x.mark()


def test_many_pictures_are_streamed_by_themselves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert isinstance(load(folder)[0].x, np.ndarray)
    told = run("train", "squares", "--stream", "--epochs", 2).done()
    assert "stream    the samples stay on the disk and are read 7 at a time, ahead of the step by" in told.out
    assert "pictures of 48x48x3, 2 classes" in told.out
    assert "(6 of 6 right)" in told.out
    assert "all       accuracy 100.0 %" in run("evaluate", "squares.safetensors", "squares").done().out
    monkeypatch.setattr(images, "LARGE", 60 * 48 * 48 * 3 - 1)
    assert isinstance(load(folder)[0], pl.datasets.Stream)
    assert "all       accuracy 100.0 %" in run("evaluate", "squares.safetensors", "squares").done().out
    assert "60, in one piece" in run("data", "show", "squares").done().out
    monkeypatch.setattr("pellucid.cli.portrait.LOOKED_AT", 20)
    assert "in 20 that were looked at" in run("data", "show", "squares").done().out
