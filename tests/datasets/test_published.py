"""The real files, where they are: MNIST, Fashion-MNIST, Kaggle's CSV and the tables of the field."""

from __future__ import annotations

import hashlib
import tracemalloc
import zipfile

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import load, load_idx_folder, read_csv
from tests.datasets.files import FASHION, published

OPTDIGITS = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
FASHION_MD5 = ("f4a8712d7a061bf5bd6d2ca38dc4d50a", "8181f5470baa50b63fa0f6fddb340f0a")


def test_mnist() -> None:
    train, test = load(published("mnist"))
    assert test is not None
    assert (train.x.shape, test.x.shape, train.x.dtype) == ((60000, 28, 28), (10000, 28, 28), np.uint8)
    assert np.bincount(train.t).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test.t).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train.x.mean() / 255 == pytest.approx(0.13066, abs=5e-6)


def test_fashion_mnist() -> None:
    if not FASHION.exists():
        pytest.skip(f"needs Fashion-MNIST in {FASHION}, which Debian's package dataset-fashion-mnist installs")
    for part, count, md5 in zip(load_idx_folder(FASHION), (60000, 10000), FASHION_MD5, strict=True):
        header = bytes([0, 0, 8, 3]) + count.to_bytes(4, "big") + (28).to_bytes(4, "big") * 2
        assert hashlib.md5(header + part.x.tobytes()).hexdigest() == md5
        assert np.bincount(part.t).tolist() == [count // 10] * 10


def test_kaggles_csv_is_mnist(tmp_path) -> None:
    packed = published("mnist-in-csv", "mnist_test.csv.zip")
    with zipfile.ZipFile(packed) as archive:
        data = read_csv(archive.extract("mnist_test.csv", tmp_path))
    _, test = load_idx_folder(published("mnist"))
    np.testing.assert_array_equal(data.x, test.x)
    np.testing.assert_array_equal(data.t, test.t)
    assert data.classes == test.classes
    some = read_csv(published("mnist-in-csv", "mnist_test_first500.csv"))
    np.testing.assert_array_equal(some.x, test.x[:500])


@pytest.mark.parametrize(
    ("name", "target", "shape", "counts"),
    [
        ("iris.csv", None, (150, 4), {"setosa": 50, "versicolor": 50, "virginica": 50}),
        ("wine_data.csv", None, (178, 13), {"class_0": 59, "class_1": 71, "class_2": 48}),
        ("breast_cancer.csv", None, (569, 30), {"malignant": 212, "benign": 357}),
        ("digits.csv.gz", -1, (1797, 64), dict(zip("0123456789", OPTDIGITS, strict=True))),
    ],
)
def test_tables_of_classes(name, target, shape, counts) -> None:
    data = read_csv(published("tables", name), target)
    assert data.x.shape == shape
    assert dict(zip(data.classes, np.bincount(data.t).tolist(), strict=True)) == counts


@pytest.mark.parametrize(
    ("name", "target", "word"),
    [
        ("california_housing.csv", "median_house_value", "ocean_proximity"),
        ("titanic_raw.csv", "survived", "name"),
        ("penguins.csv", "species", "island"),
        ("mpg.csv", "mpg", "origin"),
    ],
)
def test_tables_with_words_say_which_columns(name, target, word) -> None:
    with pytest.raises(pl.DataError, match=rf"{name}: row 1 \(line 2 of the file\).*column \d+ \('{word}'\)"):
        read_csv(published("tables", name), target)


def test_mnist_is_in_memory_once(tmp_path) -> None:
    folder = published("mnist")
    with zipfile.ZipFile(published("mnist-in-csv", "mnist_test.csv.zip")) as archive:
        table = archive.extract("mnist_test.csv", tmp_path)
    for read, source, held in ((load_idx_folder, folder, 70_000 * 785), (read_csv, table, 2 * 10_000 * 785)):
        tracemalloc.start()
        try:
            data = read(source)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert data is not None
        assert peak < 1.3 * held + (8 << 20)
