"""NumPy's files: the names that people use, the claims that are checked, and no pickle ever."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import read_npy, read_npz
from tests.datasets.files import damaged

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
T = np.array([0, 2, 1, 2, 0, 1])


@pytest.mark.parametrize("names", [("x", "t"), ("X", "y"), ("x", "y"), ("images", "labels")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_inputs_and_targets_by_name(tmp_path, names, save) -> None:
    file = tmp_path / "data.npz"
    save(file, **dict(zip(names, (X, T), strict=True)))
    train, test = read_npz(file)
    np.testing.assert_array_equal(train.x, X)
    assert train.x.dtype == np.float32
    assert (train.t.tolist(), train.classes, test) == (T.tolist(), ("0", "1", "2"), None)


def test_two_parts_as_keras_saves_them(tmp_path) -> None:
    file = tmp_path / "mnist.npz"
    pictures = np.arange(4 * 9, dtype=np.uint8).reshape(4, 3, 3)
    np.savez(file, x_train=pictures, y_train=np.uint8([1, 0, 3, 1]), x_test=pictures[:1], y_test=np.uint8([2]))
    train, test = read_npz(file)
    assert test is not None
    assert (train.x.dtype, train.x.shape, test.x.shape) == (np.uint8, (4, 3, 3), (1, 3, 3))
    assert train.classes == test.classes == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    ("t", "ids", "classes"),
    [
        (np.eye(3)[T], T.tolist(), ("0", "1", "2")),
        (T[:, None], T.tolist(), ("0", "1", "2")),
        (T > 1, (T > 1).tolist(), ("False", "True")),
        (np.array(["b", "a", "c"])[T], [1, 2, 0, 2, 1, 0], ("a", "b", "c")),
        (T / 2, (T / 2).tolist(), ()),
        (np.stack([T / 2, T / 3], axis=1), np.stack([T / 2, T / 3], axis=1).tolist(), ()),
    ],
)
def test_what_targets_mean(tmp_path, t, ids, classes) -> None:
    file = tmp_path / "data.npz"
    np.savez(file, x=X, t=t)
    data = read_npz(file)[0]
    assert data.t.tolist() == ids
    assert data.classes == classes


@pytest.mark.parametrize("kind", ["u1", "<i4", ">i4", "<f8", ">f4", "?", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_single_array(tmp_path, kind, order) -> None:
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 7, kind, order=order)
    np.save(tmp_path / "x.npy", array)
    read = read_npy(tmp_path / "x.npy")
    np.testing.assert_array_equal(read, array)
    assert read.dtype.isnative


def test_an_object_array_is_never_unpickled(tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    objects = np.array([Bomb(), Bomb()], dtype=object)
    np.save(tmp_path / "x.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=objects, t=np.array([0, 1]), allow_pickle=True)
    for read, name in ((read_npy, "x.npy"), (read_npz, "x.npz")):
        with pytest.raises(pl.DataError, match=f"{name}.*Python objects are never read"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": X}, ["has no targets", "Its arrays are x."]),
        ({"t": T}, ["has no inputs", "np.savez"]),
        ({"a": X, "b": T}, ["has no inputs", "a, b"]),
        ({"x_train": X, "y_train": T, "x_test": X}, ["has no targets", "_test"]),
        ({"x": X, "t": T[:4]}, ["6 inputs but 4 targets"]),
        ({"x": X[:0], "t": T[:0]}, ["is empty"]),
        ({"x": X, "t": np.append(T[:5], -1)}, ["sample 6 is -1"]),
        ({"x": X, "t": np.append(T[:5], 2 * 10**9)}, ["sample 6 is 2000000000"]),
        ({"x": np.where(np.equal(X, X[2, 1]), np.nan, X), "t": T}, ["nan", "row 2"]),
        ({"x": X, "t": np.where(T == 1, np.inf, T)}, ["inf", "row 2"]),
        ({"x": X.astype(complex), "t": T}, ["complex128", "numbers"]),
        ({"x": np.array(["a"] * 6), "t": T}, ["<U1", "not numbers"]),
        ({"x": X, "t": np.array(3)}, ["single number"]),
        ({"x": np.array(3.0), "t": T}, ["shape ()"]),
        ({"x_train": X, "y_train": T, "x_test": X[:, :2], "y_test": T}, ["differ in shape"]),
        ({"x_train": X, "y_train": T, "x_test": X, "y_test": np.array(["a"] * 6)}, ["words"]),
        ({"x": np.zeros(6, [("a", "f4")]), "t": T}, ["shape (6,)"]),
    ],
)
def test_a_bad_file_is_refused(tmp_path, arrays, words) -> None:
    file = tmp_path / "data.npz"
    np.savez(file, **arrays)
    with pytest.raises(pl.DataError) as error:
        read_npz(file)
    for word in (str(file), *words):
        assert word in str(error.value), str(error.value)


def header(shape: str, kind: str = "|u1") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "is empty"),
        (b"abc", "ends in the middle"),
        (b"not an array at all", "not a plain .npy"),
        (b"\x93NUMPY\2\0" + bytes(99), "not a plain .npy"),
        (b"\x93NUMPY\1\0\xff\xff" + bytes(9), "cannot be read"),
        (header("(1 << 40,)") + bytes(9), "cannot be read"),
        (header("(1099511627776,)") + bytes(9), "cannot hold more"),
        (header("(-1, 5)") + bytes(9), "were expected"),
        (header("(12,)") + bytes(9), "(12,)"),
        (header("(3,)") + bytes(9), "goes on after"),
        (header("(3,)", "|V0"), "were expected"),
    ],
)
def test_a_lying_array_is_refused_before_memory_is_asked_for(tmp_path, raw, word) -> None:
    alone, packed = tmp_path / "x.npy", tmp_path / "x.npz"
    alone.write_bytes(raw)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", raw)
        archive.writestr("t.npy", raw)
    tracemalloc.start()
    try:
        for read, file in ((read_npy, alone), (read_npz, packed)):
            with pytest.raises(pl.DataError) as error:
                read(file)
            assert str(file) in str(error.value)
            assert word in str(error.value) or file is packed
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_other_ways_of_packing_are_refused(tmp_path) -> None:
    file, raw = tmp_path / "x.npz", io.BytesIO()
    np.save(raw, X)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x.npy", raw.getvalue())
        archive.writestr("t.npy", raw.getvalue())
    with pytest.raises(pl.DataError, match="a way that NumPy does not use"):
        read_npz(file)


def test_missing_and_foreign_files_are_refused(tmp_path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    for name, word in (("nowhere.npz", "There is no file"), ("text.npz", "damaged"), ("", "cannot be read")):
        with pytest.raises(pl.DataError, match=word):
            read_npz(tmp_path / name)


def test_only_data_errors_come_from_damage(tmp_path) -> None:
    file, outcomes = tmp_path / "x.npz", set()
    np.savez_compressed(file, x=X, t=T)
    packed = file.read_bytes()
    np.savez(file, x=X, t=np.array(["a", "b", "c"])[T])
    stored = file.read_bytes()
    for seed in range(400):
        file.write_bytes(damaged(packed if seed % 2 else stored, seed))
        try:
            read_npz(file)
            outcomes.add("read")
        except pl.DataError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([700, 30, 700, 30]), ("30", "700")),
        (np.array([[-1], [1], [-1], [1]]), ("-1", "1")),
        (np.array([True, False, True]), ("False", "True")),
        (np.array([0, 2, 1]), ("0", "1", "2")),
        (np.array([0, 9, 1], np.uint8), tuple("0123456789")),
    ],
)
def test_labels_of_any_kind_are_classes(labels, classes, tmp_path) -> None:
    np.savez(tmp_path / "set.npz", x=np.zeros((len(labels), 2)), t=labels)
    data, _ = read_npz(tmp_path / "set.npz")
    assert data.classes == classes
    assert [data.classes[k] for k in data.t] == [str(v) for v in labels.ravel().tolist()]


def test_both_parts_count_by_the_same_numbers(tmp_path) -> None:
    np.savez(
        tmp_path / "set.npz",
        x_train=np.zeros((3, 2)),
        y_train=[50, 90, 10],
        x_test=np.ones((5, 2)),
        y_test=[90, 70, 70, 10, 50],
    )
    train, test = read_npz(tmp_path / "set.npz")
    assert test is not None
    assert train.classes == test.classes == ("10", "50", "70", "90")
    assert (train.t.tolist(), test.t.tolist()) == ([1, 3, 0], [3, 2, 2, 0, 1])


def test_words_are_refused_with_the_way_out() -> None:
    model = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=2)
    words = np.array(["cat", "dog", "cat"])
    with pytest.raises(pl.DataError, match=r"words such as .*cat.*pl\.datasets\.as_classes"):
        model.fit(np.zeros((3, 2)), words, epochs=1)
    ids, names = pl.datasets.as_classes(words)
    assert names == ("cat", "dog")
    model.fit(np.zeros((3, 2)), ids, epochs=1, verbose=False)
    with pytest.raises(pl.DataError, match="numbers with fractions"):
        pl.datasets.as_classes([0.5, 1])
    with pytest.raises(pl.DataError, match="one a sample"):
        pl.datasets.as_classes([[1, 2]])
