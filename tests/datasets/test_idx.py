"""IDX files: every type, packed or not, and every lie that a file can tell."""

from __future__ import annotations

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import load_idx_folder, load_idx_pair, read_idx
from tests.datasets.files import CODES, damaged, idx, write_pair

X = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
T = np.array([0, 1, 2, 1, 0], np.uint8)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", CODES)
def test_every_type_is_read_in_this_machines_order(tmp_path, kind, packed) -> None:
    array = (np.arange(24).reshape(2, 3, 4) - (0 if kind == "u1" else 5)).astype(kind)
    file = tmp_path / "array"  # whether it is packed is seen from its bytes
    file.write_bytes(gzip.compress(idx(array, kind)) if packed else idx(array, kind))
    read = read_idx(file)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.dtype(kind)
    assert read.dtype.isnative
    assert read.flags.writeable


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mark", ["-", "."])
def test_mnists_folder(tmp_path, packed, mark) -> None:
    write_pair(tmp_path, "train", X, T, packed, mark)
    write_pair(tmp_path, "t10k", X[:2], T[:2], packed, mark)
    train, test = load_idx_folder(tmp_path)
    np.testing.assert_array_equal(train.x, X)
    assert train.x.dtype == np.uint8
    assert test.t.tolist() == [0, 1]
    assert train.classes == test.classes == ("0", "1", "2")  # the test part lacks class 2


@pytest.mark.parametrize("labels", ["a-labels-idx1-ubyte", "a-labels-idx1-ubyte.gz", "a-labels.idx1-ubyte.gz"])
def test_a_pair_is_found_by_its_name(tmp_path, labels) -> None:
    images = tmp_path / "a-images-idx3-ubyte"
    images.write_bytes(idx(X))
    raw = idx(T)
    (tmp_path / labels).write_bytes(gzip.compress(raw) if labels.endswith("gz") else raw)
    data = load_idx_pair(images)
    assert data.t.tolist() == T.tolist()
    assert data.t.dtype == np.int64


def refused(path, *words: str, read=read_idx) -> None:
    with pytest.raises(pl.DataError) as error:
        read(path)
    text = str(error.value)
    assert "\n" not in text
    for word in (str(path), *words):
        assert word in text, text


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", ["is empty"]),
        (b"\0\0", ["ends in the middle of the IDX header", "4 bytes", "2 came"]),
        (idx(X)[:10], ["ends in the middle of the IDX header"]),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), ["not an IDX file", "89 50 4e 47"]),
        (b"\0\0\x0a\1" + bytes(99), ["not an IDX file", "00 00 0a 01"]),
        (b"\0\0\x08\0" + bytes(99), ["not an IDX file"]),
        (b"\0\0\x08\xff" + bytes(2000), ["not an IDX file"]),
        (idx(X)[:-1], ["(5, 2, 3)", "30 bytes"]),
        (idx(X) + b"!", ["goes on after"]),
        (struct.pack(">HBB3I", 0, 8, 3, 60000, 28, 28) + bytes(784), ["47,040,000", "cannot hold more"]),
        (struct.pack(">HBB4I", 0, 14, 4, *[2**32 - 1] * 4) + bytes(784), ["cannot hold more"]),
    ],
)
def test_a_bad_file_is_refused(tmp_path, raw, words) -> None:
    path = tmp_path / "file"
    path.write_bytes(raw)
    refused(path, *words)
    if raw:
        path.write_bytes(gzip.compress(raw))
        refused(path)


def test_memory_is_asked_for_after_the_claim_is_checked(tmp_path) -> None:
    path = tmp_path / "claims"
    for raw in (b"\0\0\x08\1\xff\xff\xff\xff", gzip.compress(b"\0\0\x08\1\xff\xff\xff\xff" + bytes(100_000))):
        path.write_bytes(raw + b"")
        tracemalloc.start()
        try:
            refused(path, "4,294,967,295")
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()


def test_a_packed_file_that_holds_more_than_it_claims_is_not_unpacked(tmp_path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(idx(T) + bytes(64 << 20)))
    tracemalloc.start()
    try:
        refused(path, "goes on after")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_packed_file_cut_short_or_changed_is_refused(tmp_path) -> None:
    path, noise = tmp_path / "cut.gz", np.random.default_rng(0).integers(0, 256, (50, 9, 9), np.uint8)
    raw = gzip.compress(idx(noise))
    path.write_bytes(raw[: len(raw) // 2])
    refused(path, "cut short")
    path.write_bytes(raw[:-8] + bytes(8))  # the checksum
    refused(path, "damaged")


def test_a_missing_file_a_folder_and_a_device_are_refused(tmp_path) -> None:
    refused(tmp_path / "nowhere", "There is no file")
    refused(tmp_path, "folder")
    refused("/dev/zero", "no ordinary file")


def test_only_data_errors_come_from_damage(tmp_path) -> None:
    images, outcomes = write_pair(tmp_path, "a", X, T, packed=True), set()
    raw, plain = images.read_bytes(), idx(X)
    for seed in range(200):
        images.write_bytes(damaged(raw if seed % 2 else plain, seed))
        try:
            load_idx_pair(images)
            outcomes.add("read")
        except pl.DataError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_labels_must_fit(tmp_path) -> None:
    refused(write_pair(tmp_path, "short", X, T[:4]), "5 images", "4 labels", read=load_idx_pair)
    refused(write_pair(tmp_path, "swapped", T, T), "these are labels", read=load_idx_pair)
    images = write_pair(tmp_path, "below", X, T)
    labels = tmp_path / "below-labels-idx1-ubyte"
    labels.write_bytes(idx([0, 1, -1, 0, 0], "i1"))
    with pytest.raises(pl.DataError, match=r"below-labels.*the label of sample 3 is -1"):
        load_idx_pair(images)
    labels.write_bytes(idx([0, 1, 2, 0, 2_000_000_000], "i4"))
    with pytest.raises(pl.DataError, match="the label of sample 5 is 2000000000"):
        load_idx_pair(images)
    labels.write_bytes(idx([0.5] * 5, "f4"))
    with pytest.raises(pl.DataError, match="should hold labels"):
        load_idx_pair(images)


def test_an_images_file_without_labels_is_refused(tmp_path) -> None:
    images = write_pair(tmp_path, "alone", X, T)
    (tmp_path / "alone-labels-idx1-ubyte").unlink()
    refused(images, "labels", "alone-labels-idx1-ubyte", read=load_idx_pair)
    other = tmp_path / "pictures.idx"
    other.write_bytes(idx(X))
    refused(other, "whose name says", read=load_idx_pair)


def test_an_incomplete_folder_says_what_is_missing(tmp_path) -> None:
    write_pair(tmp_path, "train", X, T)
    refused(tmp_path, "t10k-images and t10k-labels not found", read=load_idx_folder)
    write_pair(tmp_path, "t10k", X[:, :1], T)
    with pytest.raises(pl.DataError, match="not two parts of one data set"):
        load_idx_folder(tmp_path)


def test_no_samples_are_refused(tmp_path) -> None:
    images = write_pair(tmp_path, "none", X[:0], T[:0])
    refused(images, "empty", read=load_idx_pair)
