"""Good files of every format with bytes changed, removed or put in: what comes is a clean error or a valid data set."""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid.datasets import load, read_table
from pellucid.datasets.tablestream import stream_table
from tests.datasets.files import idx
from tests.datasets.test_bad_input import GOOD, LONGEST, T, X, picture
from tests.datasets.test_corpus import npy, png

EXAMPLES = 40
STEADY = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
Read = Callable[[Path], Any]
NUMBERS = "".join(f"{i},{i / 8},{i % 2}\n" for i in range(40))


def zipped(compressed: bool) -> bytes:
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, x=X, t=T)
    return out.getvalue()


def streamed(path: Path) -> Any:
    return load(path, stream=True)[0]


# by a name: the file that is damaged, what lies beside it, what is read and by whom
FORMATS: dict[str, tuple[str, Callable[[], bytes], dict[str, Callable[[], bytes]], str, list[Read]]] = {
    "a table": ("t.csv", GOOD.encode, {}, "t.csv", [load, read_table, stream_table]),
    "a table of numbers": ("t.csv", ("a,b,class\n" + NUMBERS).encode, {}, "t.csv", [load, read_table, stream_table]),
    "a packed table": ("t.csv.gz", lambda: gzip.compress(GOOD.encode()), {}, "t.csv.gz", [read_table, stream_table]),
    "a npz": ("a.npz", lambda: zipped(False), {}, "a.npz", [load]),
    "a deflated npz": ("a.npz", lambda: zipped(True), {}, "a.npz", [load]),
    "a npy": ("x.npy", lambda: npy(X), {"t.npy": lambda: npy(T)}, "x.npy", [load, streamed]),
    "targets in a npy": ("t.npy", lambda: npy(T), {"x.npy": lambda: npy(X)}, "x.npy", [load, streamed]),
    "IDX images": ("images", lambda: idx(X[:, :, None] > 0), {"labels": lambda: idx(T)}, "images", [load]),
    "IDX labels": ("labels", lambda: idx(T), {"images": lambda: idx(X[:, :, None] > 0)}, "images", [load]),
    **{
        kind: (
            f"p/a/1.{kind.lower()}",
            lambda kind=kind: picture("P" if kind == "GIF" else "RGB", kind),
            {"p/b/2.png": lambda: png(2, 2, body=bytes(6))},
            "p",
            [load, streamed],
        )
        for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP")
    },
}
# what is done to the bytes, at a share of their length: one is changed, some go, some are put in, the rest is cut off
KINDS = ("change", "remove", "insert", "cut")
CHANGES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.floats(0, 1), st.binary(min_size=1, max_size=6)),
    min_size=1,
    max_size=4,
)


def damaged(raw: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for what, share, some in changes:
        at = int(share * len(raw))
        if what == "change":
            raw = raw[:at] + some[:1] + raw[at + 1 :]
        elif what == "remove":
            raw = raw[:at] + raw[at + len(some) :]
        else:
            raw = raw[:at] + (some + raw[at:] if what == "insert" else b"")
    return raw


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_an_error_or_a_data_set(name: str) -> None:
    file, make, others, asked, reads = FORMATS[name]
    if file.startswith("p/"):
        pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")
    good = make()
    outcomes = set[str]()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(CHANGES)
    def attempt(changes: list[tuple[str, float, bytes]]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="pellucid-fuzz-"))
        try:
            for other, raw in ({file: lambda: damaged(good, changes)} | others).items():
                (folder / other).parent.mkdir(parents=True, exist_ok=True)
                (folder / other).write_bytes(raw())
            for read in reads:
                outcomes.add(outcome(read, folder / asked))
            left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
            assert left == {file, *others}
        finally:
            shutil.rmtree(folder)

    attempt()
    assert outcomes <= {"read", "refused"}
    assert "refused" in outcomes


def outcome(read: Read, path: Path) -> str:
    """How reading ended; any other error than ours, and any warning, goes on up."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = read(path)
            data = found[0] if isinstance(found, tuple) else found
            x = data.x[:]
    except pl.DataError as error:
        said = str(error)
        assert str(path.parent) in said, "the file is named"
        assert len(said) < LONGEST
        return "refused"
    assert isinstance(data, pl.Data)
    assert isinstance(x, np.ndarray)
    assert len(x) == len(data.t) == len(data) > 0
    assert x.dtype.names or np.isfinite(x).all()
    if data.classes:
        assert 0 <= int(data.t.min()) <= int(data.t.max()) < len(data.classes)
    else:
        assert np.isfinite(data.t).all()
    return "read"
