"""What people really have: files that are cut, strange, hostile or just of another kind, given to `pellucid train`.

Each is refused in one paragraph that names it, with code 3, within seconds, in a process that may ask for 256 MB more
than it has, and leaves nothing behind; or it is learned, because strange is not wrong. All of them are made here. One
process works through all; what `test_corpus.py` holds is tried there reader by reader.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.datasets.files import ROOT, idx
from tests.datasets.test_corpus import header, npy, png

MORE = 256 << 20  # bytes that the process may ask for, beyond what it had when it was ready
SECONDS = 5.0
LONGEST = 800  # characters of a paragraph
LINUX = sys.platform == "linux"
Make = Callable[[Path], Path]
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
X, T = np.random.default_rng(1).normal(size=(40, 3)), np.arange(40) % 2
ROWS = "".join(f"{i},{i * 7 % 11},{'xy'[i % 2]}\n" for i in range(40))
GOOD = "a,b,class\n" + ROWS


def text(content: str | bytes | Callable[[], bytes], name: str = "t.csv") -> Make:
    """A file of these bytes, or of this text in UTF-8, or of what a function gives."""

    def make(folder: Path) -> Path:
        raw = content() if callable(content) else content
        (folder / name).write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        return folder / name

    return make


def arrays(name: str = "set.npz", **held: Any) -> Make:
    def make(folder: Path) -> Path:
        np.savez(folder / name, **held)
        return folder / name

    return make


def raw_arrays(**held: bytes) -> Make:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "set.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, raw in held.items():
                archive.writestr(f"{name}.npy", raw)
        return folder / "set.npz"

    return make


def beside(x: Any, t: Any = T, name: str = "big_x.npy") -> Make:
    """A .npy file of inputs, an array or bytes, and the targets beside it."""

    def make(folder: Path) -> Path:
        for what, held in ((name, x), (name.replace("x", "t", 1), t)):
            (folder / what).write_bytes(held if isinstance(held, bytes) else npy(held))
        return folder / name

    return make


def picture(mode: str = "RGB", kind: str = "PNG", **options: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    if mode == "I;16":
        image = Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(PIXELS).convert(mode)
    if options.pop("moving", False):
        options |= {"save_all": True, "append_images": [image.rotate(90), image]}
    image.save(out, kind, **options)
    return out.getvalue()


def pets(**files: Any) -> Make:
    """Two folders of good pictures, and these files: bytes, or a function that gives them."""

    def make(folder: Path) -> Path:
        good = png(2, 2, body=bytes(6))
        for kind in ("cat", "dog"):
            (folder / "pets" / kind).mkdir(parents=True)
            for i in range(8):
                (folder / "pets" / kind / f"{i}.png").write_bytes(good)
        for name, content in files.items():
            place = folder / "pets" / name.replace("__", "/").replace("_0_", ".")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content() if callable(content) else content)
        return folder / "pets"

    return make


def folders(*names: str) -> Make:
    """A folder of empty folders."""

    def make(folder: Path) -> Path:
        (folder / "pets").mkdir()
        for name in names:
            (folder / "pets" / name).mkdir()
        return folder / "pets"

    return make


def sparse(name: str, head: bytes, size: int) -> Make:
    """A file that begins like this, is this long, and takes no room."""

    def make(folder: Path) -> Path:
        with (folder / name).open("wb") as out:
            out.write(head)
            out.truncate(size)
        return folder / name

    return make


def then(make: Make, change: Callable[[Path], Any]) -> Make:
    """A file that is then changed."""

    def both(folder: Path) -> Path:
        path = make(folder)
        change(path)
        return path

    return both


def bomb(kind: bytes, data: bytes) -> bytes:
    return png(2, 2, (kind, data), body=bytes(6))


@cache
def packed(form: str) -> bytes:
    """BOMB zeros, as each format packs them: a few hundred kilobytes."""
    zeros = bytes(BOMB)
    if form == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("x.npy", npy(X) + zeros)
            archive.writestr("t.npy", npy(T))
        return out.getvalue()
    return gzip.compress(zeros, 1) if form == "gzip" else zlib.compress(zeros, 1)


def encrypted(folder: Path) -> Path:
    path = arrays(x=X, t=T)(folder)
    raw = bytearray(path.read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        i = -1
        while (i := raw.find(mark, i + 1)) >= 0:
            raw[i + at] |= 1
    path.write_bytes(bytes(raw))
    return path


BOMB = 320 << 20  # bytes that come out of one
HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s)}"
NOISE = random.Random(0).randbytes(4000)

REFUSED: dict[str, tuple[Make, str]] = {
    # tables: bytes that are no text
    "an empty file": (text(b""), "is empty"),
    "only line ends": (text(b"\n\n\n"), "line 1 is blank"),
    "only commas": (text(b",,,\n,,,\n"), "line 1 is blank"),
    "only a byte order mark": (text(b"\xef\xbb\xbf"), "line 1 is blank"),
    "UTF-16 with its mark": (text(GOOD.encode("utf-16")), "UTF-8"),
    "UTF-16 without a mark": (text(GOOD.encode("utf-16-le")), "zero byte"),
    "UTF-32": (text(GOOD.encode("utf-32")), "UTF-8"),
    "Latin-1 in the header": (text("größe,class\n1,x\n".encode("latin-1")), "line 1"),
    "Latin-1 late": (text(GOOD.encode() + "1,2,ü\n".encode("latin-1")), "line 42"),
    "zero bytes": (text(GOOD.encode() + b"1,\0,x\n"), "line 42"),
    "noise": (text(NOISE), "t.csv"),
    "a spreadsheet by another name": (text(b"PK\3\4" + NOISE), "t.csv"),
    "a picture by another name": (text(png(2, 2, body=bytes(6))), "t.csv"),
    "a gzip bomb": (text(lambda: packed("gzip"), "t.csv.gz"), "zero byte"),
    "a gzip bomb of one line": (text(lambda: gzip.compress(b"a" * BOMB, 1), "t.csv.gz"), "longer than"),
    "a gzip bomb of line ends": (text(lambda: gzip.compress(b"\n" * (10 << 20), 1), "t.csv.gz"), "blank"),
    "gzip that is cut": (text(gzip.compress(GOOD.encode() * 99)[:-30], "t.csv.gz"), "cut short"),
    "gzip with a wrong sum": (text(gzip.compress(GOOD.encode())[:-8] + bytes(8), "t.csv.gz"), "damaged"),
    "a line that never ends": (sparse("t.csv", b"a,class\n1,x\n", 1 << 34), "line 3"),
    # tables: their form
    "one line without an end": (text("a,b,class"), "no row of data"),
    "one row without a header or an end": (text("1,2,3"), "does not say which column"),
    "a header alone": (text("a,b,class\n"), "no row of data"),
    "carriage returns alone": (text(GOOD.replace("\n", "\r")), "carriage return"),
    "carriage returns in between": (text(GOOD + "1,2\r,x\n"), "line 42"),
    "an open quote": (text(GOOD + '1,"2,x\n' + ROWS), "quotation mark"),
    "an open quote in the header": (text('a,"b,class\n' + ROWS), "quotation mark"),
    "text behind a quote": (text(GOOD + '1,"2"3,x\n'), "line 42"),
    "columns of one name": (text("a,a,class\n" + ROWS), "'a'"),
    "a column without a name": (text("a,,class\n" + ROWS), "column 2"),
    "a short row": (text(GOOD + "1,x\n"), "row 41 (line 42"),
    "a long row": (text(GOOD + "1,2,3,x\n"), "row 41 (line 42"),
    "a blank line": (text(GOOD + "\n" + ROWS), "line 42 is blank"),
    "a million columns": (text(",".join(f"c{i}" for i in range(10**6)) + "\n"), "columns"),
    "a million columns and rows": (
        text((",".join(f"c{i}" for i in range(10**6)) + "\n") + ("1," * (10**6 - 1) + "2\n") * 2), "1,000,000 columns",
    ),
    "a million columns without a name": (text(("1," * (10**6 - 1) + "2\n") * 2), "columns"),
    "a cell of a million letters": (text(GOOD + f"1,{'w' * 10**6},x\n"), "line 42"),
    "no target": (text("a,b\n1,2\n3,4\n"), "does not say which column"),
    "two targets": (text("a,label,target\n1,2,3\n"), "label and target"),
    "one column": (text("class\n1\n2\n"), "one column"),
    # tables: their cells
    "a word among numbers": (text(GOOD + "oops,2,x\n"), "row 41 (line 42 of the file), column 1 ('a') holds 'oops'"),
    "commas for points": (text(GOOD + '"1,5",2,x\n'), "row 41"),
    "infinity": (text(GOOD + "inf,2,x\n"), "row 41"),
    "a number beyond any": (text(GOOD + "1e999,2,x\n"), "row 41"),
    "an empty target": (text(GOOD + "1,2,\n"), "row 41"),
    "a target of nan": (text("a,class\n1,0.5\n2,nan\n"), "row 2"),
    "one class": (text(GOOD.replace("y\n", "x\n")), "every row"),
    "a class of one row": (text(GOOD + "1,2,z\n"), "'z'"),
    "nothing but one row": (text("a,b,class\n1,2,x\n"), "one sample only"),
    "nothing to learn from": (text("a,class\n" + "1,x\n1,y\n" * 9), "t.csv"),
    # npz
    "a npz without targets": (arrays(x=X), "no targets"),
    "a npz of other names": (arrays(alpha=X, beta=T), "alpha, beta"),
    "a npz of nothing": (arrays(), "no inputs"),
    "a npz of objects": (arrays(x=np.array([{}, {}], object), t=[0, 1]), "never read"),
    "a npz whose targets are objects": (arrays(x=X, t=np.array([None] * 40, object)), "never read"),
    "a npz that is cut": (then(arrays(x=X, t=T), lambda p: p.write_bytes(p.read_bytes()[:-40])), "damaged"),
    "a npz with a wrong sum": (raw_arrays(x=npy(X), t=npy(T)[:-1]), "cut short"),
    "a npz under a password": (encrypted, "packed in a way"),
    "a npz of a terabyte": (raw_arrays(x=header(HUGE % "10**6, 10**5"), t=npy(T)), "cannot be read"),
    "a npz that claims a terabyte": (raw_arrays(x=header(HUGE % "1000000, 100000"), t=npy(T)), "800,000,000,000"),
    "a npz that claims beyond numbers": (raw_arrays(x=header(HUGE % "1" + "0" * 60 + ","), t=npy(T)), "set.npz"),
    "a zip bomb": (text(lambda: packed("zip"), "set.npz"), "goes on after"),
    "a npz of complex numbers": (arrays(x=X + 1j, t=T), "complex"),
    "a npz of dates": (arrays(x=np.zeros((4, 2), "M8[s]"), t=[0, 1, 0, 1]), "numbers or labels"),
    "a npz of records": (arrays(x=np.zeros(4, "f8,f8"), t=[0, 1, 0, 1]), "numbers or labels"),
    "a npz of words": (arrays(x=np.array([["a"], ["b"]]), t=[0, 1]), "not numbers"),
    "a npz of one number": (arrays(x=np.float64(3), t=np.float64(1)), "single number"),
    "a npz of nan": (arrays(x=np.where(X > 0, X, np.nan), t=T), "nan"),
    "a npz of infinity": (arrays(x=np.where(X > 0, X, np.inf), t=T), "inf"),
    "a npz without samples": (arrays(x=X[:0], t=T[:0]), "empty"),
    "a npz of samples without numbers": (arrays(x=X[:, :0], t=T), "set.npz"),
    "a npz of another length": (arrays(x=X, t=T[:-1]), "40 inputs but 39 targets"),
    "a npz of negative labels": (arrays(x=X, t=T - 1), "label of sample 1 is -1"),
    "a npz of labels without bound": (arrays(x=X, t=T + 2**40), "label of sample 1"),
    "a npz of one class": (arrays(x=X, t=T * 0), "one class"),
    "a npz of one sample": (arrays(x=X[:1], t=T[:1]), "set.npz"),
    "a npz whose parts differ": (arrays(x_train=X, t_train=T, x_test=X[:, 1:], t_test=T), "differ in shape"),
    "a text by the name of a npz": (text("hello", "set.npz"), "damaged"),
    # npy
    "a npy without targets": (text(npy(X), "big_x.npy"), "targets are missing"),
    "a npy that is cut": (beside(npy(X)[:-1]), "cut short"),
    "a npy that is cut in its header": (beside(npy(X)[:30]), "big_x.npy"),
    "a npy of objects": (beside(np.array([{}, {}], object), [0, 1]), "never read"),
    "a npy of words": (beside(np.array(["a", "b"] * 20)), "not numbers"),
    "a npy that claims a terabyte": (beside(header(HUGE % "1000000, 100000")), "800,000,000,000"),
    "a npy that is a hole": (sparse("big_x.npy", header(HUGE % "1000000, 100000"), 1 << 40), "targets are missing"),
    "a npy of a newer kind": (beside(b"\x93NUMPY\2\0" + npy(X)[8:]), "not a plain .npy"),
    "a npy of one class": (beside(X, T * 0), "one class"),
    "targets that are cut": (beside(X, npy(T)[:-3]), "big_t.npy"),
    # IDX
    "IDX labels alone": (text(idx(T), "train-labels-idx1-ubyte"), "images"),
    "IDX images alone": (text(idx(np.zeros((4, 3, 3))), "train-images-idx3-ubyte"), "labels"),
    "IDX cut": (text(idx(np.zeros((4, 3, 3)))[:-1], "images.idx"), "images.idx"),
    # folders of pictures
    "an empty folder": (folders(), "should hold"),
    "a folder of one class": (then(pets(), lambda p: (p / "dog").rename(p.parent / "dog")), "only one, cat"),
    "a folder of files": (then(folders(), lambda p: (p / "a.png").write_bytes(b"")), "should hold"),
    "a folder of empty folders": (folders("a", "b"), "should hold"),
    "a picture of a class alone": (pets(owl__a_0_png=lambda: png(2, 2, body=bytes(6))), "'owl'"),
    "an empty picture": (pets(dog__rex_0_png=b""), "rex.png"),
    "a text by the name of a picture": (pets(dog__rex_0_png=b"hello"), "rex.png"),
    "a PNG that is cut": (pets(dog__rex_0_png=lambda: picture()[:-60]), "rex.png"),
    "a JPEG that is cut": (pets(dog__rex_0_jpg=lambda: picture(kind="JPEG")[:300]), "rex.jpg"),
    "a PNG that claims 3.6 billion pixels": (pets(dog__rex_0_png=png(60_000, 60_000)), "50,000,000"),
    "a PNG of the largest numbers": (pets(dog__rex_0_png=png(2**31 - 1, 2**31 - 1)), "rex.png"),
    "a PNG without width": (pets(dog__rex_0_png=png(0, 9)), "rex.png"),
    "a PNG whose text is a bomb": (pets(dog__rex_0_png=lambda: bomb(b"zTXt", b"a\0\0" + packed("zlib"))), "rex.png"),
    "a PNG whose hues are a bomb": (pets(dog__rex_0_png=lambda: bomb(b"iCCP", b"a\0\0" + packed("zlib"))), "rex.png"),
    "a GIF that is cut": (pets(dog__rex_0_gif=lambda: picture("P", "GIF")[:30]), "rex.gif"),
    "a TIFF that is cut": (pets(dog__rex_0_tif=lambda: picture(kind="TIFF")[:-90]), "rex.tif"),
    "a BMP that claims much": (
        pets(dog__rex_0_bmp=b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 40_000, 40_000, 1, 24, *[0] * 6)),
        "rex.bmp",
    ),
    "a WebP that is noise": (pets(dog__rex_0_webp=b"RIFF\x99\0\0\0WEBPVP8 " + NOISE[:90]), "rex.webp"),
    # other things
    "a folder by the name of a table": (then(text(""), lambda p: (p.unlink(), p.mkdir())), "t.csv"),
    "a text": (text("hello", "notes.txt"), "notes.txt"),
    "a zip": (text(b"PK\3\4" + NOISE, "set.zip"), "unzip it"),
    "a picture": (text(png(2, 2, body=bytes(6)), "cat.png"), "something to predict"),
    "nothing there": (lambda folder: folder / "gone.csv", "no file or folder"),
    "a link to nothing": (then(text(""), lambda p: (p.unlink(), p.symlink_to(p.parent / "gone"))), "no file or folder"),
    "a link to itself": (then(text(""), lambda p: (p.unlink(), p.symlink_to(p))), "t.csv"),
    "a name without an end": (lambda folder: folder / ("n" * 300 + ".csv"), "csv"),
    "a bad file with a strange name": (text(GOOD + "1,x\n", "pé ts\n🐈.csv"), "row 41"),
}  # fmt: skip
if LINUX:
    REFUSED |= {
        "a pipe": (then(text(""), lambda p: (p.unlink(), os.mkfifo(p))), "no ordinary file"),
        "a device": (then(text(""), lambda p: (p.unlink(), p.symlink_to("/dev/zero"))), "no ordinary file"),
        "a name that is no text": (lambda folder: text(GOOD + "1,x\n", os.fsdecode(b"\xff.csv"))(folder), "row 41"),
    }
if hasattr(os, "geteuid") and os.geteuid() != 0:  # root may read everything, so there it cannot be tried
    REFUSED |= {
        "a file that may not be read": (then(text(GOOD), lambda p: p.chmod(0)), "cannot be read"),
        "a folder that may not be read": (then(pets(), lambda p: (p / "dog").chmod(0)), "dog"),
    }


def strays(folder: Path) -> Path:
    """Pictures of every mode, and what systems leave in folders."""
    path = pets()(folder)
    modes = {
        "1": "PNG",
        "L": "PNG",
        "LA": "PNG",
        "P": "GIF",
        "RGBA": "WEBP",
        "CMYK": "TIFF",
        "YCbCr": "JPEG",
        "I;16": "PNG",
    }
    for i, (mode, kind) in enumerate(modes.items()):
        (path / "cat" / f"mode{i}.{kind.lower()}").write_bytes(picture(mode, kind))
    (path / "cat" / "moving.gif").write_bytes(picture("P", "GIF", moving=True))
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._rex.png", ".hidden.png", "notes.txt"):
        for place in (path, path / "dog"):
            (place / name).write_bytes(b"no picture")
    for name in ("empty", ".git", "__MACOSX", "only_notes"):
        (path / name).mkdir()
    (path / "only_notes" / "a.txt").write_text("no picture")
    (path / "dog" / "folder.png").mkdir()
    if LINUX:
        (path / "dog" / "round").symlink_to(path)
        (path / "dog" / "itself.png").symlink_to(path / "dog" / "itself.png")
        (path / "loop").symlink_to(path / "loop")
    return path


LEARNED: dict[str, Make] = {
    "a good table": text(GOOD),
    "a byte order mark": text("\ufeff" + GOOD),
    "carriage returns and line ends": text(GOOD.replace("\n", "\r\n")),
    "no last line end": text(GOOD.rstrip()),
    "blank lines at the end": text(GOOD + "\n\n,,\n"),
    "line ends in quotes": text("a,b,class\n" + "".join(f'{i % 7},"{i % 3}\n",{"xy"[i % 2]}\n' for i in range(40))),
    "quotes in quotes": text("a,b,class\n" + "".join(f'{i % 7},"a ""{i % 3}""",{"xy"[i % 2]}\n' for i in range(40))),
    "tabs": text(GOOD.replace(",", "\t"), "t.tsv"),
    "semicolons": text(GOOD.replace(",", ";")),
    "spaces around cells": text(GOOD.replace(",", " , ")),
    "cells that are missing": text(GOOD + ",1,x\nNA,?,y\n"),
    "a table that is not packed although it says so": text(GOOD, "t.csv.gz"),
    "a packed table that does not say so": text(gzip.compress(GOOD.encode())),
    "words of every script": text(GOOD.replace("x\n", "кот\n").replace("y\n", "🐶\n")),
    "a strange name": text(GOOD, "pé ts\n🐈 x.csv"),
    "a fortran npz": arrays(x=np.asfortranarray(X), t=T),
    "a big-endian npz": arrays(x=X.astype(">f4"), t=T.astype(">i2")),
    "a npz of booleans": arrays(x=X > 0, t=T > 0),
    "a npz of halves": arrays(x=X.astype(np.float16), y=T),
    "a npz of one-hot rows": arrays(x=X, t=np.eye(2)[T]),
    "a npz of words as targets": arrays(x=X, labels=np.array(["x", "y"])[T]),
    "a fortran npy": beside(np.asfortranarray(X)),
    "a big-endian npy": beside(X.astype(">f8"), T.astype(">u4")),
    "pictures of every mode among strays": strays,
}  # fmt: skip
PICTURES = {name for name, (make, _) in REFUSED.items() if make.__qualname__.startswith("pets")} | {
    "pictures of every mode among strays", "a folder of one class",
}  # fmt: skip

