"""A named set is found wherever it may lie, fetched only when that is asked for, and once for all who ask at once."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import pellucid as pl
from pellucid.datasets import cifar10, diabetes, fashion_mnist, fetch, load, mnist, optdigits, places, titanic, transfer
from pellucid.datasets.catalog import CATALOG, ENTRIES
from pellucid.datasets.entry import Entry, File
from pellucid.datasets.fetch import located
from pellucid.datasets.places import find, home
from tests.datasets.files import FASHION, published, write_pair
from tests.datasets.server import Mirror, mirror, ranges, slow, status, whole
from tests.datasets.test_transfer import child, sha

pytest.importorskip("filelock", reason="needs the data extra: pip install 'pellucid[data]'")
pytest.importorskip("platformdirs", reason="needs the data extra: pip install 'pellucid[data]'")
ADDRESS = re.compile(r"https?://[\w.-]+/[\w./~-]*/$|https?://[\w.-]+/$")
FOUR = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No data on this machine: an empty cache, no PELLUCID_DATA, no system's folders, no scikit-learn."""
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.delenv("PELLUCID_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(places, "SYSTEM", ())
    monkeypatch.setattr(places, "_scikit", lambda: None)
    monkeypatch.setattr(transfer, "PAUSE", 0.0)


@pytest.fixture
def server() -> Iterator[Mirror]:
    with mirror() as there:
        yield there


def publish(monkeypatch: pytest.MonkeyPatch, name: str, mirrors: list[str], **files: bytes) -> Entry:
    """Let the catalogue say that the set consists of these files; its packed originals are not known."""
    said = tuple(File(file.replace("__", "."), len(body), sha(body)) for file, body in files.items())
    entry = replace(CATALOG[name], files=said, mirrors=tuple(mirrors))
    monkeypatch.setitem(CATALOG, name, entry)
    return entry


def small_tar(batches: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {**batches, "readme.html": b"<html>"}.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


# ---- the catalogue --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry: Entry) -> None:
    assert CATALOG[entry.name] is entry
    assert all((entry.what, entry.samples, entry.licence, entry.source))
    assert bool(entry.files) == bool(entry.mirrors) == bool(entry.folders) == bool(entry.holds)
    assert all(ADDRESS.fullmatch(address) for address in entry.mirrors)
    for file in entry.files:
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in (file.sha256, file.unpacked) if digest)
        assert file.size > 0
        assert (len(file.sha256), bool(file.unpacked)) == (64, "ubyte" in file.name)
    assert not entry.members or len(entry.files) == 1
    assert callable(getattr(pl.datasets, entry.name))


def test_digests_and_sizes_are_those_of_the_published_files() -> None:
    root = published()
    checked = []
    for entry in ENTRIES:
        for file in entry.files:
            for path in (root / folder / file.name for folder in entry.folders):
                if path.is_file():
                    assert path.stat().st_size == file.size
                    assert sha(path.read_bytes()) == file.sha256
                    checked.append(file.name)
    assert len(checked) >= 10


# ---- finding --------------------------------------------------------------------------------------------------------


def test_a_folder_laid_out_like_ours_is_recognised_as_it_is(monkeypatch) -> None:
    root = published()
    monkeypatch.setenv("PELLUCID_DATA", str(root))
    for name, folder in {
        "mnist": "mnist",
        "cifar10": "cifar-10",
        "malaria": "malaria/cell_images",
        "optdigits": "optdigits",
        "breast_cancer": "tables",
        "california_housing": "tables",
        "titanic": "tables",
        "diabetes": "tables",
    }.items():
        assert located(name) == root / folder
    assert find(CATALOG["fashion_mnist"]) is None
    train, test = mnist()
    assert (len(train), len(test), train.name) == (60_000, 10_000, "mnist")
    assert [len(part) for part in optdigits()] == [3823, 1797]
    assert optdigits()[0].x.max() == 16
    assert (diabetes().x.shape, round(float(diabetes().t.mean()), 2)) == ((442, 10), 152.13)
    assert titanic().x["deck"][1] == "C"
    assert fetch("titanic") == root / "tables"  # the published bytes: nothing to do


def test_debians_fashion_mnist_counts_by_its_content(monkeypatch) -> None:
    if not FASHION.exists():
        pytest.skip(f"needs Fashion-MNIST in {FASHION}, which Debian's package dataset-fashion-mnist installs")
    monkeypatch.setattr(places, "SYSTEM", (FASHION.parent,))
    assert fetch("fashion_mnist") == FASHION  # its packed files differ from the published ones
    assert fashion_mnist()[1].classes[9] == "Ankle boot"


def test_scikit_learns_tables_are_found_without_importing_it(monkeypatch, tmp_path) -> None:
    """A package of that name, with its table, which cannot be imported."""
    table = published("tables", "breast_cancer.csv")
    monkeypatch.undo()
    folder = tmp_path / "sklearn" / "datasets" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "sklearn" / "__init__.py").write_text("raise AssertionError('it was imported')")
    (folder / "breast_cancer.csv").write_bytes(table.read_bytes())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    assert places._scikit() == folder
    assert find(replace(CATALOG["breast_cancer"], folders=())) == folder
    assert "sklearn" not in sys.modules


