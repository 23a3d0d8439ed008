"""Pickled CIFAR-10 is read as it is published and as today's NumPy writes it; whatever else a pickle may ask is not.

The published form is written here byte by byte, because the files themselves are 163 MB and Python 2 wrote them.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import cifar10, load
from pellucid.datasets.pickled import MOST_BYTES, read_pickled
from tests.datasets.files import damaged
from tests.datasets.test_cifar import NAMES, records


def short(text: bytes, memo: int) -> bytes:
    """A text of Python 2 of less than 256 letters, remembered."""
    return b"U" + bytes([len(text)]) + text + b"q" + bytes([memo])


def batch(pixels: np.ndarray, labels: list[int]) -> bytes:
    """A batch as Python 2's cPickle wrote it, protocol 2: batch_label, labels, data, filenames."""
    n, raw = len(pixels), pixels.tobytes()
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    names = b"".join(short(f"picture_s_{i:06}.png".encode(), 20 + i % 200) for i in range(n))
    return b"".join(
        [
            b"\x80\x02}q\x01(",
            short(b"batch_label", 2) + short(b"training batch 1 of 5", 3),
            short(b"labels", 4) + b"]q\x05(" + numbers + b"e",
            short(b"data", 6),
            b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09",
            b"(K\x01J" + struct.pack("<i", n) + b"M" + struct.pack("<H", pixels.shape[1]) + b"\x86",
            b"cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b",
            b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
            b"\x89T" + struct.pack("<i", len(raw)) + raw + b"tb",
            short(b"filenames", 12) + b"]q\x0d(" + names + b"e",
            b"u.",
        ]
    )


def meta(names: list[str]) -> bytes:
    """batches.meta as it is published."""
    words = b"".join(short(name.encode(), 10 + i) for i, name in enumerate(names))
    return (
        b"\x80\x02}q\x01(" + short(b"num_cases_per_batch", 2) + b"M\x10'" + short(b"label_names", 3) + b"]q\x04("
        b"" + words + b"eu."
    )


def folder_of(folder: Path, train: np.ndarray, test: np.ndarray) -> Path:
    """Records as a folder of pickled batches, one to learn from and the test batch."""
    folder.mkdir(exist_ok=True)
    for name, raw in (("data_batch_1", train), ("test_batch", test)):
        (folder / name).write_bytes(batch(raw[:, 1:], raw[:, 0].tolist()))
    (folder / "batches.meta").write_bytes(meta(NAMES))
    (folder / "readme.html").write_text("<html>")
    return folder


def test_a_pickled_batch_is_the_binary_one(tmp_path) -> None:
    train, test = records(7), records(5, seed=1)
    folder_of(tmp_path, train, test)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.bin").write_bytes(train.tobytes())
    (tmp_path / "b" / "b.bin").write_bytes(test.tobytes())
    ours = cifar10(tmp_path, ["data_batch_1"], ["test_batch"])
    theirs = cifar10(tmp_path / "b", ["a.bin"], ["b.bin"])
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.t, other.t)
    assert ours[0].classes == tuple(NAMES)


def test_a_whole_folder_is_recognised_and_binary_batches_come_first(tmp_path) -> None:
    few = np.repeat(records(10), 1000, axis=0)
    folder_of(tmp_path, few, few)
    train, test = load(tmp_path)
    assert test is not None
    assert (len(train), len(test), train.x.shape[1:]) == (10_000, 10_000, (32, 32, 3))
    assert test.name.endswith("test_batch")
    (tmp_path / "data_batch_2.bin").write_bytes(few[::-1].tobytes())
    (tmp_path / "data_batch_3_part.bin").write_bytes(few[:9].tobytes())
    train, test = cifar10(tmp_path)
    assert train.name.endswith("data_batch_2.bin")
    assert len(test) == 9