WORKER = """
import gc, json, resource, sys, time
from pathlib import Path
import numpy as np
from tests.cli.tools import run
from tests.cli.tools import files
import pellucid as pl, PIL.Image
from pellucid.datasets import read_table
PIL.Image.init()
asked = json.loads(sys.stdin.read())
first = asked.pop(0)
assert run("train", first["path"], "--epochs", 1, "--output", first["out"]).code == 0  # everything is imported
gc.collect()
limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + first["more"]
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for case in asked:
    begun = time.process_time()
    told = run("train", case["path"], "--epochs", 1, "--output", case["out"], *case["options"])
    taken = time.process_time() - begun
    print(json.dumps({"name": case["name"], "code": int(told.code), "err": told.err, "seconds": taken}), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every case in one process: how each ended, and what was in its folder before and afterwards."""
    if not LINUX:
        pytest.skip("measures and limits memory as Linux does")
    pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")
    root = tmp_path_factory.mktemp("bad")
    cases: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    makes = {"warm": LEARNED["a good table"]} | {n: make for n, (make, _) in REFUSED.items()} | LEARNED
    for i, (name, make) in enumerate(makes.items()):
        folder = root / str(i)
        folder.mkdir()
        path = make(folder)
        options = ["--no-stream"] if i % 2 else []
        case = {"name": name, "path": str(path), "out": str(folder / "model"), "options": options, "more": MORE}
        cases.append(case)
        before[name] = held(folder)
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "OPENBLAS_NUM_THREADS": "1"}
    environment |= {"PELLUCID_KERNELS": "reference", "TMPDIR": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        env=environment,
        cwd=root,
    )
    found = {told["name"]: told for told in map(json.loads, done.stdout.splitlines())}
    for case in cases[1:]:
        name = case["name"]
        assert name in found, f"{name} ended the process: {done.stderr[-2000:]}"
        after = held(Path(case["out"]).parent)
        found[name] |= {"path": case["path"], "left": after - before[name], "lost": before[name] - after}
    return found


def held(folder: Path) -> set[tuple[str, int]]:
    """What is in a folder: names and sizes."""
    found = set()
    for place, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(place, name)
            found.add(
                (str(path.relative_to(folder)), path.lstat().st_size if stat.S_ISREG(path.lstat().st_mode) else 0)
            )
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_in_a_paragraph(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    told = outcomes[name]
    assert told["code"] == 3, told["err"]
    said = told["err"][told["err"].index("Error: ") :]
    assert REFUSED[name][1] in said
    folder, shown = str(Path(told["path"]).parent), Path(told["path"]).name
    assert folder in said, "the file or folder is named"
    assert "Traceback" not in said
    assert len(said) < LONGEST
    assert said.rstrip("\n").count("\n") <= shown.count("\n") * said.count(shown), "one paragraph"
    assert told["seconds"] < SECONDS
    assert not told["left"], "nothing is left behind"
    assert not told["lost"], "nothing is lost"


@pytest.mark.parametrize("name", LEARNED)
def test_what_is_only_strange_is_learned(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    told = outcomes[name]
    assert told["code"] == 0, told["err"]
    assert {name for name, _ in told["left"]} == {"model"}
    assert not told["lost"]
