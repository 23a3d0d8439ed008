"""A corpus of bad files: each is refused in one paragraph that names it, with code 3, in little time and memory.

Whatever is added to a reader should add its bad files here. The last tests damage good files at random.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import struct
import sys
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import cifar10, load, places
from pellucid.datasets.sets import TABLES, optdigits
from pellucid.datasets.unpack import unpack
from tests.cli.tools import run
from tests.datasets.files import damaged, idx, published
from tests.datasets.test_cifar import records, whole
from tests.datasets.test_pickled import batch

X, T = np.arange(4 * 9, dtype=np.uint8).reshape(4, 3, 3), np.array([0, 1, 0, 1], np.uint8)
MEMORY = 48 << 20  # bytes that a refusal may take at most
SECONDS = 10.0
Make = Callable[[Path], Path]


def pair(images: bytes, labels: bytes = idx(T), name: str = "train-images-idx3-ubyte") -> Make:
    """An IDX pair of these bytes."""

    def make(folder: Path) -> Path:
        (folder / name.replace("images", "labels").replace("idx3", "idx1")).write_bytes(labels)
        (folder / name).write_bytes(images)
        return folder / name

    return make


def claim(*shape: int, kind: int = 8) -> bytes:
    """An IDX header alone."""
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape)


def npz(**members: bytes) -> Make:
    """A .npz file of these members, deflated."""

    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "set.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, raw in members.items():
                archive.writestr(f"{name}.npy", raw)
        return folder / "set.npz"

    return make


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def header(text: str) -> bytes:
    """The beginning of a .npy file that says this."""
    line = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line


def cifar(train: bytes, name: str = "data_batch_5_first9.bin") -> Make:
    """A folder with a whole batch and this one."""

    def make(folder: Path) -> Path:
        whole(folder, "data_batch_1.bin")
        (folder / name).write_bytes(train)
        return folder

    return make


def sparse(folder: Path) -> Path:
    whole(folder, "data_batch_1.bin")
    with (folder / "data_batch_2.bin").open("wb") as file:
        file.truncate(3073 << 30)  # three terabytes of nothing
    return folder


def png(width: int, height: int, *chunks: tuple[bytes, bytes], body: bytes = bytes(99)) -> bytes:
    """A PNG that says it is this large, with these chunks before its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    middle = b"".join(chunk(kind, data) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + head + middle + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")


def pets(bad: bytes, name: str = "rex.png") -> Make:
    """Folders of pictures, one of them bad."""

    def make(folder: Path) -> Path:
        for kind in ("cat", "dog"):
            (folder / kind).mkdir()
            (folder / kind / "fine.png").write_bytes(png(2, 2, body=bytes(6)))
        (folder / "dog" / name).write_bytes(bad)
        return folder

    return make


def table(text: bytes, name: str = "t.csv") -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(text)
        return folder / name

    return make


ZEROS = bytes(200 << 20)
BOMB = gzip.compress(ZEROS, 9)
OBJECT = npy(np.array([{"a": 1}], object))
NOISE = b"".join(b"\0" + line.tobytes() for line in np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8))
GOOD_PNG = png(2, 2, body=bytes(6))
CORPUS: dict[str, tuple[Make, str]] = {
    # IDX
    "images cut in the header": (pair(idx(X)[:9]), "train-images"),
    "images cut in the numbers": (pair(idx(X)[:-1]), "cut short"),
    "labels cut": (pair(idx(X), idx(T)[:-1]), "train-labels"),
    "images go on": (pair(idx(X) + b"more"), "goes on after"),
    "labels missing for some": (pair(idx(X), idx(T[:3])), "4 images"),
    "wrong magic": (pair(b"\x01" + idx(X)[1:]), "train-images"),
    "unknown type": (pair(b"\0\0\x0a" + idx(X)[3:]), "train-images"),
    "255 axes": (pair(b"\0\0\x08\xff" + bytes(99)), "train-images"),
    "a terabyte is claimed": (pair(claim(10**6, 1000, 1000)), "1,000,000,000,000 bytes"),
    "more than any number is claimed": (pair(claim(*[2**32 - 1] * 5)), "claims to hold"),
    "labels beyond bytes are claimed": (pair(idx(X), claim(2**32 - 1)), "train-labels"),
    "a gzip bomb behind a small claim": (pair(BOMB, name="train-images-idx3-ubyte.gz"), "train-images"),
    "a gzip bomb behind a fair claim": (
        pair(gzip.compress(claim(4, 3, 3) + ZEROS, 9), name="train-images-idx3-ubyte.gz"),
        "goes on after",
    ),
    "gzip cut": (pair(gzip.compress(idx(X))[:-9], name="train-images-idx3-ubyte.gz"), "damaged or cut short"),
    "gzip with a wrong sum": (
        pair(gzip.compress(idx(X))[:-8] + bytes(8), name="train-images-idx3-ubyte.gz"),
        "damaged or cut short",
    ),
    # npz
    "no zip": (lambda folder: table(b"PK\3\4 and then nothing", "set.npz")(folder), "set.npz"),
    "Python objects": (npz(x=OBJECT, t=npy(T)), "never read"),
    "a npz claim of a terabyte": (
        npz(x=header("{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 1000000)}"), t=npy(T)),
        "800,000,000,000 bytes",
    ),
    "a negative claim": (
        npz(x=header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4)}"), t=npy(T)),
        "(-1, 4)",
    ),
    "code in a header": (npz(x=header("{'descr': __import__('os').getcwd(), 'shape': ()}"), t=npy(T)), "set.npz"),
    "a zip bomb in a npz": (npz(x=npy(X) + ZEROS, t=npy(T)), "goes on after"),
    "targets missing": (npz(x=npy(X)), "no targets"),
    "nan": (npz(x=npy(np.full((4, 2), np.nan)), t=npy(T)), "nan"),
    # CIFAR-10
    "a batch cut": (cifar(records(9).tobytes()[:-1]), "data_batch_5_first9.bin"),
    "records of CIFAR-100": (cifar(bytes(3074 * 9)), "no whole number of records"),
    "labels above 9": (cifar(b"\x0a" + bytes(3072)), "label 10"),
    "an empty batch": (cifar(b""), "is empty"),
    "three terabytes of nothing": (sparse, "all of CIFAR-10 has 60,000"),
    "a pickle that runs": (lambda folder: _trap(folder), "os.system"),
    # pictures
    "a picture cut": (pets(png(20, 20, body=NOISE)[:300]), "damaged picture"),
    "no picture": (pets(b"GIF89a, or so it says"), "rex.png"),
    "an empty picture": (pets(b""), "rex.png"),
    "a picture that claims to be huge": (pets(png(60_000, 60_000)), "more than 50,000,000 pixels"),
    "a picture of the largest numbers": (pets(png(2**31 - 1, 2**31 - 1)), "rex.png"),
    "a picture without width": (pets(png(0, 9)), "rex.png"),
    "a bomb in a picture's text": (pets(png(2, 2, (b"zTXt", b"a\0\0" + zlib.compress(ZEROS, 9)))), "rex.png"),
    "a picture of another kind by its name": (pets(b"BM" + bytes(60), "rex.bmp"), "rex.bmp"),
    # tables
    "UTF-16": (table("a,class\n1,x\n".encode("utf-16")), "t.csv"),
    "Latin-1": (table(b"a,class\n1,\xe9t\xe9\n2,x\n"), "line 2"),
    "a zero byte": (table(b"a,class\n1,\0\n"), "zero byte"),
    "a quote that never ends": (table(b'a,class\n1,"x\n2,y\n3,z\n'), "t.csv"),
    "names that stand twice": (table(b"a,a,class\n1,2,x\n"), "'a'"),
    "a row that is too short": (table(b"a,b,class\r\n1,2,x\r\n3,y\r\n"), "row 2 (line 3"),
    "a blank line": (table(b"a,class\n1,x\n\n2,y\n"), "line 3 is blank"),
    "a header alone": (table(b"a,b,class\n"), "no row of data"),
    "a bomb of one line": (table(gzip.compress(b"a,class\n" + bytes(b"1" * (100 << 20)), 9), "t.csv.gz"), "line 2"),
}