def written_by(code: str, path: Path) -> None:
    """What a Python of its own pickles into the file."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(path)], check=True)


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_numpy_writes_today_is_read(tmp_path, order) -> None:
    written_by(
        "import pickle, sys, numpy as np;"
        f"x = np.arange(12, dtype=np.uint8).reshape((3, 4), order='{order}');"
        "y = {'data': x, 'labels': list(range(300)), 'big': 70000, 'none': None, b'raw': b'\\xff'};"
        "open(sys.argv[1], 'wb').write(pickle.dumps(y, protocol=3))",
        tmp_path / "batch",
    )
    read = read_pickled(tmp_path / "batch")
    np.testing.assert_array_equal(read["data"], np.arange(12, dtype=np.uint8).reshape((3, 4), order=order))
    assert read["labels"] == list(range(300))
    assert (read["big"], read["none"], read["raw"]) == (70000, None, "\xff")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (b"cos\nsystem\n(U\x04truetR.", "it names 'os.system'"),
        (b"cbuiltins\neval\n(U\x041+1tR.", "it names 'builtins.eval'"),
        (b"cnumpy\nload\n(U\x01xtR.", "it names 'numpy.load'"),
        (b"ios\nsystem\n.", r"the instruction b'i'"),
        (b"(U\x04truecos\nsystem\no.", "it names 'os.system'"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "version 4"),
        (b"\x80\x02\x8c\x02os\x8c\x06system\x93.", r"the instruction b'\\x8c'"),
        (b"\x80\x02}Pname\n.", "the instruction b'P'"),
        (b"\x80\x02]q\x01.", "a list instead of a dictionary"),
        (b"\x80\x02}q\x01(U\x01a]q\x02h\x02au.", "lists of something else"),
        (b"\x80\x02}q\x01(U\x01acnumpy\ndtype\nU\x02O8K\x00K\x01\x87Ru.", "something else than texts"),
        (b"\x80\x02}q\x01(U\x01a}u.", "something else than texts"),
        (b"\x80\x02}(K\x01K\x02u.", "a key that is no text"),
        (b"\x80\x02}(U\x01aT\xff\xff\xff\x7fhello", "ends in the middle"),
        (b"\x80\x02}(U\x01aT\xff\xff\xff\xffhello", "ends in the middle"),
        (b"\x80\x02}(U\x01aB\xff\xff\xff\xffhello", "ends in the middle"),
        (b"\x80\x02}", "ends in the middle"),
        (b"\x80\x02h\x09.", "damaged or no pickled batch"),
        (b"\x80\x02e.", "damaged or no pickled batch"),
        (b"\x80\x02R.", "damaged or no pickled batch"),
        (b"\x80\x02K\x01K\x02R.", "applies something that is no name"),
        (b"\x80\x02K\x01K\x02b.", "gives a state"),
        (b"\x80\x02K\x01K\x02a.", "appends to something that is no list"),
        (b"\x80\x02}K\x01.", "damaged or no pickled batch"),
        (b"\x80\x02" + b"c" + b"x" * 5000, "damaged or no pickled batch"),
    ],
)
def test_anything_else_is_refused_and_nothing_is_run(tmp_path, program, words) -> None:
    file = tmp_path / "data_batch_1"
    file.write_bytes(program)
    with pytest.raises(pl.DataError, match=words) as error:
        read_pickled(file)
    assert str(file) in str(error.value)


def test_a_real_trap_is_not_sprung(tmp_path) -> None:
    trap = tmp_path / "sprung"
    written_by(
        "import os, pickle, sys\n"
        "class Trap:\n"
        f"    def __reduce__(self): return (os.mkdir, ({str(trap)!r},))\n"
        "open(sys.argv[1], 'wb').write(pickle.dumps({'data': Trap()}, protocol=2))",
        tmp_path / "data_batch_1",
    )
    with pytest.raises(pl.DataError, match="mkdir"):
        read_pickled(tmp_path / "data_batch_1")
    assert not trap.exists()


def test_batches_that_are_wrong_inside(tmp_path) -> None:
    good = folder_of(tmp_path, records(3), records(2, seed=1)) / "data_batch_1"
    for pixels, labels, words in (
        (records(3)[:, 1:], [1, 2], "as many labels"),
        (records(3)[:, 1:], [1, 2, 11], "picture 3 has the label 11"),
        (records(3)[:, 5:], [1, 2, 3], "an array of bytes"),
    ):
        good.write_bytes(batch(pixels, labels))
        with pytest.raises(pl.DataError, match=words):
            cifar10(tmp_path, ["data_batch_1"], ["test_batch"])
    (tmp_path / "batches.meta").write_bytes(meta(["cat"]))
    with pytest.raises(pl.DataError, match=r"batches.meta should name 10"):
        cifar10(tmp_path, ["test_batch"], ["data_batch_1"])


def test_only_data_errors_come_from_damage_and_memory_stays_small(tmp_path) -> None:
    raw, outcomes = batch(records(2)[:, 1:], [1, 2]), set()
    file = tmp_path / "data_batch_1"
    tracemalloc.start()
    try:
        for seed in range(300):
            file.write_bytes(damaged(raw[:250] + raw[-120:] if seed % 2 else raw, seed))
            try:
                read_pickled(file)
                outcomes.add("read")
            except pl.DataError:
                outcomes.add("refused")
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    assert outcomes == {"read", "refused"}


def test_a_shared_list_does_not_grow_without_end(tmp_path) -> None:
    """Each list holds the one before twice: 60 of them would be 2^60 numbers if somebody copied them out."""
    program = b"\x80\x02}(U\x01a]q\x00"
    for i in range(60):
        program += b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1])
    (tmp_path / "laughs").write_bytes(program + b"u.")
    with pytest.raises(pl.DataError):
        read_pickled(tmp_path / "laughs")
    with (tmp_path / "large").open("wb") as file:
        file.write(b"\x80\x02")
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(pl.DataError, match="has more than"):
        read_pickled(tmp_path / "large")
