"""CIFAR-10's records become pictures, and the choice of what is held out is never a part of the test batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import cifar10, load
from tests.datasets.files import published

RECORD = 3073
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def records(n: int, seed: int = 0) -> np.ndarray:
    """n records (n, 3073) with labels from 0 to 9."""
    raw = np.random.default_rng(seed).integers(0, 256, (n, RECORD), np.uint8)
    raw[:, 0] %= 10
    return raw


def write(folder: Path, name: str, n: int, seed: int = 0) -> np.ndarray:
    raw = records(n, seed)
    (folder / name).write_bytes(raw.tobytes())
    return raw


def whole(folder: Path, name: str) -> None:
    """A batch of 10,000 records that are all zeros; it takes no room on the disk."""
    with (folder / name).open("wb") as file:
        file.truncate(10_000 * RECORD)


def test_a_record_is_a_label_and_three_planes(tmp_path) -> None:
    raw = write(tmp_path, "a.bin", 3)
    write(tmp_path, "b.bin", 2, seed=1)
    train, aside = cifar10(tmp_path, train=["a.bin"], test=["b.bin"])
    assert (train.x.shape, train.x.dtype, train.t.tolist()) == ((3, 32, 32, 3), np.uint8, raw[:, 0].tolist())
    for n, y, x, c in [(0, 0, 0, 0), (1, 5, 7, 1), (2, 31, 30, 2), (2, 0, 31, 0)]:
        assert train.x[n, y, x, c] == raw[n, 1 + c * 1024 + y * 32 + x]
    assert len(aside) == 2
    assert train.classes == aside.classes == tuple("0123456789")


def test_several_files_stand_in_the_order_in_which_they_are_named(tmp_path) -> None:
    first, second = write(tmp_path, "a.bin", 3), write(tmp_path, "b.bin", 4, seed=1)
    write(tmp_path, "c.bin", 1, seed=2)
    train, _ = cifar10(tmp_path, train=["b.bin", "a.bin"], test=["c.bin"])
    assert train.t.tolist() == [*second[:, 0].tolist(), *first[:, 0].tolist()]
    assert train.x[0, 0, 0].tolist() == [second[0, 1], second[0, 1025], second[0, 2049]]


@pytest.mark.parametrize(
    ("wholes", "parts", "learned", "held"),
    [
        (["data_batch_1", "data_batch_2", "test_batch"], [], 20_000, "test_batch.bin"),
        (["data_batch_1", "test_batch"], ["data_batch_2_first9"], 10_000, "test_batch.bin"),
        (["data_batch_1"], ["data_batch_5_first9", "test_batch_first9"], 10_000, "data_batch_5_first9.bin"),
        (["data_batch_1"], ["data_batch_2", "test_batch"], 10_000, "data_batch_2.bin"),
    ],
    ids=["all whole", "a whole test batch comes first", "our own folder", "parts may have the publisher's names"],
)
def test_what_is_held_out_is_seen_from_names_and_sizes(tmp_path, wholes, parts, learned, held) -> None:
    for name in wholes:
        whole(tmp_path, f"{name}.bin")
    for name in parts:
        write(tmp_path, f"{name}.bin", 9)
    train, aside = cifar10(tmp_path)
    assert len(train) == learned
    assert aside.name.endswith(held)
    assert load(tmp_path)[1] is not None


def test_names_of_classes_come_from_the_publishers_file(tmp_path) -> None:
    write(tmp_path, "a.bin", 3)
    write(tmp_path, "b.bin", 3)
    (tmp_path / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    assert cifar10(tmp_path, ["a.bin"], ["b.bin"])[0].classes == tuple(NAMES)
    (tmp_path / "batches.meta.txt").write_text("cat\ndog\n")
    with pytest.raises(pl.DataError, match=r"batches.meta.txt should name 10 different classes.* has 2 lines"):
        cifar10(tmp_path, ["a.bin"], ["b.bin"])


def test_a_part_of_the_test_batch_is_not_held_out_by_itself(tmp_path) -> None:
    whole(tmp_path, "data_batch_1.bin")
    write(tmp_path, "test_batch_first9.bin", 9)
    write(tmp_path, "test_batch.bin", 9)
    with pytest.raises(pl.DataError, match="no part to hold out"):
        cifar10(tmp_path)
    assert len(cifar10(tmp_path, test=["test_batch_first9.bin"])[1]) == 9


def test_bad_input_is_one_paragraph(tmp_path) -> None:
    with pytest.raises(pl.DataError, match="There is no folder"):
        cifar10(tmp_path / "nowhere")
    with pytest.raises(pl.DataError, match="no whole training batch"):
        cifar10(tmp_path)
    write(tmp_path, "good.bin", 3)
    (tmp_path / "cut.bin").write_bytes(records(2).tobytes()[:-1])
    with pytest.raises(pl.DataError, match=r"cut.bin has 6,145 bytes.*no whole number of records of 3,073"):
        cifar10(tmp_path, ["cut.bin"], ["good.bin"])
    wrong = records(3)
    wrong[1, 0] = 10
    (tmp_path / "wrong.bin").write_bytes(wrong.tobytes())
    with pytest.raises(pl.DataError, match=r"wrong.bin: picture 2 has the label 10.* from 0 to 9"):
        cifar10(tmp_path, ["wrong.bin"], ["good.bin"])
    with pytest.raises(pl.DataError, match=r"There is no file .*gone.bin"):
        cifar10(tmp_path, ["good.bin"], ["gone.bin"])
    with pytest.raises(pl.DataError, match=r"good.bin in .* learned from and held out at once"):
        cifar10(tmp_path, ["good.bin"], ["good.bin"])
    (tmp_path / "empty.bin").write_bytes(b"")
    with pytest.raises(pl.DataError, match=r"empty.bin is empty"):
        cifar10(tmp_path, ["good.bin"], ["empty.bin"])


def test_the_published_batches() -> None:
    train, aside = cifar10(published("cifar-10"))
    assert train.x.shape == (30_000, 32, 32, 3)
    assert np.bincount(train.t[:10_000]).tolist() == [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]
    assert np.bincount(aside.t).tolist() == [405, 415, 378, 401, 433, 384, 399, 392, 386, 407]
    assert train.classes == tuple(NAMES)
    assert "first4000" in aside.name
    for axis in (1, 2):  # neighbours are alike, so rows and columns are where they belong; strangers differ by 80
        assert np.abs(np.diff(train.x[:100].astype(int), axis=axis)).mean() < 20