def _trap(folder: Path) -> Path:
    cifar(batch(records(2)[:, 1:], [1, 2]), "test_batch")(folder)
    (folder / "data_batch_1.bin").unlink()
    with (folder / "data_batch_1").open("wb") as file:
        file.write(b"\x80\x02cos\nsystem\n(U\x04truetR.")
        file.truncate(31 << 20)
    shutil.copy(folder / "data_batch_1", folder / "test_batch")
    return folder


@pytest.mark.parametrize("name", CORPUS)
def test_a_bad_file_is_refused_in_words(name, tmp_path) -> None:
    if name.startswith(("a picture", "no picture", "an empty picture", "a bomb in a picture")):
        pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")
    make, words = CORPUS[name]
    path = make(tmp_path)
    tracemalloc.start()
    begun = time.monotonic()
    try:
        with pytest.raises(pl.DataError) as error:
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert words in str(error.value)
    assert str(tmp_path) in str(error.value), "the file is named"
    assert len(str(error.value)) < 700
    assert time.monotonic() - begun < SECONDS
    held = 31 << 20 if "nothing" in name or "batch" in name or "CIFAR" in name or "labels above" in name else 0
    assert peak < MEMORY + 2 * held
    run("data", "show", path).error(3, words)


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a name that leads out": (lambda: packed_tar(("cells/../../out.png", b"x")), "leads elsewhere"),
    "a link": (lambda: packed_tar(("cells/a.png", None)), "is a link"),
    "a member twice": (lambda: packed_tar(("cells/a.png", b"x"), ("cells/a.png", b"y")), "twice"),
    "a tar bomb": (lambda: packed_tar(("cells/a.png", ZEROS)), "It is a bomb"),
    "a cut tar": (lambda: packed_tar(("cells/a.png", os.urandom(5000)))[:2000], "damaged or cut short"),
    "a zip bomb": (lambda: packed_zip(("cells/a.png", ZEROS)), "It is a bomb"),
    "a zip that leads out": (lambda: packed_zip(("cells/\\..\\out.png", b"x")), "leads elsewhere"),
    "a zip with a wrong sum": (lambda: packed_zip(("cells/a.png", b"abc")).replace(b"abc", b"abd"), "damaged"),
    "no archive": (lambda: b"<html>Log in first</html>", "damaged or cut short"),
}