def test_pellucid_data_comes_before_the_cache(monkeypatch, tmp_path) -> None:
    for root in (tmp_path / "told", home()):
        (root / "mnist").mkdir(parents=True)
        write_pair(root / "mnist", "train", [[[1]]], [0])
        write_pair(root / "mnist", "t10k", [[[1]]], [0])
    assert located("mnist") == home() / "mnist"
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "told"))
    assert located("mnist") == tmp_path / "told" / "mnist"
    (tmp_path / "told" / "mnist" / FOUR[3]).unlink()  # one of four is missing: that is not the set
    assert located("mnist") != tmp_path / "told" / "mnist"


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES if entry.files])
def test_a_set_that_is_not_here_says_how_to_get_it_and_asks_nobody(name, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(transfer, "_opener", lambda: pytest.fail("asked the network"))
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "told"))
    with pytest.raises(pl.DataError) as error:
        load(name)
    said, entry = str(error.value), CATALOG[name]
    for word in (
        f"The data set {name} is not on this machine",
        str(tmp_path / "told" / entry.folders[0]),
        f"pellucid data fetch {name}",
        "download=True",
        entry.licence,
        entry.files[0].name,
        entry.mirrors[0],
    ):
        assert word in said
    assert "\n" not in said


def test_names_that_cannot_be_fetched() -> None:
    with pytest.raises(pl.DataError, match="no data set 'mnits'"):
        fetch("mnits")
    with pytest.raises(pl.UsageError, match="iris is always here"):
        fetch("iris")


# ---- fetching -------------------------------------------------------------------------------------------------------


def test_fetch_gets_what_is_missing_or_damaged_and_nothing_else(server, monkeypatch) -> None:
    publish(monkeypatch, "optdigits", [server.address + "/"], optdigits__tra=b"1,2\n", optdigits__tes=b"3,4\n")
    server.put("optdigits.tra", whole(b"1,2\n"))
    server.put("optdigits.tes", whole(b"3,4\n"))
    folder = fetch("optdigits")
    assert folder == home() / "optdigits"
    assert (folder / "optdigits.tes").read_bytes() == b"3,4\n"
    assert [path for path, _ in server.asked] == ["/optdigits.tra", "/optdigits.tes"]
    assert fetch("optdigits") == folder
    (folder / "optdigits.tes").write_bytes(b"3,")
    (folder / "optdigits.tra").unlink()
    fetch("optdigits")
    assert (folder / "optdigits.tes").read_bytes() == b"3,4\n"
    assert len(server.asked) == 4


def test_a_damaged_set_that_is_not_ours_is_left_alone(server, monkeypatch, tmp_path) -> None:
    publish(monkeypatch, "titanic", [server.address + "/"], titanic__csv=b"a,b\n")
    monkeypatch.setattr(places, "SYSTEM", (tmp_path / "system",))
    (tmp_path / "system" / "tables").mkdir(parents=True)
    (tmp_path / "system" / "tables" / "titanic.csv").write_text("changed")
    with pytest.raises(pl.DataError, match=r"holds titanic, but titanic.csv there is not the published file"):
        fetch("titanic")
    assert (server.asked, (tmp_path / "system" / "tables" / "titanic.csv").read_text()) == ([], "changed")


def test_downloads_go_to_pellucid_data_if_it_may_be_written_to(server, monkeypatch, tmp_path) -> None:
    publish(monkeypatch, "titanic", [server.address + "/"], titanic__csv=b"a,b\n")
    server.put("titanic.csv", whole(b"a,b\n"))
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "told" / "here"))
    assert fetch("titanic") == tmp_path / "told" / "here" / "tables"
    monkeypatch.setattr(os, "access", lambda *args, **options: False)
    assert home() == places.cache()


