"""NumPy's own files: .npy for one array, .npz for several. Only numbers are read; a pickled object never is.

Each array's header is compared with the room that its numbers have in the file before memory is asked for. So a file
of a few bytes cannot claim a terabyte.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Collection
from tokenize import TokenError

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import DataError
from pellucid.data.batches import Data, check_finite
from pellucid.datasets.labels import class_ids, named_ids, numbered, one_hot
from pellucid.datasets.reading import DEFLATE_AT_MOST, Source, opened, translated

INPUTS, TARGETS = ("x", "X", "images"), ("t", "y", "labels")
PACKED = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE_AT_MOST}  # by how much an array may grow in unpacking


def read_npy(path: str | os.PathLike[str]) -> Array:
    """The array in a .npy file.

    Args:
        path: the file.

    Raises:
        DataError: if it is missing, no .npy file, damaged, or holds objects.
    """
    with opened(path) as source:
        return _read_array(source)


def read_npz(path: str | os.PathLike[str]) -> tuple[Data, Data | None]:
    """The data set in a .npz file, and its test part if it has one.

    The inputs are called x, X or images, the targets t, y or labels. A file with two parts says x_train, y_train,
    x_test, y_test, as Keras does. Whole-number and one-hot targets are classes, all others values.

    Args:
        path: the file.

    Raises:
        DataError: if it is missing or damaged, lacks an array, holds objects, NaN or infinite numbers.
    """
    with translated(path), zipfile.ZipFile(path) as archive:
        names = {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}
        parts = ("_train", "_test") if _pick(INPUTS, "_train", names) else ("",)
        if "_test" in parts and not _pick(INPUTS, "_test", names):
            parts = ("_train",)
        pairs = []
        for part in parts:
            x, t = _pick(INPUTS, part, names), _pick(TARGETS, part, names)
            if x is None or t is None:
                wanted = "inputs (x, X or images)" if x is None else "targets (t, y or labels)"
                raise DataError(
                    f"{path} has no {wanted}{' ending in ' + part if part else ''}. Its arrays are "
                    f"{', '.join(sorted(names)) or 'none'}. Save it with np.savez(file, x=..., t=...)."
                )
            pairs.append((_member(archive, str(path), x), _member(archive, str(path), t)))
    return _as_data(str(path), pairs)


def _pick(choices: Collection[str], ending: str, names: Collection[str]) -> str | None:
    return next((choice + ending for choice in choices if choice + ending in names), None)


def _member(archive: zipfile.ZipFile, path: str, name: str) -> Array:
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in PACKED or info.flag_bits & 1:
        raise DataError(f"{path}: the array {name} is packed in a way that NumPy does not use. Save it with np.savez.")
    packed = min(info.compress_size, os.stat(path).st_size)
    most = min(info.file_size, packed * PACKED[info.compress_type])
    with archive.open(info) as file:
        return _read_array(Source(f"{path}, array {name}", file, most))  # type: ignore[arg-type]


def _read_array(source: Source) -> Array:
    shape, by_columns, dtype = read_header(source)
    array = source.fill(shape[::-1] if by_columns else shape, dtype)
    return array.T if by_columns else array


def read_header(source: Source) -> tuple[Shape, bool, np.dtype]:
    """The shape of a .npy array, whether it lies column by column, and its type; the numbers follow in the source."""
    start = source.take(8, "the .npy header")
    if start != b"\x93NUMPY\1\0":  # later versions differ only for tables with named columns
        raise DataError(
            f"{source.name} is not a plain .npy array: it begins with {start!r}, not with NumPy's mark. "
            "Save it with np.save, or np.savez for several."
        )
    try:
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(source.file)
    except (ValueError, TypeError, SyntaxError, TokenError) as error:
        raise DataError(f"{source.name} has a header that cannot be read: {error}. Save it with np.save.") from None
    if dtype.kind not in "biufU" or dtype.itemsize == 0 or min(shape, default=0) < 0 or len(shape) > 32:
        raise DataError(
            f"{source.name} holds {dtype} of shape {shape}; numbers or labels were expected. Arrays of Python objects "
            "are never read, because that would run code from the file."
        )
    return shape, by_columns, dtype


def _as_data(name: str, pairs: list[tuple[Array, Array]]) -> tuple[Data, Data | None]:
    shapes = {x.shape[1:] for x, _ in pairs}
    if len(shapes) > 1:
        raise DataError(f"{name}: samples of the training part and of the test part differ in shape: {shapes}.")
    targets, classes = targets_of(name, [t for _, t in pairs])
    sets = []
    for part, (x, _), t in zip(("training part", "test part"), pairs, targets, strict=False):
        if x.dtype.kind not in "biuf" or x.ndim == 0:
            raise DataError(f"{name} holds inputs of type {x.dtype} and shape {x.shape}, not numbers (N, ...).")
        data = Data(x[:, None] if x.ndim == 1 else x, t, classes, name=name if len(pairs) == 1 else f"{name}, {part}")
        check_finite(data)
        sets.append(data)
    return sets[0], sets[1] if len(sets) > 1 else None


def targets_of(name: str, given: list[Array]) -> tuple[list[Array], tuple[str, ...]]:
    """The targets of each part as class ids and the classes' names; or as they are and no names."""
    if any(t.ndim == 0 for t in given):
        raise DataError(f"{name}: the targets are a single number; one a sample (N,) was expected.")
    kinds = {t.dtype.kind for t in given}
    if kinds == {"U"}:
        return named_ids(given)
    if "U" in kinds:
        raise DataError(f"{name}: the targets of one part are words, those of the other are numbers.")
    if kinds <= set("biu") or all(t.ndim == 2 and t.shape[1] > 1 and one_hot(t) for t in given):
        ids = [class_ids(t, name) for t in given]
        return ids, numbered(*ids)
    return given, ()