def packed_tar(*members: tuple[str, bytes | None]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info, io.BytesIO(content or b""))
    return out.getvalue()


def packed_zip(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members:
            kind = zipfile.ZIP_DEFLATED if len(content) > 100 else zipfile.ZIP_STORED
            archive.writestr(name, content, compress_type=kind)
    return out.getvalue()


CELLS = ["cells/*.png", "cells/*/*/*.png"]


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_bad_archive_is_refused_and_nothing_gets_out(name, tmp_path) -> None:
    make, words = ARCHIVES[name]
    (tmp_path / "archive").write_bytes(make())
    tracemalloc.start()
    try:
        with pytest.raises(pl.DataError, match=words):
            unpack(
                tmp_path / "archive", tmp_path / "in" / "here", ["cells/*.png", "cells/*/*/*.png"], 0, lambda n: None
            )
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
    assert not (tmp_path / "out.png").exists()
    assert not (tmp_path / "in" / "out.png").exists()
    written = [path.stat().st_size for path in tmp_path.rglob("*.png")]
    assert sum(written) < 10 << 20


def test_unwanted_members_are_not_even_opened(tmp_path) -> None:
    raw = packed_zip(
        ("cells/Thumbs.db", b"x"), ("/etc/evil.png", b"x"), ("cells/a.png", b"picture"), ("a/cells/a.png", b"")
    )
    (tmp_path / "cells.zip").write_bytes(raw)
    assert unpack(tmp_path / "cells.zip", tmp_path / "here", ["cells/*.png"], 1, lambda n: None) == 1
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["a.png"]


# ---- pictures of other modes, and what lies beside them -------------------------------------------------------------


def test_pictures_of_every_mode_and_strange_neighbours(tmp_path) -> None:
    Image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")
    folder = tmp_path / "pets"
    folder.mkdir()
    pets(GOOD_PNG)(folder)
    colour = Image.fromarray(np.full((5, 4, 3), (200, 100, 50), np.uint8))
    kinds = {"1": "png", "L": "png", "LA": "png", "P": "gif", "RGBA": "webp", "CMYK": "tif", "YCbCr": "jpg", "F": "tif"}
    for mode, ending in kinds.items():
        colour.convert(mode).save(folder / "cat" / f"{mode}.{ending}")
    Image.fromarray(np.full((5, 4), 40_000, np.uint16)).save(folder / "cat" / "deep.png")
    colour.save(folder / "cat" / "moving.gif", save_all=True, append_images=[colour] * 3)
    for stray in ("Thumbs.db", ".DS_Store", "desktop.ini", "notes.txt", "._rex.png"):
        (folder / "cat" / stray).write_bytes(b"\xd0\xcf\x11\xe0 no picture")
    (folder / "cat" / "folder.png").mkdir()
    (folder / "Thumbs.db").write_bytes(b"no picture either")
    if sys.platform != "win32":
        (folder / "cat" / "gone.png").symlink_to(tmp_path / "nowhere.png")
        (folder / "cat" / "round").symlink_to(folder / "cat")
    data, _ = load(folder)
    assert np.bincount(data.t).tolist() == [1 + len(kinds) + 2, 2]
    assert data.x.shape[1:] == (48, 48, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text exist on Linux only")
def test_a_name_that_is_no_text(tmp_path) -> None:
    pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")
    folder = pets(GOOD_PNG)(tmp_path)
    (Path(os.fsdecode(os.fsencode(folder / "dog") + b"/\xff.png"))).write_bytes(b"no picture")
    with pytest.raises(pl.DataError, match="not a picture"):
        load(folder)


# ---- good files, damaged at random ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["optdigits", "breast_cancer", "titanic", "diabetes"])
def test_only_data_errors_come_from_damaged_tables(name, tmp_path, monkeypatch) -> None:
    """Whole files are damaged as bytes; a packed one is damaged inside as well, where its sum does not protect it."""
    monkeypatch.setattr(places, "SYSTEM", ())
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path))
    folder = "optdigits" if name == "optdigits" else "tables"
    sources = [file for file in published(folder).iterdir() if file.name.startswith(name)]
    (tmp_path / folder).mkdir()
    outcomes = set()
    for seed in range(24):
        for file in sources:
            shutil.copyfile(file, tmp_path / folder / file.name)
        victim = sources[seed % len(sources)]
        raw = victim.read_bytes()
        if victim.suffix == ".gz" and seed % 3:
            raw = gzip.compress(damaged(gzip.decompress(raw), seed))
        else:
            raw = damaged(raw, seed)
        (tmp_path / folder / victim.name).write_bytes(raw)
        try:
            optdigits() if name == "optdigits" else TABLES[name]()
            outcomes.add("read")
        except pl.DataError as error:
            outcomes.add("refused" if str(tmp_path) in str(error) else f"does not name the file: {error}")
    assert outcomes in ({"refused"}, {"read", "refused"})


def test_only_data_errors_come_from_damaged_batches(tmp_path) -> None:
    raw = records(4).tobytes()
    (tmp_path / "good.bin").write_bytes(raw)
    outcomes = set()
    for seed in range(60):
        (tmp_path / "bad.bin").write_bytes(damaged(raw, seed) if seed % 2 else raw[: seed * 100])
        try:
            cifar10(tmp_path, ["good.bin"], ["bad.bin"])
            outcomes.add("read")
        except pl.DataError as error:
            outcomes.add("refused" if "bad.bin" in str(error) else f"does not name the file: {error}")
    assert outcomes == {"read", "refused"}