def test_an_archive_is_unpacked_as_a_whole_and_thrown_away(server, monkeypatch) -> None:
    batches = {f"data_batch_{i}.bin": bytes([i]) * 3073 for i in range(1, 6)} | {"test_batch.bin": bytes(3073)}
    packed = small_tar(batches)
    publish(monkeypatch, "cifar10", [server.address + "/"], **{"cifar-10-binary__tar__gz": packed})
    server.put("cifar-10-binary.tar.gz", ranges(packed))
    told = []
    folder = fetch("cifar10", lambda *said: told.append(said))
    assert folder == home() / "cifar-10"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == batches
    assert {path.name for path in home().iterdir()} == {"cifar-10", ".cifar10.lock"}
    assert told[-1] == ("unpacking cifar-10-binary.tar.gz", 6 * 3073, 0)
    assert len(cifar10(train=["data_batch_1.bin"], test=["test_batch.bin"])[0]) == 1


def test_an_archive_that_was_brought_by_hand_is_unpacked_and_kept(monkeypatch, tmp_path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("Parasitized/C1P1_a.png", "Uninfected/C2P1_b.png", "Uninfected/Thumbs.db", "../../evil.png"):
            archive.writestr(f"cell_images/{name}", b"picture")
    publish(monkeypatch, "malaria", ["http://127.0.0.1:9/"], cell_images__zip=packed.getvalue())
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "told"))
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "cell_images.zip").write_bytes(packed.getvalue())
    assert fetch("malaria") == tmp_path / "told" / "malaria" / "cell_images"
    names = {path.name for path in (tmp_path / "told").rglob("*") if path.is_file()}
    assert names == {"cell_images.zip", ".malaria.lock", "C1P1_a.png", "C2P1_b.png"}
    shutil.rmtree(tmp_path / "told" / "malaria" / "cell_images" / "Uninfected")
    with pytest.raises(pl.FileError, match=r"malaria is in the way"):
        fetch("malaria")


def test_too_little_room_is_said_before_anything_is_asked(server, monkeypatch) -> None:
    publish(monkeypatch, "titanic", [server.address + "/"], titanic__csv=b"a,b\n")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1_000_000})())
    with pytest.raises(pl.FileError, match=r"titanic needs 67.1 MB in .*, and 1.0 MB are free there"):
        fetch("titanic")
    assert server.asked == []


def test_all_mirrors_are_tried_and_each_is_named(server, monkeypatch) -> None:
    publish(monkeypatch, "titanic", [f"{server.address}/{at}/" for at in "abc"], titanic__csv=b"a,b\n")
    server.put("b/titanic.csv", whole(b"a,c\n"))
    server.put("c/titanic.csv", status(503))
    with pytest.raises(pl.DataError) as error:
        fetch("titanic")
    for words in ("/a/titanic.csv answered 404", "/b/titanic.csv sent something else", "/c/titanic.csv answered 503"):
        assert words in str(error.value)


FETCH = """
import sys
from dataclasses import replace
from pellucid.datasets import fetch, places
from pellucid.datasets.catalog import CATALOG
from pellucid.datasets.entry import File
places.SYSTEM, places._scikit = (), lambda: None
address, size, digest = sys.argv[1:]
CATALOG["titanic"] = replace(CATALOG["titanic"], files=(File("titanic.csv", int(size), digest),), mirrors=(address,))
print("ready", flush=True)
fetch("titanic", lambda what, done, total: print(what, flush=True))
print("done", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="starts processes as POSIX does")
def test_two_processes_share_one_download(server, tmp_path, monkeypatch) -> None:
    body = bytes(range(256)) * 800
    server.put("titanic.csv", slow(body, pieces=10, pause=0.1))
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "told"))
    both = [child(FETCH, server.address + "/", str(len(body)), sha(body)) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert all(text.startswith("ready") and text.endswith("done\n") for text in said)
    assert len(server.asked) == 1
    assert sum("waiting for another process that fetches titanic" in text for text in said) == 1
    assert (tmp_path / "told" / "tables" / "titanic.csv").read_bytes() == body


def test_the_message_names_the_extra(monkeypatch, server) -> None:
    publish(monkeypatch, "titanic", [server.address + "/"], titanic__csv=b"a,b\n")
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(pl.UsageError, match=r"filelock.*pellucid\[data\]"):
        fetch("titanic")
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    with pytest.raises(pl.UsageError, match=r"platformdirs.*pellucid\[data\].*PELLUCID_DATA"):
        fetch("titanic")
    with pytest.raises(pl.DataError, match=r"no folder, because none is known \(PELLUCID_DATA is not set\)"):
        located("titanic")
