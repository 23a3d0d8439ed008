"""One word for all data: every name, every kind of path, and what is said when there is neither."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import load, renumber
from pellucid.datasets.load import NAMED
from tests.datasets.files import idx, write_pair

X = np.arange(4 * 9, dtype=np.uint8).reshape(4, 3, 3)
T = np.array([0, 1, 0, 1], np.uint8)


@pytest.mark.parametrize("name", NAMED)
def test_every_name_has_a_test_part_of_other_points(name) -> None:
    train, test = load(name)
    assert test is not None
    assert train.classes == test.classes
    seen = {x.tobytes() for x in train.x if np.abs(x).max() > 1e-12}  # every spiral begins in the same centre
    assert len(seen) > 190
    assert not any(x.tobytes() in seen for x in test.x)


@pytest.mark.parametrize("name", ["spiral", "vertical", "xor", "moons"])
def test_a_seed_chooses_the_points(name) -> None:
    assert not np.array_equal(load(name, seed=0)[0].x, load(name, seed=1)[0].x)
    np.testing.assert_array_equal(load(name, seed=7)[0].x, load(name, seed=7)[0].x)


def test_every_kind_of_path(tmp_path) -> None:
    pair = write_pair(tmp_path, "train", X, T, packed=True)
    write_pair(tmp_path, "t10k", X[:2], T[:2])
    np.savez(tmp_path / "one.npz", x=X, t=T)
    np.savez(tmp_path / "two.npz", x_train=X, y_train=T, x_test=X, y_test=T)
    text = "a,b,answer\n1,2,no\n3,4,yes\n"
    (tmp_path / "table.csv").write_text(text)
    (tmp_path / "TABLE.CSV.GZ").write_bytes(gzip.compress(text.encode()))
    for path, target, count, tests in (
        (tmp_path, None, 4, 2),
        (str(tmp_path), None, 4, 2),
        (pair, None, 4, None),
        (tmp_path / "one.npz", None, 4, None),
        (tmp_path / "two.npz", None, 4, 4),
        (tmp_path / "table.csv", "answer", 2, None),
        (tmp_path / "TABLE.CSV.GZ", -1, 2, None),
    ):
        train, test = load(path, target)
        assert len(train) == count
        assert (None if test is None else len(test)) == tests


def test_an_unknown_name_lists_the_names(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pl.DataError) as error:
        load("mnsit")
    for word in ("'mnsit'", str(tmp_path), *NAMED, ".csv"):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("name", "raw", "word"),
    [
        ("x.npy", b"\x93NUMPY", "targets are missing"),
        ("x.zip", b"PK\3\4", "unzip it"),
        ("x.png", b"\x89PNG\r\n", "to predict"),
        ("x.parquet", b"PAR1", "'.parquet'"),
        ("x", b"", "is empty"),
    ],
)
def test_what_is_no_data_set_is_refused(tmp_path, name, raw, word) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(pl.DataError, match=f"{name}.*{word}"):
        load(tmp_path / name)


def test_a_folder_without_mnists_files_is_refused(tmp_path) -> None:
    with pytest.raises(pl.DataError, match="four files"):
        load(tmp_path)


def test_a_target_is_for_tables_only(tmp_path) -> None:
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(X))
    for data in ("digits", tmp_path, tmp_path / "a-images-idx3-ubyte"):
        with pytest.raises(pl.UsageError, match="tables only"):
            load(data, target="label")


def test_a_name_comes_before_a_file(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    write_pair(tmp_path / "digits", "train", X, T)
    write_pair(tmp_path / "digits", "t10k", X, T)
    assert [len(load(data)[0]) for data in ("digits", "./digits", Path("digits"))] == [4000, 4, 4]


def test_renumber_counts_by_the_models_classes() -> None:
    data = pl.Data(np.zeros((3, 1)), np.array([1, 0, 1]), ("cat", "owl"))
    moved = renumber(data, ("owl", "ape", "cat"))
    assert (moved.t.tolist(), moved.classes) == ([0, 2, 0], ("owl", "ape", "cat"))
    with pytest.raises(pl.DataError, match="the classes cat, and the model knows only owl"):
        renumber(data, ("owl",))
    with pytest.raises(pl.DataError, match="values instead of classes"):
        renumber(pl.Data(np.zeros((1, 1)), np.array([0.5])), ("owl",))
